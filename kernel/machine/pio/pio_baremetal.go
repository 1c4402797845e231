//go:build baremetal

package pio

// In8, In16 and In32 read a port.
func In8(port uint16) uint8

// In16 reads a 16-bit port.
func In16(port uint16) uint16

// In32 reads a 32-bit port.
func In32(port uint16) uint32

// Out8, Out16 and Out32 write a port.
func Out8(port uint16, v uint8)

// Out16 writes a 16-bit port.
func Out16(port uint16, v uint16)

// Out32 writes a 32-bit port.
func Out32(port uint16, v uint32)
