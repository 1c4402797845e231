package mm

import (
	"strings"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/pagetable"
)

// TestCopyOnWriteTable has a case for every row of the table in the package's
// description.
func TestCopyOnWriteTable(t *testing.T) {
	const private = abi.MAP_PRIVATE
	const anonymous = private | abi.MAP_ANONYMOUS
	const own = pagetable.Read | pagetable.Write | pagetable.Anon
	page := func(c string) string { return strings.Repeat(c, int(pageSize)) }

	t.Run("nothing, anonymous, written", func(t *testing.T) {
		as := newTestSpace(t)
		mapAt(t, as, base, 1, rw, anonymous, nil)
		if err := as.Fault(base+5, true, false, false); err != nil {
			t.Fatal(err)
		}
		f, p := lookup(t, as, base)
		if p != own || f.Refs() != 1 || *f.Data() != [frame.Size]byte{} {
			t.Errorf("rights %b, %d references, or not zero", p, f.Refs())
		}
	})
	t.Run("nothing, of an object, written", func(t *testing.T) {
		as := newTestSpace(t)
		o := newTestObject(t, 1)
		mapAt(t, as, base, 1, rw, private, o)
		put(t, as, base+1, "XY")
		f, p := lookup(t, as, base)
		if p != own || f == o.frames[0] || f.Refs() != 1 || o.frames[0].Refs() != 1 {
			t.Errorf("rights %b, references %d and %d", p, f.Refs(), o.frames[0].Refs())
		}
		if get(t, as, base, 4) != "aXYa" || o.frames[0].Data()[1] != 'a' {
			t.Error("wrong contents")
		}
		if o.dirty[0] {
			t.Error("the object was told of a write")
		}
		as.Munmap(base, pageSize)
	})
	t.Run("the zero page, written", func(t *testing.T) {
		as := newTestSpace(t)
		mapAt(t, as, base, 1, rw, anonymous, nil)
		free := frame.Free()
		if get(t, as, base, 3) != "\x00\x00\x00" {
			t.Error("not zero")
		}
		zero, p := lookup(t, as, base)
		if p != pagetable.Read|pagetable.Unowned || as.RSS() != 0 || free-frame.Free() > 3 {
			t.Errorf("reading took rights %b, %d pages, %d frames", p, as.RSS(), free-frame.Free())
		}
		put(t, as, base, "Z")
		f, p := lookup(t, as, base)
		if f == zero || p != own || get(t, as, base, 2) != "Z\x00" || zero.Data()[0] != 0 || as.RSS() != 1 {
			t.Errorf("rights %b, resident %d, contents %q", p, as.RSS(), get(t, as, base, 2))
		}
	})
	t.Run("an object's frame, written", func(t *testing.T) {
		as := newTestSpace(t)
		o := newTestObject(t, 1)
		mapAt(t, as, base, 1, rw, private, o)
		get(t, as, base, 1)
		if f, p := lookup(t, as, base); f != o.frames[0] || p != pagetable.Read || f.Refs() != 2 {
			t.Errorf("reading took rights %b, %d references", p, f.Refs())
		}
		if s := as.Stats(); s.RSSFile != 1 || s.RSSAnon != 0 {
			t.Errorf("%+v", s)
		}
		put(t, as, base, "X")
		f, p := lookup(t, as, base)
		if f == o.frames[0] || p != own || o.frames[0].Refs() != 1 || get(t, as, base, 2) != "Xa" {
			t.Errorf("rights %b, %d references on the object's", p, o.frames[0].Refs())
		}
		if s := as.Stats(); s.RSSFile != 0 || s.RSSAnon != 1 {
			t.Errorf("%+v", s)
		}
		as.Munmap(base, pageSize)
	})
	t.Run("shared after fork, then sole", func(t *testing.T) {
		as := newTestSpace(t)
		mapAt(t, as, base, 1, rw, anonymous, nil)
		put(t, as, base, "parent")
		was, _ := lookup(t, as, base)
		child := fork(t, as)
		for _, x := range []*AddressSpace{as, child} {
			if f, p := lookup(t, x, base); f != was || p != pagetable.Read|pagetable.Anon {
				t.Errorf("after fork: rights %b", p)
			}
		}
		put(t, child, base, "child ")
		f, p := lookup(t, child, base)
		if f == was || p != own || was.Refs() != 1 {
			t.Errorf("the child's write: rights %b, %d references left", p, was.Refs())
		}
		put(t, as, base, "P")
		if f, p := lookup(t, as, base); f != was || p != own {
			t.Errorf("the sole owner's write: rights %b, same frame %v", p, f == was)
		}
		if get(t, as, base, 6) != "Parent" || get(t, child, base, 6) != "child " {
			t.Errorf("%q, %q", get(t, as, base, 6), get(t, child, base, 6))
		}
	})
	t.Run("a writable page", func(t *testing.T) {
		as := newTestSpace(t)
		mapAt(t, as, base, 1, rw, anonymous, nil)
		put(t, as, base, "x")
		was, _ := lookup(t, as, base)
		if err := as.Fault(base, true, false, true); err != nil {
			t.Fatal(err)
		}
		if f, p := lookup(t, as, base); f != was || p != own {
			t.Errorf("rights %b, same frame %v", p, f == was)
		}
	})
	t.Run("fork of a fork", func(t *testing.T) {
		as := newTestSpace(t)
		mapAt(t, as, base, 1, rw, anonymous, nil)
		put(t, as, base, page("1"))
		child := fork(t, as)
		grandchild := fork(t, child)
		f, _ := lookup(t, as, base)
		if f.Refs() != 3 {
			t.Errorf("%d references, want 3", f.Refs())
		}
		put(t, child, base, "2")
		put(t, as, base, "0")
		put(t, grandchild, base, "3")
		for i, x := range []*AddressSpace{as, child, grandchild} {
			if got, want := get(t, x, base, 2), []string{"01", "21", "31"}[i]; got != want {
				t.Errorf("generation %d has %q, want %q", i, got, want)
			}
		}
		if g, _ := lookup(t, grandchild, base); g != f {
			t.Error("the last owner copied")
		}
	})
	t.Run("shared mapping", func(t *testing.T) {
		as := newTestSpace(t)
		o := newTestObject(t, 1)
		mapAt(t, as, base, 1, rw, abi.MAP_SHARED, o)
		child := fork(t, as)
		put(t, child, base, "X")
		f, p := lookup(t, child, base)
		if f != o.frames[0] || p != pagetable.Read|pagetable.Write || !o.dirty[0] {
			t.Errorf("rights %b, dirty %v", p, o.dirty[0])
		}
		if get(t, as, base, 2) != "Xa" || f.Refs() != 3 {
			t.Errorf("parent has %q, %d references", get(t, as, base, 2), f.Refs())
		}
		child.Munmap(base, pageSize)
		as.Munmap(base, pageSize)
	})
}

