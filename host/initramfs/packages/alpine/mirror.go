package alpine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// statusError is the answer of a server that is not 200.
type statusError int

func (e statusError) Error() string {
	return "the mirror answers " + strconv.Itoa(int(e)) + " " + http.StatusText(int(e))
}

// get fetches a file of at most limit bytes. A mirror that sends nothing for so long as its patience
// lasts is given up. Nothing is tried twice.
func get(ctx context.Context, address string, limit int64, patience time.Duration) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(patience, func() {
		cancel(fmt.Errorf("the mirror sends nothing for %v", patience))
	})
	defer timer.Stop()
	data, err := download(ctx, address, limit, func() { timer.Reset(patience) })
	if err == nil {
		return data, nil
	}
	var u *url.Error // which repeats the address
	if errors.As(err, &u) {
		err = u.Err
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	} else if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errTruncated
	}
	return nil, fmt.Errorf("%s: %w", address, err)
}

// download makes the request of get and calls progress when something came.
func download(ctx context.Context, address string, limit int64, progress func()) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	// The bytes are wanted as they are in the file, also from servers that take the gzip in it for
	// an encoding.
	request.Header.Set("Accept-Encoding", "identity")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, statusError(response.StatusCode)
	}
	progress()
	tooLong := fmt.Errorf("the file has more than %d bytes", limit)
	if response.ContentLength > limit {
		return nil, tooLong
	}
	data, err := io.ReadAll(io.LimitReader(&watched{response.Body, progress}, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = tooLong
	}
	return data, err
}

// watched is a reader that tells when something was read.
type watched struct {
	r        io.Reader
	progress func()
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if n > 0 {
		w.progress()
	}
	return n, err
}
