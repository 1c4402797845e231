package vfs

import (
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
)

// A State is what package vfs keeps with an inode. Inodes embed it to be
// Stateful. The zero value is ready for use.
type State struct {
	// writers is the number of files open for writing, or minus the number
	// of those that deny it.
	writers atomic.Int32
	// locks are the file locks; nil if there never was one.
	locks atomic.Pointer[lockState]

	pipeMu sync.Mutex
	pipe   any
}

// VFSState returns s.
func (s *State) VFSState() *State { return s }

// Pipe calls use with the place where the FIFO driver keeps the pipe of this
// inode, nil at first. The place is locked meanwhile.
func (s *State) Pipe(use func(pipe *any)) {
	s.pipeMu.Lock()
	defer s.pipeMu.Unlock()
	use(&s.pipe)
}

// stateOf returns the state of inode; nil if it has none.
func stateOf(inode Inode) *State {
	if s, ok := inode.(Stateful); ok {
		return s.VFSState()
	}
	return nil
}

// startWriting counts one who writes, unless writing is denied: ETXTBSY.
func (s *State) startWriting() error {
	if s == nil {
		return nil
	}
	for {
		n := s.writers.Load()
		if n < 0 {
			return abi.ETXTBSY
		}
		if s.writers.CompareAndSwap(n, n+1) {
			return nil
		}
	}
}

func (s *State) stopWriting() {
	if s != nil {
		s.writers.Add(-1)
	}
}

// denyWriting makes startWriting fail, unless somebody writes: ETXTBSY.
func (s *State) denyWriting() error {
	for {
		n := s.writers.Load()
		if n > 0 {
			return abi.ETXTBSY
		}
		if s.writers.CompareAndSwap(n, n-1) {
			return nil
		}
	}
}

func (s *State) allowWriting() { s.writers.Add(1) }
