package tty

import (
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// A process is a caller with user memory of one page at address 0.
type process struct {
	pgid, sid int
	ctty      *TTY
	cred      *vfs.Cred
	ignored   int // a signal that is ignored
	orphaned  bool
	groups    map[int]int // session of each process group
	sleeper   *wait.Sleeper
	mem       [4096]byte
	sent      []pendingSignal
}

func newProcess(pgid, sid int) *process {
	return &process{pgid: pgid, sid: sid, cred: vfs.RootCred, sleeper: wait.NewSleeper(),
		groups: map[int]int{pgid: sid}}
}

func (p *process) Cred() *vfs.Cred        { return p.cred }
func (p *process) Sleeper() *wait.Sleeper { return p.sleeper }
func (p *process) Umask() uint32          { return 0 }
func (p *process) FileSizeLimit() uint64  { return abi.RLIM_INFINITY }

func (p *process) CopyIn(dst []byte, addr uintptr) (int, error) {
	if addr >= uintptr(len(p.mem)) {
		return 0, abi.EFAULT
	}
	return copy(dst, p.mem[addr:]), nil
}

func (p *process) CopyOut(addr uintptr, src []byte) (int, error) {
	if addr >= uintptr(len(p.mem)) {
		return 0, abi.EFAULT
	}
	return copy(p.mem[addr:], src), nil
}

func (p *process) PGID() int             { return p.pgid }
func (p *process) SID() int              { return p.sid }
func (p *process) IsSessionLeader() bool { return p.pgid == p.sid }
func (p *process) CTTY() *TTY            { return p.ctty }
func (p *process) SetCTTY(t *TTY)        { p.ctty = t }
func (p *process) OrphanedPGrp() bool    { return p.orphaned }

func (p *process) SignalBlockedOrIgnored(sig int) bool { return sig == p.ignored }

func (p *process) SignalGroup(pgid, sig int) error {
	p.sent = append(p.sent, pendingSignal{pgid, sig})
	return nil
}

func (p *process) GroupSession(pgid int) (int, bool) {
	sid, ok := p.groups[pgid]
	return sid, ok
}

func (p *process) ioctl(t *testing.T, f *vfs.File, cmd uint32, arg uintptr, want error) {
	t.Helper()
	if _, err := f.Ioctl(p, cmd, arg); err != want {
		t.Errorf("ioctl %#x: %v, want %v", cmd, err, want)
	}
}

func (p *process) word() int     { return int(int32(binary.LittleEndian.Uint32(p.mem[:]))) }
func (p *process) setWord(v int) { binary.LittleEndian.PutUint32(p.mem[:], uint32(v)) }

// recorder is a Signaller that remembers.
type recorder struct {
	mu     sync.Mutex
	events []string
	sigs   []pendingSignal
}

func record(t *testing.T) *recorder {
	r := new(recorder)
	SetSignaller(r)
	t.Cleanup(func() { SetSignaller(noSignaller{}) })
	return r
}

func (r *recorder) SignalGroup(pgid, sig int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sigs = append(r.sigs, pendingSignal{pgid, sig})
}

func (r *recorder) HangUp(t *TTY, sid, foreground int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, "hangup")
	r.sigs = append(r.sigs, pendingSignal{sid, foreground})
}

func (r *recorder) Disown(*TTY, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, "disown")
}

func (r *recorder) want(t *testing.T, sigs ...pendingSignal) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.sigs, sigs) {
		t.Errorf("signals %v, want %v", r.sigs, sigs)
	}
	r.sigs = nil
}

func TestOpenAcquires(t *testing.T) {
	other := newProcess(200, 100) // no leader
	o := newOursWithCaller(t, other)
	if other.ctty != nil || o.pty.Slave().Session() != 0 {
		t.Error("a process that leads no session got a controlling terminal")
	}
	o.close()

	leader := newProcess(100, 100)
	o = newOursWithCaller(t, leader)
	defer o.close()
	s := o.pty.Slave()
	if leader.ctty != s || s.Session() != 100 || s.Foreground() != 100 {
		t.Errorf("leader: ctty %v, session %d, foreground %d", leader.ctty, s.Session(), s.Foreground())
	}
	second := newProcess(300, 300)
	f := openFile(t, func(f *vfs.File) (vfs.FileOps, error) { return s.Open(second, f, Ordinary) })
	defer f.Put()
	if second.ctty != nil {
		t.Error("a second session got the terminal")
	}
	second.ioctl(t, f, abi.TIOCSCTTY, 0, abi.EPERM)
	r := record(t)
	second.ioctl(t, f, abi.TIOCSCTTY, 1, nil) // the superuser may steal it
	if s.Session() != 300 || second.ctty != s || !slices.Equal(r.events, []string{"disown"}) {
		t.Errorf("after stealing: session %d, events %v", s.Session(), r.events)
	}
}

