package acpi

import (
	"os"
	"slices"
	"testing"

	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/frame"
)

func TestMain(m *testing.M) {
	frame.InitSoft(256)
	os.Exit(m.Run())
}

// memory is physical memory that a test fills with tables.
type memory struct {
	base, next uint64
}

func newMemory(t *testing.T) *memory {
	t.Helper()
	f, err := frame.AllocContig(4, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		tables.count, block = 0, nil
		for i := range uint64(4) {
			(f + frame.Frame(i*frame.Size)).Put()
		}
	})
	return &memory{uint64(f), uint64(f)}
}

// add stores a table with a header and a right checksum.
func (m *memory) add(signature string, body []byte) uint64 {
	at := m.next
	b := direct.Bytes(at, headerSize+len(body))
	clear(b)
	copy(b, signature)
	le.PutUint32(b[4:], uint32(len(b)))
	copy(b[headerSize:], body)
	b[9] = -sum(b)
	m.next = (at + uint64(len(b)) + 15) &^ 15
	return at
}

// root stores an XSDT with the tables and a root pointer to it.
func (m *memory) root(list ...uint64) uint64 {
	var body []byte
	for _, pa := range list {
		body = le.AppendUint64(body, pa)
	}
	xsdt := m.add("XSDT", body)
	at := m.next
	b := direct.Bytes(at, 36)
	clear(b)
	copy(b, "RSD PTR ")
	b[15] = 2
	le.PutUint32(b[20:], 36)
	le.PutUint64(b[24:], xsdt)
	b[8] = -sum(b[:20])
	m.next += 48
	return at
}

func madt() []byte {
	body := make([]byte, madtEntries-headerSize)
	cpu := func(apic, flags byte) { body = append(body, entryLocalAPIC, 8, 0, apic, flags, 0, 0, 0) }
	cpu(0, 1)
	cpu(5, 1)
	cpu(6, 0) // not enabled
	body = append(body, entryIOAPIC, 12, 0, 0, 0x00, 0x00, 0xc0, 0xfe, 24, 0, 0, 0)
	body = append(body, entryOverride, 10, 0, 9, 20, 0, 0, 0, 0x0f, 0)
	return append(body, entryLocalAPIC, 200) // cut short: must end the walk
}

func TestTables(t *testing.T) {
	m := newMemory(t)
	rsdp := m.root(m.add("APIC", madt()))
	if !Find(rsdp) {
		t.Fatal("no tables found")
	}
	var cpus []uint32
	EachCPU(func(apic uint32) { cpus = append(cpus, apic) })
	if !slices.Equal(cpus, []uint32{0, 5}) {
		t.Errorf("CPUs %v, want 0 and 5", cpus)
	}
	var chips []IOAPIC
	EachIOAPIC(func(a IOAPIC) { chips = append(chips, a) })
	if len(chips) != 1 || chips[0] != (IOAPIC{0xfec00000, 24}) {
		t.Errorf("I/O APICs %v", chips)
	}
	if gsi, flags := GSI(9); gsi != 20 || flags != 0x0f {
		t.Errorf("ISA 9 is %d with flags %#x", gsi, flags)
	}
	if gsi, flags := GSI(4); gsi != 4 || flags != 0 {
		t.Errorf("ISA 4 is %d with flags %#x", gsi, flags)
	}
}

func TestWrongChecksum(t *testing.T) {
	m := newMemory(t)
	pa := m.add("APIC", madt())
	direct.Bytes(pa+40, 1)[0]++
	Find(m.root(pa))
	EachCPU(func(apic uint32) { t.Errorf("CPU %d from a broken table", apic) })
}

func TestPowerOfReducedHardware(t *testing.T) {
	m := newMemory(t)
	dsdt := m.add("DSDT", []byte("\x08_S5_\x12\x06\x04\x0a\x05\x00\x00\x00"))
	fadt := make([]byte, 276-headerSize)
	put := func(offset int, b ...byte) { copy(fadt[offset-headerSize:], b) }
	le.PutUint32(fadt[fadtFlags-headerSize:], flagResetSupported|flagHardwareReduced)
	le.PutUint64(fadt[fadtXDSDT-headerSize:], dsdt)
	put(fadtReset, 1, 8, 0, 0, 0xf9, 0x0c)
	put(fadtResetValue, 0x0e)
	put(fadtSleepControl, 0, 8, 0, 0, 0x00, 0x00, 0xa0, 0xfe)
	Find(m.root(m.add("FACP", fadt)))
	p, ok := ReadPower()
	want := Power{
		SleepControl: Register{Address: 0xfea00000}, SleepType: 5,
		Reset: Register{Port: true, Address: 0xcf9}, ResetValue: 0x0e,
	}
	if !ok || p != want {
		t.Errorf("%+v, %v, want %+v", p, ok, want)
	}
}
