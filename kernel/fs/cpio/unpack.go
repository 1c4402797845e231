// Package cpio unpacks archives of the formats "newc" and "crc", which an
// initial root file system comes in: plain or compressed with gzip, and any
// number of them one after the other with zero bytes between.
package cpio

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// Errors in an archive. They come wrapped with the place where they occur.
var (
	ErrFormat    = errors.New("not a cpio archive of the newc format")
	ErrTruncated = errors.New("archive ends in the middle")
	ErrName      = errors.New("bad name")
	ErrLink      = errors.New("bad symbolic link")
	ErrKind      = errors.New("unknown kind of file")
	ErrChecksum  = errors.New("wrong checksum")
	ErrEmpty     = errors.New("no archive")
)

// Unpack makes the files of the archives in data, below the directory root, on
// behalf of c with the root directory of fs.
func Unpack(c vfs.Caller, fs *vfs.FSContext, root vfs.Path, data []byte) error {
	return UnpackFrom(c, fs, root, bytes.NewReader(data))
}

// UnpackFrom is Unpack for archives that are read bit by bit, once: what has
// been read is not needed any more.
func UnpackFrom(c vfs.Caller, fs *vfs.FSContext, root vfs.Path, r io.Reader) error {
	in := bufio.NewReaderSize(r, 4096)
	for n := 0; ; n++ {
		start, err := skipZeros(in)
		if err == io.EOF {
			if n == 0 {
				return fmt.Errorf("cpio: %w", ErrEmpty)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("cpio: %w", err)
		}
		if start[0] == 0x1f && start[1] == 0x8b {
			err = unzip(c, fs, root, in)
		} else {
			err = newUnpacker(c, fs, root, in).run()
		}
		if err != nil {
			return fmt.Errorf("cpio: %w", err)
		}
	}
}

// skipZeros skips zero bytes and returns the next two without reading them;
// io.EOF if there is nothing else.
func skipZeros(in *bufio.Reader) ([]byte, error) {
	for {
		b, err := in.ReadByte()
		if err != nil {
			return nil, err
		}
		if b != 0 {
			in.UnreadByte()
			two, err := in.Peek(2)
			if err == io.EOF {
				err = ErrFormat
			}
			return two, err
		}
	}
}

// unzip unpacks the archives in one gzip stream, and reads no further.
func unzip(c vfs.Caller, fs *vfs.FSContext, root vfs.Path, in *bufio.Reader) error {
	z, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	z.Multistream(false)
	inner := bufio.NewReaderSize(z, 4096)
	for {
		_, err := skipZeros(inner)
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = newUnpacker(c, fs, root, inner).run()
		}
		if err != nil {
			return err
		}
	}
}

// An unpacker unpacks one archive.
type unpacker struct {
	c    vfs.Caller
	fs   *vfs.FSContext
	root vfs.Path
	in   *bufio.Reader
	off  int64 // bytes read since the archive began

	links map[linkKey]string // first names of files that have several
	dirs  []dirTime
}

// A linkKey identifies a file within an archive.
type linkKey struct{ major, minor, ino uint32 }

// A dirTime is the time of a directory, which is set when its contents are
// there.
type dirTime struct {
	name  string
	mtime int64
}

func newUnpacker(c vfs.Caller, fs *vfs.FSContext, root vfs.Path, in *bufio.Reader) *unpacker {
	return &unpacker{c: c, fs: fs, root: root, in: in, links: make(map[linkKey]string)}
}

// trailer is the name that ends an archive.
const trailer = "TRAILER!!!"

