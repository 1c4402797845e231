package mm

import (
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
)

const anonymous = abi.MAP_PRIVATE | abi.MAP_ANONYMOUS

func TestMmapErrors(t *testing.T) {
	as := newTestSpace(t)
	o := newTestObject(t, 1)
	mapAnon(t, as, base, 4)
	for _, c := range []struct {
		name string
		args MmapArgs
		want error
	}{
		{"no length", MmapArgs{Flags: anonymous}, abi.EINVAL},
		{"length that wraps", MmapArgs{Length: ^uintptr(0), Flags: anonymous}, abi.ENOMEM},
		{"length beyond user memory", MmapArgs{Length: UserTop + pageSize, Flags: anonymous}, abi.ENOMEM},
		{"odd offset", MmapArgs{Length: pageSize, Flags: abi.MAP_PRIVATE, Object: o, Offset: 5}, abi.EINVAL},
		{"offset that wraps", MmapArgs{Length: 4 * pageSize, Flags: abi.MAP_PRIVATE, Object: o, Offset: ^uint64(0) &^ uint64(pageMask)}, nil},
		{"neither shared nor private", MmapArgs{Length: pageSize, Flags: abi.MAP_ANONYMOUS}, abi.EINVAL},
		{"odd fixed address", MmapArgs{Addr: base + 1, Length: pageSize, Flags: anonymous | abi.MAP_FIXED}, abi.EINVAL},
		{"fixed at null", MmapArgs{Length: pageSize, Flags: anonymous | abi.MAP_FIXED}, abi.EPERM},
		{"fixed beyond user memory", MmapArgs{Addr: UserTop, Length: pageSize, Flags: anonymous | abi.MAP_FIXED}, abi.ENOMEM},
		{"fixed in the kernel", MmapArgs{Addr: 0xffff888000000000, Length: pageSize, Flags: anonymous | abi.MAP_FIXED}, abi.ENOMEM},
		{"occupied", MmapArgs{Addr: base, Length: pageSize, Flags: anonymous | abi.MAP_FIXED_NOREPLACE}, abi.EEXIST},
		{"too much protection", MmapArgs{Length: pageSize, Prot: rw, MaxProt: abi.PROT_READ, Flags: abi.MAP_SHARED, Object: o}, abi.EACCES},
		{"refused", MmapArgs{Length: pageSize, Flags: abi.MAP_SHARED, Refused: abi.EPERM}, abi.EPERM},
		{"refused, and no length", MmapArgs{Flags: abi.MAP_SHARED, Refused: abi.EPERM}, abi.EINVAL},
		{"a shared stack", MmapArgs{Length: pageSize, Flags: abi.MAP_SHARED | abi.MAP_ANONYMOUS | abi.MAP_GROWSDOWN}, abi.EINVAL},
		{"more than the machine has", MmapArgs{Length: uintptr(frame.Total()+1) * pageSize, Prot: rw, Flags: anonymous}, abi.ENOMEM},
		{"the same, not reserved", MmapArgs{Length: uintptr(frame.Total()+1) * pageSize, Prot: rw, Flags: anonymous | abi.MAP_NORESERVE}, nil},
		{"the same, for reading", MmapArgs{Length: uintptr(frame.Total()+1) * pageSize, Prot: abi.PROT_READ, Flags: anonymous}, nil},
	} {
		before := vmas(as)
		addr, err := as.Mmap(&c.args)
		if err != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err == nil {
			if err := as.Munmap(addr, c.args.Length); err != nil {
				t.Errorf("%s: munmap: %v", c.name, err)
			}
		}
		if after := vmas(as); after != before {
			t.Errorf("%s left\n%s", c.name, after)
		}
	}
}

