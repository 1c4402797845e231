package pagetable

import "kevlar/kernel/machine/frame"

// Prot tells what a user may do with a page, and what the table must know of
// its frame.
type Prot uint8

const (
	// Read, Write and Exec are the user's rights. The processor has neither
	// write-only nor execute-only pages: any of the three lets the user
	// read. A page with none of them keeps its frame but cannot be touched.
	Read Prot = 1 << iota
	Write
	Exec
	// Anon marks a frame that belongs to address spaces alone and not to a
	// memory object: once it has a single reference it is the table's own.
	Anon
	// Unowned marks a frame on which the table holds no reference.
	Unowned

	access = Read | Write | Exec
)

// Bits of an entry, as the processor defines them: Intel SDM volume 3, 4.5.
// Accessed and dirty are set from the start, which spares the processor the
// trouble: nothing here asks for them.
const (
	present  = 1 << 0
	writable = 1 << 1
	user     = 1 << 2
	accessed = 1 << 5
	dirty    = 1 << 6
	noExec   = 1 << 63

	// The processor ignores these.
	hidden  = 1 << 8 // a frame without rights; then present is clear
	anon    = 1 << 9
	unowned = 1 << 10

	addrMask = 0x000ffffffffff000

	tableBits = present | writable | user | accessed // in the levels above the last
)

// encode makes the entry of frame f with rights p.
func encode(f frame.Frame, p Prot) uint64 {
	e := uint64(f)
	if p&access == 0 {
		e |= hidden
	} else {
		e |= present | user | accessed
	}
	if p&Write != 0 {
		e |= writable | dirty
	}
	if p&Exec == 0 {
		e |= noExec
	}
	if p&Anon != 0 {
		e |= anon
	}
	if p&Unowned != 0 {
		e |= unowned
	}
	return e
}

// decode is the inverse of encode. Read is set in every entry with any right.
func decode(e uint64) (frame.Frame, Prot) {
	var p Prot
	if e&present != 0 {
		p |= Read
		if e&writable != 0 {
			p |= Write
		}
		if e&noExec == 0 {
			p |= Exec
		}
	}
	if e&anon != 0 {
		p |= Anon
	}
	if e&unowned != 0 {
		p |= Unowned
	}
	return frame.Frame(e & addrMask), p
}

// frameOf returns the frame of an entry.
func frameOf(e uint64) frame.Frame { return frame.Frame(e & addrMask) }
