package vfs_test

import (
	"fmt"
	"math/rand"
	"sync"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
)

// TestStress has threads do everything to a few names at once, with a cache
// that forgets all the time. Afterwards the tree must be sound.
func TestStress(t *testing.T) {
	vfs.SetDentryLimit(10)
	defer vfs.SetDentryLimit(8192)
	before := frame.Free()
	files, _ := vfs.OpenFiles()
	c := newRoot(t, tmpfs.Options{})
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() { stressThread(c.fork(), rand.New(rand.NewSource(int64(i))), rounds) })
	}
	wg.Wait()
	if n, _ := vfs.OpenFiles(); n != files {
		t.Errorf("%d files open, %d before", n, files)
	}
	for {
		p := mustResolve(t, c, "/mnt")
		if p.Mount == c.fs.Root().Mount {
			break
		}
		must(t, vfs.UmountAt(c, c.fs, p, 0))
	}
	must(t, removeAll(c, ""))
	st, err := vfs.StatFS(c.fs.Root())
	must(t, err)
	if n := st.Files - st.Ffree; n != 1 {
		t.Errorf("%d files left", n)
	}
	if a, _ := c.stat("/"); a.Nlink != 2 || a.Size != 40 {
		t.Errorf("the root: %+v", a)
	}
	if after := frame.Free(); after != before {
		t.Errorf("%d frames free, %d before", after, before)
	}
}

func stressThread(c *caller, r *rand.Rand, rounds int) {
	name := func() string {
		s := ""
		for range 1 + r.Intn(3) {
			s += "/" + string(rune('a'+r.Intn(3)))
		}
		return s
	}
	c.mkdir("/mnt", 0o755)
	var cwd []vfs.Path
	for range rounds {
		a, b := name(), name()
		switch r.Intn(13) {
		case 0, 1:
			c.mkdir(a, 0o755)
		case 2:
			c.rmdir(a)
		case 3:
			c.unlink(a)
		case 4, 5:
			c.rename(a, b, []int{0, 0, abi.RENAME_EXCHANGE, abi.RENAME_NOREPLACE}[r.Intn(4)])
		case 6:
			c.link(a, b)
		case 7, 8:
			if f, err := c.open(a, abi.O_CREAT|abi.O_RDWR, 0o644); err == nil {
				p := vfs.Bytes(make([]byte, r.Intn(10000)))
				f.Write(c, &p)
				f.Inode().Attr()
				f.Put()
			}
		case 9:
			if f, err := c.open(a, abi.O_RDONLY|abi.O_DIRECTORY, 0); err == nil {
				f.ReadDir(c, func(e vfs.DirEntry) bool { return true })
				f.Put()
			}
		case 10:
			if c.chdir(a) == nil {
				cwd = append(cwd, c.fs.Cwd())
				vfs.Getcwd(c.fs)
				c.mkdir("x", 0o755)
				c.rmdir("x")
				c.chdir("..")
			}
			if len(cwd) > 10 {
				cwd = nil
			}
		case 11:
			c.symlink(b, a)
			c.stat(a)
		case 12:
			if r.Intn(2) == 0 {
				c.mount("none", "/mnt", "tmpfs", 0, "")
				c.mkdir("/mnt/a", 0o755)
				if f, err := c.open("/mnt/f", abi.O_CREAT|abi.O_RDWR, 0o644); err == nil {
					p := vfs.Bytes("text")
					f.Write(c, &p)
					f.Put()
				}
			} else if c.umount("/mnt", abi.MNT_DETACH*r.Intn(2)) == nil {
				vfs.Mounts(c.fs.Root(), func(vfs.MountInfo) bool { return true })
			}
		}
		vfs.PathName(c.fs.Cwd(), c.fs.Root())
	}
	c.fs.SetCwd(c.fs.Root())
}

func removeAll(c *caller, dir string) error {
	f, err := c.open(dir+"/", abi.O_RDONLY|abi.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer f.Put()
	var names []vfs.DirEntry
	if err := f.ReadDir(c, func(e vfs.DirEntry) bool { names = append(names, e); return true }); err != nil {
		return err
	}
	for _, e := range names {
		full := dir + "/" + e.Name
		switch {
		case e.Name == "." || e.Name == "..":
			continue
		case e.Type == abi.DT_DIR:
			if err := removeAll(c, full); err != nil {
				return fmt.Errorf("%s: %w", full, err)
			}
			err = c.rmdir(full)
		default:
			err = c.unlink(full)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", full, err)
		}
	}
	return nil
}