// run unpacks up to the trailer.
func (u *unpacker) run() error {
	for {
		start := u.off
		h, name, err := u.next()
		if err != nil {
			return fmt.Errorf("at byte %d: %w", start, err)
		}
		if name == trailer {
			break
		}
		if err := u.entry(&h, name); err != nil {
			return fmt.Errorf("%q at byte %d: %w", name, start, err)
		}
	}
	for i := len(u.dirs) - 1; i >= 0; i-- {
		d := &u.dirs[i]
		if p, err := vfs.Resolve(u.c, u.fs, u.root, d.name, 0); err == nil {
			err := vfs.Utimes(u.c, p, &d.mtime, &d.mtime)
			p.Put()
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// next reads a header and the name after it.
func (u *unpacker) next() (header, string, error) {
	if magic, _ := u.in.Peek(5); len(magic) == 5 && string(magic) != "07070" {
		return header{}, "", ErrFormat
	}
	var b [headerSize]byte
	if err := u.read(b[:]); err != nil {
		return header{}, "", err
	}
	h, ok := parseHeader(&b)
	if !ok {
		return h, "", ErrFormat
	}
	if h.nameSize < 1 || h.nameSize > abi.PATH_MAX {
		return h, "", ErrName
	}
	buf := make([]byte, h.nameSize)
	if err := u.read(buf); err != nil {
		return h, "", err
	}
	end := bytes.IndexByte(buf, 0)
	if end < 0 {
		return h, "", ErrName
	}
	return h, string(buf[:end]), u.pad()
}

// read fills b.
func (u *unpacker) read(b []byte) error {
	n, err := io.ReadFull(u.in, b)
	u.off += int64(n)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return ErrTruncated
	}
	return err
}

// pad reads up to the next multiple of four bytes.
func (u *unpacker) pad() error {
	var b [3]byte
	return u.read(b[:-u.off&3])
}

// clean returns name relative to the root, or "." for the root itself.
func clean(name string) (string, error) {
	var parts []string
	for _, p := range strings.Split(name, "/") {
		switch p {
		case "", ".":
		case "..":
			return "", ErrName
		default:
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return ".", nil
	}
	return strings.Join(parts, "/"), nil
}

// entry makes one file.
func (u *unpacker) entry(h *header, name string) error {
	if name == "" {
		return ErrName
	}
	name, err := clean(name)
	if err != nil {
		return err
	}
	if name == "." && h.kind() != abi.S_IFDIR {
		return ErrName
	}
	u.makeRoom(h, name)
	switch h.kind() {
	case abi.S_IFREG:
		return u.regular(h, name)
	case abi.S_IFDIR:
		if err := u.skip(h); err != nil {
			return err
		}
		err := u.withParents(name, func() error { return vfs.MkdirAt(u.c, u.fs, u.root, name, h.mode&0o7777) })
		if err != nil && err != abi.EEXIST {
			return err
		}
		u.dirs = append(u.dirs, dirTime{name, int64(h.mtime) * 1e9})
	case abi.S_IFLNK:
		if err := u.symlink(h, name); err != nil {
			return err
		}
	case abi.S_IFCHR, abi.S_IFBLK, abi.S_IFIFO, abi.S_IFSOCK:
		if err := u.skip(h); err != nil {
			return err
		}
		if linked, err := u.link(h, name); linked || err != nil {
			return err
		}
		rdev := abi.MakeDev(h.rmajor, h.rminor)
		err := u.withParents(name, func() error { return vfs.MknodAt(u.c, u.fs, u.root, name, h.mode, rdev) })
		if err != nil && err != abi.EEXIST {
			return err
		}
	default:
		return ErrKind
	}
	return u.attributes(h, name)
}

// makeRoom removes what has the name if it is of another kind.
func (u *unpacker) makeRoom(h *header, name string) {
	p, err := vfs.Resolve(u.c, u.fs, u.root, name, 0)
	if err != nil {
		return
	}
	defer p.Put()
	switch kind := p.Inode().Attr().Mode & abi.S_IFMT; {
	case kind == h.kind() && kind != abi.S_IFLNK:
	case kind == abi.S_IFDIR:
		vfs.RmdirAt(u.c, u.fs, u.root, name)
	default:
		vfs.UnlinkAt(u.c, u.fs, u.root, name)
	}
}

// withParents calls mk, and once more after making the directories on the way
// to name if they are missing.
func (u *unpacker) withParents(name string, mk func() error) error {
	err := mk()
	if err != abi.ENOENT {
		return err
	}
	for i, c := range name {
		if c == '/' {
			err := vfs.MkdirAt(u.c, u.fs, u.root, name[:i], 0o755)
			if err != nil && err != abi.EEXIST {
				return err
			}
		}
	}
	return mk()
}

// skip reads the contents of an entry that has no use for them.
func (u *unpacker) skip(h *header) error {
	n, err := u.in.Discard(int(h.size))
	u.off += int64(n)
	if err == io.EOF {
		return ErrTruncated
	}
	if err != nil {
		return err
	}
	return u.pad()
}

// link makes name another name of a file that has come before, if it is one.
func (u *unpacker) link(h *header, name string) (bool, error) {
	if h.nlink < 2 {
		return false, nil
	}
	key := linkKey{h.major, h.minor, h.ino}
	first, ok := u.links[key]
	if !ok {
		u.links[key] = name
		return false, nil
	}
	if first == name {
		return true, nil
	}
	err := u.withParents(name, func() error {
		err := vfs.LinkAt(u.c, u.fs, u.root, first, u.root, name, 0)
		if err == abi.EEXIST {
			if err = vfs.UnlinkAt(u.c, u.fs, u.root, name); err == nil {
				err = vfs.LinkAt(u.c, u.fs, u.root, first, u.root, name, 0)
			}
		}
		return err
	})
	return true, err
}

// regular makes a regular file. Of several links any one may bring the
// contents.
func (u *unpacker) regular(h *header, name string) error {
	linked, err := u.link(h, name)
	if err != nil {
		return err
	}
	flags := abi.O_WRONLY | abi.O_CREAT | abi.O_NOFOLLOW
	if !linked {
		flags |= abi.O_TRUNC
	}
	var f *vfs.File
	err = u.withParents(name, func() (err error) {
		f, err = vfs.OpenAt(u.c, u.fs, u.root, name, flags, h.mode&0o777)
		return err
	})
	if err != nil {
		return err
	}
	defer f.Put()
	src := &contents{u: u, left: int(h.size), summing: h.checked}
	for src.left > 0 {
		if n, err := f.Write(u.c, src); src.err != nil {
			return src.err
		} else if err != nil {
			return err
		} else if n == 0 {
			return abi.ENOSPC
		}
	}
	if err := u.pad(); err != nil {
		return err
	}
	if h.checked && src.sum != h.check {
		return ErrChecksum
	}
	return u.attributes(h, name)
}

// contents are the bytes of a file in the archive, as a vfs.Source.
type contents struct {
	u       *unpacker
	left    int
	summing bool
	sum     uint32 // of the bytes so far, if summing
	err     error  // of the archive
}

func (s *contents) Len() int { return s.left }

func (s *contents) Read(p []byte) (int, error) {
	n, err := io.ReadFull(s.u.in, p[:min(len(p), s.left)])
	s.u.off += int64(n)
	s.left -= n
	if s.summing {
		for _, b := range p[:n] {
			s.sum += uint32(b)
		}
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = ErrTruncated
	}
	if err != nil {
		s.err = err
		return n, abi.EIO
	}
	return n, nil
}

func (u *unpacker) symlink(h *header, name string) error {
	if h.size == 0 || h.size >= abi.PATH_MAX {
		return ErrLink
	}
	text := make([]byte, h.size)
	if err := u.read(text); err != nil {
		return err
	}
	if err := u.pad(); err != nil {
		return err
	}
	target := strings.TrimRight(string(text), "\x00")
	if target == "" || strings.IndexByte(target, 0) >= 0 {
		return ErrLink
	}
	return u.withParents(name, func() error { return vfs.SymlinkAt(u.c, u.fs, target, u.root, name) })
}

// attributes sets owner, permissions and time, in an order in which the one
// does not undo the other.
func (u *unpacker) attributes(h *header, name string) error {
	p, err := vfs.Resolve(u.c, u.fs, u.root, name, 0)
	if err != nil {
		return err
	}
	defer p.Put()
	if err := vfs.Chown(u.c, p, h.uid, h.gid); err != nil {
		return err
	}
	if h.kind() != abi.S_IFLNK {
		if err := vfs.Chmod(u.c, p, h.mode); err != nil {
			return err
		}
	}
	mtime := int64(h.mtime) * 1e9
	return vfs.Utimes(u.c, p, &mtime, &mtime)
}
