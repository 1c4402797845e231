package syscalls

import (
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/klog"
	"kevlar/kernel/task"
)

// SetHandlers sets what serves the system calls by number: the functions of the
// Table, each behind a trace if strace is set, and for what is missing one that
// says so.
func SetHandlers(h *[len(task.Handlers)]task.Handler, strace bool) {
	none := &Call{}
	for nr := range h {
		c := none
		if nr < len(Table) {
			c = &Table[nr]
		}
		f := c.Func
		if f == nil {
			f = sysMissing
		}
		if strace {
			f = traced(c, f)
		}
		h[nr] = task.Handler(f)
	}
}

// sysMissing serves the calls that there are not.
func sysMissing(t *task.Task, _ *Args) (uintptr, error) {
	logMissing(t, callName(uintptr(t.CallNumber())))
	return 0, abi.ENOSYS
}

// missing remembers which missing calls have been named in the kernel log. It
// holds at most maxMissing of them: programs that try numbers at random do not
// fill the memory or the log.
var missing struct {
	sync.Mutex
	logged map[string]bool
}

const maxMissing = 1000

// logMissing names a missing call in the kernel log once, with the first program
// that made it: some calls are made by every program at its start.
func logMissing(t *task.Task, call string) {
	if firstMissing(call) {
		klog.Printf("%s: missing system call %s", t.Comm(), call)
	}
}

func firstMissing(call string) bool {
	missing.Lock()
	defer missing.Unlock()
	if missing.logged[call] || len(missing.logged) >= maxMissing {
		return false
	}
	if missing.logged == nil {
		missing.logged = make(map[string]bool)
	}
	missing.logged[call] = true
	return true
}
