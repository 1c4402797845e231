package pci

import "fmt"

// A Range is where a function's registers lie.
type Range struct {
	Addr, Size uint64
	IO         bool // I/O ports instead of memory
}

// Bits of a base address register.
const (
	barIO       = 1 << 0
	barTypeMask = 3 << 1
	barType64   = 2 << 1
	barIOMask   = 0xfffffffc
	barMemMask  = 0xfffffff0
)

// BAR returns the range that base address register i describes. The function
// must not be in use: it does not answer while its size is found.
func (f *Function) BAR(i int) (Range, error) {
	if i < 0 || i > 5 {
		return Range{}, fmt.Errorf("pci: no base address register %d", i)
	}
	command := f.Read16(regCommand)
	f.SetCommand(0, CommandIO|CommandMemory)
	defer f.SetCommand(command&(CommandIO|CommandMemory), 0)

	off := regBAR + 4*i
	low := f.Read32(off)
	ones := f.probe(off, low)
	var r Range
	switch {
	case low&barIO != 0:
		r = Range{Addr: uint64(low & barIOMask), Size: uint64(^(ones&barIOMask)+1) & 0xffff, IO: true}
	case low&barTypeMask == barType64:
		if i == 5 {
			return Range{}, fmt.Errorf("pci: base address register %d is half of one", i)
		}
		high := f.Read32(off + 4)
		onesHigh := f.probe(off+4, high)
		r.Addr = uint64(high)<<32 | uint64(low&barMemMask)
		r.Size = ^(uint64(onesHigh)<<32 | uint64(ones&barMemMask)) + 1
	default:
		r.Addr, r.Size = uint64(low&barMemMask), uint64(^(ones&barMemMask)+1)
	}
	if r.Size == 0 || ones == 0 {
		return Range{}, fmt.Errorf("pci: base address register %d is not there", i)
	}
	if r.Addr == 0 {
		return Range{}, fmt.Errorf("pci: base address register %d was not assigned", i)
	}
	return r, nil
}

// probe returns what a register reads back after all ones were written, and
// restores it.
func (f *Function) probe(off int, value uint32) uint32 {
	f.Write32(off, 0xffffffff)
	ones := f.Read32(off)
	f.Write32(off, value)
	return ones
}
