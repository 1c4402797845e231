package vfs_test

import (
	"sync"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// counted counts releases.
type counted struct {
	vfs.NoFile
	released *int
}

func (c counted) Release(*vfs.File) { *c.released++ }

func newCounted(released *int) *vfs.File {
	f, err := vfs.NewAnonFile(vfs.Kernel, "test", counted{released: released}, abi.O_RDWR)
	if err != nil {
		panic(err)
	}
	return f
}

func TestFDTable(t *testing.T) {
	var released int
	before, _ := vfs.OpenFiles()
	fds := vfs.NewFDTable()
	fds.SetLimit(200)
	for i := range 150 {
		fd, err := fds.Install(newCounted(&released), 0, i%2 == 1)
		if fd != i || err != nil {
			t.Fatalf("descriptor %d, %v, want %d", fd, err, i)
		}
	}
	must(t, fds.Close(7))
	must(t, fds.Close(3))
	want(t, "close again", fds.Close(3), abi.EBADF)
	if released != 2 {
		t.Errorf("%d released", released)
	}
	for _, c := range []struct{ min, want int }{{0, 3}, {0, 7}, {0, 150}, {160, 160}, {160, 161}, {0, 151}} {
		fd, err := fds.Install(newCounted(&released), c.min, false)
		if fd != c.want || err != nil {
			t.Errorf("from %d: %d, %v, want %d", c.min, fd, err, c.want)
		}
	}
	f := newCounted(&released)
	_, err := fds.Install(f, 200, false)
	want(t, "beyond the limit", err, abi.EMFILE)
	f.Put()
	want(t, "dup2 beyond the limit", fds.Dup2(0, 200, false), abi.EBADF)
	want(t, "dup2 of nothing", fds.Dup2(180, 5, false), abi.EBADF)
	released = 0
	must(t, fds.Dup2(1, 5, true))
	if released != 1 {
		t.Error("dup2 did not close")
	}
	a, _ := fds.Get(1)
	b, _ := fds.Get(5)
	if a != b {
		t.Error("dup2 made another file")
	}
	a.Put()
	b.Put()
	for fd, want := range map[int]int{1: 1, 2: 0, 5: 1, 3: 0} {
		if got, err := fds.Flags(fd); got != want || err != nil {
			t.Errorf("flags of %d: %d, %v, want %d", fd, got, err, want)
		}
	}
	must(t, fds.SetFlags(1, 0))
	_, err = fds.Flags(199)
	want(t, "flags of nothing", err, abi.EBADF)
	for _, fd := range []int{-1, 199, 1 << 30} {
		_, err := fds.Get(fd)
		want(t, "get of nothing", err, abi.EBADF)
	}

	copied, err := fds.Fork(nil)
	must(t, err)
	released = 0
	copied.CloseOnExec()
	n := 0
	copied.Each(func(fd int, f *vfs.File, cloexec bool) {
		n++
		if cloexec || fd%2 == 1 && fd != 1 && fd != 3 && fd != 7 && fd < 150 {
			t.Errorf("descriptor %d is open after exec", fd)
		}
	})
	if released != 0 || n == 0 {
		t.Errorf("%d released, %d left", released, n)
	}
	want(t, "bad range", copied.CloseRange(5, 4, false), abi.EINVAL)
	must(t, copied.CloseRange(10, ^uint(0), false))
	copied.Each(func(fd int, f *vfs.File, cloexec bool) {
		if fd >= 10 {
			t.Errorf("descriptor %d is open", fd)
		}
	})
	must(t, fds.CloseRange(0, 20, true))
	if got, _ := fds.Flags(20); got != abi.FD_CLOEXEC {
		t.Error("20 is not close-on-exec")
	}
	copied.Unref()
	fds.Ref()
	fds.Unref()
	_, err = fds.Flags(0)
	want(t, "a table in use", err, nil)
	fds.Unref()
	if files, _ := vfs.OpenFiles(); released != 153 || files != before {
		t.Errorf("%d released, %d files open", released, files)
	}
}

// TestFDTableRace has threads that use descriptors while another one closes
// and opens them.
func TestFDTableRace(t *testing.T) {
	before, _ := vfs.OpenFiles()
	fds := vfs.NewFDTable()
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				for fd := range 70 {
					if f, err := fds.Get(fd); err == nil {
						f.Flags()
						f.Put()
					}
				}
			}
		})
	}
	for range 200 {
		for range 70 {
			fds.Install(newCounted(new(int)), 0, false)
		}
		for fd := range 70 {
			must(t, fds.Close(fd))
		}
	}
	close(stop)
	wg.Wait()
	if n, _ := vfs.OpenFiles(); n != before {
		t.Errorf("%d files open, %d before", n, before)
	}
}

// TestDroppedTables drops last references under a lock that closing a file needs.
func TestDroppedTables(t *testing.T) {
	var released int
	var last vfs.DroppedTables
	tables := [3]*vfs.FDTable{}
	for i := range tables {
		tables[i] = vfs.NewFDTable()
		_, err := tables[i].Install(newCounted(&released), 0, false)
		must(t, err)
	}
	tables[1].Ref()
	if n := testing.AllocsPerRun(1, func() {
		for _, x := range tables {
			x.Ref()
			last.Unref(x)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	for _, x := range tables {
		last.Unref(x)
	}
	if released != 0 {
		t.Errorf("%d files closed by Unref", released)
	}
	for range 2 {
		last.Release()
		if released != 2 {
			t.Errorf("%d files closed, want 2", released)
		}
	}
	tables[1].Unref()
	if released != 3 {
		t.Errorf("%d files closed, want 3", released)
	}
}
