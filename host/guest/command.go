package guest

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"kevlar/host/initramfs/cpio"
	"kevlar/host/initramfs/filetree"
	"kevlar/host/vm"
)

// controlPort is the number of the control port. The ports of the standard streams come before it.
const controlPort = 4

// takePort is the number of the port by which files come from the guest.
const takePort = 5

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
	s, token, err := newProtocol(c, archives, argv, nil)
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
			func() error { return s.take(token) },
		)
	})
}

// take reads what the guest gives, if something is wanted of it.
func (s *session) take(token string) error {
	if s.taking == nil {
		return nil
	}
	return copyUntil(s.cfg.Taken, s.taking, token)
}

// feed sends r to a port and then ends it.
func feed(port *vm.Stream, r io.Reader) {
	defer port.CloseWrite()
	if _, err := io.WriteString(port, hello); err == nil && r != nil {
		io.Copy(port, r)
	}
}

// newProtocol makes a session with our own init, which is told what to do by one more archive. The
// caller closes the session. t is the terminal of a shell, nil for a command.
func newProtocol(c *Config, archives [][]byte, argv []string, t Terminal) (*session, string, error) {
	token := newToken()
	instructions := filetree.New()
	instructions.File("kevlar/command", 0o644, []byte(fragment(c, token, t, argv)))
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
	if len(c.Take) > 0 {
		if s.taking, err = s.port(takePort); err != nil {
			s.close()
			return nil, "", err
		}
	}
	return s, token, nil
}

// fragment is what init reads from /kevlar/command.
func fragment(c *Config, token string, t Terminal, argv []string) string {
	var b strings.Builder
	set := func(name, value string) { fmt.Fprintf(&b, "%s=%s\n", name, quote(value)) }
	set("token", token)
	if t != nil {
		set("terminal", "yes")
		if term := t.Type(); term != "" {
			set("TERM", term)
		}
		if rows, columns := t.Size(); rows > 0 && columns > 0 {
			set("rows", strconv.Itoa(rows))
			set("columns", strconv.Itoa(columns))
		}
	}
	set("user", c.User)
	set("folder", c.Dir)
	give := ":"
	if len(c.Take) > 0 {
		set("wants", "files")
		give = busybox + " tar -cf - -C / --" + words(relative(c.Take)) + ` >&8; printf %s "$token" >&8`
	}
	b.WriteString("give() { " + give + "; }\n")
	b.WriteString("set --" + words(argv) + "\n")
	b.WriteString("start() { exec" + words(starter(c)) + ` "$@"; }` + "\n")
	return b.String()
}

// busybox is where init has its BusyBox.
const busybox = "/kevlar/busybox"

// starter returns the beginning of a command that becomes the program named behind it, with the user and
// the environment of the configuration.
func starter(c *Config) (argv []string) {
	if c.User != "" {
		// What has a file for its process number, which is not there, does not look whether it runs already.
		argv = append(argv, busybox, "start-stop-daemon", "-S", "-q", "-p", "/kevlar/none", "-c", c.User, "-x", busybox, "--")
	} else if len(c.Env) > 0 {
		argv = append(argv, busybox)
	}
	if len(argv) > 0 {
		argv = append(append(argv, "env", "--"), c.Env...)
	}
	return argv
}

// relative returns absolute paths as they are seen from the root.
func relative(paths []string) (list []string) {
	for _, p := range paths {
		list = append(list, strings.TrimPrefix(p, "/"))
	}
	return list
}

// words makes a shell's words of a list, each with a space before it.
func words(list []string) string {
	var b strings.Builder
	for _, s := range list {
		b.WriteString(" " + quote(s))
	}
	return b.String()
}

// quote makes one word of the shell out of s.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
