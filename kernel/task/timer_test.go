package task_test

import (
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/task"
)

func TestRealTimer(t *testing.T) {
	run(t, func(u *User) int {
		fired := 0
		u.Handle(abi.SIGALRM, 0, func(u *User, sig int) { fired++ })
		u.Do(func(tk *task.Task) {
			g := tk.Group()
			g.SetITimer(abi.ITIMER_REAL, 1e12, 5e8)
			v, i, err := g.SetITimer(abi.ITIMER_REAL, 2e6, 2e6)
			if err != nil || v > 1e12 || v < 9e11 || i != 5e8 {
				t.Errorf("old timer %d, %d, %v", v, i, err)
			}
		})
		begin := ktime.Mono()
		for fired < 3 {
			u.Call(func(tk *task.Task) (uintptr, error) { return 0, tk.Pause() })
		}
		if d := ktime.Mono() - begin; d < 4e6 {
			t.Errorf("three expiries of 2 ms in %d ns", d)
		}
		u.Do(func(tk *task.Task) {
			if v, _, _ := tk.Group().GetITimer(abi.ITIMER_REAL); v == 0 || v > 2e6 {
				t.Errorf("%d ns left of 2 ms", v)
			}
			tk.Group().SetITimer(abi.ITIMER_REAL, 0, 0)
		})
		n := fired
		time.Sleep(10 * time.Millisecond)
		u.Yield()
		if fired > n+1 {
			t.Error("the timer goes on")
		}
		return 0
	})
}

func TestAlarmKills(t *testing.T) {
	run(t, func(u *User) int {
		pid := u.Fork(func(u *User) int {
			u.Do(func(tk *task.Task) { tk.Group().SetITimer(abi.ITIMER_REAL, 1e6, 0) })
			return forever(u)
		})
		waitFor(t, u, pid, 0, abi.SIGALRM)
		return 0
	})
}

func TestCPUTimers(t *testing.T) {
	run(t, func(u *User) int {
		spin := func(u *User) int {
			for {
				time.Sleep(100 * time.Microsecond) // on the CPU, as far as the kernel knows
				u.Yield()
			}
		}
		for which, sig := range map[int]int{abi.ITIMER_VIRTUAL: abi.SIGVTALRM, abi.ITIMER_PROF: abi.SIGPROF} {
			pid := u.Fork(func(u *User) int {
				u.Do(func(tk *task.Task) { tk.Group().SetITimer(which, 3e6, 0) })
				return spin(u)
			})
			r := waitFor(t, u, pid, 0, sig)
			if cpu := r.Rusage.Utime.Ns() + r.Rusage.Stime.Ns(); cpu < 3e6-1000 {
				t.Errorf("timer %d after %d ns", which, cpu)
			}
		}
		pid := u.Fork(func(u *User) int {
			u.Do(func(tk *task.Task) {
				id, err := tk.TimerCreate(abi.CLOCK_PROCESS_CPUTIME_ID, &abi.Sigevent{Signo: abi.SIGUSR1})
				if err == nil {
					_, _, err = tk.TimerSettime(id, false, 2e6, 0)
				}
				if err != nil {
					t.Error(err)
				}
			})
			return spin(u)
		})
		waitFor(t, u, pid, 0, abi.SIGUSR1)
		return 0
	})
}

func TestCPULimit(t *testing.T) {
	run(t, func(u *User) int {
		pid := u.Fork(func(u *User) int {
			signals := 0
			u.Handle(abi.SIGXCPU, 0, func(u *User, sig int) { signals++ })
			u.Do(func(tk *task.Task) {
				tk.Prlimit(0, abi.RLIMIT_CPU, &abi.Rlimit{Cur: 0, Max: 1})
			})
			for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
				time.Sleep(10 * time.Millisecond)
				u.Yield()
				if signals > 1 {
					t.Errorf("%d signals in the first second", signals)
				}
			}
			return 0
		})
		waitFor(t, u, pid, 0, abi.SIGKILL)
		return 0
	})
}

