package tty

import (
	"strings"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
)

func TestMasterCloses(t *testing.T) {
	leader := newProcess(100, 100)
	o := newOursWithCaller(t, leader)
	r := record()
	index := o.pty.Index()
	o.typeIn("unread\n")
	o.master.Put()
	r.want(t, sent{100, 100})
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
	p, err := NewPty(nil, nil)
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

// TestMemory has every queue in use, and gives all of it back.
func TestMemory(t *testing.T) {
	before := frame.Free()
	for _, slaveFirst := range []bool{true, false} {
		o := newOurs(t).(*ours)
		o.typeIn(strings.Repeat("line\n", 3000))
		o.write(strings.Repeat("output\n", 5000))
		if frame.Free() >= before {
			t.Error("the queues have no memory")
		}
		if slaveFirst {
			o.slave.Put()
			o.master.Put()
		} else {
			o.master.Put()
			o.slave.Put()
		}
		if after := frame.Free(); after != before {
			t.Errorf("%d frames are free, before it were %d", after, before)
		}
	}
	if n := PtyCount(); n != 0 {
		t.Errorf("%d pseudo-terminals are left", n)
	}
}

// TestPtysAreCharged closes both sides in either order.
func TestPtysAreCharged(t *testing.T) {
	before := kmem.Machine.Used()
	for _, masterFirst := range []bool{true, false} {
		o := newOurs(t).(*ours)
		o.typeIn("some text\n")
		o.write("more of it")
		if n := kmem.Machine.Used() - before; n < ptyMemory {
			t.Errorf("%d bytes are charged", n)
		}
		idle := int64(ptyMemory)
		if n := (&master{pty: o.pty}).KernelMemory(); n < idle+2*frame.Size {
			t.Errorf("the master holds %d bytes", n)
		}
		if masterFirst {
			o.master.Put()
			o.slave.Put()
		} else {
			o.slave.Put()
			o.master.Put()
		}
		if n := kmem.Machine.Used() - before; n != 0 {
			t.Errorf("%d bytes are left charged", n)
		}
	}
	account := kmem.OfUser(4711)
	defer account.Release()
	account.SetLimit(3 * ptyMemory)
	defer account.SetLimit(0)
	var ptys []*Pty
	var err error
	for err == nil {
		var p *Pty
		if p, err = NewPty(account, nil); err == nil {
			ptys = append(ptys, p)
		}
	}
	if len(ptys) != 3 || err != abi.ENOMEM {
		t.Errorf("%d pseudo-terminals, then %v", len(ptys), err)
	}
	for _, p := range ptys {
		p.close()
	}
	if n := account.Used(); n != 0 {
		t.Errorf("%d bytes are left charged", n)
	}
}