func TestSharedReadThenWrite(t *testing.T) {
	as := newTestSpace(t)
	o := newTestObject(t, 1)
	mapAt(t, as, base, 1, abi.PROT_READ, abi.MAP_SHARED, o)
	get(t, as, base, 1)
	if err := as.Mprotect(nil, base, pageSize, rw); err != nil {
		t.Fatal(err)
	}
	if o.dirty[0] {
		t.Error("dirty before a write")
	}
	put(t, as, base, "X")
	if !o.dirty[0] || o.frames[0].Data()[0] != 'X' {
		t.Error("the object missed the write")
	}
	as.Munmap(base, pageSize)
}

// TestWritesAreNoticed reads and writes through writable shared mappings.
func TestWritesAreNoticed(t *testing.T) {
	as := newTestSpace(t)
	o := newTestObject(t, 20)
	for i, object := range []Object{o, presentObject{o}} {
		at := uintptr(base + i*0x100000)
		mapAt(t, as, at, 20, rw, abi.MAP_SHARED, object)
		for page := range uintptr(20) {
			get(t, as, at+page*pageSize, 1)
		}
		if err := as.populate(nil, at, at+20*pageSize); err != nil {
			t.Fatal(err)
		}
		for page, dirty := range o.dirty {
			if dirty {
				t.Errorf("reads made page %d dirty", page)
			}
		}
		child := fork(t, as)
		clear(o.dirty)
		for page := range uint64(20) {
			space := []*AddressSpace{as, child}[page%2]
			put(t, space, at+uintptr(page)*pageSize, "X")
			if !o.dirty[page] || o.frames[page].Data()[0] != 'X' {
				t.Errorf("the object missed the write to page %d", page)
			}
			o.asked = 0
			put(t, space, at+uintptr(page)*pageSize, "Y")
			if o.asked != 0 {
				t.Errorf("page %d was asked for when it was writable", page)
			}
		}
		clear(o.dirty)
		child.Munmap(at, 20*pageSize)
		as.Munmap(at, 20*pageSize)
	}
}

