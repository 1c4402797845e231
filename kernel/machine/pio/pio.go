// Package pio reads and writes x86 I/O ports. Under go test there are those of
// a device that the test plays.
package pio
