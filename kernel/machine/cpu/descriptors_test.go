package cpu

import (
	"encoding/binary"
	"testing"
	"unsafe"
)

// A segment is what a descriptor of eight bytes says: Intel SDM volume 3,
// section 3.4.5.
type segment struct {
	base, limit          uint32
	kind                 byte // 4 bits
	system, present      bool
	dpl                  byte
	long, size32, in4KiB bool
}

func decode(d uint64) segment {
	return segment{
		base: uint32(d>>16&0xffffff | d>>56<<24), limit: uint32(d&0xffff | d>>48&0xf<<16),
		kind: byte(d >> 40 & 0xf), system: d>>44&1 == 0, dpl: byte(d >> 45 & 3), present: d>>47&1 != 0,
		long: d>>53&1 != 0, size32: d>>54&1 != 0, in4KiB: d>>55&1 != 0,
	}
}

// gdtWords are the descriptors as the processor finds them: one after another.
func gdtWords(c *CPU) [9]uint64 { return *(*[9]uint64)(unsafe.Pointer(&c.gdt)) }

var tested CPU // where the heap and stacks cannot move it

// newCPU returns a CPU of which nothing is set.
func newCPU() *CPU {
	tested = CPU{}
	return &tested
}

func TestSegments(t *testing.T) {
	c := newCPU()
	c.buildGDT()
	const accessedData, accessedCode = 3, 11
	code := segment{limit: 0xfffff, kind: accessedCode, present: true, long: true, in4KiB: true}
	data := segment{limit: 0xfffff, kind: accessedData, present: true, size32: true, in4KiB: true}
	words := gdtWords(c)
	for selector, want := range map[int]segment{KernelCS: code, KernelSS: data, UserCS: code, UserSS: data} {
		want.dpl = byte(selector & 3)
		if got := decode(words[selector/8]); got != want {
			t.Errorf("selector %#x: %+v, want %+v", selector, got, want)
		}
	}
	for _, i := range []int{0, 3, 4} { // no 32-bit code, above all
		if words[i] != 0 {
			t.Errorf("descriptor %d is %#x", i, words[i])
		}
	}
}

// TestSelectorsFitSYSCALL: the instructions derive three selectors from STAR.
func TestSelectorsFitSYSCALL(t *testing.T) {
	if KernelSS != KernelCS+8 {
		t.Error("SYSCALL loads another stack segment")
	}
	if UserCS != starUserBase+16 || UserSS != starUserBase+8 || UserCS&3 != 3 || UserSS&3 != 3 {
		t.Error("SYSRET loads other segments")
	}
}

func TestTaskState(t *testing.T) {
	c := newCPU()
	c.buildGDT()
	words := gdtWords(c)
	low := decode(words[tssSel/8])
	base := uintptr(low.base) | uintptr(words[tssSel/8+1])<<32
	if base != uintptr(unsafe.Pointer(&c.tss)) {
		t.Errorf("the task state is at %#x, not %p", base, &c.tss)
	}
	low.base = 0
	if want := (segment{limit: 103, kind: 9, system: true, present: true}); low != want {
		t.Errorf("%+v, want %+v", low, want)
	}
	c.gdtTSS(0x123456789abcdef0, 0x67)
	if words := gdtWords(c); words[7] != 0x9a0089bcdef00067 || words[8] != 0x12345678 {
		t.Errorf("%#x", words[7:])
	}
}

func TestPseudoDescriptor(t *testing.T) {
	var d [16]byte
	putDescriptor(&d, 0x1122334455667788, 0x0fff)
	if d != [16]byte{0xff, 0x0f, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11} {
		t.Errorf("% x", d)
	}
}

// ist returns an entry of the interrupt stack table: Intel SDM volume 3, figure
// 9-11.
func ist(c *CPU, n int) uintptr {
	tss := unsafe.Slice((*byte)(unsafe.Pointer(&c.tss)), unsafe.Sizeof(c.tss))
	return uintptr(binary.LittleEndian.Uint64(tss[0x24+8*(n-1):]))
}

var stackMemory [6][stackSize]byte

func TestStacks(t *testing.T) {
	c := newCPU()
	c.self = uintptr(unsafe.Pointer(c))
	end := func(i int) uintptr { return uintptr(unsafe.Pointer(&stackMemory[i])) + stackSize }
	s := Stacks{Trap: end(3), Exception: end(1), NMI: end(5), DoubleFault: end(0), MachineCheck: end(4), Debug: end(2)}
	c.SetInterruptStack(0x1122334455667788)
	c.setStacks(s)
	if got := ist(c, 1); got != 0x1122334455667788 {
		t.Errorf("interrupts use %#x", got)
	}
	if got := ist(c, 2); got != s.Exception {
		t.Errorf("exceptions use %#x, want %#x", got, s.Exception)
	}
	for n, want := range map[int]uintptr{3: s.NMI, 4: s.DoubleFault, 5: s.MachineCheck, 6: s.Debug} {
		if got := ist(c, n); got != want-16 {
			t.Errorf("stack %d begins at %#x, want %#x", n, got, want-16)
			continue
		}
		i := (want - end(0)) / stackSize
		if above := binary.LittleEndian.Uint64(stackMemory[i][stackSize-16:]); uintptr(above) != c.self {
			t.Errorf("above the frame on stack %d is %#x, not the CPU", n, above)
		}
	}
	for n := 1; n <= 6; n++ {
		if ist(c, n)%8 != 0 {
			t.Errorf("stack %d is not aligned", n)
		}
	}
	if bitmap := c.tss[25] >> 16; bitmap < 104 {
		t.Errorf("an I/O bitmap at %d", bitmap)
	}
	if c.trapStack > s.Trap || c.trapStack <= s.Trap-stackSize || c.trapStack%16 != 0 {
		t.Errorf("trap context begins at %#x, its stack ends at %#x", c.trapStack, s.Trap)
	}
}

// TestTrapContextHasAGoroutine looks at the fake g as compiled code does: the
// bounds of its stack must hold on each of the stacks.
func TestTrapContextHasAGoroutine(t *testing.T) {
	c := newCPU()
	first := uintptr(unsafe.Pointer(&stackMemory))
	end := func(i int) uintptr { return first + uintptr(i+1)*stackSize }
	c.setStacks(Stacks{Trap: end(5), Exception: end(0), NMI: end(2), DoubleFault: end(3), MachineCheck: end(4), Debug: end(1)})
	if c.trapFS-8 != uintptr(unsafe.Pointer(&c.trapGP)) || c.trapGP[0] != uintptr(unsafe.Pointer(&c.trapG)) {
		t.Error("thread-local storage leads to no g")
	}
	if g := [4]uintptr(c.trapG[:4]); g != [4]uintptr{first, end(5), first, first} {
		t.Errorf("bounds %#x, want %#x to %#x", g, first, end(5))
	}
}
