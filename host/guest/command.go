package guest

import (
	"context"
	"fmt"
	"io"
	"strings"

	"kevlar/host/initramfs/cpio"
	"kevlar/host/initramfs/filetree"
	"kevlar/host/vm"
)

// controlPort is the number of the control port. The ports of the standard streams come before it.
const controlPort = 4

// standardPorts adds the ports of the standard input, output and error output.
func (s *session) standardPorts() (ports [3]*vm.Stream, err error) {
	for i := range ports {
		if ports[i], err = s.port(i + 1); err != nil {
			return ports, err
		}
	}
	return ports, nil
}

// Command boots the kernel with the archives as its root file system, runs argv in it, and returns
// its exit status, which is 128+N if signal N killed it. Stdin may be nil. An error that is a
// *Failure tells the status of this program, too.
func Command(ctx context.Context, c *Config, archives [][]byte, argv []string, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	s, token, err := newProtocol(c, archives, argv, "")
	if err != nil {
		return 0, err
	}
	defer s.close()
	s.logFrom(s.console)
	ports, err := s.standardPorts()
	if err != nil {
		return 0, err
	}
	return s.run(ctx, func() error {
		go feed(ports[0], stdin)
		return s.all(
			func() error { return copyUntil(stdout, ports[1], token) },
			func() error { return copyUntil(stderr, ports[2], token) },
		)
	})
}

// feed sends r to a port and then ends it.
func feed(port *vm.Stream, r io.Reader) {
	defer port.CloseWrite()
	if _, err := io.WriteString(port, hello); err == nil && r != nil {
		io.Copy(port, r)
	}
}

// newProtocol makes a session with our own init, which is told what to do by one more archive. The
// caller closes the session.
func newProtocol(c *Config, archives [][]byte, argv []string, term string) (*session, string, error) {
	token := newToken()
	instructions := filetree.New()
	instructions.File("kevlar/command", 0o644, []byte(fragment(token, term, argv)))
	last, err := cpio.Encode(instructions)
	if err != nil {
		return nil, "", err
	}
	parts := append(append([][]byte{}, archives...), c.Kernel.Overlay, last)
	root, err := vm.InitramfsData(parts...)
	if err != nil {
		return nil, "", err
	}
	s, err := newSession(c, root, false)
	if err != nil {
		root.Close()
		return nil, "", err
	}
	if s.control, err = s.port(controlPort); err != nil {
		s.close()
		return nil, "", err
	}
	return s, token, nil
}

// fragment is what init reads from /kevlar/command.
func fragment(token, term string, argv []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "token=%s\n", quote(token))
	if term != "" {
		fmt.Fprintf(&b, "TERM=%s\n", quote(term))
	}
	b.WriteString("set --")
	for _, arg := range argv {
		b.WriteByte(' ')
		b.WriteString(quote(arg))
	}
	b.WriteByte('\n')
	return b.String()
}

// quote makes one word of the shell out of s.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
