package bench

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"kevlar/host/guest"
)

// ShellMemory is the memory, in bytes, in which an interactive shell must work.
const ShellMemory = 48 << 20

// Shell boots a machine and types commands to its shell: they must be answered right.
func Shell(ctx context.Context, c *guest.Config, archives [][]byte) error {
	const status = 42
	t := &typist{keys: strings.NewReader(fmt.Sprintf("echo sum=$((40 + 2))\nls / | wc -l\nexit %d\n", status))}
	small := *c
	small.Mem, small.CPUs = ShellMemory, 1
	if small.Timeout == 0 {
		small.Timeout = time.Minute
	}
	got, err := guest.Shell(ctx, &small, archives, nil, t)
	switch {
	case err != nil:
		return err
	case got != status:
		return fmt.Errorf("the shell ended with status %d instead of %d", got, status)
	case !strings.Contains(t.screen.String(), "sum=42"):
		return fmt.Errorf("the shell answered %q", t.screen.String())
	}
	return nil
}

// A typist is a terminal at which a given text is typed.
type typist struct {
	keys   *strings.Reader
	screen bytes.Buffer
}

func (t *typist) Read(p []byte) (int, error)  { return t.keys.Read(p) }
func (t *typist) Write(p []byte) (int, error) { return t.screen.Write(p) }

// Type implements guest.Terminal.
func (t *typist) Type() string { return "vt102" }

// Size implements guest.Terminal.
func (t *typist) Size() (rows, cols int) { return 24, 80 }

// Resized implements guest.Terminal.
func (t *typist) Resized() <-chan struct{} { return nil }
