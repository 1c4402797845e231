package vfs_test

import (
	"fmt"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// targets returns where the mounts are, in order.
func (c *caller) targets() []string {
	var list []string
	vfs.Mounts(c.fs.Root(), func(m vfs.MountInfo) bool {
		list = append(list, m.Target)
		return true
	})
	return list
}

// TestManyMounts goes through mounts in pieces while they come and go, and takes
// a large tree down at once.
func TestManyMounts(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	const n = 1000
	must(t, c.mkdir("top", 0o755))
	must(t, c.mount("none", "top", "tmpfs", 0, ""))
	for i := range n {
		name := fmt.Sprint("top/", i)
		must(t, c.mkdir(name, 0o755))
		must(t, c.mount(name, name, "tmpfs", 0, ""))
	}
	var seen []string
	for pos := int64(0); ; {
		got := 0
		vfs.MountsFrom(c.fs.Root(), pos, func(m vfs.MountInfo, next int64) bool {
			got++
			seen = append(seen, m.Target)
			pos = next
			return got < 7
		})
		if got == 0 {
			break
		}
		if len(seen) < n { // those seen go, and some not seen yet
			c.umount(seen[len(seen)-1], 0)
			c.umount(fmt.Sprint("top/", n-len(seen)/7), 0)
		}
	}
	once := map[string]bool{}
	for _, name := range seen {
		if once[name] {
			t.Errorf("%s is told twice", name)
		}
		once[name] = true
	}
	for _, name := range c.targets() {
		if !once[name] {
			t.Errorf("%s is not told", name)
		}
	}
	must(t, c.umount("top", abi.MNT_DETACH))
	if got := c.targets(); len(got) != 1 {
		t.Errorf("mounts left: %v", got)
	}
}

// TestMountStack mounts onto one place again and again.
func TestMountStack(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("d", 0o755))
	for i := range 200 {
		must(t, c.mount(fmt.Sprint(i), "d", "tmpfs", 0, ""))
		c.write(t, fmt.Sprint("d/", i), "")
	}
	must(t, c.mount("d", "d", "", abi.MS_BIND, "")) // shows the topmost
	for i := 199; i >= 0; i-- {
		if _, err := c.stat(fmt.Sprint("d/", i)); err != nil {
			t.Fatalf("file system %d: %v", i, err)
		}
		if _, err := c.stat("d/../d"); err != nil {
			t.Fatal(err)
		}
		if i == 199 {
			must(t, c.umount("d", 0))
		}
		must(t, c.umount("d", 0))
	}
	want(t, "umount below the last", c.umount("d", 0), abi.EINVAL)
}

func TestMountMax(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("d", 0o755))
	must(t, c.mkdir("e", 0o755))
	setting(t, "mount-max", 4)
	for range 3 {
		must(t, c.mount("none", "d", "tmpfs", 0, ""))
	}
	want(t, "one too many", c.mount("none", "d", "tmpfs", 0, ""), abi.ENOSPC)
	want(t, "a bind mount too many", c.mount("d", "e", "", abi.MS_BIND, ""), abi.ENOSPC)
	must(t, c.umount("d", 0))
	must(t, c.umount("d", 0))
	must(t, c.mount("d", "e", "", abi.MS_BIND, ""))
	must(t, c.mkdir("e/sub", 0o755))
	must(t, c.umount("e", 0))
	must(t, c.mount("none", "d/sub", "tmpfs", 0, ""))
	want(t, "a tree too many", c.mount("d", "e", "", abi.MS_BIND|abi.MS_REC, ""), abi.ENOSPC)
	if got := len(c.targets()); got != 3 {
		t.Errorf("%d mounts, want 3", got)
	}
}

// TestNamespaces has two trees that do not know of each other.
func TestNamespaces(t *testing.T) {
	a, b := newRoot(t, tmpfs.Options{}), newRoot(t, tmpfs.Options{})
	must(t, a.mkdir("d", 0o755))
	must(t, b.mkdir("d", 0o755))
	must(t, a.mount("none", "d", "tmpfs", 0, ""))
	if n := len(b.targets()); n != 1 {
		t.Errorf("%d mounts in the other namespace", n)
	}
	in, out := mustResolve(t, a, "d"), mustResolve(t, b, "d")
	want(t, "mount into another namespace", vfs.MountAt(a, a.fs, "none", out, "tmpfs", 0, ""), abi.EINVAL)
	want(t, "umount in another namespace", vfs.UmountAt(b, b.fs, in, 0), abi.EINVAL)
}

