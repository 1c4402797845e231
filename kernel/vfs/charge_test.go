package vfs_test

import (
	"reflect"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/kmem"
	"kevlar/kernel/vfs"
)

// charged gives c an account of its own, which must be empty again when the
// test ends.
func (c *caller) charged(t *testing.T, limit int64) *kmem.Account {
	t.Helper()
	a := kmem.OfUser(4711)
	cred := *c.cred
	cred.Account = a
	c.cred = &cred
	a.SetLimit(limit)
	t.Cleanup(func() {
		a.SetLimit(0)
		if n := a.Used(); n != 0 {
			t.Errorf("%d bytes are charged at the end", n)
		}
		a.Release()
	})
	return a
}

// untilRefused calls make until it fails, which it must with wanted, and
// returns how often it did not.
func untilRefused(t *testing.T, what string, wanted error, make func() error) int {
	t.Helper()
	for n := range 1 << 20 {
		if err := make(); err != nil {
			want(t, what, err, wanted)
			return n
		}
	}
	t.Fatalf("%s: no limit", what)
	return 0
}

func TestOpenFilesAreCharged(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	c.write(t, "f", "")
	account := c.charged(t, 100<<10)
	before, _ := vfs.OpenFiles()
	var files []*vfs.File
	keep := func(f *vfs.File, err error) error {
		if err == nil {
			files = append(files, f)
		}
		return err
	}
	opened := untilRefused(t, "opening", abi.ENFILE, func() error { return keep(c.open("f", abi.O_RDWR, 0)) })
	if size := int(reflect.TypeOf(vfs.File{}).Size()); opened == 0 || 100<<10/opened < size {
		t.Errorf("%d files of %d bytes fit in 100 KiB", opened, size)
	}
	for _, f := range files {
		f.Put()
	}
	files = nil
	untilRefused(t, "files without a name", abi.ENFILE, func() error {
		return keep(vfs.NewAnonFile(c, "test", vfs.NoFile{}, abi.O_RDWR))
	})
	for _, f := range files {
		f.Put()
	}
	if n := account.Used(); n != 0 {
		t.Errorf("%d bytes are charged", n)
	}
	// Opening that fails takes nothing, and takes no part in the counts.
	if _, err := c.open("f", abi.O_RDONLY|abi.O_DIRECTORY, 0); err != abi.ENOTDIR {
		t.Error(err)
	}
	if n, _ := vfs.OpenFiles(); n != before {
		t.Errorf("%d files are open, %d before", n, before)
	}
}

func TestDescriptorTablesAreCharged(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	account := c.charged(t, 128<<10)
	first := vfs.NewFDTable()
	fds, err := first.Fork(account)
	must(t, err)
	fds.SetLimit(vfs.MaxFDs)
	f, err := vfs.NewAnonFile(c, "test", vfs.NoFile{}, abi.O_RDWR)
	must(t, err)
	_, err = fds.Install(f, 1<<16, false)
	want(t, "a high descriptor", err, abi.ENOMEM)
	fd, err := fds.Install(f, 3000, false)
	must(t, err)
	want(t, "duplicate", fds.Dup2(fd, 1<<17, false), abi.ENOMEM)
	_, err = fds.Reserve(1 << 17)
	want(t, "reserving", err, abi.ENOMEM)
	var copies []*vfs.FDTable
	untilRefused(t, "copies", abi.ENOMEM, func() error {
		n, err := fds.Fork(account)
		if err == nil {
			copies = append(copies, n)
		}
		return err
	})
	if len(copies) == 0 {
		t.Error("no copy fits")
	}
	copies = append(copies, fds.ForkAnyway(account), fds, first)
	for _, x := range copies {
		x.Unref()
	}
}

