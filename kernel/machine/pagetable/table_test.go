package pagetable

import (
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/tlb"
)

func TestMain(m *testing.M) {
	frame.InitSoft(8192)
	os.Exit(m.Run())
}

// newTable returns a table that the test's end destroys, after which as many
// frames as now must be free.
func newTable(t *testing.T) *Table {
	tab, _ := newTables(t)
	return tab
}

func newTables(t *testing.T) (*Table, *Table) {
	t.Helper()
	free, pages := frame.Free(), TotalPages()
	var tabs [2]*Table
	for i := range tabs {
		tab, err := New()
		if err != nil {
			t.Fatal(err)
		}
		tabs[i] = tab
	}
	t.Cleanup(func() {
		for _, tab := range tabs {
			if tab.root != 0 {
				destroy(tab)
			}
		}
		if now := frame.Free(); now != free {
			t.Errorf("%d frames free at the end, %d at the start", now, free)
		}
		if now := TotalPages(); now != pages {
			t.Errorf("%d table pages at the end, %d at the start", now, pages)
		}
	})
	return tabs[0], tabs[1]
}

func destroy(tab *Table) Counts {
	var d Teardown
	d.Begin(tab)
	d.Span(0, UserEnd)
	return d.End()
}

func alloc(t *testing.T) frame.Frame {
	t.Helper()
	f, err := frame.Alloc()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func mustMap(t *testing.T, tab *Table, va uintptr, p Prot) frame.Frame {
	t.Helper()
	f := alloc(t)
	if err := tab.Map(va, f, p); err != nil {
		t.Fatalf("Map(%#x): %v", va, err)
	}
	return f
}

func check(t *testing.T, tab *Table, va uintptr, f frame.Frame, p Prot) {
	t.Helper()
	g, q, ok := tab.Lookup(va)
	if !ok || g != f || q != p {
		t.Errorf("at %#x: frame %#x, rights %b, %v; want %#x, %b", va, uint64(g), q, ok, uint64(f), p)
	}
}

func TestEntryCoding(t *testing.T) {
	for p := Prot(0); p < 32; p++ {
		want := p
		if p&access != 0 {
			want |= Read
		}
		f, q := decode(encode(0x123456000, p))
		if f != 0x123456000 || q != want {
			t.Errorf("rights %b came back as %b, frame %#x", p, q, uint64(f))
		}
		e := encode(0x123456000, p)
		if (e&present != 0) != (p&access != 0) || (e&writable != 0) != (p&Write != 0) ||
			(e&noExec == 0) != (p&Exec != 0) || e&present != 0 && e&user == 0 || e == 0 {
			t.Errorf("rights %b make the entry %#x", p, e)
		}
	}
}

func TestExecuteOnly(t *testing.T) {
	SetExecuteOnly(true)
	defer SetExecuteOnly(false)
	for p := range Prot(32) {
		e := encode(1<<frame.Shift, p)
		key := e >> keyShift & 15
		if want := p&access == Exec; (key == ExecuteOnlyKey) != want || key != 0 && !want {
			t.Errorf("rights %#x: key %d", p, key)
		}
		want := p
		if p&Write != 0 {
			want |= Read
		}
		if f, got := decode(e); got != want || f != 1<<frame.Shift {
			t.Errorf("rights %#x: read back %#x of %#x", p, got, f)
		}
	}
	tab := newTable(t)
	if err := tab.Map(4096, alloc(t), Exec|Anon); err != nil {
		t.Fatal(err)
	}
	for _, p := range []Prot{Exec, Read | Exec, 0, Exec, Read | Write, Exec} {
		tab.Protect(4096, 8192, p)
		if _, got, _ := tab.Lookup(4096); got != p|Anon {
			t.Errorf("rights %#x after %#x", got, p)
		}
	}
}

func TestMapLookupUnmap(t *testing.T) {
	tab := newTable(t)
	addrs := []uintptr{0x10000, 0x11000, 0x1ff000, 0x200000, 0x40000000, 0x7fffffffe000, 1 << 46}
	frames := map[uintptr]frame.Frame{}
	for i, va := range addrs {
		if _, _, ok := tab.Lookup(va); ok {
			t.Fatalf("%#x is mapped in an empty table", va)
		}
		frames[va] = mustMap(t, tab, va, Read|Prot(i%2)*Write)
	}
	for i, va := range addrs {
		check(t, tab, va, frames[va], Read|Prot(i%2)*Write)
	}
	f := alloc(t)
	if err := tab.Map(0x10000, f, Read); err != abi.EEXIST {
		t.Errorf("second Map: %v", err)
	}
	f.Put()
	frames[0x11000].Get()
	if c := tab.Unmap(0x11000, 0x200000); c != (Counts{Object: 2}) {
		t.Errorf("Unmap removed %+v", c)
	}
	if frames[0x11000].Refs() != 1 || frames[0x1ff000].Refs() != 0 {
		t.Error("Unmap did not drop the table's references")
	}
	frames[0x11000].Put()
	check(t, tab, 0x10000, frames[0x10000], Read)
	if _, _, ok := tab.Lookup(0x11000); ok {
		t.Error("an unmapped page is there")
	}
	// Removing everything must leave the root alone.
	tab.Unmap(0, UserEnd)
	if tab.Pages() != 1 {
		t.Errorf("%d table pages in an empty table", tab.Pages())
	}
}

func TestPartialUnmapFreesEmptyTables(t *testing.T) {
	tab := newTable(t)
	for i := range uintptr(100) {
		va := i * 1 << 30
		mustMap(t, tab, va+PageSize, Read)
		tab.Unmap(va+PageSize, va+2*PageSize)
	}
	if tab.Pages() != 1 {
		t.Errorf("%d table pages in an empty table", tab.Pages())
	}
}

func TestKernelHalfIsShared(t *testing.T) {
	root := alloc(t)
	t.Cleanup(func() { root.Put() })
	root.Zero()
	root.Data()[4096-8] = 0x67
	KernelRoot = root
	tab := newTable(t)
	KernelRoot = 0
	if frame.Frame(tab.Root()).Data()[4096-8] != 0x67 {
		t.Error("the upper half is not the kernel's")
	}
	destroy(tab)
	if root.Refs() != 1 {
		t.Error("Destroy touched the kernel's half")
	}
}

func TestUnowned(t *testing.T) {
	tab, dst := newTables(t)
	f := alloc(t)
	defer f.Put()
	for va := uintptr(0x10000); va < 0x14000; va += PageSize {
		if err := tab.Map(va, f, Read|Unowned); err != nil {
			t.Fatal(err)
		}
	}
	check(t, tab, 0x10000, f, Read|Unowned)
	g := alloc(t)
	if ok, freed := tab.Replace(0x10000, f, g, Read|Write|Anon); !ok || freed {
		t.Errorf("Replace: %v, %v", ok, freed)
	}
	if c, err := tab.CopyRange(dst, 0x10000, 0x14000, true, false); err != nil || c != (Counts{Anon: 1}) {
		t.Errorf("CopyRange: %+v, %v", c, err)
	}
	if c := tab.Unmap(0x10000, 0x12000); c != (Counts{Anon: 1}) {
		t.Errorf("Unmap: %+v", c)
	}
	if f.Refs() != 1 || g.Refs() != 1 {
		t.Errorf("references: unowned %d, owned %d; want 1 and 1", f.Refs(), g.Refs())
	}
}

func TestReplaceFlushesThenFrees(t *testing.T) {
	tab := newTable(t)
	old := mustMap(t, tab, 0x10000, Read|Anon)
	f := alloc(t)
	flushes := tlb.Flushes.Load()
	if ok, freed := tab.Replace(0x10000, old, f, Read|Write|Anon); !ok || !freed {
		t.Fatalf("Replace: %v, %v", ok, freed)
	}
	if tlb.Flushes.Load() == flushes {
		t.Error("no flush")
	}
	if old.Refs() != 0 {
		t.Error("the old frame is not free")
	}
	check(t, tab, 0x10000, f, Read|Write|Anon)
	if ok, _ := tab.Replace(0x10000, old, old, Read); ok {
		t.Error("replaced a frame that is not there")
	}
	if ok, _ := tab.Replace(0x11000, old, old, Read); ok {
		t.Error("replaced a page that is not there")
	}
}

// TestFramesAreFreeAfterFlush looks at the table at the moment of each flush:
// the entries must be clear, and the frames not free yet.
func TestFramesAreFreeAfterFlush(t *testing.T) {
	tab := newTable(t)
	const pages = 600 // more than a gather holds
	var frames [pages]frame.Frame
	flushes, free := 0, uint64(0)
	tlb.OnFlush = func() {
		flushes++
		if now := frame.Free(); now != free {
			t.Errorf("flush %d: %d frames free, want %d", flushes, now, free)
		}
		for i, f := range frames {
			_, _, there := tab.Lookup(0x10000 + uintptr(i)*PageSize)
			if !there && f.Refs() == 0 && i >= 256*(flushes-1) {
				t.Fatalf("flush %d: frame %d is free", flushes, i)
			}
		}
		free += 256
	}
	defer func() { tlb.OnFlush = nil }()
	for i := range frames {
		frames[i] = mustMap(t, tab, 0x10000+uintptr(i)*PageSize, Read|Write|Anon)
	}
	free = frame.Free()
	if c := tab.Unmap(0x10000, 0x10000+pages*PageSize); c.Freed != pages {
		t.Errorf("%+v", c)
	}
	if flushes != 3 {
		t.Errorf("%d flushes, want 3", flushes)
	}
}

func TestProtect(t *testing.T) {
	tab := newTable(t)
	const rw = Read | Write
	object := mustMap(t, tab, 0x10000, Read)
	sole := mustMap(t, tab, 0x11000, Read|Anon)
	shared := mustMap(t, tab, 0x12000, Read|Anon)
	shared.Get()
	defer shared.Put()
	wide := mustMap(t, tab, 0x13000, rw|Anon)
	outside := mustMap(t, tab, 0x14000, rw|Anon)

	tab.Protect(0x10000, 0x14000, rw)
	check(t, tab, 0x10000, object, Read)
	check(t, tab, 0x11000, sole, rw|Anon)
	check(t, tab, 0x12000, shared, Read|Anon)
	check(t, tab, 0x13000, wide, rw|Anon)

	flushes := tlb.Flushes.Load()
	tab.Protect(0x10000, 0x14000, 0)
	if tlb.Flushes.Load() == flushes {
		t.Error("rights were taken without a flush")
	}
	check(t, tab, 0x13000, wide, Anon)
	check(t, tab, 0x10000, object, 0)
	check(t, tab, 0x14000, outside, rw|Anon)
	tab.Protect(0x10000, 0x14000, rw|Exec)
	check(t, tab, 0x13000, wide, rw|Exec|Anon)
	check(t, tab, 0x10000, object, Read|Exec)
}

func TestCopyRange(t *testing.T) {
	tab, dst := newTables(t)
	const rw = Read | Write
	a := mustMap(t, tab, 0x1ff000, rw|Anon)
	b := mustMap(t, tab, 0x200000, Read)
	c := mustMap(t, tab, 0x201000, rw)
	n, err := tab.CopyRange(dst, 0x1ff000, 0x201000, true, false)
	if err != nil || n != (Counts{Anon: 1, Object: 1}) {
		t.Errorf("copied %+v, %v", n, err)
	}
	for _, x := range []*Table{tab, dst} {
		check(t, x, 0x1ff000, a, Read|Anon)
		check(t, x, 0x200000, b, Read)
	}
	if _, err := tab.CopyRange(dst, 0x201000, 0x202000, false, false); err != nil {
		t.Fatal(err)
	}
	check(t, dst, 0x201000, c, rw)
	check(t, tab, 0x201000, c, rw)
	for _, f := range []frame.Frame{a, b, c} {
		if f.Refs() != 2 {
			t.Errorf("%d references, want 2", f.Refs())
		}
	}
	if n := tab.Unmap(0, UserEnd); n.Freed != 0 {
		t.Errorf("Unmap freed %d shared frames", n.Freed)
	}
	if n := destroy(dst); n != (Counts{Anon: 1, Object: 2, Freed: 1}) {
		t.Errorf("Destroy: %+v", n)
	}
}

func TestCopyOnlyAnon(t *testing.T) {
	tab, dst := newTables(t)
	mustMap(t, tab, 0x10000, Read)
	f := mustMap(t, tab, 0x11000, Read|Write|Anon)
	if n, err := tab.CopyRange(dst, 0x10000, 0x12000, true, true); err != nil || n != (Counts{Anon: 1}) {
		t.Errorf("copied %+v, %v", n, err)
	}
	check(t, dst, 0x11000, f, Read|Anon)
	if _, _, ok := dst.Lookup(0x10000); ok {
		t.Error("an object's page was copied")
	}
}

func TestDestroyBySpans(t *testing.T) {
	tab := newTable(t)
	var spans [][2]uintptr
	for va := uintptr(0x10000); va < UserEnd; va += va/3&^(PageSize-1) + 5*PageSize {
		n := va / 7 % 10
		for i := range n {
			mustMap(t, tab, va+i*PageSize, Read|Anon)
		}
		if n > 0 {
			spans = append(spans, [2]uintptr{va, va + n*PageSize})
		}
	}
	var d Teardown
	d.Begin(tab)
	for _, s := range spans {
		d.Span(s[0], s[1])
	}
	c := d.End()
	if c.Anon < 100 || c.Freed != c.Anon {
		t.Errorf("%+v", c)
	}
}

func TestMove(t *testing.T) {
	tab := newTable(t)
	frames := map[uintptr]frame.Frame{}
	for va := uintptr(0x1f0000); va < 0x210000; va += 3 * PageSize {
		frames[va] = mustMap(t, tab, va, Read|Write|Anon)
	}
	const to = 0x7f00001fd000
	if err := tab.Move(0x1f0000, to, 0x20000); err != nil {
		t.Fatal(err)
	}
	for va, f := range frames {
		check(t, tab, va-0x1f0000+to, f, Read|Write|Anon)
		if _, _, ok := tab.Lookup(va); ok {
			t.Errorf("%#x is still there", va)
		}
	}
	tab.Unmap(to, to+0x20000)
	if tab.Pages() != 1 {
		t.Errorf("%d table pages in an empty table", tab.Pages())
	}
}

// TestMoveAlignments moves ranges between places of every alignment to each
// other and to the tables, so close that they share tables of each level.
func TestMoveAlignments(t *testing.T) {
	tab := newTable(t)
	step := uintptr(61) // of pages: coprime to the size of a table
	if testing.Short() {
		step = 151
	}
	borders := []uintptr{5 * LeafSpan, 1 << 30, 1 << 39}
	for _, n := range []uintptr{1, 2, 511, 512, 513, 1025} {
		for offset := uintptr(0); offset < entries; offset += step {
			start := offset * PageSize
			for gap := uintptr(0); gap <= 2*entries; gap += step {
				for _, border := range borders {
					low, high := border+start-LeafSpan, border+start-LeafSpan+(n+gap)*PageSize
					checkMove(t, tab, low, high, n)
					checkMove(t, tab, high, low, n)
				}
			}
			if t.Failed() {
				t.Fatalf("moving %d pages, offset %d", n, offset)
			}
		}
	}
}

// checkMove moves n pages, of which there are the outermost and some between,
// and looks at where they are then.
func checkMove(t *testing.T, tab *Table, start, to, n uintptr) {
	t.Helper()
	pages := map[uintptr]frame.Frame{}
	for i := uintptr(0); i < n; i += 73 {
		pages[i] = mustMap(t, tab, start+i*PageSize, Read|Write|Anon)
	}
	if _, ok := pages[n-1]; !ok {
		pages[n-1] = mustMap(t, tab, start+(n-1)*PageSize, Read|Anon)
	}
	if err := tab.Move(start, to, n*PageSize); err != nil {
		t.Fatalf("Move(%#x, %#x, %d pages): %v", start, to, n, err)
	}
	found := 0
	tab.Each(0, UserEnd, func(va uintptr, f frame.Frame, _ Prot) bool {
		if pages[(va-to)/PageSize] != f {
			t.Errorf("Move(%#x, %#x, %d pages): frame %#x is at %#x", start, to, n, uint64(f), va)
		}
		found++
		return true
	})
	if found != len(pages) {
		t.Errorf("Move(%#x, %#x, %d pages): %d pages after it, %d before", start, to, n, found, len(pages))
	}
	tab.Unmap(to, to+n*PageSize)
	if tab.Pages() != 1 {
		t.Errorf("Move(%#x, %#x, %d pages): it left %d tables", start, to, n, tab.Pages()-1)
	}
}

func TestMapRange(t *testing.T) {
	tab := newTable(t)
	there := mustMap(t, tab, 0x12000, Read)
	fs := make([]frame.Frame, 5)
	for i := range fs {
		if i != 1 {
			fs[i] = alloc(t)
		}
	}
	n, err := tab.MapRange(0x10000, fs, Read|Exec)
	if n != 3 || err != nil {
		t.Errorf("MapRange: %d, %v", n, err)
	}
	check(t, tab, 0x10000, fs[0], Read|Exec)
	check(t, tab, 0x12000, there, Read)
	check(t, tab, 0x14000, fs[4], Read|Exec)
	if fs[2].Refs() != 0 {
		t.Error("the reference that was not needed is kept")
	}
}

func TestOutOfFrames(t *testing.T) {
	tab := newTable(t)
	f := alloc(t)
	defer f.Put()
	frame.SetReserve(frame.Total())
	defer frame.SetReserve(0)
	var cached []frame.Frame // what the CPU's cache still gives
	for {
		g, err := frame.Alloc()
		if err != nil {
			break
		}
		cached = append(cached, g)
	}
	if err := tab.Map(0x10000, f, Read); err != abi.ENOMEM {
		t.Errorf("Map without frames: %v", err)
	}
	if n, err := tab.MapRange(0x10000, []frame.Frame{0, 0}, Read); n != 0 || err != abi.ENOMEM {
		t.Errorf("MapRange without frames: %d, %v", n, err)
	}
	if _, err := New(); err != abi.ENOMEM {
		t.Errorf("New without frames: %v", err)
	}
	frame.PutAll(cached)
}

// TestTeardownOfRaggedTable destroys tables of which some levels could not be
// made for lack of memory.
func TestTeardownOfRaggedTable(t *testing.T) {
	for left := range 6 {
		tab := newTable(t)
		mustMap(t, tab, 0x10000, Read|Anon)
		f := alloc(t)
		var hog []frame.Frame
		for frame.Free() > uint64(left) {
			hog = append(hog, alloc(t))
		}
		err, want := tab.Map(1<<46, f, Read|Anon), 2
		if (err == nil) != (left >= 3) {
			t.Errorf("with %d frames left: %v", left, err)
		}
		frame.PutAll(hog)
		if err != nil {
			f.Put()
			want = 1
		}
		if c := destroy(tab); c.Freed != want {
			t.Errorf("with %d frames left: %+v, want %d", left, c, want)
		}
	}
}

func TestConcurrentMap(t *testing.T) {
	tab := newTable(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range uintptr(1000) {
				f, err := frame.Alloc()
				if err != nil {
					t.Error(err)
					return
				}
				if err := tab.Map(i*0x33000, f, Read); err != nil {
					f.Put()
				}
			}
		})
	}
	wg.Wait()
	if c := tab.Unmap(0, UserEnd); c.Object != 1000 {
		t.Errorf("%d pages, want 1000", c.Object)
	}
}

