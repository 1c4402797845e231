package task_test

import (
	"sync"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

// TestReaper drops the last reference on a table as the killer does, with a lock held that the release of a file
// wants: a fault in a copy holds such a lock. One release panics; those after it happen all the same.
func TestReaper(t *testing.T) {
	go task.Reap()
	var mu sync.Mutex
	released := make(chan int, 2)
	table := func(id int, release func()) *vfs.FDTable {
		f, err := vfs.NewAnonFile(vfs.Kernel, "file", new(struct{ vfs.NoFile }), abi.O_RDWR)
		if err != nil {
			t.Fatal(err)
		}
		f.AddReleaseHook(&vfs.ReleaseHook{Observer: releaseFunc(func() {
			mu.Lock()
			defer mu.Unlock()
			released <- id
			release()
		})})
		table := vfs.NewFDTable()
		if _, err := table.Install(f, 0, false); err != nil {
			t.Fatal(err)
		}
		return table
	}
	panics := task.ContainedPanics()
	mu.Lock()
	task.DropAsKiller(table(1, func() { panic("a defect") }))
	mu.Unlock()
	mu.Lock()
	task.DropAsKiller(table(2, func() {}))
	mu.Unlock()
	seen := 0
	for range 2 {
		select {
		case id := <-released:
			seen += id
		case <-time.After(10 * time.Second):
			t.Fatalf("released %d", seen)
		}
	}
	for end := time.Now().Add(10 * time.Second); task.ContainedPanics() == panics && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if seen != 3 || task.ContainedPanics() != panics+1 {
		t.Errorf("released %d, %d panics", seen, task.ContainedPanics()-panics)
	}
	task.ForgetPanics(panics)
}
