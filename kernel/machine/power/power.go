//go:build baremetal

// Package power ends or restarts the machine.
package power

import "kevlar/kernel/machine/pio"

// ACPI tells how the firmware wants the machine turned off; package acpi
// fills it in. Port 0 means unknown.
var ACPI struct {
	SleepPort  uint16 // PM1a_CNT_BLK
	SleepValue uint16 // SLP_TYPa of S5 and SLP_EN
	WriteSleep func()
	WriteReset func()
}

// Off turns the machine off.
//
//go:nosplit
func Off() {
	if ACPI.SleepPort != 0 {
		pio.Out16(ACPI.SleepPort, ACPI.SleepValue)
	}
	if ACPI.WriteSleep != nil {
		ACPI.WriteSleep()
	}
	// Machines without ACPI tables: the usual ports of QEMU's q35 and pc,
	// and a reset, which ends the monitor under -no-reboot.
	pio.Out16(0x604, 0x2000)
	pio.Out16(0xb004, 0x2000)
	Reboot()
}

// Reboot resets the machine.
//
//go:nosplit
func Reboot() {
	if ACPI.WriteReset != nil {
		ACPI.WriteReset()
	}
	const resetControl, fullReset = 0xcf9, 0x0e
	pio.Out8(resetControl, fullReset)
	const keyboardCommand, pulseReset = 0x64, 0xfe
	pio.Out8(keyboardCommand, pulseReset)
	tripleFault()
}

// Fail ends the machine with a failure status where the monitor has a way to
// say so, QEMU's isa-debug-exit, and turns it off otherwise.
//
//go:nosplit
func Fail() {
	const debugExit, status = 0xf4, 0x7f
	pio.Out32(debugExit, status)
	Off()
}

// tripleFault resets the processor as a last resort: an exception without a
// table of handlers.
func tripleFault()
