package frame

import (
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"kevlar/kernel/abi"
)

const arena = 5000

func TestMain(m *testing.M) {
	InitSoft(arena)
	os.Exit(m.Run())
}

// balanced fails t if fewer frames are free at its end than now.
func balanced(t *testing.T) {
	before := Free()
	t.Cleanup(func() {
		if after := Free(); after != before {
			t.Errorf("%d frames free at the end, %d at the start", after, before)
		}
	})
}

func mustAlloc(t *testing.T) Frame {
	t.Helper()
	f, err := Alloc()
	if err != nil {
		t.Fatalf("Alloc: %v", err)
	}
	return f
}

func TestTotal(t *testing.T) {
	if Total() != arena || Free() != arena {
		t.Errorf("Total %d, Free %d, want both %d", Total(), Free(), arena)
	}
}

func TestEveryFrameOnce(t *testing.T) {
	balanced(t)
	seen := map[Frame]bool{}
	var all []Frame
	for {
		f, err := Alloc()
		if err != nil {
			if err != abi.ENOMEM {
				t.Fatalf("Alloc: %v", err)
			}
			break
		}
		if seen[f] {
			t.Fatalf("frame %#x handed out twice", uint64(f))
		}
		if f == 0 || uint64(f)%Size != 0 || f.Refs() != 1 {
			t.Fatalf("frame %#x with %d references", uint64(f), f.Refs())
		}
		seen[f] = true
		all = append(all, f)
	}
	if len(all) != arena || Free() != 0 {
		t.Errorf("%d frames handed out, %d left; want %d and 0", len(all), Free(), arena)
	}
	if n := PutAll(all); n != len(all) {
		t.Errorf("PutAll freed %d of %d", n, len(all))
	}
}

func TestReferences(t *testing.T) {
	balanced(t)
	f := mustAlloc(t)
	f.Get()
	if f.Refs() != 2 {
		t.Errorf("Refs = %d, want 2", f.Refs())
	}
	if f.Put() {
		t.Error("first Put of two freed the frame")
	}
	if !f.Put() {
		t.Error("last Put did not free the frame")
	}
	if f.Refs() != 0 {
		t.Errorf("Refs = %d after the last Put", f.Refs())
	}
}

func TestMisusePanics(t *testing.T) {
	f := mustAlloc(t)
	f.Put()
	for name, misuse := range map[string]func(){
		"no frame":      func() { Frame(0).Get() },
		"beyond memory": func() { Frame(1 << 50).Put() },
		"get of a free": func() { f.Get() },
		"put of a free": func() { f.Put() },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			misuse()
		}()
		*refs(uint64(f) >> Shift) = 0
	}
}

func TestContents(t *testing.T) {
	balanced(t)
	f, g := mustAlloc(t), mustAlloc(t)
	for i := range f.Data() {
		f.Data()[i] = byte(i*7 + i>>8)
		g.Data()[i] = 0xff
	}
	g.CopyFrom(f)
	if *g.Data() != *f.Data() {
		t.Error("CopyFrom made another page")
	}
	g.Zero()
	if *g.Data() != [Size]byte{} {
		t.Error("Zero left something")
	}
	if *f.Data() == [Size]byte{} {
		t.Error("Zero hit the neighbour")
	}
	f.Put()
	g.Put()
	z, err := AllocZero()
	if err != nil || *z.Data() != [Size]byte{} {
		t.Errorf("AllocZero: %v, or not zero", err)
	}
	z.Put()
}

func TestReserve(t *testing.T) {
	balanced(t)
	SetReserve(100)
	defer SetReserve(0)
	var user, kernel []Frame
	for {
		f, err := Alloc()
		if err != nil {
			break
		}
		user = append(user, f)
	}
	if Free() != 100 {
		t.Errorf("users left %d frames, want 100", Free())
	}
	for {
		f, err := AllocReserved()
		if err != nil {
			break
		}
		kernel = append(kernel, f)
	}
	if len(kernel) != 100 || Free() != 0 {
		t.Errorf("the kernel got %d frames and left %d, want 100 and 0", len(kernel), Free())
	}
	PutAll(user)
	PutAll(kernel)
}

func TestContiguous(t *testing.T) {
	balanced(t)
	for _, c := range []struct {
		n     int
		align uint64
	}{{1, 1}, {2, Size}, {63, 1}, {64, Size}, {65, 64 * Size}, {512, 512 * Size}, {1000, 8 * Size}} {
		f, err := AllocContig(c.n, c.align)
		if err != nil {
			t.Errorf("AllocContig(%d, %d): %v", c.n, c.align, err)
			continue
		}
		if uint64(f)%c.align != 0 {
			t.Errorf("AllocContig(%d, %d) = %#x", c.n, c.align, uint64(f))
		}
		for i := range c.n {
			g := f + Frame(i*Size)
			if g.Refs() != 1 || *g.Data() != [Size]byte{} {
				t.Errorf("AllocContig(%d, %d): frame %d has %d references or is not zero", c.n, c.align, i, g.Refs())
			}
			for j := range g.Data() {
				g.Data()[j] = 0xaa
			}
			g.Put()
		}
	}
	if _, err := AllocContig(arena+1, 1); err != abi.ENOMEM {
		t.Errorf("more than there is: %v", err)
	}
	if _, err := AllocContig(1, 3); err != abi.EINVAL {
		t.Errorf("odd alignment: %v", err)
	}
}

func TestContiguousAmongUsed(t *testing.T) {
	balanced(t)
	var all []Frame
	for {
		f, err := Alloc()
		if err != nil {
			break
		}
		all = append(all, f)
	}
	// Free every other frame, and one run of seven.
	var kept []Frame
	for _, f := range all {
		n := uint64(f) >> Shift
		if n%2 == 0 || n >= 1000 && n < 1007 {
			f.Put()
		} else {
			kept = append(kept, f)
		}
	}
	f, err := AllocContig(8, 1) // 1000..1006 and their free neighbour 1008 are not 8 in a row
	if err == nil {
		t.Errorf("found 8 in a row at %#x", uint64(f))
	}
	f, err = AllocContig(7, 1)
	if err != nil || uint64(f)>>Shift != 1000 {
		t.Errorf("AllocContig(7) = %d, %v; want 1000", uint64(f)>>Shift, err)
	}
	for i := range 7 {
		(f + Frame(i*Size)).Put()
	}
	PutAll(kept)
}

func TestConcurrent(t *testing.T) {
	balanced(t)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(g)))
			var held []Frame
			for range 20000 {
				if len(held) > 0 && (r.IntN(2) == 0 || len(held) > 200) {
					i := r.IntN(len(held))
					f := held[i]
					if f.Data()[9] != byte(g) {
						t.Errorf("frame %#x changed under its owner", uint64(f))
						return
					}
					f.Put()
					held[i] = held[len(held)-1]
					held = held[:len(held)-1]
					continue
				}
				f, err := Alloc()
				if err != nil {
					t.Error(err)
					return
				}
				f.Data()[9] = byte(g)
				held = append(held, f)
			}
			PutAll(held)
		})
	}
	wg.Wait()
}

func TestAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		f, _ := Alloc()
		f.Get()
		f.Put()
		f.Put()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAllocPut(b *testing.B) {
	for b.Loop() {
		f, _ := Alloc()
		f.Put()
	}
}
