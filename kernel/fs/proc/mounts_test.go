package proc

import (
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// TestMountsPoll checks that a change of mounts is told once to each open file.
func TestMountsPoll(t *testing.T) {
	w := newWorld(t)
	open := func(name string) *vfs.File {
		f, err := vfs.OpenAt(w.init, w.ctx, w.ctx.Root(), name, abi.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.Put)
		return f
	}
	check := func(what string, f *vfs.File, want wait.Events) {
		t.Helper()
		if got := f.Ready(wait.Pri | wait.In); got != want {
			t.Errorf("%s: events %#x, want %#x", what, got, want)
		}
	}
	mounts, info, other := open("/7/mounts"), open("/7/mountinfo"), open("/7/stat")
	woken := 0
	wt := wait.Waiter{Callback: func(*wait.Waiter, wait.Events) { woken++ }}
	mounts.WaitQueue().Register(&wt, wait.In)
	defer mounts.WaitQueue().Unregister(&wt)
	check("mounts before", mounts, wait.In)
	target, err := vfs.Resolve(w.init, w.ctx, w.ctx.Root(), "/sys", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := vfs.MountSuper(New(w.fakeSystem).Super(), "proc", target, 0); err != nil {
		t.Fatal(err)
	}
	if woken == 0 {
		t.Error("nobody was woken")
	}
	changed := wait.In | wait.Err | wait.Pri
	check("mounts", mounts, changed)
	check("mounts again", mounts, wait.In)
	check("mountinfo", info, changed)
	check("mountinfo again", info, wait.In)
	check("opened later", open("/7/mounts"), wait.In)
	check("what has nothing to do with it", other, wait.In)
}
