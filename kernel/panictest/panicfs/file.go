//go:build panictest

package panicfs

import (
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/pseudo"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/mm"
	"kevlar/kernel/vfs"
)

// A file is one page. Its size is always that of the page.
type file struct {
	pseudo.Node
	vfs.State
	mm.Mappings
	vfs.NoFile

	mu   sync.Mutex  // below the locks of address spaces
	page frame.Frame // guarded by mu; 0 when it has been freed
	pins int         // name and open files; guarded by mu
}

func newFile(s *vfs.Super, ino uint64, mode uint32) (*file, error) {
	page, err := frame.AllocZero()
	if err != nil {
		return nil, err
	}
	n := pseudo.NewNode(s, pseudo.Attributes{Ino: ino, Mode: mode, Size: frame.Size})
	return &file{Node: n, page: page, pins: 1}, nil
}

// Pin implements vfs.Pinned.
func (f *file) Pin() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pins == 0 {
		return abi.ENOENT
	}
	f.pins++
	return nil
}

// Unpin frees the page with the last name or open file.
func (f *file) Unpin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pins--; f.pins == 0 {
		f.page.Put()
		f.page = 0
	}
}

// hold returns the page with a reference, unless op is to panic.
func (f *file) hold(op Op) frame.Frame {
	f.mu.Lock()
	defer f.mu.Unlock()
	pass(op)
	f.page.Get()
	return f.page
}

// SetAttr implements vfs.Inode.
func (f *file) SetAttr(_ vfs.Caller, s vfs.SetAttr) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	pass(SetAttr)
	return nil
}

// Open implements vfs.Inode.
func (f *file) Open(vfs.Caller, *vfs.File) (vfs.FileOps, error) {
	pass(Open)
	return f, nil
}

// Read implements vfs.FileOps.
func (f *file) Read(_ vfs.Caller, dst vfs.Dest, off int64) (int, error) {
	page := f.hold(Read)
	defer page.Put()
	return dst.Write(page.Data()[min(off, frame.Size):][:min(dst.Len(), int(frame.Size-min(off, frame.Size)))])
}

// Write implements vfs.FileOps.
func (f *file) Write(_ vfs.Caller, src vfs.Source, off int64) (int, error) {
	page := f.hold(Write)
	defer page.Put()
	if off >= frame.Size {
		return 0, abi.ENOSPC
	}
	return src.Read(page.Data()[off:][:min(src.Len(), int(frame.Size-off))])
}

// Release implements vfs.FileOps.
func (f *file) Release(*vfs.File) {
	f.mu.Lock()
	defer f.mu.Unlock()
	pass(Release)
}

// MemoryObject implements vfs.Mapper.
func (f *file) MemoryObject() (mm.Object, error) { return f, nil }

// Page implements mm.Object.
func (f *file) Page(idx uint64, _ bool) (frame.Frame, error) {
	if idx > 0 {
		return 0, mm.ErrBeyondEOF
	}
	return f.hold(Page), nil
}

// Key implements mm.Object.
func (f *file) Key() (dev, ino uint64) { return f.FS().Dev, f.Ino() }
