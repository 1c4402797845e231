// Package pci is the transport of virtio devices on a PCI bus (section 4.1 of
// the standard). It drives devices of the standard interface, transitional
// ones included, and needs MSI-X.
package pci

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	bus "kevlar/kernel/driver/pci"
	"kevlar/kernel/driver/virtio"
)

const (
	vendor = 0x1af4

	// Devices of the standard have their type added to this number; those
	// that are transitional have numbers below, and the type elsewhere.
	firstModern       = 0x1040
	lastModern        = 0x107f
	firstTransitional = 0x1000

	capVendor = 0x09
)

// Types of a capability's structure (section 4.1.4).
const (
	typeCommon = 1
	typeNotify = 2
	typeDevice = 4
)

// Offsets in a capability.
const (
	capType       = 3
	capBAR        = 4
	capOffset     = 8
	capLength     = 12
	capMultiplier = 16
)

// Offsets in the common configuration (section 4.1.4.3).
const (
	regDeviceFeatureSelect = 0
	regDeviceFeature       = 4
	regDriverFeatureSelect = 8
	regDriverFeature       = 12
	regConfigVector        = 16
	regStatus              = 20
	regGeneration          = 21
	regQueueSelect         = 22
	regQueueSize           = 24
	regQueueVector         = 26
	regQueueEnable         = 28
	regQueueNotifyOff      = 30
	regQueueDesc           = 32
	regQueueDriver         = 40
	regQueueDevice         = 48

	commonSize = 56
	noVector   = 0xffff

	// resetReads is how often the status is read until a device that was
	// reset is taken to be dead; negotiation then fails.
	resetReads = 1 << 20
)

// Messages of the device.
const (
	configVector = 0
	queueVector  = 1
)

// A Machine is what the transport needs of the machine.
type Machine interface {
	// Map gives access to device registers in physical memory.
	Map(addr uint64, size uintptr) (bus.Registers, error)
	// ConnectMSI makes handler run, in a goroutine, when data is written to
	// address.
	ConnectMSI(name string, handler func()) (address uint64, data uint32, err error)
}

// A Transport reaches one device through its function.
type Transport struct {
	f  *bus.Function
	id uint32

	mu         sync.Mutex // guards the registers that go in pairs
	common     bus.Registers
	device     bus.Registers // nil if the device has no configuration
	deviceSize int
	notify     bus.Registers
	notifySize uint32
	multiplier uint32
	notifyAt   []uint32 // by queue: where in notify; set before the start

	handler atomic.Pointer[func(virtio.Cause)]
}

// Type returns the type of the virtio device behind f, or false if f is none
// or has only the interface from before the standard.
func Type(f *bus.Function) (id uint32, ok bool) {
	if f.Vendor != vendor || f.Device < firstTransitional || f.Device > lastModern {
		return 0, false
	}
	if f.Device >= firstModern {
		return uint32(f.Device - firstModern), true
	}
	_, ok = find(f, typeCommon)
	return uint32(f.SubsystemDevice), ok
}

// find returns the capability of a structure.
func find(f *bus.Function, kind uint8) (off int, ok bool) {
	f.EachCapability(capVendor, func(o int) bool {
		// Structures in ranges that do not exist are for other drivers.
		if f.Read8(o+capType) == kind && f.Read8(o+capBAR) <= 5 {
			off, ok = o, true
		}
		return !ok
	})
	return off, ok
}

// New returns the transport of the device behind f.
func New(f *bus.Function, m Machine) (*Transport, error) {
	id, ok := Type(f)
	if !ok {
		return nil, errors.New("virtio-pci: no device of the standard")
	}
	t := &Transport{f: f, id: id}
	f.SetCommand(bus.CommandMemory|bus.CommandBusMaster, 0)
	var err error
	var size uint32
	if t.common, size, err = open(f, m, typeCommon); err != nil {
		return nil, err
	}
	if size < commonSize {
		return nil, fmt.Errorf("virtio-pci: common configuration of %d bytes", size)
	}
	if t.notify, t.notifySize, err = open(f, m, typeNotify); err != nil {
		return nil, err
	}
	c, _ := find(f, typeNotify)
	t.multiplier = f.Read32(c + capMultiplier)
	if _, ok := find(f, typeDevice); ok {
		if t.device, size, err = open(f, m, typeDevice); err != nil {
			return nil, err
		}
		t.deviceSize = int(size)
	}
	return t, t.connect(m)
}

// open maps a structure.
func open(f *bus.Function, m Machine, kind uint8) (bus.Registers, uint32, error) {
	c, ok := find(f, kind)
	if !ok {
		return nil, 0, fmt.Errorf("virtio-pci: no structure of type %d", kind)
	}
	r, err := f.BAR(int(f.Read8(c + capBAR)))
	if err != nil {
		return nil, 0, err
	}
	off, size := f.Read32(c+capOffset), f.Read32(c+capLength)
	if r.IO || uint64(off)+uint64(size) > r.Size {
		return nil, 0, fmt.Errorf("virtio-pci: structure of type %d lies outside of its range", kind)
	}
	registers, err := m.Map(r.Addr+uint64(off), uintptr(size))
	return registers, size, err
}

