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

// Encode encodes the tree as a cpio archive. Inode numbers count up, so equal trees give
// equal archives. Archives may be put one after the other: a later one adds to and
// replaces the files of an earlier one.
func Encode(t *filetree.Tree) ([]byte, error) { return encode(t, false) }

// Pack is like Encode, but the archive is for Decode alone: folders that nobody described are not in it,
// so that they do not count as described when they are read back.
func Pack(t *filetree.Tree) ([]byte, error) { return encode(t, true) }

func encode(t *filetree.Tree, described bool) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(size(t))
	inodes := map[string]uint32{} // of files with several names, by the first of them
	written := map[string]int{}   // how many of those names are in the archive
	next := uint32(1)
	for f := range t.All() {
		if described && f.Implied {
			continue
		}
		if int64(len(f.Data)) > math.MaxUint32 {
			return nil, fmt.Errorf("%s: too large for the cpio format", f.Path)
		}
		m := member{inode: next, links: 1, name: f.Path, Entry: f.Entry}
		next++
		switch {
		case f.Type() == filetree.Dir:
			m.links = 2
		case f.Type() == filetree.Regular && f.Links > 1:
			if _, ok := inodes[f.First]; !ok {
				inodes[f.First] = m.inode
			}
			m.inode, m.links = inodes[f.First], uint32(f.Links)
			// The last name brings the content, as cpio(1) has it.
			if written[f.First]++; written[f.First] < f.Links {
				m.Data = nil
			}
		}
		m.write(&b)
	}
	member{links: 1, name: trailer}.write(&b)
	return b.Bytes(), nil
}

// size returns about how large the archive of a tree becomes, and no less.
func size(t *filetree.Tree) int {
	n := headerSize + 2*len(trailer)
	for f := range t.All() {
		n += headerSize + len(f.Path) + len(f.Data) + 8
	}
	return n
}

// A member is one name in an archive.
type member struct {
	inode, links uint32
	name         string
	filetree.Entry
}

// write writes the header, name and data of a member, each padded to a multiple of four bytes.
func (m member) write(b *bytes.Buffer) {
	fmt.Fprintf(b, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", m.inode, m.Mode, m.UID, m.GID,
		m.links, m.Time, len(m.Data), 0, 0 /* device the archive was made on */, m.Major, m.Minor, len(m.name)+1, 0 /* checksum */)
	b.WriteString(m.name)
	b.WriteByte(0)
	pad(b)
	b.Write(m.Data)
	pad(b)
}

func pad(b *bytes.Buffer) {
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
}
