// Package ioapic routes the interrupt lines of devices to CPUs: the I/O APIC,
// as in Intel's 82093AA data sheet.
package ioapic
