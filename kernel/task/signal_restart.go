package task

import "kevlar/kernel/abi"

// restart remembers a system call that a signal interrupted: restart(2) in
// signal(7).
type restart struct {
	nr   uint64    // its number
	code abi.Errno // ERESTARTSYS and so on
	// block finishes the call when restart_syscall(2) asks for it. It is
	// for calls whose arguments have changed meaning since: a timeout.
	block func(t *Task) (uintptr, error)
}

// SetRestart sets how restart_syscall(2) goes on with the present call, which
// is about to return ERESTART_RESTARTBLOCK.
func (t *Task) SetRestart(f func(t *Task) (uintptr, error)) { t.restart.block = f }

// RestartSyscall does restart_syscall(2).
func (t *Task) RestartSyscall() (uintptr, error) {
	f := t.restart.block
	t.restart.block = nil
	if f == nil {
		return 0, abi.EINTR
	}
	return f(t)
}

const (
	syscallSize      = 2 // bytes of a SYSCALL instruction
	sysRestartNumber = 219
)

// restartForHandler decides what an interrupted call does after a handler
// with action a has run: it fails with EINTR or is made again.
func (t *Task) restartForHandler(a *abi.SigAction) {
	if t.work.Load()&workRestart == 0 {
		return
	}
	t.work.And(^uint32(workRestart))
	again := t.restart.code == abi.ERESTARTNOINTR ||
		t.restart.code == abi.ERESTARTSYS && a.Flags&abi.SA_RESTART != 0
	if again {
		t.repeatSyscall(t.restart.nr)
	} else {
		t.Ctx.RAX = errnoResult(abi.EINTR)
	}
}

// restartPlain makes an interrupted call again when no handler has run.
func (t *Task) restartPlain() {
	if t.work.Load()&workRestart == 0 {
		return
	}
	t.work.And(^uint32(workRestart))
	if t.restart.code == abi.ERESTART_RESTARTBLOCK {
		t.repeatSyscall(sysRestartNumber)
	} else {
		t.repeatSyscall(t.restart.nr)
	}
}

func (t *Task) repeatSyscall(nr uint64) {
	t.Ctx.RAX = nr
	t.Ctx.RIP -= syscallSize
}

// errnoResult returns what a failed system call leaves in RAX.
func errnoResult(e abi.Errno) uint64 { return -uint64(e) }