// An unnoticedObject is a testObject that need not know of writes.
type unnoticedObject struct{ *testObject }

func (o unnoticedObject) WritesUnnoticed() {}

func TestUnnoticedWritesTakeOneFault(t *testing.T) {
	as := newTestSpace(t)
	o := newTestObject(t, 1)
	mapAt(t, as, base, 1, rw, abi.MAP_SHARED, unnoticedObject{o})
	get(t, as, base, 1)
	put(t, as, base, "X")
	if o.asked != 1 {
		t.Errorf("%d faults", o.asked)
	}
	as.Munmap(base, pageSize)
}

// A slowObject has to read its pages: Page begins that, and fails if the device
// does.
type slowObject struct {
	*testObject
	as      *AddressSpace
	t       *testing.T
	reading map[uint64]bool
	waits   int
	broken  bool
	doom    bool // the process is killed meanwhile
}

type pendingPage struct {
	o   *slowObject
	idx uint64
}

func (p pendingPage) Error() string { return "read first" }

func (p pendingPage) Wait() {
	o := p.o
	o.waits++
	if !o.as.mu.TryLock() {
		o.t.Error("waiting with the address space locked")
	} else {
		o.as.mu.Unlock()
	}
	if o.doom {
		o.as.Doom()
	} else {
		o.reading[p.idx] = true
	}
}

func (o *slowObject) Page(idx uint64, write bool) (frame.Frame, error) {
	if !o.reading[idx] {
		return 0, pendingPage{o, idx}
	}
	if o.broken {
		return 0, abi.EIO
	}
	return o.testObject.Page(idx, write)
}

func TestPagesThatMustBeRead(t *testing.T) {
	as := newTestSpace(t)
	o := &slowObject{testObject: newTestObject(t, 8), as: as, t: t, reading: map[uint64]bool{}}
	mapAt(t, as, base, 4, rw, abi.MAP_SHARED, o)
	mapAt(t, as, base+0x10000, 4, rw, abi.MAP_PRIVATE, o)
	if got := get(t, as, base+pageSize, 1); got != "b" || o.waits != 1 {
		t.Errorf("a read gave %q after %d waits", got, o.waits)
	}
	put(t, as, base+2*pageSize, "X")
	put(t, as, base+0x10000+3*pageSize, "Y")
	if o.waits != 3 {
		t.Errorf("%d waits for three pages", o.waits)
	}
	if err := as.populate(nil, base, base+4*pageSize); err != nil || o.waits != 4 {
		t.Errorf("populate: %v, %d waits", err, o.waits)
	}
	as.Munmap(base, 4*pageSize)
	o.reading, o.broken = map[uint64]bool{}, true
	wantFault(t, as.Fault(base+0x10000, false, false, false), abi.SIGBUS, busAdrErr, base+0x10000)
	if _, err := as.CopyIn(make([]byte, 1), base+0x10000); err != abi.EFAULT {
		t.Errorf("a copy from a page that cannot be read: %v", err)
	}
	// A process that is killed for its memory does not wait again.
	o.reading, o.doom, o.waits = map[uint64]bool{}, true, 0
	if err := as.Fault(base+0x11000, true, false, false); err != abi.ENOMEM || o.waits != 1 {
		t.Errorf("a victim's fault: %v after %d waits", err, o.waits)
	}
	as.Munmap(base, 1<<20)
}

func TestAnonShared(t *testing.T) {
	as := newTestSpace(t)
	mapAt(t, as, base, 3, rw, abi.MAP_SHARED|abi.MAP_ANONYMOUS, nil)
	child := fork(t, as)
	put(t, as, base+pageSize, "from the parent")
	if got := get(t, child, base+pageSize, 15); got != "from the parent" {
		t.Errorf("the child has %q", got)
	}
	put(t, child, base+2*pageSize, "back")
	if got := get(t, as, base+2*pageSize, 4); got != "back" {
		t.Errorf("the parent has %q", got)
	}
	if s := as.Stats(); s.RSSShmem != 2 || s.RSSAnon != 0 || Total().Shmem != 2 {
		t.Errorf("%+v, %+v", s, Total())
	}
	// It lives as long as somebody maps it.
	as.Munmap(base, 3*pageSize)
	if got := get(t, child, base+pageSize, 4); got != "from" {
		t.Errorf("after the parent's munmap: %q", got)
	}
}

