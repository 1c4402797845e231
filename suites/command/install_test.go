package command

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestStandalone has a program that carries the kernel, where there is neither a source tree nor a Go
// toolchain.
func TestStandalone(t *testing.T) {
	kevlar := os.Getenv("KEVLAR")
	if kevlar == "" {
		t.Skip("needs a machine; run: kevlar test command")
	}
	if onLinux() {
		t.Skip("Kevlar's image only")
	}
	dir := t.TempDir()
	alone := filepath.Join(dir, "kevlar")
	if out, err := exec.Command(kevlar, "build", "--standalone", "-o", alone).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command(alone, "run", "--timeout", patience.String(), "--", "echo", "alone")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "XDG_CACHE_HOME=" + filepath.Join(dir, "cache")}
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "alone\n" {
		t.Errorf("%v: %q", err, out)
	}
}
