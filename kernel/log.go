//go:build baremetal

package main

import (
	"fmt"
	"strings"
	"sync/atomic"

	"kevlar/kernel/driver/serial"
	"kevlar/kernel/klog"
	"kevlar/kernel/machine/boot"
	"kevlar/kernel/machine/debugcon"
)

// logPort is the serial port that the log goes to, once it has a driver.
var logPort atomic.Pointer[serial.Port]

// startLog makes the log quiet if the command line says so: only errors are for
// people to see at once.
func startLog() {
	if hasWord(boot.CommandLine(), "quiet") {
		klog.SetConsoleLevel(klog.Warning)
	}
}

// printRecord prints a record of the kernel log on the debug console. Where
// there is none it goes to the first serial port, as Linux's does, if it is for
// people to see at once.
func printRecord(r klog.Record) {
	line := recordLine(r)
	switch {
	case debugcon.Present():
		debugcon.String(line)
	case r.ForConsole():
		if p := logPort.Load(); p != nil {
			p.Print(strings.ReplaceAll(line, "\n", "\r\n"))
		} else {
			debugcon.Serial(line)
		}
	}
}

// failLoudly logs a line and makes sure that it is seen where there is no
// debug console.
func failLoudly(format string, args ...any) {
	debugcon.Loud()
	klog.Print(klog.Emerg, "kevlar: "+fmt.Sprintf(format, args...))
}
