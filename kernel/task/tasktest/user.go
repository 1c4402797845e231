//go:build !baremetal

package tasktest

import (
	"fmt"
	"runtime"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/ring3"
	"kevlar/kernel/task"
)

// Numbers of system calls.
const (
	callNumber      = 1 << 20
	sigreturnNumber = 15
	restartNumber   = 219
)

// A User is a running user program: one thread of it.
type User struct {
	ctx       *ring3.Context
	entry     uint64 // reached again, execve has replaced the program
	resume    chan struct{}
	events    chan ring3.Event
	abandoned chan struct{}
	call      func(*task.Task) (uintptr, error)
}

// callSite is where programs make system calls. The address of the
// instruction is two bytes before what RIP is afterwards.
const callSite = 0x410000

func (u *User) main(p Prog) {
	if !u.wait() {
		return
	}
	u.ctx.RIP = callSite
	status := p(u)
	u.Call(func(t *task.Task) (uintptr, error) {
		t.ExitGroup(status)
		return 0, nil
	})
	panic("tasktest: exit has returned")
}

// wait waits until the thread is to go on in user mode.
func (u *User) wait() bool {
	select {
	case <-u.resume:
		return true
	case <-u.abandoned:
		return false
	}
}

// leave leaves user mode and returns when it is entered again, after the
// handlers of signals that have arrived. A system call that is to be made
// again is.
func (u *User) leave(e ring3.Event) {
	next := u.ctx.RIP
	for {
		u.events <- e
		if !u.wait() {
			runtime.Goexit()
		}
		c := u.ctx
		switch {
		case c.RIP == next:
			return
		case c.RIP == next-2 && e == ring3.Syscall:
			c.RIP += 2 // restarted
		case c.RIP >= handlerBase && c.RIP < Restorer:
			u.handle()
			e = ring3.Syscall // the next round makes rt_sigreturn
		default:
			panic(fmt.Sprintf("tasktest: user mode at %#x", c.RIP))
		}
	}
}

// handle runs a signal handler and prepares its rt_sigreturn.
func (u *User) handle() {
	c := u.ctx
	machine.Lock()
	h := machine.handlers[(c.RIP-handlerBase)/progSize]
	machine.Unlock()
	sig, sp := int(c.RDI), c.RSP
	c.RIP = callSite + progSize // somewhere inside of the handler
	h(u, sig)
	c.RIP, c.RSP = Restorer+2, sp+8
	c.RAX = sigreturnNumber
}

// Handler returns the address of a signal handler that calls f.
func (u *User) Handler(f func(u *User, sig int)) uint64 {
	machine.Lock()
	defer machine.Unlock()
	machine.handlers = append(machine.handlers, f)
	return handlerBase + uint64(len(machine.handlers)-1)*progSize
}

// Regs returns the program's registers.
func (u *User) Regs() *ring3.Context { return u.ctx }

// Syscall makes system call nr and returns what is in RAX.
func (u *User) Syscall(nr uintptr, args ...uintptr) int64 {
	c := u.ctx
	regs := [...]*uint64{&c.RDI, &c.RSI, &c.RDX, &c.R10, &c.R8, &c.R9}
	for i, a := range args {
		*regs[i] = uint64(a)
	}
	c.RAX = uint64(nr)
	c.Trap = ring3.TrapSyscall
	u.leave(ring3.Syscall)
	return int64(u.ctx.RAX)
}

// Spawn makes a system call by number, such as clone(2), and lets p be what the
// new thread executes. It returns what is in RAX.
func (u *User) Spawn(p Prog, nr uintptr, args ...uintptr) int64 {
	u.ctx.R12 = register(p)
	defer func() { u.ctx.R12 = 0 }()
	return u.Syscall(nr, args...)
}

// Call makes a system call that executes f in the kernel.
func (u *User) Call(f func(t *task.Task) (uintptr, error)) (uintptr, error) {
	outer := u.call // of a call that the present handler has interrupted
	u.call = f
	v := u.Syscall(callNumber)
	u.call = outer
	if v < 0 && v > -4096 {
		return 0, abi.Errno(-v)
	}
	return uintptr(v), nil
}

// Do is Call for what cannot fail.
func (u *User) Do(f func(t *task.Task)) {
	u.Call(func(t *task.Task) (uintptr, error) { f(t); return 0, nil })
}

