package frametree

import (
	"math"
	"math/rand"
	"os"
	"testing"

	"kevlar/kernel/machine/frame"
)

func TestMain(m *testing.M) {
	frame.InitSoft(1 << 12)
	os.Exit(m.Run())
}

// TestModel compares random operations with a map.
func TestModel(t *testing.T) {
	before := frame.Free()
	r := rand.New(rand.NewSource(1))
	index := func() uint64 {
		return []uint64{0, 1, 2, 63, 64, 65, 127, 128, 4095, 4096, 4097, 1 << 18, 1<<18 - 1, 1 << 51, 1<<51 - 1, 1<<52 - 1}[r.Intn(16)] + uint64(r.Intn(3))
	}
	var tree Tree
	model := map[uint64]frame.Frame{}
	for n := range 20000 {
		switch i := index(); r.Intn(5) {
		case 0, 1:
			if model[i] == 0 {
				f, err := frame.Alloc()
				if err != nil {
					t.Fatal(err)
				}
				tree.Set(i, f)
				model[i] = f
			}
		case 2:
			j := index()
			if r.Intn(4) != 0 {
				j = i + uint64(r.Intn(3))
			}
			want := int64(0)
			for k := range model {
				if k >= i && k < j {
					delete(model, k)
					want++
				}
			}
			if got := tree.Remove(i, j); got != want {
				t.Fatalf("step %d: removed %d, want %d", n, got, want)
			}
		case 3:
			last, want := i+uint64(r.Intn(10000)), uint64(math.MaxUint64)
			for k := range model {
				if k >= i {
					want = min(want, k)
				}
			}
			if got := tree.Next(i, last, false); got != min(want, last) {
				t.Fatalf("step %d: next from %d to %d is %d, want %d", n, i, last, got, want)
			}
		case 4:
			want := i
			for model[want] != 0 {
				want++
			}
			if got := tree.Next(i, i+10, true); got != min(want, i+10) {
				t.Fatalf("step %d: next hole from %d is %d, want %d", n, i, got, want)
			}
		}
		if i := index(); tree.Get(i) != model[i] || tree.n != int64(len(model)) {
			t.Fatalf("step %d: page %d is %v, want %v; %d pages, want %d", n, i, tree.Get(i), model[i], tree.n, len(model))
		}
	}
	tree.Remove(0, ^uint64(0))
	if tree != (Tree{}) {
		t.Errorf("left over: %+v", tree)
	}
	if after := frame.Free(); after != before {
		t.Errorf("%d frames free, %d before", after, before)
	}
}

// TestNeed compares what need tells with what set takes.
func TestNeed(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for range 200 {
		var tree Tree
		for range 40 {
			i := uint64(r.Int63()) >> (12 + r.Intn(50))
			if tree.Get(i) != 0 {
				continue
			}
			p, err := frame.Alloc()
			if err != nil {
				t.Fatal(err)
			}
			need, before := tree.Need(i), tree.heap
			tree.Set(i, p)
			if got := tree.heap - before; got != need {
				t.Fatalf("page %#x: %d bytes, need told %d", i, got, need)
			}
			if r.Intn(4) == 0 {
				tree.Remove(i, i+uint64(r.Intn(1000)))
			}
		}
		if tree.Remove(0, ^uint64(0)); tree.heap != 0 {
			t.Fatalf("%d bytes left", tree.heap)
		}
	}
}
