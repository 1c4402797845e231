package compile

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"kevlar/host/initramfs/store"
)

// Compiler identifies a C compiler: two that have the same text give the same programs from the same
// files. It is the digest of all programs and files that the compiler consists of, not its version,
// which a patch need not change. Name is looked up in the PATH.
func (t *Toolbox) Compiler(ctx context.Context, name string) (identity string, err error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("compiler %s: not found", name)
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", err
	}
	t.mu.Lock()
	once, ok := t.compilers[path]
	if !ok {
		once = sync.OnceValues(func() (string, error) { return t.identify(ctx, path) })
		t.compilers[path] = once
	}
	t.mu.Unlock()
	if identity, err = once(); err != nil {
		return "", fmt.Errorf("compiler %s: %w", name, err)
	}
	return identity, nil
}

// anatomy is the note of what a compiler consists of.
type anatomy struct {
	Files  []fileInput
	Digest string
}

// identify returns the digest of what a compiler consists of. Which files these are is known from the
// last time, as long as all of them are the same.
func (t *Toolbox) identify(ctx context.Context, path string) (string, error) {
	key := store.NewKey("anatomy of a compiler", path, os.Getenv("PATH"))
	var known anatomy
	if t.recall(key, &known) {
		if now, err := t.read("", known.Files); err == nil && digest(now) == known.Digest {
			return known.Digest, nil
		}
	}
	files, err := t.components(ctx, path)
	if err != nil {
		return "", err
	}
	inputs, err := t.read("", files)
	if err != nil {
		return "", err
	}
	return digest(inputs), t.note(key, anatomy{files, digest(inputs)})
}

func digest(inputs []Input) string { return store.NewKey(words("compiler", inputs)...).String() }

// components asks a compiler for the files it consists of: the driver, perhaps a script and the one
// behind it, with its specs; and all that is named in the commands by which it would make a program.
func (t *Toolbox) components(ctx context.Context, path string) ([]fileInput, error) {
	tmp, err := t.store.Temp()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	env := environment(tmp)
	var list []fileInput
	seen := map[string]bool{}
	add := func(file string) {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && filepath.IsAbs(file) && !seen[file] {
			seen[file] = true
			list = append(list, fileInput{"part", file})
		}
	}
	program := func(name string) {
		if found, err := exec.LookPath(name); err == nil {
			add(found)
		}
	}
	add(path)
	_, commands, err := run(ctx, tmp, env, path, "-###", "-static", "-x", "c", os.DevNull, "-o", "out")
	if err != nil {
		return nil, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(commands)); lines.Scan(); {
		line := lines.Text()
		if driver, ok := strings.CutPrefix(line, "COLLECT_GCC="); ok {
			program(driver)
		}
		specs, isSpecs := strings.CutPrefix(line, "Reading specs from ")
		switch {
		case isSpecs:
			add(specs)
		case strings.HasPrefix(line, " "):
			for _, word := range strings.Fields(line) {
				add(strings.Trim(word, `"`))
			}
		}
	}
	for _, tool := range []string{"as", "ld"} {
		found, _, err := run(ctx, tmp, env, path, "-print-prog-name="+tool)
		if err != nil {
			return nil, err
		}
		program(strings.TrimSpace(string(found)))
	}
	return list, nil
}
