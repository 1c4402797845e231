package vfs_test

import (
	"sync"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/ktime"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

func TestPositions(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	f, err := c.open("f", abi.O_CREAT|abi.O_RDWR, 0o644)
	must(t, err)
	defer f.Put()
	put := func(s string) {
		b := vfs.Bytes(s)
		if n, err := f.Write(c, &b); n != len(s) || err != nil {
			t.Fatal(n, err)
		}
	}
	put("hello")
	put(" world")
	if f.Pos() != 11 {
		t.Errorf("position %d", f.Pos())
	}
	if _, err := f.Seek(-5, abi.SEEK_CUR); err != nil {
		t.Fatal(err)
	}
	if s := c.readAll(t, f); s != "world" {
		t.Errorf("%q", s)
	}
	must(t, f.SetFlags(c, abi.O_APPEND))
	if f.Flags() != abi.O_RDWR|abi.O_APPEND {
		t.Errorf("flags %#x", f.Flags())
	}
	f.SetPos(0)
	put("!")
	if f.Pos() != 12 {
		t.Errorf("position %d after appending", f.Pos())
	}
	b := vfs.Bytes("?")
	if _, err := f.WriteAt(c, &b, 0); err != nil || f.Pos() != 12 {
		t.Error(err, f.Pos())
	}
	f.SetPos(0)
	if s := c.readAll(t, f); s != "hello world!?" {
		t.Errorf("%q", s)
	}
}

func TestAccessModes(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	c.write(t, "f", "text")
	try := func(flags int) (r, w, s, tr error) {
		f, err := c.open("f", flags, 0)
		must(t, err)
		defer f.Put()
		in, out := vfs.Bytes(make([]byte, 1)), vfs.Bytes("t")
		_, r = f.Read(c, &in)
		_, w = f.Write(c, &out)
		_, s = f.Seek(0, abi.SEEK_SET)
		return r, w, s, f.Truncate(c, 4)
	}
	for _, x := range []struct {
		flags       int
		r, w, s, tr error
	}{
		{abi.O_RDONLY, nil, abi.EBADF, nil, abi.EINVAL},
		{abi.O_WRONLY, abi.EBADF, nil, nil, nil},
		{abi.O_RDWR, nil, nil, nil, nil},
		{abi.O_PATH, abi.EBADF, abi.EBADF, abi.EBADF, abi.EBADF},
	} {
		r, w, s, tr := try(x.flags)
		want(t, "read", r, x.r)
		want(t, "write", w, x.w)
		want(t, "seek", s, x.s)
		want(t, "truncate", tr, x.tr)
	}
	d, err := c.open("/", abi.O_RDONLY, 0)
	must(t, err)
	defer d.Put()
	in := vfs.Bytes(make([]byte, 1))
	_, err = d.Read(c, &in)
	want(t, "read of a directory", err, abi.EISDIR)
}

func TestFileSizeLimit(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	f, err := c.open("f", abi.O_CREAT|abi.O_RDWR, 0o644)
	must(t, err)
	defer f.Put()
	c.limit = 10
	b := vfs.Bytes(make([]byte, 15))
	if n, err := f.Write(c, &b); n != 10 || err != nil {
		t.Errorf("up to the limit: %d, %v", n, err)
	}
	_, err = f.Write(c, &b)
	want(t, "at the limit", err, abi.EFBIG)
	want(t, "truncate beyond", f.Truncate(c, 11), abi.EFBIG)
	want(t, "truncate to it", f.Truncate(c, 10), nil)
	want(t, "allocate beyond", f.Allocate(c, 0, 0, 11), abi.EFBIG)
	want(t, "allocate to it", f.Allocate(c, 0, 0, 10), nil)
}

func TestTextBusy(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	c.write(t, "prog", "#!")
	p := mustResolve(t, c, "prog")
	exec := func() (*vfs.File, error) { return vfs.OpenExec(c, c.fs, c.fs.Cwd(), "prog", 0) }
	_, err := exec()
	want(t, "without permission", err, abi.EACCES)
	must(t, vfs.Chmod(c, p, 0o711))
	_, err = vfs.OpenExec(c, c.fs, c.fs.Cwd(), "/", 0)
	want(t, "a directory", err, abi.EACCES)
	w, err := c.open("prog", abi.O_WRONLY, 0)
	must(t, err)
	_, err = exec()
	want(t, "while it is written", err, abi.ETXTBSY)
	w.Put()
	x, err := vfs.OpenExec(c.as(5, 5), c.fs, c.fs.Cwd(), "prog", 0)
	must(t, err) // though it cannot be read
	y, err := exec()
	must(t, err)
	_, err = c.open("prog", abi.O_RDWR, 0)
	want(t, "write while it runs", err, abi.ETXTBSY)
	want(t, "truncate while it runs", vfs.Truncate(c, p, 0), abi.ETXTBSY)
	must(t, c.rename("prog", "prog2", 0))
	x.Put()
	_, err = c.open("prog2", abi.O_RDWR, 0)
	want(t, "write while it runs once more", err, abi.ETXTBSY)
	y.Put()
	w, err = c.open("prog2", abi.O_RDWR, 0)
	must(t, err)
	w.Put()
}

func TestSetIDCleared(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	user := c.as(7, 7)
	for _, x := range []struct {
		who           *caller
		before, after uint32
	}{
		{user, 0o6777, 0o777},
		{user, 0o4755, 0o755},
		{user, 0o2766, 0o2766},
		{c, 0o6777, 0o6777},
	} {
		c.write(t, "f", "")
		p := mustResolve(t, c, "f")
		must(t, vfs.Chmod(c, p, 0o666))
		f, err := x.who.open("f", abi.O_WRONLY, 0)
		must(t, err)
		must(t, vfs.Chown(c, p, 7, 7))
		must(t, vfs.Chmod(c, p, x.before))
		b := vfs.Bytes("x")
		if _, err := f.Write(x.who, &b); err != nil {
			t.Fatal(err)
		}
		if a := f.Inode().Attr(); a.Mode&0o7777 != x.after {
			t.Errorf("uid %d: %o became %o, want %o", x.who.cred.UID, x.before, a.Mode&0o7777, x.after)
		}
		f.Put()
		must(t, c.unlink("f"))
	}
}

func TestTimes(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	c.write(t, "f", "text")
	p := mustResolve(t, c, "f")
	read := func(flags int) {
		f, err := c.open("f", abi.O_RDONLY|flags, 0)
		must(t, err)
		defer f.Put()
		c.readAll(t, f)
	}
	attr := func() vfs.Attr { return p.Inode().Attr() }
	first := attr()
	if first.Btime == 0 || first.Mtime < first.Btime || first.Ctime < first.Mtime {
		t.Errorf("%+v", first)
	}
	read(abi.O_NOATIME)
	if attr().Atime != first.Atime {
		t.Error("O_NOATIME changed the access time")
	}
	read(0)
	second := attr()
	if second.Atime <= first.Mtime {
		t.Error("the first read after a write did not change the access time")
	}
	read(0)
	if attr().Atime != second.Atime {
		t.Error("the second read changed the access time")
	}
	old := ktime.Real() - 25*3600*1e9
	must(t, vfs.Utimes(c, p, &old, &old))
	if a := attr(); a.Atime != old || a.Mtime != old || a.Ctime <= second.Ctime {
		t.Errorf("%+v", a)
	}
	read(0)
	if attr().Atime == old {
		t.Error("an access time of yesterday stayed")
	}
	at, now := int64(5e9), vfs.TimeNow
	must(t, vfs.Utimes(c, p, &at, nil))
	if a := attr(); a.Atime != at || a.Mtime != old {
		t.Errorf("%+v", a)
	}
	user := c.as(9, 9)
	want(t, "another user's file", vfs.Utimes(user, p, &now, &now), abi.EACCES)
	want(t, "another user's file", vfs.Utimes(user, p, &at, &at), abi.EPERM)
	must(t, vfs.Chmod(c, p, 0o666))
	want(t, "one that may be written", vfs.Utimes(user, p, &now, &now), nil)
	want(t, "one that may be written", vfs.Utimes(user, p, &now, nil), abi.EPERM)
	if a := attr(); a.Mtime < first.Mtime {
		t.Errorf("%+v", a)
	}
	_, err := user.open("f", abi.O_RDONLY|abi.O_NOATIME, 0)
	want(t, "O_NOATIME on another user's file", err, abi.EPERM)
}

// TestOpenUnlinked keeps the contents of a file without a name.
func TestOpenUnlinked(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	c.write(t, "f", "contents")
	f, err := c.open("f", abi.O_PATH, 0)
	must(t, err)
	must(t, c.unlink("f"))
	g, err := vfs.OpenPath(c, f.Path(), abi.O_RDONLY)
	must(t, err)
	f.Put()
	if s := c.readAll(t, g); s != "contents" {
		t.Errorf("%q", s)
	}
	want(t, "link", vfs.LinkAt(c, c.fs, g.Path(), "", c.fs.Cwd(), "again", abi.AT_EMPTY_PATH), abi.ENOENT)
	p := g.Path()
	g.Put()
	_, err = vfs.OpenPath(c, p, abi.O_RDONLY)
	want(t, "open when it has gone", err, abi.ENOENT)

	tmp, err := c.open(".", abi.O_TMPFILE|abi.O_RDWR, 0o600)
	must(t, err)
	must(t, vfs.LinkAt(c, c.fs, tmp.Path(), "", c.fs.Cwd(), "named", abi.AT_EMPTY_PATH))
	tmp.Put()
	if a, err := c.stat("named"); err != nil || a.Nlink != 1 {
		t.Error(a, err)
	}
	tmp, err = c.open(".", abi.O_TMPFILE|abi.O_RDWR|abi.O_EXCL, 0o600)
	must(t, err)
	want(t, "link of O_EXCL", vfs.LinkAt(c, c.fs, tmp.Path(), "", c.fs.Cwd(), "other", abi.AT_EMPTY_PATH), abi.ENOENT)
	tmp.Put()
}

// TestReadDirCursor reads a directory that changes, in small pieces.
func TestReadDirCursor(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	for _, n := range []string{"a", "b", "c", "d", "e"} {
		c.write(t, n, "")
	}
	d, err := c.open("/", abi.O_RDONLY, 0)
	must(t, err)
	defer d.Put()
	some := func(max int) string {
		s := ""
		must(t, d.ReadDir(c, func(e vfs.DirEntry) bool {
			if len(s) == max {
				return false
			}
			s += e.Name[:1]
			return true
		}))
		return s
	}
	if got := some(4); got != "..ed" { // the newest first
		t.Errorf("%q", got)
	}
	must(t, c.unlink("d"))
	must(t, c.unlink("c"))
	c.write(t, "f", "")
	if got := some(1); got != "b" {
		t.Errorf("%q", got)
	}
	if got := some(9) + some(9); got != "a" {
		t.Errorf("%q", got)
	}
	_, err = d.Seek(0, abi.SEEK_SET)
	must(t, err)
	must(t, c.rename("a", "g", 0))
	if got := some(9); got != "..gfeb" {
		t.Errorf("%q", got)
	}
	// Emptying a directory while reading it finds every name.
	for i := range 1000 {
		c.write(t, "x"+string(rune('a'+i/100))+string(rune('a'+i/10%10))+string(rune('a'+i%10)), "")
	}
	_, err = d.Seek(0, abi.SEEK_SET)
	must(t, err)
	for {
		var names []string
		must(t, d.ReadDir(c, func(e vfs.DirEntry) bool {
			if len(names) == 7 {
				return false
			}
			names = append(names, e.Name)
			return true
		}))
		if len(names) == 0 {
			break
		}
		for _, n := range names {
			if n[0] != '.' {
				must(t, c.unlink(n))
			}
		}
	}
	if a, _ := c.stat("/"); a.Size != 40 {
		t.Errorf("size %d of an empty directory", a.Size)
	}
}

// box is a stream that holds one byte.
type box struct {
	vfs.NoFile
	vfs.IsStreamFile
	mu     sync.Mutex
	full   bool
	b      [1]byte
	closed bool
	q      wait.Queue
}

func (x *box) Read(c vfs.Caller, dst vfs.Dest, _ int64) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return 0, nil
	}
	if !x.full {
		return 0, abi.EAGAIN
	}
	x.full = false
	x.q.Notify(wait.Writable)
	return dst.Write(x.b[:])
}

