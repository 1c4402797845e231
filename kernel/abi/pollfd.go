package abi

import "encoding/binary"

// The sizes of what poll(2) and epoll_wait(2) exchange with user space.
const (
	SizeofPollFd     = 8
	SizeofEpollEvent = 12 // packed, on x86-64 only
)

// PollFd is struct pollfd: poll(2).
type PollFd struct {
	FD              int32
	Events, Revents int16
}

// MarshalTo writes p into b, which holds at least SizeofPollFd bytes.
func (p *PollFd) MarshalTo(b []byte) {
	le := binary.LittleEndian
	le.PutUint32(b[0:], uint32(p.FD))
	le.PutUint16(b[4:], uint16(p.Events))
	le.PutUint16(b[6:], uint16(p.Revents))
}

// Unmarshal reads what MarshalTo writes.
func (p *PollFd) Unmarshal(b []byte) {
	le := binary.LittleEndian
	p.FD = int32(le.Uint32(b[0:]))
	p.Events = int16(le.Uint16(b[4:]))
	p.Revents = int16(le.Uint16(b[6:]))
}

// EpollEvent is struct epoll_event: epoll_ctl(2).
type EpollEvent struct {
	Events uint32
	Data   uint64
}

// MarshalTo writes e into b, which holds at least SizeofEpollEvent bytes.
func (e *EpollEvent) MarshalTo(b []byte) {
	binary.LittleEndian.PutUint32(b[0:], e.Events)
	binary.LittleEndian.PutUint64(b[4:], e.Data)
}

// Unmarshal reads what MarshalTo writes.
func (e *EpollEvent) Unmarshal(b []byte) {
	e.Events = binary.LittleEndian.Uint32(b[0:])
	e.Data = binary.LittleEndian.Uint64(b[4:])
}
