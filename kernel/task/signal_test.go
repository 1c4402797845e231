package task_test

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/machine/ring3"
	"kevlar/kernel/task"
	"kevlar/kernel/task/tasktest"
	"kevlar/kernel/wait"
)

func TestHandlerAndMask(t *testing.T) {
	run(t, func(u *User) int {
		var log []int
		blocked := func() (s abi.Sigset) {
			u.Do(func(tk *task.Task) { s = tk.Blocked() })
			return s
		}
		u.Action(abi.SIGUSR1, abi.SigAction{
			Mask: abi.SigsetOf(abi.SIGUSR2, abi.SIGKILL),
			Handler: u.Handler(func(u *User, sig int) {
				log = append(log, sig)
				if got := blocked(); got != abi.SigsetOf(abi.SIGUSR1, abi.SIGUSR2) {
					t.Errorf("mask in the handler %#x", got)
				}
				u.Kill(u.PID(), abi.SIGUSR2) // blocked until the handler returns
				log = append(log, -sig)
			}),
		})
		u.Handle(abi.SIGUSR2, abi.SA_NODEFER, func(u *User, sig int) {
			log = append(log, sig)
			if got := blocked(); got != 0 {
				t.Errorf("mask with SA_NODEFER %#x", got)
			}
		})
		u.Kill(u.PID(), abi.SIGUSR1)
		if want := []int{abi.SIGUSR1, -abi.SIGUSR1, abi.SIGUSR2}; !slices.Equal(log, want) {
			t.Errorf("log %v, want %v", log, want)
		}
		if got := blocked(); got != 0 {
			t.Errorf("mask afterwards %#x", got)
		}
		return 0
	})
}

