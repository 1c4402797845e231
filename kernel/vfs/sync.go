package vfs

import (
	"sync"

	"kevlar/kernel/abi"
)

// A Medium is what a file system keeps its contents on.
type Medium interface {
	// Sync writes all that was changed, and returns when it is safe.
	Sync(c Caller) error
}

// Memory is the Medium of file systems whose contents are nowhere else.
var Memory Medium = memory{}

type memory struct{}

func (memory) Sync(Caller) error { return nil }

// A MemoryFile is the NoFile of what is on Memory: fsync(2) has nothing to do.
type MemoryFile struct{ NoFile }

// Sync implements Syncer.
func (MemoryFile) Sync(bool) error { return nil }

// onMedia are the file systems in use that are on other media than Memory.
var onMedia struct {
	mu    sync.Mutex
	super map[*Super]struct{} // guarded by mu
}

// begin takes a reference to a file system that is to be mounted.
func (s *Super) begin() {
	if s.Medium == nil {
		panic("vfs: a file system without a medium")
	}
	if s.Medium != Memory {
		onMedia.mu.Lock()
		if onMedia.super == nil {
			onMedia.super = make(map[*Super]struct{})
		}
		onMedia.super[s] = struct{}{}
		onMedia.mu.Unlock()
	}
	s.refs.Add(1)
}

// end takes s, which nobody uses any more, out of use.
func (s *Super) end() {
	if s.Medium != Memory {
		onMedia.mu.Lock()
		delete(onMedia.super, s)
		onMedia.mu.Unlock()
	}
	if s.Shutdown != nil {
		s.Shutdown()
	}
}

// Sync writes back what was changed on any file system: sync(2). Errors are told
// to those who ask about one file.
func Sync(c Caller) {
	onMedia.mu.Lock()
	var list []*Super
	for s := range onMedia.super {
		if s.tryGet() {
			list = append(list, s)
		}
	}
	onMedia.mu.Unlock()
	for _, s := range list {
		s.Medium.Sync(c)
		s.put()
	}
}

// SyncFS writes back what was changed on the file system that f is on: syncfs(2).
func (f *File) SyncFS(c Caller) error {
	if f.IsPath() {
		return abi.EBADF
	}
	if s := f.inode.FS(); s != nil && s.Medium != nil {
		return s.Medium.Sync(c)
	}
	return nil // of a pipe or the like
}
