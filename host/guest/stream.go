package guest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
)

// tokenMark begins a token and occurs nowhere else in it.
const tokenMark = '~'

// newToken returns a string that a guest does not write by chance.
func newToken() string { return string(tokenMark) + rand.Text() }

// errNoToken says that a stream ended before its token.
var errNoToken = errors.New("the stream ended early")

// copyUntil copies r to w up to the token, which it takes away. Bytes are passed on as they come,
// but those that may be the beginning of the token are held back until the next ones tell.
func copyUntil(w io.Writer, r io.Reader, token string) error {
	buf := make([]byte, 0, 64<<10)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		end := bytes.Index(buf, []byte(token))
		found := end >= 0
		if !found {
			end = len(buf) - held(buf, token)
			if err != nil {
				end = len(buf)
			}
		}
		if end > 0 {
			if _, werr := w.Write(buf[:end]); werr != nil {
				return werr
			}
		}
		if found {
			return nil
		}
		if err == io.EOF {
			return errNoToken
		}
		if err != nil {
			return err
		}
		buf = buf[:copy(buf, buf[end:])]
	}
}

// held returns how many bytes at the end of buf may be the beginning of the token.
func held(buf []byte, token string) int {
	if i := bytes.LastIndexByte(buf, tokenMark); i >= 0 && len(buf)-i < len(token) && token[:len(buf)-i] == string(buf[i:]) {
		return len(buf) - i
	}
	return 0
}
