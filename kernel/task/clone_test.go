package task_test

import (
	"sync"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/ipc/futex"
	"kevlar/kernel/kmem"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/mm"
	"kevlar/kernel/task"
	"kevlar/kernel/task/tasktest"
)

// TestCloneMatrix checks the table in the package's documentation.
func TestCloneMatrix(t *testing.T) {
	const thread = abi.CLONE_VM | abi.CLONE_FS | abi.CLONE_FILES | abi.CLONE_SIGHAND | abi.CLONE_THREAD
	for name, flags := range map[string]uint64{
		"fork": 0, "vfork": abi.CLONE_VM | abi.CLONE_VFORK, "thread": thread, "files": abi.CLONE_FILES,
		"fs": abi.CLONE_FS, "vm": abi.CLONE_VM, "sighand": abi.CLONE_VM | abi.CLONE_SIGHAND,
		"clear": abi.CLONE_CLEAR_SIGHAND,
	} {
		has := func(flag uint64) bool { return flags&flag != 0 }
		check := func(what string, got, want bool) {
			t.Helper()
			if got != want {
				t.Errorf("%s: %s: %v, want %v", name, what, got, want)
			}
		}
		run(t, func(u *User) int {
			var parent *task.Task
			u.Do(func(tk *task.Task) {
				parent = tk
				tk.SigAction(abi.SIGUSR1, &abi.SigAction{Handler: 0x500000, Flags: abi.SA_RESTART})
				tk.SetBlocked(abi.SigsetOf(abi.SIGUSR2, 40))
				tk.Kill(1, abi.SIGUSR2)
				tk.SigAltStack(&abi.SigAltStack{SP: tasktest.DataAddr, Size: 8192})
				tk.SetComm("parent")
				tk.SetPriority(abi.PRIO_PROCESS, 0, 3)
				tk.SetNoNewPrivs()
				tk.SetParentDeathSignal(abi.SIGHUP)
				tk.SetRobustList(0x1000)
				tk.SetTIDAddress(0x2000)
				tk.Group().SetITimer(abi.ITIMER_REAL, 1e12, 0)
				tk.Group().SetOOMScoreAdj(7)
				tk.Prlimit(0, abi.RLIMIT_NOFILE, &abi.Rlimit{Cur: 77, Max: 99})
				tk.TimerCreate(abi.CLOCK_MONOTONIC, &abi.Sigevent{Signo: 40})
				tk.SetPersonality(0x0040000)
			})
			u.Regs().RBX = 0xb
			const tls = 0x7123
			signal := abi.SIGCHLD
			if has(abi.CLONE_THREAD) {
				signal = 0
			}
			u.CloneArgs(task.CloneArgs{
				Flags: flags | abi.CLONE_SETTLS, ExitSignal: signal, TLS: tls, Stack: 0x701000,
			}, func(u *User) int {
				r := u.Regs()
				check("RAX is 0", r.RAX == 0, true)
				check("registers copied", r.RBX == 0xb, true)
				check("stack as asked", r.RSP == 0x701000, true)
				check("FS base set", r.FSBase == tls, true)
				u.Do(func(c *task.Task) {
					check("memory shared", c.MM() == parent.MM(), has(abi.CLONE_VM))
					check("descriptors shared", c.FDs() == parent.FDs(), has(abi.CLONE_FILES))
					check("directories shared", c.FS() == parent.FS(), has(abi.CLONE_FS))
					check("same process", c.Group() == parent.Group(), has(abi.CLONE_THREAD))
					a, _ := c.SigAction(abi.SIGUSR1, nil)
					check("actions kept", a.Handler == 0x500000, !has(abi.CLONE_CLEAR_SIGHAND))
					c.SigAction(abi.SIGUSR2, &abi.SigAction{Handler: 0x500010})
					a, _ = parent.SigAction(abi.SIGUSR2, nil)
					check("actions shared", a.Handler == 0x500010, has(abi.CLONE_SIGHAND))
					check("mask copied", c.Blocked() == abi.SigsetOf(abi.SIGUSR2, 40), true)
					check("pending signals", c.SigPending() != 0, has(abi.CLONE_THREAD)) // of the process
					s, _ := c.SigAltStack(nil)
					check("alternate stack kept", s.Size != 0, !has(abi.CLONE_VM) || has(abi.CLONE_VFORK))
					check("name copied", c.Comm() == "parent", true)
					check("nice copied", c.Nice() == 3, true)
					check("no_new_privs copied", c.NoNewPrivs(), true)
					check("death signal cleared", c.ParentDeathSignal() == 0, true)
					check("robust list cleared", c.RobustList() == 0, true)
					check("TID address cleared", c.TIDAddress() == 0, true)
					check("personality copied", c.Personality() == 0x0040000, true)
					check("credentials shared", c.Cred() == parent.Cred(), true)
					check("limits copied", c.Group().Rlimit(abi.RLIMIT_NOFILE) == abi.Rlimit{Cur: 77, Max: 99}, true)
					check("oom_score_adj copied", c.Group().OOMScoreAdj() == 7, true)
					v, _, _ := c.Group().GetITimer(abi.ITIMER_REAL)
					check("interval timer", v != 0, has(abi.CLONE_THREAD))
					_, err := c.TimerOverrun(0)
					check("POSIX timer", err == nil, has(abi.CLONE_THREAD))
					check("process group copied", c.PGID() == parent.PGID() && c.SID() == parent.SID(), true)
					check("no CPU time", c.CPUTime() < parent.CPUTime()+1e9, true)
				})
				u.Exit(0)
				return 0
			})
			if !has(abi.CLONE_THREAD) {
				u.Wait(-1, 0)
			} else {
				for task.FindGroup(1).ThreadCount() > 1 {
					u.Yield()
				}
			}
			return 0
		})
	}
}