func TestSignalFrame(t *testing.T) {
	run(t, func(u *User) int {
		c := u.Regs()
		var before ring3.Registers
		done := false
		u.Action(abi.SIGUSR1, abi.SigAction{
			Flags: abi.SA_SIGINFO,
			Handler: u.Handler(func(u *User, sig int) {
				done = true
				h := c.Registers
				sp := h.RSP
				if sp%16 != 8 {
					t.Errorf("stack pointer %#x: not as after a call", sp)
				}
				frame := u.Read(sp, abi.SizeofSigFrame)
				le := binary.LittleEndian
				if got := le.Uint64(frame); got != 0x600000 {
					t.Errorf("return address %#x", got)
				}
				if h.RDX != sp+8 || h.RSI != sp+8+304 || h.RDI != abi.SIGUSR1 || h.RAX != 0 {
					t.Errorf("arguments: %d, info %#x, context %#x, RAX %d; frame at %#x", h.RDI, h.RSI, h.RDX, h.RAX, sp)
				}
				if h.RFLAGS&0x400 != 0 {
					t.Error("direction flag set in the handler")
				}
				// Offsets as in struct rt_sigframe of x86-64 Linux.
				words := map[string][2]uint64{
					"uc_flags":   {le.Uint64(frame[8:]), 7},
					"uc_link":    {le.Uint64(frame[16:]), 0},
					"ss_flags":   {uint64(le.Uint32(frame[32:])), abi.SS_DISABLE},
					"r8":         {le.Uint64(frame[48:]), before.R8},
					"r15":        {le.Uint64(frame[48+7*8:]), before.R15},
					"rdi":        {le.Uint64(frame[48+8*8:]), before.RDI},
					"rbx":        {le.Uint64(frame[48+11*8:]), before.RBX},
					"rsp":        {le.Uint64(frame[48+15*8:]), before.RSP},
					"rip":        {le.Uint64(frame[48+16*8:]), before.RIP},
					"eflags":     {le.Uint64(frame[48+17*8:]), before.RFLAGS},
					"cs":         {uint64(le.Uint16(frame[48+144:])), 0x33},
					"ss":         {uint64(le.Uint16(frame[48+150:])), 0x2b},
					"uc_sigmask": {le.Uint64(frame[48+256:]), 1 << (abi.SIGUSR2 - 1)},
					"si_signo":   {uint64(le.Uint32(frame[312:])), abi.SIGUSR1},
					"si_code":    {uint64(le.Uint32(frame[320:])), abi.SI_USER},
					"si_pid":     {uint64(le.Uint32(frame[328:])), 1},
				}
				for name, w := range words {
					if w[0] != w[1] {
						t.Errorf("%s: %#x, want %#x", name, w[0], w[1])
					}
				}
				fp := le.Uint64(frame[48+184:])
				if fp%64 != 0 || fp < sp+abi.SizeofSigFrame || fp+uint64(ring3.FPUSize())+4 > before.RSP-128 {
					t.Errorf("FP state at %#x; frame at %#x, stack was at %#x", fp, sp, before.RSP)
				}
				img := u.Read(fp, ring3.FPUSize()+4)
				if le.Uint32(img[464:]) != 0x46505853 || le.Uint32(img[ring3.FPUSize():]) != 0x46505845 ||
					int(le.Uint32(img[468:])) != ring3.FPUSize()+4 || int(le.Uint32(img[480:])) != ring3.FPUSize() {
					t.Errorf("software bytes % x, end % x", img[464:488], img[ring3.FPUSize():])
				}
				if img[160] != 0x5a {
					t.Errorf("XMM0 %#x, want 0x5a", img[160])
				}
				cur := make([]byte, ring3.FPUSize())
				c.SaveFPU(cur)
				if cur[160] != 0 {
					t.Error("the handler does not begin with clear registers")
				}
				// Change what sigreturn loads.
				le.PutUint64(frame[48+11*8:], 0x1234)                           // rbx
				le.PutUint64(frame[48+17*8:], before.RFLAGS|0x40000|0x1|0x3000) // AC and CF; IOPL is not the user's
				img[160] = 0xa5
				u.Write(sp, frame)
				u.Write(fp, img)
			}),
		})
		u.Do(func(tk *task.Task) { tk.SetBlocked(abi.SigsetOf(abi.SIGUSR2)) })
		fpu := make([]byte, ring3.FPUSize())
		c.SaveFPU(fpu)
		fpu[160] = 0x5a
		c.LoadFPU(fpu)
		c.R14, c.R15, c.RBX = 14, 15, 0xb
		c.RFLAGS |= 0x400
		u.Do(func(tk *task.Task) {
			tk.Kill(1, abi.SIGUSR1)
			before = c.Registers
		})
		if !done {
			t.Error("no handler")
		}
		if c.RBX != 0x1234 || c.R14 != 14 || c.RSP != before.RSP {
			t.Errorf("after sigreturn: RBX %#x R14 %#x RSP %#x", c.RBX, c.R14, c.RSP)
		}
		if want := before.RFLAGS | 0x40001; c.RFLAGS != want {
			t.Errorf("flags after sigreturn %#x, want %#x", c.RFLAGS, want)
		}
		c.SaveFPU(fpu)
		if fpu[160] != 0xa5 {
			t.Errorf("XMM0 after sigreturn %#x", fpu[160])
		}
		return 0
	})
}

func TestResetHand(t *testing.T) {
	run(t, func(u *User) int {
		pid := u.Fork(func(u *User) int {
			u.Handle(abi.SIGUSR1, abi.SA_RESETHAND, func(u *User, sig int) {})
			u.Kill(u.PID(), abi.SIGUSR1)
			u.Kill(u.PID(), abi.SIGUSR1)
			return 0
		})
		waitFor(t, u, pid, 0, abi.SIGUSR1)
		return 0
	})
}

