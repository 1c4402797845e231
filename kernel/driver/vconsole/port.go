package vconsole

import (
	"fmt"
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/driver/virtio"
	"kevlar/kernel/klog"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

const (
	// queueSize is how many page frames are on the way, at most, in each
	// direction of a port.
	queueSize = 32
	// inBuffers is how many frames of a port wait for bytes of the host.
	inBuffers = 16
	// maxWrite is the most bytes that one write takes.
	maxWrite = 32 << 10
	// maxSegments is the most frames that one write fills.
	maxSegments = maxWrite / frame.Size
)

// A Port is one byte stream between host and guest. As vfs.FileOps it is the
// open device file of the port; there is one at most.
type Port struct {
	vfs.NoFile
	vfs.IsStreamFile
	console *Console
	id      uint32
	waiters wait.Queue

	mu            sync.Mutex
	label         string // what the host calls it
	hostConnected bool
	opened        bool // a device file is open
	unplugged     bool // the host has taken the port away
	in, out       *virtio.Queue

	inFrames []frame.Frame // by head of in; 0 if the device does not have it
	received []received    // what was not read yet, oldest first
	started  bool          // in was given its buffers
	crowded  bool          // somebody may wait for room in out, which interrupts

	outFrames [][maxSegments]frame.Frame // by head of out: the frames of a buffer

	term terminalState
}

// received is a buffer that the host has filled.
type received struct {
	frame      frame.Frame
	start, end int // the bytes not read yet
}

func newPort(c *Console, id uint32, in, out *virtio.Queue) *Port {
	out.Quiet(true)
	return &Port{console: c, id: id, in: in, out: out}
}

// Name returns the name of the device file.
func (p *Port) Name() string { return fmt.Sprintf("vport%dp%d", p.console.index, p.id) }

// ID returns the number of the port: the minor device number.
func (p *Port) ID() uint32 { return p.id }

// Label returns what the host calls the port.
func (p *Port) Label() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.label
}

func (p *Port) setLabel(s string) {
	p.mu.Lock()
	p.label = s
	p.mu.Unlock()
}

// hostOpen notes that the host's side was connected or disconnected.
func (p *Port) hostOpen(connected bool) {
	p.mu.Lock()
	p.hostConnected = connected
	p.mu.Unlock()
	p.waiters.Notify(wait.All)
}

// unplug notes that the host has taken the port away.
func (p *Port) unplug() {
	p.mu.Lock()
	p.unplugged, p.hostConnected = true, false
	p.discard()
	p.mu.Unlock()
	p.waiters.Notify(wait.All)
}

// OpenDevice opens the device file: it is the vfs.DeviceOpen of the port's
// device number. A console port is opened as a terminal only: ENXIO.
func (p *Port) OpenDevice(vfs.Caller, *vfs.File, uint64) (vfs.FileOps, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.unplugged, p.term.console:
		return nil, abi.ENXIO
	case p.opened:
		return nil, abi.EBUSY
	}
	if err := p.console.control.crowded(); err != nil {
		return nil, err
	}
	if err := p.start(); err != nil {
		return nil, err
	}
	p.reclaim()
	p.opened = true
	p.console.control.send(message{port: p.id, event: portOpen, value: 1})
	return p, nil
}

// Release closes the device file. What the host has not taken yet still
// reaches it; what was not read is lost.
func (p *Port) Release(*vfs.File) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opened = false
	p.discard()
	p.reclaim()
	if !p.unplugged {
		p.console.control.send(message{port: p.id, event: portOpen, value: 0})
	}
}

// start gives the device buffers to fill, the first time. The caller holds mu.
func (p *Port) start() error {
	if p.started {
		return nil
	}
	p.inFrames = make([]frame.Frame, p.in.Size())
	p.outFrames = make([][maxSegments]frame.Frame, p.out.Size())
	for range min(inBuffers, p.in.Size()) {
		f, err := frame.Alloc()
		if err != nil {
			if p.in.Free() < p.in.Size() {
				break // one is enough
			}
			return err
		}
		p.give(f)
	}
	p.started = true
	p.in.Kick()
	return nil
}

// give gives the device f to fill. The caller holds mu and kicks.
func (p *Port) give(f frame.Frame) {
	head, ok := p.in.Add(virtio.Segment{Addr: uint64(f), Len: frame.Size, DeviceWrites: true})
	if !ok {
		f.Put()
		return
	}
	p.inFrames[head] = f
}

// interrupt looks at the queues, which wakes those who can go on.
func (p *Port) interrupt() {
	p.mu.Lock()
	p.collect()
	p.reclaim()
	broken := p.in.Broken() || p.out.Broken()
	p.mu.Unlock()
	if broken {
		klog.Printf("virtio_console: %s: the device broke the queue protocol", p.Name())
	}
	p.feedTerminal()
}

// collect takes the buffers that the host has filled and wakes readers if there
// were any. Whoever calls it may take what the interrupt was about: it must
// wake the others. The caller holds mu.
func (p *Port) collect() {
	any := false
	for {
		head, n, ok := p.in.Take()
		if !ok {
			break
		}
		f := p.inFrames[head]
		p.inFrames[head] = 0
		if p.unplugged || n == 0 {
			p.give(f)
			p.in.Kick()
			continue
		}
		p.received = append(p.received, received{f, 0, min(int(n), frame.Size)})
		any = true
	}
	if any {
		p.waiters.Notify(wait.Readable)
	}
}

