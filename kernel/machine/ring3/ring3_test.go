package ring3

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
	"unsafe"

	"kevlar/kernel/abi"
)

var le = binary.LittleEndian

func TestNew(t *testing.T) {
	c := New()
	want := Registers{CS: UserCS, SS: UserSS, RFLAGS: 1<<9 | 1<<1, Trap: trapNone}
	if c.Registers != want {
		t.Errorf("registers %+v", c.Registers)
	}
	if c.FSBase != 0 || c.GSBase != 0 || c.PKRU() != 0x55555554 || c.KernelTicks() != 0 {
		t.Errorf("%+v", c)
	}
	if c.fpu%64 != 0 || len(c.fpuImage()) != fpuSize {
		t.Errorf("the image of %d bytes is at %#x", len(c.fpuImage()), c.fpu)
	}
}

func TestArgsAreRegisters(t *testing.T) {
	c := New()
	for i, r := range []*uint64{&c.RDI, &c.RSI, &c.RDX, &c.R10, &c.R8, &c.R9} {
		*r = uint64(i + 1)
		c.Args()[i] *= 16
		if *r != uint64(i+1)*16 {
			t.Errorf("argument %d is another register", i)
		}
	}
}

func TestEnterTellsWhatTheProgramDid(t *testing.T) {
	defer func() { SoftRun = nil }()
	for _, want := range []Event{Syscall, PageFault, Exception, Interrupt, None} {
		SoftRun = func(c *Context) Event {
			c.RAX = 39
			return want
		}
		c := New()
		r := c.Enter(nil)
		if (r == Called) != (want == Syscall) {
			t.Errorf("event %d: the reason is %d", want, r)
		}
		if e := c.Event(r, nil); e != want || c.RAX != 39 {
			t.Errorf("event %d with RAX %d, want event %d with 39", e, c.RAX, want)
		}
	}
}

func TestRelease(t *testing.T) {
	defer func() { SoftRelease = nil }()
	c := New()
	c.Release()
	var released *Context
	SoftRelease = func(c *Context) { released = c }
	c.Release()
	if released != c {
		t.Error("nobody was told")
	}
}

// TestCopyFrom sees that a child has all of its parent's state and shares none.
func TestCopyFrom(t *testing.T) {
	parent, child := New(), New()
	parent.RAX, parent.RIP, parent.FSBase, parent.GSBase, parent.CR2 = 1, 2, 3, 4, 5
	parent.selectors = 0x2b
	parent.SetPKRU(6)
	parent.SetLabel("parent")
	parent.ticks = 7
	parent.fpuImage()[600] = 8
	child.CopyFrom(parent)
	if child.Registers != parent.Registers || child.FSBase != 3 || child.GSBase != 4 || child.CR2 != 5 ||
		child.selectors != 0x2b || child.PKRU() != 6 || !bytes.Equal(child.fpuImage(), parent.fpuImage()) {
		t.Errorf("the child's state: %+v", child)
	}
	if child.KernelTicks() != 0 || child.label != [16]byte{} || child.holder != 0 {
		t.Error("the child has what is the parent's own")
	}
	parent.fpuImage()[600], parent.RAX = 9, 9
	if child.fpuImage()[600] != 8 || child.RAX != 1 {
		t.Error("the child's state is its parent's")
	}
}

func TestReset(t *testing.T) {
	c := New()
	c.RDI, c.FSBase, c.GSBase, c.selectors = 1, 2, 3, 4
	c.ResetSegments()
	if c.FSBase != 0 || c.GSBase != 0 || c.selectors != 0 || c.RDI != 1 {
		t.Errorf("after ResetSegments: %+v", c)
	}
	c.SetPKRU(0)
	c.ResetPKRU()
	if c.PKRU() != 0x55555554 {
		t.Errorf("key rights %#x", c.PKRU())
	}
	c.Trap = TrapSyscall
	c.RestoreAll()
	if c.Trap == TrapSyscall {
		t.Error("SYSRET would not restore RCX and R11")
	}
}

