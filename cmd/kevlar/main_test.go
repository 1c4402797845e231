package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
		{"negative duration", []string{"run", "--timeout", "-1s"}, "--timeout"},
		{"strace of Linux", []string{"run", "--strace", "--kernel", "linux"}, "Kevlar's kernel only"},
		{"log of Linux with a foreign init", []string{"run", "--log", "x", "--initramfs", archive("init.cpio", "#!/bin/sh\n"), "--kernel", "linux"}, "--log"},
		{"kernel is missing", []string{"run", "--kernel", "no/such"}, "no/such: no such file or directory"},
		{"kernel is text", []string{"run", "--kernel", text}, "neither a Kevlar image nor a Linux kernel"},
		{"kernel is a folder", []string{"run", "--kernel", dir}, "is a directory"},
		{"initramfs is missing", []string{"run", "--initramfs", "no/such"}, "no/such: no such file or directory"},
		{"initramfs is a folder", []string{"run", "--initramfs", dir}, "is a folder"},
		{"initramfs is no cpio", []string{"run", "--initramfs", text}, "not a cpio archive"},
		{"init is no program", []string{"run", "--initramfs", archive("bad.cpio", "hello")}, "/init is no program"},
		{"init elsewhere is missing", []string{"run", "--append", "rdinit=/bin/x", "--initramfs", archive("good.cpio", "#!/bin/sh\n")}, "no /bin in it"},
		{"initramfs with a command", []string{"run", "--initramfs", text, "--", "true"}, "take no COMMAND"},
		{"build without a file", []string{"build"}, `"output" not set`},
		{"build outside of the tree", []string{"build", "-o", "x"}, "source tree"},
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

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"run", "--help"}, {"test", "-h"}, {}} {
		status, stdout, stderr := kevlar(t, args...)
		if status != 0 || stderr != "" || !strings.Contains(stdout, "kevlar") {
			t.Errorf("%q: status %d, %q, %q", args, status, stdout, stderr)
		}
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
	if err := writeFile(path, []byte("a"), []byte("b")); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "ab" {
		t.Errorf("%q, %v", data, err)
	}
	if err := writeFile(filepath.Join(path, "x"), nil); err == nil {
		t.Error("a file as a folder was accepted")
	}
}
