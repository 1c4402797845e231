package virtiotest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"kevlar/kernel/driver/pci"
	"kevlar/kernel/driver/virtio"
)

// PCI puts a Device behind function 0 of device 3 on bus 0, as QEMU does: with
// its structures in a 64-bit range above 4 GiB and its MSI-X table in a 32-bit
// one. It is the configuration space and the machine that the transport needs.
type PCI struct {
	Device *Device
	// Transitional gives the function one of the old numbers.
	Transitional bool
	// Messages is the number of MSI-X messages; 0 means that there is no
	// MSI-X.
	Messages int

	mu        sync.Mutex
	config    []byte
	table     []byte
	selDevice uint32
	selDriver uint32
	selQueue  int
	features  uint64
	layout    virtio.Layout
	vectors   map[int]uint16 // by queue; -1 is the configuration's
	targets   map[uint64]func()
	next      uint32
}

const (
	bigBAR, bigBARSize     = uint64(0x80_0000_4000), 0x4000
	tableBAR, tableBARSize = uint64(0xfebd1000), 0x1000
	multiplier             = 4
)

var pciAddress = pci.Address{Device: 3}

func (p *PCI) init() {
	if p.config != nil {
		return
	}
	c := make([]byte, 256)
	le := binary.LittleEndian
	le.PutUint16(c[0x00:], 0x1af4)
	le.PutUint16(c[0x02:], 0x1040+uint16(p.Device.ID))
	if p.Transitional {
		le.PutUint16(c[0x02:], 0x1003)
	}
	le.PutUint16(c[0x2c:], 0x1af4)
	le.PutUint16(c[0x2e:], uint16(p.Device.ID))
	le.PutUint32(c[0x08:], 0x07800001)
	le.PutUint16(c[0x06:], 1<<4) // it has capabilities
	le.PutUint32(c[0x14:], uint32(tableBAR))
	le.PutUint32(c[0x20:], uint32(bigBAR&0xffffffff)|0xc)
	le.PutUint32(c[0x24:], uint32(bigBAR>>32))
	c[0x34] = 0x40
	at := 0x40
	vendorCap := func(kind byte, off, size uint32, extra ...byte) {
		n := 16 + len(extra)
		copy(c[at:], []byte{0x09, byte(at + n), byte(n), kind, 4})
		le.PutUint32(c[at+8:], off)
		le.PutUint32(c[at+12:], size)
		copy(c[at+16:], extra)
		at += n
	}
	vendorCap(5, 0, 0, 0, 0, 0, 0) // access through the configuration
	vendorCap(1, 0x0000, 0x1000)
	vendorCap(3, 0x1000, 0x1000)
	vendorCap(4, 0x2000, 0x1000)
	vendorCap(2, 0x3000, 0x1000, multiplier, 0, 0, 0)
	if p.Messages > 0 {
		copy(c[at:], []byte{0x11, 0})
		le.PutUint16(c[at+2:], uint16(p.Messages-1))
		le.PutUint32(c[at+4:], 0x100|1)
		le.PutUint32(c[at+8:], 0x800|1)
	} else {
		c[at-20+1] = 0
	}
	p.config, p.table = c, make([]byte, 16*p.Messages)
	for i := range p.Messages {
		p.table[16*i+12] = 1
	}
	p.vectors, p.targets = map[int]uint16{}, map[uint64]func(){}
}

// Read32 implements pci.ConfigSpace.
func (p *PCI) Read32(a pci.Address, off int) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.init()
	if a != pciAddress {
		return 0xffffffff
	}
	return binary.LittleEndian.Uint32(p.config[off:])
}

// Write32 implements pci.ConfigSpace.
func (p *PCI) Write32(a pci.Address, off int, v uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.init()
	if a != pciAddress {
		return
	}
	switch off {
	case 0x04:
		binary.LittleEndian.PutUint16(p.config[off:], uint16(v))
		return
	case 0x10, 0x18, 0x1c:
		return // not there
	case 0x14:
		v &^= uint32(tableBARSize - 1)
	case 0x20:
		v = v&^uint32(bigBARSize-1) | 0xc
	}
	binary.LittleEndian.PutUint32(p.config[off:], v)
}

// Map implements the transport's Machine.
func (p *PCI) Map(addr uint64, size uintptr) (pci.Registers, error) {
	for _, r := range [][2]uint64{{bigBAR, uint64(bigBARSize)}, {tableBAR, uint64(tableBARSize)}} {
		if addr >= r[0] && addr+uint64(size) <= r[0]+r[1] {
			return &pciWindow{p, addr, size}, nil
		}
	}
	return nil, errors.New("virtiotest: no registers there")
}

// ConnectMSI implements the transport's Machine.
func (p *PCI) ConnectMSI(name string, handler func()) (uint64, uint32, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.init()
	p.next++
	address, data := uint64(0xfee00000), 0x40+p.next
	p.targets[address<<32|uint64(data)] = handler
	return address, data, nil
}

// Raise sends the message of a queue, or of the configuration if queue is -1.
// It reports whether the driver has set one up.
func (p *PCI) Raise(queue int) bool {
	p.mu.Lock()
	vector, ok := p.vectors[queue]
	var f func()
	if ok && int(vector) < p.Messages && p.commandBits()&4 != 0 {
		e := p.table[16*int(vector):]
		le := binary.LittleEndian
		if e[12]&1 == 0 {
			f = p.targets[le.Uint64(e)<<32|uint64(le.Uint32(e[8:]))]
		}
	}
	p.mu.Unlock()
	if f != nil {
		f()
	}
	return f != nil
}

