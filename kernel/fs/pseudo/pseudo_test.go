package pseudo

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

func TestDeferred(t *testing.T) {
	var d Deferred
	var done []int
	note := func(n int) func() { return func() { done = append(done, n) } }
	d.Do(note(1))
	d.Do(note(2))
	if len(done) != 0 {
		t.Errorf("%v done before Begin", done)
	}
	d.Begin()
	d.Do(note(3))
	d.Begin()
	if !slices.Equal(done, []int{1, 2, 3}) {
		t.Errorf("done %v", done)
	}
}

// newDir returns an empty root directory.
func newDir() *Dir {
	s := &vfs.Super{Dev: vfs.NewDev(), Medium: vfs.Memory, NoCache: true}
	d := NewDir(NewNode(s, Attributes{Ino: 1, Mode: abi.S_IFDIR | 0o755}))
	s.Root = d
	return d
}

func (d *Dir) file(ino uint64, v View) *Text {
	return NewText(NewNode(d.FS(), Attributes{Ino: ino, Mode: abi.S_IFREG | 0o644}), v)
}

// names lists d from pos on and returns the position after n entries.
func names(d *Dir, pos int64, n int) (list []string, next int64) {
	next, _ = d.ReadDir(vfs.Kernel, pos, func(e vfs.DirEntry) bool {
		if len(list) == n {
			return false
		}
		list = append(list, e.Name)
		return true
	})
	return list, next
}

func TestListingWhileChanging(t *testing.T) {
	d := newDir()
	for i := range 6 {
		d.Add(fmt.Sprint(i), d.file(uint64(10+i), View{}))
	}
	got, pos := names(d, vfs.FirstPos, 2)
	if !slices.Equal(got, []string{"0", "1"}) {
		t.Fatalf("first %v", got)
	}
	d.Remove("0")
	d.Remove("2")
	d.Add("6", d.file(16, View{}))
	d.Add("3", d.file(17, View{})) // replaced: it moves to the end
	got, pos = names(d, pos, 100)
	if !slices.Equal(got, []string{"4", "5", "6", "3"}) {
		t.Errorf("then %v", got)
	}
	if got, _ = names(d, pos, 100); len(got) != 0 {
		t.Errorf("at the end %v", got)
	}
	if _, err := d.Lookup(vfs.Kernel, "2"); err != abi.ENOENT {
		t.Errorf("lookup of what was removed: %v", err)
	}
	if i, err := d.Lookup(vfs.Kernel, "3"); err != nil || i.Attr().Ino != 17 {
		t.Errorf("lookup of what was replaced: %v, %v", i, err)
	}
}

func TestLinkCount(t *testing.T) {
	d := newDir()
	d.Add("file", d.file(2, View{}))
	d.Add("sub", NewDir(NewNode(d.FS(), Attributes{Ino: 3, Mode: abi.S_IFDIR})))
	if n := d.Attr().Nlink; n != 3 {
		t.Errorf("%d links with one subdirectory, want 3", n)
	}
	d.Remove("sub")
	if n := d.Attr().Nlink; n != 2 {
		t.Errorf("%d links without, want 2", n)
	}
}

func TestSetAttr(t *testing.T) {
	f := newDir().file(2, View{})
	if err := f.SetAttr(vfs.Kernel, vfs.SetAttr{Mask: vfs.AttrSize | vfs.AttrMtime | vfs.AttrCtime}); err != nil {
		t.Errorf("truncate: %v", err)
	}
	for _, mask := range []vfs.AttrMask{vfs.AttrMode, vfs.AttrUID, vfs.AttrGID, vfs.AttrAtime} {
		if err := f.SetAttr(vfs.Kernel, vfs.SetAttr{Mask: mask}); err != abi.EPERM {
			t.Errorf("attribute %#x: %v, want EPERM", mask, err)
		}
	}
}

func TestReadErrors(t *testing.T) {
	d := newDir()
	failing := d.file(2, View{Show: func(vfs.Caller, *bytes.Buffer) error { return abi.ESRCH }})
	d.Add("failing", failing)
	d.Add("silent", d.file(3, View{Store: func(vfs.Caller, []byte) error { return nil }}))
	d.Add("big", d.file(4, View{Show: func(_ vfs.Caller, w *bytes.Buffer) error {
		w.Write(make([]byte, 1<<20))
		return nil
	}}))
	root, err := vfs.NewRootMount(d.FS(), 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx := vfs.NewFSContext(root)
	open := func(name string) *vfs.File {
		f, err := vfs.OpenAt(vfs.Kernel, ctx, root, name, abi.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.Put)
		return f
	}
	read := func(f *vfs.File, n int) (int, error) {
		dst := vfs.Bytes(make([]byte, n))
		return f.Read(vfs.Kernel, &dst)
	}
	if _, err := read(open("failing"), 10); err != abi.ESRCH {
		t.Errorf("read: %v, want the error of Show", err)
	}
	if _, err := read(open("silent"), 10); err != abi.EINVAL {
		t.Errorf("read of what has no text: %v, want EINVAL", err)
	}
	f, total := open("big"), 0
	for {
		n, err := read(f, 4096)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		total += n
	}
	if total != 1<<20 {
		t.Errorf("read %d bytes of %d", total, 1<<20)
	}
	src := vfs.Bytes(make([]byte, maxStore+1))
	if _, err := open("silent").Write(vfs.Kernel, &src); err != abi.EINVAL {
		t.Errorf("a write of %d bytes: %v, want EINVAL", maxStore+1, err)
	}
}
