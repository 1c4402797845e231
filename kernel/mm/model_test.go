package mm

import (
	"math/rand/v2"
	"sync"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/pagetable"
	"kevlar/kernel/machine/tlb"
)

const (
	modelPages  = 40
	objectPages = 12
)

// A model is what an address space should be: by page.
type model struct{ pages [modelPages]modelPage }

type modelPage struct {
	prot   int // -1: not mapped
	shared bool
	object bool
	index  int   // in the object
	own    *byte // private contents, in place of the object's
}

// A run compares address spaces with their models while random things happen
// to both. In the models a page is its first byte.
type run struct {
	t      *testing.T
	r      *rand.Rand
	object presentObject
	file   [objectPages]byte
	spaces []*AddressSpace
	models []*model
}

func (x *run) add(as *AddressSpace, m *model) {
	x.spaces = append(x.spaces, as)
	x.models = append(x.models, m)
}

func (x *run) remove(i int) {
	x.spaces[i].Put()
	last := len(x.spaces) - 1
	x.spaces[i], x.models[i] = x.spaces[last], x.models[last]
	x.spaces, x.models = x.spaces[:last], x.models[:last]
}

// span returns some of the model's pages.
func (x *run) span() (first, last int) {
	first = x.r.IntN(modelPages)
	return first, min(modelPages, first+1+x.r.IntN(8))
}

func at(i int) uintptr { return base + uintptr(i)*pageSize }

// byteAt returns what a page begins with, and false if it cannot be read.
func (x *run) byteAt(p *modelPage) (byte, bool) {
	switch {
	case p.prot <= 0, p.prot == abi.PROT_EXEC && pagetable.ExecuteOnly(), p.object && p.index >= int(x.object.size):
		return 0, false
	case p.own != nil:
		return *p.own, true
	case p.object:
		return x.file[p.index], true
	}
	return 0, true
}

func (x *run) step() {
	i := x.r.IntN(len(x.spaces))
	as, m := x.spaces[i], x.models[i]
	first, last := x.span()
	addr, n := at(first), uintptr(last-first)*pageSize
	switch op := x.r.IntN(20); op {
	case 0, 1: // map
		p := modelPage{prot: []int{0, 1, 3, 3, 3, 5, 4}[x.r.IntN(7)], object: x.r.IntN(2) == 0}
		args := MmapArgs{Addr: addr, Length: n, Prot: p.prot, Flags: anonymous | abi.MAP_FIXED}
		if p.object {
			p.shared, p.index = x.r.IntN(2) == 0, x.r.IntN(objectPages)
			args.Object, args.Offset, args.Flags = x.object, uint64(p.index)<<pageShift, abi.MAP_PRIVATE|abi.MAP_FIXED
			if p.shared {
				args.Flags = abi.MAP_SHARED | abi.MAP_FIXED
			}
		}
		if _, err := as.Mmap(&args); err != nil {
			x.t.Fatalf("Mmap: %v", err)
		}
		for j := first; j < last; j++ {
			m.pages[j] = p
			p.index++
		}
	case 2: // unmap
		if err := as.Munmap(addr, n); err != nil {
			x.t.Fatalf("Munmap: %v", err)
		}
		for j := first; j < last; j++ {
			m.pages[j] = modelPage{prot: -1}
		}
	case 3, 4: // protect
		prot := []int{0, 1, 3, 3, 4}[x.r.IntN(5)]
		err := as.Mprotect(nil, addr, n, prot)
		for j := first; j < last; j++ {
			if m.pages[j].prot < 0 {
				if err != abi.ENOMEM {
					x.t.Fatalf("Mprotect over a hole: %v", err)
				}
				return
			}
			m.pages[j].prot = prot
		}
		if err != nil {
			x.t.Fatalf("Mprotect: %v", err)
		}
	case 5: // fork
		if len(x.spaces) >= 5 {
			x.remove(x.r.IntN(len(x.spaces)))
			return
		}
		child, err := as.Fork(nil)
		if err != nil {
			x.t.Fatalf("Fork: %v", err)
		}
		copied := *m
		for j := range copied.pages {
			if own := copied.pages[j].own; own != nil {
				b := *own
				copied.pages[j].own = &b
			}
		}
		x.add(child, &copied)
	case 6: // forget
		err := as.Madvise(nil, addr, n, abi.MADV_DONTNEED)
		for j := first; j < last; j++ {
			if m.pages[j].prot < 0 {
				if err != abi.ENOMEM {
					x.t.Fatalf("Madvise over a hole: %v", err)
				}
				continue
			}
			m.pages[j].own = nil
		}
	case 7: // truncate
		if x.r.IntN(4) != 0 {
			return
		}
		size := x.r.IntN(objectPages + 1)
		x.object.truncate(uint64(size))
		for _, m := range x.models {
			for j := range m.pages {
				if p := &m.pages[j]; p.object && p.index >= size {
					p.own = nil
				}
			}
		}
		for k := size; k < objectPages; k++ {
			x.file[k] = byte('a' + k)
		}
	case 8: // extend
		x.object.size = objectPages
	case 9: // move
		to := x.r.IntN(modelPages)
		k := last - first
		if to+k > modelPages || to < last && first < to+k {
			return
		}
		for j := first; j < last; j++ {
			p, q := &m.pages[first], &m.pages[j]
			if q.prot < 0 || q.prot != p.prot || q.shared != p.shared || q.object != p.object ||
				q.object && q.index-j != p.index-first {
				return
			}
		}
		if _, err := as.Mremap(nil, addr, n, n, abi.MREMAP_MAYMOVE|abi.MREMAP_FIXED, at(to)); err != nil {
			x.t.Fatalf("Mremap: %v", err)
		}
		for j := range k {
			m.pages[to+j] = m.pages[first+j]
			m.pages[first+j] = modelPage{prot: -1}
		}
	default: // write
		p, b := &m.pages[first], byte(x.r.IntN(256))
		_, err := as.CopyOut(addr, []byte{b})
		if p.prot <= 0 || p.prot&abi.PROT_WRITE == 0 || p.object && p.index >= int(x.object.size) {
			if err != abi.EFAULT {
				x.t.Fatalf("write to page %d, %+v: %v", first, p, err)
			}
			return
		}
		if err != nil {
			x.t.Fatalf("write to page %d, %+v: %v", first, p, err)
		}
		if p.shared {
			x.file[p.index] = b
		} else {
			p.own = &b
		}
	}
}

