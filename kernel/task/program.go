package task

import (
	"sync/atomic"

	"kevlar/kernel/vfs"
)

// A program is what a process executes: the file, and where in memory the
// strings are that it was given. It is shared by forks until the next execve;
// nothing but the count changes.
type program struct {
	users atomic.Int32
	file  *vfs.File // nobody may write to it meanwhile

	argStart, argEnd, envStart, envEnd uintptr
	auxv                               []byte // as on the stack, AT_NULL included
	codeStart, codeEnd                 uintptr
	dataStart, dataEnd                 uintptr
	stackStart                         uintptr
}

func (p *program) put() {
	if p.users.Add(-1) == 0 {
		p.file.Put()
	}
}
