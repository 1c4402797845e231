package mm

import (
	"kevlar/kernel/abi"
)

// Mprotect changes what may be done with the pages in [addr, addr+n):
// mprotect(2). Areas before the first that refuses are changed.
func (as *AddressSpace) Mprotect(c Caller, addr, n uintptr, prot int) error {
	grows := prot & (abi.PROT_GROWSDOWN | abi.PROT_GROWSUP)
	prot &^= grows
	if grows == abi.PROT_GROWSDOWN|abi.PROT_GROWSUP || addr&pageMask != 0 {
		return abi.EINVAL
	}
	if n == 0 {
		return nil
	}
	n = pageUp(n)
	end := addr + n
	if end <= addr {
		return abi.ENOMEM
	}
	if prot&^(protMask|abi.PROT_SEM) != 0 {
		return abi.EINVAL
	}
	prot &= protMask

	own, err := as.mprotect(addr, end, prot, grows)
	for _, r := range own {
		// Locked private memory that may be written from now on gets its
		// own frames now, so that writing does not have to wait for them.
		as.populate(c, r[0], r[1])
	}
	return err
}

// mprotect changes [addr, end) and returns what locked private memory has
// become writable, as starts and ends.
func (as *AddressSpace) mprotect(addr, end uintptr, prot, grows int) (own [][2]uintptr, err error) {
	as.mu.Lock()
	defer as.unlock()
	v := as.vmas.search(addr).vma()
	if v == nil {
		return own, abi.ENOMEM
	}
	if grows == abi.PROT_GROWSDOWN {
		if v.start >= end {
			return own, abi.ENOMEM
		}
		if v.flags&vmGrowsDown == 0 {
			return own, abi.EINVAL
		}
		addr = v.start
	} else if v.start > addr {
		return own, abi.ENOMEM
	} else if grows == abi.PROT_GROWSUP {
		return own, abi.EINVAL
	}
	for at := addr; at < end; {
		v := as.vmas.at(at)
		if v == nil {
			return own, abi.ENOMEM
		}
		to := min(end, v.end)
		becomesOwn := v.flags&(vmLocked|vmLockOnFault|vmShared) == vmLocked &&
			uint8(prot)&^v.prot&abi.PROT_WRITE != 0
		if err := as.protect(v, at, to, uint8(prot)); err != nil {
			return own, err
		}
		if becomesOwn {
			own = append(own, [2]uintptr{at, to})
		}
		at = to
	}
	return own, nil
}

// protect gives [start, end), which lies in v, the protection prot.
func (as *AddressSpace) protect(v *vma, start, end uintptr, prot uint8) error {
	if prot == v.prot {
		return nil
	}
	if prot&^v.maxProt != 0 {
		return abi.EACCES
	}
	if err := as.room(as.vmas.splits(start, end)); err != nil {
		return err
	}
	part := *v
	part.start, part.end, part.prot = start, end, prot
	if part.isData() && !v.isData() {
		if err := as.mayExpandData(&part); err != nil {
			return err
		}
	}
	v = as.vmas.carve(start, end).vma()
	as.usage.add(v, -v.pages())
	v.prot = prot
	as.usage.add(v, v.pages())
	as.table.Protect(start, end, v.rights())
	as.vmas.merge(start, end)
	return nil
}

// mayExpandData checks whether v, which is mapped, may become data.
func (as *AddressSpace) mayExpandData(v *vma) error {
	if uint64(as.usage.data+v.pages()) > as.limit(abi.RLIMIT_DATA)>>pageShift {
		return abi.ENOMEM
	}
	return mayCommit(v, v.pages())
}
