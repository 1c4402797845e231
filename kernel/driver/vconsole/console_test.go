package vconsole

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/driver/virtio"
	"kevlar/kernel/driver/virtio/virtiotest"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

func TestMain(m *testing.M) {
	frame.InitSoft(16384)
	os.Exit(m.Run())
}

// host is the other side of a console device: it does what QEMU does.
type host struct {
	t   *testing.T
	dev *virtiotest.Device

	mu    sync.Mutex
	names map[uint32]string // of the ports it offers
	open  map[uint32]bool   // ports whose host side is connected
	guest []message         // PORT_OPEN messages of the guest
	ready map[uint32]bool   // ports that the guest has acknowledged
	slow  bool              // leaves written buffers alone until consume
	got   map[uint32][]byte // bytes of the guest, by port

	interrupts chan virtio.Cause
}

// nodes records what the driver makes known.
type nodes struct {
	mu    sync.Mutex
	ports map[string]*Port

	consoles []*Port
}

func newNodes() *nodes { return &nodes{ports: map[string]*Port{}} }

func (n *nodes) AddPort(name string, p *Port) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ports[name] != nil {
		panic("port added twice")
	}
	n.ports[name] = p
}

func (n *nodes) AddConsole(p *Port) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.consoles = append(n.consoles, p)
}

func (n *nodes) RemovePort(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.ports, name)
}

func (n *nodes) get(name string) *Port {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ports[name]
}

// start makes a host with the given ports and a driver on it.
func start(t *testing.T, names map[uint32]string) (*host, *Console, *nodes) {
	t.Helper()
	h := &host{
		t: t, names: names, open: map[uint32]bool{}, ready: map[uint32]bool{}, got: map[uint32][]byte{},
		interrupts: make(chan virtio.Cause, 1000),
		dev: &virtiotest.Device{
			ID: virtio.DeviceConsole, Offered: virtio.FeatureVersion1 | featureMultiport,
			QueueSize: 128, Queues: 12, Config: make([]byte, 12),
		},
	}
	binary.LittleEndian.PutUint32(h.dev.Config[configMaxPorts:], 5)
	h.dev.OnNotify = h.notified
	go func() {
		for c := range h.interrupts {
			h.dev.Interrupt(c)
		}
	}()
	t.Cleanup(func() { close(h.interrupts) })
	n := newNodes()
	c, err := New(h.dev, 0, n)
	if err != nil {
		t.Fatal(err)
	}
	for id, name := range names {
		eventually(t, "port to appear", func() bool { p := c.lookup(id); return p != nil && p.Label() == name })
	}
	return h, c, n
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !ok(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (h *host) notified(queue int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case queue == controlOutQueue:
		for {
			b, ok := h.dev.Next(queue)
			if !ok {
				break
			}
			m, _, _ := parseMessage(b.Out)
			h.dev.Return(queue, b, 0)
			h.control(m)
		}
	case queue != controlInQueue && queue%2 == 1 && !h.slow:
		h.consume(queue, 1000)
	}
}

// consume takes up to n buffers that the guest has written. The caller holds
// mu.
func (h *host) consume(queue, n int) {
	port := uint32(0)
	if queue > 1 {
		port = uint32(queue-3) / 2
	}
	for range n {
		b, ok := h.dev.Next(queue)
		if !ok {
			break
		}
		h.got[port] = append(h.got[port], b.Out...)
		h.dev.Return(queue, b, 0)
	}
	if h.dev.WantsInterrupt(queue) {
		h.interrupts <- virtio.CauseQueue
	}
}

// control answers a control message as QEMU does. The caller holds mu.
func (h *host) control(m message) {
	switch m.event {
	case deviceReady:
		for id := range h.names {
			h.tell(message{id, portAdd, 1}, "")
		}
	case portReady:
		h.ready[m.port] = m.value == 1
		if m.value == 1 {
			h.tell(message{m.port, portName, 1}, h.names[m.port])
			if h.open[m.port] {
				h.tell(message{m.port, portOpen, 1}, "")
			}
		}
	case portOpen:
		h.guest = append(h.guest, m)
	}
}

func (h *host) tell(m message, rest string) {
	b := make([]byte, messageSize, 100)
	m.put(b)
	if !h.dev.Fill(controlInQueue, append(b, rest...)) {
		h.t.Errorf("no buffer for control message %+v", m)
	}
	h.interrupts <- virtio.CauseQueue
}

// connect connects or disconnects the host's side of a port.
func (h *host) connect(c *Console, port uint32, on bool) {
	h.mu.Lock()
	h.open[port] = on
	value := uint16(0)
	if on {
		value = 1
	}
	h.tell(message{port, portOpen, value}, "")
	h.mu.Unlock()
	p := c.lookup(port)
	eventually(h.t, "the driver to hear of it", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.hostConnected == on
	})
}

