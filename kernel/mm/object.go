package mm

import (
	"errors"

	"kevlar/kernel/machine/frame"
)

// ErrBeyondEOF is what Object.Page answers for a page behind the end of the
// object. The user who touches it gets SIGBUS.
var ErrBeyondEOF = errors.New("mm: page beyond the end of the object")

// An Object is what file and shared mappings map: the one page cache behind
// read, write and mmap.
//
// A mapping sees the object's contents for as long as it has the object's
// frames. So the owner of an object that takes a page out of it, or puts
// another frame in its place, does so first and then calls Zap on the
// object's Mappings; faults from then on ask Page again.
//
// Page and Present are called with the address space locked: they may take
// locks only below it (see the package's lock order) and may not copy to or
// from user memory.
type Object interface {
	// Page returns the frame of page idx with a reference for the caller. A
	// hole is filled, because whoever maps it must see what is written to it
	// later. write tells that the page will be written through a shared
	// mapping. Bytes of the last page that lie behind the end are zero when
	// the page is first mapped. The error is ErrBeyondEOF; or an Errno:
	// ENOMEM for lack of memory, ENOSPC and EIO for SIGBUS; or Pending.
	Page(idx uint64, write bool) (frame.Frame, error)

	// MapAdded and MapRemoved keep the list of the object's mappings.
	// Embedding Mappings provides them.
	MapAdded(m *Mapping)
	MapRemoved(m *Mapping)

	// Key identifies the object among all: device and inode number.
	Key() (dev, ino uint64)
}

// A Pending is the error of Object.Page for a page that has to be read first.
// The fault waits with nothing locked, and then asks again.
type Pending interface {
	error
	// Wait returns when it is worth asking again: the page is there, or it is
	// known why it will not be. No signal ends it, for a read that was begun
	// ends; a kill takes effect afterwards.
	Wait()
}

// An Unnoticed is an Object that need not know when its pages are written,
// because they are not copies of anything. Shared mappings of others are
// writable page by page: Page is told of the first write to each.
type Unnoticed interface{ WritesUnnoticed() }

// A Presenter is an Object that can tell at once which pages are in memory.
// Faults map such pages around the one that was asked for.
type Presenter interface {
	// Present sets out[i] to the frame of page first+i with a reference, or
	// to 0 if the page is a hole, not in memory or behind the end.
	Present(first uint64, out []frame.Frame)
}

// A Syncer is an Object whose pages are copies of something slower.
type Syncer interface {
	// Sync writes the pages in [first, last) back: msync(2).
	Sync(first, last uint64) error
}

// A Puncher is an Object that can give pages back: madvise(2), MADV_REMOVE.
type Puncher interface {
	// Punch makes the pages in [first, last) holes.
	Punch(first, last uint64) error
}

// A File is the open file behind a mapping, which stays open as long as it is
// mapped.
type File interface {
	Get()
	Put()
}
