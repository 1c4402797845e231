package dev

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/mm"
	"kevlar/kernel/vfs"
)

// Numbers of the memory devices: mem(4), null(4), random(4).
const (
	memMajor     = 1
	nullMinor    = 3
	zeroMinor    = 5
	fullMinor    = 7
	randomMinor  = 8
	urandomMinor = 9
	kmsgMinor    = 11
)

func init() {
	register := func(minor uint32, ops vfs.FileOps) {
		vfs.RegisterCharDevice(memMajor, minor, minor,
			func(vfs.Caller, *vfs.File, uint64) (vfs.FileOps, error) { return ops, nil })
	}
	register(nullMinor, null{})
	register(zeroMinor, zero{})
	register(fullMinor, full{})
	register(randomMinor, randomDevice{})
	register(urandomMinor, randomDevice{})
	vfs.RegisterCharDevice(memMajor, kmsgMinor, kmsgMinor, openKmsg)
}

// unseekable is a device whose position is always 0.
type unseekable struct{ vfs.NoFile }

// Seek stays where it is.
func (unseekable) Seek(*vfs.File, int64, int) (int64, error) { return 0, nil }

// null is /dev/null.
type null struct{ unseekable }

func (null) Read(vfs.Caller, vfs.Dest, int64) (int, error)          { return 0, nil }
func (null) Write(_ vfs.Caller, s vfs.Source, _ int64) (int, error) { return s.Len(), nil }

// zero is /dev/zero.
type zero struct{ unseekable }

func (zero) Read(c vfs.Caller, d vfs.Dest, _ int64) (int, error)    { return readZeros(c, d) }
func (zero) Write(_ vfs.Caller, s vfs.Source, _ int64) (int, error) { return s.Len(), nil }

// MemoryObject makes a mapping of /dev/zero new anonymous memory.
func (zero) MemoryObject() (mm.Object, error) { return mm.NewAnonObject(), nil }

// full is /dev/full.
type full struct{ unseekable }

func (full) Read(c vfs.Caller, d vfs.Dest, _ int64) (int, error) { return readZeros(c, d) }

func (full) Write(_ vfs.Caller, s vfs.Source, _ int64) (int, error) {
	if s.Len() == 0 {
		return 0, nil
	}
	return 0, abi.ENOSPC
}

// zeros is a Dest that clears memory faster than by copying.
type zeros interface {
	Zero(n int) (int, error)
}

// chunk is how many bytes are made between two looks for signals.
const chunk = 64 << 10

var zeroPage [4096]byte

// readZeros fills d. If d ends in memory that cannot be written, the bytes
// before that count; a signal ends a long read.
func readZeros(c vfs.Caller, d vfs.Dest) (done int, err error) {
	z, fast := d.(zeros)
	for d.Len() > 0 && err == nil {
		if done > 0 && done%chunk == 0 && c.Sleeper().Interrupted() {
			break
		}
		var n int
		if fast {
			n, err = z.Zero(min(d.Len(), chunk))
		} else {
			n, err = d.Write(zeroPage[:min(d.Len(), len(zeroPage))])
		}
		done += n
	}
	if done > 0 {
		return done, nil
	}
	return 0, err
}
