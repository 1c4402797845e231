package task_test

import (
	"runtime"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
	"kevlar/kernel/ktime"
	"kevlar/kernel/task"
	"kevlar/kernel/task/tasktest"
)

// TestChargesEnd makes and drops each kind of object many times.
func TestChargesEnd(t *testing.T) {
	const many = 10_000
	timer := func(tk *task.Task, settime bool) int {
		id, err := tk.TimerCreate(abi.CLOCK_MONOTONIC, &abi.Sigevent{Signo: 40})
		if err == nil && settime {
			_, _, err = tk.TimerSettime(id, false, 1, 0)
		}
		if err != nil {
			t.Error(err)
		}
		return id
	}
	take := func(tk *task.Task, sig int) {
		if _, err := tk.SigTimedWait(abi.SigsetOf(sig), ktime.Mono()+10e9); err != nil {
			t.Error(err)
		}
	}
	send := func(tk *task.Task, sig int) {
		if err := tk.SigQueue(tk.TGID(), sig, &abi.Siginfo{Code: abi.SI_QUEUE}); err != nil {
			t.Error(err)
		}
	}
	inKernel := func(f func(tk *task.Task)) func(u *User) { return func(u *User) { u.Do(f) } }
	end := func(*User) int { return 0 }
	for name, c := range map[string]struct {
		n    int
		make func(u *User)
	}{
		"timers": {many, inKernel(func(tk *task.Task) { tk.TimerDelete(timer(tk, false)) })},
		"timers that have expired": {many / 10, inKernel(func(tk *task.Task) {
			id := timer(tk, true)
			take(tk, 40)
			tk.TimerDelete(id)
		})},
		"signals": {many, inKernel(func(tk *task.Task) { send(tk, 41); take(tk, 41) })},
		"signals of the kernel": {many, inKernel(func(tk *task.Task) {
			tk.Group().SendSignal(abi.SIGUSR1)
			take(tk, abi.SIGUSR1)
		})},
		"signals that are ignored": {many, inKernel(func(tk *task.Task) {
			send(tk, 42)
			tk.SigAction(42, &abi.SigAction{Handler: abi.SIG_IGN})
			tk.SigAction(42, &abi.SigAction{})
		})},
		"groups": {many, inKernel(func(tk *task.Task) {
			tk.SetGroups(make([]uint32, 1000))
			tk.SetGroups(nil)
		})},
		"interval timers": {many, inKernel(func(tk *task.Task) {
			tk.Group().SetITimer(abi.ITIMER_REAL, 1e12, 0)
			tk.Group().SetITimer(abi.ITIMER_REAL, 0, 0)
		})},
		"processes": {many / 5, func(u *User) { waitFor(t, u, u.Fork(end), 0, 0) }},
		"sessions": {many / 10, func(u *User) {
			waitFor(t, u, u.Fork(func(u *User) int {
				u.Do(func(tk *task.Task) { tk.Setsid() })
				return 0
			}), 0, 0)
		}},
		"processes with everything": {many / 10, func(u *User) {
			waitFor(t, u, u.Fork(func(u *User) int {
				u.Do(func(tk *task.Task) {
					tk.SetGroups(make([]uint32, 1000))
					tk.SetUID(1000)
					timer(tk, true)
					take(tk, 40)
					timer(tk, true)
					send(tk, 41)
				})
				return 0
			}), 0, 0)
		}},
		"threads": {many / 10, func(u *User) {
			waitFor(t, u, u.Fork(func(u *User) int {
				u.Thread(func(u *User) int { return forever(u) })
				return 0
			}), 0, 0)
		}},
		"leaders": {many / 10, func(u *User) {
			waitFor(t, u, u.Fork(func(u *User) int {
				u.Thread(func(u *User) int {
					u.Exec("/end", []string{"end"}, nil)
					return 1
				})
				return forever(u)
			}), 0, 0)
		}},
	} {
		run(t, func(u *User) int {
			tasktest.Install(t, "/end", end, 0o755)
			defer tasktest.Remove(t, "/end")
			u.Do(func(tk *task.Task) { tk.SetBlocked(abi.SigsetOf(40, 41, 42, abi.SIGUSR1)) })
			before := kmem.Machine.Used()
			for range c.n {
				c.make(u)
			}
			if n := kmem.Machine.Used(); n != before {
				t.Errorf("%s: %d bytes stay charged", name, n-before)
			}
			return 0
		})
	}
	for _, a := range kmem.Users() {
		t.Errorf("user %d has %d bytes", a.UID(), a.Used())
	}
}