func TestBackground(t *testing.T) {
	leader := newProcess(100, 100)
	o := newOursWithCaller(t, leader)
	defer o.close()
	job := newProcess(200, 100)
	job.ctty = o.pty.Slave()
	o.typeIn("line\n")

	read := func() error {
		b := make(vfs.Bytes, 10)
		_, err := o.slave.Read(job, &b)
		return err
	}
	if err := read(); err != abi.ERESTARTSYS {
		t.Errorf("background read: %v, want ERESTARTSYS", err)
	}
	if want := []pendingSignal{{200, abi.SIGTTIN}}; !slices.Equal(job.sent, want) {
		t.Errorf("background read sent %v, want %v", job.sent, want)
	}
	job.ignored = abi.SIGTTIN
	if err := read(); err != abi.EIO {
		t.Errorf("background read with SIGTTIN ignored: %v, want EIO", err)
	}
	job.ignored, job.orphaned, job.sent = 0, true, nil
	if err := read(); err != abi.EIO || job.sent != nil {
		t.Errorf("orphaned read: %v and %v, want EIO and no signal", err, job.sent)
	}
	job.orphaned = false

	write := func() error {
		b := vfs.Bytes("x")
		_, err := o.slave.Write(job, &b)
		return err
	}
	if err := write(); err != nil {
		t.Errorf("background write: %v", err)
	}
	mode := o.pty.Slave().Termios()
	mode.Lflag |= abi.TOSTOP
	o.pty.Slave().SetTermios(mode)
	if err := write(); err != abi.ERESTARTSYS {
		t.Errorf("background write with TOSTOP: %v, want ERESTARTSYS", err)
	}
	job.ignored = abi.SIGTTOU
	if err := write(); err != nil {
		t.Errorf("background write with SIGTTOU ignored: %v", err)
	}
	job.ignored, job.sent = 0, nil

	job.ioctl(t, o.slave, abi.TCGETS, 100, nil)
	job.ioctl(t, o.slave, abi.TCSETS, 100, abi.ERESTARTSYS)
	job.ioctl(t, o.slave, abi.TCFLSH, 0, abi.ERESTARTSYS)
	job.ioctl(t, o.slave, abi.TCXONC, abi.TCOON, abi.ERESTARTSYS)
	job.ioctl(t, o.slave, abi.TIOCSPGRP, 0, abi.ERESTARTSYS)
	for _, s := range job.sent {
		if s != (pendingSignal{200, abi.SIGTTOU}) {
			t.Errorf("sent %v, want SIGTTOU", s)
		}
	}
	job.orphaned = true
	job.ioctl(t, o.slave, abi.TCSETS, 100, abi.EIO)
	job.ioctl(t, o.slave, abi.TIOCSPGRP, 0, abi.ENOTTY)
}

func TestForegroundGroup(t *testing.T) {
	leader := newProcess(100, 100)
	o := newOursWithCaller(t, leader)
	defer o.close()
	leader.groups = map[int]int{100: 100, 200: 100, 900: 900}

	leader.setWord(200)
	leader.ioctl(t, o.slave, abi.TIOCSPGRP, 0, nil)
	leader.setWord(0)
	leader.ioctl(t, o.master, abi.TIOCGPGRP, 0, nil)
	if leader.word() != 200 {
		t.Errorf("foreground group %d, want 200", leader.word())
	}
	leader.ioctl(t, o.slave, abi.TIOCGSID, 0, nil)
	if leader.word() != 100 {
		t.Errorf("session %d, want 100", leader.word())
	}
	r := record(t)
	o.typeIn("\x03")
	o.typeIn("\x1c")
	o.typeIn("\x1a")
	r.want(t, pendingSignal{200, abi.SIGINT}, pendingSignal{200, abi.SIGQUIT}, pendingSignal{200, abi.SIGTSTP})

	leader.ignored = abi.SIGTTOU
	for _, c := range []struct {
		pgid int
		want error
	}{{900, abi.EPERM}, {999, abi.ESRCH}, {-1, abi.EINVAL}, {100, nil}} {
		leader.setWord(c.pgid)
		leader.ioctl(t, o.slave, abi.TIOCSPGRP, 0, c.want)
	}
	leader.ioctl(t, o.slave, abi.TIOCSPGRP, 5000, abi.EFAULT)
	stranger := newProcess(900, 900)
	stranger.ioctl(t, o.slave, abi.TIOCSPGRP, 0, abi.ENOTTY)
	stranger.ioctl(t, o.slave, abi.TIOCGPGRP, 0, abi.ENOTTY)
	stranger.ioctl(t, o.slave, abi.TIOCGSID, 0, abi.ENOTTY)
	stranger.ioctl(t, o.slave, abi.TIOCNOTTY, 0, abi.ENOTTY)
}

