// Package interactive tests what a person at a terminal sees: it types at Kevlar's shell through a
// pseudo-terminal and reads the screen. The tests boot machines, so they run under "kevlar test"
// only.
package interactive
