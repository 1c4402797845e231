// Package virtiotest is the host's side of a virtio device in software, for
// the tests of drivers: it finds the driver's buffers in the rings, in frames,
// as a virtual machine monitor does.
package virtiotest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"kevlar/kernel/driver/virtio"
	"kevlar/kernel/machine/direct"
)

// A Device is a device model. It implements virtio.Transport, so that a
// driver can be put on it at once. Set the exported fields before use.
type Device struct {
	ID        uint32
	Offered   uint64 // features; virtio.FeatureVersion1 unless IsLegacy
	IsLegacy  bool
	QueueSize int // of every queue
	Queues    int // number of queues
	Config    []byte
	// Reject makes the device refuse these features.
	Reject uint64
	// FailEnable makes the device refuse every queue.
	FailEnable bool
	// OnNotify is called when the driver notifies a queue, with no lock held.
	OnNotify func(queue int)

	mu       sync.Mutex
	status   uint8
	Accepted uint64 // features that the driver chose
	rings    map[int]*ring
	handler  func(virtio.Cause)
	notified map[int]int
	resets   int
}

// ring is what the device knows of a queue.
type ring struct {
	at   virtio.Layout
	seen uint16 // buffers taken from the available ring
	used uint16 // buffers put into the used ring
}

// A Buffer is one buffer of the driver.
type Buffer struct {
	Head uint16
	Out  []byte   // what the driver wrote, all segments in one
	In   [][]byte // what the device may fill
}

// DeviceID implements virtio.Transport.
func (d *Device) DeviceID() uint32 { return d.ID }

// Legacy implements virtio.Transport.
func (d *Device) Legacy() bool { return d.IsLegacy }

// Status implements virtio.Transport.
func (d *Device) Status() uint8 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.status
}

// SetStatus implements virtio.Transport.
func (d *Device) SetStatus(status uint8) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if status == 0 {
		d.rings, d.notified, d.Accepted = nil, nil, 0
		d.resets++
	}
	if d.Accepted&d.Reject != 0 {
		status &^= virtio.StatusFeaturesOK
	}
	d.status = status
}

// Resets returns how often the driver has reset the device.
func (d *Device) Resets() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.resets
}

// Features implements virtio.Transport.
func (d *Device) Features() uint64 { return d.Offered }

// SetFeatures implements virtio.Transport.
func (d *Device) SetFeatures(f uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Accepted = f
}

// QueueMaxSize implements virtio.Transport.
func (d *Device) QueueMaxSize(index int) int {
	if index >= d.Queues {
		return 0
	}
	return d.QueueSize
}

// EnableQueue implements virtio.Transport.
func (d *Device) EnableQueue(index int, at virtio.Layout) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.FailEnable {
		return errors.New("virtiotest: queue refused")
	}
	if d.rings == nil {
		d.rings = make(map[int]*ring)
	}
	d.rings[index] = &ring{at: at}
	return nil
}

// Notify implements virtio.Transport.
func (d *Device) Notify(index int) {
	d.mu.Lock()
	if d.notified == nil {
		d.notified = make(map[int]int)
	}
	d.notified[index]++
	f := d.OnNotify
	d.mu.Unlock()
	if f != nil {
		f(index)
	}
}

// Notified returns how often the driver has notified a queue.
func (d *Device) Notified(index int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.notified[index]
}

// ReadConfig implements virtio.Transport.
func (d *Device) ReadConfig(off int, p []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(p)
	if off < len(d.Config) {
		copy(p, d.Config[off:])
	}
}

// WriteConfig implements virtio.Transport.
func (d *Device) WriteConfig(off int, p []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	copy(d.Config[off:], p)
}

// HandleInterrupt implements virtio.Transport.
func (d *Device) HandleInterrupt(handler func(virtio.Cause)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.handler = handler
	return nil
}

// Interrupt runs the driver's interrupt handler.
func (d *Device) Interrupt(cause virtio.Cause) {
	d.mu.Lock()
	f := d.handler
	d.mu.Unlock()
	if f != nil {
		f(cause)
	}
}

