package ipi

import (
	"testing"

	"kevlar/kernel/machine/cpu"
)

// machine makes CPUs with these roots, all of which run threads.
func machine(t *testing.T, roots ...uint64) {
	cpu.SetCount(len(roots))
	for i, r := range roots {
		cpu.Get(i).Root, cpu.Get(i).Online = r, 1
	}
	t.Cleanup(func() {
		for i := range roots {
			cpu.Get(i).Root, cpu.Get(i).Online = 0, 0
		}
		cpu.SetCount(1)
	})
}

func TestTargets(t *testing.T) {
	const mine, other, kernel = 0x5000, 0x6000, 0x1000
	machine(t, mine, other, cpu.RootChanging, mine, kernel, mine)
	cpu.Get(5).Online = 0 // it has not begun
	for _, tt := range []struct {
		name string
		cpus uint64
		op   Op
		want uint64
	}{
		{"those that have the table or change to one", All, FlushUser, 0b001101},
		{"the same for an eviction", All, Evict, 0b001101},
		{"everyone", All, FlushKernel, 0b011111},
		{"everyone for a barrier", All, Nothing, 0b011111},
		{"without the caller", All &^ 1, FlushUser, 0b001100},
		{"one that has another table", 1 << 1, FlushUser, 0},
		{"one whatever it has", 1 << 1, SaveFPU, 1 << 1},
		{"one that has not begun", 1 << 5, SaveFPU, 0},
		{"one that is not there", 1 << 40, SaveFPU, 0},
		{"nobody", 0, Nothing, 0},
	} {
		if got := targets(tt.cpus, tt.op, mine); got != tt.want {
			t.Errorf("%s: %#b, want %#b", tt.name, got, tt.want)
		}
	}
}

func TestTargetsOfTheLargestMachine(t *testing.T) {
	roots := make([]uint64, cpu.MaxCPU)
	for i := range roots {
		roots[i] = 0x1000 * uint64(1+i%2)
	}
	machine(t, roots...)
	if got := targets(All, FlushKernel, 0); got != All {
		t.Errorf("everyone: %#x", got)
	}
	if got := targets(All, FlushUser, 0x2000); got != 0xaaaaaaaaaaaaaaaa {
		t.Errorf("every other one: %#x", got)
	}
}

func TestExtent(t *testing.T) {
	const user, kernel, few = 0x7fff0000, 0xffff_8000_0000_0000, 32 * pageSize
	for _, tt := range []struct {
		start, end uintptr
		want       extent
	}{
		{user, user + pageSize, fewPages},
		{user, user + few, fewPages},
		{user, user + few + pageSize, allUser},
		{0, 1 << 47, allUser},
		{kernel, kernel + few, fewPages},
		{kernel, kernel + few + pageSize, allKernel},
		{^uintptr(0) - 64*pageSize + 1, ^uintptr(0), allKernel},
		{user, user, fewPages},
	} {
		if got := extentOf(tt.start, tt.end); got != tt.want {
			t.Errorf("%#x to %#x: %d, want %d", tt.start, tt.end, got, tt.want)
		}
	}
}
