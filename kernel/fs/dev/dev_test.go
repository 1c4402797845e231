package dev

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/klog"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/mm"
	"kevlar/kernel/tty"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

func TestMain(m *testing.M) {
	frame.InitSoft(4096)
	if _, err := (Type{}).Mount(vfs.Kernel, "devtmpfs", "", 0); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func openNode(t testing.TB, name string, flags int) *vfs.File {
	t.Helper()
	f, err := vfs.OpenAt(vfs.Kernel, instance.fs, instance.root, name, flags, 0)
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	t.Cleanup(f.Put)
	return f
}

func read(f *vfs.File, n int) (string, error) {
	buf := make([]byte, n)
	b := vfs.Bytes(buf)
	n, err := f.Read(vfs.Kernel, &b)
	return string(buf[:n]), err
}

func write(f *vfs.File, s string) (int, error) {
	b := vfs.Bytes(s)
	return f.Write(vfs.Kernel, &b)
}

func TestNodes(t *testing.T) {
	for _, n := range []struct {
		name         string
		mode         uint32
		major, minor uint32
	}{
		{"null", 0o666, 1, 3}, {"zero", 0o666, 1, 5}, {"full", 0o666, 1, 7},
		{"random", 0o666, 1, 8}, {"urandom", 0o666, 1, 9}, {"kmsg", 0o644, 1, 11},
		{"tty", 0o666, 5, 0}, {"console", 0o600, 5, 1}, {"ptmx", 0o666, 5, 2},
	} {
		p, err := vfs.Resolve(vfs.Kernel, instance.fs, instance.root, n.name, 0)
		if err != nil {
			t.Errorf("%s: %v", n.name, err)
			continue
		}
		a := p.Inode().Attr()
		if a.Mode != abi.S_IFCHR|n.mode || a.Rdev != abi.MakeDev(n.major, n.minor) {
			t.Errorf("%s: mode %o, device %#x", n.name, a.Mode, a.Rdev)
		}
	}
	for name, want := range map[string]string{"fd": "/proc/self/fd", "stdin": "fd/0",
		"stdout": "fd/1", "stderr": "fd/2"} {
		if got, err := vfs.ReadlinkAt(vfs.Kernel, instance.fs, instance.root, name); got != want || err != nil {
			t.Errorf("%s leads to %q, %v", name, got, err)
		}
	}
	if p, err := vfs.Resolve(vfs.Kernel, instance.fs, instance.root, "shm", 0); err != nil ||
		p.Inode().Attr().Mode != abi.S_IFDIR|0o1777 {
		t.Errorf("shm: %v", err)
	}
}

func TestRegisterNode(t *testing.T) {
	const dev = 0xfd01
	if err := RegisterNode("snd/deep/er", abi.S_IFCHR|0o660, dev); err != nil {
		t.Fatal(err)
	}
	p, err := vfs.Resolve(vfs.Kernel, instance.fs, instance.root, "snd/deep/er", 0)
	if err != nil || p.Inode().Attr().Rdev != dev {
		t.Errorf("the node is not there: %v", err)
	}
	if err := RegisterNode("snd/deep/er", abi.S_IFCHR, dev); err != abi.EEXIST {
		t.Errorf("second node: %v", err)
	}
	if err := RemoveNode("snd/deep/er"); err != nil {
		t.Error(err)
	}
	if _, err := vfs.Resolve(vfs.Kernel, instance.fs, instance.root, "snd/deep/er", 0); err != abi.ENOENT {
		t.Errorf("after removing: %v", err)
	}
}

func TestNullAndFull(t *testing.T) {
	null, full := openNode(t, "null", abi.O_RDWR), openNode(t, "full", abi.O_RDWR)
	if s, err := read(null, 10); s != "" || err != nil {
		t.Errorf("null: read %q, %v", s, err)
	}
	if n, err := write(null, "hello"); n != 5 || err != nil {
		t.Errorf("null: write %d, %v", n, err)
	}
	if pos, err := null.Seek(100, abi.SEEK_SET); pos != 0 || err != nil {
		t.Errorf("null: lseek %d, %v", pos, err)
	}
	if n, err := write(full, "hello"); n != 0 || err != abi.ENOSPC {
		t.Errorf("full: write %d, %v", n, err)
	}
	if s, err := read(full, 3); s != "\x00\x00\x00" || err != nil {
		t.Errorf("full: read %q, %v", s, err)
	}
}

// TestZeroFaults reads into memory that ends: what has been cleared before
// counts, and only a read without any is an error.
func TestZeroFaults(t *testing.T) {
	zero := openNode(t, "zero", abi.O_RDWR)
	as, err := mm.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer as.Put()
	const base = 0x10000000
	if _, err := as.Mmap(&mm.MmapArgs{Addr: base, Length: 3 * 4096, Prot: abi.PROT_READ | abi.PROT_WRITE,
		Flags: abi.MAP_FIXED | abi.MAP_PRIVATE | abi.MAP_ANONYMOUS}); err != nil {
		t.Fatal(err)
	}
	if err := as.Mprotect(nil, base+2*4096, 4096, abi.PROT_READ); err != nil {
		t.Fatal(err)
	}
	dirty := bytes.Repeat([]byte{0xaa}, 4096)
	if _, err := as.CopyOut(base+4096, dirty); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		addr uintptr
		n    int
		want int
		err  error
	}{
		{base, 4096, 4096, nil},            // untouched
		{base + 100, 8000, 8000, nil},      // both
		{base + 4096, 5000, 4096, nil},     // up to the read-only page
		{base + 2*4096 - 1, 2, 1, nil},     // one byte
		{base + 2*4096, 1, 0, abi.EFAULT},  // read-only
		{base - 4096, 4096, 0, abi.EFAULT}, // nothing there
		{base, 1 << 20, 2 * 4096, nil},
	} {
		var b mm.Buffer
		b.Reset(as, c.addr, c.n)
		if n, err := zero.Read(vfs.Kernel, &b); n != c.want || err != c.err {
			t.Errorf("read of %d bytes to %#x: %d, %v, want %d, %v", c.n, c.addr, n, err, c.want, c.err)
		}
	}
	got := make([]byte, 4096)
	if _, err := as.CopyIn(got, base+4096); err != nil || !bytes.Equal(got, make([]byte, 4096)) {
		t.Errorf("the memory is not zero: %v", err)
	}
}

