package vfs_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/vfs"
)

// TestWalkAllocates checks that known names cost no memory.
func TestWalkAllocates(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("/usr", 0o755))
	must(t, c.mkdir("/usr/bin", 0o755))
	c.write(t, "/usr/bin/sh", "")
	must(t, c.symlink("usr/bin", "/bin"))
	user := c.as(1000, 1000)
	for _, name := range []string{"/usr/bin/sh", "/usr/../usr/./bin//sh", "/bin/sh", "usr/bin", "/"} {
		var base vfs.Caller = user
		n := testing.AllocsPerRun(100, func() {
			p, err := vfs.Resolve(base, c.fs, c.fs.Cwd(), name, vfs.LookupFollow)
			if err != nil {
				t.Fatal(err)
			}
			p.Put()
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	n := testing.AllocsPerRun(100, func() {
		if _, err := vfs.Resolve(user, c.fs, c.fs.Cwd(), "/usr/bin/missing", 0); err != abi.ENOENT {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("missing: %v allocations", n)
	}
	var caller vfs.Caller = user
	n = testing.AllocsPerRun(100, func() {
		f, err := vfs.OpenAt(caller, c.fs, c.fs.Cwd(), "/usr/bin/sh", abi.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		f.Put()
	})
	if n > 1 {
		t.Errorf("open: %v allocations, want the File alone", n)
	}
}

func BenchmarkResolve(b *testing.B) {
	c := newRoot(b, tmpfs.Options{})
	must(b, c.mkdir("/usr", 0o755))
	must(b, c.mkdir("/usr/bin", 0o755))
	c.write(b, "/usr/bin/sh", "")
	for _, who := range []*caller{c, c.as(1000, 1000)} {
		b.Run(fmt.Sprint(who.cred.UID), func(b *testing.B) {
			var caller vfs.Caller = who
			for b.Loop() {
				p, _ := vfs.Resolve(caller, c.fs, c.fs.Cwd(), "/usr/bin/sh", vfs.LookupFollow)
				p.Put()
			}
		})
	}
}

func TestLinkLimit(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	c.write(t, "f0", "")
	for i := range 41 {
		must(t, c.symlink(fmt.Sprint("f", i), fmt.Sprint("f", i+1)))
	}
	_, err := c.stat("f40")
	want(t, "40 links", err, nil)
	_, err = c.stat("f41")
	want(t, "41 links", err, abi.ELOOP)
	must(t, c.symlink("loop", "loop"))
	_, err = c.stat("loop/x")
	want(t, "a link to itself", err, abi.ELOOP)
	must(t, c.symlink("deep", "deep"))
	must(t, c.mkdir("d", 0o755))
	must(t, c.symlink("../d/l/../l", "d/l"))
	_, err = c.stat("d/l")
	want(t, "a link through itself", err, abi.ELOOP)
}

func TestNameLengths(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	long := strings.Repeat("n", abi.NAME_MAX)
	c.write(t, long, "")
	_, err := c.stat(long + "n")
	want(t, "a name of 256 bytes", err, abi.ENAMETOOLONG)
	path := strings.Repeat("./", (abi.PATH_MAX-2)/2)
	_, err = c.stat(path + "n")
	want(t, "a path of 4095 bytes", err, abi.ENOENT)
	_, err = c.stat(path + "./")
	want(t, "a path of 4096 bytes", err, abi.ENAMETOOLONG)
}

// TestResolveFlags is openat2(2).
func TestResolveFlags(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	for _, d := range []string{"in", "in/d", "in/m", "out"} {
		must(t, c.mkdir(d, 0o755))
	}
	c.write(t, "in/f", "")
	c.write(t, "out/f", "")
	must(t, c.symlink("/out/f", "in/abs"))
	must(t, c.symlink("../out/f", "in/up"))
	must(t, c.symlink("f", "in/rel"))
	s, err := tmpfs.New(tmpfs.Options{})
	must(t, err)
	m, err := c.resolve("in/m", 0)
	must(t, err)
	must(t, vfs.MountSuper(s, "none", m, 0))
	base, err := c.resolve("in", 0)
	must(t, err)
	for _, x := range []struct {
		name  string
		flags vfs.LookupFlags
		err   error
	}{
		{"f", vfs.LookupBeneath, nil},
		{"rel", vfs.LookupBeneath, nil},
		{"d/../f", vfs.LookupBeneath, nil},
		{"../in/f", vfs.LookupBeneath, abi.EXDEV},
		{"..", vfs.LookupBeneath, abi.EXDEV},
		{"/in/f", vfs.LookupBeneath, abi.EXDEV},
		{"abs", vfs.LookupBeneath, abi.EXDEV},
		{"up", vfs.LookupBeneath, abi.EXDEV},
		{"/f", vfs.LookupInRoot, nil},
		{"../../f", vfs.LookupInRoot, nil},
		{"abs", vfs.LookupInRoot, abi.ENOENT},
		{"up", vfs.LookupInRoot, abi.ENOENT},
		{"rel", vfs.LookupNoSymlinks, abi.ELOOP},
		{"f", vfs.LookupNoSymlinks, nil},
		{"m", vfs.LookupNoXDev, abi.EXDEV},
		{"m/..", vfs.LookupNoXDev, abi.EXDEV},
		{"../out", vfs.LookupNoXDev, nil},
		{"m/../f", 0, nil},
		{"m/../../out/f", vfs.LookupBeneath, abi.EXDEV},
		{"f", vfs.LookupDirectory, abi.ENOTDIR},
		{"", vfs.LookupEmpty, nil},
		{"", 0, abi.ENOENT},
	} {
		_, err := vfs.Resolve(c, c.fs, base, x.name, x.flags|vfs.LookupFollow)
		want(t, fmt.Sprintf("%q %#x", x.name, x.flags), err, x.err)
	}
}

func TestChroot(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("jail", 0o755))
	must(t, c.mkdir("jail/d", 0o755))
	c.write(t, "jail/f", "")
	c.write(t, "secret", "")
	must(t, c.symlink("/f", "jail/l"))
	p, err := c.resolve("jail", 0)
	must(t, err)
	j := c.fork()
	j.fs.SetRoot(p)
	j.fs.SetCwd(p)
	for _, name := range []string{"/f", "../f", "/../../f", "l", "/d/../l", "d/../../f"} {
		_, err := j.stat(name)
		want(t, name, err, nil)
	}
	for _, name := range []string{"/secret", "../secret", "/jail/f"} {
		_, err := j.stat(name)
		want(t, name, err, abi.ENOENT)
	}
	must(t, j.chdir("d"))
	if s, err := vfs.Getcwd(j.fs); s != "/d" || err != nil {
		t.Errorf("getcwd: %q, %v", s, err)
	}
	out := c.fork()
	out.fs.SetRoot(p) // the working directory stays outside
	if s, err := vfs.Getcwd(out.fs); s != "(unreachable)/" || err != nil {
		t.Errorf("getcwd outside: %q, %v", s, err)
	}
}

func TestPathNames(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	for _, d := range []string{"a", "a/b", "a/b/c"} {
		must(t, c.mkdir(d, 0o755))
	}
	name := func(p vfs.Path) string {
		s, err := vfs.PathName(p, c.fs.Root())
		if err != nil {
			return err.Error()
		}
		return s
	}
	p, err := c.resolve("a/b/c", 0)
	must(t, err)
	check := func(want string) {
		t.Helper()
		if got := name(p); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	check("/a/b/c")
	must(t, c.rename("a/b", "x", 0))
	check("/x/c")
	must(t, c.rmdir("x/c"))
	check("/x/c (deleted)")
	must(t, c.mkdir("x/c", 0o755))
	check("/x/c (deleted)")
	p = c.fs.Root()
	check("/")
	f, err := c.open("f", abi.O_CREAT|abi.O_RDWR, 0o600)
	must(t, err)
	defer f.Put()
	must(t, c.unlink("f"))
	p = f.Path()
	check("/f (deleted)")
	tmp, err := c.open("x", abi.O_TMPFILE|abi.O_RDWR, 0o600)
	must(t, err)
	defer tmp.Put()
	p = tmp.Path()
	check(fmt.Sprintf("/x/#%d (deleted)", tmp.Inode().Attr().Ino))
	pipe := vfs.NewAnonInode("pipe", abi.S_IFIFO|0o600)
	r, _ := pipe.NewFile(vfs.Kernel, vfs.NoFile{}, abi.O_RDONLY)
	defer r.Put()
	p = r.Path()
	check(fmt.Sprintf("pipe:[%d]", pipe.Attr().Ino))
	e, _ := vfs.NewAnonFile(vfs.Kernel, "eventpoll", vfs.NoFile{}, abi.O_RDWR)
	defer e.Put()
	p = e.Path()
	check("anon_inode:[eventpoll]")
	must(t, c.chdir("x/c"))
	must(t, c.rmdir("/x/c"))
	_, err = vfs.Getcwd(c.fs)
	want(t, "getcwd in a removed directory", err, abi.ENOENT)
	want(t, "mkdir in a removed directory", c.mkdir("d", 0o755), abi.ENOENT)
	_, err = c.stat("..")
	want(t, ".. of a removed directory", err, nil)
}

// TestDentriesBounded looks up many names; those in use keep their identity.
func TestDentriesBounded(t *testing.T) {
	c := newRoot(t, tmpfs.Options{Inodes: 100000})
	vfs.SetDentryLimit(500)
	defer vfs.SetDentryLimit(8192)
	must(t, c.mkdir("kept", 0o755))
	must(t, c.mkdir("kept/deep", 0o755))
	kept, err := c.resolve("kept/deep", 0)
	must(t, err)
	const dirs, files = 40, 100
	for i := range dirs {
		must(t, c.mkdir(fmt.Sprint("d", i), 0o755))
		for j := range files {
			c.write(t, fmt.Sprint("d", i, "/f", j), "")
		}
		if n := vfs.DentryCount(); n > 600 {
			t.Fatalf("%d dentries cached", n)
		}
	}
	runtime.GC()
	runtime.GC()
	for i := range dirs {
		for j := range files {
			if _, err := c.stat(fmt.Sprint("d", i, "/f", j)); err != nil {
				t.Fatal(err)
			}
		}
	}
	again, err := c.resolve("kept/deep", 0)
	must(t, err)
	if again != kept {
		t.Error("a directory in use has another dentry now")
	}
	must(t, c.rename("kept", "moved", 0))
	if s, err := vfs.PathName(kept, c.fs.Root()); s != "/moved/deep" || err != nil {
		t.Errorf("%q, %v", s, err)
	}
	if n := vfs.DentryCount(); n > 600 {
		t.Errorf("%d dentries cached", n)
	}
}

// FuzzPath walks odd paths in a small tree.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"/", "a/../b", "l/l/x", "//a//b/", "m/../m/./f", "abs/b", "up/up", "loop/x", "\x00", ".../...", "a/b/c/../../../.."} {
		f.Add(s, uint8(0))
	}
	c := newRoot(f, tmpfs.Options{})
	for _, d := range []string{"a", "a/b", "a/b/c", "m"} {
		must(f, c.mkdir(d, 0o755))
	}
	s, err := tmpfs.New(tmpfs.Options{})
	must(f, err)
	m, err := c.resolve("m", 0)
	must(f, err)
	must(f, vfs.MountSuper(s, "none", m, 0))
	c.write(f, "m/f", "")
	for name, target := range map[string]string{"l": "a", "abs": "/a/b", "a/up": "..", "m/up": "../a/up", "loop": "loop"} {
		must(f, c.symlink(target, name))
	}
	base, err := c.resolve("a/b", 0)
	must(f, err)
	f.Fuzz(func(t *testing.T, name string, flags uint8) {
		p, err := vfs.Resolve(c, c.fs, base, name, vfs.LookupFlags(flags))
		if err != nil {
			if _, ok := err.(abi.Errno); !ok {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		full, err := vfs.PathName(p, c.fs.Root())
		if err != nil || strings.Contains(full, "//") || strings.Contains(full+"/", "/../") || full[0] != '/' {
			t.Fatalf("%q: %q, %v", name, full, err)
		}
		// The canonical name leads to the same place.
		q, err := vfs.Resolve(c, c.fs, base, full, 0)
		if err != nil || q != p {
			t.Fatalf("%q is %q, which is %v, %v", name, full, q, err)
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	c := newRoot(b, tmpfs.Options{})
	must(b, c.mkdir("/dev", 0o755))
	must(b, c.mount("none", "/dev", "tmpfs", 0, ""))
	c.write(b, "/dev/file", "")
	var caller vfs.Caller = c
	for b.Loop() {
		f, err := vfs.OpenAt(caller, c.fs, c.fs.Cwd(), "/dev/file", abi.O_RDONLY, 0)
		if err != nil {
			b.Fatal(err)
		}
		f.Put()
	}
}

// TestDeepNames checks that names which are too long to be used cost little to ask
// for.
func TestDeepNames(t *testing.T) {
	c := newRoot(t, tmpfs.Options{Inodes: 1 << 20})
	deep := c.fork()
	name := strings.Repeat("n", abi.NAME_MAX)
	for range 5000 {
		must(t, deep.mkdir(name, 0o755))
		must(t, deep.chdir(name))
	}
	_, err := vfs.Getcwd(deep.fs)
	want(t, "getcwd", err, abi.ENAMETOOLONG)
	_, err = vfs.PathName(deep.fs.Cwd(), c.fs.Root())
	want(t, "the name of a place", err, abi.ENAMETOOLONG)
	must(t, deep.mkdir("m", 0o755))
	must(t, deep.mount("none", "m", "tmpfs", 0, ""))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		vfs.Getcwd(deep.fs)
		vfs.PathName(deep.fs.Cwd(), c.fs.Root())
		vfs.Mounts(c.fs.Root(), func(vfs.MountInfo) bool { return true })
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / 10; n > 128<<10 {
		t.Errorf("%d bytes for three names", n)
	}
	_, err = deep.stat("..")
	want(t, "up", err, nil)
	must(t, deep.chdir("/"))
}