// check compares what some of the pages have.
func (x *run) check() {
	for i, as := range x.spaces {
		for range 6 {
			j := x.r.IntN(modelPages)
			p := &x.models[i].pages[j]
			want, readable := x.byteAt(p)
			var b [1]byte
			_, err := as.CopyIn(b[:], at(j))
			if readable != (err == nil) || b[0] != want {
				x.t.Fatalf("space %d, page %d, %+v: %d, %v; want %d, %v", i, j, p, b[0], err, want, readable)
			}
		}
	}
}

// settled checks the counts against the page tables.
func (x *run) settled() {
	for i, as := range x.spaces {
		r := as.Residence(0, UserTop)
		s := as.Stats()
		if r.RSS != s.RSS || r.Anon != s.RSSAnon {
			x.t.Fatalf("space %d: tables %+v, counts %+v", i, r, s)
		}
		size := int64(0)
		for _, p := range x.models[i].pages {
			if p.prot >= 0 {
				size++
			}
		}
		if s.Size != size {
			x.t.Fatalf("space %d: size %d, want %d", i, s.Size, size)
		}
	}
}

func runModel(t *testing.T, seed uint64, steps int) {
	balanced(t)
	x := &run{t: t, r: rand.New(rand.NewPCG(seed, 2)), object: presentObject{newTestObject(t, objectPages)}}
	for k := range x.file {
		x.file[k] = byte('a' + k)
	}
	as, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	m := new(model)
	for j := range m.pages {
		m.pages[j].prot = -1
	}
	x.add(as, m)
	defer func() {
		for _, as := range x.spaces {
			as.Put()
		}
	}()
	for range steps {
		x.step()
		x.check()
	}
	x.settled()
}

func TestModel(t *testing.T) {
	for seed := range uint64(5) {
		runModel(t, seed, 2000)
	}
}

// TestModelWithExecuteOnly is TestModel on a processor with protection keys.
func TestModelWithExecuteOnly(t *testing.T) {
	pagetable.SetExecuteOnly(true)
	defer pagetable.SetExecuteOnly(false)
	for seed := range uint64(3) {
		runModel(t, seed, 2000)
	}
}

