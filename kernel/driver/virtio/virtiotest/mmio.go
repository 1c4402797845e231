package virtiotest

import (
	"fmt"
	"sync"

	"kevlar/kernel/driver/virtio"
)

// MMIO gives a Device the registers of virtio over MMIO, version 1 if the
// device is legacy and version 2 otherwise. It panics on what the standard
// forbids a driver.
type MMIO struct {
	Device *Device

	mu         sync.Mutex
	selDevice  uint32
	selDriver  uint32
	selQueue   int
	features   uint64
	layout     virtio.Layout
	pageSize   uint32
	align      uint32
	pending    uint32
	Generation uint32
	// OnConfigRead runs before each read of a configuration byte, with the
	// lock held.
	OnConfigRead func()
	handler      func()
}

// Connect is the connect function that the driver's transport needs.
func (m *MMIO) Connect(handler func()) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.handler = handler
	return nil
}

// Raise sets interrupt causes and raises the interrupt.
func (m *MMIO) Raise(cause virtio.Cause) {
	m.mu.Lock()
	m.pending |= uint32(cause)
	h := m.handler
	m.mu.Unlock()
	if h != nil {
		h()
	}
}

// Pending returns the causes that the driver has not acknowledged.
func (m *MMIO) Pending() virtio.Cause {
	m.mu.Lock()
	defer m.mu.Unlock()
	return virtio.Cause(m.pending)
}

// Read8 reads a byte of the configuration.
func (m *MMIO) Read8(off uintptr) uint8 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if off < 0x100 {
		panic(fmt.Sprintf("virtiotest: byte read of register %#x", off))
	}
	if m.OnConfigRead != nil {
		m.OnConfigRead()
	}
	var b [1]byte
	m.Device.ReadConfig(int(off-0x100), b[:])
	return b[0]
}

// Write8 writes a byte of the configuration.
func (m *MMIO) Write8(off uintptr, v uint8) {
	if off < 0x100 {
		panic(fmt.Sprintf("virtiotest: byte write of register %#x", off))
	}
	m.Device.WriteConfig(int(off-0x100), []byte{v})
}

// Read32 reads a register.
func (m *MMIO) Read32(off uintptr) uint32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	modern := !m.Device.IsLegacy
	switch off {
	case 0x000:
		return 0x74726976
	case 0x004:
		if modern {
			return 2
		}
		return 1
	case 0x008:
		return m.Device.ID
	case 0x010:
		return uint32(m.Device.Offered >> (32 * (m.selDevice & 1)))
	case 0x034:
		return uint32(m.Device.QueueMaxSize(m.selQueue))
	case 0x060:
		return m.pending
	case 0x070:
		return uint32(m.Device.Status())
	case 0x0fc:
		if modern {
			return m.Generation
		}
	}
	panic(fmt.Sprintf("virtiotest: read of register %#x", off))
}

// Write32 writes a register.
func (m *MMIO) Write32(off uintptr, v uint32) {
	if off == 0x050 {
		m.Device.Notify(int(v))
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	modern := !m.Device.IsLegacy
	switch {
	case off == 0x014:
		m.selDevice = v
	case off == 0x020:
		if m.selDriver == 0 {
			m.features = uint64(v)
		} else {
			m.features |= uint64(v) << 32
		}
		m.Device.SetFeatures(m.features)
	case off == 0x024:
		m.selDriver = v
	case off == 0x030:
		m.selQueue = int(v)
	case off == 0x038:
		m.layout.Size = int(v)
	case off == 0x064:
		m.pending &^= v
	case off == 0x070:
		m.Device.SetStatus(uint8(v))
	case !modern && off == 0x028:
		m.pageSize = v
	case !modern && off == 0x03c:
		m.align = v
	case !modern && off == 0x040:
		if m.pageSize == 0 || m.align == 0 {
			panic("virtiotest: queue before page size and alignment")
		}
		size, align := uint64(m.layout.Size), uint64(m.align)
		m.layout.Descriptors = uint64(v) * uint64(m.pageSize)
		m.layout.Available = m.layout.Descriptors + 16*size
		m.layout.Used = (m.layout.Available + 4 + 2*size + 2 + align - 1) &^ (align - 1)
		m.Device.EnableQueue(m.selQueue, m.layout)
	case modern && off == 0x080:
		setLow(&m.layout.Descriptors, v)
	case modern && off == 0x084:
		setHigh(&m.layout.Descriptors, v)
	case modern && off == 0x090:
		setLow(&m.layout.Available, v)
	case modern && off == 0x094:
		setHigh(&m.layout.Available, v)
	case modern && off == 0x0a0:
		setLow(&m.layout.Used, v)
	case modern && off == 0x0a4:
		setHigh(&m.layout.Used, v)
	case modern && off == 0x044:
		if v == 1 {
			m.Device.EnableQueue(m.selQueue, m.layout)
		}
	default:
		panic(fmt.Sprintf("virtiotest: write of register %#x", off))
	}
}

func setLow(p *uint64, v uint32)  { *p = *p&^0xffffffff | uint64(v) }
func setHigh(p *uint64, v uint32) { *p = *p&0xffffffff | uint64(v)<<32 }