func TestLabel(t *testing.T) {
	c := New()
	for name, want := range map[string]string{"a name of more than sixteen": "a name of more t", "sh": "sh\x00\x00"} {
		c.SetLabel(name)
		if got := string(c.label[:len(want)]); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// image returns an image of extended state in which nothing is at rest.
func image(present uint64) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	img := make([]byte, fpuSize)
	for i := range img {
		img[i] = byte(rng.Uint32())
	}
	clear(img[offHeader:headerEnd])
	le.PutUint32(img[offMXCSR:], 0x1fa0)
	le.PutUint64(img[offHeader:], present)
	return img
}

func TestFPUOfANewProgram(t *testing.T) {
	c := New()
	if err := c.LoadFPU(image(stateX87 | stateSSE | stateAVX)); err != nil {
		t.Fatal(err)
	}
	c.ResetFPU()
	want := make([]byte, fpuSize)
	le.PutUint16(want, 0x37f)
	le.PutUint32(want[offMXCSR:], 0x1f80)
	if !bytes.Equal(c.fpuImage(), want) {
		t.Errorf("% x", c.fpuImage())
	}
	le.PutUint32(want[offMXCSRMask:], 0xffff)
	le.PutUint64(want[offHeader:], stateX87|stateSSE)
	got := make([]byte, FPUSize())
	if n := c.SaveFPU(got); n != fpuSize || !bytes.Equal(got, want) {
		t.Errorf("%d bytes are saved: % x", n, got)
	}
}

// TestFPURoundTrip sees that all state that an image has comes back.
func TestFPURoundTrip(t *testing.T) {
	c := New()
	img := image(stateX87 | stateSSE | stateAVX)
	if err := c.LoadFPU(img); err != nil {
		t.Fatal(err)
	}
	if le.Uint64(c.fpuImage()[offHeader:])&stateSSE != 0 {
		t.Error("XRSTOR would load XMM, which the entry code moves")
	}
	got := make([]byte, fpuSize)
	c.SaveFPU(got)
	le.PutUint32(img[offMXCSRMask:], 0xffff)
	if !bytes.Equal(got, img) {
		t.Error("another image came back")
	}
}

// TestFPUComponents loads images without some of their components: these are
// at rest afterwards, whatever stands in their place.
func TestFPUComponents(t *testing.T) {
	for present := uint64(0); present <= stateX87|stateSSE|stateAVX; present++ {
		c, img := New(), image(present)
		if err := c.LoadFPU(img); err != nil {
			t.Fatal(err)
		}
		got := c.fpuImage()
		same := func(lo, hi int) bool { return bytes.Equal(got[lo:hi], img[lo:hi]) }
		zero := func(lo, hi int) bool { return bytes.Equal(got[lo:hi], make([]byte, hi-lo)) }
		if present&stateX87 != 0 {
			if !same(0, offMXCSR) || !same(32, 160) {
				t.Errorf("components %b: other x87 state", present)
			}
		} else if le.Uint16(got) != 0x37f || !zero(2, offMXCSR) || !zero(32, 160) {
			t.Errorf("components %b: the x87 state is not at rest", present)
		}
		if present&stateSSE != 0 && !same(160, 416) || present&stateSSE == 0 && !zero(160, 416) {
			t.Errorf("components %b: other XMM registers", present)
		}
		mxcsr := uint32(0x1f80)
		if present&(stateSSE|stateAVX) != 0 {
			mxcsr = 0x1fa0
		}
		if v := le.Uint32(got[offMXCSR:]); v != mxcsr {
			t.Errorf("components %b: MXCSR %#x, want %#x", present, v, mxcsr)
		}
		if v := le.Uint64(got[offHeader:]); v != present&^stateSSE {
			t.Errorf("components %b: the header has %b", present, v)
		}
	}
}

// TestFXSAVE loads the short image: what it has no place for is at rest.
func TestFXSAVE(t *testing.T) {
	c, img := New(), image(0)
	for i := range c.fpuImage() {
		c.fpuImage()[i] = 0xee
	}
	if err := c.LoadFPU(img[:512]); err != nil {
		t.Fatal(err)
	}
	got := c.fpuImage()
	if !bytes.Equal(got[:512], img[:512]) || le.Uint64(got[offHeader:]) != stateX87 {
		t.Errorf("% x", got)
	}
	if !bytes.Equal(got[offHeader+8:], make([]byte, fpuSize-offHeader-8)) {
		t.Error("the old state is left behind")
	}
}

// TestBadFPU loads what the processor would fault on.
func TestBadFPU(t *testing.T) {
	for name, bad := range map[string]func([]byte) []byte{
		"short":              func(b []byte) []byte { return b[:511] },
		"nothing":            func(b []byte) []byte { return nil },
		"MXCSR":              func(b []byte) []byte { b[offMXCSR+2] = 1; return b },
		"MXCSR of the short": func(b []byte) []byte { b[offMXCSR+3] = 0x80; return b[:512] },
		"component":          func(b []byte) []byte { b[offHeader] |= 8; return b },
		"last component":     func(b []byte) []byte { b[offHeader+7] = 0x80; return b },
		"compacted":          func(b []byte) []byte { b[offHeader+15] = 0x80; return b },
		"end of the header":  func(b []byte) []byte { b[headerEnd-1] = 1; return b },
	} {
		c := New()
		before := bytes.Clone(c.fpuImage())
		if err := c.LoadFPU(bad(image(7))); !errors.Is(err, abi.EINVAL) {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.Equal(c.fpuImage(), before) {
			t.Errorf("%s: a refused image changed the state", name)
		}
	}
}

// TestImageIsAligned makes many, as the heap hands out memory as it likes.
func TestImageIsAligned(t *testing.T) {
	for range 100 {
		c := New()
		lo := uintptr(unsafe.Pointer(&c.fpuMemory[0]))
		if c.fpu%64 != 0 || c.fpu < lo || c.fpu+uintptr(fpuSize) > lo+uintptr(len(c.fpuMemory)) {
			t.Fatalf("an image at %#x in memory at %#x", c.fpu, lo)
		}
	}
}
