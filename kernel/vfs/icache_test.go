package vfs_test

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kevlar/kernel/vfs"
)

type numbered struct{ number uint64 }

func TestInodeCache(t *testing.T) {
	var cache vfs.InodeCache[numbered]
	var loads atomic.Int32
	get := func(n uint64) *numbered {
		i, err := cache.Get(n, func() (*numbered, error) {
			loads.Add(1)
			time.Sleep(time.Millisecond)
			return &numbered{n}, nil
		})
		if err != nil || i.number != n {
			t.Errorf("inode %d: %v, %v", n, i, err)
		}
		return i
	}
	var wg sync.WaitGroup
	var got [8]*numbered
	for i := range got {
		wg.Go(func() { got[i] = get(1) })
	}
	wg.Wait()
	for _, i := range got {
		if i != got[0] {
			t.Error("one number, two inodes")
		}
	}
	if n := loads.Load(); n != 1 {
		t.Errorf("loaded %d times", n)
	}

	// One that is being loaded is in nobody's way.
	begun, finish := make(chan struct{}), make(chan struct{})
	wg.Go(func() {
		cache.Get(2, func() (*numbered, error) {
			close(begun)
			<-finish
			return nil, errors.New("broken")
		})
	})
	<-begun
	get(3)
	second := make(chan *numbered)
	go func() { second <- get(2) }() // tries itself when the first has failed
	time.Sleep(time.Millisecond)
	close(finish)
	if i := <-second; i == nil {
		t.Error("no inode after a failure")
	}
	wg.Wait()

	cache.Drop(1)
	if get(1) == got[0] {
		t.Error("the inode is still there after it was dropped")
	}
	clear(got[:])
	for i := 0; cache.Len() > 0; i++ {
		if i == 1000 {
			t.Fatalf("%d inodes are kept", cache.Len())
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}
