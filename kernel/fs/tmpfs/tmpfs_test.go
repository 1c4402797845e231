package tmpfs

import (
	"bytes"
	"fmt"
	"math/rand"
	"runtime"
	"strings"
	"sync"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/mm"
	"kevlar/kernel/vfs"
)

// TestFrames writes 1 MiB in pieces of 4 KiB, which takes 256 frames, and gets
// them back when the file has gone.
func TestFrames(t *testing.T) {
	u := newUser(t, Options{})
	before := frame.Free()
	f := u.open(t, "f", abi.O_CREAT|abi.O_RDWR)
	for range 256 {
		if n, err := u.write(f, make([]byte, 4096)); n != 4096 || err != nil {
			t.Fatal(n, err)
		}
	}
	if n := before - frame.Free(); n != 256 {
		t.Errorf("%d frames, want 256", n)
	}
	if a := f.Inode().Attr(); a.Blocks != 2048 || a.Size != 1<<20 {
		t.Errorf("%d blocks, %d bytes", a.Blocks, a.Size)
	}
	u.unlink(t, "f")
	if n := before - frame.Free(); n != 256 {
		t.Errorf("%d frames while the file is open, want 256", n)
	}
	f.Put()
	if after := frame.Free(); after != before {
		t.Errorf("%d frames free, %d before", after, before)
	}
}

// TestOverhead has what the Go heap takes for a large file: less than 1 %.
func TestOverhead(t *testing.T) {
	u := newUser(t, Options{})
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	f := u.open(t, "f", abi.O_CREAT|abi.O_RDWR)
	defer f.Put()
	buf := make([]byte, 1<<20)
	before := heap()
	const size = 32 << 20
	for range size >> 20 {
		if _, err := u.write(f, buf); err != nil {
			t.Fatal(err)
		}
	}
	if over := int64(heap() - before); over > size/200 {
		t.Errorf("%d bytes of heap for %d bytes of file", over, size)
	}
	u.unlink(t, "f")
}

