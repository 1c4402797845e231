package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kevlar/host/guest"
	"kevlar/host/initramfs/cpio"
	"kevlar/host/initramfs/filetree"
)

// kevlar runs the program in a folder that is not its source tree.
func kevlar(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	var out, errors bytes.Buffer
	status = run(t.Context(), args, strings.NewReader(""), &out, &errors)
	return status, out.String(), errors.String()
}

// TestBadInput has one clear line and a status for everything that is wrong.
func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	archive := func(name, init string) string {
		tree := filetree.New()
		tree.Device("dev/console", 0o600, 5, 1)
		tree.File("init", 0o755, []byte(init))
		data, err := cpio.Encode(tree)
		if err != nil {
			t.Fatal(err)
		}
		return file(name, data)
	}
	text := file("text", []byte("just text\n"))
	image := file("image", []byte("\x7fELF and so on"))

	tests := []struct {
		name    string
		args    []string
		message string
	}{
		{"unknown command", []string{"fly"}, `unknown command "fly"`},
		{"unknown flag", []string{"run", "--fast"}, "unknown flag: --fast"},
		{"flag without value", []string{"run", "--cpus"}, "needs an argument"},
		{"flag with a wrong value", []string{"run", "--cpus", "two"}, `"two"`},
		{"no processors", []string{"run", "--cpus", "0", "--", "true"}, "0 CPUs"},
		{"no size", []string{"run", "--mem", "lots", "--", "true"}, `"lots" is not an amount of memory`},
		{"too little memory", []string{"run", "--mem", "4M", "--", "true"}, "too little memory: 4M"},
		{"too little memory for an image", []string{"run", "--kernel", image, "--mem", "4M"}, "too little memory: 4M"},
		{"unknown accelerator", []string{"run", "--accel", "warp"}, `unknown accelerator "warp"`},
		{"unknown machine", []string{"run", "--machine", "virt"}, `unknown machine "virt"`},
		{"no duration", []string{"run", "--timeout", "soon"}, `"soon"`},
		{"endless duration", []string{"run", "--timeout", "1e30"}, `"1e30"`},
		{"negative duration", []string{"run", "--timeout", "-1s"}, "--timeout"},
		{"strace of Linux", []string{"run", "--strace", "--kernel", "linux"}, "Kevlar's kernel only"},
		{"kernel is missing", []string{"run", "--kernel", "no/such"}, "no/such: no such file or directory"},
		{"kernel is text", []string{"run", "--kernel", text}, "neither a Kevlar image nor a Linux kernel"},
		{"kernel is a folder", []string{"run", "--kernel", dir}, "is a directory"},
		{"initramfs is missing", []string{"run", "--initramfs", "no/such"}, "no/such: no such file or directory"},
		{"initramfs is a folder", []string{"run", "--initramfs", dir}, "is a folder"},
		{"initramfs is no cpio", []string{"run", "--initramfs", text}, "not a cpio archive"},
		{"init is no program", []string{"run", "--initramfs", archive("bad.cpio", "hello")}, "/init is no program"},
		{"init elsewhere is missing", []string{"run", "--append", "rdinit=/bin/x", "--initramfs", archive("good.cpio", "#!/bin/sh\n")}, "no /bin in it"},
		{"init with a command", []string{"run", "--initramfs", text, "--init", "/init", "--", "true"}, "give no other one"},
		{"rdinit with a command", []string{"run", "--append", "rdinit=/x", "--", "true"}, "give no other one"},
		{"init of the default root", []string{"run", "--init", "/bin/sh"}, "--init is for"},
		{"init twice", []string{"run", "--initramfs", text, "--init", "/init", "--append", "rdinit=/x"}, "two first processes"},
		{"init that is relative", []string{"run", "--initramfs", text, "--init", "init"}, "begins with /"},
		{"two roots", []string{"run", "--initramfs", text, "--root", dir}, "two root file systems"},
		{"root is missing", []string{"run", "--root", "no/such", "--", "true"}, "no/such: no such file or directory"},
		{"root is text", []string{"run", "--root", text, "--", "true"}, "no tar archive"},
		{"user for a foreign init", []string{"run", "--initramfs", archive("user.cpio", "#!/bin/sh\n"), "-u", "bin"}, "add --init kevlar"},
		{"user without a name", []string{"run", "-u", ":x", "--", "true"}, "USER or USER:GROUP"},
		{"folder that is relative", []string{"run", "-w", "tmp", "--", "true"}, "begins with /"},
		{"variable without a name", []string{"run", "-e", "a.b=x", "--", "true"}, "NAME=VALUE"},
		{"copy without a target", []string{"run", "--copy", text, "--", "true"}, "IN:OUT"},
		{"copy of nothing", []string{"run", "--copy", "no/such:/tmp", "--", "true"}, "no/such: no such file or directory"},
		{"copy out of a relative path", []string{"run", "--copy-out", "tmp/x:y", "--", "true"}, "GUEST:HOST"},
		{"copy out of everything", []string{"run", "--copy-out", "/:y", "--", "true"}, "GUEST:HOST"},
		{"copy out to nowhere", []string{"run", "--copy-out", "/tmp/x:no/such/y", "--", "true"}, "no/such: no such file or directory"},
		{"habit of a terminal", []string{"run", "-it", "--", "true"}, "-t gives it this terminal"},
		{"habit of cleaning", []string{"run", "--rm", "--", "true"}, "not needed"},
		{"volume", []string{"run", "-v", "/tmp:/tmp", "--", "true"}, "--copy"},
		{"build without a file", []string{"build"}, `"output" not set`},
		{"build with an argument", []string{"build", "-o", "x", "y"}, `"y"`},
		{"test outside of the tree", []string{"test"}, "source tree"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, stdout, stderr := kevlar(t, tt.args...)
			if status != 125 {
				t.Errorf("status %d", status)
			}
			if stdout != "" {
				t.Errorf("standard output %q", stdout)
			}
			if !strings.HasPrefix(stderr, "kevlar: ") || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, tt.message) {
				t.Errorf("said %q", stderr)
			}
		})
	}
}