func TestRealTimeSignalsQueue(t *testing.T) {
	run(t, func(u *User) int {
		var got []uint64
		h := func(u *User, sig int) {
			var i abi.Siginfo
			i.Unmarshal(u.Read(u.Regs().RSI, abi.SizeofSiginfo))
			got = append(got, uint64(sig)<<8|i.Value())
		}
		for _, sig := range []int{40, 41, abi.SIGUSR1} {
			u.Handle(sig, abi.SA_SIGINFO, h)
		}
		all := abi.SigsetOf(40, 41, abi.SIGUSR1)
		u.Do(func(tk *task.Task) { tk.SetBlocked(all) })
		send := func(sig int, v uint64) {
			u.Do(func(tk *task.Task) {
				i := abi.Siginfo{Code: abi.SI_QUEUE}
				i.SetValue(v)
				if err := tk.SigQueue(1, sig, &i); err != nil {
					t.Errorf("sigqueue: %v", err)
				}
			})
		}
		send(41, 1)
		send(40, 1)
		send(40, 2)
		send(abi.SIGUSR1, 1)
		send(abi.SIGUSR1, 2) // pending already
		u.Do(func(tk *task.Task) {
			if p := tk.SigPending(); p != all {
				t.Errorf("pending %#x", p)
			}
			tk.SetBlocked(0)
		})
		// Handlers are entered lowest first, so that the last entered runs
		// first.
		want := []uint64{41<<8 | 1, 40<<8 | 2, 40<<8 | 1, abi.SIGUSR1<<8 | 1}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("got %x, want %x", got, want)
		}
		return 0
	})
}

func TestSigPendingLimit(t *testing.T) {
	run(t, func(u *User) int {
		u.Do(func(tk *task.Task) {
			tk.SetBlocked(abi.SigsetOf(40))
			tk.Prlimit(0, abi.RLIMIT_SIGPENDING, &abi.Rlimit{Cur: 2, Max: 2})
			for i := range 3 {
				err := tk.SigQueue(1, 40, &abi.Siginfo{Code: abi.SI_QUEUE})
				if want := error(abi.EAGAIN); i == 2 && err != want || i < 2 && err != nil {
					t.Errorf("signal %d: %v", i, err)
				}
			}
		})
		return 0
	})
}

func TestAltStack(t *testing.T) {
	run(t, func(u *User) int {
		alt := abi.SigAltStack{SP: tasktest.DataAddr, Size: 8192}
		set := func(u *User, s abi.SigAltStack) (old abi.SigAltStack, err error) {
			u.Call(func(tk *task.Task) (uintptr, error) {
				old, err = tk.SigAltStack(&s)
				return 0, nil
			})
			return old, err
		}
		if _, err := set(u, abi.SigAltStack{SP: 1, Size: 100}); err != abi.ENOMEM {
			t.Errorf("too small: %v", err)
		}
		if _, err := set(u, abi.SigAltStack{Size: 8192, Flags: 8}); err != abi.EINVAL {
			t.Errorf("bad flags: %v", err)
		}
		if old, err := set(u, alt); err != nil || old.Flags != abi.SS_DISABLE {
			t.Errorf("first: %+v, %v", old, err)
		}
		ran := 0
		u.Handle(abi.SIGUSR1, abi.SA_ONSTACK, func(u *User, sig int) {
			ran++
			if sp := u.Regs().RSP; sp < alt.SP || sp >= alt.SP+alt.Size {
				t.Errorf("handler's stack at %#x", sp)
			}
			if _, err := set(u, alt); err != abi.EPERM {
				t.Errorf("change while on it: %v, want EPERM", err)
			}
		})
		u.Kill(1, abi.SIGUSR1)
		alt.Flags = abi.SS_AUTODISARM
		set(u, alt)
		u.Handle(abi.SIGUSR2, abi.SA_ONSTACK, func(u *User, sig int) {
			ran++
			if old, err := set(u, abi.SigAltStack{Flags: abi.SS_DISABLE}); err != nil || old.Flags != abi.SS_DISABLE {
				t.Errorf("disarmed: %+v, %v", old, err)
			}
		})
		u.Kill(1, abi.SIGUSR2)
		if old, _ := set(u, abi.SigAltStack{Flags: abi.SS_DISABLE}); old != alt {
			t.Errorf("sigreturn restored %+v, want %+v", old, alt)
		}
		if ran != 2 {
			t.Errorf("%d handlers ran", ran)
		}
		// A stack that is too small for the frame ends the process.
		pid := u.Fork(func(u *User) int {
			set(u, abi.SigAltStack{SP: tasktest.DataAddr + 0x1000, Size: 2048})
			u.Regs().RSP = tasktest.DataAddr + 0x1000 + 600
			u.Handle(abi.SIGUSR1, abi.SA_ONSTACK, func(u *User, sig int) { t.Error("handler ran") })
			u.Kill(u.PID(), abi.SIGUSR1)
			return 0
		})
		waitFor(t, u, pid, 0, abi.SIGSEGV)
		return 0
	})
}

