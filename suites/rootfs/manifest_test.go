package rootfs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// manifest is a root file system with a dynamically linked program of Debian's, whose first process it
// runs, and a C program that ends the machine.
const manifest = `
[[packages]]
from = "debian"
names = ["bash"]

[[c]]
path = "sbin/off"
sources = ["off.c"]
flags = ["-static"]

[[device]]
path = "dev/console"
kind = "char"
major = 5
minor = 1

[[file]]
path = "init"
mode = 0o755
text = '''
#!/bin/bash
words=(three two one)
for ((i = 2; i >= 0; i--)); do printf '%s ' "${words[i]}"; done
[[ $BASH_VERSION =~ ^[0-9]+ ]] && echo "pid $$ of $(type -t echo)"
exec /sbin/off
'''
`

const off = `#include <sys/reboot.h>
#include <unistd.h>
int main(void)
{
	sleep(1); // the UART sends
	return reboot(RB_POWER_OFF);
}
`

// TestDebian builds a root file system with a package of Debian's, and boots it.
func TestDebian(t *testing.T) {
	kevlar := os.Getenv("KEVLAR")
	if kevlar == "" {
		t.Skip("needs a machine; run: kevlar test rootfs")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"m.toml": manifest, "off.c": off} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "root.cpio")
	if out, err := exec.Command(kevlar, "initramfs", filepath.Join(dir, "m.toml"), "-o", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	args := append([]string{"run", "--timeout", "2m", "--initramfs", file}, strings.Fields(os.Getenv("KEVLAR_FLAGS"))...)
	out, err := exec.Command(kevlar, args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "one two three pid 1 of builtin") {
		t.Errorf("booted: %v, %.2000q", err, out)
	}

	// The same archive with Kevlar's init runs a command: a dynamically linked one.
	cmd := exec.Command(kevlar, append(args, "--", "bash", "-c", `mapfile -t lines; echo ${#lines[@]} "${BASH_VERSINFO[0]}"; exit 7`)...)
	cmd.Stdin = strings.NewReader("a\nb\n")
	out, err = cmd.Output()
	if cmd.ProcessState.ExitCode() != 7 || !strings.HasPrefix(string(out), "2 ") || len(out) > 5 {
		t.Errorf("a command: %v, %q", err, out)
	}
}
