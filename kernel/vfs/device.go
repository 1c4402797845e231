package vfs

import (
	"sync"

	"kevlar/kernel/abi"
)

// OpenFIFO opens a FIFO: it is set by the pipe driver, which keeps the pipe in
// the inode's State. It may sleep until the other end is opened: fifo(7).
var OpenFIFO func(c Caller, f *File, inode Inode) (FileOps, error)

// A DeviceOpen opens a device node with number rdev.
type DeviceOpen func(c Caller, f *File, rdev uint64) (FileOps, error)

// devices are the drivers of one kind of device node.
type devices struct {
	mu      sync.RWMutex
	drivers []driver
}

type driver struct {
	major, first, last uint32
	open               DeviceOpen
}

var charDevices, blockDevices devices

// RegisterCharDevice makes open the driver of character devices with the major
// number and the minor numbers from first to last. A later registration is
// found before an earlier one.
func RegisterCharDevice(major, first, last uint32, open DeviceOpen) {
	charDevices.register(driver{major, first, last, open})
}

// RegisterBlockDevice is RegisterCharDevice for block devices.
func RegisterBlockDevice(major, first, last uint32, open DeviceOpen) {
	blockDevices.register(driver{major, first, last, open})
}

func (d *devices) register(x driver) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drivers = append(d.drivers, x)
}

func (d *devices) find(rdev uint64) DeviceOpen {
	d.mu.RLock()
	defer d.mu.RUnlock()
	major, minor := abi.Major(rdev), abi.Minor(rdev)
	for i := len(d.drivers) - 1; i >= 0; i-- {
		x := &d.drivers[i]
		if x.major == major && x.first <= minor && minor <= x.last {
			return x.open
		}
	}
	return nil
}

// OpenSpecial opens a device node, FIFO or socket: ENXIO if there is no driver.
func OpenSpecial(c Caller, f *File, inode Inode) (FileOps, error) {
	a := inode.Attr()
	var open DeviceOpen
	switch a.Mode & abi.S_IFMT {
	case abi.S_IFIFO:
		if OpenFIFO != nil {
			return OpenFIFO(c, f, inode)
		}
	case abi.S_IFCHR:
		open = charDevices.find(a.Rdev)
	case abi.S_IFBLK:
		open = blockDevices.find(a.Rdev)
	}
	if open == nil {
		return nil, abi.ENXIO
	}
	return open(c, f, a.Rdev)
}
