// Package tty is the terminals: the line discipline that turns keys into
// lines, job control, and pseudo-terminals.
//
// A TTY stands between a Driver, which carries bytes to and from a person or
// the master side of a pseudo-terminal, and the processes that have it open.
// Bytes that arrive go through
//
//	Input -> staged -> receive (signals, flow control, editing, echo) -> line -> read
//
// and bytes that leave through
//
//	write, echo -> process (OPOST) -> out -> Driver.Write
//
// The rules are those of termios(3), ioctl_tty(2) and Linux's N_TTY.
//
// Lock order: a TTY's lock is taken before those of processes, process groups
// and sessions, address spaces, page frames, wait queues and drivers. Signals
// that it causes are sent after the lock has been released, and nobody may call
// into this package with a lock of a process, process group or session held.
package tty
