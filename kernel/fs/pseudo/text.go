package pseudo

import (
	"bytes"
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// A View says what the text of a file is.
type View struct {
	// Show writes the text. An error is what read(2) answers.
	Show func(c vfs.Caller, w *bytes.Buffer) error
	// Store takes what was written to the file in one write(2).
	Store func(c vfs.Caller, text []byte) error
	// Check is asked at open(2), after the permission bits; nil asks nothing.
	Check func(c vfs.Caller) error
	// NoStore is what a write(2) answers if Store is nil and the permission
	// bits or a capability allowed to open the file for writing.
	NoStore abi.Errno
	// Strict refuses to open a file for reading or writing (EACCES) if its
	// permission bits allow that to nobody, even to the superuser.
	Strict bool
}

// maxStore is the most bytes that one write to a file may have.
const maxStore = 4096

// Text is a file with a View. Reading it in pieces is consistent: the text is
// made when the file is first read, and again when it is read from the start.
type Text struct {
	Node
	view View
}

// NewText returns a file that shows v.
func NewText(n Node, v View) *Text { return &Text{n, v} }

// Open implements vfs.Inode.
func (t *Text) Open(c vfs.Caller, f *vfs.File) (vfs.FileOps, error) {
	if t.view.Strict {
		if f.Readable() && t.mode&0o444 == 0 || f.Writable() && t.mode&0o222 == 0 {
			return nil, abi.EACCES
		}
	}
	if t.view.Check != nil {
		if err := t.view.Check(c); err != nil {
			return nil, err
		}
	}
	return &openText{view: &t.view}, nil
}

// openText is an open file of a Text.
type openText struct {
	vfs.NoFile
	view *View

	mu   sync.Mutex
	text []byte // guarded by mu
	made bool   // text is there; guarded by mu
}

// Read implements vfs.FileOps.
func (o *openText) Read(c vfs.Caller, dst vfs.Dest, off int64) (int, error) {
	if o.view.Show == nil {
		return 0, abi.EINVAL
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if off == 0 || !o.made {
		var b bytes.Buffer
		if err := o.view.Show(c, &b); err != nil {
			return 0, err
		}
		o.text, o.made = b.Bytes(), true
	}
	if off < 0 || off >= int64(len(o.text)) {
		return 0, nil
	}
	rest := o.text[off:]
	n, err := dst.Write(rest[:min(len(rest), dst.Len())])
	if n > 0 {
		err = nil
	}
	return n, err
}

// Write implements vfs.FileOps.
func (o *openText) Write(c vfs.Caller, src vfs.Source, off int64) (int, error) {
	if o.view.Store == nil {
		if o.view.NoStore != 0 {
			return 0, o.view.NoStore
		}
		return 0, abi.EINVAL
	}
	n := src.Len()
	if n > maxStore {
		return 0, abi.EINVAL
	}
	text := make([]byte, n)
	if _, err := src.Read(text); err != nil {
		return 0, err
	}
	if err := o.view.Store(c, text); err != nil {
		return 0, err
	}
	return n, nil
}

// Seek implements vfs.Seeker: a view has no end to seek from.
func (o *openText) Seek(f *vfs.File, off int64, whence int) (int64, error) {
	if whence != abi.SEEK_SET || off < 0 {
		return 0, abi.EINVAL
	}
	return off, nil
}
