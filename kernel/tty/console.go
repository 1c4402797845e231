package tty

import (
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

var console atomic.Pointer[TTY]

// SetConsole makes t the terminal behind /dev/console.
func SetConsole(t *TTY) { console.Store(t) }

// Console returns the terminal behind /dev/console, or nil.
func Console() *TTY { return console.Load() }

// OpenConsole opens /dev/console: ENODEV if there is none.
func OpenConsole(c vfs.Caller, f *vfs.File, _ uint64) (vfs.FileOps, error) {
	t := Console()
	if t == nil {
		return nil, abi.ENODEV
	}
	return t.Open(c, f, SystemConsole)
}

// OpenCurrent opens /dev/tty, the caller's controlling terminal: ENXIO if it
// has none.
func OpenCurrent(c vfs.Caller, f *vfs.File, _ uint64) (vfs.FileOps, error) {
	p, ok := c.(Process)
	if !ok {
		return nil, abi.ENXIO
	}
	t := p.CTTY()
	if t == nil {
		return nil, abi.ENXIO
	}
	return t.Open(c, f, Current)
}
