package alpine

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// Limits on what a mirror may send, in bytes. What is larger is an error before it takes memory.
const (
	maxArchive   = 64 << 20  // the file of an index, compressed
	maxIndex     = 256 << 20 // the same, unpacked
	maxPackage   = 1 << 30   // the file of a package, compressed
	maxUnpacked  = 4 << 30   // the files of a package together
	maxSignature = 64 << 10  // a signature member, unpacked
	maxControl   = 4 << 20   // a control member, unpacked
)

// errTruncated is the error for a file that ends in the middle.
var errTruncated = errors.New("it ends too early")

// damaged turns an error of the readers of gzip and tar into one for a person.
func damaged(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errTruncated
	case errors.Is(err, errTooLarge):
		return err
	}
	return fmt.Errorf("it is damaged: %v", err)
}

// cutMember cuts the first member off gzip data that consists of several, as in apk's files. It
// returns what the member holds, the member as it is, and what comes behind it.
func cutMember(data []byte, limit int64) (content, member, rest []byte, err error) {
	if bytes.HasPrefix(data, []byte("ADB")) {
		return nil, nil, nil, errors.New("it is in the format of apk version 3, which is not supported")
	}
	if !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		if len(data) == 0 {
			return nil, nil, nil, errTruncated
		}
		return nil, nil, nil, errors.New("it is not a gzip archive")
	}
	r := bytes.NewReader(data) // gzip takes no byte too much from a reader that gives single bytes
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, nil, nil, damaged(err)
	}
	z.Multistream(false)
	content, err = io.ReadAll(&bounded{z, limit})
	if err != nil {
		return nil, nil, nil, damaged(err)
	}
	n := len(data) - r.Len()
	return content, data[:n], data[n:], nil
}

// gunzip unpacks all members of gzip data as one stream.
func gunzip(data []byte, limit int64) (io.Reader, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, damaged(err)
	}
	return &bounded{z, limit}, nil
}

var errTooLarge = errors.New("it grows too large when it is unpacked")

// bounded is a reader with an error at its limit.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooLarge
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left+1)])
	if b.left -= int64(n); b.left < 0 {
		return n - 1, errTooLarge
	}
	return n, err
}

// fileOf returns the content of the file of that name in a tar archive.
func fileOf(r io.Reader, name string) (string, error) {
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if err == io.EOF {
			return "", fmt.Errorf("there is no %s in it", name)
		}
		if err != nil {
			return "", damaged(err)
		}
		if h.Name != name || h.Typeflag != tar.TypeReg {
			continue
		}
		text, err := io.ReadAll(t)
		if err != nil {
			return "", damaged(err)
		}
		return string(text), nil
	}
}
