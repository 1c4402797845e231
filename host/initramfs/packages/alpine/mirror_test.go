package alpine

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestBadMirror(t *testing.T) {
	tests := map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		want   string
	}{
		"not found":    {http.NotFound, "the mirror answers 404 Not Found"},
		"server error": {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) }, "503 Service Unavailable"},
		"no content":   {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }, "204 No Content"},
		"a circle":     {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, 302) }, "redirects"},
		"a web page":   {func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("<html>\n<b>Log in</b>")) }, "not a gzip archive"},
		"nothing":      {func(w http.ResponseWriter, r *http.Request) {}, "ends too early"},
		"too short": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.Write([]byte("abc"))
		}, "ends too early"},
		"too long": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(maxArchive+1))
			w.Write([]byte("abc"))
		}, "the file has more than"},
		"cut off": {func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"silent":  {func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "the mirror sends nothing for 100ms"},
		"silent in the middle": {func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte("\x1f\x8b"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "the mirror sends nothing for 100ms"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := serve(t)
			r.handle = func(w http.ResponseWriter, request *http.Request) bool {
				tt.answer(w, request)
				return true
			}
			p := r.provider(t, t.TempDir())
			if strings.HasPrefix(name, "silent") {
				p.patience = 100 * time.Millisecond
			}
			_, err := p.Resolve(t.Context(), []string{"a"})
			wantError(t, err, "alpine repository v3.20/main: ", tt.want)
			if name != "a circle" && r.requests() != 1 {
				t.Errorf("asked %d times", r.requests())
			}
			if f := fingerprint(t, p); f != "" {
				t.Error("something was stored")
			}
		})
	}
}

func TestNoMirror(t *testing.T) {
	r := serve(t)
	r.Close()
	_, err := r.provider(t, t.TempDir()).Resolve(t.Context(), []string{"a"})
	wantError(t, err, "alpine repository v3.20/main: ", "connection refused")
}

// TestSlowMirror sends a little at a time, for longer than the patience lasts for silence.
func TestSlowMirror(t *testing.T) {
	t.Parallel()
	const patience, pieces = 1500 * time.Millisecond, 17
	r := serve(t, apk{name: "a", version: "1"})
	p := r.provider(t, t.TempDir())
	p.patience = patience
	r.handle = func(w http.ResponseWriter, request *http.Request) bool {
		content := r.files[strings.TrimPrefix(request.URL.Path, "/")]
		for piece := range slices.Chunk(content, len(content)/pieces) {
			w.Write(piece)
			w.(http.Flusher).Flush()
			time.Sleep(100 * time.Millisecond)
		}
		return true
	}
	start := time.Now()
	if got := mustResolve(t, p, "a"); got != "a-1" {
		t.Errorf("resolved to %s", got)
	}
	if took := time.Since(start); took < patience {
		t.Errorf("it took %v, which tells nothing", took)
	}
}

func TestInterrupt(t *testing.T) {
	r := serve(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	interrupted := errors.New("interrupted by a person")
	r.handle = func(w http.ResponseWriter, request *http.Request) bool {
		cancel(interrupted)
		<-request.Context().Done()
		return true
	}
	_, err := r.provider(t, t.TempDir()).Resolve(ctx, []string{"a"})
	wantError(t, err, "interrupted by a person")
	if !errors.Is(err, interrupted) {
		t.Error("the cause is not in the error")
	}
}

// TestEncoding has a server that takes the gzip of the files for an encoding of HTTP.
func TestEncoding(t *testing.T) {
	r := serve(t, apk{name: "a", version: "1"})
	r.handle = func(w http.ResponseWriter, request *http.Request) bool {
		w.Header().Set("Content-Encoding", "gzip")
		return false
	}
	if got := mustResolve(t, r.provider(t, t.TempDir()), "a"); got != "a-1" {
		t.Errorf("resolved to %s", got)
	}
}
