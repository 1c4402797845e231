package abi

import "encoding/binary"

// Flags of signalfd4(2).
const (
	SFD_NONBLOCK = O_NONBLOCK
	SFD_CLOEXEC  = O_CLOEXEC
)

// SizeofSignalfdSiginfo is the size of struct signalfd_siginfo.
const SizeofSignalfdSiginfo = 128

// MarshalSignalfd stores what i tells in the first SizeofSignalfdSiginfo bytes
// of b as a struct signalfd_siginfo: signalfd(2). Members that the kind of
// signal does not have are 0.
func (i *Siginfo) MarshalSignalfd(b []byte) {
	b = b[:SizeofSignalfdSiginfo]
	clear(b)
	le := binary.LittleEndian
	le.PutUint32(b[0:], uint32(i.Signo))
	le.PutUint32(b[4:], uint32(i.Errno))
	le.PutUint32(b[8:], uint32(i.Code))
	fromKernel := i.Code > SI_USER && i.Code < SI_KERNEL
	switch {
	case i.Code == SI_TIMER:
		le.PutUint32(b[24:], uint32(i.TimerID()))
		le.PutUint32(b[32:], uint32(i.Overrun()))
		i.marshalValue(b)
	case i.Code == SI_SIGIO, fromKernel && i.Signo == SIGIO:
		le.PutUint32(b[20:], uint32(i.FD()))
		le.PutUint32(b[28:], uint32(i.Band()))
	case fromKernel && i.Signo == SIGCHLD:
		i.marshalSender(b)
		le.PutUint32(b[40:], uint32(i.Status()))
		le.PutUint64(b[56:], uint64(i.UTime()))
		le.PutUint64(b[64:], uint64(i.STime()))
	case fromKernel && SynchronousSignals.Has(int(i.Signo)):
		le.PutUint64(b[72:], i.Addr())
	case i.Code < SI_USER:
		i.marshalSender(b)
		i.marshalValue(b)
	default:
		i.marshalSender(b)
	}
}

func (i *Siginfo) marshalSender(b []byte) {
	binary.LittleEndian.PutUint32(b[12:], uint32(i.PID()))
	binary.LittleEndian.PutUint32(b[16:], i.UID())
}

// marshalValue stores si_value as a number and as a pointer.
func (i *Siginfo) marshalValue(b []byte) {
	binary.LittleEndian.PutUint32(b[44:], uint32(i.Value()))
	binary.LittleEndian.PutUint64(b[48:], i.Value())
}
