package task_test

import (
	"sync"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/task/tasktest"
	"kevlar/kernel/tty"
	"kevlar/kernel/vfs"
)

// sink is a terminal's driver that drops what is written.
type sink struct{}

func (sink) Write(p []byte) int      { return len(p) }
func (sink) SetTermios(*abi.Termios) {}

const testMajor = 250

// newTerminal returns a terminal that has its buffers already.
func newTerminal(name string, dev uint64) *tty.TTY {
	t := tty.New(name, dev, sink{})
	t.Input([]byte("x\n"))
	t.HangUp()
	return t
}

// withTerminal runs p as the leader of a session that has a terminal.
func withTerminal(t *testing.T, p func(u *User, term *tty.TTY) int, status int) {
	t.Helper()
	tasktest.Root()
	dev := abi.MakeDev(testMajor, 0)
	term := newTerminal("test", dev)
	run(t, func(u *User) int {
		vfs.RegisterCharDevice(testMajor, 0, 0, func(c vfs.Caller, f *vfs.File, _ uint64) (vfs.FileOps, error) {
			return term.Open(c, f, tty.Ordinary)
		})
		u.Do(func(tk *task.Task) {
			if err := vfs.MknodAt(tk, tk.FS(), tk.FS().Cwd(), "/tty", abi.S_IFCHR|0o666, dev); err != nil {
				t.Error(err)
			}
		})
		defer tasktest.Remove(t, "/tty")
		leader := u.Fork(func(u *User) int {
			u.Do(func(tk *task.Task) {
				tk.Setsid()
				openTerminal(t, tk, 0)
				if tk.CTTY() != term || term.Session() != tk.TGID() || term.Foreground() != tk.TGID() {
					t.Errorf("terminal %v of session %d, group %d", tk.CTTY(), term.Session(), term.Foreground())
				}
			})
			return p(u, term)
		})
		waitFor(t, u, leader, 0, status)
		return 0
	})
}

func openTerminal(t *testing.T, tk *task.Task, fd int) {
	f, err := vfs.OpenAt(tk, tk.FS(), tk.FS().Cwd(), "/tty", abi.O_RDWR, 0)
	if err == nil {
		_, err = tk.FDs().Install(f, fd, false)
	}
	if err != nil {
		t.Error(err)
	}
}

// foreground makes pgid the foreground group, as tcsetpgrp(3) does.
func foreground(t *testing.T, u *User, pgid int) {
	const addr = tasktest.DataAddr
	u.Write(addr, []byte{byte(pgid), byte(pgid >> 8), 0, 0})
	u.Do(func(tk *task.Task) {
		f, _ := tk.FDs().Get(0)
		defer f.Put()
		if _, err := f.Ioctl(tk, abi.TIOCSPGRP, addr); err != nil {
			t.Errorf("tcsetpgrp: %v", err)
		}
	})
}

// read reads from the terminal.
func read(u *User) error {
	_, err := u.Call(func(tk *task.Task) (uintptr, error) {
		f, err := tk.FDs().Get(0)
		if err != nil {
			return 0, err
		}
		defer f.Put()
		b := make(vfs.Bytes, 10)
		_, err = vfs.BlockRead(tk, f, &b)
		return 0, err
	})
	return err
}

// job starts p in a process group of its own.
func job(u *User, p tasktest.Prog) int {
	pid := u.Fork(func(u *User) int {
		u.Do(func(tk *task.Task) { tk.Setpgid(0, 0) })
		return p(u)
	})
	u.Do(func(tk *task.Task) { tk.Setpgid(pid, pid) }) // whoever comes first
	return pid
}

func TestInterruptKey(t *testing.T) {
	withTerminal(t, func(u *User, term *tty.TTY) int {
		back := job(u, forever)
		front := job(u, forever)
		u.Action(abi.SIGTTOU, abi.SigAction{Handler: abi.SIG_IGN})
		foreground(t, u, front)
		term.Input([]byte{3}) // Ctrl-C
		waitFor(t, u, front, 0, abi.SIGINT)
		foreground(t, u, back)
		term.Input([]byte{26}) // Ctrl-Z
		waitFor(t, u, back, abi.WUNTRACED, abi.SIGTSTP<<8|0x7f)
		u.Kill(-back, abi.SIGKILL)
		waitFor(t, u, back, 0, abi.SIGKILL)
		return 3
	}, 3<<8)
}

