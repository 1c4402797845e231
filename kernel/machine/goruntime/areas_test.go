package goruntime

import (
	"math/rand/v2"
	"testing"
)

// Where the areas of the tests are: as high as those of the machine, where sums overflow.
const (
	testHeap     = 0xffffc00000000000 + arenaSize
	testHeapEnd  = 0xffffc00000000000 + 512<<30
	testOther    = 0xffffd00000003000
	testOtherEnd = 0xffffd00000000000 + 512<<30
)

func newAreas() *areas {
	a := &areas{}
	a.init(testHeap, testHeapEnd, testOther, testOtherEnd)
	return a
}

func TestHeapGrows(t *testing.T) {
	a := newAreas()
	if got := a.take(0, arenaSize); got != testHeap {
		t.Errorf("the first arena is at %#x", got)
	}
	if got := a.take(testHeap+arenaSize, arenaSize); got != testHeap+arenaSize {
		t.Errorf("the next one, by a hint, is at %#x", got)
	}
	for _, hint := range []uintptr{0xc000000000, testHeap, testHeap + 3*arenaSize, testOther} {
		if got := a.take(hint, arenaSize); got != 0 {
			t.Errorf("the hint %#x was honoured: %#x", hint, got)
		}
	}
	a.take(testHeap+2*arenaSize, pageSize)
	if got := a.take(0, arenaSize+pageSize); got != testHeap+3*arenaSize {
		t.Errorf("behind a part of an arena: %#x", got)
	}
	// What is given back at the end is there again.
	a.give(testHeap+3*arenaSize, arenaSize+pageSize)
	if got := a.take(testHeap+3*arenaSize, arenaSize); got != testHeap+3*arenaSize {
		t.Errorf("given back and asked for: %#x", got)
	}
}

func TestNoRoom(t *testing.T) {
	for _, size := range []uintptr{0, 512 << 30, 1 << 46, 1 << 47, 1<<64 - pageSize, 1 << 63} {
		for _, hint := range []uintptr{0, testHeap} {
			a := newAreas()
			if got := a.take(hint, size); got != 0 {
				t.Errorf("%#x bytes at %#x: %#x", size, hint, got)
			}
			if *a != *newAreas() {
				t.Errorf("%#x bytes at %#x that there are not changed the areas", size, hint)
			}
		}
	}
	a := &areas{}
	a.init(testHeap, testHeap+arenaSize, testOther, testOther+2*pageSize)
	if a.take(0, 2*pageSize) == 0 || a.take(0, pageSize) != 0 {
		t.Error("the other area does not end where it ends")
	}
	if a.take(0, arenaSize) == 0 || a.take(0, arenaSize) != 0 {
		t.Error("the heap does not end where it ends")
	}
}

func TestHas(t *testing.T) {
	a := newAreas()
	first, second := a.take(0, pageSize), a.take(0, 2*pageSize)
	heap := a.take(0, arenaSize)
	a.give(first, pageSize)
	for _, tt := range []struct {
		va   uintptr
		want bool
	}{
		{first, false}, {second, true}, {second + 2*pageSize - 1, true}, {second + 2*pageSize, false},
		{heap, true}, {heap + arenaSize - 1, true}, {heap + arenaSize, false},
		{heap - 1, true}, {heap - pageSize, true}, {heap - pageSize - 1, false},
		{0, false}, {testOther - 1, false}, {1<<64 - 1, false},
	} {
		if got := a.has(tt.va); got != tt.want {
			t.Errorf("%#x: %v", tt.va, got)
		}
	}
}

func TestGiveJoins(t *testing.T) {
	a := newAreas()
	var at [5]uintptr
	for i := range at {
		at[i] = a.take(0, pageSize)
	}
	for _, i := range []int{1, 3, 2} {
		a.give(at[i], pageSize)
	}
	if a.count != 1 {
		t.Errorf("%d ranges of three neighbours", a.count)
	}
	if got := a.take(0, 3*pageSize); got != at[1] {
		t.Errorf("the three are not used as one: %#x", got)
	}
	// What nobody has is not given back.
	before := *a
	for _, bad := range []span{{0, pageSize}, {testOther - pageSize, testOther}, {a.other, a.other + pageSize}, {testOtherEnd, testOtherEnd + pageSize}} {
		if a.give(bad.start, bad.end-bad.start); *a != before {
			t.Errorf("%#x was taken back", bad.start)
			a = &areas{}
			*a = before
		}
	}
}

// TestAgainstModel takes and gives at random, and keeps a list of who has what.
func TestAgainstModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	a := newAreas()
	owner := map[uintptr]int{} // by page
	type piece struct{ start, size uintptr }
	var pieces []piece
	for step := 1; step < 20000; step++ {
		if rng.IntN(2) == 0 || len(pieces) == 0 {
			size := uintptr(1+rng.IntN(12)) * pageSize
			start := a.take(0, size)
			if start < testOther || start+size > a.other || start%pageSize != testOther%pageSize {
				t.Fatalf("step %d: %#x bytes at %#x", step, size, start)
			}
			for p := start; p < start+size; p += pageSize {
				if by := owner[p]; by != 0 {
					t.Fatalf("step %d: %#x was handed out in step %d", step, p, by)
				}
				owner[p] = step
			}
			pieces = append(pieces, piece{start, size})
		} else {
			i := rng.IntN(len(pieces))
			p := pieces[i]
			pieces[i] = pieces[len(pieces)-1]
			pieces = pieces[:len(pieces)-1]
			if half := p.size / 2 &^ (pageSize - 1); half > 0 && rng.IntN(3) == 0 {
				pieces = append(pieces, piece{p.start + half, p.size - half})
				p.size = half
			}
			a.give(p.start, p.size)
			for at := p.start; at < p.start+p.size; at += pageSize {
				delete(owner, at)
			}
		}
		for i, r := range a.unmapped[:a.count] {
			for _, s := range a.unmapped[:i] {
				if r.start < s.end && s.start < r.end || r.start == s.end || s.start == r.end {
					t.Fatalf("step %d: the ranges %#x and %#x are not apart", step, r, s)
				}
			}
		}
		for p := range owner {
			if !a.has(p) {
				t.Fatalf("step %d: %#x is not there for who has it", step, p)
			}
			break
		}
	}
	if used := (a.other - testOther) / pageSize; used > 3*uintptr(len(owner))+5000 {
		t.Errorf("%d pages used for %d", used, len(owner))
	}
}
