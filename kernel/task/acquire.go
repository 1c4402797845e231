package task

import (
	"kevlar/kernel/mm"
	"kevlar/kernel/vfs"
)

// What follows is for threads other than the owner, such as those that read
// /proc: they get a reference, which they give back, or nil if the task is
// ending.

// AcquireMM returns the address space: Put.
func (t *Task) AcquireMM() *mm.AddressSpace {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mm != nil {
		t.mm.Get()
	}
	return t.mm
}

// AcquireFDs returns the descriptor table: Unref.
func (t *Task) AcquireFDs() *vfs.FDTable {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.files != nil {
		t.files.Ref()
	}
	return t.files
}

// AcquireFS returns root, working directory and umask: Put.
func (t *Task) AcquireFS() *vfs.FSContext {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fs != nil {
		t.fs.Get()
	}
	return t.fs
}

// acquireProgram returns the program: put.
func (t *Task) acquireProgram() *program {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.prog != nil {
		t.prog.users.Add(1)
	}
	return t.prog
}
