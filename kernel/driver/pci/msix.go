package pci

import "errors"

// Registers are the registers of a function in one of its ranges; off is in
// bytes from the range's start.
type Registers interface {
	Read8(off uintptr) uint8
	Read16(off uintptr) uint16
	Read32(off uintptr) uint32
	Write8(off uintptr, v uint8)
	Write16(off uintptr, v uint16)
	Write32(off uintptr, v uint32)
}

// A Mapper gives access to memory that holds device registers.
type Mapper func(addr uint64, size uintptr) (Registers, error)

const (
	capMSIX = 0x11

	msixControl = 2 // offset of the control word in the capability
	msixTable   = 4 // offset of the table's place
	msixEnable  = 1 << 15
	msixMaskAll = 1 << 14

	msixEntrySize = 16
	msixMasked    = 1
)

// MSIX is a function's table of messages, one for each kind of interrupt:
// section 6.8.2.
type MSIX struct {
	f     *Function
	cap   int
	table Registers
	size  int
}

// ErrNoMSIX is returned for a function without MSI-X.
var ErrNoMSIX = errors.New("pci: the function has no MSI-X")

// OpenMSIX turns message-signalled interrupts on, all masked, and the
// interrupt pin off.
func (f *Function) OpenMSIX(mapper Mapper) (*MSIX, error) {
	c, ok := f.Capability(capMSIX)
	if !ok {
		return nil, ErrNoMSIX
	}
	control := f.Read16(c + msixControl)
	where := f.Read32(c + msixTable)
	m := &MSIX{f: f, cap: c, size: int(control&0x7ff) + 1}
	r, err := f.BAR(int(where & 7))
	if err != nil {
		return nil, err
	}
	off, n := uint64(where&^7), uint64(m.size*msixEntrySize)
	if r.IO || off+n > r.Size {
		return nil, errors.New("pci: the MSI-X table lies outside of its range")
	}
	if m.table, err = mapper(r.Addr+off, uintptr(n)); err != nil {
		return nil, err
	}
	f.SetCommand(CommandMemory|CommandBusMaster|CommandNoINTx, 0)
	f.Write16(c+msixControl, control|msixEnable|msixMaskAll)
	for i := range m.size {
		m.table.Write32(uintptr(i*msixEntrySize+12), msixMasked)
	}
	f.Write16(c+msixControl, control&^msixMaskAll|msixEnable)
	return m, nil
}

// Size returns the number of messages.
func (m *MSIX) Size() int { return m.size }

// Set makes interrupt i send data to address.
func (m *MSIX) Set(i int, address uint64, data uint32) {
	at := uintptr(i * msixEntrySize)
	m.table.Write32(at+12, msixMasked)
	m.table.Write32(at, uint32(address))
	m.table.Write32(at+4, uint32(address>>32))
	m.table.Write32(at+8, data)
	m.table.Write32(at+12, 0)
}