// send sends bytes to the guest in buffers of a frame at most.
func (h *host) send(port uint32, data []byte) {
	h.t.Helper()
	for len(data) > 0 {
		n := min(len(data), frame.Size)
		h.mu.Lock()
		ok := h.dev.Fill(inQueue(port), data[:n])
		h.mu.Unlock()
		if !ok {
			time.Sleep(50 * time.Microsecond) // the guest has not read yet
			continue
		}
		data = data[n:]
		h.interrupts <- virtio.CauseQueue
	}
}

// caller is a thread of the guest.
type caller struct {
	vfs.Caller
	sleeper *wait.Sleeper
}

func (c *caller) Sleeper() *wait.Sleeper { return c.sleeper }

func newCaller() *caller { return &caller{vfs.Kernel, wait.NewSleeper()} }

// openPort opens the device file of a port.
func openPort(t *testing.T, c *Console, port uint32, flags int) *vfs.File {
	t.Helper()
	ops, err := c.lookup(port).OpenDevice(newCaller(), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	f, err := vfs.NewAnonFile(vfs.Kernel, "vport", ops, flags|abi.O_RDWR)
	if err != nil {
		panic(err)
	}
	return f
}

func read(f *vfs.File, n int) (string, error) {
	b := make([]byte, n)
	dst := vfs.Bytes(b)
	n, err := vfs.BlockRead(newCaller(), f, &dst)
	return string(b[:n]), err
}

func write(f *vfs.File, s string) (int, error) {
	src := vfs.Bytes(s)
	return vfs.BlockWrite(newCaller(), f, &src)
}

func TestPortsAppear(t *testing.T) {
	h, c, n := start(t, map[uint32]string{1: "stdin", 3: "stdout"})
	if len(c.Ports()) != 2 || c.Port("stdout") == nil || c.Port("stderr") != nil {
		t.Errorf("ports %v", c.Ports())
	}
	removed := n.get("vport0p3")
	if removed == nil || removed.Label() != "stdout" || removed.ID() != 3 {
		t.Fatalf("vport0p3 is %+v", removed)
	}
	h.mu.Lock()
	h.tell(message{5, portAdd, 1}, "") // beyond max_nr_ports
	h.tell(message{3, portRemove, 1}, "")
	h.mu.Unlock()
	eventually(t, "the port to go", func() bool { return n.get("vport0p3") == nil })
	if _, err := removed.OpenDevice(newCaller(), nil, 0); err != abi.ENXIO {
		t.Errorf("open of a removed port: %v, want ENXIO", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.ready[1] || h.ready[5] {
		t.Errorf("acknowledged ports %v, want 1 but not 5", h.ready)
	}
}

func TestOneOpener(t *testing.T) {
	h, c, _ := start(t, map[uint32]string{1: "a"})
	f := openPort(t, c, 1, 0)
	if _, err := c.lookup(1).OpenDevice(newCaller(), nil, 0); err != abi.EBUSY {
		t.Errorf("second open: %v, want EBUSY", err)
	}
	f.Put()
	openPort(t, c, 1, 0).Put()
	h.mu.Lock()
	defer h.mu.Unlock()
	want := []message{{1, portOpen, 1}, {1, portOpen, 0}, {1, portOpen, 1}, {1, portOpen, 0}}
	if len(h.guest) != len(want) {
		t.Fatalf("the host heard %v, want %v", h.guest, want)
	}
	for i := range want {
		if h.guest[i] != want[i] {
			t.Errorf("the host heard %v, want %v", h.guest, want)
		}
	}
}

func TestReadStates(t *testing.T) {
	h, c, _ := start(t, map[uint32]string{1: "a"})
	f := openPort(t, c, 1, abi.O_NONBLOCK)
	defer f.Put()
	if s, err := read(f, 10); s != "" || err != nil {
		t.Errorf("read while disconnected: %q, %v, want the end of the file", s, err)
	}
	if ev := f.Ready(wait.All); ev != wait.Readable|wait.Hup {
		t.Errorf("disconnected: events %#x", ev)
	}
	h.connect(c, 1, true)
	if _, err := read(f, 10); err != abi.EAGAIN {
		t.Errorf("read while silent: %v, want EAGAIN", err)
	}
	if ev := f.Ready(wait.All); ev != wait.Out {
		t.Errorf("connected and silent: events %#x", ev)
	}
	h.send(1, []byte("hello, world"))
	if ev := f.Ready(wait.All); ev != wait.Readable|wait.Out {
		t.Errorf("with bytes to read: events %#x", ev)
	}
	if s, err := read(f, 5); s != "hello" || err != nil {
		t.Errorf("read %q, %v", s, err)
	}
	h.connect(c, 1, false)
	if s, err := read(f, 50); s != ", world" || err != nil {
		t.Errorf("read after disconnection: %q, %v: what came before counts", s, err)
	}
	if s, err := read(f, 50); s != "" || err != nil {
		t.Errorf("then: %q, %v, want the end of the file", s, err)
	}
	if _, err := f.Seek(0, abi.SEEK_CUR); err != abi.ESPIPE {
		t.Errorf("lseek: %v, want ESPIPE", err)
	}
}

func TestReadWakesUp(t *testing.T) {
	for _, end := range []string{"bytes", "disconnection", "removal"} {
		h, c, _ := start(t, map[uint32]string{1: "a"})
		h.connect(c, 1, true)
		f := openPort(t, c, 1, 0)
		type result struct {
			s   string
			err error
		}
		done := make(chan result)
		go func() {
			s, err := read(f, 10)
			done <- result{s, err}
		}()
		time.Sleep(time.Millisecond)
		want := result{}
		switch end {
		case "bytes":
			h.send(1, []byte("x"))
			want.s = "x"
		case "disconnection":
			h.connect(c, 1, false)
		case "removal":
			h.mu.Lock()
			h.tell(message{1, portRemove, 1}, "")
			h.mu.Unlock()
			want.err = abi.ENODEV
		}
		select {
		case r := <-done:
			if r != want {
				t.Errorf("%s: read %q, %v, want %q, %v", end, r.s, r.err, want.s, want.err)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s did not wake the reader", end)
		}
		f.Put()
	}
}

func TestWriteStates(t *testing.T) {
	h, c, _ := start(t, map[uint32]string{1: "a"})
	f := openPort(t, c, 1, abi.O_NONBLOCK)
	defer f.Put()
	if _, err := write(f, "x"); err != abi.EAGAIN {
		t.Errorf("write while disconnected: %v, want EAGAIN", err)
	}
	h.connect(c, 1, true)
	h.mu.Lock()
	h.slow = true
	h.mu.Unlock()
	total := 0
	chunk := string(bytes.Repeat([]byte("0123456789abcdef"), 4096)) // 64 KiB
	for {
		n, err := write(f, chunk)
		if err == abi.EAGAIN {
			break
		}
		if err != nil || n == 0 || n > maxWrite {
			t.Fatalf("write: %d, %v", n, err)
		}
		total += n
	}
	if total != queueSize*frame.Size {
		t.Errorf("%d bytes on the way, want %d", total, queueSize*frame.Size)
	}
	if ev := f.Ready(wait.All); ev != 0 {
		t.Errorf("full: events %#x, want none", ev)
	}
	if c.Drain(5 * time.Millisecond) {
		t.Error("Drain says that the host has everything")
	}
	h.mu.Lock()
	h.consume(outQueue(1), 1)
	h.mu.Unlock()
	eventually(t, "room", func() bool { return f.Ready(wait.Writable) == wait.Out })
	h.mu.Lock()
	h.consume(outQueue(1), 1000)
	h.mu.Unlock()
	if !c.Drain(5 * time.Second) {
		t.Error("Drain does not see that the host has everything")
	}
}

func TestCloseKeepsWrittenBytes(t *testing.T) {
	h, c, _ := start(t, map[uint32]string{1: "a"})
	h.connect(c, 1, true)
	h.mu.Lock()
	h.slow = true
	h.mu.Unlock()
	f := openPort(t, c, 1, 0)
	write(f, "last words")
	f.Put()
	h.mu.Lock()
	h.consume(outQueue(1), 1000)
	got := string(h.got[1])
	h.mu.Unlock()
	if got != "last words" {
		t.Errorf("the host got %q", got)
	}
}

func TestCloseDropsUnreadBytes(t *testing.T) {
	h, c, _ := start(t, map[uint32]string{1: "a"})
	h.connect(c, 1, true)
	f := openPort(t, c, 1, 0)
	h.send(1, []byte("unread"))
	eventually(t, "bytes", func() bool { return f.Ready(wait.Readable) != 0 })
	f.Put()
	f = openPort(t, c, 1, abi.O_NONBLOCK)
	defer f.Put()
	if s, err := read(f, 10); err != abi.EAGAIN {
		t.Errorf("a new opener reads %q, %v, want EAGAIN", s, err)
	}
	h.send(1, []byte("new"))
	if s, err := read(f, 10); s != "new" || err != nil {
		t.Errorf("read %q, %v", s, err)
	}
}

// TestStream echoes a megabyte through the guest while the host takes its time.
func TestStream(t *testing.T) {
	h, c, _ := start(t, map[uint32]string{1: "in", 2: "out"})
	h.connect(c, 1, true)
	h.connect(c, 2, true)
	h.mu.Lock()
	h.slow = true
	h.mu.Unlock()
	in, out := openPort(t, c, 1, 0), openPort(t, c, 2, 0)
	free := frame.Free()
	data := make([]byte, 1<<20)
	rnd := rand.NewChaCha8([32]byte{1})
	rnd.Read(data)
	go func() {
		h.send(1, data)
		h.connect(c, 1, false)
	}()
	stop := make(chan bool)
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Microsecond):
				h.mu.Lock()
				h.consume(outQueue(2), 3)
				h.mu.Unlock()
			}
		}
	}()
	for i := 0; ; i++ {
		s, err := read(in, 1+i*977%10000)
		if err != nil {
			t.Fatal(err)
		}
		if s == "" {
			break
		}
		if n, err := write(out, s); n != len(s) || err != nil {
			t.Fatalf("write: %d of %d, %v", n, len(s), err)
		}
	}
	if !c.Drain(5 * time.Second) {
		t.Error("not drained")
	}
	close(stop)
	h.mu.Lock()
	if !bytes.Equal(h.got[2], data) {
		t.Errorf("%d bytes came back, or not the same", len(h.got[2]))
	}
	h.mu.Unlock()
	in.Put()
	out.Put()
	if frame.Free() != free {
		t.Errorf("%d frames free, want %d", frame.Free(), free)
	}
}