// connect sets up the messages of the device: one for the configuration, one
// for all queues.
func (t *Transport) connect(m Machine) error {
	x, err := t.f.OpenMSIX(m.Map)
	if err != nil {
		return err
	}
	if x.Size() <= queueVector {
		return fmt.Errorf("virtio-pci: the device has only %d message", x.Size())
	}
	for vector, cause := range map[int]virtio.Cause{configVector: virtio.CauseConfig, queueVector: virtio.CauseQueue} {
		name := fmt.Sprintf("virtio-pci %02x:%02x.%d", t.f.Bus, t.f.Address.Device, t.f.Function)
		address, data, err := m.ConnectMSI(name, func() {
			if h := t.handler.Load(); h != nil {
				(*h)(cause)
			}
		})
		if err != nil {
			return err
		}
		x.Set(vector, address, data)
	}
	return nil
}

// DeviceID implements virtio.Transport.
func (t *Transport) DeviceID() uint32 { return t.id }

// Legacy implements virtio.Transport.
func (t *Transport) Legacy() bool { return false }

// Status implements virtio.Transport.
func (t *Transport) Status() uint8 { return t.common.Read8(regStatus) }

// SetStatus implements virtio.Transport.
func (t *Transport) SetStatus(status uint8) {
	t.common.Write8(regStatus, status)
	if status != 0 {
		return
	}
	for range resetReads { // section 4.1.4.3.2
		if t.common.Read8(regStatus) == 0 {
			return
		}
	}
}

// Features implements virtio.Transport.
func (t *Transport) Features() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.common.Write32(regDeviceFeatureSelect, 0)
	low := t.common.Read32(regDeviceFeature)
	t.common.Write32(regDeviceFeatureSelect, 1)
	return uint64(t.common.Read32(regDeviceFeature))<<32 | uint64(low)
}

// SetFeatures implements virtio.Transport.
func (t *Transport) SetFeatures(features uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.common.Write32(regDriverFeatureSelect, 0)
	t.common.Write32(regDriverFeature, uint32(features))
	t.common.Write32(regDriverFeatureSelect, 1)
	t.common.Write32(regDriverFeature, uint32(features>>32))
}

// QueueMaxSize implements virtio.Transport.
func (t *Transport) QueueMaxSize(index int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.common.Write16(regQueueSelect, uint16(index))
	return int(t.common.Read16(regQueueSize))
}

// EnableQueue implements virtio.Transport.
func (t *Transport) EnableQueue(index int, at virtio.Layout) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.common.Write16(regQueueSelect, uint16(index))
	t.common.Write16(regQueueSize, uint16(at.Size))
	t.common.Write16(regQueueVector, queueVector)
	if t.common.Read16(regQueueVector) == noVector {
		return errors.New("virtio-pci: the device has no message for the queue")
	}
	t.write64(regQueueDesc, at.Descriptors)
	t.write64(regQueueDriver, at.Available)
	t.write64(regQueueDevice, at.Used)
	off := uint32(t.common.Read16(regQueueNotifyOff)) * t.multiplier
	if off+2 > t.notifySize {
		return errors.New("virtio-pci: the notification lies outside of its structure")
	}
	for len(t.notifyAt) <= index {
		t.notifyAt = append(t.notifyAt, 0)
	}
	t.notifyAt[index] = off
	t.common.Write16(regQueueEnable, 1)
	return nil
}

func (t *Transport) write64(off uintptr, v uint64) {
	t.common.Write32(off, uint32(v))
	t.common.Write32(off+4, uint32(v>>32))
}

// Notify implements virtio.Transport.
func (t *Transport) Notify(index int) {
	t.notify.Write16(uintptr(t.notifyAt[index]), uint16(index))
}

// ReadConfig implements virtio.Transport. What the device does not have reads
// as zero.
func (t *Transport) ReadConfig(off int, p []byte) {
	for {
		before := t.common.Read8(regGeneration)
		for i := range p {
			p[i] = 0
			if off+i < t.deviceSize {
				p[i] = t.device.Read8(uintptr(off + i))
			}
		}
		if t.common.Read8(regGeneration) == before {
			return
		}
	}
}

// WriteConfig implements virtio.Transport.
func (t *Transport) WriteConfig(off int, p []byte) {
	for i, b := range p {
		if off+i < t.deviceSize {
			t.device.Write8(uintptr(off+i), b)
		}
	}
}

// HandleInterrupt implements virtio.Transport.
func (t *Transport) HandleInterrupt(handler func(virtio.Cause)) error {
	t.handler.Store(&handler)
	t.common.Write16(regConfigVector, configVector)
	if t.common.Read16(regConfigVector) == noVector {
		return errors.New("virtio-pci: the device has no message for its configuration")
	}
	return nil
}
