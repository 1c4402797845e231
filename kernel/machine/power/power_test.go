package power

import (
	"fmt"
	"slices"
	"testing"
	"unsafe"

	"kevlar/kernel/machine/acpi"
	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/pio"
)

func TestMain(m *testing.M) {
	reads = 100
	m.Run()
}

// A monitor notes what is written to ports until it ends the machine: at a
// write to the port end, or at the triple fault.
type monitor struct {
	end    uint16
	writes []string
	waited []int // reads of a port after each of the writes
}

func (m *monitor) In(port uint16, size int) uint32 {
	m.waited[len(m.waited)-1]++
	return 0xff
}

func (m *monitor) Out(port uint16, size int, v uint32) {
	m.note(fmt.Sprintf("port %#x: %d bytes %#x", port, size, v))
	if port == m.end {
		panic("the monitor ends")
	}
}

func (m *monitor) note(s string) {
	m.writes, m.waited = append(m.writes, s), append(m.waited, 0)
}

// run calls f on a machine with this firmware and returns what ended it.
func (m *monitor) run(firmware acpi.Power, f func()) (by any) {
	how, pio.Soft = firmware, m
	m.waited = []int{0}
	defer func() {
		by = recover()
		how, pio.Soft = acpi.Power{}, nil
	}()
	f()
	return "nothing"
}

// registers are a page of physical memory.
var registers [2 * 4096]byte

func registerAt(off uintptr) (acpi.Register, *byte) {
	p := (uintptr(unsafe.Pointer(&registers))+4095)&^4095 + off
	return acpi.Register{Address: uint64(p - direct.Base)}, &registers[p-uintptr(unsafe.Pointer(&registers))]
}

const (
	exit     = "port 0xf4: 4 bytes 0x7f"
	pm1a     = "port 0x604: 2 bytes 0x3400"
	sleep    = "port 0x700: 1 bytes 0x34"
	reset    = "port 0xcf9: 1 bytes 0xf"
	keyboard = "port 0x64: 1 bytes 0xfe"
)

// TestOrder ignores all that is written, so that everything is tried, and then
// ends the machine at each of the ports in turn.
func TestOrder(t *testing.T) {
	const pm1aPort, sleepPort, resetPort, keyboardPort, exitPort = 0x604, 0x700, 0xcf9, 0x64, 0xf4
	all := acpi.Power{
		PM1aControl: pm1aPort, SleepType: 5, SleepControl: acpi.Register{Port: true, Address: sleepPort},
		Reset: acpi.Register{Port: true, Address: resetPort}, ResetValue: 0xf,
	}
	without := func(change func(*acpi.Power)) acpi.Power {
		p := all
		change(&p)
		return p
	}
	for _, tt := range []struct {
		name     string
		firmware acpi.Power
		f        func()
		want     []string
	}{
		{"off", all, Off, []string{pm1a, sleep, reset, keyboard}},
		{"reboot", all, Reboot, []string{reset, keyboard}},
		{"fail", all, Fail, []string{exit, pm1a, sleep, reset, keyboard}},
		{"off without tables", acpi.Power{}, Off, []string{keyboard}},
		{"reboot without tables", acpi.Power{}, Reboot, []string{keyboard}},
		{"fail without tables", acpi.Power{}, Fail, []string{exit, keyboard}},
		{"off with reduced hardware", without(func(p *acpi.Power) { p.PM1aControl = 0 }), Off, []string{sleep, reset, keyboard}},
		{"off without a reset register", without(func(p *acpi.Power) { p.Reset.Address = 0 }), Off, []string{pm1a, sleep, keyboard}},
	} {
		m := &monitor{}
		if by := m.run(tt.firmware, tt.f); by != "power: triple fault" || !slices.Equal(m.writes, tt.want) {
			t.Errorf("%s: %q, then %v; want %q and a triple fault", tt.name, m.writes, by, tt.want)
			continue
		}
		if m.waited[0] != 0 {
			t.Errorf("%s: waits for nothing", tt.name)
		}
		for i, w := range tt.want {
			if m.waited[i+1] == 0 {
				t.Errorf("%s: the monitor has no time for %q", tt.name, w)
			}
			end := map[string]uint16{exit: exitPort, pm1a: pm1aPort, sleep: sleepPort, reset: resetPort, keyboard: keyboardPort}[w]
			m := &monitor{end: end}
			if by := m.run(tt.firmware, tt.f); by != "the monitor ends" || !slices.Equal(m.writes, tt.want[:i+1]) {
				t.Errorf("%s: %q, then %v; want %q and the end", tt.name, m.writes, by, tt.want[:i+1])
			}
		}
	}
}

// TestOffIsAwaitedLonger: to be reset while it turns off looks like a crash.
func TestOffIsAwaitedLonger(t *testing.T) {
	m := &monitor{}
	m.run(acpi.Power{PM1aControl: 0x604, SleepType: 5, Reset: acpi.Register{Port: true, Address: 0xcf9}, ResetValue: 0xf}, Off)
	if off, reset := m.waited[1], m.waited[2]; off < 10*reset {
		t.Errorf("turning off has %d reads of time, a reset %d", off, reset)
	}
}

// TestRegistersInMemory writes those that are no ports: their byte and no other.
func TestRegistersInMemory(t *testing.T) {
	sleepRegister, sleep := registerAt(4095)
	resetRegister, reset := registerAt(1)
	m := &monitor{}
	by := m.run(acpi.Power{SleepControl: sleepRegister, SleepType: 7, Reset: resetRegister, ResetValue: 9}, Off)
	if by != "power: triple fault" || !slices.Equal(m.writes, []string{keyboard}) {
		t.Errorf("%q, then %v", m.writes, by)
	}
	if *sleep != 7<<2|1<<5 || *reset != 9 {
		t.Errorf("the registers have %#x and %#x", *sleep, *reset)
	}
	*sleep, *reset = 0, 0
	if registers != [2 * 4096]byte{} {
		t.Error("something else was written")
	}
}
