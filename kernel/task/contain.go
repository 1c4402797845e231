package task

import (
	"fmt"
	"runtime/debug"
	"strings"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/klog"
)

var containedPanics atomic.Uint64

// ContainedPanics returns how many panics have been contained since boot.
// Every one is a defect of the kernel.
func ContainedPanics() uint64 { return containedPanics.Load() }

// contain recovers a panic that happened while t was being served: it is
// logged, and the process killed.
func (t *Task) contain() {
	if v := recover(); v != nil {
		t.report(v)
		t.GroupExit(abi.SIGKILL)
	}
}

func (t *Task) report(v any) { reportPanic(fmt.Sprintf("%s[%d]", t.Comm(), t.TID()), v) }

// reportPanic counts and logs a panic of who, which was recovered with v.
func reportPanic(who string, v any) {
	containedPanics.Add(1)
	klog.Print(klog.Alert, fmt.Sprintf("kevlar: contained panic in %s: %v", who, v))
	for line := range strings.Lines(string(debug.Stack())) {
		klog.Print(klog.Alert, strings.TrimRight(line, "\n"))
	}
}

// guard runs f, one step of what a thread does at its end. A panic in it is
// logged, and the next step follows.
func (t *Task) guard(f func()) {
	defer func() {
		if v := recover(); v != nil {
			t.report(v)
		}
	}()
	f()
}
