//go:build baremetal

package mmio

import "kevlar/kernel/machine/goruntime"

// Map returns the region of size bytes of device registers at physical
// address pa, and makes the direct map cover it if it does not yet.
func Map(pa uint64, size uintptr) (Region, error) {
	if err := goruntime.MapDevice(pa, uint64(size)); err != nil {
		return Region{}, err
	}
	return New(pa, size), nil
}
