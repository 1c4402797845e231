package debian

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// arMagic begins an archive in the common ar format, which deb(5) describes.
const arMagic = "!<arch>\n"

// arHeader is the size of a member's header in bytes: name 16, time 12, owner 6, group 6, mode 8,
// size 10, all padded with blanks, and the two bytes "`\n".
const arHeader = 60

// ar reads the members of an archive one after the other. GNU's and BSD's long names, which no .deb
// has, are not known.
type ar struct {
	r    io.Reader
	data *io.LimitedReader // what is left of the member
	pad  int64             // of the member: its size is even with it
}

// newAR checks that r holds an archive.
func newAR(r io.Reader) (*ar, error) {
	magic := make([]byte, len(arMagic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != arMagic {
		return nil, errors.New("not a .deb: no ar archive")
	}
	return &ar{r: r, data: &io.LimitedReader{R: r}}, nil
}

// next returns the next member, io.EOF after the last one. The reader is good until the next call;
// what has not been read is skipped.
func (a *ar) next() (name string, data io.Reader, err error) {
	skip := a.data.N + a.pad
	if n, err := io.CopyN(io.Discard, a.r, skip); err != nil && n < skip-a.pad {
		return "", nil, errShort
	}
	header := make([]byte, arHeader)
	switch _, err := io.ReadFull(a.r, header); {
	case err == io.EOF:
		return "", nil, io.EOF
	case err != nil:
		return "", nil, errShort
	case string(header[58:]) != "`\n":
		return "", nil, errors.New("damaged .deb: no header of a member where one must be")
	}
	// Some tools end names with a slash.
	name = strings.TrimSuffix(strings.TrimRight(string(header[:16]), " "), "/")
	size, err := strconv.ParseUint(strings.TrimRight(string(header[48:58]), " "), 10, 63)
	if err != nil {
		return "", nil, fmt.Errorf("damaged .deb: %q is no size of a member", header[48:58])
	}
	a.data = &io.LimitedReader{R: a.r, N: int64(size)}
	a.pad = int64(size % 2)
	return name, a.data, nil
}

var errShort = errors.New("damaged .deb: it ends too early")