func TestExecuteOnly(t *testing.T) {
	pagetable.SetExecuteOnly(true)
	defer pagetable.SetExecuteOnly(false)
	as := newTestSpace(t)
	o := newTestObject(t, 2)
	mapAt(t, as, base, 1, abi.PROT_EXEC, abi.MAP_PRIVATE|abi.MAP_ANONYMOUS, nil)
	mapAt(t, as, base+0x10000, 2, abi.PROT_EXEC, abi.MAP_PRIVATE, o)
	for _, addr := range []uintptr{base, base + 0x10000} {
		for range 2 { // without and with a page
			want := FaultError{abi.SIGSEGV, segvPKUErr, addr}
			if err := as.Fault(addr, false, false, false); err != want {
				t.Errorf("read at %#x: %v", addr, err)
			}
			if err := as.Fault(addr, true, false, false); err != want {
				t.Errorf("write at %#x: %v", addr, err)
			}
			var b [1]byte
			if _, err := as.CopyIn(b[:], addr); err != abi.EFAULT {
				t.Errorf("copy from %#x: %v", addr, err)
			}
			if err := as.Fault(addr, false, true, false); err != nil {
				t.Errorf("execution at %#x: %v", addr, err)
			}
		}
		if err := as.Mprotect(nil, addr, pageSize, abi.PROT_READ|abi.PROT_EXEC); err != nil {
			t.Fatal(err)
		}
		var b [1]byte
		if _, err := as.CopyIn(b[:], addr); err != nil {
			t.Errorf("copy from %#x when it may be read: %v", addr, err)
		}
	}
	as.Munmap(base, 0x20000)
}

func TestFaultSignals(t *testing.T) {
	as := newTestSpace(t)
	o := newTestObject(t, 2)
	mapAt(t, as, base, 1, abi.PROT_READ, abi.MAP_PRIVATE|abi.MAP_ANONYMOUS, nil)
	mapAt(t, as, base+0x10000, 1, abi.PROT_NONE, abi.MAP_PRIVATE|abi.MAP_ANONYMOUS, nil)
	mapAt(t, as, base+0x20000, 4, rw, abi.MAP_PRIVATE, o)
	mapAt(t, as, base+0x30000, 4, rw, abi.MAP_SHARED, o)
	mapAt(t, as, base+0x40000, 1, abi.PROT_WRITE, abi.MAP_PRIVATE|abi.MAP_ANONYMOUS, nil)
	mapAt(t, as, base+0x50000, 1, abi.PROT_EXEC, abi.MAP_PRIVATE|abi.MAP_ANONYMOUS, nil)

	const read, write, exec = 0, 1, 2
	for _, c := range []struct {
		addr         uintptr
		how          int
		signal, code int // 0: no signal
	}{
		{0, read, abi.SIGSEGV, segvMapErr},
		{base - 1, read, abi.SIGSEGV, segvMapErr},
		{base + pageSize, write, abi.SIGSEGV, segvMapErr},
		{UserTop, read, abi.SIGSEGV, segvMapErr},
		{1<<63 + 8, write, abi.SIGSEGV, segvMapErr},
		{base + 7, read, 0, 0},
		{base + 7, write, abi.SIGSEGV, segvAccErr},
		{base + 7, exec, abi.SIGSEGV, segvAccErr},
		{base + 0x10000, read, abi.SIGSEGV, segvAccErr},
		{base + 0x10000, write, abi.SIGSEGV, segvAccErr},
		{base + 0x20000, read, 0, 0},
		{base + 0x22008, read, abi.SIGBUS, busAdrErr},
		{base + 0x22008, write, abi.SIGBUS, busAdrErr},
		{base + 0x31fff, write, 0, 0},
		{base + 0x33fff, write, abi.SIGBUS, busAdrErr},
		{base + 0x40000, read, 0, 0},
		{base + 0x40000, write, 0, 0},
		{base + 0x40000, exec, abi.SIGSEGV, segvAccErr},
		{base + 0x50000, read, 0, 0},
		{base + 0x50000, exec, 0, 0},
		{base + 0x50000, write, abi.SIGSEGV, segvAccErr},
	} {
		err := as.Fault(c.addr, c.how == write, c.how == exec, false)
		if c.signal == 0 {
			if err != nil {
				t.Errorf("access %d at %#x: %v", c.how, c.addr, err)
			}
			continue
		}
		wantFault(t, err, c.signal, c.code, c.addr)
	}
	o.failure = abi.EIO
	wantFault(t, as.Fault(base+0x21000, true, false, false), abi.SIGBUS, busAdrErr, base+0x21000)
	as.Munmap(base, 0x100000)
}

