package pseudo

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
	"kevlar/kernel/vfs"
)

// numbered is a view with n records, that of i at position 10*i; records whose
// number is in gone are skipped.
type numbered struct {
	n    int64
	gone map[int64]bool
	made int // records
	size int // of a record
}

func (r *numbered) record(i int64) string {
	return fmt.Sprintf("%d:%s\n", i, strings.Repeat("x", r.size))
}

func (r *numbered) records(_ vfs.Caller, pos int64, w *bytes.Buffer, more func(int64) bool) error {
	for i := (pos + 9) / 10; i < r.n; i++ {
		if r.gone[i] {
			continue
		}
		r.made++
		w.WriteString(r.record(i))
		if !more(10*i + 1) {
			break
		}
	}
	return nil
}

func (r *numbered) text() (s string) {
	for i := range r.n {
		s += r.record(i)
	}
	return s
}

// caller is a user with an account of kernel memory.
type caller struct {
	vfs.Caller
	cred vfs.Cred
}

func newCaller(t *testing.T) *caller {
	c := &caller{Caller: vfs.Kernel, cred: *vfs.RootCred}
	c.cred.Account = kmem.OfUser(4711)
	t.Cleanup(func() {
		if n := c.cred.Account.Used(); n != 0 {
			t.Errorf("%d bytes are charged at the end", n)
		}
		c.cred.Account.SetLimit(0)
		c.cred.Account.Release()
	})
	return c
}

func (c *caller) Cred() *vfs.Cred { return &c.cred }

