package task_test

import (
	"sync/atomic"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/task/tasktest"
)

// User is short for a user program under test.
type User = tasktest.User

// run runs p as process 1 and checks that it exits with status 0.
func run(t *testing.T, p tasktest.Prog) {
	t.Helper()
	if status := tasktest.Run(t, p); status != 0 {
		t.Errorf("process 1: wait status %#x", status)
	}
}

// forever waits until a signal ends the process.
func forever(u *User) int {
	for {
		u.Call(func(t *task.Task) (uintptr, error) { return 0, t.Pause() })
	}
}

// waitFor fails the test unless waiting for child pid gives the wait status.
func waitFor(t *testing.T, u *User, pid, options, status int) task.WaitResult {
	t.Helper()
	r, err := u.Wait(pid, options)
	if err != nil || r.PID != pid || r.WaitStatus != status {
		t.Errorf("wait for %d: %+v, %v; want status %#x", pid, r, err, status)
	}
	return r
}

func TestWaitStatus(t *testing.T) {
	run(t, func(u *User) int {
		waitFor(t, u, u.Fork(func(*User) int { return 7 }), 0, 7<<8)
		r := waitFor(t, u, u.Fork(func(*User) int { return 0x1ff }), 0, 0xff<<8)
		if r.Code != abi.CLD_EXITED || r.Status != 0xff {
			t.Errorf("exit: code %d, status %d", r.Code, r.Status)
		}
		pid := u.Fork(forever)
		u.Kill(pid, abi.SIGTERM)
		r = waitFor(t, u, pid, 0, abi.SIGTERM)
		if r.Code != abi.CLD_KILLED || r.Status != abi.SIGTERM {
			t.Errorf("kill: code %d, status %d", r.Code, r.Status)
		}
		pid = u.Fork(forever)
		u.Kill(pid, abi.SIGQUIT) // no core dump, so bit 7 is clear
		waitFor(t, u, pid, 0, abi.SIGQUIT)
		if _, err := u.Wait(-1, 0); err != abi.ECHILD {
			t.Errorf("wait without children: %v, want ECHILD", err)
		}
		if _, err := u.Wait(pid, abi.WNOHANG); err != abi.ECHILD {
			t.Errorf("wait for a child that is gone: %v, want ECHILD", err)
		}
		return 0
	})
}

func TestWaitOptions(t *testing.T) {
	run(t, func(u *User) int {
		pid := u.Fork(forever)
		if r, err := u.Wait(-1, abi.WNOHANG); err != nil || r.PID != 0 {
			t.Errorf("WNOHANG: %+v, %v", r, err)
		}
		u.Kill(pid, abi.SIGKILL)
		waitFor(t, u, pid, abi.WNOWAIT, abi.SIGKILL)
		waitFor(t, u, pid, abi.WNOWAIT, abi.SIGKILL)
		waitFor(t, u, pid, 0, abi.SIGKILL)

		pid, _ = u.Clone(0, 0, func(*User) int { return 1 }) // no exit signal
		if _, err := u.Wait(-1, 0); err != abi.ECHILD {
			t.Errorf("wait without __WCLONE sees a clone child: %v", err)
		}
		waitFor(t, u, pid, abi.WCLONE, 1<<8)
		pid, _ = u.Clone(0, 0, func(*User) int { return 2 })
		waitFor(t, u, pid, abi.WALL, 2<<8)
		return 0
	})
}

func TestWaitForGroup(t *testing.T) {
	run(t, func(u *User) int {
		a := u.Fork(forever)
		b := u.Fork(forever)
		u.Do(func(tk *task.Task) {
			if err := tk.Setpgid(b, b); err != nil {
				t.Errorf("setpgid: %v", err)
			}
		})
		if err := u.Kill(-b, abi.SIGKILL); err != nil {
			t.Errorf("kill the group: %v", err)
		}
		u.Do(func(tk *task.Task) {
			r, err := tk.Wait(task.WaitArgs{IDType: abi.P_PGID, ID: b, Options: abi.WEXITED})
			if err != nil || r.PID != b {
				t.Errorf("wait for the group: %+v, %v", r, err)
			}
			_, err = tk.Wait(task.WaitArgs{IDType: abi.P_PGID, ID: b, Options: abi.WEXITED})
			if err != abi.ECHILD {
				t.Errorf("wait for an empty group: %v", err)
			}
		})
		u.Kill(a, abi.SIGKILL)
		waitFor(t, u, a, 0, abi.SIGKILL)
		return 0
	})
}

func TestOrphansGoToInit(t *testing.T) {
	run(t, func(u *User) int {
		grandchild := make(chan int, 1)
		child := u.Fork(func(u *User) int {
			grandchild <- u.Fork(forever)
			return 0
		})
		waitFor(t, u, child, 0, 0)
		pid := <-grandchild
		if p := task.FindGroup(pid).ParentPID(); p != 1 {
			t.Errorf("parent %d, want 1", p)
		}
		u.Kill(pid, abi.SIGKILL)
		waitFor(t, u, pid, 0, abi.SIGKILL)
		return 0
	})
}

