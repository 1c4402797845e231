// Package pci finds the devices on the PCI buses and gives access to their
// configuration: PCI Local Bus Specification 3.0, chapter 6. Resources are
// taken as the firmware has assigned them.
package pci

import (
	"sync"

	"kevlar/kernel/machine/pio"
)

// An Address is the place of a function on the buses.
type Address struct{ Bus, Device, Function uint8 }

// A ConfigSpace is the configuration space of all functions. off is a multiple
// of 4.
type ConfigSpace interface {
	Read32(a Address, off int) uint32
	Write32(a Address, off int, v uint32)
}

// Ports is the configuration space as PCs offer it at two I/O ports:
// configuration mechanism #1. It reaches the first 256 bytes.
type Ports struct{ mu sync.Mutex }

const (
	portAddress = 0xcf8
	portData    = 0xcfc
)

// Read32 implements ConfigSpace.
func (p *Ports) Read32(a Address, off int) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	pio.Out32(portAddress, a.port(off))
	return pio.In32(portData)
}

// Write32 implements ConfigSpace.
func (p *Ports) Write32(a Address, off int, v uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pio.Out32(portAddress, a.port(off))
	pio.Out32(portData, v)
}

func (a Address) port(off int) uint32 {
	return 1<<31 | uint32(a.Bus)<<16 | uint32(a.Device)<<11 | uint32(a.Function)<<8 | uint32(off)&0xfc
}

// Offsets in the configuration of a function.
const (
	regID           = 0x00
	regCommand      = 0x04 // and status in the upper half
	regClass        = 0x08
	regHeader       = 0x0c
	regBAR          = 0x10
	regBuses        = 0x18 // of a bridge
	regSubsystem    = 0x2c
	regCapabilities = 0x34

	statusCapabilities = 1 << 20

	headerMultifunction = 1 << 23
	headerBridge        = 1

	classBridge = 0x0604 // PCI to PCI
)

// Bits of the command register.
const (
	CommandIO        = 1 << 0
	CommandMemory    = 1 << 1
	CommandBusMaster = 1 << 2
	// CommandNoINTx turns the interrupt pin off.
	CommandNoINTx = 1 << 10
)

// A Function is a function of a device: what a driver drives.
type Function struct {
	Address
	Vendor, Device                   uint16
	SubsystemVendor, SubsystemDevice uint16
	Class                            uint32 // base class, subclass, interface

	space ConfigSpace
}

// Scan returns the functions on bus 0 and the buses behind bridges, in order.
func Scan(space ConfigSpace) []*Function {
	s := scanner{space: space}
	s.bus(0)
	return s.found
}

type scanner struct {
	space ConfigSpace
	found []*Function
	seen  [256]bool // buses
}

func (s *scanner) bus(bus uint8) {
	if s.seen[bus] {
		return
	}
	s.seen[bus] = true
	for device := range uint8(32) {
		for function := range uint8(8) {
			a := Address{bus, device, function}
			id := s.space.Read32(a, regID)
			if id == 0xffffffff || id == 0 {
				if function == 0 {
					break
				}
				continue
			}
			header := s.space.Read32(a, regHeader)
			s.function(a, id, header>>16&0x7f)
			if function == 0 && header&headerMultifunction == 0 {
				break
			}
		}
	}
}

func (s *scanner) function(a Address, id, header uint32) {
	f := &Function{
		Address: a, space: s.space, Vendor: uint16(id), Device: uint16(id >> 16),
		Class: s.space.Read32(a, regClass) >> 8,
	}
	s.found = append(s.found, f)
	if header == headerBridge {
		if f.Class>>8 == classBridge {
			if second := uint8(s.space.Read32(a, regBuses) >> 8); second != 0 {
				s.bus(second)
			}
		}
		return
	}
	subsystem := s.space.Read32(a, regSubsystem)
	f.SubsystemVendor, f.SubsystemDevice = uint16(subsystem), uint16(subsystem>>16)
}

// Read32 reads the function's configuration.
func (f *Function) Read32(off int) uint32 { return f.space.Read32(f.Address, off) }

// Read16 reads two bytes of it.
func (f *Function) Read16(off int) uint16 { return uint16(f.Read32(off&^3) >> ((off & 2) * 8)) }

// Read8 reads one byte of it.
func (f *Function) Read8(off int) uint8 { return uint8(f.Read32(off&^3) >> ((off & 3) * 8)) }

// Write32 writes the function's configuration.
func (f *Function) Write32(off int, v uint32) { f.space.Write32(f.Address, off, v) }

// Write16 writes two bytes of it.
func (f *Function) Write16(off int, v uint16) {
	shift := (off & 2) * 8
	old := f.Read32(off &^ 3)
	f.Write32(off&^3, old&^(0xffff<<shift)|uint32(v)<<shift)
}

// SetCommand sets bits of the command register, and clears others.
func (f *Function) SetCommand(set, clear uint16) {
	// The status half is written as zero: its bits are cleared by ones.
	f.Write32(regCommand, uint32(f.Read16(regCommand)&^clear|set))
}

// EachCapability calls visit for the function's capabilities with the
// identifier id until it returns false.
func (f *Function) EachCapability(id uint8, visit func(off int) bool) {
	if f.Read32(regCommand)&statusCapabilities == 0 {
		return
	}
	off := int(f.Read8(regCapabilities) &^ 3)
	for range 48 { // as many as fit: the list may have a loop
		if off < 0x40 {
			return
		}
		if f.Read8(off) == id && !visit(off) {
			return
		}
		off = int(f.Read8(off+1) &^ 3)
	}
}

// Capability returns the first capability with the identifier id.
func (f *Function) Capability(id uint8) (off int, ok bool) {
	f.EachCapability(id, func(o int) bool {
		off, ok = o, true
		return false
	})
	return off, ok
}
