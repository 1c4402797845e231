package tty

import (
	"slices"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

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
	r := record()
	second.ioctl(t, f, abi.TIOCSCTTY, 1, nil) // the superuser may steal it
	if s.Session() != 300 || second.ctty != s || !slices.Equal(r.events, []string{"disown"}) {
		t.Errorf("after stealing: session %d, events %v", s.Session(), r.events)
	}
	// Who gave it up at the same time takes it from nobody else.
	r = record()
	leader.ioctl(t, o.slave, abi.TIOCNOTTY, 0, nil)
	r.want(t)
	if s.Session() != 300 || s.Foreground() != 300 {
		t.Errorf("the thief has lost it: session %d, foreground %d", s.Session(), s.Foreground())
	}
}

func TestBackground(t *testing.T) {
	leader := newProcess(100, 100)
	o := newOursWithCaller(t, leader)
	defer o.close()
	job := newProcess(200, 100)
	job.ctty = o.pty.Slave()
	r := record()
	o.typeIn("line\n")

	read := func() error {
		b := make(vfs.Bytes, 10)
		_, err := o.slave.Read(job, &b)
		return err
	}
	if err := read(); err != abi.ERESTARTSYS {
		t.Errorf("background read: %v, want ERESTARTSYS", err)
	}
	r.want(t, sent{200, abi.SIGTTIN})
	job.ignored = abi.SIGTTIN
	if err := read(); err != abi.EIO {
		t.Errorf("background read with SIGTTIN ignored: %v, want EIO", err)
	}
	job.ignored, job.orphaned = 0, true
	if err := read(); err != abi.EIO {
		t.Errorf("orphaned read: %v, want EIO", err)
	}
	r.want(t)
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
	job.ignored = 0
	r.take()

	job.ioctl(t, o.slave, abi.TCGETS, 100, nil)
	job.ioctl(t, o.slave, abi.TCSETS, 100, abi.ERESTARTSYS)
	job.ioctl(t, o.slave, abi.TCFLSH, 0, abi.ERESTARTSYS)
	job.ioctl(t, o.slave, abi.TCXONC, abi.TCOON, abi.ERESTARTSYS)
	job.ioctl(t, o.slave, abi.TIOCSPGRP, 0, abi.ERESTARTSYS)
	for _, s := range r.take() {
		if s != (sent{200, abi.SIGTTOU}) {
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
	r := record()
	o.typeIn("\x03")
	o.typeIn("\x1c")
	o.typeIn("\x1a")
	r.want(t, sent{200, abi.SIGINT}, sent{200, abi.SIGQUIT}, sent{200, abi.SIGTSTP})

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
	r := record()
	w := abi.Winsize{Row: 24, Col: 80}
	w.MarshalTo(leader.mem[:])
	leader.ioctl(t, o.master, abi.TIOCSWINSZ, 0, nil)
	r.want(t, sent{100, abi.SIGWINCH})
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
	r := record()
	leader.ioctl(t, o.slave, abi.TIOCNOTTY, 0, nil)
	r.want(t, sent{100, abi.SIGHUP}, sent{100, abi.SIGCONT})
	if leader.ctty != nil || o.pty.Slave().Session() != 0 {
		t.Error("the terminal was not given up")
	}
}

func TestLeaderExits(t *testing.T) {
	leader := newProcess(100, 100)
	o := newOursWithCaller(t, leader)
	defer o.close()
	r := record()
	o.pty.Slave().LeaderExited(testSession{100})
	r.want(t, sent{100, abi.SIGHUP})
	if s := o.pty.Slave().Session(); s != 0 {
		t.Errorf("session %d, want none", s)
	}
	if _, err := o.write("x"); err != nil {
		t.Errorf("write to a pseudo-terminal after that: %v", err)
	}
}
