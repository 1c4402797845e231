package mm

import (
	"bytes"
	"os"
	"sync"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/pagetable"
)

func TestMain(m *testing.M) {
	frame.InitSoft(1 << 15)
	if _, err := zeroFrame(); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// balanced fails t if its end finds less free, or more counted, than now.
func balanced(t testing.TB) {
	t.Helper()
	type state struct {
		free   uint64
		totals Totals
		spaces int64
	}
	now := func() state { return state{frame.Free(), Total(), Spaces()} }
	before := now()
	t.Cleanup(func() {
		if after := now(); after != before {
			t.Errorf("at the end %+v\nat the start %+v", after, before)
		}
	})
}

// newTestSpace returns an address space that the test's end releases, after
// which everything must be as it is now.
func newTestSpace(t testing.TB) *AddressSpace {
	t.Helper()
	balanced(t)
	as, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(as.Put)
	return as
}

const (
	base = 0x10000000 // where most tests map
	rw   = abi.PROT_READ | abi.PROT_WRITE
)

// mapAt maps n pages at addr, which must be free.
func mapAt(t testing.TB, as *AddressSpace, addr uintptr, n int, prot, flags int, o Object) {
	t.Helper()
	got, err := as.Mmap(&MmapArgs{
		Addr: addr, Length: uintptr(n) * pageSize,
		Prot: prot, Flags: flags | abi.MAP_FIXED_NOREPLACE, Object: o,
	})
	if err != nil || got != addr {
		t.Fatalf("Mmap at %#x: %#x, %v", addr, got, err)
	}
}

// A testCaller has all capabilities or none, and may be killed.
type testCaller struct{ all, dead bool }

func (c testCaller) Killed() bool    { return c.dead }
func (c testCaller) HasCap(int) bool { return c.all }

var root = testCaller{all: true}

func mapAnon(t testing.TB, as *AddressSpace, addr uintptr, n int) {
	t.Helper()
	mapAt(t, as, addr, n, rw, abi.MAP_PRIVATE|abi.MAP_ANONYMOUS, nil)
}

func put(t testing.TB, as *AddressSpace, addr uintptr, s string) {
	t.Helper()
	if n, err := as.CopyOut(addr, []byte(s)); err != nil {
		t.Fatalf("CopyOut at %#x: %d, %v", addr, n, err)
	}
}

func get(t testing.TB, as *AddressSpace, addr uintptr, n int) string {
	t.Helper()
	b := make([]byte, n)
	if n, err := as.CopyIn(b, addr); err != nil {
		t.Fatalf("CopyIn at %#x: %d, %v", addr, n, err)
	}
	return string(b)
}

func wantFault(t testing.TB, err error, signal, code int, addr uintptr) {
	t.Helper()
	if err != (FaultError{signal, code, addr}) {
		t.Errorf("error %v, want signal %d, code %d at %#x", err, signal, code, addr)
	}
}

func fork(t testing.TB, as *AddressSpace) *AddressSpace {
	t.Helper()
	child, err := as.Fork(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(child.Put)
	return child
}

// lookup returns the frame and rights at addr; the page must be there.
func lookup(t testing.TB, as *AddressSpace, addr uintptr) (frame.Frame, pagetable.Prot) {
	t.Helper()
	f, p, ok := as.table.Lookup(addr)
	if !ok {
		t.Fatalf("no page at %#x", addr)
	}
	return f, p
}

func absent(t testing.TB, as *AddressSpace, addr uintptr) {
	t.Helper()
	if _, _, ok := as.table.Lookup(addr); ok {
		t.Errorf("there is a page at %#x", addr)
	}
}

// vmas returns the areas as text, one a line, without the address part that
// all have in common.
func vmas(as *AddressSpace) string {
	var b bytes.Buffer
	as.VMAs(func(v VMAInfo) bool {
		s := []byte("---p ")
		for i, c := range "rwx" {
			if v.Prot>>i&1 != 0 {
				s[i] = byte(c)
			}
		}
		if v.Shared {
			s[3] = 's'
		}
		for _, n := range []uintptr{v.Start, v.End} {
			b.WriteString(hex(uint64(n)))
			b.WriteByte(' ')
		}
		b.Write(s)
		b.WriteString(hex(v.Offset))
		b.WriteByte('\n')
		return true
	})
	return b.String()
}

func hex(n uint64) string {
	const digits = "0123456789abcdef"
	if n < 16 {
		return digits[n : n+1]
	}
	return hex(n/16) + digits[n%16:n%16+1]
}

// A testObject is a file in memory whose every page has its index all over.
type testObject struct {
	Mappings
	mu      sync.Mutex
	size    uint64 // pages
	frames  map[uint64]frame.Frame
	dirty   map[uint64]bool
	asked   int // calls of Page
	failure error
}

func newTestObject(t testing.TB, size uint64) *testObject {
	o := &testObject{size: size, frames: map[uint64]frame.Frame{}, dirty: map[uint64]bool{}}
	t.Cleanup(func() {
		if o.Mapped() {
			t.Error("an object is mapped at the end")
		}
		o.truncate(0)
	})
	return o
}

func (o *testObject) Key() (dev, ino uint64) { return 7, 77 }

func (o *testObject) Page(idx uint64, write bool) (frame.Frame, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	if o.failure != nil {
		return 0, o.failure
	}
	if idx >= o.size {
		return 0, ErrBeyondEOF
	}
	f, ok := o.frames[idx]
	if !ok {
		var err error
		if f, err = frame.Alloc(); err != nil {
			return 0, err
		}
		for i := range f.Data() {
			f.Data()[i] = byte('a' + idx%26)
		}
		o.frames[idx] = f
	}
	o.dirty[idx] = o.dirty[idx] || write
	f.Get()
	return f, nil
}

// fill brings all pages in.
func (o *testObject) fill(t testing.TB) {
	for i := range o.size {
		f, err := o.Page(i, false)
		if err != nil {
			t.Fatal(err)
		}
		f.Put()
	}
	o.asked = 0
}

func (o *testObject) truncate(size uint64) {
	o.mu.Lock()
	o.size = size
	var gone []frame.Frame
	for i, f := range o.frames {
		if i >= size {
			gone = append(gone, f)
			delete(o.frames, i)
		}
	}
	o.mu.Unlock()
	o.Zap(size, 1<<40, true)
	frame.PutAll(gone)
}

// A presentObject is a testObject that can tell what it has.
type presentObject struct{ *testObject }

func (o presentObject) Present(first uint64, out []frame.Frame) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range out {
		out[i] = o.frames[first+uint64(i)]
		if out[i] != 0 {
			out[i].Get()
		}
	}
}

// A testFile counts its references.
type testFile struct {
	mu sync.Mutex
	n  int
}

func (f *testFile) Get() { f.add(1) }
func (f *testFile) Put() { f.add(-1) }
func (f *testFile) add(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n += n
}
