package vfs_test

import (
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

func TestMain(m *testing.M) {
	frame.InitSoft(16384)
	m.Run()
}

// A caller is a thread without user memory.
type caller struct {
	cred    *vfs.Cred
	sleeper *wait.Sleeper
	fs      *vfs.FSContext
	limit   uint64
}

func (c *caller) Cred() *vfs.Cred                      { return c.cred }
func (c *caller) Sleeper() *wait.Sleeper               { return c.sleeper }
func (c *caller) CopyIn([]byte, uintptr) (int, error)  { return 0, abi.EFAULT }
func (c *caller) CopyOut(uintptr, []byte) (int, error) { return 0, abi.EFAULT }
func (c *caller) Umask() uint32                        { return c.fs.Umask() }
func (c *caller) FileSizeLimit() uint64                { return c.limit }

// fork returns another thread with a context of its own.
func (c *caller) fork() *caller {
	n := *c
	n.sleeper = wait.NewSleeper()
	n.fs = c.fs.Copy()
	return &n
}

// as returns another thread with the credentials of an ordinary user.
func (c *caller) as(uid, gid uint32, groups ...uint32) *caller {
	n := c.fork()
	n.cred = &vfs.Cred{
		UID: uid, GID: gid, EUID: uid, EGID: gid, SUID: uid, SGID: gid,
		FSUID: uid, FSGID: gid, Groups: groups,
	}
	return n
}

// newRoot returns a superuser thread in an empty tmpfs.
func newRoot(t testing.TB, o tmpfs.Options) *caller {
	t.Helper()
	if o.Mode == 0 {
		o.Mode = 0o755
	}
	s, err := tmpfs.New(o)
	if err != nil {
		t.Fatal(err)
	}
	root, err := vfs.NewRootMount(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := &caller{cred: vfs.RootCred, sleeper: wait.NewSleeper(), limit: abi.RLIM_INFINITY}
	c.fs = vfs.NewFSContext(root)
	return c
}

func (c *caller) open(name string, flags int, mode uint32) (*vfs.File, error) {
	return vfs.OpenAt(c, c.fs, c.fs.Cwd(), name, flags, mode)
}

func (c *caller) mkdir(name string, mode uint32) error {
	return vfs.MkdirAt(c, c.fs, c.fs.Cwd(), name, mode)
}

func (c *caller) unlink(name string) error { return vfs.UnlinkAt(c, c.fs, c.fs.Cwd(), name) }
func (c *caller) rmdir(name string) error  { return vfs.RmdirAt(c, c.fs, c.fs.Cwd(), name) }

func (c *caller) symlink(target, name string) error {
	return vfs.SymlinkAt(c, c.fs, target, c.fs.Cwd(), name)
}

func (c *caller) link(from, to string) error {
	return vfs.LinkAt(c, c.fs, c.fs.Cwd(), from, c.fs.Cwd(), to, 0)
}

func (c *caller) rename(from, to string, flags int) error {
	return vfs.RenameAt(c, c.fs, c.fs.Cwd(), from, c.fs.Cwd(), to, flags)
}

// resolve returns a path that it does not keep.
func (c *caller) resolve(name string, flags vfs.LookupFlags) (vfs.Path, error) {
	p, err := vfs.Resolve(c, c.fs, c.fs.Cwd(), name, flags)
	p.Put()
	return p, err
}

func (c *caller) stat(name string) (vfs.Attr, error) {
	p, err := c.resolve(name, vfs.LookupFollow)
	if err != nil {
		return vfs.Attr{}, err
	}
	return p.Inode().Attr(), nil
}

func (c *caller) chdir(name string) error {
	p, err := vfs.Resolve(c, c.fs, c.fs.Cwd(), name, vfs.LookupFollow|vfs.LookupDirectory)
	if err != nil {
		return err
	}
	defer p.Put()
	if err := vfs.Access(c, p, vfs.MayExec, false); err != nil {
		return err
	}
	c.fs.SetCwd(p)
	return nil
}

// write makes a file with the contents.
func (c *caller) write(t testing.TB, name, text string) {
	t.Helper()
	f, err := c.open(name, abi.O_CREAT|abi.O_WRONLY|abi.O_TRUNC, 0o644)
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	defer f.Put()
	b := vfs.Bytes(text)
	if n, err := f.Write(c, &b); n != len(text) || err != nil {
		t.Fatalf("write %s: %d, %v", name, n, err)
	}
}

// read returns the contents of a file from its position on.
func (c *caller) readAll(t testing.TB, f *vfs.File) string {
	t.Helper()
	var all []byte
	for {
		buf := make([]byte, 4096)
		b := vfs.Bytes(buf)
		n, err := f.Read(c, &b)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return string(all)
		}
		all = append(all, buf[:n]...)
	}
}

// must fails the test if an operation did.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// want fails the test if an operation's error is another one.
func want(t testing.TB, what string, err, wanted error) {
	t.Helper()
	if err != wanted {
		t.Errorf("%s: %v, want %v", what, err, wanted)
	}
}
