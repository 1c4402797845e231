//go:build baremetal

package goruntime

import (
	"unsafe"

	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/spin"
)

const (
	_ = uint(firstThread - cpu.MaxCPU)
	_ = uint(cpu.MaxCPU - firstThread)
)

// A thread is one kernel thread. sched.lock guards all fields but state,
// which belongs to the CPU that runs the thread.
type thread struct {
	state cpu.ThreadState // first: entry code finds it by CPU.FrameEnd

	status  status
	onCPU   int32 // the CPU that runs it; -1 if none
	lastCPU int32
	fs      uintptr // FS base: the runtime's thread-local storage
	root    uint64  // page table in use when descheduled inside usercopy; else 0
	wait    uintptr // address of the futex it waits for; 0 if none

	sigMask, sigPending uint64
	altStack, altSize   uintptr
	inSignal            bool
	idle                bool
	_                   [6]byte
}

// ThreadState's FXSAVE-free layout and the IST want 16-byte alignment: the
// array is aligned by the linker, and the size must keep it.
const _ = -(unsafe.Sizeof(thread{}) % 16)

type status int32

const (
	free status = iota
	ready
	running
	waitFutex
	waitSleep
	waitPoll
)

// Threads 0 to cpu.MaxCPU-1 are the idle threads of the CPUs.
var threads [maxThreads]thread

// highest is one more than the largest index in use; guarded by sched.lock.
var highest = cpu.MaxCPU

// current returns the index of the thread that the calling CPU runs.
//
//go:nosplit
func current() int32 {
	base := uintptr(unsafe.Pointer(&threads))
	end := cpu.Current().FrameEnd
	return int32((end - base) / unsafe.Sizeof(thread{}))
}

// frameEnd returns what CPU.FrameEnd is while t runs.
//
//go:nosplit
func (t *thread) frameEnd() uintptr {
	return uintptr(unsafe.Pointer(&t.state.Frame)) + unsafe.Sizeof(t.state.Frame)
}

// newThread makes a thread that continues like the one with frame f, on
// another stack: clone(2) as the runtime uses it. It returns the thread's
// index, or -1 if there are too many.
func newThread(f *cpu.Frame, stack, tls uintptr) int32 {
	flags := sched.lock.Lock()
	defer unlockSched(flags)
	for i := int32(cpu.MaxCPU); i < maxThreads; i++ {
		t := &threads[i]
		if t.status != free {
			continue
		}
		mask := threads[current()].sigMask
		*t = thread{onCPU: -1, lastCPU: -1, fs: tls, sigMask: mask}
		t.state.Frame = *f
		t.state.Frame.RAX = 0
		t.state.Frame.RSP = stack
		if int(i) >= highest {
			highest = int(i) + 1
		}
		makeReady(i, false)
		return i
	}
	return -1
}

func unlockSched(flags spin.Flags) { sched.lock.Unlock(flags) }

// initThreads makes the calling CPU's present flow of control a thread: on the
// boot CPU the first thread of the runtime.
//
//go:nosplit
func initBootThread() {
	t := &threads[cpu.MaxCPU]
	t.status, t.lastCPU = running, 0
	highest = cpu.MaxCPU + 1
	c := cpu.Current()
	t.fs = c.ThreadFS
	run(c, cpu.MaxCPU)
}

// initIdle prepares the idle thread of CPU i, whose stack ends at stack.
//
//go:nosplit
func initIdle(i int, stack uintptr) {
	t := &threads[i&(cpu.MaxCPU-1)]
	t.status, t.onCPU, t.lastCPU, t.idle = ready, -1, int32(i), true
	f := &t.state.Frame
	f.RIP, f.CS, f.RFLAGS, f.SS, f.RSP = idlePC(), cpu.KernelCS, 0x202, cpu.KernelSS, stack
	t.fs = cpu.Get(i).ThreadFS
}

// idlePC returns the address of the idle loop: STI; HLT.
func idlePC() uintptr