// The number of a foreground group that has ended may belong to another
// session: keys do not reach it.
func TestForegroundGroupEnds(t *testing.T) {
	withTerminal(t, func(u *User, term *tty.TTY) int {
		u.Action(abi.SIGTTOU, abi.SigAction{Handler: abi.SIG_IGN})
		front := job(u, func(u *User) int { return 0 })
		foreground(t, u, front)
		waitFor(t, u, front, 0, 0)
		task.SetLastID(front - 1)
		ready := make(chan bool)
		other := u.Fork(func(u *User) int {
			u.Do(func(tk *task.Task) {
				tk.Setsid()
				ready <- true
			})
			return forever(u)
		})
		<-ready
		if other != front {
			t.Errorf("process %d, want %d again", other, front)
		}
		term.Input([]byte{3}) // Ctrl-C
		term.SetWindow(abi.Winsize{Row: 1, Col: 2})
		u.Do(func(tk *task.Task) {
			if s := task.Find(other).Group().PendingSignals(); s != 0 {
				t.Errorf("signals %#x for another session", s)
			}
		})
		u.Kill(other, abi.SIGKILL)
		waitFor(t, u, other, 0, abi.SIGKILL)
		return 3
	}, 3<<8)
}

// Of two sessions that want one terminal one gets it, and a session that wants
// two gets one.
func TestOneTerminalForOneSession(t *testing.T) {
	tasktest.Root()
	terms := [2]*tty.TTY{newTerminal("a", 1), newTerminal("b", 2)}
	run(t, func(u *User) int {
		ready := make(chan *task.Task)
		lead := func(u *User) int {
			u.Do(func(tk *task.Task) {
				tk.Setsid()
				ready <- tk
			})
			return forever(u)
		}
		pids := [2]int{u.Fork(lead), u.Fork(lead)}
		leaders := [2]*task.Task{<-ready, <-ready}
		opened := make(chan vfs.FileOps, 4)
		open := func(tk *task.Task, term *tty.TTY, wg *sync.WaitGroup) {
			defer wg.Done()
			f, _ := vfs.NewAnonFile(vfs.Kernel, "tty", new(struct{ vfs.NoFile }), abi.O_RDWR)
			defer f.Put()
			ops, err := term.Open(tk, f, tty.Ordinary)
			if err != nil {
				t.Error(err)
				return
			}
			opened <- ops
		}
		for range 200 {
			var wg sync.WaitGroup
			for _, tk := range leaders {
				for _, term := range terms {
					wg.Add(1)
					go open(tk, term, &wg)
				}
			}
			wg.Wait()
			for _, tk := range leaders {
				term := tk.CTTY()
				if term != nil && term.Session() != tk.SID() {
					t.Fatalf("session %d has the terminal of session %d", tk.SID(), term.Session())
				}
				for _, other := range terms {
					if other != term && other.Session() == tk.SID() {
						t.Fatalf("session %d owns two terminals", tk.SID())
					}
				}
			}
			for range 4 {
				(<-opened).Release(nil) // the last of a terminal's takes it from its session
			}
		}
		for _, pid := range pids {
			u.Kill(pid, abi.SIGKILL)
			waitFor(t, u, pid, 0, abi.SIGKILL)
		}
		return 0
	})
}

func TestBackgroundRead(t *testing.T) {
	withTerminal(t, func(u *User, term *tty.TTY) int {
		pid := job(u, func(u *User) int {
			if err := read(u); err != nil {
				t.Errorf("read: %v", err)
			}
			return 4
		})
		waitFor(t, u, pid, abi.WUNTRACED, abi.SIGTTIN<<8|0x7f)
		u.Action(abi.SIGTTOU, abi.SigAction{Handler: abi.SIG_IGN})
		foreground(t, u, pid)
		term.Input([]byte("line\n"))
		u.Kill(-pid, abi.SIGCONT) // and the read begins anew
		waitFor(t, u, pid, 0, 4<<8)
		// Without a way to stop there is an error.
		pid = job(u, func(u *User) int {
			u.Action(abi.SIGTTIN, abi.SigAction{Handler: abi.SIG_IGN})
			if err := read(u); err != abi.EIO {
				t.Errorf("read with SIGTTIN ignored: %v", err)
			}
			return 0
		})
		waitFor(t, u, pid, 0, 0)
		return 0
	}, 0)
}

func TestHangUp(t *testing.T) {
	withTerminal(t, func(u *User, term *tty.TTY) int {
		pid := job(u, forever)
		term.HangUp()
		forever(u)
		return pid
	}, abi.SIGHUP)
}

func TestLeaderExit(t *testing.T) {
	pids := make(chan int, 1)
	withTerminal(t, func(u *User, term *tty.TTY) int {
		pid := job(u, func(u *User) int {
			u.Handle(abi.SIGHUP, 0, func(u *User, sig int) {
				u.Do(func(tk *task.Task) {
					if tk.CTTY() != nil {
						t.Error("the job still has a terminal")
					}
					tk.ExitGroup(5)
				})
			})
			pids <- 0
			return forever(u)
		})
		<-pids
		u.Action(abi.SIGTTOU, abi.SigAction{Handler: abi.SIG_IGN})
		foreground(t, u, pid)
		pids <- pid
		return 0
	}, 0)
}