func TestPosixTimer(t *testing.T) {
	run(t, func(u *User) int {
		var infos []abi.Siginfo
		u.Handle(40, abi.SA_SIGINFO, func(u *User, sig int) {
			var i abi.Siginfo
			i.Unmarshal(u.Read(u.Regs().RSI, abi.SizeofSiginfo))
			infos = append(infos, i)
		})
		id := -1
		u.Do(func(tk *task.Task) {
			var err error
			if _, err = tk.TimerCreate(99, &abi.Sigevent{Signo: 40}); err != abi.EINVAL {
				t.Errorf("clock 99: %v", err)
			}
			if _, err = tk.TimerCreate(abi.CLOCK_MONOTONIC, &abi.Sigevent{Signo: 70}); err != abi.EINVAL {
				t.Errorf("signal 70: %v", err)
			}
			id, err = tk.TimerCreate(abi.CLOCK_MONOTONIC, &abi.Sigevent{Signo: 40, Value: 0xbeef})
			if err != nil {
				t.Error(err)
			}
			tk.SetBlocked(abi.SigsetOf(40))
			if _, _, err := tk.TimerSettime(id, false, 1e6, 1e6); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(12 * time.Millisecond)
		u.Do(func(tk *task.Task) {
			if v, i, err := tk.TimerGettime(id); err != nil || i != 1e6 || v <= 0 || v > 1e6 {
				t.Errorf("left %d, interval %d, %v", v, i, err)
			}
			tk.SetBlocked(0)
		})
		if len(infos) == 0 {
			t.Fatal("no signal")
		}
		i := infos[0]
		if i.Code != abi.SI_TIMER || i.Value() != 0xbeef || int(i.TimerID()) != id || i.Overrun() < 5 {
			t.Errorf("siginfo: code %d value %#x timer %d overrun %d", i.Code, i.Value(), i.TimerID(), i.Overrun())
		}
		u.Do(func(tk *task.Task) {
			if err := tk.TimerDelete(id); err != nil {
				t.Error(err)
			}
			if _, _, err := tk.TimerGettime(id); err != abi.EINVAL {
				t.Errorf("deleted: %v", err)
			}
			if _, err := tk.TimerOverrun(7); err != abi.EINVAL {
				t.Errorf("never made: %v", err)
			}
		})
		return 0
	})
}

func TestPosixTimerForThread(t *testing.T) {
	run(t, func(u *User) int {
		took := make(chan int, 1)
		u.Handle(abi.SIGUSR1, 0, func(u *User, sig int) {
			u.Do(func(tk *task.Task) { took <- tk.TID() })
		})
		tid := u.Thread(forever)
		u.Do(func(tk *task.Task) {
			e := abi.Sigevent{Signo: abi.SIGUSR1, Notify: abi.SIGEV_THREAD_ID, TID: int32(tid)}
			id, err := tk.TimerCreate(abi.CLOCK_REALTIME, &e)
			if err == nil {
				_, _, err = tk.TimerSettime(id, true, ktime.Real()+1e6, 0)
			}
			if err != nil {
				t.Error(err)
			}
			e.TID = 30000
			if _, err := tk.TimerCreate(abi.CLOCK_REALTIME, &e); err != abi.EINVAL {
				t.Errorf("no such thread: %v", err)
			}
		})
		if got := <-took; got != tid {
			t.Errorf("thread %d was told, want %d", got, tid)
		}
		return 0
	})
}

// Timers whose expiries reach nobody wait for nothing: many of them, with the
// shortest of intervals, cost no time.
func TestTimersThatTellNobody(t *testing.T) {
	run(t, func(u *User) int {
		u.Action(abi.SIGUSR1, abi.SigAction{Handler: abi.SIG_IGN})
		u.Do(func(tk *task.Task) {
			before := ktime.Waiting()
			for i := range 20 {
				e := abi.Sigevent{Signo: abi.SIGUSR1}
				if i%2 == 0 {
					e.Notify = abi.SIGEV_NONE
				}
				id, err := tk.TimerCreate(abi.CLOCK_MONOTONIC, &e)
				if err == nil {
					_, _, err = tk.TimerSettime(id, false, 1, 1)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
			for end := time.Now().Add(5 * time.Second); ktime.Waiting() > before; {
				if time.Now().After(end) {
					t.Errorf("%d timers are waited for", ktime.Waiting()-before)
					return
				}
				time.Sleep(time.Millisecond)
			}
			tk.Group().SetITimer(abi.ITIMER_REAL, 1, 1)
			tk.SigAction(abi.SIGALRM, &abi.SigAction{Handler: abi.SIG_IGN})
			time.Sleep(5 * time.Millisecond)
			if n := ktime.Waiting(); n > before {
				t.Errorf("an interval timer whose signal is ignored is waited for")
			}
		})
		return 0
	})
}

// A timer whose signal has been ignored tells of what has passed when the
// signal is wanted again, or is blocked.
func TestTimerIsWantedAgain(t *testing.T) {
	run(t, func(u *User) int {
		u.Action(40, abi.SigAction{Handler: abi.SIG_IGN})
		u.Do(func(tk *task.Task) {
			id, err := tk.TimerCreate(abi.CLOCK_MONOTONIC, &abi.Sigevent{Signo: 40})
			if err == nil {
				_, _, err = tk.TimerSettime(id, false, 1e6, 1e6)
			}
			if err != nil {
				t.Error(err)
				return
			}
			time.Sleep(20 * time.Millisecond)
			tk.SetBlocked(abi.SigsetOf(40))
			info, err := tk.SigTimedWait(abi.SigsetOf(40), ktime.Mono()+5e9)
			if err != nil || info.Overrun() < 10 {
				t.Errorf("blocked: %v, overrun %d", err, info.Overrun())
			}
			// What is pending is dropped, and comes again.
			time.Sleep(5 * time.Millisecond)
			tk.SigAction(40, &abi.SigAction{Handler: abi.SIG_IGN})
			if tk.SigPending() != 0 {
				t.Error("an ignored signal is pending")
			}
			tk.SigAction(40, &abi.SigAction{})
			if _, err = tk.SigTimedWait(abi.SigsetOf(40), ktime.Mono()+5e9); err != nil {
				t.Errorf("wanted again: %v", err)
			}
		})
		return 0
	})
}

// An interval that ends behind the end of time does not come round.
func TestEndlessInterval(t *testing.T) {
	const endless = 1<<63 - 1
	run(t, func(u *User) int {
		fired := 0
		u.Handle(abi.SIGALRM, 0, func(u *User, sig int) { fired++ })
		u.Do(func(tk *task.Task) { tk.Group().SetITimer(abi.ITIMER_REAL, 1e5, endless) })
		for fired < 1 {
			u.Call(func(tk *task.Task) (uintptr, error) { return 0, tk.Pause() })
		}
		id := 0
		u.Do(func(tk *task.Task) {
			if v, _, _ := tk.Group().GetITimer(abi.ITIMER_REAL); v < 1e18 {
				t.Errorf("interval timer: %d ns left", v)
			}
			tk.Group().SetITimer(abi.ITIMER_REAL, 0, 0)
			id, _ = tk.TimerCreate(abi.CLOCK_MONOTONIC, nil)
			tk.TimerSettime(id, false, 1e5, endless)
		})
		for fired < 2 {
			u.Call(func(tk *task.Task) (uintptr, error) { return 0, tk.Pause() })
		}
		u.Do(func(tk *task.Task) {
			if v, _, _ := tk.TimerGettime(id); v < 1e18 {
				t.Errorf("POSIX timer: %d ns left", v)
			}
		})
		time.Sleep(5 * time.Millisecond)
		u.Yield()
		if fired != 2 {
			t.Errorf("fired %d times", fired)
		}
		return 0
	})
}
