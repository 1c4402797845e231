package task

import (
	"kevlar/kernel/machine/ring3"
	"kevlar/kernel/mm"
)

// What the layers above and beside plug in. All are set before StartInit and
// not changed while a task runs.
var (
	// Syscall serves system call nr of t. Its results go to RAX: the value,
	// or the error as a negative number. It must return a restart code
	// (abi.ERESTARTSYS and so on) only when a signal interrupted it. Args
	// are the registers themselves: they change when those do.
	Syscall func(t *Task, nr uintptr, args *[6]uintptr) (uintptr, error)

	// Calls holds functions that serve system calls in place of Syscall, by
	// number: the short way. Entries may be nil.
	Calls [512]func(t *Task, args *[6]uintptr) (uintptr, error)

	// OnInterrupt runs what device interrupts have left to do. It is called
	// each time an interrupt ended user mode. It may be nil.
	OnInterrupt func()

	// OnInitExit is told the wait status of process 1, after which the
	// machine is of no use.
	OnInitExit func(status int)

	// MapVDSO maps the vDSO into a new address space and returns where its
	// ELF header is: AT_SYSINFO_EHDR. It may be nil: there is no vDSO.
	MapVDSO func(as *mm.AddressSpace) (uintptr, error)

	// Entropy fills a buffer with random bytes from the system's generator.
	Entropy func(b []byte)

	// HWCap is AT_HWCAP, CPUID.1:EDX; HWCap2 is AT_HWCAP2.
	HWCap, HWCap2 uint64

	// Kick makes the CPU that runs c in user mode leave it soon, if one
	// does. It may be nil: the scheduler's time slice ends user mode too.
	Kick func(c *ring3.Context)
)
