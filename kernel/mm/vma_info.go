package mm

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/pagetable"
)

// VMAInfo describes a VMA: a line of /proc/PID/maps.
type VMAInfo struct {
	Start, End uintptr
	Prot       int // abi.PROT_*
	Shared     bool
	Offset     uint64 // in bytes
	Dev, Ino   uint64 // of the object, or 0
	// Name is the path of what is mapped, or a name in brackets, or "".
	Name   string
	File   File // or nil; valid during the call only
	Locked bool
	Stack  bool // grows down
	// Advised is what madvise(2) was told, as proc(5) abbreviates it in the
	// VmFlags of smaps: each with a space before it.
	Advised string
}

// adviceNames has the abbreviations of advice, in the order of Linux.
var adviceNames = [...]struct {
	flag vmaFlags
	name string
}{
	{vmSequential, " sr"}, {vmRandom, " rr"}, {vmDontFork, " dc"}, {vmNoReserve, " nr"}, {vmWipeOnFork, " wf"},
	{vmDontDump, " dd"}, {vmHugePage, " hg"}, {vmNoHugePage, " nh"}, {vmMergeable, " mg"},
}

func (v *vma) advised() (names string) {
	for _, a := range adviceNames {
		if v.flags&a.flag != 0 {
			names += a.name
		}
	}
	return names
}

// VMAs calls f for every VMA in order until f returns false. f runs with as
// locked: it may not touch user memory.
func (as *AddressSpace) VMAs(f func(VMAInfo) bool) { as.VMAsFrom(0, f) }

// VMAsFrom is VMAs from the first that ends after addr on.
func (as *AddressSpace) VMAsFrom(addr uintptr, f func(VMAInfo) bool) {
	as.mu.RLock()
	defer as.mu.RUnlock()
	c := as.vmas.search(addr)
	for v := c.vma(); v != nil; v = c.next() {
		if !f(as.info(v)) {
			return
		}
	}
}

func (as *AddressSpace) info(v *vma) VMAInfo {
	info := VMAInfo{
		Start: v.start, End: v.end,
		Prot:    int(v.prot),
		Shared:  v.shared(),
		Name:    v.name,
		Locked:  v.flags&vmLocked != 0,
		Advised: v.advised(),
		Stack:   v.flags&vmGrowsDown != 0,
	}
	l := &as.layout
	switch {
	case v.m != nil:
		info.Offset = v.offset << pageShift
		info.Dev, info.Ino = v.m.object.Key()
		info.Name, info.File = v.m.name, v.m.file
	case v.name != "":
	case v.start <= l.brk && v.end >= l.brkStart && l.brk > l.brkStart:
		info.Name = "[heap]"
	case v.start < l.stackTop && v.end >= l.stackTop:
		info.Name = "[stack]"
	}
	return info
}

// Residence tells which pages of an area are present: /proc/PID/smaps. All
// figures but PSS are in pages.
type Residence struct {
	RSS         int64
	Anon        int64 // of RSS, copies that belong to address spaces
	Private     int64 // of Anon, those of this one alone
	PrivateFile int64 // pages of objects that nobody else maps
	PSS         int64 // each page's share of those who map it, in bytes
}

// Residence returns the figures for [start, end). A frame's references stand
// for those who map it, but for one that the object has.
func (as *AddressSpace) Residence(start, end uintptr) Residence {
	as.mu.RLock()
	defer as.mu.RUnlock()
	var r Residence
	as.table.Each(start, end, func(_ uintptr, f frame.Frame, p pagetable.Prot) bool {
		if p&pagetable.Unowned != 0 {
			return true
		}
		r.RSS++
		users := int64(f.Refs())
		if p&pagetable.Anon != 0 {
			r.Anon++
			if users == 1 {
				r.Private++
			}
		} else if users--; users <= 1 {
			r.PrivateFile++
		}
		r.PSS += int64(pageSize) / max(users, 1)
		return true
	})
	return r
}

// Name gives the area [start, end) of memory without an object, all of one
// VMA, a name in brackets for /proc/PID/maps.
func (as *AddressSpace) Name(start, end uintptr, name string) error {
	as.mu.Lock()
	defer as.unlock()
	v := as.vmas.at(start)
	if v == nil || v.end < end || start >= end || v.m != nil {
		return abi.EINVAL
	}
	if err := as.room(as.vmas.splits(start, end)); err != nil {
		return err
	}
	as.vmas.carve(start, end).vma().name = name
	as.vmas.merge(start, end)
	return nil
}