func TestWindowSize(t *testing.T) {
	leader := newProcess(100, 100)
	o := newOursWithCaller(t, leader)
	defer o.close()
	r := record(t)
	w := abi.Winsize{Row: 24, Col: 80}
	w.MarshalTo(leader.mem[:])
	leader.ioctl(t, o.master, abi.TIOCSWINSZ, 0, nil)
	r.want(t, pendingSignal{100, abi.SIGWINCH})
	leader.ioctl(t, o.slave, abi.TIOCSWINSZ, 0, nil)
	r.want(t) // no change
	leader.ioctl(t, o.slave, abi.TIOCGWINSZ, 16, nil)
	if string(leader.mem[16:24]) != string(leader.mem[:8]) {
		t.Errorf("window %v", leader.mem[16:24])
	}
}

func TestGiveUp(t *testing.T) {
	leader := newProcess(100, 100)
	o := newOursWithCaller(t, leader)
	defer o.close()
	r := record(t)
	leader.ioctl(t, o.slave, abi.TIOCNOTTY, 0, nil)
	r.want(t, pendingSignal{100, abi.SIGHUP}, pendingSignal{100, abi.SIGCONT})
	if leader.ctty != nil || o.pty.Slave().Session() != 0 {
		t.Error("the terminal was not given up")
	}
}

func TestLeaderExits(t *testing.T) {
	leader := newProcess(100, 100)
	o := newOursWithCaller(t, leader)
	defer o.close()
	r := record(t)
	o.pty.Slave().LeaderExited(100)
	r.want(t, pendingSignal{100, abi.SIGHUP})
	if s := o.pty.Slave().Session(); s != 0 {
		t.Errorf("session %d, want none", s)
	}
	if _, err := o.write("x"); err != nil {
		t.Errorf("write to a pseudo-terminal after that: %v", err)
	}
}

func TestMasterCloses(t *testing.T) {
	leader := newProcess(100, 100)
	o := newOursWithCaller(t, leader)
	r := record(t)
	index := o.pty.Index()
	o.typeIn("unread\n")
	o.master.Put()
	r.want(t, pendingSignal{100, 100})
	if PtyByIndex(index) != nil {
		t.Error("the number is still in use")
	}
	if s, err := o.read(10); s != "" || err != nil {
		t.Errorf("read %q, %v, want the end of file", s, err)
	}
	if _, err := o.write("x"); err != abi.EIO {
		t.Errorf("write: %v, want EIO", err)
	}
	if ev := o.poll(); ev != 0x15d {
		t.Errorf("poll %#x, want 0x15d", ev)
	}
	leader.ioctl(t, o.slave, abi.TCGETS, 0, abi.EIO)
	leader.ioctl(t, o.slave, abi.TIOCSPGRP, 0, abi.ENOTTY)
	o.slave.Put()
}

func TestSlaveCloses(t *testing.T) {
	o := newOurs(t).(*ours)
	o.write("hello")
	o.slave.Put()
	if ev := o.masterPoll(); ev != 0x155 {
		t.Errorf("poll %#x, want 0x155", ev)
	}
	if s, err := readAll(o.master, 10); s != "hello" || err != nil {
		t.Errorf("first read %q, %v", s, err)
	}
	if _, err := readAll(o.master, 10); err != abi.EIO {
		t.Errorf("second read: %v, want EIO", err)
	}
	o.typeIn("x\n")
	o.slave = openFile(t, func(f *vfs.File) (vfs.FileOps, error) {
		return o.pty.Slave().Open(vfs.Kernel, f, Ordinary)
	})
	if ev := o.masterPoll(); ev != 0x145 {
		t.Errorf("poll after opening again %#x, want 0x145", ev)
	}
	if s, err := o.read(10); s != "x\n" || err != nil {
		t.Errorf("what was typed meanwhile: %q, %v", s, err)
	}
	o.close()
}

func TestLockedSlave(t *testing.T) {
	p, err := NewPty(nil)
	if err != nil {
		t.Fatal(err)
	}
	m := openFile(t, func(f *vfs.File) (vfs.FileOps, error) { return p.Master(f), nil })
	defer m.Put()
	c := newProcess(1, 1)
	open := func() error {
		o, err := p.Slave().Open(c, m, Ordinary)
		if err == nil {
			o.Release(nil)
		}
		return err
	}
	if err := open(); err != abi.EIO {
		t.Errorf("opening a locked slave: %v, want EIO", err)
	}
	c.ioctl(t, m, abi.TIOCGPTLCK, 0, nil)
	if c.word() != 1 {
		t.Error("TIOCGPTLCK says that it is not locked")
	}
	c.setWord(0)
	c.ioctl(t, m, abi.TIOCSPTLCK, 0, nil)
	if err := open(); err != nil {
		t.Errorf("opening an unlocked slave: %v", err)
	}
	c.ioctl(t, m, abi.TIOCGPTN, 0, nil)
	if c.word() != p.Index() {
		t.Errorf("TIOCGPTN says %d, want %d", c.word(), p.Index())
	}
}