func TestFaultAround(t *testing.T) {
	as := newTestSpace(t)
	o := presentObject{newTestObject(t, 40)}
	mapAt(t, as, base+3*pageSize, 40, abi.PROT_READ|abi.PROT_EXEC, abi.MAP_PRIVATE, o)
	present := func() (n int) {
		as.table.Each(0, UserTop, func(uintptr, frame.Frame, pagetable.Prot) bool { n++; return true })
		return n
	}

	// Nothing is in memory: only the page itself.
	if err := as.Fault(base+5*pageSize, false, false, false); err != nil {
		t.Fatal(err)
	}
	if present() != 1 || o.asked != 1 {
		t.Errorf("%d pages mapped, %d asked for", present(), o.asked)
	}
	o.fill(t)
	// All is: the rest of the group from the VMA's start, without Page.
	if err := as.Fault(base+4*pageSize, false, true, false); err != nil {
		t.Fatal(err)
	}
	if present() != 13 || o.asked != 0 {
		t.Errorf("%d pages mapped, %d asked for; want 13 and 0", present(), o.asked)
	}
	if as.Stats().RSSFile != 13 {
		t.Errorf("%d pages resident", as.Stats().RSSFile)
	}
	// The last group, cut by the VMA's end.
	if err := as.Fault(base+42*pageSize, false, false, false); err != nil {
		t.Fatal(err)
	}
	if present() != 13+11 {
		t.Errorf("%d pages mapped, want 24", present())
	}
	for i := range uintptr(40) {
		if got, want := get(t, as, base+(3+i)*pageSize, 1)[0], byte('a'+i%26); got != want {
			t.Errorf("page %d has %q, want %q", i, got, want)
		}
	}
	o.truncate(2)
	if present() != 2 {
		t.Errorf("%d pages mapped after truncation to 2", present())
	}
	wantFault(t, as.Fault(base+5*pageSize, false, false, false), abi.SIGBUS, busAdrErr, base+5*pageSize)
	as.Munmap(base, 0x100000)
}

func TestTruncateZaps(t *testing.T) {
	as := newTestSpace(t)
	o := newTestObject(t, 6)
	mapAt(t, as, base, 4, rw, abi.MAP_SHARED, o)
	if _, err := as.Mmap(&MmapArgs{
		Addr: base + 0x10000, Length: 4 * pageSize, Prot: rw, Flags: abi.MAP_PRIVATE | abi.MAP_FIXED,
		Object: o, Offset: 2 * uint64(pageSize),
	}); err != nil {
		t.Fatal(err)
	}
	child := fork(t, as)
	for _, x := range []*AddressSpace{as, child} {
		for i := range uintptr(4) {
			get(t, x, base+i*pageSize, 1)
			put(t, x, base+0x10000+i*pageSize, "private")
		}
	}
	// Punching a hole leaves private copies alone.
	o.Zap(0, 6, false)
	for _, x := range []*AddressSpace{as, child} {
		absent(t, x, base)
		if s := x.Stats(); s.RSSAnon != 4 || s.RSSFile != 0 {
			t.Errorf("after punching: %+v", s)
		}
		get(t, x, base, 1)
	}
	// Truncation does not.
	o.truncate(3)
	for _, x := range []*AddressSpace{as, child} {
		lookup(t, x, base)
		absent(t, x, base+3*pageSize)
		lookup(t, x, base+0x10000)
		absent(t, x, base+0x11000)
		wantFault(t, x.Fault(base+0x11000, false, false, false), abi.SIGBUS, busAdrErr, base+0x11000)
		wantFault(t, x.Fault(base+0x3000, true, false, false), abi.SIGBUS, busAdrErr, base+0x3000)
	}
	as.Munmap(base, 0x20000)
	child.Munmap(base, 0x20000)
}

