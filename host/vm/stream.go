package vm

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Stream is a byte stream between this program and a device of the virtual machine: two connected
// sockets, one of which QEMU inherits.
type Stream struct {
	conn   *net.UnixConn
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

// Read reads what the device writes. The end of the machine is the end of file.
func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.conn.Read(p)
	if errors.Is(err, unix.ECONNRESET) {
		err = io.EOF // the machine ended without reading all that was written to it
	}
	return n, err
}

// Write writes to the device. It waits for as long as the device does not take it.
func (s *Stream) Write(p []byte) (int, error) { return s.conn.Write(p) }

// CloseWrite gives the device end of file once it has taken everything that was written before.
func (s *Stream) CloseWrite() error { return s.conn.CloseWrite() }

// Close closes both ends that this program holds.
func (s *Stream) Close() error {
	s.remote.Close()
	return s.conn.Close()
}