func TestZeroMapping(t *testing.T) {
	zero := openNode(t, "zero", abi.O_RDWR)
	a, err := zero.MemoryObject()
	if err != nil {
		t.Fatal(err)
	}
	b, err := zero.MemoryObject()
	if err != nil {
		t.Fatal(err)
	}
	if a == b {
		t.Error("two mappings of /dev/zero share memory")
	}
	if _, err := openNode(t, "null", abi.O_RDWR).MemoryObject(); err != abi.ENODEV {
		t.Errorf("mapping null: %v", err)
	}
}

func TestRandom(t *testing.T) {
	for _, name := range []string{"random", "urandom"} {
		f := openNode(t, name, abi.O_RDWR)
		a, err := read(f, 1000)
		if len(a) != 1000 || err != nil {
			t.Errorf("%s: %d bytes, %v", name, len(a), err)
		}
		if b, _ := read(f, 1000); a == b || strings.Count(b, b[:1]) > 50 {
			t.Errorf("%s: two reads are the same, or not random", name)
		}
		if n, err := write(f, strings.Repeat("seed", 200)); n != 800 || err != nil {
			t.Errorf("%s: write %d, %v", name, n, err)
		}
	}
}

func TestKmsg(t *testing.T) {
	f := openNode(t, "kmsg", abi.O_RDWR|abi.O_NONBLOCK)
	f.Seek(0, abi.SEEK_END)
	if _, err := read(f, 1000); err != abi.EAGAIN {
		t.Errorf("read at the end: %v, want EAGAIN", err)
	}
	if ev := f.Ready(wait.All); ev != 0 {
		t.Errorf("poll at the end: %#x", ev)
	}
	first := klog.Next()
	klog.Print(klog.Error, "disk \\ on\tfire")
	for _, s := range []string{"<13>hello\n", "plain", "<3>kernel?", "<x>odd"} {
		if n, err := write(f, s); n != len(s) || err != nil {
			t.Errorf("write %q: %d, %v", s, n, err)
		}
	}
	if ev := f.Ready(wait.All); ev != wait.Readable {
		t.Errorf("poll: %#x", ev)
	}
	if _, err := read(f, 10); err != abi.EINVAL {
		t.Errorf("short read: %v, want EINVAL", err)
	}
	for i, want := range []struct{ priority, text string }{
		{"3", `disk \x5c on\x09fire`}, {"13", "hello"}, {"12", "plain"}, {"11", "kernel?"}, {"12", "<x>odd"},
	} {
		s, err := read(f, 1000)
		head, text, _ := strings.Cut(s, ";")
		fields := strings.Split(head, ",")
		if err != nil || len(fields) != 4 || fields[0] != want.priority ||
			fields[1] != fmt.Sprint(first+uint64(i)) || fields[3] != "-" || text != want.text+"\n" {
			t.Errorf("record %d: %q, %v, want %v", i, s, err, want)
		}
	}
	if _, err := write(f, strings.Repeat("x", 1025)); err != abi.EINVAL {
		t.Errorf("long write: %v, want EINVAL", err)
	}
	for range 2000 {
		klog.Printf("flood")
	}
	if ev := f.Ready(wait.All); ev != wait.Readable|wait.Err|wait.Pri {
		t.Errorf("poll after an overrun: %#x", ev)
	}
	if _, err := read(f, 1000); err != abi.EPIPE {
		t.Errorf("read after an overrun: %v, want EPIPE", err)
	}
	if s, err := read(f, 1000); !strings.HasSuffix(s, ";flood\n") || err != nil {
		t.Errorf("next read: %q, %v", s, err)
	}
	if _, err := f.Seek(5, abi.SEEK_SET); err != abi.ESPIPE {
		t.Errorf("lseek to the middle: %v", err)
	}
}