// A charge that is refused is EAGAIN, or ENOMEM for memory areas, and nothing is left of what was begun.
func TestChargesAreRefused(t *testing.T) {
	run(t, func(u *User) int {
		pid := u.Fork(func(u *User) int {
			u.Do(func(tk *task.Task) { tk.SetUID(1000) })
			account := kmem.OfUser(1000)
			defer account.Release()
			for room := int64(0); room < 40<<10; room += 1 << 10 {
				account.SetLimit(account.Used() + room)
				before := account.Used()
				if pid, err := u.Clone(0, abi.SIGCHLD, func(*User) int { return 0 }); err == nil {
					waitFor(t, u, pid, 0, 0)
				} else if err != abi.EAGAIN && err != abi.ENOMEM {
					t.Errorf("fork with %d bytes: %v", room, err)
				}
				if n := account.Used(); n != before {
					t.Errorf("%d bytes stay charged", n-before)
				}
			}
			account.SetLimit(account.Used() + 100)
			u.Do(func(tk *task.Task) {
				if _, err := tk.TimerCreate(abi.CLOCK_MONOTONIC, nil); err != abi.EAGAIN {
					t.Errorf("timer: %v", err)
				}
				tk.SetBlocked(abi.SigsetOf(40))
				if err := tk.SigQueue(tk.TGID(), 40, &abi.Siginfo{Code: abi.SI_QUEUE}); err != abi.EAGAIN {
					t.Errorf("signal: %v", err)
				}
			})
			account.SetLimit(0)
			return 0
		})
		waitFor(t, u, pid, 0, 0)
		return 0
	})
}

// What is charged covers what the heap has.
// The killer reckons a timer with what it is charged, be it on a thread's clock or not.
func TestTimersInTheReckoning(t *testing.T) {
	run(t, func(u *User) int {
		u.Do(func(tk *task.Task) {
			account := kmem.OfUser(tk.Cred().UID)
			defer account.Release()
			used, cost := account.Used(), tk.Group().MemoryCost()
			var ids []int
			for _, clock := range []int{abi.CLOCK_MONOTONIC, abi.CLOCK_THREAD_CPUTIME_ID} {
				id, err := tk.TimerCreate(clock, nil)
				if err != nil {
					t.Error(err)
				}
				ids = append(ids, id)
			}
			if charged, reckoned := account.Used()-used, tk.Group().MemoryCost()-cost; charged != reckoned || charged == 0 {
				t.Errorf("charged %d bytes, reckoned with %d", charged, reckoned)
			}
			for _, id := range ids {
				tk.TimerDelete(id)
			}
			if now := tk.Group().MemoryCost(); now != cost {
				t.Errorf("%d bytes are left", now-cost)
			}
		})
		return 0
	})
}

func TestCostsCoverTheHeap(t *testing.T) {
	alive := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	check := func(u *User, name string, n int, f func(tk *task.Task)) {
		u.Do(func(tk *task.Task) {
			heap, charged := alive(), kmem.Machine.Used()
			for range n {
				f(tk)
			}
			heap, charged = alive()-heap, kmem.Machine.Used()-charged
			if charged == 0 || heap > charged {
				t.Errorf("%d %s: %d bytes of heap, %d charged", n, name, heap, charged)
			}
		})
	}
	run(t, func(u *User) int {
		u.Do(func(tk *task.Task) {
			tk.Prlimit(0, abi.RLIMIT_SIGPENDING, &abi.Rlimit{Cur: 1e6, Max: 1e6})
			tk.SetBlocked(abi.SigsetOf(40))
		})
		check(u, "timers", 5000, func(tk *task.Task) {
			id, err := tk.TimerCreate(abi.CLOCK_MONOTONIC, nil)
			if err == nil {
				_, _, err = tk.TimerSettime(id, false, 1e12, 1)
			}
			if err != nil {
				t.Error(err)
			}
		})
		check(u, "signals", 5000, func(tk *task.Task) {
			if err := tk.SigQueue(tk.TGID(), 40, &abi.Siginfo{Code: abi.SI_QUEUE}); err != nil {
				t.Error(err)
			}
		})
		return 0
	})
}
