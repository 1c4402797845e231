package imagemap

import (
	"math/rand/v2"
	"testing"

	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/layout"
)

const (
	loaded  = layout.KernelImage - layout.KernelBase
	present = layout.PTEPresent | layout.PTEGlobal
	noExec  = layout.PTENoExec
	write   = layout.PTEWrite
)

// An image has text, constants, an empty part, what relocation has settled, and
// data, with so many pages each.
type image struct{ text, constants, empty, settled, data uint64 }

func (m image) pages() uint64 { return m.text + m.constants + m.empty + m.settled + m.data }

// rights returns the rights of page i; 0 if there is nothing.
func (m image) rights(i uint64) uint64 {
	switch {
	case i < m.text:
		return present
	case i < m.text+m.constants:
		return present | noExec
	case i < m.text+m.constants+m.empty:
		return 0
	case i < m.text+m.constants+m.empty+m.settled:
		return present | noExec
	}
	return present | noExec | write
}

// memory returns the address of n pages in a row.
func memory(t *testing.T, n uint64) uint64 {
	t.Helper()
	f, err := frame.AllocContig(int(n), frame.Size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for i := range n {
			(f + frame.Frame(i*frame.Size)).Put()
		}
	})
	return uint64(f)
}

// bootTables returns the root of tables that map m as it was loaded.
func bootTables(t *testing.T, m image) uint64 {
	pages := Pages(m.pages() * pageSize)
	b := New(memory(t, pages), pages)
	for i := range m.pages() {
		if r := m.rights(i); r != 0 {
			va := layout.KernelImage + uintptr(i)*pageSize
			b.table(va, 12)[va>>12&511] = loaded + i*pageSize | r
		}
	}
	return b.Root
}

// walk returns the entry that maps va, and how many bytes it maps.
func walk(root uint64, va uintptr) (e, size uint64) {
	table := root
	for shift := uint(39); ; shift -= 9 {
		e = direct.Table(table)[va>>shift&511]
		if e&layout.PTEPresent == 0 || shift == 12 || e&layout.PTEHuge != 0 {
			return e, 1 << shift
		}
		table = e & layout.PTEFrame
	}
}

func TestMapImage(t *testing.T) {
	frame.InitSoft(4096)
	r := rand.New(rand.NewPCG(5, 6))
	for _, m := range []image{
		{text: 500, constants: 480, empty: 110, settled: 120, data: 200},
		{text: 1, constants: 1, settled: 1, data: 1},
		{text: 10, constants: 600, empty: 1500, settled: 5, data: 513}, // whole tables are missing
		{text: 512, constants: 512, empty: 512, settled: 512, data: 512},
	} {
		size := m.pages() * pageSize
		boot := bootTables(t, m)
		stay := (m.text + m.constants + m.empty) * pageSize
		for round := range 30 {
			to := layout.Fixed()
			if round > 0 {
				to = layout.Choose(uintptr(size), r.Uint64)
			}
			switch round % 3 {
			case 0: // close behind the place that it was loaded to
				to.ImagePhysical = loaded + size
			case 1:
				to.ImagePhysical = 64<<20 + r.Uint64N(1<<18)*pageSize
			case 2: // across 1 GiB, both ways
				to.ImagePhysical = 1<<30 - size/2&^(pageSize-1)
				to.Image = to.Image&^(1<<30-1) + 1<<30 - uintptr(size/2)&^(pageSize-1)
			}
			pages := Pages(size)
			at := memory(t, pages)
			tables := New(at, pages)
			tables.MapDirect(to.Direct)
			tables.MapImage(boot, to, stay, size)
			if tables.next > at+pages*pageSize {
				t.Fatalf("%d pages of tables, more than %d", (tables.next-at)/pageSize, pages)
			}
			check(t, tables.Root, m, to, stay)
			if t.Failed() {
				t.Fatalf("image %+v at %#x", m, to)
			}
		}
	}
}

// check compares what the tables map with what they ought to.
func check(t *testing.T, root uint64, m image, to layout.Places, stay uint64) {
	t.Helper()
	readOnly := map[uint64]bool{}
	for i := range m.pages() {
		offset := i * pageSize
		pa := to.ImagePhysical + offset
		if offset < stay {
			pa = loaded + offset
		}
		want := m.rights(i)
		if want != 0 {
			want |= pa
		}
		if e, size := walk(root, to.Image+uintptr(offset)); e != want || e != 0 && size != pageSize {
			t.Errorf("page %d of the image: %#x, want %#x", i, e, want)
			return
		}
		readOnly[pa] = want != 0 && want&write == 0
	}
	for _, va := range []uintptr{to.Image - pageSize, to.Image + uintptr(m.pages())*pageSize} {
		if e, _ := walk(root, va); e != 0 {
			t.Errorf("beside the image: %#x", e)
		}
	}
	// Every page of the image and around it, and a sample of the others.
	for pa := range readOnly {
		for _, at := range []uint64{pa - 2<<20, pa - pageSize, pa, pa + pageSize, pa + 2<<20} {
			checkDirect(t, root, to.Direct, at, readOnly[at])
		}
	}
	for pa := uint64(0); pa < layout.DirectMapBoot; pa += 34<<20 + pageSize {
		checkDirect(t, root, to.Direct, pa, readOnly[pa])
	}
	if e, _ := walk(root, to.Direct+layout.DirectMapBoot); e&layout.PTEPresent != 0 {
		t.Errorf("beyond the direct map: %#x", e)
	}
}

func checkDirect(t *testing.T, root uint64, base uintptr, pa uint64, readOnly bool) {
	t.Helper()
	e, size := walk(root, base+uintptr(pa))
	want := uint64(layout.PTEPresent | layout.PTEGlobal | layout.PTENoExec)
	if !readOnly {
		want |= write
	}
	if pa >= layout.Uncached {
		want |= layout.PTEUncached
	}
	if e&layout.PTEFrame&^(size-1) != pa&^(size-1) || e&^(layout.PTEFrame|layout.PTEHuge) != want {
		t.Errorf("direct map of %#x: %#x, rights want %#x", pa, e, want)
	}
}

func TestMapped(t *testing.T) {
	frame.InitSoft(4096)
	m := image{text: 3, constants: 2, empty: 600, settled: 1, data: 1}
	boot := bootTables(t, m)
	for i := range m.pages() + 2000 {
		want := i < m.pages() && m.rights(i) != 0
		if got := Mapped(boot, layout.KernelImage+uintptr(i)*pageSize); got != want {
			t.Errorf("page %d: %v", i, got)
		}
	}
}
