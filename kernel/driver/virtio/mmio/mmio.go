// Package mmio is the transport of virtio devices whose registers lie in
// memory (section 4.2 of the standard), as on QEMU's microvm machine and on
// Firecracker. It knows the standard interface, version 2, and the one before
// it, version 1.
package mmio

import (
	"errors"
	"fmt"
	"sync"

	"kevlar/kernel/driver/virtio"
)

// Registers are the registers of one device; off is in bytes from their
// start. Each access is one access of that width.
type Registers interface {
	Read8(off uintptr) uint8
	Read32(off uintptr) uint32
	Write8(off uintptr, v uint8)
	Write32(off uintptr, v uint32)
}

// WindowSize is the number of bytes of registers and configuration that a
// device has.
const WindowSize = 0x200

// Offsets of the registers (table 4.1, and table 4.2 for version 1).
const (
	regMagic             = 0x000
	regVersion           = 0x004
	regDeviceID          = 0x008
	regDeviceFeatures    = 0x010
	regDeviceFeaturesSel = 0x014
	regDriverFeatures    = 0x020
	regDriverFeaturesSel = 0x024
	regGuestPageSize     = 0x028 // version 1
	regQueueSel          = 0x030
	regQueueNumMax       = 0x034
	regQueueNum          = 0x038
	regQueueAlign        = 0x03c // version 1
	regQueuePFN          = 0x040 // version 1
	regQueueReady        = 0x044
	regQueueNotify       = 0x050
	regInterruptStatus   = 0x060
	regInterruptACK      = 0x064
	regStatus            = 0x070
	regQueueDescLow      = 0x080
	regQueueDescHigh     = 0x084
	regQueueDriverLow    = 0x090
	regQueueDriverHigh   = 0x094
	regQueueDeviceLow    = 0x0a0
	regQueueDeviceHigh   = 0x0a4
	regConfigGeneration  = 0x0fc
	regConfig            = 0x100

	magic    = 0x74726976 // "virt"
	pageSize = 4096
)

// A Transport reaches one device through its registers.
type Transport struct {
	mu      sync.Mutex // guards the registers that go in pairs: selectors and what they select
	r       Registers
	connect func(handler func()) error
	legacy  bool
}

// ErrNone is returned by New if no device sits behind the registers.
var ErrNone = errors.New("virtio-mmio: no device")

// New returns the transport of the device behind r. connect makes the
// device's interrupt call a function, in a goroutine.
func New(r Registers, connect func(handler func()) error) (*Transport, error) {
	if r.Read32(regMagic) != magic || r.Read32(regDeviceID) == 0 {
		return nil, ErrNone
	}
	t := &Transport{r: r, connect: connect}
	switch v := r.Read32(regVersion); v {
	case 1:
		t.legacy = true
	case 2:
	default:
		return nil, fmt.Errorf("virtio-mmio: unknown version %d", v)
	}
	return t, nil
}

// DeviceID implements virtio.Transport.
func (t *Transport) DeviceID() uint32 { return t.r.Read32(regDeviceID) }

// Legacy implements virtio.Transport.
func (t *Transport) Legacy() bool { return t.legacy }

// Status implements virtio.Transport.
func (t *Transport) Status() uint8 { return uint8(t.r.Read32(regStatus)) }

// SetStatus implements virtio.Transport.
func (t *Transport) SetStatus(status uint8) {
	t.r.Write32(regStatus, uint32(status))
	if status == 0 && t.legacy {
		t.r.Write32(regGuestPageSize, pageSize)
	}
}

// Features implements virtio.Transport.
func (t *Transport) Features() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Write32(regDeviceFeaturesSel, 0)
	low := t.r.Read32(regDeviceFeatures)
	if t.legacy {
		return uint64(low)
	}
	t.r.Write32(regDeviceFeaturesSel, 1)
	return uint64(t.r.Read32(regDeviceFeatures))<<32 | uint64(low)
}

// SetFeatures implements virtio.Transport.
func (t *Transport) SetFeatures(features uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Write32(regDriverFeaturesSel, 0)
	t.r.Write32(regDriverFeatures, uint32(features))
	if !t.legacy {
		t.r.Write32(regDriverFeaturesSel, 1)
		t.r.Write32(regDriverFeatures, uint32(features>>32))
	}
}

// QueueMaxSize implements virtio.Transport.
func (t *Transport) QueueMaxSize(index int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Write32(regQueueSel, uint32(index))
	return int(t.r.Read32(regQueueNumMax))
}

// EnableQueue implements virtio.Transport.
func (t *Transport) EnableQueue(index int, at virtio.Layout) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Write32(regQueueSel, uint32(index))
	t.r.Write32(regQueueNum, uint32(at.Size))
	if t.legacy {
		if at.Descriptors/pageSize > 1<<32-1 {
			return errors.New("virtio-mmio: queue above 16 TiB")
		}
		t.r.Write32(regQueueAlign, pageSize)
		t.r.Write32(regQueuePFN, uint32(at.Descriptors/pageSize))
		return nil
	}
	t.write64(regQueueDescLow, regQueueDescHigh, at.Descriptors)
	t.write64(regQueueDriverLow, regQueueDriverHigh, at.Available)
	t.write64(regQueueDeviceLow, regQueueDeviceHigh, at.Used)
	t.r.Write32(regQueueReady, 1)
	return nil
}

func (t *Transport) write64(low, high uintptr, v uint64) {
	t.r.Write32(low, uint32(v))
	t.r.Write32(high, uint32(v>>32))
}

// Notify implements virtio.Transport.
func (t *Transport) Notify(index int) { t.r.Write32(regQueueNotify, uint32(index)) }

// ReadConfig implements virtio.Transport. Version 1 has no generation: what
// is longer than one byte may be torn there.
func (t *Transport) ReadConfig(off int, p []byte) {
	for {
		before := t.generation()
		for i := range p {
			p[i] = t.r.Read8(regConfig + uintptr(off+i))
		}
		if t.generation() == before {
			return
		}
	}
}

func (t *Transport) generation() uint32 {
	if t.legacy {
		return 0
	}
	return t.r.Read32(regConfigGeneration)
}

// WriteConfig implements virtio.Transport.
func (t *Transport) WriteConfig(off int, p []byte) {
	for i, b := range p {
		t.r.Write8(regConfig+uintptr(off+i), b)
	}
}

// HandleInterrupt implements virtio.Transport. The status is read until it is
// clear: on an edge-triggered line a cause that joins another one makes no
// interrupt of its own.
func (t *Transport) HandleInterrupt(handler func(virtio.Cause)) error {
	return t.connect(func() {
		for cause := t.r.Read32(regInterruptStatus) & 3; cause != 0; cause = t.r.Read32(regInterruptStatus) & 3 {
			t.r.Write32(regInterruptACK, cause)
			handler(virtio.Cause(cause))
		}
	})
}