func TestStackGrows(t *testing.T) {
	as := newTestSpace(t)
	as.SetLimits(func(r int) uint64 {
		if r == abi.RLIMIT_STACK {
			return 1 << 20
		}
		return ^uint64(0)
	})
	if err := as.SetStack(0, 1<<20); err != nil {
		t.Fatal(err)
	}
	top := as.StackTop()
	put(t, as, top-8, "the end!")
	put(t, as, top-512<<10, "in the middle")
	low := top - 1<<20
	if err := as.Fault(low, true, false, false); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	wantFault(t, as.Fault(low-1, true, false, false), abi.SIGSEGV, segvMapErr, low-1)
	if s := as.Stats(); s.Stack != 256 || s.Size != 256 {
		t.Errorf("%+v", s)
	}
}

func TestStackGuardGap(t *testing.T) {
	as := newTestSpace(t)
	const stack = base + 0x1000000
	mapAt(t, as, stack, 1, rw, abi.MAP_PRIVATE|abi.MAP_ANONYMOUS|abi.MAP_GROWSDOWN, nil)
	mapAnon(t, as, base, 1)
	lowest := base + pageSize + stackGuardGap
	if err := as.Fault(lowest, true, false, false); err != nil {
		t.Errorf("above the gap: %v", err)
	}
	wantFault(t, as.Fault(lowest-8, true, false, false), abi.SIGSEGV, segvMapErr, lowest-8)
	// A neighbour that nobody can touch needs no gap.
	as.Mprotect(nil, base, pageSize, abi.PROT_NONE)
	if err := as.Fault(base+pageSize, true, false, false); err != nil {
		t.Errorf("above a PROT_NONE area: %v", err)
	}
	as.Munmap(base, pageSize)
	// Nothing is put into the gap unless its place is demanded.
	n := uintptr(base) + pageSize - MinAddress
	addr, err := as.Mmap(&MmapArgs{Addr: base - pageSize, Length: pageSize, Prot: rw, Flags: abi.MAP_PRIVATE | abi.MAP_ANONYMOUS})
	if err != nil || addr == base-pageSize {
		t.Errorf("a hint in the gap gave %#x, %v", addr, err)
	}
	if got, ok := as.vmas.gapBelow(n, MinAddress, base+pageSize); ok {
		t.Errorf("a gap of %#x below a stack at %#x", got, base+pageSize)
	}
}

func TestOutOfMemory(t *testing.T) {
	as := newTestSpace(t)
	victim, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer victim.Put()
	calls := 0
	OnOutOfMemory = func() {
		calls++
		victim.Munmap(base, 1<<30)
	}
	defer func() { OnOutOfMemory = nil }()
	frame.SetReserve(1000)
	defer frame.SetReserve(0)
	mapAnon(t, victim, base, 20000)
	mapAnon(t, as, base, 32000)
	if err := victim.populate(nil, base, base+20000*pageSize); err != nil {
		t.Fatal(err)
	}
	n := uintptr(0)
	for ; n < 32000 && err == nil; n++ {
		err = as.Fault(base+n*pageSize, true, false, false)
	}
	if err != abi.ENOMEM || calls < 2 || n < 30000 {
		t.Errorf("%v after %d pages, %d calls", err, n, calls)
	}
	if free := frame.Free(); free < 1000 {
		t.Errorf("%d frames free, less than the reserve", free)
	}
	if _, err := as.Fork(nil); err != abi.ENOMEM {
		t.Errorf("Fork without memory: %v", err)
	}
}

