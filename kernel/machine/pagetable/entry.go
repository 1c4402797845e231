package pagetable

import "kevlar/kernel/machine/frame"

// Prot tells what a user may do with a page, and what the table must know of
// its frame.
type Prot uint8

const (
	// Read, Write and Exec are the user's rights. The processor has no
	// write-only pages: Write lets the user read, and so does Exec where
	// ExecuteOnly is false. A page with none of them keeps its frame but
	// cannot be touched.
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

// executeOnly tells that the processor has protection keys, and so pages with
// Exec alone: they have ExecuteOnlyKey, which keeps users, and the kernel on
// their behalf, from reading.
var executeOnly bool

// ExecuteOnly reports whether a page with Exec alone cannot be read.
func ExecuteOnly() bool { return executeOnly }

// SetExecuteOnly sets what ExecuteOnly returns. It is called while there is no
// table: at boot, before this package is initialised, or by a test.
func SetExecuteOnly(has bool) {
	executeOnly = has
	bitsOf = computeBits()
}

// ExecuteOnlyKey is the protection key of pages with Exec alone; all others have
// key 0. Linux takes it first of those that are free.
const ExecuteOnlyKey = 1

// Bits of an entry, as the processor defines them: Intel SDM volume 3, 4.5.
// Accessed and dirty are set from the start, which spares the processor the
// trouble: nothing here asks for them.
const (
	present  = 1 << 0
	writable = 1 << 1
	user     = 1 << 2
	accessed = 1 << 5
	dirty    = 1 << 6
	keyShift = 59
	noExec   = 1 << 63

	// The processor ignores these.
	hidden  = 1 << 8 // a frame without rights; then present is clear
	anon    = 1 << 9
	unowned = 1 << 10

	addrMask = 0x000ffffffffff000

	tableBits = present | writable | user | accessed // in the levels above the last
)

// bitsOf holds what entries are but for their frame, for each set of rights.
var bitsOf = computeBits()

func computeBits() (table [1 << 5]uint64) {
	for i := range table {
		var e uint64
		p := Prot(i)
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
		} else if p&access == Exec && executeOnly {
			e |= ExecuteOnlyKey << keyShift
		}
		if p&Anon != 0 {
			e |= anon
		}
		if p&Unowned != 0 {
			e |= unowned
		}
		table[i] = e
	}
	return table
}

// encode makes the entry of frame f with rights p.
func encode(f frame.Frame, p Prot) uint64 { return uint64(f) | bitsOf[p%Prot(len(bitsOf))] }

// decode is the inverse of encode. Read is set in every entry with any right but
// those with a key.
func decode(e uint64) (frame.Frame, Prot) {
	var p Prot
	if e&present != 0 {
		if e&(ExecuteOnlyKey<<keyShift) == 0 {
			p |= Read
		}
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
