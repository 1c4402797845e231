package vfs

import (
	"runtime"
	"sync"
	"weak"
)

// An InodeCache has the inodes of one file system that are in use, by number, so
// that there is one object for each however it is found. File systems whose
// inodes are read from somewhere have one. T is the file system's type of inodes;
// the zero value is empty and ready for use.
//
// The cache itself keeps no inode: one that nobody holds any more goes with the
// next collection. Who must keep an inode, because it is dirty or has no name,
// holds a pointer to it.
type InodeCache[T any] struct {
	mu sync.Mutex
	m  map[uint64]*cachedInode[T] // guarded by mu
}

// A cachedInode is an inode that is there, or is being loaded.
type cachedInode[T any] struct {
	inode  weak.Pointer[T]
	loaded chan struct{} // closed when load has returned; nil if inode is set
}

// Get returns the inode with a number. If it is not there load makes it; others
// who want the same one wait, and try themselves if that fails. The numbers of
// several inodes are loaded at once.
func (c *InodeCache[T]) Get(number uint64, load func() (*T, error)) (*T, error) {
	for {
		c.mu.Lock()
		e := c.m[number]
		if e == nil {
			break
		}
		loading := e.loaded
		if loading == nil {
			if inode := e.inode.Value(); inode != nil {
				c.mu.Unlock()
				return inode, nil
			}
			break
		}
		c.mu.Unlock()
		<-loading
	}
	e := &cachedInode[T]{loaded: make(chan struct{})}
	if c.m == nil {
		c.m = make(map[uint64]*cachedInode[T])
	}
	c.m[number] = e
	c.mu.Unlock()

	var inode *T
	defer func() { // even if load panics
		c.mu.Lock()
		defer c.mu.Unlock()
		close(e.loaded)
		e.loaded = nil
		if inode == nil {
			delete(c.m, number)
			return
		}
		e.inode = weak.Make(inode)
		runtime.AddCleanup(inode, c.collected, number)
	}()
	var err error
	inode, err = load()
	return inode, err
}

// Drop forgets the inode with a number, which the file system is about to give to
// another file.
func (c *InodeCache[T]) Drop(number uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.m[number]; e != nil && e.loaded == nil {
		delete(c.m, number)
	}
}

// Len returns how many inodes there are.
func (c *InodeCache[T]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.m)
}

// collected runs after the collector has taken an inode.
func (c *InodeCache[T]) collected(number uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.m[number]; e != nil && e.loaded == nil && e.inode.Value() == nil {
		delete(c.m, number)
	}
}
