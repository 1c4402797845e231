package vfs_test

import (
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/vfs"
)

// setting sets a number of /proc/sys/fs until the test ends.
func setting(t *testing.T, name string, v int32) {
	t.Helper()
	for _, s := range vfs.Settings() {
		if s.Name == name {
			old := s.Value()
			s.Set(v)
			t.Cleanup(func() { s.Set(old) })
			return
		}
	}
	t.Fatalf("no setting %s", name)
}

func TestProtectedDefaults(t *testing.T) {
	wanted := map[string]int32{
		"protected_hardlinks": 1, "protected_symlinks": 1, "protected_fifos": 1, "protected_regular": 2,
	}
	for _, s := range vfs.Settings() {
		if v, ok := wanted[s.Name]; ok && s.Value() != v {
			t.Errorf("%s is %d, want %d", s.Name, s.Value(), v)
		}
	}
}

func TestProtectedSymlinks(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	for name, mode := range map[string]uint32{"tmp": 0o1777, "open": 0o777, "sticky": 0o1755} {
		must(t, c.mkdir(name, 0o755))
		must(t, vfs.Chmod(c, mustResolve(t, c, name), mode))
	}
	must(t, c.mkdir("dir", 0o755))
	c.write(t, "dir/f", "")
	alice, bob := c.as(1, 1), c.as(2, 2)
	must(t, alice.symlink("/dir/f", "/tmp/l"))
	must(t, alice.symlink("/dir", "/tmp/d"))
	must(t, alice.symlink("/dir/f", "/open/l"))
	must(t, c.symlink("/dir/f", "/tmp/root"))
	must(t, c.symlink("/tmp/l", "/to"))
	must(t, c.symlink("/dir/f", "/sticky/l"))
	must(t, alice.symlink("/dir/none", "/tmp/new"))
	for _, x := range []struct {
		who  *caller
		name string
		err  error
	}{
		{alice, "/tmp/l", nil},
		{bob, "/tmp/l", abi.EACCES},
		{c, "/tmp/l", abi.EACCES}, // the superuser is the one to be protected
		{bob, "/to", abi.EACCES},
		{bob, "/tmp/d", abi.EACCES},
		{bob, "/tmp/d/f", nil}, // a middle place cannot be helped
		{bob, "/tmp/root", nil},
		{bob, "/open/l", nil},
		{bob, "/sticky/l", nil},
	} {
		_, err := x.who.stat(x.name)
		want(t, x.name, err, x.err)
		f, err := x.who.open(x.name, abi.O_RDONLY, 0)
		if want(t, "open "+x.name, err, x.err); err == nil {
			f.Put()
		}
	}
	_, err := c.open("/tmp/new", abi.O_CREAT|abi.O_WRONLY, 0o644)
	want(t, "create through a link", err, abi.EACCES)
	_, err = bob.resolve("/tmp/l", 0)
	want(t, "the link itself", err, nil)
	setting(t, "protected_symlinks", 0)
	_, err = bob.stat("/tmp/l")
	want(t, "without the rule", err, nil)
}

func TestProtectedHardlinks(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, vfs.Chmod(c, c.fs.Root(), 0o777))
	alice, bob := c.as(1, 1), c.as(2, 2)
	must(t, vfs.MknodAt(alice, alice.fs, alice.fs.Cwd(), "fifo", abi.S_IFIFO|0o666, 0))
	must(t, vfs.Chmod(c, mustResolve(t, c, "fifo"), 0o666))
	must(t, alice.symlink("x", "link"))
	for name, mode := range map[string]uint32{
		"plain": 0o666, "unreadable": 0o622, "unwritable": 0o644, "setuid": 0o4777, "setgid": 0o2777, "locking": 0o2766,
	} {
		alice.write(t, name, "")
		must(t, vfs.Chmod(alice, mustResolve(t, c, name), mode))
	}
	for name, err := range map[string]error{
		"plain": nil, "unreadable": abi.EPERM, "unwritable": abi.EPERM, "setuid": abi.EPERM,
		"setgid": abi.EPERM, "locking": nil, "fifo": abi.EPERM, "link": abi.EPERM,
	} {
		want(t, name, bob.link(name, name+"-bob"), err)
		want(t, name+" by its owner", alice.link(name, name+"-alice"), nil)
		want(t, name+" by the superuser", c.link(name, name+"-root"), nil)
	}
	setting(t, "protected_hardlinks", 0)
	want(t, "without the rule", bob.link("setuid", "setuid-free"), nil)
}

func TestProtectedCreation(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	const group = 7
	for name, mode := range map[string]uint32{"tmp": 0o1777, "team": 0o1775, "open": 0o777} {
		must(t, c.mkdir(name, 0o755))
		p := mustResolve(t, c, name)
		must(t, vfs.Chown(c, p, 0, group))
		must(t, vfs.Chmod(c, p, mode))
	}
	alice, bob := c.as(1, group), c.as(2, group)
	for _, dir := range []string{"/tmp/", "/team/", "/open/"} {
		alice.write(t, dir+"f", "")
		must(t, vfs.Chmod(alice, mustResolve(t, c, dir+"f"), 0o666))
		c.write(t, dir+"root", "")
		must(t, vfs.Chmod(c, mustResolve(t, c, dir+"root"), 0o666))
	}
	try := func(who *caller, name string, err error) {
		t.Helper()
		f, got := who.open(name, abi.O_CREAT|abi.O_WRONLY, 0o644)
		if want(t, name, got, err); got == nil {
			f.Put()
		}
	}
	try(alice, "/tmp/f", nil)
	try(bob, "/tmp/f", abi.EACCES)
	try(c, "/tmp/f", abi.EACCES)
	try(bob, "/team/f", abi.EACCES)
	try(bob, "/open/f", nil)
	try(bob, "/tmp/root", nil) // the directory's owner may lay out files
	f, err := bob.open("/tmp/f", abi.O_WRONLY, 0)
	must(t, err) // who does not ask for a new file knows what it opens
	f.Put()
	setting(t, "protected_regular", 1)
	try(bob, "/tmp/f", abi.EACCES)
	try(bob, "/team/f", nil)
	setting(t, "protected_regular", 0)
	try(bob, "/tmp/f", nil)
}
