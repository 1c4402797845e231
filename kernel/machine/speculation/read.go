//go:build baremetal

package speculation

import (
	"encoding/binary"

	"kevlar/kernel/machine/x86"
)

// Read returns the processor that runs the caller.
func Read() Processor {
	top, b, c, d := x86.CPUID(0, 0)
	var name [12]byte
	binary.LittleEndian.PutUint32(name[0:], b)
	binary.LittleEndian.PutUint32(name[4:], d)
	binary.LittleEndian.PutUint32(name[8:], c)
	p := Processor{Vendor: string(name[:])}

	signature, _, features, _ := x86.CPUID(1, 0)
	p.Family, p.Model = decodeSignature(signature)
	const avx, guest = 1 << 28, 1 << 31
	p.AVX, p.Guest = features&avx != 0, features&guest != 0
	if top >= 7 {
		const rtm, capabilities = 1 << 11, 1 << 29
		_, b, _, d := x86.CPUID(7, 0)
		p.TSX = b&rtm != 0
		if d&capabilities != 0 {
			const archCapabilities = 0x10a
			p.Capabilities = x86.RDMSR(archCapabilities)
		}
	}
	const sizes, noSSB = 0x80000008, 1 << 26
	if top, _, _, _ := x86.CPUID(0x80000000, 0); top >= sizes {
		_, b, _, _ := x86.CPUID(sizes, 0)
		p.NoSSB = b&noSSB != 0
	}
	return p
}
