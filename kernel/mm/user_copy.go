package mm

import (
	"bytes"
	"encoding/binary"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/usercopy"
)

// CopyIn copies from user memory at addr to dst and returns how many bytes it
// copied: less than all only with EFAULT.
//
// This and the functions below resolve the faults that they meet. The caller
// holds a reference on as, its thread has as loaded, and it holds no lock that
// Object.Page takes.
func (as *AddressSpace) CopyIn(dst []byte, addr uintptr) (int, error) {
	for n := 0; ; {
		left, fault := usercopy.In(as.table, dst[n:], addr+uintptr(n))
		n = len(dst) - left
		if left == 0 {
			return n, nil
		}
		if err := as.resolveFor(fault, false); err != nil {
			return n, err
		}
	}
}

// CopyOut copies src to user memory at addr, like CopyIn.
func (as *AddressSpace) CopyOut(addr uintptr, src []byte) (int, error) {
	for n := 0; ; {
		left, fault := usercopy.Out(as.table, addr+uintptr(n), src[n:])
		n = len(src) - left
		if left == 0 {
			return n, nil
		}
		if err := as.resolveFor(fault, true); err != nil {
			return n, err
		}
	}
}

// ZeroOut clears n bytes of user memory at addr, like CopyOut.
func (as *AddressSpace) ZeroOut(addr uintptr, n int) (int, error) {
	for done := 0; ; {
		left, fault := usercopy.Zero(as.table, addr+uintptr(done), n-done)
		done = n - left
		if left == 0 {
			return done, nil
		}
		if err := as.resolveFor(fault, true); err != nil {
			return done, err
		}
	}
}

// How long a copy waits for the out-of-memory handler's victim to go.
const (
	oomTries = 50
	oomPause = time.Millisecond
)

// resolveFor resolves a fault that a copy met. Whatever is wrong with the
// address, the answer is EFAULT.
func (as *AddressSpace) resolveFor(addr uintptr, write bool) error {
	for try := 0; ; try++ {
		err := as.Fault(addr, write, false, false)
		if err == nil {
			return nil
		}
		if err != abi.ENOMEM || try == oomTries || as.doomed.Load() {
			return abi.EFAULT
		}
		time.Sleep(oomPause)
	}
}

// ReadString reads the string at addr that ends with a zero byte, without it.
// If that is not among the first max bytes the error is ENAMETOOLONG.
func (as *AddressSpace) ReadString(addr uintptr, max int) (string, error) {
	var chunk [64]byte
	var long []byte
	for n := 0; n < max; {
		// Up to the end of the page at most: the string may end there.
		// Most strings are short.
		part := chunk[:min(len(chunk), max-n, int(pageSize-addr&pageMask))]
		if _, err := as.CopyIn(part, addr); err != nil {
			return "", err
		}
		if i := bytes.IndexByte(part, 0); i >= 0 {
			if long == nil {
				return string(part[:i]), nil
			}
			return string(append(long, part[:i]...)), nil
		}
		long = append(long, part...)
		n += len(part)
		addr += uintptr(len(part))
	}
	return "", abi.ENAMETOOLONG
}

// ReadUint32 reads a word of user memory.
func (as *AddressSpace) ReadUint32(addr uintptr) (uint32, error) {
	for addr%4 == 0 {
		if v, ok := usercopy.Load32(as.table, addr); ok {
			return v, nil
		}
		if err := as.resolveFor(addr, false); err != nil {
			return 0, err
		}
	}
	var b [4]byte
	_, err := as.CopyIn(b[:], addr)
	return binary.LittleEndian.Uint32(b[:]), err
}

// ReadUint64 reads a double word of user memory.
func (as *AddressSpace) ReadUint64(addr uintptr) (uint64, error) {
	var b [8]byte
	_, err := as.CopyIn(b[:], addr)
	return binary.LittleEndian.Uint64(b[:]), err
}

// WriteUint32 writes a word of user memory.
func (as *AddressSpace) WriteUint32(addr uintptr, v uint32) error {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], v)
	_, err := as.CopyOut(addr, b[:])
	return err
}

// WriteUint64 writes a double word of user memory.
func (as *AddressSpace) WriteUint64(addr uintptr, v uint64) error {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	_, err := as.CopyOut(addr, b[:])
	return err
}

// CompareAndSwap32 atomically sets the aligned word at addr to new if it is
// old, and returns what it was.
func (as *AddressSpace) CompareAndSwap32(addr uintptr, old, new uint32) (cur uint32, err error) {
	if addr%4 != 0 {
		return 0, abi.EINVAL
	}
	for {
		if _, cur, ok := usercopy.CompareAndSwap32(as.table, addr, old, new); ok {
			return cur, nil
		}
		if err := as.resolveFor(addr, true); err != nil {
			return 0, err
		}
	}
}
