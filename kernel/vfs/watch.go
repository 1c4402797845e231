package vfs

import (
	"slices"
	"sync"
)

// A Watcher is told when a File that it watches is released: epoll(7) forgets
// a file then.
type Watcher interface {
	// FileReleased is called once for each call of Watch, before the file's
	// operations are released. Afterwards f must not be used.
	FileReleased(f *File)
}

// watchers are those who watch a File.
type watchers struct {
	mu   sync.Mutex
	list []Watcher // guarded by mu
}

// Watch makes w be told when f is released. The caller holds a reference on
// f.
func (f *File) Watch(w Watcher) {
	ws := f.watch.Load()
	if ws == nil {
		ws = new(watchers)
		if !f.watch.CompareAndSwap(nil, ws) {
			ws = f.watch.Load()
		}
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.list = append(ws.list, w)
}

// Unwatch undoes one call of Watch. It does nothing if f is being released.
func (f *File) Unwatch(w Watcher) {
	ws := f.watch.Load()
	if ws == nil {
		return
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if i := slices.Index(ws.list, w); i >= 0 {
		ws.list = slices.Delete(ws.list, i, i+1)
	}
}

// released tells everyone who watches f.
func (ws *watchers) released(f *File) {
	if ws == nil {
		return
	}
	ws.mu.Lock()
	list := ws.list
	ws.list = nil
	ws.mu.Unlock()
	for _, w := range list {
		w.FileReleased(f)
	}
}
