package tmpfs

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
)

// A special is a device node, FIFO or socket.
type special struct {
	inode
	rdev uint64
}

// Attr returns the attributes.
func (s *special) Attr() vfs.Attr {
	a := s.attr()
	a.Rdev = s.rdev
	return a
}

// Open opens the device or FIFO.
func (s *special) Open(c vfs.Caller, f *vfs.File) (vfs.FileOps, error) {
	return vfs.OpenSpecial(c, f, s)
}

func (s *special) free() {}

// A symlink is a symbolic link. What it says is kept in a string, or if long
// in a page.
type symlink struct {
	inode
	text string
	page frame.Frame
	size int
}

// shortLink is the longest text that is kept as a string.
const shortLink = 127

func (s *symlink) setText(text string) error {
	s.size = len(text)
	if len(text) <= shortLink {
		s.text = text
		return nil
	}
	f, err := s.fs.newPage()
	if err != nil {
		return err
	}
	n := copy(f.Data()[:], text)
	clear(f.Data()[n:])
	s.page = f
	return nil
}

// Readlink returns what the link says.
func (s *symlink) Readlink(vfs.Caller) (string, error) {
	if s.size <= shortLink {
		return s.text, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.page == 0 {
		return "", abi.ENOENT
	}
	return string(s.page.Data()[:s.size]), nil
}

// Attr returns the attributes.
func (s *symlink) Attr() vfs.Attr {
	a := s.attr()
	a.Size = int64(s.size)
	if s.size > shortLink {
		a.Blocks = blocksPerPage
	}
	return a
}

// Open answers ELOOP: a symbolic link itself cannot be opened.
func (s *symlink) Open(vfs.Caller, *vfs.File) (vfs.FileOps, error) { return nil, abi.ELOOP }

func (s *symlink) Unpin() { dropPin(s) }

func (s *symlink) free() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.page != 0 {
		s.page.Put()
		s.page = 0
		s.fs.freePages(1)
	}
}