// Clone makes a thread that executes p. It returns its ID.
func (u *User) Clone(flags uint64, exitSignal int, p Prog) (int, error) {
	return u.CloneArgs(task.CloneArgs{Flags: flags, ExitSignal: exitSignal}, p)
}

// CloneArgs is Clone with everything.
func (u *User) CloneArgs(a task.CloneArgs, p Prog) (int, error) {
	u.ctx.R12 = register(p)
	pid, err := u.Call(func(t *task.Task) (uintptr, error) {
		tid, err := t.Clone(&a)
		return uintptr(tid), err
	})
	u.ctx.R12 = 0
	return int(pid), err
}

// Fork makes a process that executes p and returns its ID.
func (u *User) Fork(p Prog) int {
	pid, err := u.Clone(0, abi.SIGCHLD, p)
	if err != nil {
		panic(fmt.Sprintf("tasktest: fork: %v", err))
	}
	return pid
}

// Thread makes a thread of the same process that executes p, and returns its
// ID. It ends when p returns.
func (u *User) Thread(p Prog) int {
	const flags = abi.CLONE_VM | abi.CLONE_FS | abi.CLONE_FILES | abi.CLONE_SIGHAND | abi.CLONE_THREAD
	tid, err := u.Clone(flags, 0, func(u *User) int {
		u.Exit(p(u))
		return 0
	})
	if err != nil {
		panic(fmt.Sprintf("tasktest: thread: %v", err))
	}
	return tid
}

// Exit ends the thread.
func (u *User) Exit(status int) { u.Do(func(t *task.Task) { t.Exit(status) }) }

// Wait waits for child pid, -1 for any.
func (u *User) Wait(pid, options int) (task.WaitResult, error) {
	a := task.WaitArgs{IDType: abi.P_ALL, Options: options | abi.WEXITED}
	if pid > 0 {
		a.IDType, a.ID = abi.P_PID, pid
	}
	var r task.WaitResult
	_, err := u.Call(func(t *task.Task) (uintptr, error) {
		var err error
		r, err = t.Wait(a)
		return 0, err
	})
	return r, err
}

// Handle installs f as the handler for sig.
func (u *User) Handle(sig int, flags uint64, f func(u *User, sig int)) {
	u.Action(sig, abi.SigAction{Handler: u.Handler(f), Flags: flags})
}

// Action sets the action for sig.
func (u *User) Action(sig int, a abi.SigAction) error {
	a.Flags |= abi.SA_RESTORER
	a.Restorer = Restorer
	_, err := u.Call(func(t *task.Task) (uintptr, error) {
		_, err := t.SigAction(sig, &a)
		return 0, err
	})
	return err
}

// Kill sends a signal.
func (u *User) Kill(pid, sig int) error {
	_, err := u.Call(func(t *task.Task) (uintptr, error) { return 0, t.Kill(pid, sig) })
	return err
}

// Touch accesses user memory at addr.
func (u *User) Touch(addr uint64, write bool) {
	c := u.ctx
	c.CR2, c.Err = addr, 0
	if write {
		c.Err = ring3.FaultWrite
	}
	c.Trap = 14
	u.leave(ring3.PageFault)
}

// Trap raises an exception.
func (u *User) Trap(vector, code uint64) {
	u.ctx.Trap, u.ctx.Err = vector, code
	u.leave(ring3.Exception)
}

// Yield is interrupted.
func (u *User) Yield() { u.leave(ring3.Interrupt) }

// Read reads n bytes of user memory.
func (u *User) Read(addr uint64, n int) []byte {
	b := make([]byte, n)
	_, err := u.Call(func(t *task.Task) (uintptr, error) {
		_, err := t.CopyIn(b, uintptr(addr))
		return 0, err
	})
	if err != nil {
		panic(fmt.Sprintf("tasktest: read %#x: %v", addr, err))
	}
	return b
}

// Write writes user memory.
func (u *User) Write(addr uint64, b []byte) {
	_, err := u.Call(func(t *task.Task) (uintptr, error) {
		_, err := t.CopyOut(uintptr(addr), b)
		return 0, err
	})
	if err != nil {
		panic(fmt.Sprintf("tasktest: write %#x: %v", addr, err))
	}
}

// PID returns the process ID.
func (u *User) PID() int {
	n, _ := u.Call(func(t *task.Task) (uintptr, error) { return uintptr(t.TGID()), nil })
	return int(n)
}
