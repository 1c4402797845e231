package task

import "kevlar/kernel/mm"

// A Handler serves one system call of t. Args are the registers themselves:
// they change when those do. What it returns goes to RAX: the value, or the
// error as a negative number. It returns a restart code (abi.ERESTARTSYS and
// so on) only when a signal interrupted the call.
type Handler func(t *Task, args *[6]uintptr) (uintptr, error)

// What the layers above and beside plug in: kernel/layers.go sets all of it
// before StartInit, and nothing changes while a task runs.
var (
	// Handlers serve the system calls by their numbers; the last one serves all
	// numbers from there on. None is nil.
	Handlers [512]Handler

	// OnInterrupt runs what device interrupts have left to do. It is called
	// each time an interrupt ended user mode. It may be nil.
	OnInterrupt func()

	// OnInitExit is told the wait status of process 1, after which the
	// machine is of no use.
	OnInitExit func(status int)

	// MapVDSO maps the vDSO into a new address space and returns where its
	// ELF header is: AT_SYSINFO_EHDR. It may be nil: there is no vDSO.
	MapVDSO func(as *mm.AddressSpace) (uintptr, error)

	// HWCap is AT_HWCAP, CPUID.1:EDX; HWCap2 is AT_HWCAP2.
	HWCap, HWCap2 uint64
)

// CallNumber returns the number of the system call that t makes: only 32 bits
// count.
func (t *Task) CallNumber() uint32 { return uint32(t.Ctx.RAX) }
