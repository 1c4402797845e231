//go:build !baremetal

package ioapic

// softAPIC is an I/O APIC of the software machine: its registers, of which a
// selector of 8 bits names one.
type softAPIC struct {
	selector  byte
	registers [256]uint32
}

// soft are those of the machine by their physical addresses. lock guards them.
var soft = map[uint64]*softAPIC{}

// SoftAdd puts an I/O APIC with that many lines at physical address pa, for
// tests. Add makes it known.
func SoftAdd(pa uint64, lines int) {
	f := lock.Lock()
	defer lock.Unlock(f)
	a := &softAPIC{}
	a.registers[indexVersion] = uint32(lines-1)<<16 | 0x11
	soft[pa] = a
}

// SoftEntry returns the redirection entry of a line of the I/O APIC at pa, for
// tests.
func SoftEntry(pa uint64, line int) (lo, hi uint32) {
	f := lock.Lock()
	defer lock.Unlock(f)
	r := &soft[pa].registers
	return r[indexRedirection+2*line], r[indexRedirection+2*line+1]
}

func load(pa uint64, index uint32) uint32 {
	a := soft[pa]
	a.selector = byte(index)
	return a.registers[a.selector]
}

func store(pa uint64, index, v uint32) {
	a := soft[pa]
	a.selector = byte(index)
	a.registers[a.selector] = v
}
