package proc

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// mayRead checks whether the caller may look into the thread's process:
// PTRACE_MODE_READ_FSCREDS of ptrace(2).
func (v *view) mayRead() error {
	if !v.allowed() {
		return abi.EACCES
	}
	return nil
}

func (v *view) allowed() bool {
	if tgid, _, ok := Self(v.c); ok && tgid == v.task.TGID() {
		return true
	}
	return v.allowedTo(v.c.Cred())
}

// allowedTo reports whether other processes with these credentials may look
// into the process.
func (v *view) allowedTo(caller *vfs.Cred) bool {
	cred := v.task.Cred()
	if cred == nil {
		return caller.HasCap(abi.CAP_SYS_PTRACE)
	}
	return caller.MayLookInto(cred, v.task.Dumpable())
}

// mayReadStack checks whether the caller may see the kernel's side of the
// thread.
func (v *view) mayReadStack() error {
	if !v.c.Cred().HasCap(abi.CAP_SYS_ADMIN) {
		return abi.EACCES
	}
	return nil
}
