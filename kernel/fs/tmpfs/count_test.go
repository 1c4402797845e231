package tmpfs

import (
	"fmt"
	"math/rand"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
)

// faulty is a source whose memory cannot be read.
type faulty int

func (f faulty) Len() int               { return int(f) }
func (faulty) Read([]byte) (int, error) { return 0, abi.EFAULT }

// TestFailedWriteKeepsSize has writes fail at every kind of place: in a page, in
// a hole, behind the end.
func TestFailedWriteKeepsSize(t *testing.T) {
	u := newUser(t, Options{})
	f := u.open(t, "f", abi.O_CREAT|abi.O_RDWR)
	defer f.Put()
	u.write(f, make([]byte, 10))
	for _, off := range []int64{0, 9, 10, 100, pageSize - 1, pageSize, 5 * pageSize} {
		before := f.Inode().Attr()
		if n, err := f.WriteAt(u, faulty(20), off); n != 0 || err != abi.EFAULT {
			t.Errorf("at %d: %d, %v, want EFAULT", off, n, err)
		}
		if a := f.Inode().Attr(); a.Size != before.Size || a.Blocks != before.Blocks {
			t.Errorf("at %d: size %d and %d blocks, before %d and %d", off, a.Size, a.Blocks, before.Size, before.Blocks)
		}
	}
}

// TestCounts has threads link, rename and unlink the same few inodes, and change
// the contents, all at once. Then every count must be what is there.
func TestCounts(t *testing.T) {
	rounds := 4000
	if testing.Short() {
		rounds = 400
	}
	pages, frames := Pages(), frame.Free()
	u := newUser(t, Options{Inodes: 40, Size: 200 << pageShift})
	account := kmem.OfUser(1000)
	u.charged(account)
	root := u.fs.Root().Inode().(*dir)
	for _, d := range []string{"a", "b", "c"} {
		if err := vfs.MkdirAt(u, u.fs, u.fs.Cwd(), d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() { u.churn(rand.New(rand.NewSource(int64(i))), rounds) })
	}
	wg.Wait()
	root.audit(t)
	clearTree(u, "")
	root.audit(t)
	if n := root.fs.inodes.Load(); n != 1 {
		t.Errorf("%d inodes in an empty file system", n)
	}
	if n := account.Used(); n != 0 {
		t.Errorf("%d bytes charged for nothing", n)
	}
	if Pages() != pages || frame.Free() != frames {
		t.Errorf("%d pages and %d frames left", Pages()-pages, frames-frame.Free())
	}
}

// churn does a number of random things to a few names.
func (u *user) churn(r *rand.Rand, rounds int) {
	base := u.fs.Cwd()
	name := func() string { return fmt.Sprintf("%c/%c", 'a'+r.Intn(3), 'w'+r.Intn(4)) }
	for range rounds {
		a, b := name(), name()
		switch r.Intn(11) {
		case 0, 1:
			vfs.LinkAt(u, u.fs, base, a, base, b, 0)
		case 2, 3:
			vfs.UnlinkAt(u, u.fs, base, a)
		case 4:
			vfs.RenameAt(u, u.fs, base, a, base, b, abi.RENAME_EXCHANGE*r.Intn(2))
		case 5:
			vfs.SymlinkAt(u, u.fs, string(make([]byte, 1+r.Intn(300))), base, a)
		case 6:
			if vfs.MkdirAt(u, u.fs, base, a, 0o755) == nil {
				vfs.RmdirAt(u, u.fs, base, a)
			}
		case 7:
			if f, err := vfs.OpenAt(u, u.fs, base, a[:1], abi.O_TMPFILE|abi.O_RDWR, 0o600); err == nil {
				u.scribble(f, r)
				vfs.LinkAt(vfs.Kernel, u.fs, f.Path(), "", base, b, abi.AT_EMPTY_PATH)
				f.Put()
			}
		default:
			if f, err := vfs.OpenAt(u, u.fs, base, a, abi.O_CREAT|abi.O_RDWR|abi.O_NONBLOCK, 0o600); err == nil {
				u.scribble(f, r)
				f.Put()
			}
		}
	}
}

