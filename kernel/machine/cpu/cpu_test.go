package cpu

import (
	"testing"
	"unsafe"
)

func TestCPUs(t *testing.T) {
	defer SetCount(1)
	if Count() != 1 {
		t.Errorf("%d CPUs at first", Count())
	}
	for n, want := range map[int]int{1: 1, 7: 7, MaxCPU: MaxCPU, MaxCPU + 1: MaxCPU, 1000: MaxCPU} {
		SetCount(n)
		if Count() != want {
			t.Errorf("%d CPUs, want %d", Count(), want)
		}
	}
	seen := map[*CPU]bool{}
	for i := range MaxCPU {
		seen[Get(i)] = true
	}
	if len(seen) != MaxCPU {
		t.Errorf("%d CPUs have private data, want %d", len(seen), MaxCPU)
	}
}

// TestFrame: the processor pushes the last five words, and a system call's
// arguments must stand in their order.
func TestFrame(t *testing.T) {
	var f Frame
	for want, off := range map[uintptr]uintptr{
		0: unsafe.Offsetof(f.SS), 8: unsafe.Offsetof(f.RSP), 16: unsafe.Offsetof(f.RFLAGS), 24: unsafe.Offsetof(f.CS),
		32: unsafe.Offsetof(f.RIP), 40: unsafe.Offsetof(f.Err), 48: unsafe.Offsetof(f.Vector),
	} {
		if above := unsafe.Sizeof(f) - off - 8; above != want {
			t.Errorf("%d bytes stand above a word, want %d", above, want)
		}
	}
	args := []uintptr{
		unsafe.Offsetof(f.RDI), unsafe.Offsetof(f.RSI), unsafe.Offsetof(f.RDX),
		unsafe.Offsetof(f.R10), unsafe.Offsetof(f.R8), unsafe.Offsetof(f.R9),
	}
	for i, off := range args {
		if off != args[0]+8*uintptr(i) {
			t.Errorf("argument %d stands at %d", i, off)
		}
	}
}

// TestThreadState: XMM and the frame's end must be aligned to 16 bytes, where
// the processor begins to push.
func TestThreadState(t *testing.T) {
	var s ThreadState
	if off := unsafe.Offsetof(s.XMM); off%16 != 0 {
		t.Errorf("XMM at %d", off)
	}
	if size := unsafe.Sizeof(s.Frame); size%16 != 0 {
		t.Errorf("the frame has %d bytes", size)
	}
}
