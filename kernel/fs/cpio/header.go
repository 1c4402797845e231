package cpio

import (
	"kevlar/kernel/abi"
)

// A header is what stands before the name and contents of an entry.
type header struct {
	ino            uint32
	mode           uint32
	uid, gid       uint32
	nlink          uint32
	mtime          uint32 // seconds since the Epoch
	size           uint32 // of the contents
	major, minor   uint32 // of the device the inode number is of
	rmajor, rminor uint32 // of a device node
	nameSize       uint32 // with the NUL
	check          uint32 // sum of the bytes of the contents
	checked        bool   // check is meant: the "crc" format
}

// headerSize is the size of a header: a magic number and 13 numbers of eight
// hexadecimal digits.
const headerSize = 110

// parseHeader reads a header of the formats "newc" and "crc".
func parseHeader(b *[headerSize]byte) (h header, ok bool) {
	switch string(b[:6]) {
	case "070701":
	case "070702":
		h.checked = true
	default:
		return h, false
	}
	fields := [...]*uint32{
		&h.ino, &h.mode, &h.uid, &h.gid, &h.nlink, &h.mtime, &h.size,
		&h.major, &h.minor, &h.rmajor, &h.rminor, &h.nameSize, &h.check,
	}
	for i, f := range fields {
		for _, c := range b[6+8*i : 14+8*i] {
			var digit byte
			switch {
			case '0' <= c && c <= '9':
				digit = c - '0'
			case 'a' <= c && c <= 'f':
				digit = c - 'a' + 10
			case 'A' <= c && c <= 'F':
				digit = c - 'A' + 10
			default:
				return h, false
			}
			*f = *f<<4 | uint32(digit)
		}
	}
	return h, true
}

func (h *header) kind() uint32 { return h.mode & abi.S_IFMT }
