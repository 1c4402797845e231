// Package container runs a command in a container that has a Go toolchain, on Debian: for those whose
// own machine lacks what the command needs.
package container

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// engines are the programs that run containers, with the same arguments.
var engines = []string{"docker", "podman"}

// image is the image of the toolchain that this program was built with.
func image() string { return "golang:" + strings.TrimPrefix(runtime.Version(), "go") + "-bookworm" }

// Run runs a command in a container, in the folder of the host that this process is in, which must be
// dir or below it: the container sees dir, and nothing else of the host. Relative paths in the command
// mean the same as here.
func Run(ctx context.Context, dir string, command []string, stdout, stderr io.Writer) error {
	engine, err := find(ctx)
	if err != nil {
		return err
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	args, err := arguments(dir, here, command)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, engine, args...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("in the container: %v", err)
	}
	return nil
}

// arguments are those of the engine.
func arguments(dir, here string, command []string) ([]string, error) {
	rel, err := filepath.Rel(dir, here)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return nil, fmt.Errorf("%s is outside of %s, which is all that a container would see", here, dir)
	}
	return append([]string{"run", "--rm", "--init", "-v", dir + ":" + dir, "-w", here, image()}, command...), nil
}

// find returns the engine that answers. The error tells what each of them said instead.
func find(ctx context.Context) (string, error) {
	var said []string
	for _, name := range engines {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		out, err := exec.CommandContext(ctx, path, "version", "--format", "{{.Server.Version}}").CombinedOutput()
		if err == nil {
			return path, nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		line, _, _ := bytes.Cut(bytes.TrimSpace(out), []byte("\n"))
		said = append(said, fmt.Sprintf("%s: %s", name, line))
	}
	if len(said) == 0 {
		return "", errors.New("no container engine is on this machine: neither docker nor podman")
	}
	return "", fmt.Errorf("no container engine runs on this machine: %s", strings.Join(said, "; "))
}
