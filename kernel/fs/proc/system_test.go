package proc

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

func TestSystemFiles(t *testing.T) {
	w := newWorld(t)
	vfs.RegisterFS(w.fs)
	for name, want := range map[string]string{
		"/version":    `Linux version 6\.1\.0 #1 SMP\n`,
		"/cmdline":    `console=ttyS0 quiet\n`,
		"/uptime":     `\d+\.\d\d 30\.50\n`,
		"/loadavg":    `0\.00 0\.00 0\.00 2/9 4711\n`,
		"/devices":    "Character devices:\n  1 mem\n136 pts\n\nBlock devices:\n",
		"/partitions": ``,
		"/swaps":      "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
		"/stat": `cpu  400 1 600 3050 0 3 0 0 0 0\n` +
			`cpu0 100 0 200 1000 0 0 0 0 0 0\ncpu1 300 1 400 2050 0 3 0 0 0 0\n` +
			`intr 315 0 0 0 0 15\nctxt 1234\nbtime \d{10}\nprocesses 77\nprocs_running 2\nprocs_blocked 0\n`,
		"/interrupts": `           CPU0       CPU1       \n` +
			`  4:          7          8  IO-APIC    ttyS0\n` +
			`LOC:        100        200   Local timer interrupts\n`,
		"/filesystems":                        `(?s).*nodev\tproc\n.*`,
		"/sys/kernel/ostype":                  `Linux\n`,
		"/sys/kernel/osrelease":               `6\.1\.0\n`,
		"/sys/kernel/hostname":                `box\n`,
		"/sys/kernel/pid_max":                 `32768\n`,
		"/sys/kernel/random/uuid":             `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n`,
		"/sys/kernel/cap_last_cap":            `40\n`,
		"/sys/kernel/core_pattern":            `\n`,
		"/sys/kernel/kevlar/contained_panics": `3\n`,
	} {
		got := w.mustRead(t, name)
		if !regexp.MustCompile(`^` + want + `$`).MatchString(got) {
			t.Errorf("%s:\n%q\nwant\n%q", name, got, want)
		}
	}
}

func TestMemInfo(t *testing.T) {
	w := newWorld(t)
	got := w.mustRead(t, "/meminfo")
	if first, _, _ := strings.Cut(got, "\n"); first != "MemTotal:          65536 kB" {
		t.Errorf("first line %q", first)
	}
	values := map[string]int{}
	for _, line := range strings.Split(strings.TrimSpace(got), "\n") {
		var name string
		var n int
		if _, err := fmt.Sscanf(line, "%s %d kB", &name, &n); err != nil || len(line) != 27 {
			t.Errorf("line %q: %v", line, err)
		}
		values[name] = n
	}
	for name, want := range map[string]int{
		"MemFree:": 40 << 10, "MemAvailable:": 36 << 10, "Cached:": 3 << 10, "Shmem:": 1 << 10,
		"Slab:": 5 << 10, "KReclaimable:": 2 << 10, "SReclaimable:": 2 << 10, "SUnreclaim:": 3 << 10,
	} {
		if values[name] != want {
			t.Errorf("%s %d, want %d", name, values[name], want)
		}
	}
	for _, name := range []string{"Buffers:", "SwapTotal:", "SwapFree:", "Slab:", "SReclaimable:"} {
		if _, ok := values[name]; !ok {
			t.Errorf("no line %s, which free(1) reads", name)
		}
	}
}

func TestBootIDStays(t *testing.T) {
	w := newWorld(t)
	a, b := w.mustRead(t, "/sys/kernel/random/boot_id"), w.mustRead(t, "/sys/kernel/random/boot_id")
	if a != b || len(a) != 37 {
		t.Errorf("boot_id %q, then %q", a, b)
	}
	if a, b := w.mustRead(t, "/sys/kernel/random/uuid"), w.mustRead(t, "/sys/kernel/random/uuid"); a == b {
		t.Errorf("uuid %q twice", a)
	}
}

func TestHostnameIsWritable(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ text, want string }{
		{"new\n", "new"}, {"two\nlines\n", "two"}, {strings.Repeat("x", 100), strings.Repeat("x", 64)}, {"", strings.Repeat("x", 64)},
	} {
		if err := w.write(w.init, "/sys/kernel/hostname", c.text); err != nil {
			t.Fatal(err)
		}
		if got := w.mustRead(t, "/sys/kernel/hostname"); got != c.want+"\n" {
			t.Errorf("after writing %q: %q, want %q", c.text, got, c.want)
		}
	}
	if err := w.write(w.shell, "/sys/kernel/hostname", "x"); err != abi.EACCES {
		t.Errorf("written by an ordinary user: %v, want EACCES", err)
	}
	if err := w.write(w.init, "/sys/kernel/ostype", "x"); err != abi.EACCES {
		t.Errorf("a fact written by the superuser: %v, want EACCES", err)
	}
	if err := w.write(w.init, "/version", "x"); err != abi.EIO {
		t.Errorf("/proc/version written: %v, want EIO", err)
	}
}