// TestSharedPort lets two readers and then two writers wait for one port: what
// one of them takes off a queue must not cost the other its wake-up.
func TestSharedPort(t *testing.T) {
	h, c, _ := start(t, map[uint32]string{1: "a"})
	h.connect(c, 1, true)
	f := openPort(t, c, 1, 0)
	defer f.Put()
	got := make(chan string)
	go func() { s, _ := read(f, 10); got <- s }()
	time.Sleep(time.Millisecond)
	// The bytes arrive, and somebody polls before the interrupt is served.
	h.mu.Lock()
	h.dev.Fill(inQueue(1), []byte("bytes"))
	h.mu.Unlock()
	f.Ready(wait.Readable)
	h.interrupts <- virtio.CauseQueue
	select {
	case s := <-got:
		if s != "bytes" {
			t.Errorf("read %q", s)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the reader was not woken")
	}

	h.mu.Lock()
	h.slow = true
	h.mu.Unlock()
	done := make(chan bool)
	go func() { write(f, string(make([]byte, queueSize*frame.Size+1))); done <- true }()
	eventually(t, "a full queue", func() bool { return f.Ready(wait.Writable) == 0 })
	time.Sleep(time.Millisecond)
	h.mu.Lock()
	for { // the host takes everything, and the interrupt is late
		b, ok := h.dev.Next(outQueue(1))
		if !ok {
			break
		}
		h.dev.Return(outQueue(1), b, 0)
	}
	h.mu.Unlock()
	if f.Ready(wait.Writable) != wait.Out {
		t.Error("no room although the host has taken everything")
	}
	h.interrupts <- virtio.CauseQueue
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("the writer was not woken")
	}
}

