// Package cpio writes and examines archives in the "newc" format, from which kernels make their
// first root file system (see Documentation/driver-api/early-userspace/buffer-format.rst in the
// Linux source).
package cpio

import (
	"bytes"
	"fmt"
	"math"

	"kevlar/host/initramfs/filetree"
)

// Encode encodes the tree as a cpio archive. Times are zero, inode numbers count up, so equal
// trees give equal archives. Archives may be put one after the other: a later one adds to and
// replaces the files of an earlier one.
func Encode(t *filetree.Tree) ([]byte, error) {
	var b bytes.Buffer
	for i, name := range t.Paths() {
		e, _ := t.Lookup(name)
		if int64(len(e.Data)) > math.MaxUint32 {
			return nil, fmt.Errorf("%s: too large for the cpio format", name)
		}
		record(&b, uint32(i+1), name, e)
	}
	record(&b, 0, "TRAILER!!!", filetree.Entry{})
	return b.Bytes(), nil
}

// record writes the header, name and data of one file, each padded to a multiple of four bytes.
func record(b *bytes.Buffer, inode uint32, name string, e filetree.Entry) {
	links := 1
	if e.Mode&filetree.TypeMask == filetree.Dir {
		links = 2
	}
	fmt.Fprintf(b, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", inode, e.Mode, e.UID, e.GID,
		links, 0 /* time */, len(e.Data), 0, 0 /* device the archive was made on */, e.Major, e.Minor, len(name)+1, 0 /* checksum */)
	b.WriteString(name)
	b.WriteByte(0)
	pad(b)
	b.Write(e.Data)
	pad(b)
}

func pad(b *bytes.Buffer) {
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
}