func TestCloneRefuses(t *testing.T) {
	run(t, func(u *User) int {
		for name, a := range map[string]task.CloneArgs{
			"THREAD without SIGHAND": {Flags: abi.CLONE_THREAD | abi.CLONE_VM},
			"SIGHAND without VM":     {Flags: abi.CLONE_SIGHAND},
			"SIGHAND, CLEAR_SIGHAND": {Flags: abi.CLONE_VM | abi.CLONE_SIGHAND | abi.CLONE_CLEAR_SIGHAND},
			"sibling of process 1":   {Flags: abi.CLONE_PARENT},
			"a PID name space":       {Flags: abi.CLONE_NEWPID},
			"a mount name space":     {Flags: abi.CLONE_NEWNS},
			"a PID descriptor":       {Flags: abi.CLONE_PIDFD},
			"into a control group":   {Flags: abi.CLONE_INTO_CGROUP},
			"no new privileges":      {Flags: abi.CLONE_NNP},
			"something unknown":      {Flags: 1 << 60},
		} {
			if _, err := u.CloneArgs(a, func(*User) int { return 0 }); err != abi.EINVAL {
				t.Errorf("%s: %v, want EINVAL", name, err)
			}
		}
		return 0
	})
}

func TestVforkWaits(t *testing.T) {
	run(t, func(u *User) int {
		const flags = abi.CLONE_VM | abi.CLONE_VFORK
		var order []string
		pid, err := u.Clone(flags, abi.SIGCHLD, func(u *User) int {
			time.Sleep(5 * time.Millisecond)
			order = append(order, "child")
			u.Write(tasktest.DataAddr, []byte("shared"))
			return 1
		})
		order = append(order, "parent")
		if err != nil || order[0] != "child" {
			t.Errorf("%v %v", order, err)
		}
		if b := u.Read(tasktest.DataAddr, 6); string(b) != "shared" {
			t.Errorf("memory %q", b)
		}
		waitFor(t, u, pid, 0, 1<<8)
		// execve ends the wait too.
		release := make(chan int)
		tasktest.Install(t, "/prog", func(u *User) int { return <-release }, 0o755)
		defer tasktest.Remove(t, "/prog")
		pid, _ = u.Clone(flags, abi.SIGCHLD, func(u *User) int {
			return int(u.Exec("/prog", nil, nil).(abi.Errno))
		})
		release <- 4
		waitFor(t, u, pid, 0, 4<<8)
		// And a fatal signal does.
		outer := u.Fork(func(u *User) int {
			u.Clone(flags, abi.SIGCHLD, forever)
			t.Error("vfork has returned")
			return 0
		})
		var inner *task.ThreadGroup
		for inner == nil {
			if inner = task.NextGroup(outer); inner == nil {
				u.Yield()
			}
		}
		u.Kill(outer, abi.SIGTERM)
		waitFor(t, u, outer, 0, abi.SIGTERM)
		u.Kill(inner.TGID(), abi.SIGKILL)
		waitFor(t, u, inner.TGID(), 0, abi.SIGKILL)
		return 0
	})
}