func FuzzModel(f *testing.F) {
	f.Add(uint64(1), uint16(500))
	f.Fuzz(func(t *testing.T, seed uint64, steps uint16) { runModel(t, seed, int(steps)) })
}

// TestConcurrent has threads of one address space, and others, do everything
// at once.
func TestConcurrent(t *testing.T) {
	as := newTestSpace(t)
	o := presentObject{newTestObject(t, objectPages)}
	mapAnon(t, as, base, modelPages)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(3, uint64(g)))
			buf := make([]byte, 3*pageSize)
			for range 1500 {
				first := r.IntN(modelPages)
				addr, n := at(first), uintptr(1+r.IntN(5))*pageSize
				switch r.IntN(12) {
				case 0:
					as.Mmap(&MmapArgs{Addr: addr, Length: n, Prot: rw, Flags: abi.MAP_PRIVATE | abi.MAP_FIXED, Object: o})
				case 1:
					as.Mmap(&MmapArgs{Addr: addr, Length: n, Prot: rw, Flags: abi.MAP_SHARED | abi.MAP_FIXED, Object: o})
				case 2:
					as.Mmap(&MmapArgs{Addr: addr, Length: n, Prot: rw, Flags: anonymous | abi.MAP_FIXED})
				case 3:
					as.Munmap(addr, n)
				case 4:
					as.Mprotect(nil, addr, n, []int{0, 1, 3}[r.IntN(3)])
				case 5:
					child, err := as.Fork(nil)
					if err != nil {
						t.Error(err)
						return
					}
					child.CopyOut(addr, buf[:100])
					child.Put()
				case 6:
					o.Zap(0, uint64(r.IntN(objectPages)), r.IntN(2) == 0)
				case 7:
					as.Madvise(nil, addr, n, abi.MADV_DONTNEED)
				case 8:
					as.Mremap(nil, addr, pageSize, pageSize, abi.MREMAP_MAYMOVE|abi.MREMAP_FIXED, at(r.IntN(modelPages)))
				case 9:
					as.CopyIn(buf, addr)
				default:
					as.CopyOut(addr, buf)
				}
			}
		})
	}
	wg.Wait()
	if r, s := as.Residence(0, UserTop), as.Stats(); r.RSS != s.RSS || r.Anon != s.RSSAnon {
		t.Errorf("tables %+v, counts %+v", r, s)
	}
	as.Munmap(base, 100*pageSize)
}

// TestNoWriteCrossesFork has a thread write a counter while another forks: no
// child may see it change.
func TestNoWriteCrossesFork(t *testing.T) {
	as := newTestSpace(t)
	mapAnon(t, as, base, 1)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	as.WriteUint64(base, 0)
	wg.Go(func() {
		for n := uint64(0); ; n++ {
			select {
			case <-stop:
				return
			default:
				as.WriteUint64(base, n)
			}
		}
	})
	for range 500 {
		child, err := as.Fork(nil)
		if err != nil {
			t.Fatal(err)
		}
		a, _ := child.ReadUint64(base)
		for range 20 {
			if b, _ := child.ReadUint64(base); b != a {
				t.Fatalf("the child saw %d, then %d", a, b)
			}
		}
		child.Put()
	}
	close(stop)
	wg.Wait()
	if f, _ := lookup(t, as, base); f.Refs() != 1 || frame.Frame(f) == 0 {
		t.Errorf("%d references", f.Refs())
	}
}

// TestForkFlushes checks that no CPU keeps the right to write what fork makes
// common property.
func TestForkFlushes(t *testing.T) {
	as := newTestSpace(t)
	mapAnon(t, as, base, 1)
	put(t, as, base, "x")
	flushes := 0
	tlb.OnFlush = func() {
		flushes++
		if _, p := lookup(t, as, base); p&pagetable.Write != 0 {
			t.Error("flushed before the right to write was taken")
		}
	}
	child, err := as.Fork(nil)
	tlb.OnFlush = nil
	if err != nil || flushes == 0 {
		t.Errorf("Fork: %v, %d flushes", err, flushes)
	}
	child.Put()
}
