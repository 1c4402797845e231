package pseudo

import (
	"bytes"
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
	"kevlar/kernel/mm"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// A View says what the text of a file is: by Show, Records or Read.
type View struct {
	// Show writes the text, a few KiB at most. An error is what read(2)
	// answers.
	Show func(c vfs.Caller, w *bytes.Buffer) error
	// Records writes the records of the text, from the one at position pos on:
	// one to w, and then it calls more with the position of the next one. It
	// ends when more returns false or when there are no more records. The
	// first is at position 0; the others have whatever number finds them
	// again, or the next one if they have gone meanwhile. No lock may be held
	// that user memory needs when more is called.
	Records func(c vfs.Caller, pos int64, w *bytes.Buffer, more func(next int64) bool) error
	// Read is FileOps.Read: for what need not be made, but copied.
	Read func(c vfs.Caller, dst vfs.Dest, off int64) (int, error)

	// Store takes what was written to the file in one write(2).
	Store func(c vfs.Caller, text []byte) error
	// Check is asked at open(2), after the permission bits; nil asks nothing.
	Check func(c vfs.Caller) error
	// Bind returns the view of one open file in place of this one, after
	// Check; nil leaves this one.
	Bind func(c vfs.Caller) (View, error)
	// Changed tells poll(2), of one open file, whether what it shows has changed
	// since Bind or since it was asked last; Changes is notified when it has.
	Changed func() bool
	Changes *wait.Queue
	// Synced makes fsync(2) succeed, which is EINVAL otherwise.
	Synced bool
	// NoStore is what a write(2) answers if Store is nil and the permission
	// bits or a capability allowed to open the file for writing.
	NoStore abi.Errno
	// NoMap is what mmap(2) answers; ENODEV if it is 0.
	NoMap abi.Errno
	// Plain makes it a file that poll(2) takes as always ready, and epoll(7)
	// and splice(2) do not take, as files of one thread are.
	Plain bool
	// Strict refuses to open a file for reading or writing (EACCES) if its
	// permission bits allow that to nobody, even to the superuser.
	Strict bool
}

// MemoryObject implements vfs.Mapper.
func (o *openText) MemoryObject() (mm.Object, error) {
	if o.view.NoMap != 0 {
		return nil, o.view.NoMap
	}
	return nil, abi.ENODEV
}

// maxStore is the most bytes that one write to a file may have.
const maxStore = 4096

// Text is a file with a View. Its text is made record by record as it is read,
// and only the rest of a record is kept from one read to the next: each record
// is consistent in itself.
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
	o := &openText{view: &t.view}
	if t.view.Bind != nil {
		v, err := t.view.Bind(c)
		if err != nil {
			return nil, err
		}
		o.view = &v
	}
	return o, nil
}

// openText is an open file of a Text.
type openText struct {
	vfs.NoFile
	view *View

	mu   sync.Mutex
	off  int64  // of the file, up to where it was read; guarded by mu
	pos  int64  // of the record that comes after rest; guarded by mu
	rest []byte // of the record at off; guarded by mu
	// charged has been charged to account for rest. Guarded by mu.
	charged int64
	account *kmem.Account
}

