package syscalls

import (
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/klog"
	"kevlar/kernel/task"
)

// tracing is set while calls are logged.
var tracing atomic.Bool

// Connect makes Dispatch serve the system calls of all threads. Unless calls
// are traced by then, those that exist go to the table's functions directly.
func Connect() {
	task.Syscall = Dispatch
	if tracing.Load() {
		return
	}
	for nr := range Table {
		task.Calls[nr] = Table[nr].Func
	}
}

// Dispatch serves system call nr of thread t. It is what task.Syscall calls
// each time user mode makes a system call, so the usual way through it is
// short.
func Dispatch(t *task.Task, nr uintptr, a *Args) (uintptr, error) {
	if nr < uintptr(len(Table)) && !tracing.Load() {
		if f := Table[nr].Func; f != nil {
			return f(t, a)
		}
	}
	return dispatchSlow(t, nr, a)
}

// dispatchSlow serves calls that are traced or missing.
func dispatchSlow(t *task.Task, nr uintptr, a *Args) (uintptr, error) {
	c := &Call{}
	if nr < uintptr(len(Table)) {
		c = &Table[nr]
	}
	f := c.Func
	if f == nil {
		f = func(t *task.Task, _ *Args) (uintptr, error) {
			logMissing(t, callName(nr))
			return 0, abi.ENOSYS
		}
	}
	if !tracing.Load() {
		return f(t, a)
	}
	return trace(t, nr, c, f, a)
}

// missing remembers which missing calls have been named in the kernel log,
// for which program. It holds at most maxMissing pairs: programs that try
// numbers at random do not fill the memory or the log.
var missing struct {
	sync.Mutex
	logged map[missingKey]bool
}

type missingKey struct{ program, call string }

const maxMissing = 1000

// logMissing names a missing call in the kernel log, once for each program.
func logMissing(t *task.Task, call string) {
	k := missingKey{t.Comm(), call}
	if firstMissing(k) {
		klog.Printf("%s: missing system call %s", k.program, k.call)
	}
}

func firstMissing(k missingKey) bool {
	missing.Lock()
	defer missing.Unlock()
	if missing.logged[k] || len(missing.logged) >= maxMissing {
		return false
	}
	if missing.logged == nil {
		missing.logged = make(map[missingKey]bool)
	}
	missing.logged[k] = true
	return true
}