func TestTIDAddresses(t *testing.T) {
	run(t, func(u *User) int {
		const parentTID, childTID = tasktest.DataAddr + 0x200, tasktest.DataAddr + 0x204
		word := func(u *User, addr uint64) int {
			b := u.Read(addr, 4)
			return int(b[0]) | int(b[1])<<8
		}
		const flags = abi.CLONE_VM | abi.CLONE_FS | abi.CLONE_FILES | abi.CLONE_SIGHAND | abi.CLONE_THREAD |
			abi.CLONE_PARENT_SETTID | abi.CLONE_CHILD_SETTID | abi.CLONE_CHILD_CLEARTID
		go1 := make(chan struct{})
		tid, err := u.CloneArgs(task.CloneArgs{Flags: flags, ParentTID: parentTID, ChildTID: childTID}, func(u *User) int {
			if got := word(u, childTID); got != task.NextGroup(0).TIDs()[1] {
				t.Errorf("CLONE_CHILD_SETTID wrote %d", got)
			}
			<-go1
			u.Exit(0)
			return 0
		})
		if err != nil || word(u, parentTID) != tid {
			t.Errorf("CLONE_PARENT_SETTID wrote %d, TID %d, %v", word(u, parentTID), tid, err)
		}
		// Wait as pthread_join(3) does.
		close(go1)
		for word(u, childTID) != 0 {
			u.Call(func(tk *task.Task) (uintptr, error) {
				return 0, futex.Wait(tk.MM(), tk.Sleeper(), childTID, true, uint32(tid), ^uint32(0), 1<<62)
			})
		}
		return 0
	})
}

func TestGroupExit(t *testing.T) {
	run(t, func(u *User) int {
		// exit_group ends all threads, whatever they do.
		pid := u.Fork(func(u *User) int {
			for range 3 {
				u.Thread(forever)
			}
			u.Thread(func(u *User) int {
				for {
					u.Yield()
				}
			})
			return 8
		})
		waitFor(t, u, pid, 0, 8<<8)
		// exit ends one; the process lives on, and its status is the
		// last one's.
		pid = u.Fork(func(u *User) int {
			u.Thread(func(u *User) int {
				time.Sleep(5 * time.Millisecond)
				return 9
			})
			u.Exit(1)
			return 0
		})
		waitFor(t, u, pid, 0, 9<<8)
		// A fatal signal for one thread ends all.
		pid = u.Fork(func(u *User) int {
			tid := u.Thread(forever)
			u.Do(func(tk *task.Task) { tk.Tgkill(tk.TGID(), tid, abi.SIGTERM) })
			return forever(u)
		})
		waitFor(t, u, pid, 0, abi.SIGTERM)
		return 0
	})
}

func TestSignalsGoToThreadsThatTakeThem(t *testing.T) {
	run(t, func(u *User) int {
		var mu sync.Mutex
		var took []int
		tids := map[string]int{}
		h := u.Handler(func(u *User, sig int) {
			u.Do(func(tk *task.Task) {
				mu.Lock()
				defer mu.Unlock()
				took = append(took, tk.TID())
			})
		})
		u.Action(abi.SIGUSR1, abi.SigAction{Handler: h})
		u.Do(func(tk *task.Task) { tk.SetBlocked(abi.SigsetOf(abi.SIGUSR1)) })
		tids["blocks"] = u.Thread(forever)
		tids["takes"] = u.Thread(func(u *User) int {
			u.Do(func(tk *task.Task) { tk.SetBlocked(0) })
			return forever(u)
		})
		for task.Find(tids["takes"]).State() != task.Sleeping {
			u.Yield()
		}
		u.Kill(1, abi.SIGUSR1)
		for {
			mu.Lock()
			n := len(took)
			mu.Unlock()
			if n > 0 {
				break
			}
			u.Yield()
		}
		if took[0] != tids["takes"] {
			t.Errorf("thread %d took it, want %d", took[0], tids["takes"])
		}
		return 0
	})
}

func TestPanicIsContained(t *testing.T) {
	before := task.ContainedPanics()
	tasktest.ExpectPanics(1)
	run(t, func(u *User) int {
		pid := u.Fork(func(u *User) int {
			u.Do(func(tk *task.Task) {
				var m sync.Mutex
				m.Lock()
				defer m.Unlock()
				panic("for a test")
			})
			return 0
		})
		waitFor(t, u, pid, 0, abi.SIGKILL)
		return 0
	})
	if n := task.ContainedPanics() - before; n != 1 {
		t.Errorf("%d contained panics", n)
	}
}

func TestThreadLimit(t *testing.T) {
	run(t, func(u *User) int {
		n := 0
		for {
			_, err := u.Clone(0, abi.SIGCHLD, forever)
			if err == abi.EAGAIN {
				break
			}
			if n++; err != nil || n > task.ThreadsMax() {
				t.Errorf("fork %d: %v", n, err)
				break
			}
		}
		if n != task.ThreadsMax()-1 {
			t.Errorf("%d forks, want %d", n, task.ThreadsMax()-1)
		}
		u.Kill(-1, abi.SIGKILL)
		for range n {
			u.Wait(-1, 0)
		}
		return 0
	})
}

