package task

import (
	"runtime"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/ring3"
)

// main is the life of a thread: the body of its goroutine.
func (t *Task) main() {
	growStack()
	t.guard(t.start)
	for !t.serve() {
	}
	t.end()
}

// growStack makes the goroutine's stack 8 KiB, as large as most threads come to
// need. That costs little while the stack is empty; later all that is on it is
// copied, frame by frame, which takes as long as a fork.
//
//go:noinline
func growStack() {
	var room [4500]byte
	touch(room[:])
}

//go:noinline
func touch(b []byte) { b[0] = 1 }

// start does what a new thread does before it first enters user mode.
func (t *Task) start() {
	t.cpu.on()
	if t.setTID != 0 {
		var b [4]byte
		putUint32(b[:], uint32(t.TID()))
		t.CopyOut(t.setTID, b[:]) // a bad address is the program's own affair
	}
}

// serve runs user mode and serves what it asks for, until the thread is to
// end. A panic on the way kills the thread's process and makes serve return
// false; then it is called again.
func (t *Task) serve() (end bool) {
	defer t.contain()
	c := t.Ctx
	for {
		if t.work.Load() != 0 {
			if t.handleSignals() {
				return true
			}
		}
		if r := c.Enter(t.table); r != ring3.Called {
			t.serveEvent(c.Event(r, t.table))
			continue
		}
		v, err := Handlers[min(t.CallNumber(), uint32(len(Handlers)-1))](t, c.Args())
		if err != nil {
			v = t.failed(err)
		}
		c.RAX = uint64(v)
	}
}

// serveEvent serves what ended user mode but for a system call.
func (t *Task) serveEvent(e ring3.Event) {
	switch e {
	case ring3.PageFault:
		t.pageFault()
	case ring3.Exception:
		t.exception()
	case ring3.Interrupt:
		t.interrupted()
	}
}

// failed returns what a system call that failed with err leaves in RAX. A
// restart code is remembered for when signals are delivered.
func (t *Task) failed(err error) uintptr {
	e, ok := err.(abi.Errno)
	if !ok {
		e = errnoOf(err)
	}
	if e >= abi.ERESTARTSYS {
		t.restart.nr, t.restart.code = t.Ctx.RAX, e
		t.work.Or(workRestart)
		e = abi.EINTR
	}
	return -uintptr(e)
}

// interrupted lets others have the CPU: interrupt handlers, and threads that
// wait for it. An interrupt during a system call makes user mode end at
// once when it is entered.
func (t *Task) interrupted() {
	if OnInterrupt != nil {
		OnInterrupt()
	}
	if n := t.Ctx.KernelTicks() - t.cpu.ticks; n != 0 {
		t.cpu.sampleKernel(n)
	} else {
		t.cpu.sampleUser()
	}
	t.cpu.off()
	runtime.Gosched()
	t.cpu.on()
	t.cpu.ticks = t.Ctx.KernelTicks()
	t.cpu.preempted.Add(1)
	t.checkCPUTimers()
}
