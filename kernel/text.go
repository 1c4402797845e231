package main

import (
	"fmt"

	"kevlar/kernel/klog"
)

// recordLine is a record of the kernel log as it is printed.
func recordLine(r klog.Record) string {
	us := r.Mono / 1000
	return fmt.Sprintf("[%5d.%06d] %s\n", us/1_000_000, us%1_000_000, r.Text)
}

// howEnded puts a wait status into words.
func howEnded(status int) string {
	switch signal := status & 0x7f; {
	case signal == 0:
		return fmt.Sprintf("ended with exit status %d", status>>8&0xff)
	default:
		return fmt.Sprintf("was killed by signal %d", signal)
	}
}
