package tty

import (
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// ours is a pseudo-terminal of this package, both sides open without
// blocking.
type ours struct {
	t             testing.TB
	pty           *Pty
	master, slave *vfs.File
}

func newOurs(t testing.TB) player { return newOursWithCaller(t, vfs.Kernel) }

func newOursWithCaller(t testing.TB, c vfs.Caller) *ours {
	p, err := NewPty(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	o := &ours{t: t, pty: p}
	o.master = openFile(t, func(f *vfs.File) (vfs.FileOps, error) { return p.Master(f), nil })
	p.set(&p.locked, false)
	o.slave = openFile(t, func(f *vfs.File) (vfs.FileOps, error) { return p.Slave().Open(c, f, Ordinary) })
	return o
}

// openFile makes a file for reading and writing without blocking.
func openFile(t testing.TB, open func(*vfs.File) (vfs.FileOps, error)) *vfs.File {
	t.Helper()
	inode := &deviceInode{open: open}
	f, _ := vfs.NewFile(vfs.Kernel, &lateOps{}, inode, vfs.Path{}, abi.O_RDWR|abi.O_NONBLOCK)
	ops, err := open(f)
	if err != nil {
		t.Fatal(err)
	}
	f.Ops().(*lateOps).FileOps = ops
	return f
}

// lateOps are operations that are known only after the file.
type lateOps struct{ vfs.FileOps }

func (*lateOps) IsStream() {}

// A deviceInode is an inode whose Open the test gives.
type deviceInode struct {
	vfs.State
	open func(*vfs.File) (vfs.FileOps, error)
}

func (*deviceInode) Attr() vfs.Attr                        { return vfs.Attr{Mode: abi.S_IFCHR | 0o600} }
func (*deviceInode) SetAttr(vfs.Caller, vfs.SetAttr) error { return abi.EPERM }
func (*deviceInode) FS() *vfs.Super                        { return deviceSuper }
func (i *deviceInode) Open(_ vfs.Caller, f *vfs.File) (vfs.FileOps, error) {
	return i.open(f)
}

var deviceSuper = &vfs.Super{FSType: "test"}

func (o *ours) set(m *abi.Termios) error {
	o.pty.Slave().SetTermios(*m)
	return nil
}

func (o *ours) typeIn(s string) {
	b := vfs.Bytes(s)
	if n, err := o.master.Write(vfs.Kernel, &b); n != len(s) && err == nil && b.Len() > 0 {
		o.t.Logf("typed %d of %d bytes", n, len(s))
	}
}

func (o *ours) write(s string) (int, error) {
	b := vfs.Bytes(s)
	return o.slave.Write(vfs.Kernel, &b)
}

func readAll(f *vfs.File, n int) (string, error) {
	buf := make([]byte, n)
	b := vfs.Bytes(buf)
	n, err := f.Read(vfs.Kernel, &b)
	return string(buf[:n]), err
}

func (o *ours) read(n int) (string, error) { return readAll(o.slave, n) }

func (o *ours) out() (string, error) {
	all := ""
	for {
		s, err := readAll(o.master, 1<<16)
		all += s
		if err != nil {
			if err == abi.EAGAIN {
				err = nil
			}
			return all, err
		}
	}
}

func (o *ours) unread() int        { return o.pty.Slave().unread() }
func (o *ours) poll() uint32       { return uint32(o.slave.Ready(wait.All)) }
func (o *ours) masterPoll() uint32 { return uint32(o.master.Ready(wait.All)) }
func (o *ours) flush(n int) error  { return o.pty.Slave().ioctlFlush(vfs.Kernel, n) }
func (o *ours) flow(n int) error   { return o.pty.Slave().ioctlFlow(vfs.Kernel, n) }

func (o *ours) packet(n int) error {
	o.pty.setPacket(n != 0)
	return nil
}

func (o *ours) close() {
	o.slave.Put()
	o.master.Put()
}
