package hostpkg

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kevlar/host/progress"
)

// fakeAPT puts an apt-get into the PATH that appends its arguments to a file and then runs script.
func fakeAPT(t *testing.T, script string) (log func() string) {
	t.Helper()
	dir := t.TempDir()
	calls := filepath.Join(dir, "calls")
	text := "#!/bin/sh\necho \"$@\" >>" + calls + "\n" + script
	if err := os.WriteFile(filepath.Join(dir, "apt-get"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return func() string {
		data, _ := os.ReadFile(calls)
		return strings.TrimSpace(string(data))
	}
}

// need is met when a file is there.
func need(t *testing.T) (Need, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "installed")
	return Need{"some-package", func() bool { _, err := os.Stat(file); return err == nil }}, file
}

func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("installs as root only")
	}
}

func TestEnsureInstalls(t *testing.T) {
	asRoot(t)
	n, file := need(t)
	log := fakeAPT(t, "touch "+file)
	var said strings.Builder
	if err := Ensure(t.Context(), progress.New(&said, false), n, Need{"there", func() bool { return true }}); err != nil {
		t.Fatal(err)
	}
	if got := log(); got != "install -y -q --no-install-recommends some-package" {
		t.Errorf("apt-get was called with %q", got)
	}
	if strings.Count(said.String(), "\n") != 1 || !strings.Contains(said.String(), "some-package") {
		t.Errorf("said %q", said.String())
	}
	if err := Ensure(t.Context(), nil, n); err != nil || strings.Contains(log(), "\n") {
		t.Errorf("the second time: %v, %q", err, log())
	}
}

// TestEnsureUpdates has no package lists at first.
func TestEnsureUpdates(t *testing.T) {
	asRoot(t)
	n, file := need(t)
	lists := file + ".lists"
	log := fakeAPT(t, `case $1 in
update) touch `+lists+` ;;
*) [ -e `+lists+` ] || { echo "E: Unable to locate package" >&2; exit 100; }; touch `+file+` ;;
esac`)
	if err := Ensure(t.Context(), nil, n); err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(log()); got[5] != "update" {
		t.Errorf("calls: %q", log())
	}
}

func TestEnsureFails(t *testing.T) {
	asRoot(t)
	n, _ := need(t)
	fakeAPT(t, "echo first; echo 'E: no such thing'; exit 100")
	if err := Ensure(t.Context(), nil, n); err == nil || !strings.HasSuffix(err.Error(), ": E: no such thing") {
		t.Errorf("apt-get fails: %v", err)
	}
	fakeAPT(t, "exit 0")
	if err := Ensure(t.Context(), nil, n); err == nil {
		t.Error("apt-get succeeds but installs nothing: no error")
	}
}

func TestStatic(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755)
	for path, want := range map[string]bool{script: false, "/no/such/file": false, "/bin/ls": false} {
		if got := static(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
