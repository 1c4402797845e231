package mm

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/machine/usercopy"
)

// A Key identifies a futex word: by its address space and address, or, where
// processes share the memory, by its object and the offset there. Keys are
// equal if and only if the words are the same. A Key holds no reference.
type Key struct {
	Space    *AddressSpace // nil for shared memory
	Dev, Ino uint64        // of the object
	Offset   uint64        // in bytes: the address, or the place in the object
}

// FutexKey returns the key of the word at addr. Unless shared is set the
// caller knows that the futex is used by threads of this address space only
// (FUTEX_PRIVATE_FLAG). The errors are EINVAL for an address that is not
// aligned and EFAULT for one where nothing is mapped.
func (as *AddressSpace) FutexKey(addr uintptr, shared bool) (Key, error) {
	if addr%4 != 0 {
		return Key{}, abi.EINVAL
	}
	if addr >= UserTop {
		return Key{}, abi.EFAULT
	}
	private := Key{Space: as, Offset: uint64(addr)}
	if !shared {
		return private, nil
	}
	as.mu.RLock()
	defer as.mu.RUnlock()
	v := as.vmas.at(addr)
	if v == nil || v.prot == 0 {
		return Key{}, abi.EFAULT
	}
	if !v.shared() {
		return private, nil
	}
	dev, ino := v.m.object.Key()
	return Key{
		Dev: dev, Ino: ino,
		Offset: v.index(addr)<<pageShift + uint64(addr&pageMask),
	}, nil
}

// ID returns a number for the word's address space, or 0 for shared memory, that
// none before or after has: what a hash of the key is made of.
func (k *Key) ID() uint64 {
	if k.Space == nil {
		return 0
	}
	return k.Space.id
}

// PeekUint32 reads the aligned word at addr, unless a fault must be resolved for
// that: then it returns false. It waits for nothing, so that the caller may
// hold locks.
func (as *AddressSpace) PeekUint32(addr uintptr) (v uint32, ok bool) {
	return usercopy.Load32(as.table, addr)
}

// TryCompareAndSwap32 is CompareAndSwap32 under the terms of PeekUint32.
func (as *AddressSpace) TryCompareAndSwap32(addr uintptr, old, new uint32) (cur uint32, ok bool) {
	_, cur, ok = usercopy.CompareAndSwap32(as.table, addr, old, new)
	return cur, ok
}

// Resolve resolves the fault that reading or writing at addr meets, or fails
// with EFAULT. What it has brought may be gone again when it returns.
func (as *AddressSpace) Resolve(addr uintptr, write bool) error { return as.resolveFor(addr, write) }
