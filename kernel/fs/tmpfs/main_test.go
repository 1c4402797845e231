package tmpfs

import (
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

func TestMain(m *testing.M) {
	frame.InitSoft(32768)
	m.Run()
}

// A user is a thread with a root directory.
type user struct {
	fs      *vfs.FSContext
	sleeper *wait.Sleeper
	limit   uint64
	cred    *vfs.Cred // nil is the superuser
}

// charged makes u's doing count to an account of its own.
func (u *user) charged(account *kmem.Account) {
	cred := *vfs.RootCred
	cred.Account = account
	u.cred = &cred
}

func (u *user) Cred() *vfs.Cred {
	if u.cred != nil {
		return u.cred
	}
	return vfs.RootCred
}

func (u *user) Sleeper() *wait.Sleeper               { return u.sleeper }
func (u *user) CopyIn([]byte, uintptr) (int, error)  { return 0, abi.EFAULT }
func (u *user) CopyOut(uintptr, []byte) (int, error) { return 0, abi.EFAULT }
func (u *user) Umask() uint32                        { return u.fs.Umask() }
func (u *user) FileSizeLimit() uint64                { return u.limit }

// newUser returns a thread whose root is a new file system.
func newUser(t testing.TB, o Options) *user {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	root, err := vfs.NewRootMount(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	return &user{fs: vfs.NewFSContext(root), sleeper: wait.NewSleeper(), limit: abi.RLIM_INFINITY}
}

func (u *user) open(t testing.TB, name string, flags int) *vfs.File {
	t.Helper()
	f, err := vfs.OpenAt(u, u.fs, u.fs.Cwd(), name, flags, 0o644)
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	return f
}

func (u *user) unlink(t testing.TB, name string) {
	t.Helper()
	if err := vfs.UnlinkAt(u, u.fs, u.fs.Cwd(), name); err != nil {
		t.Fatalf("unlink %s: %v", name, err)
	}
}

func (u *user) write(f *vfs.File, p []byte) (int, error) {
	b := vfs.Bytes(p)
	return f.Write(u, &b)
}

func (u *user) writeAt(f *vfs.File, p []byte, off int64) (int, error) {
	b := vfs.Bytes(p)
	return f.WriteAt(u, &b, off)
}

func (u *user) readAt(f *vfs.File, n int, off int64) ([]byte, error) {
	p := make([]byte, n)
	b := vfs.Bytes(p)
	m, err := f.ReadAt(u, &b, off)
	return p[:m], err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
