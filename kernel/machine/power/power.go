package power

import (
	"kevlar/kernel/machine/acpi"
	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/pio"
	"kevlar/kernel/machine/x86"
)

// how is what the firmware's tables say.
var how acpi.Power

// Init reads the firmware's tables, which acpi.Find has found.
func Init() { how, _ = acpi.ReadPower() }

// Off turns the machine off. Where the monitor does not do it, the machine is
// reset, which ends a monitor that was told not to reboot.
//
//go:nosplit
func Off() {
	if how.PM1aControl != 0 {
		const sleepEnable = 1 << 13
		pio.Out16(how.PM1aControl, uint16(how.SleepType)<<10|sleepEnable)
		awaitOff()
	}
	if how.SleepControl.Address != 0 {
		const sleepEnable = 1 << 5
		set(how.SleepControl, how.SleepType<<2|sleepEnable)
		awaitOff()
	}
	Reboot()
}

// Reboot resets the machine.
//
//go:nosplit
func Reboot() {
	if how.Reset.Address != 0 {
		set(how.Reset, how.ResetValue)
		await()
	}
	const keyboardCommand, pulseReset = 0x64, 0xfe
	pio.Out8(keyboardCommand, pulseReset)
	await()
	tripleFault()
}

// Fail ends the machine with a failure status where the monitor has a way to
// say so, QEMU's isa-debug-exit, and turns it off otherwise.
//
//go:nosplit
func Fail() {
	const debugExit, status = 0xf4, 0x7f
	pio.Out32(debugExit, status)
	await()
	Off()
}

//go:nosplit
func set(r acpi.Register, v byte) {
	if r.Port {
		pio.Out8(uint16(r.Address), v)
		return
	}
	direct.Page(r.Address &^ 4095)[r.Address&4095] = v
}

// reads is how many reads of a port give the monitor time. Tests take fewer.
var reads = 100_000

// await gives the monitor time to act: it does so beside this CPU. Reading a port
// that nothing is behind takes the monitor some time itself, more than it takes
// to end: a wait by the clock alone is minutes where the clock counts emulated
// instructions.
//
//go:nosplit
func await() {
	const unused, cycles = 0x80, 1 << 30
	start := x86.RDTSC()
	for i := 0; i < reads && x86.RDTSC()-start < cycles; i++ {
		pio.In8(unused)
	}
}

// awaitOff waits until the machine is off. A monitor on a busy host may take
// seconds, and to be reset in the midst of it looks like a crash.
//
//go:nosplit
func awaitOff() {
	const times = 50
	for range times {
		await()
	}
}
