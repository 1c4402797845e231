package guest

import (
	"io"
	"strings"
	"sync"
)

// kernelLog passes the kernel log on and remembers its end. It may be written to from several
// goroutines.
type kernelLog struct {
	mu   sync.Mutex
	w    io.Writer // may be nil
	last []byte
}

const (
	logBytes = 8 << 10
	logLines = 20
)

func (l *kernelLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = append(l.last, p...)
	if over := len(l.last) - logBytes; over > 0 {
		l.last = append(l.last[:0], l.last[over:]...)
	}
	if l.w != nil {
		return l.w.Write(p)
	}
	return len(p), nil
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
