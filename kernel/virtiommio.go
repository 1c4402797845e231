package main

import (
	"slices"

	virtiommio "kevlar/kernel/driver/virtio/mmio"
	"kevlar/kernel/machine/acpi"
)

// addDevice adds a virtio device with plain registers that the firmware's tables
// describe to those that are known. What the command line says of a device counts
// more.
func addDevice(list []virtiommio.Location, d acpi.Device) []virtiommio.Location {
	same := func(l virtiommio.Location) bool { return l.Addr == d.Address }
	if slices.ContainsFunc(list, same) {
		return list
	}
	return append(list, virtiommio.Location{Addr: d.Address, Size: d.Size, GSI: d.GSI, Level: d.Level, ActiveLow: d.ActiveLow})
}