func TestSegv(t *testing.T) {
	type fault struct {
		name  string
		act   func(u *User)
		sig   int
		code  int32
		addr  uint64
		trap  uint64
		error uint64
	}
	const entry = 0x410000
	for _, f := range []fault{
		{"unmapped", func(u *User) { u.Touch(0x12345, false) }, abi.SIGSEGV, abi.SEGV_MAPERR, 0x12345, 14, 0},
		{"read-only", func(u *User) { u.Touch(0x400010, true) }, abi.SIGSEGV, abi.SEGV_ACCERR, 0x400010, 14, 2},
		{"null", func(u *User) { u.Touch(0, true) }, abi.SIGSEGV, abi.SEGV_MAPERR, 0, 14, 2},
		{"division", func(u *User) { u.Trap(0, 0) }, abi.SIGFPE, abi.FPE_INTDIV, entry, 0, 0},
		{"breakpoint", func(u *User) { u.Trap(3, 0) }, abi.SIGTRAP, abi.SI_KERNEL, 0, 3, 0},
		{"single step", func(u *User) { u.Trap(1, 0) }, abi.SIGTRAP, abi.TRAP_TRACE, entry, 1, 0},
		{"opcode", func(u *User) { u.Trap(6, 0) }, abi.SIGILL, abi.ILL_ILLOPN, entry, 6, 0},
		{"protection", func(u *User) { u.Trap(13, 0) }, abi.SIGSEGV, abi.SI_KERNEL, 0, 13, 0},
		{"alignment", func(u *User) { u.Trap(17, 0) }, abi.SIGBUS, abi.BUS_ADRALN, 0, 17, 0},
	} {
		run(t, func(u *User) int {
			// Caught, the handler is told what and where.
			caught := false
			u.Handle(f.sig, abi.SA_SIGINFO, func(u *User, sig int) {
				caught = true
				var i abi.Siginfo
				i.Unmarshal(u.Read(u.Regs().RSI, abi.SizeofSiginfo))
				if i.Code != f.code || i.Addr() != f.addr {
					t.Errorf("%s: code %d, address %#x; want %d, %#x", f.name, i.Code, i.Addr(), f.code, f.addr)
				}
				var uc abi.UContext
				uc.Unmarshal(u.Read(u.Regs().RDX, abi.SizeofUContext))
				if uc.Regs.Trap != f.trap || uc.Regs.Err != f.error {
					t.Errorf("%s: trap %d, error %d", f.name, uc.Regs.Trap, uc.Regs.Err)
				}
				if f.trap == 14 && uc.Regs.CR2 != f.addr {
					t.Errorf("%s: cr2 %#x", f.name, uc.Regs.CR2)
				}
			})
			f.act(u)
			if !caught {
				t.Errorf("%s: no signal", f.name)
			}
			// Blocked or ignored, it ends the process.
			for _, how := range []func(*task.Task){
				func(tk *task.Task) { tk.SetBlocked(^abi.Sigset(0)) },
				func(tk *task.Task) { tk.SigAction(f.sig, &abi.SigAction{Handler: abi.SIG_IGN}) },
			} {
				pid := u.Fork(func(u *User) int {
					u.Do(how)
					f.act(u)
					return 0
				})
				waitFor(t, u, pid, 0, f.sig)
			}
			return 0
		})
	}
}

