package sys

import (
	"slices"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// mounted returns the file system as the root of a tree of mounts.
func mounted(t *testing.T, fs *FS) (*vfs.FSContext, vfs.Path) {
	t.Helper()
	root, err := vfs.NewRootMount(fs.Super(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return vfs.NewFSContext(root), root
}

func read(t *testing.T, ctx *vfs.FSContext, name string) string {
	t.Helper()
	f, err := vfs.OpenAt(vfs.Kernel, ctx, ctx.Root(), name, abi.O_RDONLY, 0)
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	defer f.Put()
	b := make([]byte, 1000)
	dst := vfs.Bytes(b)
	n, err := f.Read(vfs.Kernel, &dst)
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	return string(b[:n])
}

func list(t *testing.T, ctx *vfs.FSContext, name string) []string {
	t.Helper()
	f, err := vfs.OpenAt(vfs.Kernel, ctx, ctx.Root(), name, abi.O_RDONLY|abi.O_DIRECTORY, 0)
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	defer f.Put()
	var names []string
	if err := f.ReadDir(vfs.Kernel, func(e vfs.DirEntry) bool {
		if e.Name != "." && e.Name != ".." {
			names = append(names, e.Name)
		}
		return true
	}); err != nil {
		t.Fatalf("list %s: %v", name, err)
	}
	slices.Sort(names)
	return names
}

func TestDevice(t *testing.T) {
	fs := New()
	ctx, _ := mounted(t, fs)
	d := Device{
		Class: "virtio-ports", Name: "vport0p1", Dev: abi.MakeDev(251, 1), Parent: "virtio0",
		Attributes: []Attribute{{"name", func() string { return "stdin" }}},
	}
	fs.AddDevice(d)
	for name, want := range map[string]string{
		"/class/virtio-ports/vport0p1/name":           "stdin\n",
		"/devices/virtio0/virtio-ports/vport0p1/dev":  "251:1\n",
		"/dev/char/251:1/uevent":                      "MAJOR=251\nMINOR=1\nDEVNAME=vport0p1\n",
		"/dev/char/251:1/subsystem/vport0p1/name":     "stdin\n",
		"/devices/virtio0/virtio-ports/vport0p1/name": "stdin\n",
	} {
		if got := read(t, ctx, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := list(t, ctx, "/class/virtio-ports"); !slices.Equal(got, []string{"vport0p1"}) {
		t.Errorf("class has %v", got)
	}
	fs.RemoveDevice(d)
	for _, name := range []string{"/class/virtio-ports", "/dev/char", "/devices/virtio0/virtio-ports"} {
		if got := list(t, ctx, name); len(got) != 0 {
			t.Errorf("%s has %v after the removal", name, got)
		}
	}
}

func TestCPUs(t *testing.T) {
	fs := New()
	ctx, _ := mounted(t, fs)
	fs.AddCPUs([]CPU{{0, 0, "0", "0-1"}, {0, 1, "1", "0-1"}})
	if got := read(t, ctx, "/devices/system/cpu/online"); got != "0-1\n" {
		t.Errorf("online %q", got)
	}
	if got := read(t, ctx, "/devices/system/cpu/cpu1/topology/core_id"); got != "1\n" {
		t.Errorf("core of CPU 1: %q", got)
	}
}

func TestAttributesAreReadOnly(t *testing.T) {
	fs := New()
	ctx, root := mounted(t, fs)
	fs.AddAttributes("kernel", Attribute{"fact", func() string { return "1" }})
	if _, err := vfs.OpenAt(vfs.Kernel, ctx, root, "/kernel/fact", abi.O_WRONLY, 0); err != abi.EACCES {
		t.Errorf("open for writing: %v, want EACCES, even for the superuser", err)
	}
	if _, err := vfs.OpenAt(vfs.Kernel, ctx, root, "/kernel/new", abi.O_WRONLY|abi.O_CREAT, 0o644); err != abi.EACCES {
		t.Errorf("create: %v, want EACCES", err)
	}
	if err := vfs.MkdirAt(vfs.Kernel, ctx, root, "/kernel/new", 0o755); err != abi.EPERM {
		t.Errorf("mkdir: %v, want EPERM", err)
	}
	if err := vfs.UnlinkAt(vfs.Kernel, ctx, root, "/kernel/fact"); err != abi.EPERM {
		t.Errorf("unlink: %v, want EPERM", err)
	}
	p, err := vfs.Resolve(vfs.Kernel, ctx, root, "/kernel/fact", 0)
	if err != nil {
		t.Fatal(err)
	}
	if a := p.Inode().Attr(); a.Size != 4096 || a.Mode != abi.S_IFREG|0o444 {
		t.Errorf("attributes %+v", a)
	}
	if st, err := vfs.StatFS(p); err != nil || st.Type != abi.SYSFS_MAGIC {
		t.Errorf("statfs: %+v, %v", st, err)
	}
}
