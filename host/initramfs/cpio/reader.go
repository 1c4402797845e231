package cpio

import (
	"errors"
	"fmt"
	"io"
	"strconv"
)

// header is what the head of an archive's member says.
type header struct {
	inode, mode, uid, gid, links, time, size    uint32
	devMajor, devMinor, major, minor, nameBytes uint32
	name                                        string
}

const (
	headerSize = 110
	maxName    = 4096 // PATH_MAX
	trailer    = "TRAILER!!!"
)

// reader takes an archive apart, member by member.
type reader struct {
	r    io.Reader
	left int64 // bytes of the current member's data and padding that were not read
	pad  int64 // how many of them are padding
}

var errTruncated = errors.New("damaged cpio archive: it ends too early")

// next skips to the next member. After the last one the error is io.EOF.
func (r *reader) next() (*header, error) {
	if _, err := io.CopyN(io.Discard, r.r, r.left); err != nil {
		return nil, truncated(err)
	}
	r.left = 0
	var raw [headerSize]byte
	if _, err := io.ReadFull(r.r, raw[:]); err != nil {
		return nil, truncated(err)
	}
	if magic := string(raw[:6]); magic != "070701" && magic != "070702" {
		return nil, errors.New("damaged cpio archive: a member does not begin with 070701")
	}
	var h header
	var checksum uint32
	for i, field := range []*uint32{&h.inode, &h.mode, &h.uid, &h.gid, &h.links, &h.time, &h.size,
		&h.devMajor, &h.devMinor, &h.major, &h.minor, &h.nameBytes, &checksum} {
		n, err := strconv.ParseUint(string(raw[6+8*i:14+8*i]), 16, 32)
		if err != nil {
			return nil, errors.New("damaged cpio archive: a header field is not hexadecimal")
		}
		*field = uint32(n)
	}
	if h.nameBytes < 1 || h.nameBytes > maxName {
		return nil, fmt.Errorf("damaged cpio archive: a name of %d bytes", h.nameBytes)
	}
	name := make([]byte, h.nameBytes+padding(headerSize+h.nameBytes))
	if _, err := io.ReadFull(r.r, name); err != nil {
		return nil, truncated(err)
	}
	h.name = string(name[:h.nameBytes-1])
	if h.name == trailer {
		return nil, io.EOF
	}
	r.pad = int64(padding(h.size))
	r.left = int64(h.size) + r.pad
	return &h, nil
}

// Read reads the current member's data.
func (r *reader) Read(p []byte) (int, error) {
	data := r.left - r.pad
	if data <= 0 {
		return 0, io.EOF
	}
	n, err := r.r.Read(p[:min(int64(len(p)), data)])
	r.left -= int64(n)
	if err == io.EOF {
		err = errTruncated
	}
	return n, err
}

// padding returns how many bytes bring n to a multiple of four.
func padding(n uint32) uint32 { return -n & 3 }

func truncated(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errTruncated
	}
	return err
}
