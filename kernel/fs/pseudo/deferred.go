package pseudo

import "sync"

// Deferred puts off filling a file system until somebody looks at it: the
// machine starts faster than anyone mounts it. The zero value is ready.
type Deferred struct {
	mu      sync.Mutex
	begun   bool
	pending []func()
}

// Do runs f now, or when Begin is called if it has not been yet. Functions run
// in order, one at a time, and must not call Do.
func (d *Deferred) Do(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.begun {
		f()
		return
	}
	d.pending = append(d.pending, f)
}

// Begin runs what was put off.
func (d *Deferred) Begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.begun = true
	for _, f := range d.pending {
		f()
	}
	d.pending = nil
}