type sleeper struct {
	vfs.Caller
	s *wait.Sleeper
}

func (s sleeper) Sleeper() *wait.Sleeper { return s.s }

func TestKmsgWaits(t *testing.T) {
	f := openNode(t, "kmsg", abi.O_RDONLY)
	f.Seek(0, abi.SEEK_END)
	time.AfterFunc(5*time.Millisecond, func() { klog.Printf("news") })
	b := make(vfs.Bytes, 1000)
	if n, err := vfs.BlockRead(sleeper{vfs.Kernel, wait.NewSleeper()}, f, &b); n == 0 || err != nil {
		t.Errorf("read: %d, %v", n, err)
	}
}

func TestTerminals(t *testing.T) {
	if _, err := vfs.OpenAt(vfs.Kernel, instance.fs, instance.root, "tty", abi.O_RDWR, 0); err != abi.ENXIO {
		t.Errorf("/dev/tty without a controlling terminal: %v, want ENXIO", err)
	}
	if _, err := vfs.OpenAt(vfs.Kernel, instance.fs, instance.root, "console", abi.O_RDWR, 0); err != abi.ENODEV {
		t.Errorf("/dev/console without a console: %v, want ENODEV", err)
	}
	line := new(wire)
	serial := tty.New("ttyS0", abi.MakeDev(4, 64), line)
	if err := RegisterTTY(serial); err != nil {
		t.Fatal(err)
	}
	tty.SetConsole(serial)
	for _, name := range []string{"ttyS0", "console"} {
		line.Reset()
		f := openNode(t, name, abi.O_RDWR|abi.O_NONBLOCK)
		if n, err := write(f, "hi\n"); n != 3 || err != nil || line.String() != "hi\r\n" {
			t.Errorf("%s: write %d, %v: %q", name, n, err, line.String())
		}
		serial.Input([]byte("yo\r"))
		if s, err := read(f, 10); s != "yo\n" || err != nil {
			t.Errorf("%s: read %q, %v", name, s, err)
		}
	}
}

// wire is a Driver that keeps what is written.
type wire struct{ bytes.Buffer }

func (w *wire) Write(p []byte) int {
	n, _ := w.Buffer.Write(p)
	return n
}

func (w *wire) SetTermios(*abi.Termios) {}
