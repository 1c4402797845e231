package mmio

import (
	"testing"
	"unsafe"

	"kevlar/kernel/machine/direct"
)

// registers are those of a device of the test's.
var registers [8]uint64

// device returns the region of the first size bytes of the registers, which
// hold 1, 2, 3 and so on.
func device(size uintptr) Region {
	for i := range registers {
		registers[i] = 0
		for b := 7; b >= 0; b-- {
			registers[i] = registers[i]<<8 | uint64(i*8+b+1)
		}
	}
	return New(uint64(uintptr(unsafe.Pointer(&registers))-direct.Base), size)
}

func TestReads(t *testing.T) {
	r := device(64)
	if r.Size() != 64 {
		t.Errorf("size %d", r.Size())
	}
	if v := r.Read8(63); v != 64 {
		t.Errorf("8 bits: %#x", v)
	}
	if v := r.Read16(62); v != 0x403f {
		t.Errorf("16 bits: %#x", v)
	}
	if v := r.Read32(4); v != 0x08070605 {
		t.Errorf("32 bits: %#x", v)
	}
	if v := r.Read64(56); v != 0x403f3e3d3c3b3a39 {
		t.Errorf("64 bits: %#x", v)
	}
}

// TestWrites sees that each write changes its own bytes and no others.
func TestWrites(t *testing.T) {
	for _, tt := range []struct {
		name  string
		write func(Region)
		want  uint64
	}{
		{"8", func(r Region) { r.Write8(9, 0xa1) }, 0x100f0e0d0c0ba109},
		{"16", func(r Region) { r.Write16(10, 0xa1a2) }, 0x100f0e0da1a20a09},
		{"32", func(r Region) { r.Write32(12, 0xa1a2a3a4) }, 0xa1a2a3a40c0b0a09},
		{"64", func(r Region) { r.Write64(8, 0xa1a2a3a4a5a6a7a8) }, 0xa1a2a3a4a5a6a7a8},
	} {
		r := device(64)
		tt.write(r)
		if registers[1] != tt.want || registers[0] != 0x0807060504030201 || registers[2] != 0x1817161514131211 {
			t.Errorf("%s bits: %#x, want %#x; around it %#x, %#x", tt.name, registers[1], tt.want, registers[0], registers[2])
		}
	}
}

func TestBounds(t *testing.T) {
	accesses := map[uintptr][2]func(Region, uintptr){
		1: {func(r Region, off uintptr) { r.Read8(off) }, func(r Region, off uintptr) { r.Write8(off, 0) }},
		2: {func(r Region, off uintptr) { r.Read16(off) }, func(r Region, off uintptr) { r.Write16(off, 0) }},
		4: {func(r Region, off uintptr) { r.Read32(off) }, func(r Region, off uintptr) { r.Write32(off, 0) }},
		8: {func(r Region, off uintptr) { r.Read64(off) }, func(r Region, off uintptr) { r.Write64(off, 0) }},
	}
	const size = 44 // ends between two words of 64 bits
	for n, access := range accesses {
		for _, off := range []uintptr{0, 1, 2, 4, 6, 8, size - 8, size - 4, size - 2, size - 1, size, size + 8,
			^uintptr(0), ^uintptr(0) - n + 1, 1 << 63} {
			refused := off > size-n || off%n != 0
			for _, f := range access {
				r, before := device(size), registers
				panicked := func() (yes bool) {
					defer func() { yes = recover() != nil }()
					f(r, off)
					return
				}()
				if panicked != refused {
					t.Errorf("%d bytes at %#x: refused is %v, want %v", n, off, panicked, refused)
				}
				if refused && registers != before {
					t.Errorf("%d bytes at %#x were written and refused", n, off)
				}
			}
		}
	}
}
