package pagetable

import (
	"sync"

	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/tlb"
)

// gather collects the frames of cleared entries until the CPUs that may still
// know them are flushed. It is the one place where a table that is in use
// gives up frames: clear first, then flush, then free.
type gather struct {
	t          *Table
	start, end uintptr // where entries were cleared since the last flush
	n          int
	frames     [256]frame.Frame
	anonFreed  int // frames marked Anon of which this was the last reference
}

// Bit 0 of a gathered frame's address carries the Anon mark.
const gatheredAnon = 1

var gathers = sync.Pool{New: func() any { return new(gather) }}

func newGather(t *Table) *gather {
	g := gathers.Get().(*gather)
	g.t, g.start, g.end, g.n, g.anonFreed = t, UserEnd, 0, 0, 0
	return g
}

// touched records that CPUs must forget what they know of the page at va.
func (g *gather) touched(va uintptr) {
	g.start = min(g.start, va)
	g.end = max(g.end, va+PageSize)
}

// cleared records that the entry at va, which was e, is clear.
func (g *gather) cleared(va uintptr, e uint64) {
	g.touched(va)
	if e&unowned != 0 {
		return
	}
	f := frameOf(e)
	if e&anon != 0 {
		f |= gatheredAnon
	}
	g.add(f)
}

// pruned records that the table page f, which mapped the span at va, is no
// longer linked.
func (g *gather) pruned(va uintptr, f frame.Frame) {
	g.touched(va)
	g.t.addPages(-1)
	g.add(f)
}

func (g *gather) add(f frame.Frame) {
	if g.n == len(g.frames) {
		g.flush()
	}
	g.frames[g.n] = f
	g.n++
}

// flush makes every CPU forget the cleared entries and frees their frames.
func (g *gather) flush() {
	if g.start >= g.end {
		return
	}
	tlb.FlushRange(g.t.Root(), g.start, g.end)
	for _, f := range g.frames[:g.n] {
		if (f &^ gatheredAnon).Put() && f&gatheredAnon != 0 {
			g.anonFreed++
		}
	}
	g.start, g.end, g.n = UserEnd, 0, 0
}

// finish flushes, ends the use of g and returns how many Anon frames it freed.
func (g *gather) finish() int {
	g.flush()
	n := g.anonFreed
	g.t = nil
	gathers.Put(g)
	return n
}