func TestReservedDescriptors(t *testing.T) {
	fds := vfs.NewFDTable()
	defer fds.Unref()
	released := 0
	a, err := fds.Reserve(0)
	must(t, err)
	b, err := fds.Reserve(0)
	must(t, err)
	if a != 0 || b != 1 {
		t.Errorf("reserved %d and %d", a, b)
	}
	_, err = fds.Get(a)
	want(t, "get", err, abi.EBADF)
	want(t, "close", fds.Close(a), abi.EBADF)
	want(t, "flags", fds.SetFlags(a, abi.FD_CLOEXEC), abi.EBADF)
	must(t, fds.CloseRange(0, 10, false))
	c, err := fds.Install(newCounted(&released), 0, false)
	must(t, err)
	if c != 2 {
		t.Errorf("descriptor %d, want 2", c)
	}
	want(t, "dup2 onto one that is reserved", fds.Dup2(c, b, false), abi.EBUSY)
	copied, err := fds.Fork(nil)
	must(t, err)
	if d, err := copied.Reserve(0); d != a || err != nil {
		t.Errorf("a copy has taken %d, %v: reservations are no part of it", d, err)
	}
	copied.Unref()
	fds.Fill(b, newCounted(&released), true)
	if flags, err := fds.Flags(b); flags != abi.FD_CLOEXEC || err != nil {
		t.Errorf("flags %d, %v", flags, err)
	}
	fds.Cancel(a)
	if d, err := fds.Reserve(0); d != a || err != nil {
		t.Errorf("got %d, %v after giving %d back", d, err, a)
	}
	fds.Cancel(a)
	must(t, fds.Close(b))
	must(t, fds.Close(c))
	if released != 2 {
		t.Errorf("%d files released, want 2", released)
	}
}

func TestLowestDescriptor(t *testing.T) {
	fds := vfs.NewFDTable()
	defer fds.Unref()
	fds.SetLimit(1000)
	released := 0
	for i := range 1000 {
		fd, err := fds.Install(newCounted(&released), 0, false)
		if fd != i || err != nil {
			t.Fatalf("descriptor %d: %d, %v", i, fd, err)
		}
	}
	_, err := fds.Reserve(0)
	want(t, "beyond the limit", err, abi.EMFILE)
	for _, fd := range []int{700, 63, 64, 128} {
		must(t, fds.Close(fd))
	}
	for _, x := range []struct{ least, want int }{{64, 64}, {65, 128}, {0, 63}, {0, 700}} {
		if fd, err := fds.Install(newCounted(&released), x.least, false); fd != x.want || err != nil {
			t.Errorf("lowest from %d: %d, %v, want %d", x.least, fd, err, x.want)
		}
	}
}

func TestLocksAreCharged(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	c.write(t, "f", "")
	p := c.process(1)
	fd := p.openFD(t, "f", abi.O_RDWR)
	other, err := c.open("f", abi.O_RDWR, 0)
	must(t, err)
	p.charged(t, 10<<10)
	n := int64(0)
	untilRefused(t, "record locks", abi.ENOLCK, func() error {
		n++
		return p.lock(fd, abi.F_WRLCK, 4*n, 2, false)
	})
	want(t, "flock", other.Flock(p, abi.LOCK_EX), abi.ENOLCK)
	want(t, "splitting", p.lock(fd, abi.F_UNLCK, 5, 0, false), nil)
	must(t, p.lock(fd, abi.F_WRLCK, 0, 100, false))
	must(t, p.lock(fd, abi.F_UNLCK, 50, 1, false))
	must(t, other.Flock(p, abi.LOCK_SH))
	must(t, other.Flock(p, abi.LOCK_EX))
	other.Put()
	p.fds.CloseAll()
}

// The number of files does not limit a superuser.
func TestMoreFilesThanThereMayBe(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	c.write(t, "f", "")
	n, limit := vfs.OpenFiles()
	vfs.SetMaxFiles(n)
	defer vfs.SetMaxFiles(limit)
	for _, open := range []func(*caller) (*vfs.File, error){
		func(c *caller) (*vfs.File, error) { return c.open("f", abi.O_RDONLY, 0) },
		func(c *caller) (*vfs.File, error) { return vfs.NewAnonFile(c, "test", vfs.NoFile{}, abi.O_RDWR) },
	} {
		_, err := open(c.as(1, 1))
		want(t, "a user's file", err, abi.ENFILE)
		f, err := open(c)
		must(t, err)
		f.Put()
	}
}