// Layout returns where the driver has put a queue.
func (d *Device) Layout(queue int) (virtio.Layout, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.rings[queue]
	if r == nil {
		return virtio.Layout{}, false
	}
	return r.at, true
}

// Pending returns the number of buffers of a queue that Next has not taken.
func (d *Device) Pending(queue int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.rings[queue]
	if r == nil {
		return 0
	}
	return int(r.availIdx() - r.seen)
}

// Next takes the driver's next buffer of a queue. It panics if the driver has
// broken the rules of descriptor chains.
func (d *Device) Next(queue int) (Buffer, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.rings[queue]
	if r == nil || d.status&virtio.StatusDriverOK == 0 || r.availIdx() == r.seen {
		return Buffer{}, false
	}
	slot := int(r.seen) % r.at.Size
	r.seen++
	head := binary.LittleEndian.Uint16(direct.Bytes(r.at.Available+4+2*uint64(slot), 2))
	b := Buffer{Head: head}
	for at, n := head, 0; ; n++ {
		if n == r.at.Size {
			panic("virtiotest: descriptor chain has a loop")
		}
		e := direct.Bytes(r.at.Descriptors+16*uint64(at), 16)
		memory := direct.Bytes(binary.LittleEndian.Uint64(e), int(binary.LittleEndian.Uint32(e[8:])))
		flags := binary.LittleEndian.Uint16(e[12:])
		if flags&2 != 0 {
			b.In = append(b.In, memory)
		} else if b.In != nil {
			panic("virtiotest: readable descriptor after a writable one")
		} else {
			b.Out = append(b.Out, memory...)
		}
		if flags&1 == 0 {
			return b, true
		}
		at = binary.LittleEndian.Uint16(e[14:])
	}
}

// Return gives a buffer back to the driver, with written bytes filled in.
func (d *Device) Return(queue int, b Buffer, written int) {
	d.ReturnRaw(queue, uint32(b.Head), written)
}

// ReturnRaw puts any number into the used ring, as a broken device may.
func (d *Device) ReturnRaw(queue int, id uint32, written int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.rings[queue]
	slot := uint64(r.used) % uint64(r.at.Size)
	e := direct.Bytes(r.at.Used+4+8*slot, 8)
	binary.LittleEndian.PutUint32(e, id)
	binary.LittleEndian.PutUint32(e[4:], uint32(written))
	r.used++
	word := direct.U32(r.at.Used)
	atomic.StoreUint32(word, uint32(r.used)<<16|atomic.LoadUint32(word)&0xffff)
}

// SuppressNotify sets whether the device asks the driver not to notify a queue.
func (d *Device) SuppressNotify(queue int, suppress bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	word := direct.U32(d.rings[queue].at.Used)
	flags := uint32(0)
	if suppress {
		flags = 1
	}
	atomic.StoreUint32(word, atomic.LoadUint32(word)&^0xffff|flags)
}

// WantsInterrupt reports whether the driver wants interrupts for a queue.
func (d *Device) WantsInterrupt(queue int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return atomic.LoadUint32(direct.U32(d.rings[queue].at.Available))&1 == 0
}

// Fill copies p into the next buffer of a queue and returns it to the driver.
// It reports false if there is no buffer; it panics if p does not fit.
func (d *Device) Fill(queue int, p []byte) bool {
	b, ok := d.Next(queue)
	if !ok {
		return false
	}
	rest := p
	for _, m := range b.In {
		rest = rest[copy(m, rest):]
	}
	if len(rest) > 0 {
		panic(fmt.Sprintf("virtiotest: buffer of queue %d takes %d bytes fewer than %d", queue, len(rest), len(p)))
	}
	d.Return(queue, b, len(p))
	return true
}

func (r *ring) availIdx() uint16 {
	return uint16(atomic.LoadUint32(direct.U32(r.at.Available)) >> 16)
}