// scribble changes size and contents of a file.
func (u *user) scribble(f *vfs.File, r *rand.Rand) {
	off := int64(r.Intn(8 * pageSize))
	switch r.Intn(6) {
	case 0:
		f.Truncate(u, off)
	case 1:
		f.Allocate(u, 0, off, 3*pageSize)
	case 2:
		f.Allocate(u, abi.FALLOC_FL_PUNCH_HOLE|abi.FALLOC_FL_KEEP_SIZE, off, 3*pageSize)
	case 3:
		f.WriteAt(u, faulty(10), off)
	case 4:
		if x, ok := f.Inode().(*file); ok {
			if p, err := x.Page(uint64(off)>>pageShift, true); err == nil {
				p.Put()
			}
		}
	default:
		b := vfs.Bytes(make([]byte, r.Intn(3*pageSize)))
		f.WriteAt(u, &b, off)
	}
}

// audit compares the counts of d's file system with what is in it. Nothing is
// open.
func (d *dir) audit(t *testing.T) {
	t.Helper()
	names := map[node]uint32{}
	var inodes, pages int64
	var walk func(d *dir)
	walk = func(d *dir) {
		inodes++
		links := uint32(2)
		d.names.Each(func(name string, e *entry) {
			if e.name != name || e.node == nil {
				t.Errorf("entry %q: %+v", name, e)
			}
			if sub, ok := e.node.(*dir); ok {
				links++
				walk(sub)
				return
			}
			inodes++ // each name counts
			if names[e.node]++; names[e.node] > 1 {
				return
			}
			switch x := e.node.(type) {
			case *file:
				pages += x.pages.Len()
			case *symlink:
				if x.page != 0 {
					pages++
				}
			}
		})
		if d.nlink != links {
			t.Errorf("directory %d has %d links, want %d", d.ino, d.nlink, links)
		}
	}
	walk(d)
	for x, n := range names {
		if b := x.base(); b.nlink != n || b.pins != 0 || b.freed {
			t.Errorf("inode %d: %d links, %d pins, freed %v; it has %d names", b.ino, b.nlink, b.pins, b.freed, n)
		}
	}
	if n := d.fs.inodes.Load(); n != inodes {
		t.Errorf("%d inodes counted, there are %d", n, inodes)
	}
	if n := d.fs.pages.Load(); n != pages {
		t.Errorf("%d pages counted, there are %d", n, pages)
	}
}

// clearTree removes everything below a directory.
func clearTree(u *user, path string) {
	p, err := vfs.Resolve(u, u.fs, u.fs.Root(), path+"/", 0)
	if err != nil {
		return
	}
	var names []string
	p.Inode().(*dir).names.Each(func(name string, e *entry) { names = append(names, path+"/"+name) })
	for _, sub := range names {
		if vfs.UnlinkAt(u, u.fs, u.fs.Root(), sub) == abi.EISDIR {
			clearTree(u, sub)
			vfs.RmdirAt(u, u.fs, u.fs.Root(), sub)
		}
	}
}

// TestLastNamesAtOnce has two threads take away the two names of an inode.
func TestLastNamesAtOnce(t *testing.T) {
	u := newUser(t, Options{})
	fs := u.fs.Root().Inode().(*dir).fs
	base := u.fs.Cwd()
	must(t, vfs.MkdirAt(u, u.fs, base, "a", 0o755))
	must(t, vfs.MkdirAt(u, u.fs, base, "b", 0o755))
	before := fs.inodes.Load()
	const names = 1500
	for i := range names {
		u.open(t, fmt.Sprint("a/", i), abi.O_CREAT|abi.O_RDWR).Put()
		must(t, vfs.LinkAt(u, u.fs, base, fmt.Sprint("a/", i), base, fmt.Sprint("b/", i), 0))
	}
	var ready atomic.Int64 // keeps the threads in step
	var wg sync.WaitGroup
	for _, d := range []string{"a/", "b/"} {
		wg.Go(func() {
			for i := range int64(names) {
				name := fmt.Sprint(d, i)
				for ready.Add(1); ready.Load() < 2*(i+1); {
					runtime.Gosched()
				}
				vfs.UnlinkAt(u, u.fs, base, name)
			}
		})
	}
	wg.Wait()
	if n := fs.inodes.Load(); n != before {
		t.Errorf("%d inodes counted, %d before", n, before)
	}
}
