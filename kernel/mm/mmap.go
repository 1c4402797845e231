package mm

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/machine/usercopy"
)

// MmapArgs is what to map: mmap(2).
type MmapArgs struct {
	Addr, Length uintptr
	Prot, Flags  int // abi.PROT_*, abi.MAP_*

	// Object is what is mapped from byte Offset on; nil means anonymous
	// memory. File, if not nil, is kept open while it is mapped.
	Object Object
	Offset uint64
	File   File
	// Name stands in /proc/PID/maps: a path, or for mappings without an
	// object a name in brackets.
	Name string

	// MaxProt is what mprotect may later give; 0 means everything.
	MaxProt int
	// Refused is why the open file may not be mapped so: its mode, its file
	// system's rules. Mmap answers it after what is wrong with the place.
	Refused error
	Caller  Caller
}

// Mmap maps memory and returns its address.
func (as *AddressSpace) Mmap(a *MmapArgs) (uintptr, error) {
	if a.Offset&uint64(pageMask) != 0 || a.Length == 0 {
		return 0, abi.EINVAL
	}
	n := pageUp(a.Length)
	if n == 0 {
		return 0, abi.ENOMEM
	}
	if offset := a.Offset >> pageShift; offset+uint64(n>>pageShift) < offset {
		return 0, abi.EOVERFLOW
	}
	addr, locked, err := as.mmap(a, n)
	if err != nil {
		return 0, err
	}
	if a.Flags&abi.MAP_POPULATE != 0 && a.Flags&abi.MAP_NONBLOCK == 0 || locked {
		as.populate(a.Caller, addr, addr+n)
	}
	return addr, nil
}

// describe makes v the VMA that the arguments describe, but for its object, if
// they make sense.
func (a *MmapArgs) describe(v *vma, start, end uintptr) error {
	*v = vma{start: start, end: end, maxProt: protMask}
	switch a.Flags & abi.MAP_TYPE {
	case abi.MAP_PRIVATE:
	case abi.MAP_SHARED:
		v.flags |= vmShared
	case abi.MAP_SHARED_VALIDATE:
		if a.Object == nil {
			return abi.EINVAL
		}
		v.flags |= vmShared
	default:
		return abi.EINVAL
	}
	if a.Flags&abi.MAP_GROWSDOWN != 0 {
		if v.shared() || a.Object != nil {
			return abi.EINVAL
		}
		v.flags |= vmGrowsDown
	}
	if a.Flags&abi.MAP_NORESERVE != 0 {
		v.flags |= vmNoReserve
	}
	if a.Object != nil {
		v.offset = a.Offset >> pageShift
	}
	if a.MaxProt != 0 {
		v.maxProt = uint8(a.MaxProt & protMask)
	}
	v.prot = uint8(a.Prot & protMask)
	if v.prot&^v.maxProt != 0 {
		return abi.EACCES
	}
	return nil
}

// mmap maps n bytes somewhere and reports whether they are to be populated
// because they are locked.
func (as *AddressSpace) mmap(a *MmapArgs, n uintptr) (addr uintptr, locked bool, err error) {
	as.mu.Lock()
	defer as.unlock()
	if err := as.room(1); err != nil {
		return 0, false, err
	}
	addr, err = as.placeFor(a.Caller, a.Addr, n, a.Flags)
	if err != nil {
		return 0, false, err
	}
	lock := as.lockAll
	if a.Flags&abi.MAP_LOCKED != 0 {
		if !mayLockAny(a.Caller) && as.limit(abi.RLIMIT_MEMLOCK) == 0 {
			return 0, false, abi.EPERM
		}
		lock |= vmLocked
	}
	if lock != 0 && !as.mayLock(int64(n>>pageShift), a.Caller) {
		return 0, false, abi.EAGAIN
	}
	if a.Refused != nil {
		return 0, false, a.Refused
	}
	var v vma
	if err := a.describe(&v, addr, addr+n); err != nil {
		return 0, false, err
	}
	v.flags |= lock

	replaced := int64(0)
	fixed := a.Flags&abi.MAP_FIXED != 0
	if fixed {
		replaced = as.mappedPages(v.start, v.end)
		if err := as.room(1 + as.vmas.splits(v.start, v.end)); err != nil {
			return 0, false, err
		}
	}
	if err := as.mayExpand(&v, v.pages()-replaced); err != nil {
		return 0, false, err
	}
	if fixed {
		as.unmap(v.start, v.end)
	}
	switch {
	case a.Object != nil:
		v.m = as.attach(a.Object, a.File, a.Name)
	case v.shared():
		v.m = as.attach(newAnonObject(uint64(n>>pageShift), as.account), nil, "/dev/zero (deleted)")
	default:
		v.name = a.Name
	}
	as.addVMA(v)
	return addr, v.flags&(vmLocked|vmLockOnFault) == vmLocked, nil
}

