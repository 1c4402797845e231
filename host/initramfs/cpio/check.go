package cpio

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"kevlar/host/initramfs/filetree"
)

// CheckFile reads an archive of unknown origin, plain or gzip, and reports why a kernel could not
// start from it: it is no cpio archive, or its init is missing or no program. Init is the path of
// the first process ("/init" unless the kernel command line says rdinit=), or "" if that is elsewhere.
func CheckFile(file, init string) error {
	f, err := os.Open(file)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			return fmt.Errorf("%s: %v", file, pe.Err)
		}
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return fmt.Errorf("%s: is a folder; a cpio archive is needed", file)
	}
	if err := Check(f, init); err != nil {
		return fmt.Errorf("%s: %v", file, err)
	}
	return nil
}

// Check is CheckFile for an archive that is read from r.
func Check(r io.Reader, init string) error {
	var m members
	if err := m.scan(bufio.NewReaderSize(r, 1<<16)); err != nil {
		return err
	}
	if init == "" {
		return nil
	}
	name, f, err := m.resolve(init)
	if err != nil {
		return err
	}
	head := m.heads[f.id]
	switch {
	case f.mode&filetree.TypeMask != filetree.Regular || f.mode&0o111 == 0:
		return fmt.Errorf("%s is not an executable file", name)
	case bytes.HasPrefix(head, []byte("#!")):
		return nil
	case !bytes.HasPrefix(head, []byte("\x7fELF")):
		return fmt.Errorf("%s is no program: neither ELF nor a #! script", name)
	case len(head) < headSize || head[4] != 2 || head[18] != 62 || head[19] != 0:
		return fmt.Errorf("%s is not a program for x86-64", name)
	}
	return nil
}

// headSize is how much of a file is looked at: up to the machine field of an ELF header.
const headSize = 20

// members is what Check remembers of an archive.
type members struct {
	files map[string]found
	heads map[fileID][]byte // the first bytes of each file
	one   int               // counts the files that have one name only
}

// found is a file in an archive.
type found struct {
	mode   uint32
	target string // of a symbolic link
	id     fileID
}

// fileID tells files apart. The names of a file with several links share its inode number, and only
// one of them carries the data.
type fileID struct{ major, minor, inode, one uint32 }

// scan reads all archives in r, one after the other, each plain or gzip.
func (m *members) scan(r *bufio.Reader) error {
	if m.files == nil {
		m.files, m.heads = map[string]found{}, map[fileID][]byte{}
	}
	for first := true; ; first = false {
		if err := skipPadding(r); err != nil && (err != io.EOF || !first) {
			if err == io.EOF {
				return nil
			}
			return err
		}
		magic, _ := r.Peek(6)
		switch {
		case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
			z, err := gzip.NewReader(r)
			if err != nil {
				return fmt.Errorf("damaged gzip data: %v", err)
			}
			z.Multistream(false)
			inner := bufio.NewReader(z)
			if magic, _ := inner.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
				return errors.New("not a cpio archive: gzip within gzip")
			}
			if err := m.scan(inner); err != nil {
				return err
			}
		case string(magic) == "070701" || string(magic) == "070702":
			if err := m.scanArchive(r); err != nil {
				return err
			}
		case first:
			return errors.New("not a cpio archive (newc format, plain or gzip)")
		default:
			return errors.New("damaged cpio archive: something else follows its end")
		}
	}
}

// skipPadding moves to the next byte that is not zero.
func skipPadding(r *bufio.Reader) error {
	for {
		c, err := r.ReadByte()
		if err != nil {
			return err
		}
		if c != 0 {
			return r.UnreadByte()
		}
	}
}

// scanArchive reads one archive up to and including its trailer.
func (m *members) scanArchive(r io.Reader) error {
	for archive := (&reader{r: r}); ; {
		h, err := archive.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		f := found{mode: h.mode, id: fileID{major: h.devMajor, minor: h.devMinor, inode: h.inode}}
		if h.links < 2 {
			m.one++
			f.id = fileID{one: uint32(m.one)}
		}
		limit := int64(headSize)
		if h.mode&filetree.TypeMask == filetree.Symlink {
			limit = maxName
		}
		head, err := io.ReadAll(io.LimitReader(archive, limit))
		if err != nil {
			return err
		}
		if h.mode&filetree.TypeMask == filetree.Symlink {
			f.target = string(head)
		} else if len(head) > 0 {
			m.heads[f.id] = head
		}
		m.files[path.Clean("/"+h.name)] = f
	}
}

// resolve follows symbolic links, those of the folders above the file included.
func (m *members) resolve(name string) (string, found, error) {
	full, rest := "/", strings.TrimPrefix(path.Clean("/"+name), "/")
	for links := 0; ; {
		part, after, more := strings.Cut(rest, "/")
		full = path.Join(full, part)
		f, ok := m.files[full]
		if !ok {
			return "", found{}, fmt.Errorf("no %s in it", full)
		}
		if f.mode&filetree.TypeMask == filetree.Symlink {
			if links++; links > 40 {
				return "", found{}, fmt.Errorf("too many links on the way to %s", name)
			}
			target := f.target
			if !strings.HasPrefix(target, "/") {
				target = path.Join(path.Dir(full), target)
			}
			full, rest = "/", strings.TrimPrefix(path.Join(path.Clean("/"+target), after), "/")
			continue
		}
		if !more {
			return full, f, nil
		}
		rest = after
	}
}