func TestAddSysctl(t *testing.T) {
	w := newWorld(t)
	value := int64(5)
	w.fs.AddSysctl(
		Sysctl{"fs/one", 0o644, func() string { return fmt.Sprint(value) }, func(s string) (err error) {
			v, err := Integer(s, 0, 10)
			if err == nil {
				value = v
			}
			return err
		}},
		Sysctl{"fs/two", 0o444, Constant("2\t0\t9"), nil})
	for _, c := range []struct {
		text string
		err  error
		want string
	}{
		{"7\n", nil, "7\n"}, {"  8  \n", nil, "8\n"}, {"0x9\n", nil, "9\n"}, {"3 4\n", nil, "3\n"}, {"", nil, "3\n"},
		{"11\n", abi.EINVAL, "3\n"}, {"-1\n", abi.EINVAL, "3\n"}, {"x\n", abi.EINVAL, "3\n"}, {"\n", abi.EINVAL, "3\n"}, {"1a\n", abi.EINVAL, "3\n"},
	} {
		if err := w.write(w.init, "/sys/fs/one", c.text); err != c.err {
			t.Errorf("%q: %v, want %v", c.text, err, c.err)
		}
		if got := w.mustRead(t, "/sys/fs/one"); got != c.want {
			t.Errorf("after %q: %q, want %q", c.text, got, c.want)
		}
	}
	names, err := w.list(w.init, "/sys/fs")
	if slices.Sort(names); err != nil || !slices.Equal(names, []string{".", "..", "one", "two"}) {
		t.Errorf("/proc/sys/fs has %v, %v", names, err)
	}
}

// TestPieces reads a file byte by byte while what it shows changes.
func TestPieces(t *testing.T) {
	w := newWorld(t)
	n := 0
	w.fs.Add("counter", 0o444, func(b *bytes.Buffer) error {
		n++
		fmt.Fprintf(b, "%d%d%d%d", n, n, n, n)
		return nil
	})
	f, err := w.open(w.init, "/counter", abi.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Put()
	get := func() string {
		b := make([]byte, 2)
		dst := vfs.Bytes(b)
		n, err := f.Read(w.init, &dst)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	for _, want := range []string{"11", "11", "", ""} {
		if got := get(); got != want {
			t.Errorf("piece %q, want %q", got, want)
		}
	}
	if _, err := f.Seek(0, abi.SEEK_SET); err != nil {
		t.Fatal(err)
	}
	if got := get(); got != "22" {
		t.Errorf("after seeking to the start: %q, want it made anew", got)
	}
	if _, err := f.Seek(0, abi.SEEK_END); err != abi.EINVAL {
		t.Errorf("seek from the end: %v, want EINVAL", err)
	}
	if pos, err := f.Seek(100, abi.SEEK_SET); pos != 100 || err != nil {
		t.Errorf("seek beyond: %d, %v", pos, err)
	}
	if got := get(); got != "" {
		t.Errorf("beyond the end: %q", got)
	}
}

func TestNothingCanBeMade(t *testing.T) {
	w := newWorld(t)
	root := w.ctx.Root()
	for _, dir := range []string{"/", "/sys/kernel/", "/1/", "/1/fd/", "/7/task/"} {
		if _, err := vfs.OpenAt(w.init, w.ctx, root, dir+"new", abi.O_CREAT|abi.O_WRONLY, 0o644); err != abi.ENOENT {
			t.Errorf("create in %s: %v, want ENOENT", dir, err)
		}
		if err := vfs.MkdirAt(w.init, w.ctx, root, dir+"new", 0o755); err != abi.ENOENT {
			t.Errorf("mkdir in %s: %v, want ENOENT", dir, err)
		}
		if err := vfs.SymlinkAt(w.init, w.ctx, "x", root, dir+"new"); err != abi.ENOENT {
			t.Errorf("symlink in %s: %v, want ENOENT", dir, err)
		}
	}
	if err := vfs.UnlinkAt(w.init, w.ctx, root, "/version"); err != abi.EPERM {
		t.Errorf("unlink: %v, want EPERM", err)
	}
}

func TestMounts(t *testing.T) {
	w := newWorld(t)
	if got := w.mustRead(t, "/mounts"); got != "proc / proc rw,relatime 0 0\n" {
		t.Errorf("mounts %q", got)
	}
	got := w.mustRead(t, "/self/mountinfo")
	if !regexp.MustCompile(`^\d+ \d+ 0:\d+ / / rw,relatime - proc proc rw\n$`).MatchString(got) {
		t.Errorf("mountinfo %q", got)
	}
}