// TestWriteAllocates checks that writing to pages that are there, and reading,
// cost no memory.
func TestWriteAllocates(t *testing.T) {
	u := newUser(t, Options{})
	f := u.open(t, "f", abi.O_CREAT|abi.O_RDWR)
	defer f.Put()
	p := make([]byte, 10000)
	u.write(f, p)
	var c vfs.Caller = u
	var b vfs.Bytes
	var src vfs.Source = &b
	var dst vfs.Dest = &b
	if n := testing.AllocsPerRun(100, func() {
		b = p
		f.WriteAt(c, src, 0)
		b = p
		f.ReadAt(c, dst, 0)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSizeLimit(t *testing.T) {
	u := newUser(t, Options{Size: 40 << 10, Inodes: 10})
	f := u.open(t, "f", abi.O_CREAT|abi.O_RDWR)
	n, err := u.write(f, make([]byte, 100<<10))
	if n != 40<<10 || err != nil {
		t.Errorf("wrote %d, %v", n, err)
	}
	if _, err = u.write(f, []byte("x")); err != abi.ENOSPC {
		t.Error(err)
	}
	st, _ := vfs.StatFS(f.Path())
	if st.Blocks != 10 || st.Bfree != 0 || st.Files != 10 || st.Ffree != 8 {
		t.Errorf("%+v", st)
	}
	must(t, f.Truncate(u, 5000))
	st, _ = vfs.StatFS(f.Path())
	if st.Bfree != 8 {
		t.Errorf("%+v", st)
	}
	if err := f.Allocate(u, 0, 0, 100<<10); err != abi.ENOSPC {
		t.Error(err)
	}
	if a := f.Inode().Attr(); a.Size != 5000 || a.Blocks != 16 {
		t.Errorf("a failed fallocate left %d bytes, %d blocks", a.Size, a.Blocks)
	}
	must(t, f.Allocate(u, abi.FALLOC_FL_KEEP_SIZE, 0, 40<<10))
	for i := range 8 {
		must(t, vfs.LinkAt(u, u.fs, u.fs.Cwd(), "f", u.fs.Cwd(), fmt.Sprint("l", i), 0))
	}
	if err := vfs.MkdirAt(u, u.fs, u.fs.Cwd(), "d", 0o755); err != abi.ENOSPC {
		t.Error("mkdir: ", err)
	}
	u.unlink(t, "l3")
	must(t, vfs.MkdirAt(u, u.fs, u.fs.Cwd(), "d", 0o755))
	if err := vfs.SymlinkAt(u, u.fs, "x", u.fs.Cwd(), "s"); err != abi.ENOSPC {
		t.Error("symlink: ", err)
	}
	f.Put()
}

// TestFreeMemoryLimit fills all memory there is and some is left for others.
func TestFreeMemoryLimit(t *testing.T) {
	u := newUser(t, Options{})
	before := frame.Free()
	f := u.open(t, "f", abi.O_CREAT|abi.O_RDWR)
	buf := make([]byte, 1<<20)
	var err error
	for err == nil {
		_, err = u.write(f, buf)
	}
	if err != abi.ENOSPC {
		t.Error(err)
	}
	if left := frame.Free(); left > margin()+16 || left < margin()-16 {
		t.Errorf("%d frames left, want %d", left, margin())
	}
	st, _ := vfs.StatFS(f.Path())
	if st.Bfree > 16 || st.Blocks < before*9/10 || st.Blocks > before {
		t.Errorf("%+v", st)
	}
	u.unlink(t, "f")
	f.Put()
	if after := frame.Free(); after != before {
		t.Errorf("%d frames free, %d before", after, before)
	}
}

func TestSymlinks(t *testing.T) {
	u := newUser(t, Options{})
	before := frame.Free()
	for _, n := range []int{1, 127, 128, 4095} {
		target := strings.Repeat("t", n)
		must(t, vfs.SymlinkAt(u, u.fs, target, u.fs.Cwd(), "l"))
		got, err := vfs.ReadlinkAt(u, u.fs, u.fs.Cwd(), "l")
		if got != target || err != nil {
			t.Errorf("%d bytes: %d bytes, %v", n, len(got), err)
		}
		p, err := vfs.Resolve(u, u.fs, u.fs.Cwd(), "l", 0)
		must(t, err)
		if a := p.Inode().Attr(); a.Size != int64(n) || a.Mode != abi.S_IFLNK|0o777 {
			t.Errorf("%+v", a)
		}
		u.unlink(t, "l")
	}
	if after := frame.Free(); after != before {
		t.Errorf("%d frames free, %d before", after, before)
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		data string
		want string // as /proc/mounts shows it
		err  error
	}{
		{"size=1m", ",size=1024k,inode64", nil},
		{"size=4097,mode=700", ",size=8k,mode=700,inode64", nil},
		{"size=25%", fmt.Sprintf(",size=%dk,inode64", frame.Total()/4*4), nil},
		{"size=50%", ",inode64", nil},
		{"nr_blocks=3,nr_inodes=1k,uid=5,gid=6", ",size=12k,nr_inodes=1024,uid=5,gid=6,inode64", nil},
		{"size=0,inode64", ",inode64", nil},
		{"", ",inode64", nil},
		{"size=", "", abi.EINVAL},
		{"size=-1", "", abi.EINVAL},
		{"size=9999999999999999999999", "", abi.EINVAL},
		{"size=99999999999t", "", abi.EINVAL},
		{"nr_blocks=99999999999999999", "", abi.EINVAL},
		{"mode=9", "", abi.EINVAL},
		{"uid=x", "", abi.EINVAL},
		{"colour", "", abi.EINVAL},
	} {
		s, err := Type{}.Mount(vfs.Kernel, "none", c.data, 0)
		if err != c.err {
			t.Errorf("%q: %v, want %v", c.data, err, c.err)
			continue
		}
		if err == nil && s.Options() != c.want {
			t.Errorf("%q: %s, want %s", c.data, s.Options(), c.want)
		}
	}
	s, err := Type{}.Mount(vfs.Kernel, "none", "size=64k,uid=5,gid=6,mode=2750", 0)
	must(t, err)
	if a := s.Root.Attr(); a.UID != 5 || a.GID != 6 || a.Mode != abi.S_IFDIR|0o2750 || a.Nlink != 2 {
		t.Errorf("%+v", a)
	}
	must(t, s.Remount("size=128k"))
	if got := s.Options(); got != ",size=128k,mode=2750,uid=5,gid=6,inode64" {
		t.Error(got)
	}
	if err := s.Remount("what=ever"); err != abi.EINVAL {
		t.Error(err)
	}
}

// A space is an address space with a file mapped in it.
type space struct {
	*mm.AddressSpace
	t    testing.TB
	base uintptr
}

func mapFile(t testing.TB, f *vfs.File, pages int, flags int) space {
	t.Helper()
	as, err := mm.New(nil)
	must(t, err)
	obj, err := f.MemoryObject()
	must(t, err)
	f.Get()
	base, err := as.Mmap(&mm.MmapArgs{
		Length: uintptr(pages) * pageSize, Prot: abi.PROT_READ | abi.PROT_WRITE, Flags: flags, Object: obj, File: f,
	})
	f.Put()
	must(t, err)
	return space{as, t, base}
}

func (s space) read(off, n int) string {
	p := make([]byte, n)
	m, err := s.CopyIn(p, s.base+uintptr(off))
	if err != nil {
		return err.Error()
	}
	return string(p[:m])
}

func (s space) write(off int, text string) {
	s.t.Helper()
	if _, err := s.CopyOut(s.base+uintptr(off), []byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

// TestMapped has read, write and mappings of a file see the same bytes.
func TestMapped(t *testing.T) {
	u := newUser(t, Options{})
	f := u.open(t, "warm", abi.O_CREAT|abi.O_RDWR) // makes the shared zero page and the like
	u.write(f, []byte("x"))
	s := mapFile(t, f, 1, abi.MAP_SHARED)
	s.read(0, 1)
	s.Put()
	u.unlink(t, "warm")
	f.Put()

	before := frame.Free()
	f = u.open(t, "f", abi.O_CREAT|abi.O_RDWR)
	u.writeAt(f, []byte("hello"), 0)
	shared, private := mapFile(t, f, 4, abi.MAP_SHARED), mapFile(t, f, 4, abi.MAP_PRIVATE)
	u.unlink(t, "f")
	check := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	file := func(off int64, n int) string {
		p, err := u.readAt(f, n, off)
		must(t, err)
		return string(p)
	}
	check("shared", shared.read(0, 6), "hello\x00")
	check("private", private.read(0, 5), "hello")
	check("behind the end", shared.read(pageSize, 1), abi.EFAULT.Error())
	shared.write(0, "H")
	check("file", file(0, 5), "Hello")
	check("private", private.read(0, 5), "Hello")
	private.write(1, "E")
	check("file", file(0, 5), "Hello")
	u.writeAt(f, []byte("J"), 0)
	check("shared", shared.read(0, 5), "Jello")
	check("private", private.read(0, 5), "HEllo")

	// What a mapping writes behind the end is no part of the file when that
	// grows.
	shared.write(5, "junk")
	must(t, f.Truncate(u, 3*pageSize))
	check("grown", file(0, 10), "Jello\x00\x00\x00\x00\x00")
	check("hole", shared.read(2*pageSize, 2), "\x00\x00")
	if _, err := u.writeAt(f, []byte("z"), 2*pageSize); err != nil {
		t.Fatal(err)
	}
	check("hole that was read", shared.read(2*pageSize, 2), "z\x00")
	shared.write(pageSize, "page")
	check("file", file(pageSize, 4), "page")

	must(t, f.Allocate(u, abi.FALLOC_FL_PUNCH_HOLE|abi.FALLOC_FL_KEEP_SIZE, 2, 2*pageSize))
	check("punched", shared.read(0, 5), "Je\x00\x00\x00")
	check("punched", shared.read(pageSize, 4), "\x00\x00\x00\x00")
	check("not punched", shared.read(2*pageSize, 2), "\x00\x00")
	check("private copy", private.read(0, 5), "HEllo")
	must(t, f.Truncate(u, 1))
	check("cut", shared.read(0, 2), "J\x00")
	check("cut", shared.read(2*pageSize, 1), abi.EFAULT.Error())
	check("private copy", private.read(0, 5), "HEllo")
	must(t, f.Truncate(u, 0))
	check("private copy of a page that has gone", private.read(0, 5), abi.EFAULT.Error())

	f.Put() // mapped still
	shared.Put()
	private.Put()
	if after := frame.Free(); after != before {
		t.Errorf("%d frames free, %d before", after, before)
	}
}

// mapped is user memory as Source and Dest.
type mapped struct {
	space
	at uintptr
	n  int
}

func (m *mapped) Len() int { return m.n }

func (m *mapped) Read(p []byte) (int, error) {
	n, err := m.CopyIn(p, m.at)
	m.at, m.n = m.at+uintptr(n), m.n-n
	return n, err
}

func (m *mapped) Write(p []byte) (int, error) {
	n, err := m.CopyOut(m.at, p)
	m.at, m.n = m.at+uintptr(n), m.n-n
	return n, err
}

// TestWriteFromItself writes to a file from a mapping of the same file, and
// reads it into one, so that pages are missing in the middle of the copy.
func TestWriteFromItself(t *testing.T) {
	u := newUser(t, Options{})
	f := u.open(t, "f", abi.O_CREAT|abi.O_RDWR)
	defer f.Put()
	text := bytes.Repeat([]byte("0123456789abcdef"), 2*pageSize/16)
	u.writeAt(f, text, 0)
	s := mapFile(t, f, 8, abi.MAP_SHARED)
	defer s.Put()
	src := &mapped{s, s.base + 100, len(text) - 100}
	if n, err := f.WriteAt(u, src, pageSize*2); n != len(text)-100 || err != nil {
		t.Fatal(n, err)
	}
	if got, _ := u.readAt(f, len(text)-100, 2*pageSize); !bytes.Equal(got, text[100:]) {
		t.Error("other bytes")
	}
	// From behind the end: what was there is written, then EFAULT.
	size := f.Inode().Attr().Size
	src = &mapped{s, s.base + uintptr(size) - 50, 3 * pageSize}
	if n, err := f.WriteAt(u, src, 0); n < 50 || n > 50+pageSize || err != nil {
		t.Error(n, err)
	}
	src = &mapped{s, s.base + 7*pageSize, 10}
	if n, err := f.WriteAt(u, src, 100000); n != 0 || err != abi.EFAULT {
		t.Error(n, err)
	}
	if a := f.Inode().Attr(); a.Size != size {
		t.Errorf("a write without bytes made the size %d, it was %d", a.Size, size)
	}
	must(t, f.Truncate(u, 6*pageSize))
	dst := &mapped{s, s.base + 4*pageSize + 1, 2*pageSize - 1}
	if n, err := f.ReadAt(u, dst, 0); n != 2*pageSize-1 || err != nil {
		t.Error(n, err)
	}
}

// TestConcurrent has threads that read, write, map, truncate and punch one
// file. Only freeing is judged: the contents are anybody's.
func TestConcurrent(t *testing.T) {
	u := newUser(t, Options{})
	before := frame.Free()
	f := u.open(t, "f", abi.O_CREAT|abi.O_RDWR)
	u.unlink(t, "f")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewSource(int64(i)))
			for range 1000 {
				off := int64(r.Intn(100 * pageSize))
				switch r.Intn(6) {
				case 0, 1:
					u.writeAt(f, make([]byte, r.Intn(20000)), off)
				case 2:
					u.readAt(f, r.Intn(20000), off)
				case 3:
					f.Truncate(u, off)
				case 4:
					f.Allocate(u, []int{0, abi.FALLOC_FL_PUNCH_HOLE | abi.FALLOC_FL_KEEP_SIZE}[r.Intn(2)], off, 20000)
				case 5:
					s := mapFile(t, f, 100, []int{abi.MAP_SHARED, abi.MAP_PRIVATE}[r.Intn(2)])
					for range 10 {
						p := s.base + uintptr(r.Intn(100*pageSize))
						if r.Intn(2) == 0 {
							s.CopyOut(p, []byte("x"))
						} else {
							s.CopyIn(make([]byte, 1), p)
						}
					}
					s.Put()
				}
			}
		})
	}
	wg.Wait()
	f.Put()
	if after := frame.Free(); after+1 < before { // the shared zero page may be new
		t.Errorf("%d frames free, %d before", after, before)
	}
}

// TestAllocateFails checks that an fallocate which fails takes nothing from those who have mapped the file
// meanwhile.
func TestAllocateFails(t *testing.T) {
	u := newUser(t, Options{})
	opened := u.open(t, "f", abi.O_CREAT|abi.O_RDWR)
	must(t, opened.Truncate(u, 10*pageSize))
	f := opened.Inode().(*file)
	for i := range uint64(4) {
		if isNew, err := f.fillPage(i); !isNew || err != nil {
			t.Fatal(i, isNew, err)
		}
	}
	mapped, err := f.Page(1, true)
	must(t, err)
	defer mapped.Put()
	written, err := f.Page(2, true)
	must(t, err)
	written.Data()[77] = 5
	written.Put()
	f.undo([][2]uint64{{0, 3}, {3, 4}})
	var left [4]frame.Frame
	f.Present(0, left[:])
	for _, p := range left {
		if p != 0 {
			p.Put()
		}
	}
	if left != [...]frame.Frame{0, mapped, written, 0} {
		t.Errorf("pages %v are left of %v and %v", left, mapped, written)
	}
	if a := opened.Inode().Attr(); a.Blocks != 16 {
		t.Errorf("%d blocks", a.Blocks)
	}
}
