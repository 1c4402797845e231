package devpts

import (
	"os"
	"slices"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/tty"
	"kevlar/kernel/vfs"
)

var (
	context *vfs.FSContext
	root    vfs.Path
)

func TestMain(m *testing.M) {
	frame.InitSoft(1024)
	vfs.RegisterCharDevice(5, 2, 2, OpenMaster)
	vfs.RegisterCharDevice(tty.PtsMajor, 0, tty.MaxPtys-1, OpenSlave)
	s, err := tmpfs.New(tmpfs.Options{})
	if err != nil {
		panic(err)
	}
	if root, err = vfs.NewRootMount(s, 0); err != nil {
		panic(err)
	}
	context = vfs.NewFSContext(root)
	if err := vfs.MkdirAt(vfs.Kernel, context, root, "pts", 0o755); err != nil {
		panic(err)
	}
	mount("gid=5,mode=620,ptmxmode=666")
	os.Exit(m.Run())
}

func mount(options string) {
	target, err := vfs.Resolve(vfs.Kernel, context, root, "pts", 0)
	if err == nil {
		err = vfs.MountAt(vfs.Kernel, context, "devpts", target, "devpts", 0, options)
	}
	if err != nil {
		panic(err)
	}
}

func open(name string) (*vfs.File, error) {
	return vfs.OpenAt(vfs.Kernel, context, root, "/pts/"+name, abi.O_RDWR|abi.O_NONBLOCK, 0)
}

func names(t *testing.T) []string {
	t.Helper()
	d, err := vfs.OpenAt(vfs.Kernel, context, root, "/pts", abi.O_RDONLY|abi.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Put()
	var all []string
	// One entry a call, so that the position is used.
	for {
		n := len(all)
		err := d.ReadDir(vfs.Kernel, func(e vfs.DirEntry) bool {
			if len(all) > n {
				return false
			}
			all = append(all, e.Name)
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == n {
			return all
		}
	}
}

func TestPseudoTerminal(t *testing.T) {
	m, err := open("ptmx")
	if err != nil {
		t.Fatal(err)
	}
	m2, err := open("ptmx")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(t), []string{".", "..", "0", "1", "ptmx"}; !slices.Equal(got, want) {
		t.Errorf("the directory has %q, want %q", got, want)
	}
	if _, err := open("0"); err != abi.EIO {
		t.Errorf("opening a locked slave: %v, want EIO", err)
	}
	if _, err := m.Ioctl(word{}, abi.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	s, err := open("0")
	if err != nil {
		t.Fatal(err)
	}
	a := s.Inode().Attr()
	if a.Mode != abi.S_IFCHR|0o620 || a.GID != 5 || a.Rdev != abi.MakeDev(136, 0) {
		t.Errorf("slave: mode %o, group %d, device %#x", a.Mode, a.GID, a.Rdev)
	}
	if err := vfs.Chmod(vfs.Kernel, s.Path(), 0o600); err != nil {
		t.Error(err)
	}
	if a := s.Inode().Attr(); a.Mode != abi.S_IFCHR|0o600 {
		t.Errorf("after chmod: mode %o", a.Mode)
	}
	b := vfs.Bytes("hi\n")
	if n, err := s.Write(vfs.Kernel, &b); n != 3 || err != nil {
		t.Errorf("write: %d, %v", n, err)
	}
	buf := make([]byte, 10)
	b = buf
	if n, err := m.Read(vfs.Kernel, &b); string(buf[:n]) != "hi\r\n" || err != nil {
		t.Errorf("the master reads %q, %v", buf[:n], err)
	}

	m.Put()
	if got, want := names(t), []string{".", "..", "1", "ptmx"}; !slices.Equal(got, want) {
		t.Errorf("after closing the master the directory has %q, want %q", got, want)
	}
	if _, err := open("0"); err != abi.ENOENT {
		t.Errorf("opening a slave without a master: %v, want ENOENT", err)
	}
	s.Put()
	m3, err := open("ptmx")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(t), []string{".", "..", "0", "1", "ptmx"}; !slices.Equal(got, want) {
		t.Errorf("the number is not used again: %q, want %q", got, want)
	}
	m2.Put()
	m3.Put()
	if n := tty.PtyCount(); n != 0 {
		t.Errorf("%d pseudo-terminals are left", n)
	}
}

// word is a caller whose memory is all zero.
type word struct{ vfs.Caller }

func (word) CopyIn(dst []byte, _ uintptr) (int, error) {
	clear(dst)
	return len(dst), nil
}

func (word) Cred() *vfs.Cred { return vfs.RootCred }

func TestNames(t *testing.T) {
	m, err := open("ptmx")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Put()
	for _, name := range []string{"00", "+0", "-0", "1", "x", "99999999999999999999"} {
		if _, err := open(name); err != abi.ENOENT {
			t.Errorf("%s: %v, want ENOENT", name, err)
		}
	}
	if err := vfs.UnlinkAt(vfs.Kernel, context, root, "/pts/0"); err != abi.EPERM {
		t.Errorf("unlink: %v, want EPERM", err)
	}
}

func TestOptions(t *testing.T) {
	for data, want := range map[string]string{
		"":                              ",mode=600,ptmxmode=000",
		"newinstance,ptmxmode=0666":     ",mode=600,ptmxmode=666",
		"uid=7,gid=5,mode=0620":         ",uid=7,gid=5,mode=620,ptmxmode=000",
		"gid=5,mode=620,ptmxmode=00666": ",gid=5,mode=620,ptmxmode=666",
	} {
		if err := fs.remount(data); err != nil {
			t.Errorf("%q: %v", data, err)
		}
		if got := fs.showOptions(); got != want {
			t.Errorf("%q shows %q, want %q", data, got, want)
		}
	}
	for _, data := range []string{"mode=9", "gid=x", "gid", "what=1", "mode=-1"} {
		if err := fs.remount(data); err != abi.EINVAL {
			t.Errorf("%q: %v, want EINVAL", data, err)
		}
	}
}
