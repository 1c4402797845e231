//go:build !baremetal

package pio

// A Device stands behind the ports of the software machine. The size of an
// access is 1, 2 or 4 bytes.
type Device interface {
	In(port uint16, size int) uint32
	Out(port uint16, size int, v uint32)
}

// Soft is the device behind all ports; nil if there is nothing. Tests set it
// while nobody uses a port.
var Soft Device

func in(port uint16, size int) uint32 {
	if Soft == nil {
		return ^uint32(0) // what a bus reads as that nobody drives
	}
	return Soft.In(port, size)
}

func out(port uint16, size int, v uint32) {
	if Soft != nil {
		Soft.Out(port, size, v)
	}
}

// In8, In16 and In32 read a port.
func In8(port uint16) uint8 { return uint8(in(port, 1)) }

// In16 reads a 16-bit port.
func In16(port uint16) uint16 { return uint16(in(port, 2)) }

// In32 reads a 32-bit port.
func In32(port uint16) uint32 { return in(port, 4) }

// Out8, Out16 and Out32 write a port.
func Out8(port uint16, v uint8) { out(port, 1, uint32(v)) }

// Out16 writes a 16-bit port.
func Out16(port uint16, v uint16) { out(port, 2, uint32(v)) }

// Out32 writes a 32-bit port.
func Out32(port uint16, v uint32) { out(port, 4, v) }
