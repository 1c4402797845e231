// Package compile makes the programs of a root file system from sources: C programs with gcc or a
// compiler that takes its options, Go programs with the go command. It says of each program which
// inputs it depends on, so that it is made again when one of them has changed and at no other time.
//
// Compilers see neither the time nor the locale nor the name of the folder that they run in, so the
// same inputs give the same program.
package compile

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/host/initramfs/store"
)

// An Input is something that a program depends on. Value is a digest if it is a file.
type Input struct {
	Name  string
	Value string
}

// Toolbox compiles. What it learns about compilers and dependencies is kept in the store. Its methods
// may be called from several goroutines at once.
type Toolbox struct {
	store   *store.Store
	digests *store.Digests

	mu        sync.Mutex
	compilers map[string]func() (string, error) // identities, by path
	there     map[string]bool                   // files that were looked for, by absolute path
}

// New returns a Toolbox that works with a store.
func New(s *store.Store, d *store.Digests) *Toolbox {
	return &Toolbox{store: s, digests: d, compilers: map[string]func() (string, error){}, there: map[string]bool{}}
}

// words are the inputs as the words of a key.
func words(kind string, inputs []Input) []string {
	list := []string{kind}
	for _, in := range inputs {
		list = append(list, in.Name, in.Value)
	}
	return list
}

// A fileInput is a file as an input, with the name that a person knows it by.
type fileInput struct {
	What string // "source", "header" and so on
	Path string // absolute, or relative to the manifest's folder
}

// read takes the digests of files.
func (t *Toolbox) read(dir string, files []fileInput) ([]Input, error) {
	var list []Input
	for _, f := range files {
		digest, err := t.digests.File(absolute(dir, f.Path))
		if err != nil {
			return nil, err
		}
		list = append(list, Input{f.What + " " + f.Path, digest.String()})
	}
	return list, nil
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// recall reads a note that was left in the store.
func (t *Toolbox) recall(k store.Key, v any) bool {
	data, ok := t.store.Get(k)
	return ok && json.Unmarshal(data, v) == nil
}

// note leaves a note in the store.
func (t *Toolbox) note(k store.Key, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return t.store.Put(k, data)
}

// tick is more than the time between two steps of the clock that files get their times from.
const tick = 20 * time.Millisecond

// changedSince returns the first of the files that was changed at or after a time, or "".
func changedSince(dir string, files []fileInput, begin time.Time) string {
	for _, f := range files {
		var st unix.Stat_t
		if unix.Stat(absolute(dir, f.Path), &st) != nil || !time.Unix(st.Ctim.Unix()).Before(begin.Add(-tick)) {
			return f.Path
		}
	}
	return ""
}

// run runs a program to its end. If it fails, the error is what it printed.
func run(ctx context.Context, dir string, env []string, argv ...string) (stdout, stderr []byte, err error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, env
	// A compiler is several processes, which end with their group.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var out, message bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &message
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, nil, ctx.Err()
	case err != nil:
		if text := bytes.TrimSpace(append(out.Bytes(), message.Bytes()...)); len(text) > 0 {
			return nil, nil, fmt.Errorf("%v\n%s", err, text)
		}
		return nil, nil, fmt.Errorf("%s: %v", filepath.Base(argv[0]), err)
	}
	return out.Bytes(), message.Bytes(), nil
}

// environment is all that a C compiler gets to see of the host's.
func environment(tmp string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + tmp,
		"LC_ALL=C", "TZ=UTC", "SOURCE_DATE_EPOCH=0",
	}
}