func TestFaultsAreResolved(t *testing.T) {
	run(t, func(u *User) int {
		u.Touch(tasktest.DataAddr+0x2000, true)
		if b := u.Read(tasktest.DataAddr+0xfe, 4); b[0] != 0xfe || b[1] != 0xff || b[2] != 0 || b[3] != 0 {
			t.Errorf("data and bss: % x", b)
		}
		return 0
	})
}

func TestStopAndContinue(t *testing.T) {
	run(t, func(u *User) int {
		pid := u.Fork(forever)
		for _, sig := range []int{abi.SIGSTOP, abi.SIGTSTP} {
			if sig == abi.SIGTSTP {
				// A group that nobody in its session looks after would
				// not stop: give the child one of its own.
				u.Do(func(tk *task.Task) { tk.Setpgid(pid, pid) })
			}
			u.Kill(pid, sig)
			if sig == abi.SIGTSTP {
				// Process 1 does not count as a parent.
				if r, err := u.Wait(pid, abi.WNOHANG|abi.WUNTRACED); r.PID != 0 || err != nil {
					t.Errorf("orphaned group stopped: %+v %v", r, err)
				}
				continue
			}
			r := waitFor(t, u, pid, abi.WUNTRACED, sig<<8|0x7f)
			if r.Code != abi.CLD_STOPPED {
				t.Errorf("code %d", r.Code)
			}
			if r, err := u.Wait(pid, abi.WUNTRACED|abi.WNOHANG); err != nil || r.PID != 0 {
				t.Errorf("stop reported twice: %+v, %v", r, err)
			}
			if s := task.Find(pid).State(); s != task.Stopped {
				t.Errorf("state %v", s)
			}
			u.Kill(pid, abi.SIGCONT)
			waitFor(t, u, pid, abi.WCONTINUED, 0xffff)
		}
		u.Kill(pid, abi.SIGSTOP)
		waitFor(t, u, pid, abi.WUNTRACED, abi.SIGSTOP<<8|0x7f)
		u.Kill(pid, abi.SIGKILL)
		waitFor(t, u, pid, 0, abi.SIGKILL)
		return 0
	})
}

func TestStopOfThreads(t *testing.T) {
	run(t, func(u *User) int {
		pid := u.Fork(func(u *User) int {
			u.Thread(forever)
			u.Thread(forever)
			return forever(u)
		})
		for task.FindGroup(pid).ThreadCount() < 3 {
			u.Yield()
		}
		u.Kill(pid, abi.SIGSTOP)
		waitFor(t, u, pid, abi.WUNTRACED, abi.SIGSTOP<<8|0x7f)
		task.FindGroup(pid).Threads(func(p *task.Task) bool {
			if p.State() != task.Stopped {
				t.Errorf("thread %d is %v", p.TID(), p.State())
			}
			return true
		})
		u.Kill(pid, abi.SIGCONT)
		waitFor(t, u, pid, abi.WCONTINUED, 0xffff)
		u.Kill(pid, abi.SIGTERM)
		waitFor(t, u, pid, 0, abi.SIGTERM)
		return 0
	})
}

func TestTerminalStopNeedsAParent(t *testing.T) {
	run(t, func(u *User) int {
		// A shell with a job: the job stops at SIGTSTP; when the shell ends,
		// the job gets SIGHUP and SIGCONT.
		job := make(chan int, 1)
		shell := u.Fork(func(u *User) int {
			pid := u.Fork(forever)
			u.Do(func(tk *task.Task) { tk.Setpgid(pid, pid) })
			u.Kill(pid, abi.SIGTSTP)
			r, err := u.Wait(pid, abi.WUNTRACED)
			if err != nil || r.WaitStatus != abi.SIGTSTP<<8|0x7f {
				t.Errorf("job did not stop: %+v, %v", r, err)
			}
			job <- pid
			return 0
		})
		waitFor(t, u, shell, 0, 0)
		waitFor(t, u, <-job, 0, abi.SIGHUP)
		return 0
	})
}

