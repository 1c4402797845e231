package mm

import "kevlar/kernel/abi"

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
