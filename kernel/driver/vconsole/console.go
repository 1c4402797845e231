// Package vconsole drives virtio console devices: byte streams between host
// and guest, called ports. A port named in the guest is a character device,
// /dev/vportNpM, that behaves as Linux's virtio_console driver has it: one
// opener at a time; a read returns 0 while the host's side is disconnected; a
// write waits while the host's side is disconnected or does not take the
// bytes.
//
// The source of the protocol is section 5.3 of the VIRTIO standard.
package vconsole

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/driver/virtio"
	"kevlar/kernel/klog"
	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/frame"
)

// Nodes is where the driver makes its ports known: /dev and sysfs.
type Nodes interface {
	// AddPort is called once for each port that the host adds; name is that
	// of the device file. What the host calls the port arrives later: see
	// Port.Label.
	AddPort(name string, p *Port)
	// AddConsole is called when the host makes a port a console: it wants a
	// terminal on it. See Port.Attach.
	AddConsole(p *Port)
	// RemovePort is called when the host has taken the port away.
	RemovePort(name string)
}

// maxPorts limits the ports of a device, whatever the host wants.
const maxPorts = 64

// A Console is one console device.
type Console struct {
	dev   *virtio.Device
	index int // of the device: the N of /dev/vportNpM
	nodes Nodes

	mu       sync.Mutex
	ports    []*Port // those that the host has added; guarded by mu
	maxPorts uint32

	control control
}

// New opens the console device behind t. index is the number of the device
// among all virtio devices. Ports appear when the host adds them, soon after.
func New(t virtio.Transport, index int, nodes Nodes) (*Console, error) {
	if id := t.DeviceID(); id != virtio.DeviceConsole {
		return nil, fmt.Errorf("vconsole: device has type %d, not %d", id, virtio.DeviceConsole)
	}
	dev, err := virtio.Open(t, featureSize|featureMultiport)
	if err != nil {
		return nil, err
	}
	c := &Console{dev: dev, index: index, nodes: nodes, maxPorts: 1}
	if err := c.start(); err != nil {
		dev.Fail()
		return nil, err
	}
	return c, nil
}

func (c *Console) start() error {
	multiport := c.dev.Has(featureMultiport)
	if multiport {
		var b [4]byte
		c.dev.ReadConfig(configMaxPorts, b[:])
		c.maxPorts = min(binary.LittleEndian.Uint32(b[:]), maxPorts)
		if err := c.control.init(c.dev); err != nil {
			return err
		}
	}
	// The queues of all ports are set up before the start: a legacy device
	// does not take them later.
	queues := make([][2]*virtio.Queue, c.maxPorts)
	for id := range queues {
		for i, index := range [2]int{inQueue(uint32(id)), outQueue(uint32(id))} {
			q, err := c.dev.Queue(index, queueSize)
			if err != nil {
				return err
			}
			queues[id][i] = q
		}
	}
	c.control.queues = queues
	if err := c.dev.HandleInterrupt(c.interrupt); err != nil {
		return err
	}
	c.dev.Start()
	if multiport {
		c.control.fill()
		c.control.send(message{port: ^uint32(0), event: deviceReady, value: 1})
		c.handleControl() // the host has often answered by now
		return nil
	}
	p := c.add(0)
	p.hostOpen(true)
	p.becomeConsole(c.size())
	return nil
}

// size returns columns and rows of the console that the host tells, or 0, 0.
func (c *Console) size() (columns, rows uint16) {
	if !c.dev.Has(featureSize) {
		return 0, 0
	}
	var b [4]byte
	c.dev.ReadConfig(configColumns, b[:])
	return binary.LittleEndian.Uint16(b[configColumns:]), binary.LittleEndian.Uint16(b[configRows:])
}

// Ports returns the ports that the host has added.
func (c *Console) Ports() []*Port {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.ports)
}

