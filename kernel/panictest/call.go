//go:build panictest

package panictest

import (
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/panictest/panicfs"
	"kevlar/kernel/syscalls"
	"kevlar/kernel/task"
)

// nrPanicking is the number of a system call that kernels built with the tag panictest have more
// than others. Linux has not given it out.
const nrPanicking = 400

// What its first argument asks for; any other number is a panicfs.Op, which then panics the next time.
const (
	panicNow     = 1000 + iota // panic with panicMu held
	panicNot                   // take panicMu and release it
	panicOnNil                 // the same as panicNow by way of a fault of the processor
	panicOnIndex               // and by an index out of range
)

// panicMu is what panicNow holds.
var panicMu sync.Mutex

func init() {
	syscalls.Table[nrPanicking] = syscalls.Call{Name: "panicking", Func: sysPanicking, Args: "uint"}
}

func sysPanicking(_ *task.Task, a *syscalls.Args) (uintptr, error) {
	if a[0] < uintptr(panicfs.Ops) {
		panicfs.Arm(panicfs.Op(a[0]))
		return 0, nil
	}
	panicMu.Lock()
	defer panicMu.Unlock()
	switch a[0] {
	case panicNow:
		panic("a system call was to panic")
	case panicNot:
		return 0, nil
	case panicOnNil:
		var nobody *task.Task
		return uintptr(nobody.TID()), nil
	case panicOnIndex:
		return a[a[1]], nil
	}
	return 0, abi.EINVAL
}