// TestMountEvents checks what poll(2) of /proc/PID/mounts stands on.
func TestMountEvents(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("a", 0o755))
	must(t, c.mkdir("b", 0o755))
	ns := c.fs.Namespace()
	var w wait.Waiter
	woken := 0
	w.Callback = func(*wait.Waiter, wait.Events) { woken++ }
	ns.WaitQueue().Register(&w, wait.Pri)
	defer ns.WaitQueue().Unregister(&w)
	for _, x := range []struct {
		what string
		do   func() error
	}{
		{"mount", func() error { return c.mount("none", "a", "tmpfs", 0, "") }},
		{"bind", func() error { return c.mount("a", "b", "", abi.MS_BIND, "") }},
		{"umount", func() error { return c.umount("b", 0) }},
		{"move", func() error { return c.mount("a", "b", "", abi.MS_MOVE, "") }},
		{"remount", func() error { return c.mount("", "b", "", abi.MS_REMOUNT|abi.MS_BIND|abi.MS_RDONLY, "") }},
		{"detach", func() error { return c.umount("b", abi.MNT_DETACH) }},
	} {
		before := ns.Events()
		woken = 0
		must(t, x.do())
		if ns.Events() == before || woken == 0 {
			t.Errorf("%s: %d events, woken %d times", x.what, ns.Events()-before, woken)
		}
	}
}

// A slowDir is a directory in which making one takes a while.
type slowDir struct {
	dynamic
	during func()
}

func (d *slowDir) Mkdir(vfs.Caller, string, uint32) (vfs.Inode, error) {
	d.during()
	return d.sub(), nil
}

// TestWriteIntent checks that a file system does not become read-only during an
// operation that writes, and that nothing is written once it is.
func TestWriteIntent(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("p", 0o755))
	must(t, c.mkdir("q", 0o755))
	d := &slowDir{}
	d.fs = &vfs.Super{Dev: vfs.NewDev(), FSType: "slow", Root: d, Medium: vfs.Memory}
	d.names = map[string]vfs.Inode{}
	must(t, vfs.MountSuper(d.fs, "p", mustResolve(t, c, "p"), 0))
	must(t, c.mount("p", "q", "", abi.MS_BIND, ""))
	p, q := mustResolve(t, c, "p"), mustResolve(t, c, "q")
	set := func(at vfs.Path, flags int) error {
		return vfs.MountAt(c, c.fs, "", at, "", abi.MS_REMOUNT|flags, "")
	}
	d.during = func() {
		want(t, "the file system", set(p, abi.MS_RDONLY), abi.EBUSY)
		want(t, "through the other mount", set(q, abi.MS_RDONLY), abi.EBUSY)
		want(t, "the mount", set(p, abi.MS_BIND|abi.MS_RDONLY), abi.EBUSY)
		want(t, "the other mount", set(q, abi.MS_BIND|abi.MS_RDONLY), nil)
	}
	must(t, c.mkdir("p/x", 0o755))
	want(t, "through a read-only mount", c.mkdir("q/y", 0o755), abi.EROFS)
	must(t, set(p, abi.MS_RDONLY))
	want(t, "on a read-only file system", c.mkdir("p/y", 0o755), abi.EROFS)
	must(t, set(p, 0))
	d.during = func() {}
	must(t, c.mkdir("p/y", 0o755))
}

// TestWriteIntentRace has threads write while the mount changes to and fro: when
// it is read-only nobody writes, and an attempt to make it so that fails leaves
// no trace.
func TestWriteIntentRace(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("m", 0o755))
	must(t, c.mount("none", "m", "tmpfs", 0, ""))
	m := mustResolve(t, c, "m")
	stop := make(chan struct{})
	done := make(chan error, 2)
	for i := range 2 {
		w := c.fork()
		name := fmt.Sprint("m/", i)
		go func() {
			for {
				select {
				case <-stop:
					done <- nil
					return
				default:
				}
				if err := w.mkdir(name, 0o755); err != nil && err != abi.EROFS && err != abi.EEXIST {
					done <- err
					return
				}
				if err := w.rmdir(name); err != nil && err != abi.EROFS && err != abi.ENOENT {
					done <- err
					return
				}
			}
		}()
	}
	made := 0
	// On a busy host there may be a writer at every look for a long time.
	for begin := time.Now(); time.Since(begin) < 300*time.Millisecond || made == 0 && time.Since(begin) < 20*time.Second; {
		err := vfs.MountAt(c, c.fs, "", m, "", abi.MS_REMOUNT|abi.MS_RDONLY, "")
		if err == abi.EBUSY {
			if m.Mount.ReadOnly() {
				t.Fatal("a change that failed is there")
			}
			continue
		}
		must(t, err)
		made++
		a := m.Inode().Attr()
		time.Sleep(time.Millisecond)
		if b := m.Inode().Attr(); a.Mtime != b.Mtime {
			t.Fatal("written to while read-only")
		}
		must(t, vfs.MountAt(c, c.fs, "", m, "", abi.MS_REMOUNT, ""))
	}
	close(stop)
	for range 2 {
		must(t, <-done)
	}
	if made == 0 {
		t.Error("it was never read-only")
	}
}
