package oracle

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kevlar/host/initramfs/filetree"
)

// module makes an object file that has nothing but a .modinfo section.
func module(t *testing.T, info string) []byte {
	t.Helper()
	const names = "\x00.modinfo\x00.shstrtab\x00"
	var b bytes.Buffer
	put := func(v ...any) {
		for _, x := range v {
			if err := binary.Write(&b, binary.LittleEndian, x); err != nil {
				t.Fatal(err)
			}
		}
	}
	header := 64 + len(info) + len(names)
	put([]byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"), uint16(1), uint16(62), uint32(1),
		uint64(0), uint64(0), uint64(header), uint32(0), uint16(64), uint16(0), uint16(0), uint16(64), uint16(3), uint16(2))
	put([]byte(info), []byte(names))
	section := func(name, kind uint32, offset, size int) {
		put(name, kind, uint64(0), uint64(0), uint64(offset), uint64(size), uint32(0), uint32(0), uint64(1), uint64(0))
	}
	section(0, 0, 0, 0)
	section(1, 1, 64, len(info))
	section(10, 3, 64+len(info), len(names))
	return b.Bytes()
}

// tree is a kernel package, unpacked.
func tree(t *testing.T, modules map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("boot/vmlinuz-6.1", []byte("kernel"))
	for name, info := range modules {
		write("lib/modules/6.1/kernel/"+name+".ko", module(t, info))
	}
	return dir
}

func TestLoad(t *testing.T) {
	k, err := open(tree(t, map[string]string{
		"virtio/virtio":         "license=GPL\x00depends=virtio_ring\x00",
		"virtio/virtio_ring":    "depends=\x00",
		"virtio/virtio-pci":     "alias=x\x00depends=virtio_ring,virtio\x00",
		"char/virtio_console":   "depends=virtio,virtio_ring\x00",
		"net/virtio_net":        "depends=net_failover\x00",
		"virtio/virtio_nothing": "license=GPL\x00",
	}))
	if err != nil {
		t.Fatal(err)
	}
	modules, err := k.Load("virtio_pci", "virtio-console", "virtio_nothing")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range modules {
		names = append(names, m.Name)
	}
	want := []string{"virtio_ring", "virtio", "virtio_pci", "virtio_console", "virtio_nothing"}
	if !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	files := Overlay(modules).Paths()
	if len(files) != 7 || files[2] != "kevlar/modules/00-virtio_ring.ko" {
		t.Errorf("overlay %q", files)
	}
	if e, _ := Overlay(modules).Lookup(files[2]); e.Mode != filetree.Regular|0o644 || !bytes.HasPrefix(e.Data, []byte("\x7fELF")) {
		t.Errorf("%s: mode %o", files[2], e.Mode)
	}
	for _, name := range []string{"none", "virtio_net"} {
		if _, err := k.Load(name); err == nil || !strings.Contains(err.Error(), "no module") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	if _, err := open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Error(err)
	}
}

func TestLoadDamaged(t *testing.T) {
	dir := tree(t, map[string]string{"a": "depends=\x00"})
	k, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(k.Modules, "kernel/a.ko"), []byte("not an object file"), 0o644)
	if _, err := k.Load("a"); err == nil || !strings.Contains(err.Error(), "a.ko") {
		t.Error(err)
	}
}
