package apt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// helper is a program of APT that fetches a file with APT's own methods.
const helper = "/usr/lib/apt/apt-helper"

// Fetch gets a file to a path, through the host's proxies and with its passwords, and checks it.
func (l *Lists) Fetch(ctx context.Context, file File, path string) error {
	tmp, err := os.MkdirTemp("", "kevlar-apt-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := prepare(tmp); err != nil {
		return err
	}
	url := file.URL
	if local, ok := strings.CutPrefix(url, "file:"); ok {
		url = "copy:" + local // the method "file" would leave the file where it is
	}
	if _, err := run(ctx, helper, tmp, "download-file", url, path); err != nil {
		return err
	}
	return file.Check(path)
}

// run runs a program of APT with the lists in a folder, without questions, and returns its standard
// output. The error holds what APT says is wrong.
func run(ctx context.Context, program, lists string, args ...string) (string, error) {
	options := []string{"-c", filepath.Join(lists, "apt.conf")}
	for _, o := range [...]struct{ name, path string }{
		{"State", "."},
		{"State::status", "status"},
		{"Cache", "cache"},
		{"Etc::sourcelist", "sources.list"}, // which is never there
		{"Etc::sourceparts", "sources"},
		{"Etc::preferences", "preferences.list"}, // nor this
		{"Etc::preferencesparts", "preferences"},
	} {
		options = append(options, "-o", "Dir::"+o.name+"="+filepath.Join(lists, o.path))
	}
	cmd := exec.CommandContext(ctx, program, append(options, args...)...)
	cmd.Dir = lists
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
	// The methods that fetch are processes of their own, which end with their group.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err == nil:
		return stdout.String(), nil
	}
	if why := reason(stdout.String(), stderr.String()); why != "" {
		return "", errors.New(why)
	}
	return "", fmt.Errorf("%s %s: %v", filepath.Base(program), strings.Join(args, " "), err)
}

// reason finds in the output of APT what is wrong: the dependencies that cannot be met, or else the
// first error, on one line.
func reason(stdout, stderr string) string {
	if _, list, ok := strings.Cut(stdout, "The following packages have unmet dependencies:\n"); ok {
		var unmet []string
		for line := range strings.Lines(list) {
			if !strings.HasPrefix(line, " ") {
				break
			}
			unmet = append(unmet, strings.Join(strings.Fields(line), " "))
		}
		return "packages that cannot be together: " + strings.Join(unmet, "; ")
	}
	for line := range strings.Lines(stderr) {
		if text, ok := strings.CutPrefix(line, "E: "); ok {
			return strings.Join(strings.Fields(text), " ")
		}
	}
	return ""
}
