// Package boot is the way from the monitor's jump to the first instruction of
// the Go runtime.
//
// The image's stub has turned on long mode with the boot page tables and jumps
// to entry with the physical address of the PVH start_info structure. Boot
// context follows: one CPU, interrupts off, a static stack and a fake g, so
// that ordinary Go runs that allocates nothing.
//
// It does two things. The image as it was loaded chooses the places of this
// boot (see package layout), copies itself to its own and jumps there: move.go.
// The copy finds memory and processors, prepares the boot CPU and hands over to
// runtime·rt0_go, which believes that Linux has just started it: start.go.
package boot
