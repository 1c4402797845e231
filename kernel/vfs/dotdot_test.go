package vfs_test

import (
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/vfs"
)

// jail returns a thread with dir as its root directory that works in cwd, both
// paths of c.
func (c *caller) jail(t *testing.T, dir, cwd string) *caller {
	t.Helper()
	j := c.fork()
	j.fs.SetRoot(mustResolve(t, c, dir))
	j.fs.SetCwd(mustResolve(t, c, cwd))
	return j
}

// TestMovedOutOfBindMount checks that a directory which has left what a mount
// shows has no way up.
func TestMovedOutOfBindMount(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	for _, d := range []string{"src", "src/in", "src/in/deep", "src/in/deep/er", "show"} {
		must(t, c.mkdir(d, 0o755))
	}
	c.write(t, "src/secret", "")
	must(t, c.mount("/src/in", "show", "", abi.MS_BIND, ""))
	in := c.fork()
	in.fs.SetCwd(mustResolve(t, c, "show/deep"))
	j := c.jail(t, "show", "show/deep")
	must(t, c.rename("src/in/deep", "src/deep", 0))
	for _, x := range []*caller{in, j} {
		_, err := x.stat("../secret")
		want(t, "a file beside it", err, abi.ENOENT)
		_, err = x.stat("er/..")
		want(t, "up within what was moved", err, abi.ENOENT)
		_, err = x.stat("er")
		want(t, "down", err, nil)
		want(t, "a new name above", x.mkdir("../new", 0o755), abi.ENOENT)
	}
	must(t, c.rename("src/deep", "src/in/deep", 0))
	for _, x := range []*caller{in, j} {
		_, err := x.stat("er/../../deep")
		want(t, "after it has come back", err, nil)
	}
	must(t, in.chdir("/"))
	must(t, j.chdir("/"))
}

// TestMovedOutOfRoot checks the same for a root directory that is no mount's, for
// the working directory and for one that is open.
func TestMovedOutOfRoot(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	for _, d := range []string{"jail", "jail/cwd", "jail/open"} {
		must(t, c.mkdir(d, 0o777))
	}
	c.write(t, "secret", "")
	root := c.jail(t, "jail", "jail/cwd")
	user := root.as(1000, 1000)
	open, err := user.open("/open", abi.O_RDONLY|abi.O_DIRECTORY, 0)
	must(t, err)
	defer open.Put()
	must(t, c.rename("jail/cwd", "cwd", 0))
	must(t, c.rename("jail/open", "open", 0))
	for _, x := range []*caller{root, user} {
		_, err := x.stat("../secret")
		want(t, "out of the working directory", err, abi.ENOENT)
	}
	_, err = vfs.Resolve(user, user.fs, open.Path(), "../secret", 0)
	want(t, "out of an open directory", err, abi.ENOENT)

	// chroot(2) itself leaves the working directory outside, and a superuser
	// who can change the root is not confined by it.
	must(t, c.mkdir("jail/other", 0o755))
	out := c.jail(t, "/", "/open")
	out.fs.SetRoot(mustResolve(t, c, "jail"))
	_, err = out.stat("../secret")
	want(t, "from a working directory that was outside", err, nil)
	_, err = vfs.Resolve(out, out.fs, mustResolve(t, c, "/open"), "../secret", 0)
	want(t, "from a directory that was outside", err, nil)
	must(t, out.chdir("/other"))
	_, err = out.stat("../../secret")
	want(t, "after it has come in", err, abi.ENOENT)
}

// TestScopedWalkRaces is openat2(2) with RESOLVE_BENEATH and RESOLVE_IN_ROOT when
// something moves during the walk.
func TestScopedWalkRaces(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	for _, d := range []string{"in", "in/m", "in/d", "x"} {
		must(t, c.mkdir(d, 0o755))
	}
	d := newDynamic()
	d.set("hook", d.sub())
	must(t, vfs.MountSuper(d.fs, "none", mustResolve(t, c, "in/m"), 0))
	base := mustResolve(t, c, "in")
	names := []string{"x", "y"}
	rename := func() {
		must(t, c.rename("/"+names[0], "/"+names[1], 0))
		names[0], names[1] = names[1], names[0]
	}
	mount := func() { must(t, c.mount("none", "/in/d", "tmpfs", 0, "")) }
	for _, flags := range []vfs.LookupFlags{vfs.LookupBeneath, vfs.LookupInRoot} {
		for _, x := range []struct {
			name   string
			during func()
			err    error
		}{
			{"m/hook/../../d", nil, nil},
			{"m/hook/../../d", rename, abi.EAGAIN},
			{"m/hook/../../d", mount, abi.EAGAIN},
			{"m/hook", rename, nil},
		} {
			d.during(x.during)
			_, err := vfs.Resolve(c, c.fs, base, x.name, flags)
			want(t, x.name, err, x.err)
			d.during(x.during)
			f, err := vfs.OpenAt2(c, c.fs, base, x.name, abi.O_RDONLY, 0, flags)
			if want(t, "open "+x.name, err, x.err); err == nil {
				f.Put()
			}
		}
	}
	d.during(rename)
	_, err := c.stat("in/m/hook/../../d")
	want(t, "a walk that may go anywhere", err, nil)

	// What leaves the base during the walk is not given out.
	must(t, c.mkdir("/in/gone", 0o755))
	s := newDynamic()
	s.set("hook", s.sub())
	must(t, c.mkdir("/in/gone/m", 0o755))
	must(t, vfs.MountSuper(s.fs, "none", mustResolve(t, c, "/in/gone/m"), 0))
	s.during(func() { must(t, c.rename("/in/gone", "/gone", 0)) })
	_, err = vfs.Resolve(c, c.fs, base, "gone/m/hook", vfs.LookupBeneath)
	want(t, "moved away with the walk", err, abi.EXDEV)
}