func TestForkInheritance(t *testing.T) {
	as := newTestSpace(t)
	f := new(testFile)
	o := newTestObject(t, 4)
	if _, err := as.Mmap(&MmapArgs{Addr: base, Length: 4 * pageSize, Prot: rw, Flags: abi.MAP_PRIVATE | abi.MAP_FIXED, Object: o, File: f}); err != nil {
		t.Fatal(err)
	}
	mapAnon(t, as, base+0x10000, 4)
	for i := range uintptr(4) {
		put(t, as, base+0x10000+i*pageSize, "x")
	}
	for i, advice := range []int{abi.MADV_DONTFORK, abi.MADV_WIPEONFORK} {
		if err := as.Madvise(nil, base+0x10000+uintptr(i)*pageSize, pageSize, advice); err != nil {
			t.Fatal(err)
		}
	}
	if err := as.Mlock(root, base+0x12000, pageSize, false); err != nil {
		t.Fatal(err)
	}
	as.SetBrk(0x20000000)
	as.Brk(nil, as.Brk(nil, 0)+0x3000)
	child := fork(t, as)
	if f.n != 2 {
		t.Errorf("%d references on the file, want 2", f.n)
	}
	if child.Brk(nil, 0) != as.Brk(nil, 0) {
		t.Error("another break")
	}
	if s := child.Stats(); s.Locked != 0 || s.Size != as.Stats().Size-1 || s.RSSAnon != 2 {
		t.Errorf("child %+v, parent %+v", s, as.Stats())
	}
	if err := child.Fault(base+0x10000, false, false, false); err == nil {
		t.Error("MADV_DONTFORK: the child has it")
	}
	if get(t, child, base+0x11000, 1) != "\x00" || get(t, as, base+0x11000, 1) != "x" {
		t.Error("MADV_WIPEONFORK: not wiped, or in the parent")
	}
	as.Munmap(base, 0x4000)
	child.Munmap(base, 0x2000)
	if f.n != 1 {
		t.Errorf("%d references on the file, want 1", f.n)
	}
	child.Munmap(base, 0x4000)
	if f.n != 0 {
		t.Errorf("%d references on the file, want 0", f.n)
	}
}

func TestFaultAllocatesNothing(t *testing.T) {
	as := newTestSpace(t)
	o := presentObject{newTestObject(t, 64)}
	o.fill(t)
	mapAnon(t, as, base, 3000)
	mapAt(t, as, base+0x1000000, 64, rw, abi.MAP_PRIVATE, o)
	mapAt(t, as, base+0x2000000, 64, rw, abi.MAP_SHARED, o)
	next := uintptr(base)
	buf := make([]byte, 100)
	for name, f := range map[string]func(){
		"anonymous write": func() { as.Fault(next, true, false, false); next += pageSize },
		"zero page, then write": func() {
			as.Fault(next, false, false, false)
			as.Fault(next, true, false, false)
			next += pageSize
		},
		"fault-around":  func() { as.Fault(base+0x1000000, false, false, false) },
		"private copy":  func() { as.Fault(base+0x1001000, true, false, false) },
		"shared":        func() { as.Fault(base+0x2000000, true, false, false) },
		"copy in":       func() { as.CopyIn(buf, base+0x1000fd0) },
		"copy out":      func() { as.CopyOut(base+0x1000fd0, buf) },
		"read a number": func() { as.ReadUint64(base) },
		"futex key":     func() { as.FutexKey(base+0x2000004, true) },
	} {
		if n := testing.AllocsPerRun(200, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	as.Munmap(base, 0x3000000)
}

func BenchmarkFaultAnon(b *testing.B) {
	as := newTestSpace(b)
	mapAnon(b, as, base, 10000)
	for i := 0; b.Loop(); i++ {
		if i%10000 == 0 {
			as.Madvise(nil, base, 10000*pageSize, abi.MADV_DONTNEED)
		}
		as.Fault(base+uintptr(i%10000)*pageSize, true, false, false)
	}
}

// BenchmarkForkExit forks and tears down what a small shell has.
func BenchmarkForkExit(b *testing.B) {
	as := newTestSpace(b)
	o := presentObject{newTestObject(b, 500)}
	o.fill(b)
	mapAt(b, as, base, 400, abi.PROT_READ|abi.PROT_EXEC, abi.MAP_PRIVATE, o)
	mapAt(b, as, base+0x1000000, 20, rw, abi.MAP_PRIVATE, o)
	mapAnon(b, as, base+0x2000000, 50)
	as.SetStack(0, 8<<20)
	for i := range uintptr(10) {
		as.Fault(base+i*16*pageSize, false, true, false)
		as.Fault(base+0x1000000+i*pageSize, true, false, false)
		as.Fault(base+0x2000000+i*pageSize, true, false, false)
		as.Fault(as.StackTop()-1-i*pageSize, true, false, false)
	}
	b.ReportAllocs()
	for b.Loop() {
		child, err := as.Fork(nil)
		if err != nil {
			b.Fatal(err)
		}
		child.Put()
	}
	as.Munmap(base, 0x3000000)
}
