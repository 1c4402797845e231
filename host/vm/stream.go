package vm

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Stream is a byte stream between this program and a device of the virtual machine: two connected
// sockets, one of which QEMU inherits. CloseWrite gives the device end of file once it has taken
// everything that was written before.
type Stream struct {
	*net.UnixConn
	remote *os.File
}

// NewStream returns a stream that is not yet attached to a machine.
func NewStream() (*Stream, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socketpair: %v", err)
	}
	local := os.NewFile(uintptr(fds[0]), "stream")
	remote := os.NewFile(uintptr(fds[1]), "stream")
	conn, err := net.FileConn(local)
	local.Close()
	if err != nil {
		remote.Close()
		return nil, err
	}
	return &Stream{conn.(*net.UnixConn), remote}, nil
}

// Close closes both ends that this program holds.
func (s *Stream) Close() error {
	s.remote.Close()
	return s.UnixConn.Close()
}
