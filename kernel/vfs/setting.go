package vfs

import "sync/atomic"

// A Setting is a number in /proc/sys/fs that says how files are treated on the
// whole machine.
type Setting struct {
	Name     string
	Mode     uint32 // of its file
	Min, Max int32
	value    atomic.Int32
}

// Value returns the number.
func (s *Setting) Value() int32 { return s.value.Load() }

// Set changes the number, which the caller has checked to be in range.
func (s *Setting) Set(v int32) { s.value.Store(v) }

// Settings returns the settings.
func Settings() []*Setting {
	return []*Setting{&mountMax, &protectedFIFOs, &protectedHardlinks, &protectedRegular, &protectedSymlinks}
}
