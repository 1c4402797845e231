package tmpfs

import (
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// seals are what may no longer be done with a file: fcntl(2), F_ADD_SEALS.
// Changing them takes the file's writeMu, under which writers look at them, and
// then mu, under which those who map the file do.
type seals struct {
	mu      sync.Mutex
	set     uint32 // F_SEAL_ bits; guarded by mu, and by writeMu against changes
	mapping int    // calls between BeginMapping and EndMapping; guarded by mu
}

const (
	allSeals   = abi.F_SEAL_SEAL | abi.F_SEAL_SHRINK | abi.F_SEAL_GROW | abi.F_SEAL_WRITE | abi.F_SEAL_FUTURE_WRITE
	writeSeals = abi.F_SEAL_WRITE | abi.F_SEAL_FUTURE_WRITE
)

// AllowSeals makes it possible to seal inode, a new regular file of a tmpfs.
// Other files are sealed against being sealed.
func AllowSeals(inode vfs.Inode) { inode.(*file).seals.set = 0 }

// Seals returns the seals that have been added.
func (f *file) Seals() uint32 {
	f.seals.mu.Lock()
	defer f.seals.mu.Unlock()
	return f.seals.set
}

// AddSeals adds seals. F_SEAL_WRITE fails with EBUSY while the file is mapped
// writable.
func (f *file) AddSeals(add uint32) error {
	if add&^allSeals != 0 {
		return abi.EINVAL
	}
	f.writeMu.Lock()
	defer f.writeMu.Unlock()
	s := &f.seals
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set&abi.F_SEAL_SEAL != 0 {
		return abi.EPERM
	}
	if add&^s.set&abi.F_SEAL_WRITE != 0 && (s.mapping > 0 || f.SharedWritable()) {
		return abi.EBUSY
	}
	s.set |= add
	return nil
}

// BeginMapping tells that a shared mapping is being made through which the file
// can be written; EndMapping must follow. It fails with EPERM if the file is
// sealed against that.
func (f *file) BeginMapping() error {
	f.seals.mu.Lock()
	defer f.seals.mu.Unlock()
	if f.seals.set&writeSeals != 0 {
		return abi.EPERM
	}
	f.seals.mapping++
	return nil
}

// EndMapping tells that the mapping has been made, or has failed.
func (f *file) EndMapping() {
	f.seals.mu.Lock()
	defer f.seals.mu.Unlock()
	f.seals.mapping--
}

// sealed reports whether the file has one of the seals. The caller holds
// f.writeMu.
func (f *file) sealed(any uint32) bool { return f.seals.set&any != 0 }