// reclaim frees the frames that the host has taken and wakes writers if there
// is room for them again. The caller holds mu.
func (p *Port) reclaim() {
	any := false
	for {
		head, _, ok := p.out.Take()
		if !ok {
			break
		}
		for i, f := range p.outFrames[head] {
			if f == 0 {
				break
			}
			f.Put()
			p.outFrames[head][i] = 0
		}
		any = true
	}
	if any && p.crowded {
		p.crowded = false
		p.out.Quiet(true)
		p.waiters.Notify(wait.Writable)
	}
}

// discard drops what was received. The caller holds mu.
func (p *Port) discard() {
	p.collect()
	for len(p.received) > 0 {
		p.drop()
	}
	if p.started {
		p.in.Kick()
	}
}

// drop gives the oldest received buffer back to the device. The caller holds
// mu and kicks.
func (p *Port) drop() {
	f := p.received[0].frame
	n := copy(p.received, p.received[1:])
	p.received = p.received[:n]
	p.give(f)
}

// drained reports whether the host has taken everything that was written, or
// will take nothing more.
func (p *Port) drained() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reclaim()
	return !p.hostConnected || p.out.Broken() || p.out.Free() == p.out.Size()
}

// Read implements vfs.FileOps: what there is; 0 while the host's side is
// disconnected; EAGAIN while it is connected and silent; ENODEV once the port
// is gone.
func (p *Port) Read(c vfs.Caller, dst vfs.Dest, off int64) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if dst.Len() == 0 {
		return 0, nil
	}
	if p.unplugged {
		return 0, abi.ENODEV
	}
	p.collect()
	if len(p.received) == 0 {
		if !p.hostConnected {
			return 0, nil
		}
		return 0, abi.EAGAIN
	}
	return p.readLocked(dst)
}

// readLocked moves received bytes to dst. The caller holds mu.
func (p *Port) readLocked(dst vfs.Dest) (int, error) {
	total := 0
	gave := false
	for len(p.received) > 0 && dst.Len() > 0 {
		r := &p.received[0]
		n := min(r.end-r.start, dst.Len())
		n, err := dst.Write(r.frame.Data()[r.start : r.start+n])
		r.start += n
		total += n
		if r.start == r.end {
			p.drop()
			gave = true
		}
		if err != nil {
			if total == 0 {
				return 0, err
			}
			break
		}
	}
	if gave {
		p.in.Kick()
	}
	return total, nil
}

// Write implements vfs.FileOps. It gives the bytes, 32 KiB at most, to the
// host's queue. EAGAIN means that the queue is full or that the host's side
// is disconnected.
func (p *Port) Write(c vfs.Caller, src vfs.Source, off int64) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if src.Len() == 0 {
		return 0, nil
	}
	if p.unplugged {
		return 0, abi.ENODEV
	}
	if !p.writable() {
		return 0, abi.EAGAIN
	}
	return p.writeLocked(src)
}

// writeLocked fills frames from src and gives them to the host, which has
// room for one at least. The caller holds mu.
func (p *Port) writeLocked(src vfs.Source) (int, error) {
	var frames [maxSegments]frame.Frame
	var segments [maxSegments]virtio.Segment
	total, n := 0, 0
	var err error
	for n < min(maxSegments, p.out.Free()) && src.Len() > 0 && err == nil {
		var f frame.Frame
		if f, err = frame.Alloc(); err != nil {
			break
		}
		var got int
		got, err = src.Read(f.Data()[:min(frame.Size, src.Len())])
		if got == 0 {
			f.Put()
			break
		}
		frames[n] = f
		segments[n] = virtio.Segment{Addr: uint64(f), Len: uint32(got)}
		n++
		total += got
	}
	if n == 0 {
		return 0, err
	}
	head, ok := p.out.Add(segments[:n]...)
	if !ok {
		for _, f := range frames[:n] {
			f.Put()
		}
		return 0, abi.EIO
	}
	p.outFrames[head] = frames
	p.out.Kick()
	p.reclaim() // the host has often taken it by now
	return total, nil
}

// writable reports whether the host takes bytes now. If it has only not
// taken those before, the device is asked to interrupt when it does. The
// caller holds mu.
func (p *Port) writable() bool {
	if !p.hostConnected || p.out.Broken() {
		return false
	}
	p.reclaim()
	if p.out.Free() > 0 {
		return true
	}
	p.crowded = true
	p.out.Quiet(false)
	p.reclaim() // what the device did before it saw the request
	return p.out.Free() > 0
}

// Ready implements vfs.FileOps.
func (p *Port) Ready(mask wait.Events) wait.Events {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unplugged {
		return wait.Hup
	}
	p.collect()
	var ready wait.Events
	if len(p.received) > 0 || !p.hostConnected {
		ready |= wait.Readable
	}
	if mask&wait.Writable != 0 && p.writable() {
		ready |= wait.Out
	}
	if !p.hostConnected {
		ready |= wait.Hup
	}
	return ready
}

// WaitQueue implements vfs.FileOps.
func (p *Port) WaitQueue() *wait.Queue { return &p.waiters }
