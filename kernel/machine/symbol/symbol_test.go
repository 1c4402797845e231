package symbol

import (
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	for _, f := range []any{TestFind, Find, strings.Split, runtime.GC, (*testing.T).Run, bounds} {
		pc := reflect.ValueOf(f).Pointer()
		want := runtime.FuncForPC(pc).Name()
		for _, offset := range []uintptr{0, 1} {
			if name, at, ok := Find(pc + offset); name != want || at != offset || !ok {
				t.Errorf("%#x bytes into %s: %q, %#x, %v", offset, want, name, at, ok)
			}
		}
	}
}

// TestFindEverywhere compares with the runtime at many addresses of the text.
func TestFindEverywhere(t *testing.T) {
	text, end, _ := bounds()
	n := 0
	for pc := text; pc < end; pc += 4093 {
		f := runtime.FuncForPC(pc)
		if f == nil || strings.Contains(f.Name(), "...") {
			continue
		}
		name, offset, ok := Find(pc)
		if !ok {
			t.Fatalf("%#x: %q, %#x, %v", pc, name, offset, ok)
		}
		// Where a function is inlined the runtime names that one, with the
		// entry of what it is in.
		if pc-offset != f.Entry() {
			t.Errorf("%#x: %s at %#x, want %s at %#x", pc, name, pc-offset, f.Name(), f.Entry())
		}
		n++
	}
	if n < 100 {
		t.Errorf("compared %d functions", n)
	}
}

func TestOutside(t *testing.T) {
	text, end, _ := bounds()
	for _, pc := range []uintptr{0, text - 1, end, ^uintptr(0)} {
		if name, _, ok := Find(pc); ok {
			t.Errorf("%#x is in %s", pc, name)
		}
	}
}

func TestAllocatesNothing(t *testing.T) {
	pc := reflect.ValueOf(strings.Split).Pointer()
	if n := testing.AllocsPerRun(100, func() { Find(pc) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