func TestSIGCONTCancelsStop(t *testing.T) {
	run(t, func(u *User) int {
		u.Do(func(tk *task.Task) {
			tk.SetBlocked(abi.SigsetOf(abi.SIGTSTP, abi.SIGCONT))
			tk.SigAction(abi.SIGCONT, &abi.SigAction{Handler: 0x500000})
			tk.SigAction(abi.SIGTSTP, &abi.SigAction{Handler: 0x500000})
			tk.Kill(1, abi.SIGTSTP)
			tk.Kill(1, abi.SIGCONT)
			if p := tk.SigPending(); p != abi.SigsetOf(abi.SIGCONT) {
				t.Errorf("pending after SIGCONT %#x", p)
			}
			tk.Kill(1, abi.SIGTSTP)
			if p := tk.SigPending(); p != abi.SigsetOf(abi.SIGTSTP) {
				t.Errorf("pending after SIGTSTP %#x", p)
			}
			tk.SigAction(abi.SIGTSTP, &abi.SigAction{Handler: abi.SIG_IGN})
			if p := tk.SigPending(); p != 0 {
				t.Errorf("pending after ignoring %#x", p)
			}
		})
		return 0
	})
}

func TestSigSuspend(t *testing.T) {
	run(t, func(u *User) int {
		ran := false
		u.Handle(abi.SIGUSR1, 0, func(u *User, sig int) {
			ran = true
			u.Do(func(tk *task.Task) {
				if b := tk.Blocked(); b != abi.SigsetOf(abi.SIGUSR1, abi.SIGUSR2) {
					t.Errorf("mask in the handler %#x", b)
				}
			})
		})
		u.Do(func(tk *task.Task) {
			tk.SetBlocked(abi.SigsetOf(abi.SIGUSR1))
			tk.Kill(1, abi.SIGUSR1)
		})
		if ran {
			t.Error("handler ran while blocked")
		}
		_, err := u.Call(func(tk *task.Task) (uintptr, error) {
			return 0, tk.SigSuspend(abi.SigsetOf(abi.SIGUSR2))
		})
		if err != abi.EINTR || !ran {
			t.Errorf("sigsuspend: %v, handler ran: %v", err, ran)
		}
		u.Do(func(tk *task.Task) {
			if b := tk.Blocked(); b != abi.SigsetOf(abi.SIGUSR1) {
				t.Errorf("mask afterwards %#x", b)
			}
		})
		return 0
	})
}

func TestSigTimedWait(t *testing.T) {
	run(t, func(u *User) int {
		u.Do(func(tk *task.Task) {
			set := abi.SigsetOf(abi.SIGUSR1)
			tk.SetBlocked(set)
			if _, err := tk.SigTimedWait(set, 0); err != abi.EAGAIN {
				t.Errorf("nothing there: %v", err)
			}
			if _, err := tk.SigTimedWait(set, ktime.Mono()+1e6); err != abi.EAGAIN {
				t.Errorf("timeout: %v", err)
			}
			tk.Kill(1, abi.SIGUSR1)
			i, err := tk.SigTimedWait(set, 0)
			if err != nil || i.Signo != abi.SIGUSR1 || i.PID() != 1 {
				t.Errorf("pending: %+v, %v", i.Signo, err)
			}
			g := tk.Group()
			time.AfterFunc(3*time.Millisecond, func() { g.SendSignal(abi.SIGUSR1) })
			i, err = tk.SigTimedWait(set, wait.Forever)
			if err != nil || i.Code != abi.SI_KERNEL {
				t.Errorf("waiting: %+v, %v", i.Code, err)
			}
			if tk.Blocked() != set {
				t.Errorf("mask afterwards %#x", tk.Blocked())
			}
		})
		return 0
	})
}

