package mm

import (
	"kevlar/kernel/abi"
)

// Mprotect changes what may be done with the pages in [addr, addr+n):
// mprotect(2). Areas before the first that refuses are changed.
func (as *AddressSpace) Mprotect(addr, n uintptr, prot int) error {
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
	if prot&^protMask != 0 {
		return abi.EINVAL
	}

	as.mu.Lock()
	defer as.unlock()
	i := as.vmas.search(addr)
	if i == as.vmas.len() {
		return abi.ENOMEM
	}
	v := &as.vmas.all[i]
	if grows == abi.PROT_GROWSDOWN {
		if v.start >= end {
			return abi.ENOMEM
		}
		if v.flags&vmGrowsDown == 0 {
			return abi.EINVAL
		}
		addr = v.start
	} else if v.start > addr {
		return abi.ENOMEM
	} else if grows == abi.PROT_GROWSUP {
		return abi.EINVAL
	}
	for at := addr; at < end; {
		v := as.vmas.at(at)
		if v == nil {
			return abi.ENOMEM
		}
		to := min(end, v.end)
		if err := as.protect(v, at, to, uint8(prot)); err != nil {
			return err
		}
		at = to
	}
	return nil
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
	first, last := as.vmas.carve(start, end)
	v = &as.vmas.all[first]
	as.usage.add(v, -v.pages())
	v.prot = prot
	as.usage.add(v, v.pages())
	as.table.Protect(start, end, v.rights())
	as.vmas.merge(first, last)
	return nil
}

// mayExpandData checks whether v, which is mapped, may become data.
func (as *AddressSpace) mayExpandData(v *vma) error {
	if uint64(as.usage.data+v.pages()) > as.limit(abi.RLIMIT_DATA)>>pageShift {
		return abi.ENOMEM
	}
	return mayCommit(v, v.pages())
}
