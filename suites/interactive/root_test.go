package interactive

import (
	"os"
	"path/filepath"
	"testing"

	"kevlar/host/hostpkg"
)

// TestForeignRoot has a person at the shell of a root file system that was made for something else, in
// which there is nothing but a shell.
func TestForeignRoot(t *testing.T) {
	busybox, err := os.ReadFile(hostpkg.BusyboxPath())
	if err != nil {
		t.Skip("there is no static BusyBox")
	}
	dir := t.TempDir()
	os.MkdirAll(filepath.Join(dir, "bin"), 0o755)
	if err := os.WriteFile(filepath.Join(dir, "bin", "sh"), busybox, 0o755); err != nil {
		t.Fatal(err)
	}
	s := open(t, "--root", dir, "-w", "/bin")
	s.expect(prompt)
	s.command("ls /; tty; stty size")
	s.expect(`bin +dev +kevlar +proc +(?:root +)?sys\r\n/dev/(ttyS0|console)\r\n24 80\r\n`)
	s.expect(prompt)
	s.foreground("sleep 1000")
	s.send(ctrlC)
	s.expect(prompt)
	s.foreground("sleep 2000")
	s.send(ctrlZ)
	s.expect(`Stopped`)
	s.expect(prompt)
	s.command("jobs | grep -c 'Stopped.*sleep 2000'; echo $PWD")
	s.expect(`1\r\n(?s:.*)/bin\r\n`)
	s.expect(prompt)
	s.command("kill -9 %1; sleep 0.5")
	s.expect(`Killed`)
	s.expect(prompt)
	s.send("exit 7\r")
	if status := s.wait(); status != 7 {
		t.Errorf("status %d", status)
	}
}