func TestMmapPlaces(t *testing.T) {
	as := newTestSpace(t)
	at := func(addr, n uintptr, flags int) uintptr {
		t.Helper()
		got, err := as.Mmap(&MmapArgs{Addr: addr, Length: n, Prot: rw, Flags: anonymous | flags})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	first := at(0, pageSize, 0)
	if first != as.layout.mmapBase-pageSize {
		t.Errorf("the first area is at %#x, want it just below %#x", first, as.layout.mmapBase)
	}
	if got := at(0, 2*pageSize, 0); got != first-2*pageSize {
		t.Errorf("the next is at %#x, want %#x", got, first-2*pageSize)
	}
	if as.vmas.len() != 1 {
		t.Errorf("neighbours were not joined:\n%s", vmas(as))
	}
	if got := at(base+0x123, pageSize, 0); got != base {
		t.Errorf("a hint at %#x gave %#x", base+0x123, got)
	}
	if got := at(base, pageSize, 0); got == base || got >= first {
		t.Errorf("a hint at an occupied place gave %#x", got)
	}
	if got := at(5, pageSize, 0); got != MinAddress && got < base {
		t.Errorf("a hint at 5 gave %#x", got)
	}
	for _, hint := range []uintptr{0, base, base + 0x1000000, 1 << 40} {
		got := at(hint, pageSize, abi.MAP_32BIT)
		if got < bottom32Bit && got != base+0x1000000 || got >= bottom32Bit+(random32BitPages+8)*pageSize {
			t.Errorf("MAP_32BIT with a hint at %#x gave %#x", hint, got)
		}
	}
	// A hole is used again.
	as.Munmap(first-pageSize, pageSize)
	if got := at(0, pageSize, 0); got != first-pageSize {
		t.Errorf("the hole at %#x was not used: %#x", first-pageSize, got)
	}
}

func TestSplitAndMerge(t *testing.T) {
	as := newTestSpace(t)
	o := newTestObject(t, 10)
	if _, err := as.Mmap(&MmapArgs{Addr: base, Length: 6 * pageSize, Prot: rw, Flags: abi.MAP_PRIVATE | abi.MAP_FIXED, Object: o, Offset: uint64(2 * pageSize)}); err != nil {
		t.Fatal(err)
	}
	whole := vmas(as)
	as.Mprotect(nil, base+pageSize, pageSize, abi.PROT_READ)
	want := "10000000 10001000 rw-p 2000\n10001000 10002000 r--p 3000\n10002000 10006000 rw-p 4000\n"
	if got := vmas(as); got != want {
		t.Errorf("after mprotect:\n%s", got)
	}
	if as.mappings.head.vmas != 3 || as.mappings.n != 1 {
		t.Errorf("%d mappings, the first with %d areas", as.mappings.n, as.mappings.head.vmas)
	}
	as.Mprotect(nil, base+pageSize, pageSize, rw)
	if got := vmas(as); got != whole {
		t.Errorf("after mprotect back:\n%s", got)
	}
	as.Munmap(base+2*pageSize, pageSize)
	if _, err := as.Mmap(&MmapArgs{Addr: base + 2*pageSize, Length: pageSize, Prot: rw, Flags: abi.MAP_PRIVATE | abi.MAP_FIXED, Object: o, Offset: uint64(4 * pageSize)}); err != nil {
		t.Fatal(err)
	}
	if got := vmas(as); got != whole {
		t.Errorf("after filling the hole:\n%s", got)
	}
	// Another page of the object does not fit there.
	if _, err := as.Mmap(&MmapArgs{Addr: base + 2*pageSize, Length: pageSize, Prot: rw, Flags: abi.MAP_PRIVATE | abi.MAP_FIXED, Object: o, Offset: uint64(5 * pageSize)}); err != nil {
		t.Fatal(err)
	}
	if as.vmas.len() != 3 {
		t.Errorf("joined what does not belong together:\n%s", vmas(as))
	}
	for i, want := range "cdfff" { // pages 2 3 5 5 6 ...
		if i == 4 {
			want = 'g'
		}
		if got := get(t, as, base+uintptr(i)*pageSize, 1); got != string(want) {
			t.Errorf("page %d has %q, want %q", i, got, want)
		}
	}
	as.Munmap(base, 6*pageSize)
	if as.mappings.n != 0 || as.vmas.len() != 0 {
		t.Error("something is left")
	}
}

func TestPopulate(t *testing.T) {
	as := newTestSpace(t)
	mapAt(t, as, base, 4, rw, anonymous|abi.MAP_POPULATE, nil)
	if as.RSS() != 4 {
		t.Errorf("%d pages, want 4", as.RSS())
	}
	o := newTestObject(t, 2)
	mapAt(t, as, base+0x10000, 4, abi.PROT_READ, abi.MAP_SHARED|abi.MAP_POPULATE, o)
	if as.RSS() != 6 {
		t.Errorf("%d pages, want 6: populating ends with the object", as.RSS())
	}
	as.Munmap(base, 0x20000)
}

// TestPopulateEndsWithTheCaller has a thread that is to die bring in memory.
func TestPopulateEndsWithTheCaller(t *testing.T) {
	as := newTestSpace(t)
	dead := testCaller{all: true, dead: true}
	addr, err := as.Mmap(&MmapArgs{Length: 64 * pageSize, Prot: rw, Flags: anonymous | abi.MAP_POPULATE, Caller: dead})
	if err != nil {
		t.Fatal(err)
	}
	as.Mlock(dead, addr, 32*pageSize, false)
	as.MlockAll(dead, abi.MCL_CURRENT)
	as.Mprotect(dead, addr, 64*pageSize, abi.PROT_READ)
	as.Mprotect(dead, addr, 64*pageSize, rw)
	if err := as.Madvise(dead, addr, 64*pageSize, abi.MADV_POPULATE_WRITE); err != abi.EINTR {
		t.Errorf("madvise: %v", err)
	}
	if moved, err := as.Mremap(dead, addr, 64*pageSize, 128*pageSize, abi.MREMAP_MAYMOVE, 0); err != nil {
		t.Errorf("mremap: %v", err)
	} else {
		addr = moved
	}
	as.Brk(dead, as.Brk(dead, 0)+64*pageSize)
	if n := as.RSS(); n != 0 {
		t.Errorf("%d pages came in", n)
	}
	as.Munmap(0, UserTop)
}

func TestFileIsKeptOpen(t *testing.T) {
	as, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	f, o := new(testFile), newTestObject(t, 8)
	addr, err := as.Mmap(&MmapArgs{Length: 4 * pageSize, Prot: rw, Flags: abi.MAP_PRIVATE, Object: o, File: f})
	if err != nil {
		t.Fatal(err)
	}
	as.Munmap(addr+pageSize, pageSize)
	if f.n != 1 {
		t.Errorf("%d references while mapped", f.n)
	}
	as.Munmap(addr, 4*pageSize)
	if f.n != 0 {
		t.Errorf("%d references after munmap", f.n)
	}
	if _, err := as.Mmap(&MmapArgs{Length: 4 * pageSize, Prot: rw, Flags: abi.MAP_PRIVATE, Object: o, File: f}); err != nil {
		t.Fatal(err)
	}
	as.Get()
	as.Put()
	if f.n != 1 {
		t.Errorf("%d references before the address space's end", f.n)
	}
	as.Put()
	if f.n != 0 || o.Mapped() {
		t.Errorf("%d references after the address space's end", f.n)
	}
}

func TestLimits(t *testing.T) {
	as := newTestSpace(t)
	limits := map[int]uint64{
		abi.RLIMIT_AS: 100 * uint64(pageSize), abi.RLIMIT_DATA: 20 * uint64(pageSize),
		abi.RLIMIT_STACK: 8 << 20, abi.RLIMIT_MEMLOCK: 3 * uint64(pageSize),
	}
	as.SetLimits(func(r int) uint64 { return limits[r] })
	mmap := func(n uintptr, prot, flags int) (uintptr, error) {
		return as.Mmap(&MmapArgs{Length: n * pageSize, Prot: prot, Flags: flags})
	}
	a, err := mmap(20, rw, anonymous)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mmap(1, rw, anonymous); err != abi.ENOMEM {
		t.Errorf("above RLIMIT_DATA: %v", err)
	}
	b, err := mmap(80, abi.PROT_READ, anonymous)
	if err != nil {
		t.Errorf("read-only memory is no data: %v", err)
	}
	if _, err := mmap(1, abi.PROT_READ, anonymous); err != abi.ENOMEM {
		t.Errorf("above RLIMIT_AS: %v", err)
	}
	if err := as.Mprotect(nil, b, pageSize, rw); err != abi.ENOMEM {
		t.Errorf("mprotect above RLIMIT_DATA: %v", err)
	}
	if _, err := as.Mremap(nil, a, 20*pageSize, 21*pageSize, abi.MREMAP_MAYMOVE, 0); err != abi.ENOMEM {
		t.Errorf("mremap above the limits: %v", err)
	}
	// Replacing needs no more than there was.
	if _, err := as.Mmap(&MmapArgs{Addr: a, Length: 20 * pageSize, Prot: abi.PROT_READ, Flags: anonymous | abi.MAP_FIXED}); err != nil {
		t.Errorf("replacing at RLIMIT_AS: %v", err)
	}
	if err := as.Mlock(nil, a, 4*pageSize, false); err != abi.ENOMEM {
		t.Errorf("mlock above RLIMIT_MEMLOCK: %v", err)
	}
	if err := as.Mlock(nil, a, 3*pageSize, false); err != nil {
		t.Errorf("mlock: %v", err)
	}
	if err := as.Mlock(nil, a+pageSize, 2*pageSize, false); err != nil {
		t.Errorf("mlock again: %v", err)
	}
	as.Munmap(b, 80*pageSize)
	if _, err := mmap(1, rw, anonymous|abi.MAP_LOCKED); err != abi.EAGAIN {
		t.Errorf("MAP_LOCKED above RLIMIT_MEMLOCK: %v", err)
	}
	if err := as.MlockAll(nil, abi.MCL_CURRENT); err != abi.ENOMEM {
		t.Errorf("mlockall: %v", err)
	}
	if err := as.MlockAll(root, abi.MCL_CURRENT); err != nil || as.Stats().Locked != 20 {
		t.Errorf("mlockall as root: %v, %d pages", err, as.Stats().Locked)
	}
	as.MunlockAll()
	if as.Stats().Locked != 0 {
		t.Errorf("%d pages locked", as.Stats().Locked)
	}
	limits[abi.RLIMIT_MEMLOCK] = 0
	if err := as.Mlock(nil, a, pageSize, false); err != abi.EPERM {
		t.Errorf("mlock with a limit of 0: %v", err)
	}
}

func TestMaxMapCount(t *testing.T) {
	as := newTestSpace(t)
	const limit = MaxMapCount
	mapAt(t, as, base, 2*limit+10, rw, anonymous|abi.MAP_NORESERVE, nil)
	n := 1
	for ; ; n++ {
		if err := as.Mprotect(nil, base+uintptr(2*n-1)*pageSize, pageSize, abi.PROT_READ); err != nil {
			if err != abi.ENOMEM {
				t.Fatal(err)
			}
			break
		}
	}
	if got := as.vmas.len(); got < limit-2 || got > limit {
		t.Errorf("%d areas, the limit is %d", got, limit)
	}
	as.Munmap(base+uintptr(2*limit+7)*pageSize, pageSize) // there may be room for one more
	if err := as.Munmap(base+uintptr(2*limit+5)*pageSize, pageSize); err != abi.ENOMEM {
		t.Errorf("munmap that splits: %v", err)
	}
	if child := fork(t, as); child.vmas.len() != as.vmas.len() {
		t.Errorf("fork: %d areas of %d", child.vmas.len(), as.vmas.len())
	}
	if err := as.Munmap(base, 100*pageSize); err != nil {
		t.Errorf("munmap that does not split: %v", err)
	}
}

func TestBrk(t *testing.T) {
	as := newTestSpace(t)
	as.SetRandomize(false)
	limit := ^uint64(0)
	as.SetLimits(func(r int) uint64 {
		if r == abi.RLIMIT_DATA {
			return limit
		}
		return ^uint64(0)
	})
	as.SetBrk(base + 5)
	start := as.Brk(nil, 0)
	if start != base+pageSize {
		t.Fatalf("the heap begins at %#x", start)
	}
	for _, c := range []struct{ to, want, pages uintptr }{
		{start + 1, start + 1, 1},
		{start + pageSize, start + pageSize, 1},
		{start + pageSize + 1, start + pageSize + 1, 2},
		{start - 1, start + pageSize + 1, 2},
		{1 << 62, start + pageSize + 1, 2},
		{start + 10*pageSize, start + 10*pageSize, 10},
		{start + 3, start + 3, 1},
		{start, start, 0},
		{start + 4*pageSize, start + 4*pageSize, 4},
	} {
		if got := as.Brk(nil, c.to); got != c.want || as.Stats().Size != int64(c.pages) {
			t.Errorf("Brk(%#x) = %#x with %d pages, want %#x with %d", c.to, got, as.Stats().Size, c.want, c.pages)
		}
	}
	put(t, as, start+pageSize, "kept")
	as.Brk(nil, start+pageSize+2)
	as.Brk(nil, start+4*pageSize)
	if got := get(t, as, start+pageSize, 4); got != "kept" {
		t.Errorf("the last page has %q", got)
	}
	as.Brk(nil, start+pageSize)
	as.Brk(nil, start+4*pageSize)
	if got := get(t, as, start+pageSize, 4); got != "\x00\x00\x00\x00" {
		t.Errorf("new memory has %q", got)
	}
	// Not into what is mapped above, nor just below it.
	mapAnon(t, as, start+8*pageSize, 1)
	if got := as.Brk(nil, start+8*pageSize); got != start+4*pageSize {
		t.Errorf("grew to the next area: %#x", got)
	}
	if got := as.Brk(nil, start+7*pageSize); got != start+7*pageSize {
		t.Errorf("did not grow to a page before the next area: %#x", got)
	}
	limit = 2 * uint64(pageSize)
	if got := as.Brk(nil, start+7*pageSize+1); got != start+7*pageSize {
		t.Errorf("grew over the limit: %#x", got)
	}
	name := ""
	as.VMAs(func(v VMAInfo) bool { name = v.Name; return false })
	if name != "[heap]" {
		t.Errorf("the heap's name is %q", name)
	}
}

func TestMremap(t *testing.T) {
	as := newTestSpace(t)
	mapAnon(t, as, base, 3)
	put(t, as, base, "zero")
	put(t, as, base+2*pageSize, "two")
	if got, err := as.Mremap(nil, base, 3*pageSize, 5*pageSize, 0, 0); got != base || err != nil {
		t.Errorf("growing in place: %#x, %v", got, err)
	}
	mapAnon(t, as, base+5*pageSize, 1)
	as.Mprotect(nil, base+5*pageSize, pageSize, abi.PROT_READ)
	if _, err := as.Mremap(nil, base, 5*pageSize, 6*pageSize, 0, 0); err != abi.ENOMEM {
		t.Errorf("growing into a neighbour: %v", err)
	}
	moved, err := as.Mremap(nil, base, 5*pageSize, 600*pageSize, abi.MREMAP_MAYMOVE, 0)
	if err != nil || moved == base {
		t.Fatalf("moving: %#x, %v", moved, err)
	}
	absent(t, as, base)
	if get(t, as, moved, 4) != "zero" || get(t, as, moved+2*pageSize, 3) != "two" {
		t.Error("moving lost the contents")
	}
	if s := as.Stats(); s.Size != 601 || s.RSS != 2 {
		t.Errorf("%+v", s)
	}
	if got, err := as.Mremap(nil, moved, 600*pageSize, pageSize, 0, 0); got != moved || err != nil {
		t.Errorf("shrinking: %#x, %v", got, err)
	}
	if s := as.Stats(); s.Size != 2 || s.RSS != 1 {
		t.Errorf("%+v", s)
	}
	if got, err := as.Mremap(nil, moved, pageSize, 2*pageSize, abi.MREMAP_MAYMOVE|abi.MREMAP_FIXED, base+4*pageSize); got != base+4*pageSize || err != nil {
		t.Errorf("moving to a fixed place: %#x, %v", got, err)
	}
	if get(t, as, base+4*pageSize, 4) != "zero" || get(t, as, base+5*pageSize, 1) != "\x00" {
		t.Error("moving to a fixed place: wrong contents")
	}
	if got, err := as.Mremap(nil, base+4*pageSize, pageSize, pageSize, abi.MREMAP_MAYMOVE|abi.MREMAP_DONTUNMAP, 0); err != nil {
		t.Errorf("MREMAP_DONTUNMAP: %v", err)
	} else if get(t, as, got, 4) != "zero" || get(t, as, base+4*pageSize, 4) != "\x00\x00\x00\x00" {
		t.Error("MREMAP_DONTUNMAP: wrong contents")
	}
	if _, err := as.Mremap(nil, base+0x100000, pageSize, 2*pageSize, 0, 0); err != abi.EFAULT {
		t.Errorf("unmapped: %v", err)
	}
	// A second view of a shared mapping.
	mapAt(t, as, base+0x200000, 2, rw, abi.MAP_SHARED|abi.MAP_ANONYMOUS, nil)
	put(t, as, base+0x200000, "twice")
	if got, err := as.Mremap(nil, base+0x200000, 0, pageSize, abi.MREMAP_MAYMOVE, 0); err != nil || get(t, as, got, 5) != "twice" {
		t.Errorf("a second view: %#x, %v", got, err)
	}
}

func TestMremapWithoutMemory(t *testing.T) {
	as := newTestSpace(t)
	mapAnon(t, as, base, 1)
	put(t, as, base, "still here")
	hog := allFrames()
	_, err := as.Mremap(nil, base, pageSize, pageSize, abi.MREMAP_MAYMOVE|abi.MREMAP_FIXED, base+1<<30)
	frame.PutAll(hog)
	if err != abi.ENOMEM {
		t.Errorf("Mremap: %v", err)
	}
	if got := get(t, as, base, 10); got != "still here" {
		t.Errorf("contents %q", got)
	}
	if as.vmas.len() != 1 {
		t.Errorf("areas:\n%s", vmas(as))
	}
}

func TestMadvise(t *testing.T) {
	as := newTestSpace(t)
	o := newTestObject(t, 2)
	mapAnon(t, as, base, 2)
	mapAt(t, as, base+2*pageSize, 2, rw, abi.MAP_PRIVATE, o)
	for i := range uintptr(4) {
		put(t, as, base+i*pageSize, "X")
	}
	if err := as.Madvise(nil, base, 4*pageSize, abi.MADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
	if as.RSS() != 0 {
		t.Errorf("%d pages after MADV_DONTNEED", as.RSS())
	}
	if got := get(t, as, base, 1) + get(t, as, base+2*pageSize, 1); got != "\x00a" {
		t.Errorf("contents %q", got)
	}
	for _, c := range []struct {
		addr, n uintptr
		advice  int
		want    error
	}{
		{base, pageSize, 12345, abi.EINVAL},
		{base, pageSize, abi.MADV_MERGEABLE, nil},
		{base, pageSize, abi.MADV_COLLAPSE, abi.EINVAL},
		{base + 1, pageSize, abi.MADV_NORMAL, abi.EINVAL},
		{base, 0, abi.MADV_DONTNEED, nil},
		{base, ^uintptr(0), abi.MADV_DONTNEED, abi.EINVAL},
		{base + 2*pageSize, pageSize, abi.MADV_FREE, abi.EINVAL},
		{base + 2*pageSize, pageSize, abi.MADV_WIPEONFORK, abi.EINVAL},
		{base + 3*pageSize, 2 * pageSize, abi.MADV_DONTNEED, abi.ENOMEM},
		{base - pageSize, 2 * pageSize, abi.MADV_DONTNEED, abi.ENOMEM},
		{base, 2 * pageSize, abi.MADV_POPULATE_WRITE, nil},
		{base + 3*pageSize, 2 * pageSize, abi.MADV_POPULATE_READ, abi.ENOMEM},
		{base, pageSize, abi.MADV_REMOVE, abi.EINVAL},
		{base + 2*pageSize, pageSize, abi.MADV_REMOVE, abi.EACCES},
	} {
		if err := as.Madvise(nil, c.addr, c.n, c.advice); err != c.want {
			t.Errorf("Madvise(%#x, %#x, %d): %v, want %v", c.addr, c.n, c.advice, err, c.want)
		}
	}
	mapAt(t, as, base+0x10000, 2, rw, abi.MAP_SHARED|abi.MAP_ANONYMOUS, nil)
	put(t, as, base+0x10000, "X")
	if err := as.Madvise(nil, base+0x10000, pageSize, abi.MADV_REMOVE); err != nil || Total().Shmem != 0 {
		t.Errorf("MADV_REMOVE: %v, %d pages left", err, Total().Shmem)
	}
	if got := get(t, as, base+0x10000, 1); got != "\x00" {
		t.Errorf("after MADV_REMOVE: %q", got)
	}
	as.Mlock(root, base, pageSize, false)
	if err := as.Madvise(nil, base, pageSize, abi.MADV_DONTNEED); err != abi.EINVAL {
		t.Errorf("MADV_DONTNEED on locked memory: %v", err)
	}
	as.Munmap(base, 0x20000)
}

func TestMincore(t *testing.T) {
	as := newTestSpace(t)
	o := presentObject{newTestObject(t, 2)}
	mapAnon(t, as, base, 3)
	mapAt(t, as, base+3*pageSize, 3, abi.PROT_READ, abi.MAP_PRIVATE, o)
	put(t, as, base+pageSize, "x")
	f, _ := o.Page(1, false)
	f.Put()
	vec := make([]byte, 6)
	if n, err := as.Mincore(base, vec); n != 3 || err != nil || string(vec[:3]) != "\x00\x01\x00" {
		t.Errorf("Mincore: %v, %d, %v", vec, n, err)
	}
	if n, err := as.Mincore(base+3*pageSize, vec); n != 3 || err != nil || string(vec[:3]) != "\x00\x01\x00" {
		t.Errorf("Mincore of an object: %v, %d, %v", vec, n, err)
	}
	if _, err := as.Mincore(base+6*pageSize, vec); err != abi.ENOMEM {
		t.Errorf("with an unmapped page: %v", err)
	}
	as.Munmap(base, 6*pageSize)
}

// A syncedObject counts what it is asked to write back.
type syncedObject struct {
	*testObject
	first, last uint64
}

func (o *syncedObject) Sync(first, last uint64) error {
	o.first, o.last = first, last
	return nil
}

func TestMsync(t *testing.T) {
	as := newTestSpace(t)
	o, f := &syncedObject{testObject: newTestObject(t, 9)}, new(testFile)
	if _, err := as.Mmap(&MmapArgs{Addr: base, Length: 4 * pageSize, Prot: rw, Flags: abi.MAP_SHARED | abi.MAP_FIXED, Object: o, Offset: uint64(2 * pageSize), File: f}); err != nil {
		t.Fatal(err)
	}
	if err := as.Msync(base+pageSize, 2*pageSize, abi.MS_ASYNC); err != nil || o.last != 0 {
		t.Errorf("MS_ASYNC: %v, wrote %d-%d", err, o.first, o.last)
	}
	if err := as.Msync(base+pageSize, pageSize+1, abi.MS_SYNC); err != nil || o.first != 3 || o.last != 5 {
		t.Errorf("MS_SYNC: %v, wrote %d-%d", err, o.first, o.last)
	}
	if err := as.Msync(base+3*pageSize, 2*pageSize, abi.MS_SYNC); err != abi.ENOMEM {
		t.Errorf("with an unmapped page: %v", err)
	}
	if err := as.Msync(base, pageSize, abi.MS_SYNC|abi.MS_ASYNC); err != abi.EINVAL {
		t.Errorf("both: %v", err)
	}
	if f.n != 1 {
		t.Errorf("%d references on the file", f.n)
	}
	as.Munmap(base, 4*pageSize)
}

func TestLayout(t *testing.T) {
	balanced(t)
	seen := map[[4]uintptr]bool{}
	highest := uintptr(0)
	for range 50 {
		as, err := New(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := as.SetStack(0, 8<<20); err != nil {
			t.Fatal(err)
		}
		as.SetBrk(base)
		top, heap, pie := as.StackTop(), as.Brk(nil, 0), as.PIEBase()
		area, err := as.Mmap(&MmapArgs{Length: pageSize, Prot: rw, Flags: anonymous})
		if err != nil {
			t.Fatal(err)
		}
		seen[[4]uintptr{top, heap, pie, area}] = true
		if top > UserTop || top < UserTop-16<<30 || top%pageSize != 0 {
			t.Errorf("stack top %#x", top)
		}
		if heap < base || heap >= base+1<<30 || heap%pageSize != 0 {
			t.Errorf("heap %#x", heap)
		}
		highest = max(highest, heap)
		if at := as.HeapBase(area); at != pageDown(UserTop/3*2) {
			t.Errorf("heap of a program in the area for mmap at %#x", at)
		}
		above := as.AboveStack(2 * pageSize)
		if above < top || above > UserTop || above/(2<<20) != top/(2<<20) && above != top || above%pageSize != 0 {
			t.Errorf("%#x is not above the stack, which ends at %#x", above, top)
		}
		if pie < UserTop/3*2-pageSize || pie > UserTop/3*2+1<<40 || pie%pageSize != 0 {
			t.Errorf("program %#x", pie)
		}
		if area > top-8<<20-stackGuardGap || area < UserTop/2 || area%pageSize != 0 || area < pie {
			t.Errorf("first area %#x, stack top %#x, program %#x", area, top, pie)
		}
		as.Put()
	}
	if len(seen) < 49 {
		t.Errorf("only %d layouts", len(seen))
	}
	if highest < base+512<<20 {
		t.Errorf("heaps begin below %#x, %#x after the program", highest, highest-base)
	}
	as, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer as.Put()
	as.SetRandomize(false)
	as.SetStack(0, 8<<20)
	as.SetBrk(base)
	if as.StackTop() != UserTop || as.Brk(nil, 0) != base || as.PIEBase() != pageDown(UserTop/3*2) {
		t.Errorf("not randomized: stack %#x, heap %#x, program %#x", as.StackTop(), as.Brk(nil, 0), as.PIEBase())
	}
	if at := as.HeapBase(base); at != base {
		t.Errorf("not randomized: heap of a program in the area for mmap at %#x", at)
	}
}

// TestStackLimitPlacesMmap takes Linux's figures for where mmap begins below
// stacks with a limit, without randomisation and at most with it.
func TestStackLimitPlacesMmap(t *testing.T) {
	for _, c := range []struct {
		limit uint64
		base  uintptr
	}{
		{0, 0x7ffff7fff000},
		{8 << 20, 0x7ffff7fff000},
		{128 << 20, 0x7ffff7eff000},
		{4<<30 + 1, 0x7ffefff00000 - 0x1000},
		{100 << 40, 0x1bfffff00000 - 0x1000},
		{1 << 47, 0x155555556000},
		{^uint64(0), 0x155555556000},
	} {
		as := newTestSpace(t)
		as.SetRandomize(false)
		if err := as.SetStack(0, c.limit); err != nil {
			t.Fatal(err)
		}
		if got := as.layout.mmapBase; got != c.base {
			t.Errorf("stack limit %#x: mmap begins at %#x, want %#x", c.limit, got, c.base)
		}
		as.SetRandomize(true)
		as.SetStack(0, c.limit)
		at, err := as.Mmap(&MmapArgs{Length: pageSize, Prot: rw, Flags: anonymous})
		if err != nil || at%pageSize != 0 || at > c.base || at < c.base-pageSize-(mmapRandomPages+stackRandomPages)<<pageShift {
			t.Errorf("stack limit %#x: mmap at %#x, %v", c.limit, at, err)
		}
		as.Munmap(0, UserTop)
	}
}

func TestFixedObject(t *testing.T) {
	as := newTestSpace(t)
	f, err := frame.AllocZero()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Put() })
	copy(f.Data()[:], "code")
	o := NewFixedObject([]frame.Frame{f})
	mapAt(t, as, base, 1, abi.PROT_READ|abi.PROT_EXEC, abi.MAP_PRIVATE, o)
	if err := as.Fault(base, false, true, false); err != nil || get(t, as, base, 4) != "code" {
		t.Errorf("%v, %q", err, get(t, as, base, 4))
	}
	as.Munmap(base, pageSize)
	if f.Refs() != 1 {
		t.Errorf("%d references", f.Refs())
	}
}
