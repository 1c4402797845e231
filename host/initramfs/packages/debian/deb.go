package debian

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"

	"kevlar/host/initramfs/filetree"
	"kevlar/host/initramfs/packages/deb822"
)

// Limits of what is unpacked, in bytes. They end the harm that an archive can do which grows
// enormously; the largest packages of Debian are smaller.
const (
	maxControl = 32 << 20  // all control files together
	maxData    = 1 << 30   // all files together
	maxWindow  = 128 << 20 // what a decompressor looks back on: that of zstd --ultra -22
	maxTail    = 1 << 20   // zeros behind the end of a tar archive
)

// deb is what a binary package holds.
type deb struct {
	control deb822.Paragraph
	files   *filetree.Tree
}

// readDeb reads a binary package in the format of deb(5).
func readDeb(r io.Reader) (*deb, error) {
	archive, err := newAR(r)
	if err != nil {
		return nil, err
	}
	name, version, err := archive.next()
	if err != nil || name != "debian-binary" {
		return nil, errors.New("not a .deb: it does not begin with debian-binary")
	}
	text, err := io.ReadAll(io.LimitReader(version, 16))
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(string(text), "2.") {
		return nil, fmt.Errorf("a .deb in version %q of the format; known is 2", strings.TrimSpace(string(text)))
	}
	control, err := archive.tar("control.tar", maxControl)
	if err != nil {
		return nil, err
	}
	d := &deb{}
	fields, ok := control.Lookup("control")
	if !ok {
		return nil, errors.New("damaged .deb: control.tar has no file control")
	}
	if d.control, err = deb822.Parse(string(fields.Data)); err != nil {
		return nil, fmt.Errorf("damaged .deb: control: %v", err)
	}
	d.files, err = archive.tar("data.tar", maxData)
	return d, err
}

// tar reads the member that is a tar archive of that name, with an extension for how it is compressed.
// Members whose names begin with an underscore may come before it.
func (a *ar) tar(want string, limit int64) (*filetree.Tree, error) {
	for {
		name, member, err := a.next()
		if err == io.EOF {
			return nil, fmt.Errorf("damaged .deb: no %s in it", want)
		}
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(name, "_") {
			continue
		}
		ext, ok := strings.CutPrefix(name, want)
		if !ok {
			return nil, fmt.Errorf("damaged .deb: %q where %s must be", name, want)
		}
		tree, err := readMember(member, ext, limit)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if a.data.N > 0 {
			return nil, errShort
		}
		return tree, nil
	}
}

// readMember unpacks a tar archive to its end, so that the checksum of the compressed data counts.
func readMember(member io.Reader, ext string, limit int64) (*filetree.Tree, error) {
	data, closer, err := decompress(member, ext)
	if err != nil {
		return nil, err
	}
	defer closer()
	// Headers take room too: 512 bytes a file, and more for long names.
	bounded := &io.LimitedReader{R: data, N: 2*limit + maxTail}
	tree, err := filetree.ReadTar(bounded, limit)
	if err != nil {
		return nil, err
	}
	bounded.N = min(bounded.N, maxTail)
	if _, err := io.Copy(io.Discard, bounded); err != nil {
		return nil, err
	}
	if bounded.N == 0 {
		return nil, errors.New("the archive is too large")
	}
	return tree, nil
}

// decompress returns what is compressed as the extension tells.
func decompress(r io.Reader, ext string) (data io.Reader, closer func(), err error) {
	nothing := func() {}
	switch ext {
	case "":
		return r, nothing, nil
	case ".gz":
		data, err := gzip.NewReader(r)
		return data, nothing, err
	case ".xz":
		data, err := xz.NewReader(r, maxWindow)
		return data, nothing, err
	case ".zst":
		data, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, err
		}
		return data, data.Close, nil
	}
	return nil, nil, fmt.Errorf("compressed as %q, which is not supported", ext)
}
