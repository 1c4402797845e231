package vfs

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/wait"
)

// A Caller is the thread on whose behalf a file operation runs. Drivers may
// assert further interfaces on it.
type Caller interface {
	// Cred returns the thread's credentials.
	Cred() *Cred
	// Sleeper is where the thread sleeps.
	Sleeper() *wait.Sleeper
	// CopyIn and CopyOut move bytes from and to the thread's memory. They
	// return how many were moved and EFAULT if that is not all.
	CopyIn(dst []byte, addr uintptr) (int, error)
	CopyOut(addr uintptr, src []byte) (int, error)
	// Umask returns the file mode creation mask: umask(2).
	Umask() uint32
	// FileSizeLimit returns RLIMIT_FSIZE in bytes.
	FileSizeLimit() uint64
}

// Kernel is the Caller for the kernel's own file operations: the superuser,
// without user memory, umask or limits.
var Kernel Caller = kernelCaller{}

type kernelCaller struct{}

func (kernelCaller) Cred() *Cred                          { return RootCred }
func (kernelCaller) Sleeper() *wait.Sleeper               { return wait.NewSleeper() }
func (kernelCaller) CopyIn([]byte, uintptr) (int, error)  { return 0, abi.EFAULT }
func (kernelCaller) CopyOut(uintptr, []byte) (int, error) { return 0, abi.EFAULT }
func (kernelCaller) Umask() uint32                        { return 0 }
func (kernelCaller) FileSizeLimit() uint64                { return abi.RLIM_INFINITY }

// A Dest takes the bytes that a read produces. Write returns fewer than
// len(p) only with an error (EFAULT).
type Dest interface {
	Write(p []byte) (int, error)
	// Len returns how many bytes it still takes.
	Len() int
}

// A Source yields the bytes of a write. Read fills p, or returns fewer with
// an error (EFAULT).
type Source interface {
	Read(p []byte) (int, error)
	// Len returns how many bytes are left.
	Len() int
}

// Bytes is a buffer in the kernel's memory as a Dest and a Source: Write and
// Read consume it from the front.
type Bytes []byte

// Write copies p to the front of b.
func (b *Bytes) Write(p []byte) (int, error) {
	n := copy(*b, p)
	*b = (*b)[n:]
	if n < len(p) {
		return n, abi.EFAULT
	}
	return n, nil
}

// Read copies from the front of b to p.
func (b *Bytes) Read(p []byte) (int, error) {
	n := copy(p, *b)
	*b = (*b)[n:]
	if n < len(p) {
		return n, abi.EFAULT
	}
	return n, nil
}

// Len returns how many bytes are left in b.
func (b *Bytes) Len() int { return len(*b) }