func (x *box) Write(c vfs.Caller, src vfs.Source, _ int64) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return 0, abi.EPIPE
	}
	if x.full {
		return 0, abi.EAGAIN
	}
	x.full = true
	x.q.Notify(wait.Readable)
	return src.Read(x.b[:])
}

func (x *box) WaitQueue() *wait.Queue { return &x.q }

func TestBlocking(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	x := new(box)
	f, _ := vfs.NewAnonFile(vfs.Kernel, "box", x, abi.O_RDWR)
	defer f.Put()
	const text = "a text of some length"
	w := c.fork()
	done := make(chan error, 1)
	go func() {
		b := vfs.Bytes(text)
		n, err := vfs.BlockWrite(w, f, &b)
		if n != len(text) {
			t.Errorf("%d written", n)
		}
		done <- err
	}()
	got := ""
	for len(got) < len(text) {
		var p [10]byte
		b := vfs.Bytes(p[:])
		n, err := vfs.BlockRead(c, f, &b)
		must(t, err)
		got += string(p[:n])
	}
	soon(t, "write", done, nil)
	if got != text {
		t.Errorf("%q", got)
	}
	f.SetNonblock(true)
	in := vfs.Bytes(make([]byte, 1))
	_, err := vfs.BlockRead(c, f, &in)
	want(t, "read without blocking", err, abi.EAGAIN)
	b := vfs.Bytes("ab")
	if n, err := vfs.BlockWrite(c, f, &b); n != 1 || err != nil {
		t.Errorf("write without blocking: %d, %v", n, err)
	}
	f.SetNonblock(false)
	go func() {
		b := vfs.Bytes("c")
		_, err := vfs.BlockWrite(w, f, &b)
		done <- err
	}()
	blocked(t, "write", done)
	w.sleeper.Interrupt()
	soon(t, "interrupted write", done, abi.ERESTARTSYS)
	_, err = f.Seek(0, abi.SEEK_SET)
	want(t, "seek", err, abi.ESPIPE)
	_, err = f.ReadAt(c, &in, 0)
	want(t, "pread", err, abi.ESPIPE)
}

