package vfs

import "sync"

// A ReleaseHook tells its Observer when a File is released: epoll(7) forgets a
// file then. It is embedded in what observes.
type ReleaseHook struct {
	Observer ReleaseObserver // set before the hook is added

	// Guarded by releaseHooks.mu; once the file is being released, by
	// nothing, because nobody writes them.
	next, prev *ReleaseHook
	added      bool
}

// A ReleaseObserver is told that a file is released.
type ReleaseObserver interface {
	// FileReleased is called once for each hook that was added, before the
	// file's operations are released. Afterwards f must not be used.
	FileReleased(f *File)
}

// releaseHooks are the hooks of one File, doubly linked.
type releaseHooks struct {
	mu    sync.Mutex
	first *ReleaseHook // guarded by mu
}

// AddReleaseHook makes h tell when f is released. The caller holds a reference
// on f.
func (f *File) AddReleaseHook(h *ReleaseHook) {
	hs := f.hooks.Load()
	if hs == nil {
		f.hooks.CompareAndSwap(nil, new(releaseHooks))
		hs = f.hooks.Load()
	}
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h.added, h.prev, h.next = true, nil, hs.first
	if h.next != nil {
		h.next.prev = h
	}
	hs.first = h
}

// RemoveReleaseHook takes h away. It does nothing if f is being released.
func (f *File) RemoveReleaseHook(h *ReleaseHook) {
	hs := f.hooks.Load()
	if hs == nil {
		return
	}
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if !h.added {
		return
	}
	h.added = false
	if h.prev != nil {
		h.prev.next = h.next
	} else {
		hs.first = h.next
	}
	if h.next != nil {
		h.next.prev = h.prev
	}
}

// released tells all observers.
func (hs *releaseHooks) released(f *File) {
	for h := hs.detach(); h != nil; h = h.next {
		h.Observer.FileReleased(f)
	}
}

// detach takes all hooks away and returns the first.
func (hs *releaseHooks) detach() *ReleaseHook {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	first := hs.first
	hs.first = nil
	for h := first; h != nil; h = h.next {
		h.added = false
	}
	return first
}
