// Package acpi reads what the kernel needs of the firmware's tables: the
// processors, the I/O APICs, and how to turn the machine off. ACPI
// specification 6.4, chapter 5. The tables come from the monitor; they are
// checked for length and checksum but trusted beyond that.
package acpi

import (
	"encoding/binary"

	"kevlar/kernel/machine/direct"
)

var le = binary.LittleEndian

// tables are the physical addresses of the tables that the root table lists.
var tables struct {
	addr  [64]uint64
	count int
}

// Find locates the tables. rsdp is the physical address of the root pointer;
// 0 makes Find look for it where a BIOS puts it. It reports whether there are
// tables. It allocates nothing.
func Find(rsdp uint64) bool {
	if tables.count > 0 {
		return true
	}
	if rsdp == 0 {
		rsdp = scan(0xe0000, 0x100000)
	}
	if rsdp == 0 {
		return false
	}
	r := direct.Bytes(rsdp, 36)
	if r[15] >= 2 && le.Uint64(r[24:]) != 0 {
		list(le.Uint64(r[24:]), 8)
	} else {
		list(uint64(le.Uint32(r[16:])), 4)
	}
	return tables.count > 0
}

// scan looks for the root pointer on 16-byte boundaries.
func scan(from, to uint64) uint64 {
	const size = 20 // the part that the first checksum covers
	for pa := from; pa+size <= to; pa += 16 {
		b := direct.Bytes(pa, size)
		if string(b[:8]) == "RSD PTR " && sum(b) == 0 {
			return pa
		}
	}
	return 0
}

// list remembers the tables that the root table at pa names, with entries of
// width bytes.
func list(pa uint64, width int) {
	root := table(pa)
	if len(root) < headerSize {
		return
	}
	for p := root[headerSize:]; len(p) >= width && tables.count < len(tables.addr); p = p[width:] {
		if width == 8 {
			tables.addr[tables.count] = le.Uint64(p)
		} else {
			tables.addr[tables.count] = uint64(le.Uint32(p))
		}
		tables.count++
	}
}

const headerSize = 36

// table returns the bytes of the table at pa, nil if its checksum is wrong.
func table(pa uint64) []byte {
	const longest = 16 << 20
	n := le.Uint32(direct.Bytes(pa+4, 4))
	if n < headerSize || n > longest {
		return nil
	}
	b := direct.Bytes(pa, int(n))
	if sum(b) != 0 {
		return nil
	}
	return b
}

func sum(b []byte) (s byte) {
	for ; len(b) >= 8; b = b[8:] {
		const lanes = 0x00ff00ff00ff00ff // of 16 bits, in which bytes are added
		w := le.Uint64(b)
		s += byte((w&lanes + w>>8&lanes) * 0x0001000100010001 >> 48)
	}
	for _, c := range b {
		s += c
	}
	return s
}

// lookup returns the table with a signature, nil if there is none.
func lookup(signature string) []byte {
	for _, pa := range tables.addr[:tables.count] {
		if string(direct.Bytes(pa, 4)) == signature {
			return table(pa)
		}
	}
	return nil
}
