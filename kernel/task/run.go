package task

import (
	"runtime"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/ring3"
)

// main is the life of a thread: the body of its goroutine.
func (t *Task) main() {
	t.start()
	for !t.serve() {
	}
	t.end()
}

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
		if t.work.Load() != 0 && t.handleSignals() {
			return true
		}
		switch c.Run(t.table) {
		case ring3.Syscall:
			t.args = [6]uintptr{uintptr(c.RDI), uintptr(c.RSI), uintptr(c.RDX), uintptr(c.R10), uintptr(c.R8), uintptr(c.R9)}
			nr := uintptr(c.RAX)
			ticks := Ticks.Load()
			v, err := Syscall(t, nr, &t.args)
			if err != nil {
				v = t.failed(nr, err)
			}
			c.RAX = uint64(v)
			if Ticks.Load() != ticks {
				t.kernelTick()
			}
		case ring3.PageFault:
			t.pageFault()
		case ring3.Exception:
			t.exception()
		case ring3.Interrupt:
			t.interrupted()
		}
	}
}

// failed returns what a system call that failed with err leaves in RAX. A
// restart code is remembered for when signals are delivered.
func (t *Task) failed(nr uintptr, err error) uintptr {
	e, ok := err.(abi.Errno)
	if !ok {
		e = errnoOf(err)
	}
	if e >= abi.ERESTARTSYS {
		t.restart.nr, t.restart.code = uint64(nr), e
		t.work.Or(workRestart)
		e = abi.EINTR
	}
	return -uintptr(e)
}

// interrupted lets others have the CPU: interrupt handlers, and threads that
// wait for it.
func (t *Task) interrupted() {
	if OnInterrupt != nil {
		OnInterrupt()
	}
	t.cpu.userTicks.Add(1)
	t.cpu.off()
	runtime.Gosched()
	t.cpu.on()
	t.cpu.preempted.Add(1)
	t.checkCPUTimers()
}

// kernelTick is called when a timer interrupt came during a system call.
func (t *Task) kernelTick() {
	t.cpu.kernelTicks.Add(1)
	t.checkCPUTimers()
}
