//go:build baremetal

package main

// startDevices finds the virtio devices and starts their drivers.
func startDevices() {
}
