//go:build baremetal

package irq

import (
	"os"

	"kevlar/kernel/machine/acpi"
	"kevlar/kernel/machine/goruntime"
	"kevlar/kernel/machine/ioapic"
)

// Init finds the I/O APICs and starts the goroutine that serves an idle
// machine. Machines without tables have one at the usual address.
func Init() {
	acpi.EachIOAPIC(func(a acpi.IOAPIC) { ioapic.Add(a.Address, a.Base) })
	if !ioapic.Known() {
		const usual = 0xfec00000
		ioapic.Add(usual, 0)
	}
	go serve(os.NewFile(goruntime.FDInterrupt, "interrupt"))
}

func serve(f *os.File) {
	var b [8]byte
	for {
		if _, err := f.Read(b[:]); err != nil {
			panic("irq: " + err.Error())
		}
		Drain()
	}
}