func TestOrphansGoToSubreaper(t *testing.T) {
	run(t, func(u *User) int {
		child := u.Fork(func(u *User) int {
			u.Do(func(tk *task.Task) { tk.Group().SetSubreaper(true) })
			grandchild := make(chan int, 1)
			u.Fork(func(u *User) int {
				grandchild <- u.Fork(func(u *User) int { return 5 })
				return 0
			})
			u.Wait(-1, 0)
			pid := <-grandchild
			r, err := u.Wait(pid, 0)
			if err != nil || r.WaitStatus != 5<<8 {
				t.Errorf("subreaper's wait: %+v, %v", r, err)
			}
			return 0
		})
		waitFor(t, u, child, 0, 0)
		return 0
	})
}

func TestAutoreap(t *testing.T) {
	for name, a := range map[string]abi.SigAction{
		"SIG_IGN":      {Handler: abi.SIG_IGN},
		"SA_NOCLDWAIT": {Handler: abi.SIG_DFL, Flags: abi.SA_NOCLDWAIT},
	} {
		run(t, func(u *User) int {
			u.Action(abi.SIGCHLD, a)
			pid := u.Fork(func(*User) int { return 1 })
			if _, err := u.Wait(pid, 0); err != abi.ECHILD {
				t.Errorf("%s: wait: %v, want ECHILD", name, err)
			}
			if task.Find(pid) != nil {
				t.Errorf("%s: the zombie is still there", name)
			}
			return 0
		})
	}
}

func TestSIGCHLD(t *testing.T) {
	run(t, func(u *User) int {
		var infos []abi.Siginfo
		u.Handle(abi.SIGCHLD, abi.SA_SIGINFO, func(u *User, sig int) {
			var i abi.Siginfo
			i.Unmarshal(u.Read(u.Regs().RSI, abi.SizeofSiginfo))
			infos = append(infos, i)
		})
		pid := u.Fork(func(*User) int { return 9 })
		for len(infos) == 0 {
			u.Yield()
		}
		i := infos[0]
		if i.Signo != abi.SIGCHLD || i.Code != abi.CLD_EXITED || int(i.PID()) != pid || i.Status() != 9 {
			t.Errorf("siginfo: signal %d code %d pid %d status %d", i.Signo, i.Code, i.PID(), i.Status())
		}
		waitFor(t, u, pid, 0, 9<<8)
		return 0
	})
}

func TestWaitIsRestartedOrInterrupted(t *testing.T) {
	for _, flags := range []uint64{0, abi.SA_RESTART} {
		run(t, func(u *User) int {
			var handled atomic.Int32
			u.Handle(abi.SIGUSR1, flags, func(*User, int) { handled.Add(1) })
			waits := task.Find(1)
			pid := u.Fork(func(u *User) int {
				for waits.State() != task.Sleeping {
					u.Yield()
				}
				u.Kill(1, abi.SIGUSR1)
				for handled.Load() == 0 || flags != 0 && waits.State() != task.Sleeping {
					u.Yield()
				}
				return 0
			})
			_, err := u.Wait(pid, 0)
			if flags == 0 && err != abi.EINTR {
				t.Errorf("without SA_RESTART: %v, want EINTR", err)
			}
			if flags != 0 && err != nil {
				t.Errorf("with SA_RESTART: %v", err)
			}
			if n := handled.Load(); n != 1 {
				t.Errorf("handler ran %d times", n)
			}
			u.Wait(pid, 0)
			return 0
		})
	}
}

func TestChildrenTimesAreCounted(t *testing.T) {
	run(t, func(u *User) int {
		pid := u.Fork(func(u *User) int {
			for end := time.Now().Add(30 * time.Millisecond); time.Now().Before(end); {
				u.Yield()
			}
			return 0
		})
		r, err := u.Wait(pid, 0)
		cpu := r.Rusage.Utime.Ns() + r.Rusage.Stime.Ns()
		if err != nil || cpu < 1e6 {
			t.Errorf("child used %d ns (%v)", cpu, err)
		}
		u.Do(func(tk *task.Task) {
			ru, _ := tk.Rusage(abi.RUSAGE_CHILDREN)
			if ru.Utime.Ns()+ru.Stime.Ns() != cpu {
				t.Errorf("RUSAGE_CHILDREN %+v, want the child's %d ns", ru, cpu)
			}
			if ru.Maxrss == 0 || ru.Nivcsw == 0 {
				t.Errorf("RUSAGE_CHILDREN: maxrss %d, nivcsw %d", ru.Maxrss, ru.Nivcsw)
			}
		})
		return 0
	})
}
