//go:build baremetal

package goruntime

import (
	"kevlar/kernel/machine/clock"
	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/debugcon"
)

// Answers of system calls: small negative numbers are errors.
const (
	errNoEnt    = ^uintptr(2 - 1)
	errBadF     = ^uintptr(9 - 1)
	errAgain    = ^uintptr(11 - 1)
	errNoMem    = ^uintptr(12 - 1)
	errInval    = ^uintptr(22 - 1)
	errNoSys    = ^uintptr(38 - 1)
	errTimedOut = ^uintptr(110 - 1)

	// blocked says that the thread's frame already holds its answer: another
	// thread runs now, or the frame was replaced.
	blocked = ^uintptr(1<<20 - 1)
)

// interruptFlag is the bit of RFLAGS.
const interruptFlag = 0x200

// Counts of what the runtime has asked for, by number; for diagnosis.
var syscallCount [512]uint32

// syscall is the hook for SYSCALL instructions in ring 0.
func syscall(f *cpu.Frame) {
	if f.RFLAGS&interruptFlag == 0 {
		// Somebody was taken off the CPU with a spin lock held.
		fatal(f, 0, "the Go runtime's scheduler was entered with interrupts off")
	}
	nr := f.RAX
	if nr < uintptr(len(syscallCount)) {
		syscallCount[nr]++
	}
	if ret := dispatch(nr, f); ret != blocked {
		f.RAX = ret
	}
	flags := sched.lock.Lock()
	deliverPending()
	armTimer()
	sched.lock.Unlock(flags)
}

func dispatch(nr uintptr, f *cpu.Frame) uintptr {
	switch nr {
	case 0: // read
		return readPseudo(f.RDI, f.RSI, f.RDX)
	case 1: // write
		return writePseudo(f.RDI, f.RSI, f.RDX)
	case 3: // close
		return 0
	case 9: // mmap
		return mmap(f.RDI, f.RSI, f.R10)
	case 10: // mprotect: the runtime only ever narrows what it has reserved
		return 0
	case 11: // munmap
		return munmap(f.RDI, f.RSI)
	case 13: // rt_sigaction
		return sigaction(f.RDI, f.RSI, f.RDX)
	case 14: // rt_sigprocmask
		return sigprocmask(f.RDI, f.RSI, f.RDX)
	case 15: // rt_sigreturn
		sigreturn(f)
		return blocked
	case 24: // sched_yield
		f.RAX = 0
		flags := sched.lock.Lock()
		cpu.Current().Pending &^= PendingYield
		yield()
		sched.lock.Unlock(flags)
		return blocked
	case 28: // madvise
		return madvise(f.RDI, f.RSI, f.RDX)
	case 35: // nanosleep
		f.RAX = 0
		deadline := clock.Nanotime() + loadTimespec(f.RDI)
		flags := sched.lock.Lock()
		block(waitSleep, deadline)
		sched.lock.Unlock(flags)
		return blocked
	case 39: // getpid
		return 1
	case 56: // clone
		i := newThread(f, f.RSI, f.R8)
		if i < 0 {
			return errAgain
		}
		return uintptr(i)
	case 60: // exit: of a thread
		exitThread()
		return blocked
	case 72: // fcntl
		return fcntlPseudo(f.RDI, f.RSI)
	case 131: // sigaltstack
		return sigaltstack(f.RDI, f.RSI)
	case 157, 302: // prctl, prlimit64: the runtime does without
		return errInval
	case 158: // arch_prctl
		const setFS = 0x1002
		if f.RDI != setFS {
			return errInval
		}
		threads[current()&(maxThreads-1)].fs = f.RSI
		cpu.Current().ThreadFS = f.RSI
		return 0
	case 186: // gettid
		return uintptr(current())
	case 202: // futex
		const operation, wait, wake = 0x7f, 0, 1
		switch f.RSI & operation {
		case wait:
			return futexWait(f.RDI, uint32(f.RDX), f.R10)
		case wake:
			return futexWake(f.RDI, uint32(f.RDX))
		}
		return errNoSys
	case 204: // sched_getaffinity
		return affinity(f.RSI, f.RDX)
	case 228: // clock_gettime
		clock.Gettime(f.RDI, f.RSI)
		return 0
	case 231: // exit_group
		exitGroup(int(f.RDI))
		return 0
	case 232, 281: // epoll_wait, epoll_pwait
		return epollWait(f.RSI, f.RDX, int32(f.R10))
	case 233: // epoll_ctl
		return epollCtl(f.RSI, f.RDX, f.R10)
	case 234: // tgkill
		return tgkill(int32(f.RSI), f.RDX)
	case 257, 269: // openat, faccessat: there are no files
		return errNoEnt
	case 290: // eventfd2
		return fdEvent
	case 291: // epoll_create1
		return fdEpoll
	case 318: // getrandom
		return getrandom(f.RDI, f.RSI)
	}
	debugcon.String("goruntime: system call ")
	debugcon.Hex(uint64(nr))
	debugcon.String(" refused\n")
	return errNoSys
}

// exitThread ends the calling thread.
func exitThread() {
	flags := sched.lock.Lock()
	threads[current()&(maxThreads-1)].status = free
	schedule()
	sched.lock.Unlock(flags)
}

// affinity stores the set of CPUs: what runtime.NumCPU counts.
func affinity(size, p uintptr) uintptr {
	n := cpu.Count()
	for i := uintptr(0); i < 8 && i < size; i++ {
		b := byte(0)
		for bit := uintptr(0); bit < 8; bit++ {
			if int(i*8+bit) < n {
				b |= 1 << bit
			}
		}
		store8(p+i, b)
	}
	return min(size, 8)
}