// openView opens a file with view v.
func openView(t *testing.T, c vfs.Caller, v View) *vfs.File {
	t.Helper()
	d := newDir()
	d.Add("file", d.file(2, v))
	root, err := vfs.NewRootMount(d.FS(), 0)
	if err != nil {
		t.Fatal(err)
	}
	f, err := vfs.OpenAt(c, vfs.NewFSContext(root), root, "file", abi.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// readAll reads f in pieces of n bytes.
func readAll(t *testing.T, c vfs.Caller, f *vfs.File, n int) string {
	t.Helper()
	var text []byte
	for {
		b := make([]byte, n)
		dst := vfs.Bytes(b)
		got, err := f.Read(c, &dst)
		if err != nil {
			t.Fatal(err)
		}
		if got == 0 {
			return string(text)
		}
		text = append(text, b[:got]...)
	}
}

func TestRecordsInPieces(t *testing.T) {
	c := newCaller(t)
	for _, n := range []int{1, 7, 25, 100, 1 << 16} {
		r := numbered{n: 20, size: 20}
		f := openView(t, c, View{Records: r.records})
		if got := readAll(t, c, f, n); got != r.text() {
			t.Errorf("in pieces of %d: %q", n, got)
		}
		if r.made != 20 {
			t.Errorf("in pieces of %d: %d records made, want 20", n, r.made)
		}
		f.Put()
	}
}

func TestRecordsFromAnywhere(t *testing.T) {
	c := newCaller(t)
	r := numbered{n: 20, size: 20}
	f := openView(t, c, View{Records: r.records})
	defer f.Put()
	text := r.text()
	for _, off := range []int{0, 400, 24, 1, 23, 25, len(text) - 1, len(text), len(text) + 100} {
		b := make([]byte, 30)
		dst := vfs.Bytes(b)
		n, err := f.ReadAt(c, &dst, int64(off))
		if want := text[min(off, len(text)):min(off+30, len(text))]; err != nil || string(b[:n]) != want {
			t.Errorf("at %d: %q, %v, want %q", off, b[:n], err, want)
		}
	}
}

func TestRecordsThatGo(t *testing.T) {
	c := newCaller(t)
	r := numbered{n: 5, size: 3, gone: map[int64]bool{}}
	f := openView(t, c, View{Records: r.records})
	defer f.Put()
	b := make([]byte, 9) // record 0 and half of record 1
	dst := vfs.Bytes(b)
	if n, err := f.Read(c, &dst); n != 9 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	r.gone[0], r.gone[1], r.gone[2] = true, true, true
	if got, want := string(b)+readAll(t, c, f, 100), "0:xxx\n1:xxx\n3:xxx\n4:xxx\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A record that was begun is kept as it was; it is charged to the reader.
func TestRestIsKeptAndCharged(t *testing.T) {
	c := newCaller(t)
	n := 0
	f := openView(t, c, View{Show: func(_ vfs.Caller, w *bytes.Buffer) error {
		n++
		fmt.Fprintf(w, "%d%d%d%d", n, n, n, n)
		return nil
	}})
	file := c.cred.Account.Used()
	b := make([]byte, 1)
	read := func() string {
		dst := vfs.Bytes(b)
		n, err := f.Read(c, &dst)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	if got := read() + read(); got != "11" {
		t.Errorf("%q", got)
	}
	if n := c.cred.Account.Used() - file; n != 3 {
		t.Errorf("%d bytes are charged, want the 3 that were left", n)
	}
	if got := read() + read() + read() + read(); got != "11" {
		t.Errorf("then %q", got)
	}
	wantUsed := func(want int64) {
		t.Helper()
		if n := c.cred.Account.Used() - file; n != want {
			t.Errorf("%d bytes are charged, want %d", n, want)
		}
	}
	wantUsed(0)
	f.Seek(0, abi.SEEK_SET)
	read()
	wantUsed(3)
	f.Put()
	wantUsed(-file)
}

func TestNoMemoryForTheRest(t *testing.T) {
	c := newCaller(t)
	r := numbered{n: 3, size: 3}
	f := openView(t, c, View{Records: r.records})
	defer f.Put()
	c.cred.Account.SetLimit(2)
	b := make([]byte, 2)
	dst := vfs.Bytes(b)
	if n, err := f.Read(c, &dst); n != 2 || err != nil {
		t.Errorf("%d, %v, want the two bytes", n, err)
	}
	dst = b
	if n, err := f.Read(c, &dst); err != abi.ENOMEM {
		t.Errorf("%d, %v, want ENOMEM", n, err)
	}
	c.cred.Account.SetLimit(0)
	if got := readAll(t, c, f, 100); got != r.text()[2:] {
		t.Errorf("the rest is %q", got)
	}
}

// Files that are open cost little, however long their text is.
func TestOpenFilesCostLittle(t *testing.T) {
	c := newCaller(t)
	const files = 200
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	r := numbered{n: 2000, size: 500}
	before := heap()
	var open []*vfs.File
	for range files {
		f := openView(t, c, View{Records: r.records})
		b := make([]byte, 1)
		dst := vfs.Bytes(b)
		f.Read(c, &dst)
		open = append(open, f)
	}
	if each := (heap() - before) / files; each > 8192 {
		t.Errorf("each open file takes %d bytes of the heap", each)
	}
	if r.made != files {
		t.Errorf("%d records made for one byte of each of %d files", r.made, files)
	}
	for _, f := range open {
		f.Put()
	}
}

func TestBoundView(t *testing.T) {
	c := newCaller(t)
	n := 0
	f := openView(t, c, View{
		Check: func(vfs.Caller) error { n++; return nil },
		Bind: func(vfs.Caller) (View, error) {
			k := n
			return View{Show: func(_ vfs.Caller, w *bytes.Buffer) error { fmt.Fprint(w, k); return nil }}, nil
		},
	})
	defer f.Put()
	n = 100
	if got := readAll(t, c, f, 10); got != "1" {
		t.Errorf("%q, want what was when the file was opened", got)
	}
}

func TestCopiedView(t *testing.T) {
	c := newCaller(t)
	f := openView(t, c, View{Read: func(_ vfs.Caller, dst vfs.Dest, off int64) (int, error) {
		text := "abcdef"[min(off, 6):]
		return dst.Write([]byte(text[:min(len(text), dst.Len())]))
	}})
	defer f.Put()
	if got := readAll(t, c, f, 4); got != "abcdef" {
		t.Errorf("%q", got)
	}
	if pos, err := f.Seek(0, abi.SEEK_END); pos != 0 || err != nil {
		t.Errorf("seek from the end: %d, %v, want 0 as Linux answers for environ", pos, err)
	}
}
