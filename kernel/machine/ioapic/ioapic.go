package ioapic

import "kevlar/kernel/machine/spin"

const (
	indexVersion     = 1
	indexRedirection = 0x10

	activeLow = 1 << 13
	level     = 1 << 15
	masked    = 1 << 16

	// maxLines is how many an index of 8 bits reaches.
	maxLines = (256 - indexRedirection) / 2
)

// An APIC is one I/O APIC; lines base to base+lines-1 are its own.
type apic struct {
	address     uint64
	base, lines uint32
}

var (
	lock  spin.Lock // guards the register windows
	apics [8]apic
	count int
)

// Add makes an I/O APIC known whose registers are at physical address pa and
// whose first line has the global number base. Its lines are masked.
func Add(pa uint64, base uint32) {
	if count == len(apics) {
		return
	}
	a := &apics[count]
	a.address, a.base = pa, base
	a.lines = min(a.read(indexVersion)>>16&0xff+1, maxLines)
	count++
	for line := uint32(0); line < a.lines; line++ {
		a.write(indexRedirection+2*line, masked)
	}
}

// Known reports whether any I/O APIC is known.
func Known() bool { return count > 0 }

//go:nosplit
func (a *apic) read(index uint32) uint32 {
	f := lock.Lock()
	v := load(a.address, index)
	lock.Unlock(f)
	return v
}

//go:nosplit
func (a *apic) write(index, v uint32) {
	f := lock.Lock()
	store(a.address, index, v)
	lock.Unlock(f)
}

//go:nosplit
func find(gsi uint32) *apic {
	for i := 0; i < count; i++ {
		if a := &apics[i&7]; gsi >= a.base && gsi-a.base < a.lines {
			return a
		}
	}
	return nil
}

// Has reports whether there is a line gsi.
func Has(gsi uint32) bool { return find(gsi) != nil }

// Route makes line gsi raise vector on the CPU with the given APIC number. It
// returns false if there is no such line.
func Route(gsi, vector, cpu uint32, levelTriggered, low bool) bool {
	a := find(gsi)
	if a == nil {
		return false
	}
	line := gsi - a.base
	lo, hi := redirection(vector, cpu, levelTriggered, low)
	a.write(indexRedirection+2*line+1, hi)
	a.write(indexRedirection+2*line, lo) // last: it unmasks the line
	return true
}

// redirection encodes an entry of the table that is not masked.
func redirection(vector, cpu uint32, levelTriggered, low bool) (lo, hi uint32) {
	lo, hi = vector, cpu<<24
	if levelTriggered {
		lo |= level
	}
	if low {
		lo |= activeLow
	}
	return lo, hi
}

// Mask stops line gsi from interrupting, Unmask lets it again. Any context.
//
//go:nosplit
func Mask(gsi uint32) { setMask(gsi, masked) }

// Unmask undoes Mask.
//
//go:nosplit
func Unmask(gsi uint32) { setMask(gsi, 0) }

//go:nosplit
func setMask(gsi, bit uint32) {
	if a := find(gsi); a != nil {
		index := indexRedirection + 2*(gsi-a.base)
		a.write(index, a.read(index)&^masked|bit)
	}
}
