// Package debugcon writes bytes where a person who debugs the kernel finds
// them: the monitor's debug console at I/O port 0xe9, or the first serial port
// where there is none. It works in any context.
package debugcon