// Port returns the port that the host calls label, or nil.
func (c *Console) Port(label string) *Port {
	for _, p := range c.Ports() {
		if p.Label() == label {
			return p
		}
	}
	return nil
}

// Drain waits until the host has taken what was written to every port whose
// host side is connected, but no longer than timeout, and reports whether it
// has. The power goes off after it, not before.
func (c *Console) Drain(timeout time.Duration) bool {
	deadline := time.Now().Add(timeout)
	for _, p := range c.Ports() {
		for !p.drained() {
			if time.Now().After(deadline) {
				return false
			}
			time.Sleep(100 * time.Microsecond)
		}
	}
	return true
}

// interrupt runs when the device has used buffers or changed its
// configuration.
func (c *Console) interrupt(cause virtio.Cause) {
	if cause&virtio.CauseQueue != 0 {
		c.handleControl()
		for _, p := range c.Ports() {
			p.interrupt()
		}
	}
	if cause&virtio.CauseConfig != 0 {
		for _, p := range c.Ports() {
			if p.IsConsole() {
				p.resize(c.size())
			}
		}
	}
}

// handleControl acts on the host's control messages, in order.
func (c *Console) handleControl() {
	c.control.handling.Lock()
	defer c.control.handling.Unlock()
	for {
		m, rest, ok := c.control.next()
		if !ok {
			return
		}
		c.handle(m, rest)
	}
}

func (c *Console) handle(m message, rest []byte) {
	if m.event == portAdd {
		if m.port >= c.maxPorts {
			klog.Printf("virtio_console: the host adds port %d of at most %d", m.port, c.maxPorts)
			c.control.send(message{port: m.port, event: portReady, value: 0})
			return
		}
		c.add(m.port)
		c.control.send(message{port: m.port, event: portReady, value: 1})
		return
	}
	p := c.lookup(m.port)
	if p == nil {
		return // as Linux: events of unknown ports are ignored
	}
	switch m.event {
	case portRemove:
		c.remove(p)
	case consolePort:
		if m.value != 0 {
			p.becomeConsole(c.size())
			// A console is always open.
			c.control.send(message{port: p.id, event: portOpen, value: 1})
		}
	case consoleSize:
		if len(rest) >= 4 {
			p.resize(binary.LittleEndian.Uint16(rest), binary.LittleEndian.Uint16(rest[2:]))
		}
	case portOpen:
		p.hostOpen(m.value != 0)
	case portName:
		if n := slices.Index(rest, 0); n >= 0 {
			rest = rest[:n]
		}
		p.setLabel(string(rest))
	}
}

func (c *Console) lookup(id uint32) *Port {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.ports {
		if p.id == id {
			return p
		}
	}
	return nil
}

// add makes port id known, or returns it if it is known already.
func (c *Console) add(id uint32) *Port {
	if p := c.lookup(id); p != nil {
		return p
	}
	p := newPort(c, id, c.control.queues[id][0], c.control.queues[id][1])
	c.mu.Lock()
	c.ports = append(c.ports, p)
	c.mu.Unlock()
	c.nodes.AddPort(p.Name(), p)
	return p
}

func (c *Console) remove(p *Port) {
	c.mu.Lock()
	c.ports = slices.DeleteFunc(c.ports, func(o *Port) bool { return o == p })
	c.mu.Unlock()
	p.unplug()
	c.nodes.RemovePort(p.Name())
}

// control is the pair of control queues.
type control struct {
	queues [][2]*virtio.Queue // of the ports, by number; set before the start

	handling sync.Mutex // held while messages of the host are acted on

	mu      sync.Mutex
	in, out *virtio.Queue // nil if the device has no control queues; guarded by mu
	inAt    []byte        // one frame with a slot for each buffer of in
	outAt   []byte        // one frame with a slot for each buffer of out
	inPA    uint64
	outPA   uint64
	inSlot  []int     // by head: the slot that the buffer lies in
	outSlot []int     // by head
	freeOut []int     // slots of outAt that the device does not have
	backlog []message // to be sent when the host makes room
	arrived [][]byte  // messages of the host not yet acted on
}