// mappedPages returns how many pages of [start, end) are mapped.
func (as *AddressSpace) mappedPages(start, end uintptr) int64 {
	n := int64(0)
	c := as.vmas.search(start)
	for v := c.vma(); v != nil && v.start < end; v = c.next() {
		n += int64((min(end, v.end) - max(start, v.start)) >> pageShift)
	}
	return n
}

// placeFor chooses the address for a mapping of n bytes, given c's wish and
// MAP_* flags.
func (as *AddressSpace) placeFor(c Caller, wish, n uintptr, flags int) (uintptr, error) {
	if n > UserTop {
		return 0, abi.ENOMEM
	}
	// MAP_FIXED_NOREPLACE says where, but never what to replace.
	if flags&(abi.MAP_FIXED|abi.MAP_FIXED_NOREPLACE) != 0 {
		switch {
		case wish > UserTop-n:
			return 0, abi.ENOMEM
		case wish&pageMask != 0:
			return 0, abi.EINVAL
		case wish < MinAddress && !mayMapLow(c):
			return 0, abi.EPERM
		case flags&abi.MAP_FIXED_NOREPLACE != 0 && as.vmas.overlaps(wish, wish+n):
			return 0, abi.EEXIST
		}
		return wish, nil
	}
	top := UserTop
	if wish = pageDown(wish); flags&abi.MAP_32BIT != 0 {
		top = top32Bit
	}
	if wish != 0 && n <= top {
		wish = max(wish, MinAddress)
		if wish <= top-n && as.isFree(wish, wish+n) {
			return wish, nil
		}
	}
	if addr, ok := as.findGap(n, flags); ok {
		return addr, nil
	}
	return 0, abi.ENOMEM
}

// mayMapLow reports whether c may map what lies below MinAddress: the
// superuser, but only where the processor keeps the kernel from taking it for
// its own when it follows a nil pointer.
func mayMapLow(c Caller) bool { return hasCap(c, abi.CAP_SYS_RAWIO) && usercopy.Guarded() }

// isFree reports whether nothing is mapped in [start, end), nor a stack so
// close above that its guard gap would be hit.
func (as *AddressSpace) isFree(start, end uintptr) bool {
	v := as.vmas.search(start).vma()
	return v == nil || v.guardedStart() >= end
}

// findGap returns the start of n free bytes.
func (as *AddressSpace) findGap(n uintptr, flags int) (uintptr, bool) {
	if flags&abi.MAP_32BIT != 0 {
		return as.vmas.gapAbove(n, bottom32Bit+as.layout.random(random32BitPages), top32Bit)
	}
	if addr, ok := as.vmas.gapBelow(n, MinAddress, as.layout.mmapBase); ok {
		return addr, true
	}
	return as.vmas.gapAbove(n, bottomUpBase, UserTop)
}

// Munmap unmaps what there is in [addr, addr+n): munmap(2).
func (as *AddressSpace) Munmap(addr, n uintptr) error {
	if addr&pageMask != 0 {
		return abi.EINVAL
	}
	as.mu.Lock()
	defer as.unlock()
	return as.mayUnmap(addr, n)
}

// mayUnmap unmaps what there is in [addr, addr+n), of which addr is at a page,
// if that is a range of user memory and there is room for the VMA that may be
// split.
func (as *AddressSpace) mayUnmap(addr, n uintptr) error {
	if addr > UserTop || n > UserTop-addr || n == 0 {
		return abi.EINVAL
	}
	end := addr + pageUp(n)
	if err := as.room(as.splitsInside(addr, end)); err != nil {
		return err
	}
	as.unmap(addr, end)
	return nil
}

// splitsInside returns how many VMAs removing [start, end) leaves in addition:
// one if it lies inside of a single one.
func (as *AddressSpace) splitsInside(start, end uintptr) int {
	v := as.vmas.at(start)
	if v != nil && v.start < start && end < v.end {
		return 1
	}
	return 0
}

// populate brings in the pages of [start, end) as if c touched them, until one
// cannot be, or c is killed. Where nothing is mapped any more it goes on with
// what is.
func (as *AddressSpace) populate(c Caller, start, end uintptr) error {
	for addr := start; addr < end; addr += pageSize {
		if killed(c) {
			return abi.EINTR
		}
		at, write, exec := as.populates(addr)
		if at >= end {
			break
		}
		if err := as.Fault(at, write, exec, false); err != nil {
			return err
		}
		addr = at
	}
	return nil
}

// populates returns the first page from addr on where something is mapped, or
// UserTop, and whether to touch it by a write or a fetch: private pages that may
// be written get their own frames.
func (as *AddressSpace) populates(addr uintptr) (at uintptr, write, exec bool) {
	as.mu.RLock()
	defer as.mu.RUnlock()
	v := as.vmas.search(addr).vma()
	if v == nil {
		return UserTop, false, false
	}
	return max(addr, v.start), v.prot&abi.PROT_WRITE != 0 && !v.shared(), v.prot == abi.PROT_EXEC
}
