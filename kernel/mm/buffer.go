package mm

import "kevlar/kernel/abi"

// A Buffer is user memory in pieces, as read(2) and writev(2) have it, with a
// position that moves as bytes go in or out. It is the Dest and the Source of
// file operations. The zero value is empty; Reset makes it ready for another
// call without allocating.
type Buffer struct {
	space *AddressSpace
	one   [1]abi.Iovec
	vec   []abi.Iovec // the pieces that are left; the first is entered by done
	done  uint64      // bytes of vec[0] that are behind the position
	left  int         // bytes from the position to the end
}

// NewBuffer returns a Buffer over the pieces of vec.
func NewBuffer(as *AddressSpace, vec []abi.Iovec) *Buffer {
	b := new(Buffer)
	b.ResetVec(as, vec)
	return b
}

// Reset makes b the n bytes at addr.
func (b *Buffer) Reset(as *AddressSpace, addr uintptr, n int) {
	b.one[0] = abi.Iovec{Base: addr, Len: uint64(n)}
	b.ResetVec(as, b.one[:])
}

// ResetVec makes b the pieces of vec, which the caller leaves alone while b is
// in use. Their lengths add up to no more than an int holds.
func (b *Buffer) ResetVec(as *AddressSpace, vec []abi.Iovec) {
	b.space, b.vec, b.done, b.left = as, vec, 0, 0
	for i := range vec {
		b.left += int(vec[i].Len)
	}
}

// Len returns how many bytes are left.
func (b *Buffer) Len() int { return b.left }

// Write copies p, or as much of it as b has left, to the user. It returns
// less than that only with EFAULT.
func (b *Buffer) Write(p []byte) (int, error) {
	return b.each(min(len(p), b.left), func(addr uintptr, from, to int) (int, error) {
		return b.space.CopyOut(addr, p[from:to])
	})
}

// Read copies from the user to p, like Write.
func (b *Buffer) Read(p []byte) (int, error) {
	return b.each(min(len(p), b.left), func(addr uintptr, from, to int) (int, error) {
		return b.space.CopyIn(p[from:to], addr)
	})
}

// Zero clears n bytes, or as many as b has left, like Write.
func (b *Buffer) Zero(n int) (int, error) {
	return b.each(min(n, b.left), func(addr uintptr, from, to int) (int, error) {
		return b.space.ZeroOut(addr, to-from)
	})
}

// Skip moves the position by n bytes, without touching them.
func (b *Buffer) Skip(n int) {
	b.each(min(n, b.left), func(_ uintptr, from, to int) (int, error) { return to - from, nil })
}

// each calls f for the next n bytes, piece by piece, and moves the position by
// what f did. The bytes from..to are counted from where the call began.
func (b *Buffer) each(n int, f func(addr uintptr, from, to int) (int, error)) (int, error) {
	for moved := 0; ; {
		if moved == n {
			return n, nil
		}
		piece := &b.vec[0]
		if b.done == piece.Len {
			b.vec, b.done = b.vec[1:], 0
			continue
		}
		part := min(n-moved, int(piece.Len-b.done))
		k, err := f(piece.Base+uintptr(b.done), moved, moved+part)
		moved += k
		b.done += uint64(k)
		b.left -= k
		if err != nil {
			return moved, err
		}
	}
}
