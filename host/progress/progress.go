// Package progress tells a person what a long step is doing, and stays out of the way of
// programs: on a terminal it speaks, in a pipe it is quiet.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// A Reporter writes one line a step. Its methods may be called from several goroutines, and on a
// nil Reporter, which says nothing.
type Reporter struct {
	mu      sync.Mutex
	w       io.Writer
	verbose bool
}

// New returns a Reporter that writes to w. Steps are shown when verbose is set or w is a terminal.
func New(w io.Writer, verbose bool) *Reporter {
	return &Reporter{w: w, verbose: verbose || IsTerminal(w)}
}

// IsTerminal says whether v is a file that is a terminal.
func IsTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Step says what happens now. It is shown to a person only.
func (r *Reporter) Step(format string, args ...any) {
	if r != nil && r.verbose {
		r.line(format, args...)
	}
}

// Note says something that must be seen even in a pipe, such as a change to the host.
func (r *Reporter) Note(format string, args ...any) {
	if r != nil {
		r.line(format, args...)
	}
}

func (r *Reporter) line(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.w, "kevlar: "+format+"\n", args...)
}
