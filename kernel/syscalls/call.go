package syscalls

import "kevlar/kernel/task"

// Args are the six arguments of a system call, in the order of the ABI.
type Args = [6]uintptr

// A Func serves one system call for thread t, which is the calling
// goroutine's own.
type Func func(t *task.Task, a *Args) (uintptr, error)

// Support tells how complete a call is.
type Support uint8

const (
	// Missing calls answer ENOSYS.
	Missing Support = iota
	// Partial calls refuse what the row's note tells.
	Partial
	// Full calls do all that section 2 of the manual says of them.
	Full
)

// A Call is one row of the Table.
type Call struct {
	Name string
	Func Func // nil if Missing
	// Args names the kind of each argument, and after "=" the kind of the
	// result, for the trace: kinds in strace.go.
	Args    string
	Support Support
	// Note tells users what a Partial call lacks.
	Note string
}