// TestInterrupted has one line and one status for an end by the person at the terminal, at whatever stage.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	t.Chdir(t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	var stdout, stderr bytes.Buffer
	status := run(ctx, []string{"build", "-o", "x"}, strings.NewReader(""), &stdout, &stderr)
	if status != 130 || stderr.String() != "kevlar: interrupted\n" {
		t.Errorf("status %d, %q", status, stderr.String())
	}
}

// TestFit has memory for large root file systems.
func TestFit(t *testing.T) {
	large := &rootfs{given: true, archives: [][]byte{make([]byte, 300<<20), nil}}
	for _, tt := range []struct {
		flags runFlags
		root  *rootfs
		mem   int64 // MiB
		err   string
	}{
		{runFlags{}, large, 832, ""},
		{runFlags{memGiven: true, machineFlags: machineFlags{mem: "512M"}}, large, 512, "too little memory: 512M; a root file system of 300M takes at least 643M"},
		{runFlags{}, &rootfs{given: true}, 512, ""},
		{runFlags{}, &rootfs{archives: large.archives}, 512, ""},
	} {
		c := &guest.Config{Mem: 512 << 20}
		err := tt.flags.fit(c, &workplace{}, tt.root)
		if fmt.Sprint(err) != tt.err && (err != nil || tt.err != "") || c.Mem != tt.mem<<20 {
			t.Errorf("%+v: %v, %d MiB", tt.flags, err, c.Mem>>20)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"run", "--help"}, {"test", "-h"}, {}} {
		status, stdout, stderr := kevlar(t, args...)
		if status != 0 || stderr != "" || !strings.Contains(stdout, "kevlar") {
			t.Errorf("%q: status %d, %q, %q", args, status, stdout, stderr)
		}
	}
}

func TestVersion(t *testing.T) {
	status, stdout, stderr := kevlar(t, "--version")
	if status != 0 || stderr != "" || !strings.HasPrefix(stdout, "kevlar ") || strings.Count(stdout, "\n") != 1 {
		t.Errorf("status %d, %q, %q", status, stdout, stderr)
	}
}

