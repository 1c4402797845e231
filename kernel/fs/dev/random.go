package dev

import (
	"encoding/binary"
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/random"
	"kevlar/kernel/vfs"
)

// rndGetEntCnt is RNDGETENTCNT of random(4).
const rndGetEntCnt = 0x80045200

// poolBits is how much entropy the generator has, once and for all: 256 bits.
const poolBits = 256

// random is /dev/random and /dev/urandom, which are the same.
type randomDevice struct{ unseekable }

// buffers keeps memory for random bytes on their way.
var buffers = sync.Pool{New: func() any { return new([512]byte) }}

// Read fills d; a signal ends a long read.
func (randomDevice) Read(c vfs.Caller, d vfs.Dest, _ int64) (done int, err error) {
	b := buffers.Get().(*[512]byte)
	defer buffers.Put(b)
	for d.Len() > 0 && err == nil {
		if done > 0 && done%4096 == 0 && c.Sleeper().Interrupted() {
			break
		}
		part := b[:min(d.Len(), len(b))]
		random.Read(part)
		var n int
		n, err = d.Write(part)
		done += n
	}
	clear(b[:])
	if done > 0 {
		return done, nil
	}
	return 0, err
}

// Write mixes bytes into the generator.
func (randomDevice) Write(_ vfs.Caller, s vfs.Source, _ int64) (done int, err error) {
	b := buffers.Get().(*[512]byte)
	defer buffers.Put(b)
	for s.Len() > 0 && err == nil {
		var n int
		n, err = s.Read(b[:min(s.Len(), len(b))])
		random.Add(b[:n])
		done += n
	}
	if done > 0 {
		return done, nil
	}
	return 0, err
}

// Ioctl knows RNDGETENTCNT.
func (randomDevice) Ioctl(c vfs.Caller, cmd uint32, arg uintptr) (uintptr, error) {
	if cmd != rndGetEntCnt {
		return 0, abi.EINVAL
	}
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], poolBits)
	_, err := c.CopyOut(arg, b[:])
	return 0, err
}

// CanSplice says that sendfile(2) reads random bytes, as from no other device
// of memory.
func (randomDevice) CanSplice() bool { return true }