const (
	controlBuffers  = 32
	controlSlotSize = frame.Size / controlBuffers
	// controlBacklog is how many unsent messages make opening a port fail.
	controlBacklog = 64
)

func (t *control) init(dev *virtio.Device) error {
	var err error
	if t.in, err = dev.Queue(controlInQueue, controlBuffers); err != nil {
		return err
	}
	if t.out, err = dev.Queue(controlOutQueue, controlBuffers); err != nil {
		return err
	}
	block, err := frame.AllocContig(2, 1)
	if err != nil {
		return err
	}
	t.inPA, t.outPA = uint64(block), uint64(block)+frame.Size
	t.inAt, t.outAt = direct.Bytes(t.inPA, frame.Size), direct.Bytes(t.outPA, frame.Size)
	t.inSlot, t.outSlot = make([]int, t.in.Size()), make([]int, t.out.Size())
	for slot := range controlBuffers {
		t.freeOut = append(t.freeOut, slot)
	}
	t.out.Quiet(true)
	return nil
}

// fill gives the device all buffers for its messages.
func (t *control) fill() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for slot := range min(controlBuffers, t.in.Size()) {
		t.addIn(slot)
	}
	t.in.Kick()
}

// addIn gives slot to the device. The caller holds mu.
func (t *control) addIn(slot int) {
	head, ok := t.in.Add(virtio.Segment{
		Addr: t.inPA + uint64(slot*controlSlotSize), Len: controlSlotSize, DeviceWrites: true,
	})
	if ok {
		t.inSlot[head] = slot
	}
}

// next returns the host's next message. All that have arrived are taken off
// the queue first, so that the host, which loses messages that find no
// buffer, has as many buffers as can be.
func (t *control) next() (message, []byte, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.in == nil {
		return message{}, nil, false
	}
	t.flush()
	taken := false
	for {
		head, n, ok := t.in.Take()
		if !ok {
			break
		}
		slot := t.inSlot[head]
		b := t.inAt[slot*controlSlotSize:][:min(int(n), controlSlotSize)]
		t.arrived = append(t.arrived, slices.Clone(b))
		t.addIn(slot)
		taken = true
	}
	if taken {
		t.in.Kick()
	}
	for len(t.arrived) > 0 {
		b := t.arrived[0]
		t.arrived = t.arrived[1:]
		if m, rest, ok := parseMessage(b); ok {
			return m, rest, true
		}
	}
	return message{}, nil, false
}

// send sends m to the host, later if the queue is full.
func (t *control) send(m message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.out == nil {
		return
	}
	t.backlog = append(t.backlog, m)
	t.flush()
}

// crowded returns EAGAIN while too many messages wait for the host.
func (t *control) crowded() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.out == nil {
		return nil
	}
	t.flush()
	if len(t.backlog) >= controlBacklog {
		return abi.EAGAIN
	}
	return nil
}

// flush sends as much of the backlog as there is room for. The caller holds mu.
func (t *control) flush() {
	for {
		head, _, ok := t.out.Take()
		if !ok {
			break
		}
		t.freeOut = append(t.freeOut, t.outSlot[head])
	}
	sent := false
	for len(t.backlog) > 0 && len(t.freeOut) > 0 {
		slot := t.freeOut[len(t.freeOut)-1]
		t.backlog[0].put(t.outAt[slot*controlSlotSize:])
		head, ok := t.out.Add(virtio.Segment{Addr: t.outPA + uint64(slot*controlSlotSize), Len: messageSize})
		if !ok {
			break
		}
		t.outSlot[head] = slot
		t.freeOut = t.freeOut[:len(t.freeOut)-1]
		t.backlog = t.backlog[1:]
		sent = true
	}
	t.out.Quiet(len(t.backlog) == 0)
	if sent {
		t.out.Kick()
	}
}
