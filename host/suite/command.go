package suite

import (
	"context"
	"os"
	"os/exec"
	"strings"
)

// Command runs a program of the host in the folder dir as one check: it passes if its status is 0.
func Command(ctx context.Context, dir string, env []string, argv ...string) Verdict {
	var v Verdict
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		v.fail(strings.Join(argv, " "), append([]string{err.Error()}, lastLines(strings.TrimSpace(string(out)), maxDetails)...)...)
		return v
	}
	v.Passed++
	return v
}

// Failed is the verdict of a check that could not be made.
func Failed(name string, err error) Verdict {
	var v Verdict
	v.fail(name, strings.Split(err.Error(), "\n")...)
	return v
}