func TestInterruptedRead(t *testing.T) {
	h, c, _ := start(t, map[uint32]string{1: "a"})
	h.connect(c, 1, true)
	f := openPort(t, c, 1, 0)
	defer f.Put()
	who := newCaller()
	who.sleeper.Interrupt()
	var b [4]byte
	dst := vfs.Bytes(b[:])
	if _, err := vfs.BlockRead(who, f, &dst); err != abi.ERESTARTSYS {
		t.Errorf("read with a signal pending: %v, want ERESTARTSYS", err)
	}
}

// screen is a terminal that records what it gets.
type screen struct {
	mu     sync.Mutex
	input  []byte
	window abi.Winsize
	spaces int
}

func (s *screen) Input(p []byte) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.input = append(s.input, p...)
	return len(p)
}

func (s *screen) WriteSpace() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spaces++
}

func (s *screen) SetWindow(w abi.Winsize) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.window = w
}

// state returns the input so far, the size, and how often there was room.
func (s *screen) state() (input string, columns, rows, spaces int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.input), int(s.window.Col), int(s.window.Row), s.spaces
}

func TestConsolePort(t *testing.T) {
	h, c, n := start(t, map[uint32]string{0: "console"})
	h.connect(c, 0, true)
	h.mu.Lock()
	h.tell(message{0, consolePort, 1}, "")
	h.tell(message{0, consoleSize, 0}, "\x50\x00\x19\x00")
	h.mu.Unlock()
	p := c.Ports()[0]
	eventually(t, "the console", p.IsConsole)
	if len(n.consoles) != 1 || n.consoles[0] != p {
		t.Errorf("consoles %v", n.consoles)
	}
	if _, err := c.lookup(0).OpenDevice(newCaller(), nil, 0); err != abi.ENXIO {
		t.Errorf("open of a console port: %v, want ENXIO", err)
	}
	var s screen
	if err := p.Attach(&s); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the size", func() bool { _, columns, rows, _ := s.state(); return columns == 80 && rows == 25 })
	h.send(0, []byte("typed"))
	eventually(t, "input", func() bool { in, _, _, _ := s.state(); return in == "typed" })
	if n := p.Line().Write([]byte("shown")); n != 5 {
		t.Errorf("sent %d bytes of 5", n)
	}
	h.mu.Lock()
	h.slow = true
	h.mu.Unlock()
	if n := p.Line().Write(make([]byte, 1<<20)); n != queueSize*frame.Size {
		t.Errorf("sent %d bytes to a host that takes none, want %d", n, queueSize*frame.Size)
	}
	if _, _, _, spaces := s.state(); spaces != 0 {
		t.Error("there is room, the terminal is told, but there is none")
	}
	h.mu.Lock()
	h.consume(outQueue(0), 1)
	h.mu.Unlock()
	eventually(t, "room", func() bool { _, _, _, spaces := s.state(); return spaces == 1 })
	h.mu.Lock()
	defer h.mu.Unlock()
	if !bytes.HasPrefix(h.got[0], []byte("shown")) {
		t.Errorf("the host got %q", h.got[0])
	}
	if len(h.guest) != 1 || h.guest[0] != (message{0, portOpen, 1}) {
		t.Errorf("the host heard %v, want the console to be open", h.guest)
	}
}

