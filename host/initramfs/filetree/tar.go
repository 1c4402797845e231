package filetree

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
)

// maxFiles is how many files ReadTar takes from one archive.
const maxFiles = 1 << 19

// ReadTar reads a tar archive of foreign origin, plain or gzip, in any of the formats that package
// archive/tar knows, with hard links and devices. A name that leaves the root is an error, and so is a hard link
// to such a name. Symbolic links may point anywhere, as nothing on the host follows them. Limit
// bounds the bytes of all files and their names together, and there may be half a million files, so
// that an archive that grows enormously when it is unpacked does no harm. Extended attributes are
// left out, and of the root itself nothing is kept.
func ReadTar(r io.Reader, limit int64) (*Tree, error) {
	t := New()
	head := bufio.NewReader(r)
	start, _ := head.Peek(6)
	if bytes.HasPrefix(start, []byte("\x1f\x8b")) {
		z, err := gzip.NewReader(head)
		if err != nil {
			return nil, tarError(err)
		}
		head = bufio.NewReader(z)
		start, _ = head.Peek(6)
	}
	// A header has zeros in it, so a file that has none is no archive, however short.
	block, err := head.Peek(512)
	text := (err == nil || err == io.EOF) && bytes.IndexByte(block, 0) < 0
	archive := tar.NewReader(head)
	for first := true; ; first = false {
		h, err := archive.Next()
		if err == io.EOF && first && len(start) == 0 {
			return nil, errors.New("no tar archive: the file is empty")
		}
		if err == io.EOF {
			return t, nil
		}
		if first && (errors.Is(err, tar.ErrHeader) || text) {
			return nil, fmt.Errorf("no tar archive, but %s", kind(start))
		}
		if err != nil {
			return nil, tarError(err)
		}
		if h.Typeflag == tar.TypeXGlobalHeader || h.Typeflag == tar.TypeDir && path.Clean(h.Name) == "." {
			continue
		}
		size := int64(len(h.Name) + len(h.Linkname))
		if limit -= size; h.Size < 0 || limit < 0 || h.Size > limit {
			return nil, fmt.Errorf("%s: the archive's files are too large together", short(h.Name))
		}
		limit -= h.Size
		if err := t.addTar(h, archive); err != nil {
			return nil, err
		}
		if len(t.files) > maxFiles {
			return nil, fmt.Errorf("more than %d files in one archive", maxFiles)
		}
	}
}

// kinds are beginnings of files that people take for tar archives, and what to do about them.
var kinds = []struct{ magic, kind string }{
	{"BZh", "bzip2 data: unpack it first, with bunzip2"},
	{"\xfd7zXZ", "xz data: unpack it first, with unxz"},
	{"\x28\xb5\x2f\xfd", "zstd data: unpack it first, with unzstd"},
	{"07070", "a cpio archive: that is for --initramfs"},
	{"PK", "a zip archive"},
	{"\x7fELF", "a program"},
	{"hsqs", "a squashfs image: unpack it first, with unsquashfs"},
}

// kind says what a file is that begins like that.
func kind(start []byte) string {
	for _, k := range kinds {
		if bytes.HasPrefix(start, []byte(k.magic)) {
			return k.kind
		}
	}
	return "something else"
}

func tarError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("damaged tar archive: it ends too early")
	}
	return fmt.Errorf("damaged tar archive: %w", err)
}

// short is a name for a message.
func short(name string) string {
	if len(name) > maxName {
		return name[:40] + "..."
	}
	return name
}

// addTar adds the file of one header. Its content is what r gives.
func (t *Tree) addTar(h *tar.Header, r io.Reader) error {
	const limit = math.MaxUint32
	if h.Uid < 0 || h.Uid > limit || h.Gid < 0 || h.Gid > limit ||
		h.Devmajor < 0 || h.Devmajor > limit || h.Devminor < 0 || h.Devminor > limit {
		return fmt.Errorf("%s: an owner or device number that is out of range", short(h.Name))
	}
	e := Entry{Mode: uint32(h.Mode & 0o7777), UID: uint32(h.Uid), GID: uint32(h.Gid), Time: Seconds(h.ModTime.Unix())}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse: // the holes of the latter read as zeros
		e.Mode |= Regular
		var b bytes.Buffer // which grows with what comes, whatever the header promises
		if _, err := io.CopyN(&b, r, h.Size); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("%s: %w", short(h.Name), tarError(err))
		}
		e.Data = b.Bytes()
	case tar.TypeLink:
		return t.HardLink(h.Name, h.Linkname)
	case tar.TypeSymlink:
		if len(h.Linkname) == 0 || len(h.Linkname) > maxPath {
			return fmt.Errorf("%s: a symbolic link to a name of %d bytes", short(h.Name), len(h.Linkname))
		}
		e.Mode, e.Data = Symlink|0o777, []byte(h.Linkname)
	case tar.TypeDir:
		e.Mode |= Dir
	case tar.TypeChar:
		e.Mode |= CharDev
		e.Major, e.Minor = uint32(h.Devmajor), uint32(h.Devminor)
	case tar.TypeBlock:
		e.Mode |= BlockDev
		e.Major, e.Minor = uint32(h.Devmajor), uint32(h.Devminor)
	case tar.TypeFifo:
		e.Mode |= FIFO
	default:
		return fmt.Errorf("%s: a file of the unknown type %q", short(h.Name), h.Typeflag)
	}
	return t.Insert(h.Name, e)
}
