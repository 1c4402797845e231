//go:build baremetal

package usercopy

import (
	"unsafe"

	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/layout"
	"kevlar/kernel/machine/pagetable"
	"kevlar/kernel/machine/spin"
	"kevlar/kernel/machine/x86"
)

// The assembly checks that root is loaded, copies with SMAP open, and returns
// how much is left and the address of the next byte, which is the one that
// faulted. A fault inside goes to a fix-up (see Fixup) that returns the same
// way. wrongRoot
// says that another table is loaded; nothing was copied.
//
// The functions are sound for any user address: those outside of the user's
// half are refused before, and every access is inside a fix-up range. Kernel
// addresses come from slices that the caller keeps alive; a goroutine's stack
// does not move while assembly runs on it.

const wrongRoot = ^uintptr(0)

//go:noescape
func copyIn(root uint64, dst unsafe.Pointer, src, n uintptr) (left, fault uintptr)

//go:noescape
func copyOut(root uint64, dst uintptr, src unsafe.Pointer, n uintptr) (left, fault uintptr)

func zeroUser(root uint64, dst, n uintptr) (left, fault uintptr)

func loadUser32(root uint64, addr uintptr) (v uint32, status uintptr)

func casUser32(root uint64, addr uintptr, old, new uint32) (cur uint32, status uintptr)

// load makes t's the page tables of this CPU. A thread that is descheduled
// while it copies gets them back with the CPU.
func load(t *pagetable.Table) {
	flags := spin.Disable()
	LoadRoot(t)
	spin.Restore(flags)
}

// LoadRoot is load for callers that have turned interrupts off.
//
//go:nosplit
func LoadRoot(t *pagetable.Table) {
	cpu.Current().LoadRoot(t.Root())
}

// Guarded reports whether the processor refuses the kernel accesses to user
// memory that are not copies of this package: SMAP.
func Guarded() bool { return x86.ReadCR4()&x86.CR4SMAP != 0 }

// inUser reports how much of [addr, addr+n) from its start lies in the user's
// half.
func inUser(addr uintptr, n int) int {
	if addr >= layout.UserEnd {
		return 0
	}
	return int(min(uintptr(n), layout.UserEnd-addr))
}

// In copies from user memory at src to dst.
func In(t *pagetable.Table, dst []byte, src uintptr) (left int, fault uintptr) {
	n := inUser(src, len(dst))
	if n == 0 {
		return len(dst), src
	}
	for {
		l, f := copyIn(t.Root(), unsafe.Pointer(unsafe.SliceData(dst)), src, uintptr(n))
		if l != wrongRoot {
			return rest(l, f, src, n, len(dst))
		}
		load(t)
	}
}

// Out copies src to user memory at dst.
func Out(t *pagetable.Table, dst uintptr, src []byte) (left int, fault uintptr) {
	n := inUser(dst, len(src))
	if n == 0 {
		return len(src), dst
	}
	for {
		l, f := copyOut(t.Root(), dst, unsafe.Pointer(unsafe.SliceData(src)), uintptr(n))
		if l != wrongRoot {
			return rest(l, f, dst, n, len(src))
		}
		load(t)
	}
}

// rest turns what is left of n bytes at addr into what is left of total, where
// the bytes behind the first n lie outside of the user's half.
func rest(left, fault, addr uintptr, n, total int) (int, uintptr) {
	if left == 0 && n < total {
		return total - n, addr + uintptr(n)
	}
	return int(left) + total - n, fault
}

// Zero clears n bytes of user memory at dst.
func Zero(t *pagetable.Table, dst uintptr, n int) (left int, fault uintptr) {
	m := inUser(dst, n)
	if m == 0 {
		return n, dst
	}
	for {
		l, f := zeroUser(t.Root(), dst, uintptr(m))
		if l != wrongRoot {
			return rest(l, f, dst, m, n)
		}
		load(t)
	}
}

// Load32 reads the aligned word at addr; ok is false if it faults.
func Load32(t *pagetable.Table, addr uintptr) (v uint32, ok bool) {
	if inUser(addr, 4) < 4 {
		return 0, false
	}
	for {
		v, status := loadUser32(t.Root(), addr)
		if status == wrongRoot {
			load(t)
			continue
		}
		return v, status == 0
	}
}

// CompareAndSwap32 sets the aligned word at addr to new if it is old. It
// returns whether it did and what the word was; ok is false if it faults.
func CompareAndSwap32(t *pagetable.Table, addr uintptr, old, new uint32) (swapped bool, cur uint32, ok bool) {
	if inUser(addr, 4) < 4 {
		return false, 0, false
	}
	for {
		cur, status := casUser32(t.Root(), addr, old, new)
		if status == wrongRoot {
			load(t)
			continue
		}
		return status == 0 && cur == old, cur, status == 0
	}
}

// A fixup sends a fault at an instruction in [start, end) to handler.
type fixup struct{ start, end, handler uintptr }

// fixups are the ranges of instructions that touch user memory; copyRange is
// all of this package's assembly.
var (
	fixups    [6]fixup
	copyRange [2]uintptr
)

// Init fills the tables; boot code calls it once.
//
//go:nosplit
func Init() { initFixups() }

func initFixups()

// Fixup changes *rip to where the copy goes on, or is given up, if a fault at
// it belongs to a user copy.
//
//go:nosplit
func Fixup(rip *uintptr) bool {
	for i := range fixups {
		if f := &fixups[i]; *rip >= f.start && *rip < f.end {
			*rip = f.handler
			return true
		}
	}
	return false
}

// InRange reports whether rip is inside a copy: a thread that is descheduled
// there needs its page table back.
//
//go:nosplit
func InRange(rip uintptr) bool { return rip >= copyRange[0] && rip < copyRange[1] }