func TestExclusive(t *testing.T) {
	o := newOurs(t).(*ours)
	defer o.close()
	user := newProcess(5, 5)
	user.cred = &vfs.Cred{UID: 1000, EUID: 1000, FSUID: 1000}
	user.ioctl(t, o.slave, abi.TIOCEXCL, 0, nil)
	if _, err := o.pty.Slave().Open(user, o.slave, Ordinary); err != abi.EBUSY {
		t.Errorf("second open: %v, want EBUSY", err)
	}
	user.ioctl(t, o.slave, abi.TIOCSTI, 0, abi.EIO)
	user.ioctl(t, o.slave, abi.TIOCVHANGUP, 0, abi.EPERM)
	user.ioctl(t, o.slave, 0x1234, 0, abi.ENOTTY)
	user.ioctl(t, o.slave, abi.TIOCGPTN, 0, abi.ENOTTY)
}

// blocking is a file of the slave without O_NONBLOCK.
func blocking(t *testing.T, o *ours, c vfs.Caller) *vfs.File {
	f := vfs.NewFile(&lateOps{}, &deviceInode{}, vfs.Path{}, abi.O_RDWR)
	ops, err := o.pty.Slave().Open(c, f, Current)
	if err != nil {
		t.Fatal(err)
	}
	f.Ops().(*lateOps).FileOps = ops
	return f
}

func TestBlockingRead(t *testing.T) {
	o := newOurs(t).(*ours)
	defer o.close()
	c := newProcess(1, 1)
	f := blocking(t, o, c)
	defer f.Put()

	timed := func(n int) (string, time.Duration) {
		t.Helper()
		start := time.Now()
		s, err := readAllAs(c, f, n)
		if err != nil {
			t.Errorf("read: %v", err)
		}
		return s, time.Since(start)
	}
	later := func(s string, d time.Duration) { time.AfterFunc(d, func() { o.typeIn(s) }) }

	later("line\n", 20*time.Millisecond)
	if s, _ := timed(100); s != "line\n" {
		t.Errorf("canonical: %q", s)
	}
	mode := DefaultTermios
	mode.Lflag &^= abi.ICANON | abi.ECHO

	mode.Cc[abi.VMIN], mode.Cc[abi.VTIME] = 3, 0
	o.pty.Slave().SetTermios(mode)
	later("ab", 10*time.Millisecond)
	later("cd", 40*time.Millisecond)
	if s, d := timed(100); s != "abcd" || d < 35*time.Millisecond {
		t.Errorf("MIN 3: %q after %v", s, d)
	}
	later("ab", 10*time.Millisecond)
	if s, _ := timed(2); s != "ab" {
		t.Errorf("MIN 3, two bytes wanted: %q", s)
	}

	mode.Cc[abi.VMIN], mode.Cc[abi.VTIME] = 0, 1
	o.pty.Slave().SetTermios(mode)
	if s, d := timed(100); s != "" || d < 90*time.Millisecond {
		t.Errorf("TIME 1 without input: %q after %v", s, d)
	}
	later("x", 20*time.Millisecond)
	if s, d := timed(100); s != "x" || d > 90*time.Millisecond {
		t.Errorf("TIME 1 with input: %q after %v", s, d)
	}

	mode.Cc[abi.VMIN], mode.Cc[abi.VTIME] = 5, 1
	o.pty.Slave().SetTermios(mode)
	later("xy", 150*time.Millisecond)
	if s, d := timed(100); s != "xy" || d < 240*time.Millisecond {
		t.Errorf("MIN 5 TIME 1: %q after %v: the time runs from the first byte", s, d)
	}

	mode.Cc[abi.VMIN], mode.Cc[abi.VTIME] = 1, 0
	o.pty.Slave().SetTermios(mode)
	time.AfterFunc(20*time.Millisecond, c.sleeper.Interrupt)
	if _, err := readAllAs(c, f, 10); err != abi.ERESTARTSYS {
		t.Errorf("interrupted read: %v", err)
	}
	c.sleeper.ClearInterrupt()
	time.AfterFunc(20*time.Millisecond, o.master.Put)
	if s, d := timed(10); s != "" || d < 10*time.Millisecond {
		t.Errorf("read of a terminal that is hung up: %q after %v", s, d)
	}
	o.master = openFile(t, func(*vfs.File) (vfs.FileOps, error) { return vfs.NoFile{}, nil })
}

func readAllAs(c vfs.Caller, f *vfs.File, n int) (string, error) {
	buf := make([]byte, n)
	b := vfs.Bytes(buf)
	n, err := f.Read(c, &b)
	return string(buf[:n]), err
}