func TestInitIsImmune(t *testing.T) {
	run(t, func(u *User) int {
		child := u.Fork(func(u *User) int {
			for sig := 1; sig <= abi.NSIG; sig++ {
				if err := u.Kill(1, sig); err != nil {
					t.Errorf("signal %d: %v", sig, err)
				}
			}
			return 0
		})
		waitFor(t, u, child, 0, 0)
		return 0
	})
}

func TestKillPermissions(t *testing.T) {
	run(t, func(u *User) int {
		other := u.Fork(func(u *User) int {
			u.Do(func(tk *task.Task) { tk.SetUID(1001) })
			return forever(u)
		})
		for task.Find(other).Cred().UID != 1001 {
			u.Yield()
		}
		child := u.Fork(func(u *User) int {
			u.Do(func(tk *task.Task) {
				tk.SetUID(1000)
				if err := tk.Kill(other, 0); err != abi.EPERM {
					t.Errorf("other user: %v", err)
				}
				if err := tk.Kill(1, abi.SIGTERM); err != abi.EPERM {
					t.Errorf("root's: %v", err)
				}
				if err := tk.Kill(other, abi.SIGCONT); err != nil {
					t.Errorf("SIGCONT in the session: %v", err)
				}
				if err := tk.Kill(tk.TGID(), 0); err != nil {
					t.Errorf("self: %v", err)
				}
				if err := tk.Kill(20000, 0); err != abi.ESRCH {
					t.Errorf("nobody: %v", err)
				}
				if err := tk.Kill(other, 65); err != abi.EINVAL {
					t.Errorf("signal 65: %v", err)
				}
				if err := tk.SigQueue(other, 40, &abi.Siginfo{Code: abi.SI_USER}); err != abi.EPERM {
					t.Errorf("pretended kill: %v", err)
				}
			})
			return 0
		})
		waitFor(t, u, child, 0, 0)
		u.Kill(other, abi.SIGKILL)
		waitFor(t, u, other, 0, abi.SIGKILL)
		return 0
	})
}

func TestRestartBlock(t *testing.T) {
	run(t, func(u *User) int {
		calls := 0
		pid := u.Fork(func(u *User) int {
			_, err := u.Call(func(tk *task.Task) (uintptr, error) {
				calls++
				tk.SetRestart(func(tk *task.Task) (uintptr, error) {
					calls += 100
					return 77, nil
				})
				tk.Block(wait.Forever)
				return 0, abi.ERESTART_RESTARTBLOCK
			})
			if err != nil {
				return 1
			}
			return int(u.Regs().RAX)
		})
		for task.Find(pid).State() != task.Sleeping {
			u.Yield()
		}
		u.Kill(pid, abi.SIGSTOP)
		waitFor(t, u, pid, abi.WUNTRACED, abi.SIGSTOP<<8|0x7f)
		u.Kill(pid, abi.SIGCONT)
		waitFor(t, u, pid, 0, 77<<8)
		if calls != 101 {
			t.Errorf("calls %d, want 101", calls)
		}
		return 0
	})
}

func TestSigreturnRefusesBadFrames(t *testing.T) {
	run(t, func(u *User) int {
		pid := u.Fork(func(u *User) int {
			u.Regs().RSP = 0x1000 // nothing there
			u.Syscall(15)
			return 0
		})
		waitFor(t, u, pid, 0, abi.SIGSEGV)
		pid = u.Fork(func(u *User) int {
			u.Handle(abi.SIGUSR1, 0, func(u *User, sig int) {
				sp := u.Regs().RSP
				b := u.Read(sp, abi.SizeofSigFrame)
				binary.LittleEndian.PutUint64(b[48+16*8:], 1<<63) // RIP that is no address
				u.Write(sp, b)
			})
			u.Kill(u.PID(), abi.SIGUSR1)
			return 0
		})
		waitFor(t, u, pid, 0, abi.SIGSEGV)
		return 0
	})
}
