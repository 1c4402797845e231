package guest

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// containedPanic is what the Kevlar kernel logs when it has survived a panic in itself.
const containedPanic = "kevlar: contained panic"

// kernelLog passes the kernel log on, remembers its end, and counts contained panics. It may be
// written to from several goroutines.
type kernelLog struct {
	mu     sync.Mutex
	w      io.Writer // may be nil
	last   []byte
	panics int
}

const (
	logBytes = 8 << 10
	logLines = 20
)

func (l *kernelLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := len(l.last)
	l.last = append(l.last, p...)
	// The phrase may come in pieces.
	l.panics += bytes.Count(l.last[max(0, before-len(containedPanic)+1):], []byte(containedPanic))
	if over := len(l.last) - logBytes; over > 0 {
		l.last = append(l.last[:0], l.last[over:]...)
	}
	if l.w != nil {
		l.w.Write(p) // an error must not hold up the kernel
	}
	return len(p), nil
}

// contained returns how many contained panics were logged.
func (l *kernelLog) contained() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.panics
}

// tail returns the last lines.
func (l *kernelLog) tail() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := strings.TrimSpace(strings.ReplaceAll(string(l.last), "\r", ""))
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	return lines[max(0, len(lines)-logLines):]
}