// TestModel does random things to a table and to a map, and compares.
func TestModel(t *testing.T) {
	tab := newTable(t)
	r := rand.New(rand.NewPCG(7, 7))
	type page struct {
		f frame.Frame
		p Prot
	}
	model := map[uintptr]page{}
	addr := func() uintptr { // dense here and there, over several leaves
		return uintptr(r.IntN(3))<<39 + uintptr(r.IntN(2))<<30 + uintptr(r.IntN(2))<<21 + uintptr(r.IntN(64))<<12 + 450<<12
	}
	for range 20000 {
		va := addr()
		end := va + uintptr(r.IntN(100))*PageSize
		switch r.IntN(6) {
		case 0, 1, 2:
			if _, there := model[va]; there {
				continue
			}
			p := Prot(r.IntN(8)) | Anon
			if p&access != 0 {
				p |= Read
			}
			model[va] = page{mustMap(t, tab, va, p), p}
		case 3:
			tab.Unmap(va, end)
			for a := range model {
				if a >= va && a < end {
					delete(model, a)
				}
			}
		case 4:
			p := Prot(r.IntN(8))
			if p != 0 {
				p |= Read
			}
			tab.Protect(va, end, p)
			for a, m := range model {
				if a >= va && a < end {
					model[a] = page{m.f, p | Anon}
				}
			}
		case 5:
			to := uintptr(4)<<39 + va
			tab.Move(va, to, end-va)
			tab.Move(to, va, end-va)
		}
	}
	n := 0
	tab.Each(0, UserEnd, func(va uintptr, f frame.Frame, p Prot) bool {
		if m := model[va]; m.f != f || m.p != p {
			t.Errorf("at %#x: %#x, %b; want %#x, %b", va, uint64(f), p, uint64(m.f), m.p)
		}
		n++
		return true
	})
	if n != len(model) {
		t.Errorf("%d pages, want %d", n, len(model))
	}
}

func BenchmarkCopyRange(b *testing.B) {
	tab, _ := New()
	for i := range uintptr(256) {
		f, _ := frame.Alloc()
		tab.Map(0x400000+i*PageSize, f, Read|Write|Anon)
	}
	for b.Loop() {
		dst, _ := New()
		tab.CopyRange(dst, 0x400000, 0x500000, true, false)
		destroy(dst)
	}
	destroy(tab)
}
