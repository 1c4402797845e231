package acpi

// Entries of the multiple APIC description table: ACPI 5.2.12.
const (
	madtEntries    = 44
	entryLocalAPIC = 0
	entryIOAPIC    = 1
	entryOverride  = 2
	flagEnabled    = 1
)

func eachEntry(f func(kind byte, e []byte)) {
	m := lookup("APIC")
	if len(m) < madtEntries {
		return
	}
	for p := m[madtEntries:]; len(p) >= 2; {
		n := int(p[1])
		if n < 2 || n > len(p) {
			return
		}
		f(p[0], p[:n])
		p = p[n:]
	}
}

// EachCPU calls f with the APIC number of each processor that can be used.
func EachCPU(f func(apic uint32)) {
	eachEntry(func(kind byte, e []byte) {
		if kind == entryLocalAPIC && len(e) >= 8 && le.Uint32(e[4:])&flagEnabled != 0 {
			f(uint32(e[3]))
		}
	})
}

// An IOAPIC is one I/O APIC: its registers and its first interrupt number.
type IOAPIC struct {
	Address uint64
	Base    uint32
}

// EachIOAPIC calls f with each I/O APIC.
func EachIOAPIC(f func(IOAPIC)) {
	eachEntry(func(kind byte, e []byte) {
		if kind == entryIOAPIC && len(e) >= 12 {
			f(IOAPIC{uint64(le.Uint32(e[4:])), le.Uint32(e[8:])})
		}
	})
}

// GSI returns the global interrupt number of an ISA interrupt, and its flags:
// polarity in the low two bits, trigger mode in the next two.
func GSI(isa byte) (gsi uint32, flags uint16) {
	gsi = uint32(isa)
	eachEntry(func(kind byte, e []byte) {
		if kind == entryOverride && len(e) >= 10 && e[3] == isa {
			gsi, flags = le.Uint32(e[4:]), le.Uint16(e[8:])
		}
	})
	return gsi, flags
}