// TestTruncateRunning checks that no way to make a file shorter has effect while
// it is executed.
func TestTruncateRunning(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	c.write(t, "prog", "0123456789")
	must(t, c.symlink("prog", "l"))
	must(t, vfs.Chmod(c, mustResolve(t, c, "prog"), 0o777))
	x, err := vfs.OpenExec(c, c.fs, c.fs.Cwd(), "prog", 0)
	must(t, err)
	for _, flags := range []int{
		abi.O_RDONLY | abi.O_TRUNC, abi.O_WRONLY | abi.O_TRUNC, abi.O_RDONLY | abi.O_TRUNC | abi.O_CREAT,
		abi.O_ACCMODE | abi.O_TRUNC, abi.O_WRONLY, abi.O_RDWR,
	} {
		for _, name := range []string{"prog", "l"} {
			f, err := c.open(name, flags, 0o644)
			if want(t, "open", err, abi.ETXTBSY); err == nil {
				f.Put()
			}
		}
		f, err := vfs.OpenPath(c, x.Path(), flags&^abi.O_CREAT)
		if want(t, "open anew", err, abi.ETXTBSY); err == nil {
			f.Put()
		}
	}
	want(t, "truncate", vfs.Truncate(c, mustResolve(t, c, "prog"), 1), abi.ETXTBSY)
	if a, _ := c.stat("prog"); a.Size != 10 {
		t.Errorf("size %d, want 10", a.Size)
	}
	x.Put()
	f, err := c.open("prog", abi.O_RDONLY|abi.O_TRUNC, 0)
	must(t, err)
	if a, _ := c.stat("prog"); a.Size != 0 {
		t.Errorf("size %d after the program's end, want 0", a.Size)
	}
	x, err = vfs.OpenExec(c, c.fs, c.fs.Cwd(), "prog", 0)
	if want(t, "execute what is open for reading", err, nil); err == nil {
		x.Put()
	}
	f.Put()
}