func TestWithoutMultiport(t *testing.T) {
	d := &virtiotest.Device{
		ID: virtio.DeviceConsole, Offered: virtio.FeatureVersion1 | featureSize, QueueSize: 16, Queues: 2,
		Config: []byte{132, 0, 43, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	}
	c, err := New(d, 0, newNodes())
	if err != nil {
		t.Fatal(err)
	}
	p := c.Ports()[0]
	var s screen
	if !p.IsConsole() || p.Attach(&s) != nil {
		t.Fatal("the only port is no console")
	}
	if _, columns, rows, _ := s.state(); columns != 132 || rows != 43 {
		t.Errorf("size %dx%d, want 132x43", columns, rows)
	}
	d.Config[0] = 100
	d.Interrupt(virtio.CauseConfig)
	if _, columns, _, _ := s.state(); columns != 100 {
		t.Errorf("%d columns after a change of the configuration, want 100", columns)
	}
	d.Fill(0, []byte("hi"))
	d.Interrupt(virtio.CauseQueue)
	if in, _, _, _ := s.state(); in != "hi" {
		t.Errorf("input %q", in)
	}
	if p.Line().Write([]byte("out")) != 3 {
		t.Fatal("nothing sent")
	}
	if b, ok := d.Next(1); !ok || string(b.Out) != "out" {
		t.Errorf("the host got %q", b.Out)
	}
}

func TestWrongDevice(t *testing.T) {
	if _, err := New(&virtiotest.Device{ID: virtio.DeviceBlock}, 0, nil); err == nil {
		t.Error("a disk was taken for a console")
	}
}

func FuzzControlMessages(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x01\x00\x01\x00"))
	f.Add([]byte("\x01\x00\x00\x00\x07\x00\x01\x00name\x00x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := &virtiotest.Device{
			ID: virtio.DeviceConsole, Offered: virtio.FeatureVersion1 | featureMultiport, QueueSize: 16, Queues: 12,
			Config: []byte{0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0},
		}
		c := &Console{dev: mustOpen(t, d), nodes: newNodes(), maxPorts: 5}
		for range c.maxPorts {
			c.control.queues = append(c.control.queues, queues(t, c.dev))
		}
		for len(b) > 0 {
			n := min(len(b), 12)
			if m, rest, ok := parseMessage(b[:n]); ok {
				c.handle(m, rest)
			}
			b = b[n:]
		}
		for _, p := range c.Ports() {
			if p.ID() >= c.maxPorts {
				t.Errorf("port %d of at most %d", p.ID(), c.maxPorts)
			}
		}
	})
}

func mustOpen(t *testing.T, d *virtiotest.Device) *virtio.Device {
	dev, err := virtio.Open(d, featureMultiport)
	if err != nil {
		t.Fatal(err)
	}
	return dev
}

// fuzzQueues is one pair of queues that all fuzzed devices share.
var fuzzQueues [2]*virtio.Queue

func queues(t *testing.T, dev *virtio.Device) [2]*virtio.Queue {
	if fuzzQueues[0] == nil {
		for i := range fuzzQueues {
			q, err := dev.Queue(i, 4)
			if err != nil {
				t.Fatal(err)
			}
			fuzzQueues[i] = q
		}
	}
	return fuzzQueues
}