// Command returns the command register.
func (p *PCI) Command() uint16 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.commandBits()
}

func (p *PCI) commandBits() uint16 { return binary.LittleEndian.Uint16(p.config[4:]) }

// pciWindow is a mapped part of a range.
type pciWindow struct {
	p    *PCI
	addr uint64
	size uintptr
}

func (w *pciWindow) at(off uintptr, n int) uint64 {
	if off+uintptr(n) > w.size {
		panic("virtiotest: access beyond the mapped registers")
	}
	if w.p.Command()&pci.CommandMemory == 0 {
		panic("virtiotest: access while the function does not decode memory")
	}
	return w.addr + uint64(off)
}

func (w *pciWindow) Read8(off uintptr) uint8     { return uint8(w.p.read(w.at(off, 1), 1)) }
func (w *pciWindow) Read16(off uintptr) uint16   { return uint16(w.p.read(w.at(off, 2), 2)) }
func (w *pciWindow) Read32(off uintptr) uint32   { return w.p.read(w.at(off, 4), 4) }
func (w *pciWindow) Write8(off uintptr, v uint8) { w.p.write(w.at(off, 1), 1, uint32(v)) }
func (w *pciWindow) Write16(off uintptr, v uint16) {
	w.p.write(w.at(off, 2), 2, uint32(v))
}
func (w *pciWindow) Write32(off uintptr, v uint32) { w.p.write(w.at(off, 4), 4, v) }

func (p *PCI) read(addr uint64, n int) uint32 {
	if addr >= bigBAR+0x2000 && addr < bigBAR+0x3000 {
		var b [4]byte
		p.Device.ReadConfig(int(addr-bigBAR-0x2000), b[:n])
		return binary.LittleEndian.Uint32(b[:])
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if addr >= tableBAR+0x100 && addr < tableBAR+0x100+uint64(len(p.table)) && n == 4 {
		return binary.LittleEndian.Uint32(p.table[addr-tableBAR-0x100:])
	}
	switch [2]uint64{addr - bigBAR, uint64(n)} {
	case [2]uint64{4, 4}:
		return uint32(p.Device.Offered >> (32 * (p.selDevice & 1)))
	case [2]uint64{16, 2}:
		return uint32(p.vectors[-1])
	case [2]uint64{20, 1}:
		return uint32(p.Device.Status())
	case [2]uint64{21, 1}:
		return 0
	case [2]uint64{24, 2}:
		return uint32(p.Device.QueueMaxSize(p.selQueue))
	case [2]uint64{26, 2}:
		return uint32(p.vectors[p.selQueue])
	case [2]uint64{30, 2}:
		return uint32(p.selQueue)
	}
	panic(fmt.Sprintf("virtiotest: read of %d bytes at %#x", n, addr))
}

func (p *PCI) write(addr uint64, n int, v uint32) {
	switch {
	case addr >= bigBAR+0x3000 && addr < bigBAR+0x4000 && n == 2:
		if uint64(v)*multiplier != addr-bigBAR-0x3000 {
			panic("virtiotest: a queue notified at another's address")
		}
		p.Device.Notify(int(v))
		return
	case addr >= bigBAR+0x2000 && addr < bigBAR+0x3000 && n == 1:
		p.Device.WriteConfig(int(addr-bigBAR-0x2000), []byte{byte(v)})
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if addr >= tableBAR+0x100 && addr < tableBAR+0x100+uint64(len(p.table)) && n == 4 {
		binary.LittleEndian.PutUint32(p.table[addr-tableBAR-0x100:], v)
		return
	}
	vector := func() uint16 {
		if int(v) >= p.Messages {
			return 0xffff
		}
		return uint16(v)
	}
	switch [2]uint64{addr - bigBAR, uint64(n)} {
	case [2]uint64{0, 4}:
		p.selDevice = v
	case [2]uint64{8, 4}:
		p.selDriver = v
	case [2]uint64{12, 4}:
		if p.selDriver == 0 {
			setLow(&p.features, v)
		} else {
			setHigh(&p.features, v)
		}
		p.Device.SetFeatures(p.features)
	case [2]uint64{16, 2}:
		p.vectors[-1] = vector()
	case [2]uint64{20, 1}:
		if v == 0 {
			clear(p.vectors)
		}
		p.Device.SetStatus(uint8(v))
	case [2]uint64{22, 2}:
		p.selQueue = int(v)
	case [2]uint64{24, 2}:
		p.layout.Size = int(v)
	case [2]uint64{26, 2}:
		p.vectors[p.selQueue] = vector()
	case [2]uint64{28, 2}:
		p.Device.EnableQueue(p.selQueue, p.layout)
	case [2]uint64{32, 4}:
		setLow(&p.layout.Descriptors, v)
	case [2]uint64{36, 4}:
		setHigh(&p.layout.Descriptors, v)
	case [2]uint64{40, 4}:
		setLow(&p.layout.Available, v)
	case [2]uint64{44, 4}:
		setHigh(&p.layout.Available, v)
	case [2]uint64{48, 4}:
		setLow(&p.layout.Used, v)
	case [2]uint64{52, 4}:
		setHigh(&p.layout.Used, v)
	default:
		panic(fmt.Sprintf("virtiotest: write of %d bytes at %#x", n, addr))
	}
}
