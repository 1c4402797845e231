package suite

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Vet runs go vet on the source tree at root: on all of it as the host sees it, and on the kernel
// as it is compiled for the guest, with what suites add to it.
func Vet(ctx context.Context, root string) Verdict {
	v := Command(ctx, root, nil, "go", "vet", "./...")
	overlay, err := withoutTests(filepath.Join(root, "kernel"))
	if err != nil {
		v.Add(Failed("go vet", err))
		return v
	}
	defer os.Remove(overlay)
	env := []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64"}
	v.Add(Command(ctx, root, env, "go", "vet", "-tags", "baremetal,panictest", "-overlay", overlay, "./kernel/..."))
	return v
}

// withoutTests writes an overlay for the go command (see "go help build") in which the tests below
// dir do not exist: they are for the soft machine and do not compile for the guest.
func withoutTests(dir string) (string, error) {
	replace := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			replace[path] = ""
		}
		return err
	})
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp("", "kevlar-overlay-*.json")
	if err != nil {
		return "", err
	}
	defer f.Close()
	_, err = f.Write(data)
	return f.Name(), err
}
