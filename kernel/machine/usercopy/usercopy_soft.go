//go:build !baremetal

package usercopy

import (
	"sync/atomic"

	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/layout"
	"kevlar/kernel/machine/pagetable"
	"kevlar/kernel/machine/tlb"
)

// In copies from user memory at src to dst.
func In(t *pagetable.Table, dst []byte, src uintptr) (left int, fault uintptr) {
	return each(t, src, len(dst), pagetable.Read, func(page []byte) {
		n := copy(dst, page)
		dst = dst[n:]
	})
}

// Out copies src to user memory at dst.
func Out(t *pagetable.Table, dst uintptr, src []byte) (left int, fault uintptr) {
	return each(t, dst, len(src), pagetable.Write, func(page []byte) {
		n := copy(page, src)
		src = src[n:]
	})
}

// Zero clears n bytes of user memory at dst.
func Zero(t *pagetable.Table, dst uintptr, n int) (left int, fault uintptr) {
	return each(t, dst, n, pagetable.Write, func(page []byte) { clear(page) })
}

// Load32 reads the aligned word at addr; ok is false if it faults.
func Load32(t *pagetable.Table, addr uintptr) (v uint32, ok bool) {
	word(t, addr, pagetable.Read, func(p *uint32) {
		v, ok = atomic.LoadUint32(p), true
	})
	return v, ok
}

// CompareAndSwap32 sets the aligned word at addr to new if it is old. It
// returns whether it did and what the word was; ok is false if it faults.
func CompareAndSwap32(t *pagetable.Table, addr uintptr, old, new uint32) (swapped bool, cur uint32, ok bool) {
	word(t, addr, pagetable.Write, func(p *uint32) {
		ok = true
		for {
			if cur = atomic.LoadUint32(p); cur != old {
				return
			}
			if swapped = atomic.CompareAndSwapUint32(p, old, new); swapped {
				return
			}
		}
	})
	return swapped, cur, ok
}

// each calls f for the part of [addr, addr+n) in each page, in order, while
// the user has the right need.
func each(t *pagetable.Table, addr uintptr, n int, need pagetable.Prot, f func(page []byte)) (left int, fault uintptr) {
	for n > 0 {
		offset := int(addr % frame.Size)
		part := min(n, frame.Size-offset)
		if !touch(t, addr, need, func(pa uint64) { f(direct.Bytes(pa, part)) }) {
			return n, addr
		}
		addr += uintptr(part)
		n -= part
	}
	return 0, 0
}

func word(t *pagetable.Table, addr uintptr, need pagetable.Prot, f func(p *uint32)) {
	if addr%4 == 0 {
		touch(t, addr, need, func(pa uint64) { f(direct.U32(pa)) })
	}
}

// touch calls f with the physical address behind addr, as one walk, and
// returns false if the user lacks the right need.
func touch(t *pagetable.Table, addr uintptr, need pagetable.Prot, f func(pa uint64)) bool {
	if addr >= layout.UserEnd {
		return false
	}
	tlb.BeginWalk()
	defer tlb.EndWalk()
	fr, p, ok := t.Lookup(addr)
	if !ok || p&need == 0 {
		return false
	}
	f(uint64(fr) + uint64(addr%frame.Size))
	return true
}

// Guarded reports whether only copies of this package reach user memory: they
// do, for it is nowhere else.
func Guarded() bool { return true }
