package abi

import "encoding/binary"

// MaxDirent is the size of the largest record that PutDirent64 and PutDirent
// write.
const MaxDirent = 19 + NAME_MAX + 1 + 6

// Dirent64Size returns the size of the struct linux_dirent64 of a name:
// getdents64(2).
func Dirent64Size(name string) int { return (19 + len(name) + 1 + 7) &^ 7 }

// PutDirent64 writes a struct linux_dirent64 into b and returns its size. next
// is the position of the entry that follows, typ a DT_ constant.
func PutDirent64(b []byte, ino uint64, next int64, typ uint8, name string) int {
	n := Dirent64Size(name)
	b = b[:n]
	le := binary.LittleEndian
	le.PutUint64(b[0:], ino)
	le.PutUint64(b[8:], uint64(next))
	le.PutUint16(b[16:], uint16(n))
	b[18] = typ
	clear(b[19+copy(b[19:], name):])
	return n
}

// DirentSize returns the size of the struct linux_dirent of a name:
// getdents(2).
func DirentSize(name string) int { return (18 + len(name) + 2 + 7) &^ 7 }

// PutDirent writes a struct linux_dirent into b and returns its size. The
// type stands in the record's last byte.
func PutDirent(b []byte, ino uint64, next int64, typ uint8, name string) int {
	n := DirentSize(name)
	b = b[:n]
	le := binary.LittleEndian
	le.PutUint64(b[0:], ino)
	le.PutUint64(b[8:], uint64(next))
	le.PutUint16(b[16:], uint16(n))
	clear(b[18+copy(b[18:], name):])
	b[n-1] = typ
	return n
}
