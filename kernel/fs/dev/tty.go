package dev

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/fs/devpts"
	"kevlar/kernel/tty"
	"kevlar/kernel/vfs"
)

// Numbers of the terminal devices: tty(4), console(4), pts(4).
const (
	ttyMajor     = 5
	ttyMinor     = 0
	consoleMinor = 1
	ptmxMinor    = 2
)

func init() {
	vfs.RegisterCharDevice(ttyMajor, ttyMinor, ttyMinor, tty.OpenCurrent)
	vfs.RegisterCharDevice(ttyMajor, consoleMinor, consoleMinor, tty.OpenConsole)
	vfs.RegisterCharDevice(ttyMajor, ptmxMinor, ptmxMinor, devpts.OpenMaster)
	vfs.RegisterCharDevice(tty.PtsMajor, 0, tty.MaxPtys-1, devpts.OpenSlave)
}

// RegisterTTY makes t, a terminal of the hardware, appear in /dev.
func RegisterTTY(t *tty.TTY) error {
	major, minor := abi.Major(t.Dev()), abi.Minor(t.Dev())
	vfs.RegisterCharDevice(major, minor, minor,
		func(c vfs.Caller, f *vfs.File, _ uint64) (vfs.FileOps, error) {
			return t.Open(c, f, tty.Ordinary)
		})
	return RegisterNode(t.Name(), abi.S_IFCHR|0o600, t.Dev())
}