func TestSourceDateEpoch(t *testing.T) {
	for text, want := range map[string]uint32{"": 0, "1234567890": 1234567890, "4294967295": 4294967295} {
		if got, err := sourceDateEpoch(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"now", "-1", "4294967296", " 1"} {
		if got, err := sourceDateEpoch(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}

func TestSeconds(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"5": 5 * time.Second, "0.5": time.Second / 2, "2m": 2 * time.Minute, "0": 0, "-1s": -time.Second,
	} {
		var d time.Duration
		if err := (*seconds)(&d).Set(text); err != nil || d != want {
			t.Errorf("%s: %v, %v", text, d, err)
		}
	}
	for _, text := range []string{"", "soon", "5 s", "NaN", "Inf", "1e30"} {
		var d time.Duration
		if err := (*seconds)(&d).Set(text); err == nil {
			t.Errorf("%q is %v", text, d)
		}
	}
}

func TestEnvironment(t *testing.T) {
	host := func(name string) (string, bool) { return "here", name == "A" }
	got, err := environment([]string{"X=1=2", "A", "B", "E="}, host)
	if want := []string{"X=1=2", "A=here", "E="}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestCheckUser(t *testing.T) {
	for user, good := range map[string]bool{
		"": true, "bin": true, "1:2": true, "www-data:33": true, ":": false, "a:": false, ":b": false, "a:b:c": false, "a b": false,
	} {
		if err := checkUser(user); (err == nil) != good {
			t.Errorf("%q: %v", user, err)
		}
	}
}

// TestCopyArchive has files and folders with their modes, and nobody's but root's.
func TestCopyArchive(t *testing.T) {
	dir := t.TempDir()
	os.Mkdir(filepath.Join(dir, "d"), 0o750)
	os.WriteFile(filepath.Join(dir, "d", "x"), []byte("x"), 0o700)
	os.WriteFile(filepath.Join(dir, "a:b"), []byte("y"), 0o600)
	t.Chdir(filepath.Join(dir, "d"))
	data, err := copyArchive([]string{filepath.Join(dir, "a:b") + ":/tmp/", ".:/srv/c"})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := cpio.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"kevlar/copies/0.to": "100600 a:b\n/tmp/\n", "kevlar/copies/0/a:b": "100600 y",
		"kevlar/copies/1.to": "100600 d\n/srv/c\n", "kevlar/copies/1/d": "40750 ", "kevlar/copies/1/d/x": "100700 x",
	} {
		e, _ := tree.Lookup(name)
		if got := fmt.Sprintf("%o %s", e.Mode, e.Data); got != want || e.UID != 0 || e.GID != 0 {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestCopyOut has the files of a guest that means ill.
func TestCopyOut(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(dir, "outside")
	os.Mkdir(outside, 0o755)
	here := filepath.Join(dir, "here")
	os.Mkdir(here, 0o755)
	tree := filetree.New()
	tree.Add("srv/d/f", filetree.Entry{Mode: filetree.Regular | 0o4751, Time: 1234567890, Data: []byte("f")})
	tree.Link("srv/d/l", "f")
	tree.Device("srv/d/null", 0o666, 1, 3)
	tree.File("srv/dd", 0o644, nil)
	tree.Link("etc", outside)
	for _, to := range []string{here, filepath.Join(here, "new")} {
		if err := (copyOut{"/srv/d", to}).write(tree); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"d", "new"} {
		info, err := os.Stat(filepath.Join(here, name, "f"))
		if err != nil || info.Mode() != 0o751 || info.ModTime().Unix() != 1234567890 {
			t.Errorf("%s/f: %+v, %v", name, info, err)
		}
		if target, err := os.Readlink(filepath.Join(here, name, "l")); err != nil || target != "f" {
			t.Errorf("%s/l: %q, %v", name, target, err)
		}
		if list, _ := os.ReadDir(filepath.Join(here, name)); len(list) != 2 {
			t.Errorf("%s has %v", name, list)
		}
	}
	if err := (copyOut{"/none", here}).write(tree); err == nil || !strings.Contains(err.Error(), "there is no /none") {
		t.Error(err)
	}
	// A link that was given first does not carry out of the folder what comes later.
	tree = filetree.New()
	tree.Link("srv/d/out", outside)
	if err := (copyOut{"/srv/d", here}).write(tree); err != nil {
		t.Error(err)
	}
	tree = filetree.New()
	tree.File("srv/d/out/passwd", 0o644, []byte("bad"))
	if err := (copyOut{"/srv/d", here}).write(tree); err == nil {
		t.Error("written through a link that leads elsewhere")
	}
	if list, _ := os.ReadDir(outside); len(list) != 0 {
		t.Errorf("outside there is %v", list)
	}
}

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{
		"-m": "-m", "a,b=c": "a,b=c", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$x": "'$x'",
	} {
		if got := shellWord(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestInitOf(t *testing.T) {
	for in, want := range map[string]string{"": "/init", "a rdinit=/bin/sh b": "/bin/sh", "xrdinit=/x": "/init"} {
		if got := initOf(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := writeFile(path, 0o644, []byte("a"), []byte("b")); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "ab" {
		t.Errorf("%q, %v", data, err)
	}
	if err := writeFile(filepath.Join(path, "x"), 0o644, nil); err == nil {
		t.Error("a file as a folder was accepted")
	}
}