func TestUserThreadLimit(t *testing.T) {
	run(t, func(u *User) int {
		// The superuser may exceed the default.
		var many []int
		for range task.ThreadsMax()/2 + 3 {
			many = append(many, u.Fork(forever))
		}
		u.Kill(-1, abi.SIGKILL)
		for range many {
			u.Wait(-1, 0)
		}
		pid := u.Fork(func(u *User) int {
			u.Do(func(tk *task.Task) {
				tk.Prlimit(0, abi.RLIMIT_NPROC, &abi.Rlimit{Cur: 3, Max: 3})
			})
			// Of the superuser there is this process and process 1; no
			// limit binds it.
			for range 4 {
				u.Fork(forever)
			}
			u.Kill(-1, abi.SIGKILL)
			for range 4 {
				u.Wait(-1, 0)
			}
			u.Do(func(tk *task.Task) { tk.SetUID(1000) })
			n := 0
			for {
				if _, err := u.Clone(0, abi.SIGCHLD, forever); err != nil {
					if err != abi.EAGAIN {
						t.Errorf("%v", err)
					}
					break
				}
				n++
			}
			u.Kill(-1, abi.SIGKILL)
			for range n {
				u.Wait(-1, 0)
			}
			return n
		})
		waitFor(t, u, pid, 0, 2<<8)
		return 0
	})
}

func TestOutOfMemoryKillsTheLargest(t *testing.T) {
	run(t, func(u *User) int {
		small := u.Fork(forever)
		large := u.Fork(func(u *User) int {
			for a := uint64(tasktest.DataAddr); a < tasktest.DataAddr+0x3000; a += 0x1000 {
				u.Touch(a, true)
			}
			return forever(u)
		})
		spared := u.Fork(func(u *User) int {
			u.Do(func(tk *task.Task) { tk.Group().SetOOMScoreAdj(-1000) })
			for a := uint64(tasktest.DataAddr); a < tasktest.DataAddr+0x3000; a += 0x1000 {
				u.Touch(a, true)
			}
			return forever(u)
		})
		for _, pid := range []int{small, large, spared} {
			for task.Find(pid).State() != task.Sleeping {
				u.Yield()
			}
		}
		// What is cached goes first.
		for kmem.Shrink(&kmem.Machine, 1<<20) > 0 {
		}
		var held []frame.Frame
		outOfMemory := func() {
			for f, err := frame.Alloc(); err == nil; f, err = frame.Alloc() {
				held = append(held, f)
			}
			u.Do(func(*task.Task) { task.OutOfMemory() })
		}
		outOfMemory()
		waitFor(t, u, large, 0, abi.SIGKILL)
		outOfMemory()
		waitFor(t, u, small, 0, abi.SIGKILL)
		outOfMemory()
		frame.PutAll(held)
		u.Do(func(*task.Task) { task.OutOfMemory() }) // there is enough again
		if r, err := u.Wait(spared, abi.WNOHANG); err != nil || r.PID != 0 {
			t.Errorf("spared process: %+v, %v", r, err)
		}
		u.Kill(spared, abi.SIGKILL)
		waitFor(t, u, spared, 0, abi.SIGKILL)
		return 0
	})
}

func TestMemoryRunsOut(t *testing.T) {
	run(t, func(u *User) int {
		hog := u.Fork(func(u *User) int {
			var base uintptr
			n := uintptr(frame.Total()+1024) * frame.Size
			u.Do(func(tk *task.Task) { base = mapAnon(t, tk, n) })
			for off := uintptr(0); off < n; off += frame.Size {
				u.Touch(uint64(base+off), true)
			}
			t.Error("more memory than there is")
			return 0
		})
		waitFor(t, u, hog, 0, abi.SIGKILL)
		return 0
	})
}

// TestSyscallAllocatesNothing watches over the way of a system call.
func TestSyscallAllocatesNothing(t *testing.T) {
	run(t, func(u *User) int {
		n := testing.AllocsPerRun(100, func() { u.Syscall(39) })
		if n != 0 {
			t.Errorf("%v allocations for a system call", n)
		}
		n = testing.AllocsPerRun(100, func() { u.Yield() })
		if n != 0 {
			t.Errorf("%v allocations for an interrupt", n)
		}
		return 0
	})
}

// mapAnon maps n bytes of private memory.
func mapAnon(t *testing.T, tk *task.Task, n uintptr) uintptr {
	base, err := tk.MM().Mmap(&mm.MmapArgs{
		Length: n, Prot: abi.PROT_READ | abi.PROT_WRITE,
		Flags: abi.MAP_PRIVATE | abi.MAP_ANONYMOUS | abi.MAP_NORESERVE,
	})
	if err != nil {
		t.Errorf("mmap: %v", err)
	}
	return base
}