// Read implements vfs.FileOps.
func (o *openText) Read(c vfs.Caller, dst vfs.Dest, off int64) (int, error) {
	if o.view.Read != nil {
		return o.view.Read(c, dst, off)
	}
	if o.view.Show == nil && o.view.Records == nil {
		return 0, abi.EINVAL
	}
	if off < 0 {
		return 0, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if off == 0 || off != o.off {
		if err := o.seek(c, off); err != nil {
			return 0, err
		}
	}
	n, err := o.read(c, dst)
	if n > 0 {
		err = nil
	}
	return n, err
}

// seek makes the records before off again, and drops them.
func (o *openText) seek(c vfs.Caller, off int64) error {
	o.keep(c, nil)
	o.off, o.pos = 0, 0
	var err error
	if off > 0 {
		recordsErr := o.records(c, func(text []byte) bool {
			skip := min(off-o.off, int64(len(text)))
			o.off += skip
			err = o.keep(c, text[skip:])
			return err == nil && o.off < off
		})
		if err == nil {
			err = recordsErr
		}
	}
	if err != nil {
		o.off, o.pos = 0, 0
		return err
	}
	o.off = off // beyond the end, there is nothing to read
	return nil
}

// read moves what is left of a record, and further records, to dst.
func (o *openText) read(c vfs.Caller, dst vfs.Dest) (int, error) {
	total, err := 0, error(nil)
	give := func(text []byte) bool {
		var n int
		n, err = dst.Write(text[:min(len(text), dst.Len())])
		total += n
		o.off += int64(n)
		if keepErr := o.keep(c, text[n:]); keepErr != nil {
			o.off = -1 // what follows must be made again
			if err == nil {
				err = keepErr
			}
		}
		return err == nil && dst.Len() > 0
	}
	if len(o.rest) > 0 && !give(o.rest) {
		return total, err
	}
	if dst.Len() == 0 {
		return total, err
	}
	if recordsErr := o.records(c, give); err == nil {
		err = recordsErr
	}
	return total, err
}

// records makes the records from o.pos on and moves o.pos; each goes to f,
// which ends it by returning false.
func (o *openText) records(c vfs.Caller, f func(text []byte) bool) error {
	var w bytes.Buffer
	more := func(next int64) bool {
		o.pos = next
		ok := w.Len() == 0 || f(w.Bytes())
		w.Reset()
		return ok
	}
	if o.view.Records != nil {
		return o.view.Records(c, o.pos, &w, more)
	}
	if o.pos != 0 {
		return nil
	}
	if err := o.view.Show(c, &w); err != nil {
		return err
	}
	more(1)
	return nil
}

// keep keeps text, which the caller may use again, as what is left of a record.
func (o *openText) keep(c vfs.Caller, text []byte) error {
	if len(text) == 0 {
		o.rest = nil
		if o.charged != 0 {
			o.account.Uncharge(o.charged)
			o.charged = 0
		}
		return nil
	}
	if cap(o.rest) >= len(text) {
		o.rest = append(o.rest[:0], text...)
		return nil
	}
	account := c.Cred().Account
	if err := account.Charge(int64(len(text))); err != nil {
		return err
	}
	o.keep(c, nil)
	o.account, o.charged = account, int64(len(text))
	o.rest = bytes.Clone(text)
	return nil
}

// Ready implements vfs.FileOps: a change is an error and urgent, and told once.
func (o *openText) Ready(mask wait.Events) wait.Events {
	ev := mask & (wait.Readable | wait.Writable)
	if o.view.Changed != nil && o.view.Changed() {
		ev |= (mask | wait.Always) & (wait.Err | wait.Pri)
	}
	return ev
}

// never is notified never.
var never wait.Queue

// WaitQueue implements vfs.FileOps.
func (o *openText) WaitQueue() *wait.Queue {
	switch {
	case o.view.Changes != nil:
		return o.view.Changes
	case o.view.Plain:
		return nil
	}
	return &never
}

// Sync implements vfs.Syncer.
func (o *openText) Sync(bool) error {
	if !o.view.Synced {
		return abi.EINVAL
	}
	return nil
}

// Release implements vfs.FileOps.
func (o *openText) Release(*vfs.File) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.keep(nil, nil)
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

// CanSplice implements vfs.Spliced.
func (o *openText) CanSplice() bool { return !o.view.Plain }

// Seek implements vfs.Seeker: a text that is made has no end to seek from, and
// one that is copied is empty by its size.
func (o *openText) Seek(f *vfs.File, off int64, whence int) (int64, error) {
	fromEnd := whence == abi.SEEK_END && o.view.Read != nil
	if whence != abi.SEEK_SET && !fromEnd || off < 0 {
		return 0, abi.EINVAL
	}
	return off, nil
}
