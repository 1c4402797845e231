package task_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/ring3"
	"kevlar/kernel/mm"
	"kevlar/kernel/task"
	"kevlar/kernel/task/tasktest"
	"kevlar/kernel/vfs"
)

// A startStack is what execve has put onto a new program's stack.
type startStack struct {
	argv, envp []string
	auxv       map[uint64]uint64
}

func cString(u *User, addr uint64) string {
	var s []byte
	for {
		b := u.Read(addr+uint64(len(s)), 1)
		if b[0] == 0 {
			return string(s)
		}
		s = append(s, b[0])
	}
}

func readStack(u *User) startStack {
	s := startStack{auxv: map[uint64]uint64{}}
	p := u.Regs().RSP
	word := func() uint64 {
		v := binary.LittleEndian.Uint64(u.Read(p, 8))
		p += 8
		return v
	}
	argc := int(word())
	for range argc {
		s.argv = append(s.argv, cString(u, word()))
	}
	if word() != 0 {
		panic("argv is not terminated")
	}
	for v := word(); v != 0; v = word() {
		s.envp = append(s.envp, cString(u, v))
	}
	for k := word(); k != 0; k = word() {
		s.auxv[k] = word()
	}
	return s
}

// exec runs p in a child by way of execve and returns the wait status.
func exec(t *testing.T, u *User, path string, argv, envp []string) int {
	t.Helper()
	pid := u.Fork(func(u *User) int {
		err := u.Exec(path, argv, envp)
		t.Logf("exec %s: %v", path, err)
		return int(err.(abi.Errno))
	})
	r, err := u.Wait(pid, 0)
	if err != nil {
		t.Errorf("wait: %v", err)
	}
	return r.WaitStatus
}

func TestExecStack(t *testing.T) {
	long := strings.Repeat("x", 5000) // more than a page
	argv := []string{"name", "", "two words", long}
	envp := []string{"A=1", "B=" + long, "C="}
	prog := func(u *User) int {
		if u.Regs().RSP%16 != 0 {
			t.Errorf("stack pointer %#x", u.Regs().RSP)
		}
		r := u.Regs().Registers
		if r.RAX|r.RBX|r.RCX|r.RDX|r.RSI|r.RDI|r.RBP|r.R15 != 0 || u.Regs().FSBase != 0 {
			t.Errorf("registers not clear: %+v", r)
		}
		s := readStack(u)
		if !slices.Equal(s.argv, argv) || !slices.Equal(s.envp, envp) {
			t.Errorf("argv %.80q\nenvp %.80q", s.argv, s.envp)
		}
		want := map[uint64]uint64{
			abi.AT_PAGESZ: 4096, abi.AT_CLKTCK: 100, abi.AT_PHENT: 56, abi.AT_PHNUM: 2,
			abi.AT_PHDR: 0x400040, abi.AT_BASE: 0, abi.AT_UID: 0,
			abi.AT_SECURE: 0, abi.AT_FLAGS: 0,
		}
		for k, v := range want {
			if got, ok := s.auxv[k]; !ok || got != v {
				t.Errorf("auxv[%d] = %#x, want %#x", k, got, v)
			}
		}
		if name := cString(u, s.auxv[abi.AT_EXECFN]); name != "/prog" {
			t.Errorf("AT_EXECFN %q", name)
		}
		if name := cString(u, s.auxv[abi.AT_PLATFORM]); name != "x86_64" {
			t.Errorf("AT_PLATFORM %q", name)
		}
		if bytes.Equal(u.Read(s.auxv[abi.AT_RANDOM], 16), make([]byte, 16)) {
			t.Error("AT_RANDOM is zero")
		}
		if s.auxv[abi.AT_MINSIGSTKSZ] < uint64(ring3.FPUSize()+440) {
			t.Errorf("AT_MINSIGSTKSZ %d", s.auxv[abi.AT_MINSIGSTKSZ])
		}
		u.Do(func(tk *task.Task) {
			if tk.Comm() != "prog" {
				t.Errorf("comm %q", tk.Comm())
			}
			l, _ := tk.Layout()
			args := make([]byte, l.ArgEnd-l.ArgStart)
			tk.CopyIn(args, l.ArgStart)
			if got := strings.Join(argv, "\x00") + "\x00"; string(args) != got {
				t.Errorf("argument area %.40q", args)
			}
			env := make([]byte, l.EnvEnd-l.EnvStart)
			tk.CopyIn(env, l.EnvStart)
			if got := strings.Join(envp, "\x00") + "\x00"; string(env) != got {
				t.Errorf("environment area %.40q", env)
			}
		})
		if b := u.Read(tasktest.DataAddr, 0x200); b[0xff] != 0xff || b[0x100] != 0 {
			t.Errorf("data % x", b[0xf8:0x108])
		}
		u.Touch(tasktest.DataAddr+0x2fff, true)
		return 3
	}
	run(t, func(u *User) int {
		tasktest.Install(t, "/prog", prog, 0o755)
		defer tasktest.Remove(t, "/prog")
		for range 4 {
			if s := exec(t, u, "/prog", argv, envp); s != 3<<8 {
				t.Errorf("status %#x", s)
			}
		}
		return 0
	})
}

func TestExecFromUserMemory(t *testing.T) {
	long := strings.Repeat("y", 10000)
	run(t, func(u *User) int {
		tasktest.Install(t, "/prog", func(u *User) int {
			s := readStack(u)
			if !slices.Equal(s.argv, []string{"a", "bc", long}) || len(s.envp) != 0 {
				t.Errorf("argv %.60q envp %q", s.argv, s.envp)
			}
			return 5
		}, 0o755)
		defer tasktest.Remove(t, "/prog")
		pid := u.Fork(func(u *User) int {
			var area uintptr
			u.Do(func(tk *task.Task) {
				area, _ = tk.MM().Mmap(&mm.MmapArgs{Length: 0x5000, Prot: abi.PROT_READ | abi.PROT_WRITE, Flags: abi.MAP_PRIVATE | abi.MAP_ANONYMOUS})
			})
			// The strings end where the mapping ends.
			text := "a\x00bc\x00" + long + "\x00"
			base := uint64(area) + 0x5000 - uint64(len(text))
			u.Write(base, []byte(text))
			vec := make([]byte, 32)
			binary.LittleEndian.PutUint64(vec[0:], base)
			binary.LittleEndian.PutUint64(vec[8:], base+2)
			binary.LittleEndian.PutUint64(vec[16:], base+5)
			u.Write(uint64(area), vec)
			u.Do(func(tk *task.Task) {
				err := task.Exec(tk, task.ExecArgs{
					Base: tk.FS().Cwd(), Name: "/prog", Argv: task.Vector{User: area + 0x5000 - uintptr(len(text))},
				})
				if err != abi.EFAULT {
					t.Errorf("bad vector: %v", err)
				}
			})
			err := u.ExecUser("/prog", task.Vector{User: area}, task.Vector{})
			t.Error(err)
			return 1
		})
		waitFor(t, u, pid, 0, 5<<8)
		return 0
	})
}

func TestScripts(t *testing.T) {
	run(t, func(u *User) int {
		var got []string
		tasktest.Install(t, "/interp", func(u *User) int {
			s := readStack(u)
			got = append(s.argv, "fn="+cString(u, s.auxv[abi.AT_EXECFN]))
			u.Do(func(tk *task.Task) { got = append(got, "comm="+tk.Comm()) })
			return 0
		}, 0o755)
		defer tasktest.Remove(t, "/interp")
		check := func(path string, argv, want []string) {
			t.Helper()
			got = nil
			if s := exec(t, u, path, argv, nil); s != 0 || !slices.Equal(got, want) {
				t.Errorf("%s: status %#x, %q, want %q", path, s, got, want)
			}
		}
		script := func(path, text string, mode uint32) { tasktest.WriteFile(t, path, []byte(text), mode) }
		script("/s0", "#!/interp -x  y\nfoo", 0o755)
		check("/s0", []string{"zero", "one"}, []string{"/interp", "-x  y", "/s0", "one", "fn=/s0", "comm=s0"})
		script("/empty", "#!/interp\n", 0o755)
		check("/empty", nil, []string{"/interp", "/empty", "fn=/empty", "comm=empty"})
		// Scripts that are interpreted by scripts.
		want := []string{"/interp", "-x  y", "/s0", "/s1", "a", "fn=/s1", "comm=s1"}
		script("/s1", "#!/s0\n", 0o755)
		check("/s1", []string{"0", "a"}, want)
		for i := 2; i <= 5; i++ {
			script(fmt.Sprintf("/s%d", i), fmt.Sprintf("#!/s%d\n", i-1), 0o755)
		}
		if s := exec(t, u, "/s4", []string{"s"}, nil); s != 0 {
			t.Errorf("five scripts deep: status %#x", s)
		}
		if s := exec(t, u, "/s5", []string{"s"}, nil); s != int(abi.ELOOP)<<8 {
			t.Errorf("six scripts deep: status %#x, want ELOOP", s)
		}
		script("/gone", "#!/nothing\n", 0o755)
		script("/noexec", "#!/interp\n", 0o644)
		script("/text", "hello\n", 0o755)
		script("/none", "", 0o755)
		for path, e := range map[string]abi.Errno{
			"/gone": abi.ENOENT, "/noexec": abi.EACCES, "/text": abi.ENOEXEC, "/none": abi.ENOEXEC,
			"/missing": abi.ENOENT, "/": abi.EACCES,
		} {
			if s := exec(t, u, path, []string{"x"}, nil); s != int(e)<<8 {
				t.Errorf("%s: status %#x, want %v", path, s, e)
			}
		}
		for _, p := range []string{"/s0", "/s1", "/s2", "/s3", "/s4", "/s5", "/empty", "/gone", "/noexec", "/text", "/none"} {
			tasktest.Remove(t, p)
		}
		return 0
	})
}

func TestExecTooMuch(t *testing.T) {
	run(t, func(u *User) int {
		tasktest.Install(t, "/prog", func(u *User) int { return 0 }, 0o755)
		defer tasktest.Remove(t, "/prog")
		if s := exec(t, u, "/prog", []string{strings.Repeat("x", 128<<10)}, nil); s != int(abi.E2BIG)<<8 {
			t.Errorf("a string of 128 KiB: status %#x", s)
		}
		if s := exec(t, u, "/prog", []string{strings.Repeat("x", 128<<10-1)}, nil); s != 0 {
			t.Errorf("a string of 128 KiB with its NUL: status %#x", s)
		}
		part := strings.Repeat("x", 100<<10)
		many := slices.Repeat([]string{part}, 20) // 2000 KiB
		if s := exec(t, u, "/prog", many, nil); s != 0 {
			t.Errorf("2000 KiB: status %#x", s)
		}
		many = append(many, part)
		if s := exec(t, u, "/prog", many, nil); s != int(abi.E2BIG)<<8 {
			t.Errorf("2100 KiB, over a quarter of the stack: status %#x", s)
		}
		return 0
	})
}

func TestExecResets(t *testing.T) {
	run(t, func(u *User) int {
		tasktest.Install(t, "/prog", func(u *User) int {
			u.Do(func(tk *task.Task) {
				for sig, want := range map[int]uint64{abi.SIGUSR1: abi.SIG_DFL, abi.SIGUSR2: abi.SIG_IGN} {
					if a, _ := tk.SigAction(sig, nil); a.Handler != want || a.Flags != 0 || a.Mask != 0 {
						t.Errorf("action of %d: %+v", sig, a)
					}
				}
				if b := tk.Blocked(); b != abi.SigsetOf(abi.SIGTERM) {
					t.Errorf("mask %#x", b)
				}
				if p := tk.SigPending(); p != abi.SigsetOf(abi.SIGTERM) {
					t.Errorf("pending %#x", p)
				}
				if s, _ := tk.SigAltStack(nil); s.Flags != abi.SS_DISABLE || s.Size != 0 {
					t.Errorf("alternate stack %+v", s)
				}
				if _, err := tk.FDs().Get(3); err != abi.EBADF {
					t.Errorf("close-on-exec: %v", err)
				}
				if f, err := tk.FDs().Get(4); err != nil {
					t.Errorf("descriptor 4: %v", err)
				} else {
					f.Put()
				}
				if v, _, _ := tk.Group().GetITimer(abi.ITIMER_REAL); v == 0 {
					t.Error("the interval timer has stopped")
				}
				if _, err := tk.TimerOverrun(0); err != abi.EINVAL {
					t.Errorf("POSIX timer: %v", err)
				}
				if tk.Nice() != 5 {
					t.Errorf("nice %d", tk.Nice())
				}
				tk.SetBlocked(0) // and the signal comes
			})
			return 0
		}, 0o755)
		defer tasktest.Remove(t, "/prog")
		pid := u.Fork(func(u *User) int {
			u.Action(abi.SIGUSR1, abi.SigAction{Handler: 0x500000, Mask: 1, Flags: abi.SA_RESTART})
			u.Action(abi.SIGUSR2, abi.SigAction{Handler: abi.SIG_IGN})
			u.Do(func(tk *task.Task) {
				f, err := vfs.OpenAt(tk, tk.FS(), tk.FS().Cwd(), "/prog", abi.O_RDONLY, 0)
				if err != nil {
					t.Error(err)
					return
				}
				f.Get()
				tk.FDs().Install(f, 3, true)
				tk.FDs().Install(f, 4, false)
				tk.SetBlocked(abi.SigsetOf(abi.SIGTERM))
				tk.Kill(tk.TGID(), abi.SIGTERM)
				tk.SigAltStack(&abi.SigAltStack{SP: tasktest.DataAddr, Size: 8192})
				tk.Group().SetITimer(abi.ITIMER_REAL, 1e12, 0)
				tk.TimerCreate(abi.CLOCK_MONOTONIC, &abi.Sigevent{Signo: abi.SIGUSR1})
				tk.SetPriority(abi.PRIO_PROCESS, 0, 5)
			})
			return int(u.Exec("/prog", nil, nil).(abi.Errno))
		})
		waitFor(t, u, pid, 0, abi.SIGTERM)
		return 0
	})
}

func TestSetUserID(t *testing.T) {
	run(t, func(u *User) int {
		var cred vfs.Cred
		var secure uint64
		tasktest.Install(t, "/prog", func(u *User) int {
			secure = readStack(u).auxv[abi.AT_SECURE]
			u.Do(func(tk *task.Task) { cred = *tk.Cred() })
			return 0
		}, 0o4755)
		defer tasktest.Remove(t, "/prog")
		as := func(f func(*task.Task)) {
			pid := u.Fork(func(u *User) int {
				u.Do(f)
				return int(u.Exec("/prog", nil, nil).(abi.Errno))
			})
			waitFor(t, u, pid, 0, 0)
		}
		as(func(tk *task.Task) { tk.SetUID(1000) })
		if cred.UID != 1000 || cred.EUID != 0 || cred.SUID != 0 || cred.FSUID != 0 || cred.CapEffective != vfs.AllCaps || secure != 1 {
			t.Errorf("set-user-ID: %+v, secure %d", cred, secure)
		}
		as(func(tk *task.Task) { tk.SetUID(1000); tk.SetNoNewPrivs() })
		if cred.EUID != 1000 || cred.CapPermitted != 0 || secure != 0 {
			t.Errorf("no_new_privs: %+v, secure %d", cred, secure)
		}
		as(func(tk *task.Task) {})
		if cred.EUID != 0 || cred.CapEffective != vfs.AllCaps || secure != 0 {
			t.Errorf("root: %+v, secure %d", cred, secure)
		}
		as(func(tk *task.Task) {
			if err := tk.SetSecureBits(abi.SECBIT_NOROOT | abi.SECBIT_KEEP_CAPS); err != nil {
				t.Error(err)
			}
		})
		if cred.CapPermitted != 0 || cred.SecureBits != abi.SECBIT_NOROOT {
			t.Errorf("SECBIT_NOROOT: %+v", cred)
		}
		return 0
	})
}

// A releaseFunc is called when a file is released.
type releaseFunc func()

func (f releaseFunc) FileReleased(*vfs.File) { f() }

// Others see a set-user-ID program with its own credentials only. What is closed
// on exec is closed when the program is in place.
func TestExecChangesCredentialsFirst(t *testing.T) {
	run(t, func(u *User) int {
		tasktest.Install(t, "/suid", func(*User) int { return 0 }, 0o4755)
		defer tasktest.Remove(t, "/suid")
		tasktest.WriteFile(t, "/witness", nil, 0o644)
		defer tasktest.Remove(t, "/witness")
		released := false
		pid := u.Fork(func(u *User) int {
			u.Do(func(tk *task.Task) {
				f, err := vfs.OpenAt(tk, tk.FS(), tk.FS().Root(), "/witness", abi.O_RDONLY, 0)
				if err != nil {
					t.Error(err)
					return
				}
				old := tk.AcquireMM()
				old.Put()
				f.AddReleaseHook(&vfs.ReleaseHook{Observer: releaseFunc(func() {
					released = true
					as := tk.AcquireMM()
					defer as.Put()
					if c := tk.Cred(); as != old && (c.EUID != 0 || tk.Group().Dumpable() != 0) {
						t.Errorf("the program is seen as user %d's, dumpable %d", c.EUID, tk.Group().Dumpable())
					}
				})})
				if _, err := tk.FDs().Install(f, 0, true); err != nil {
					t.Error(err)
				}
				tk.SetUID(1000)
				tk.Group().SetDumpable(1)
			})
			return int(u.Exec("/suid", nil, nil).(abi.Errno))
		})
		waitFor(t, u, pid, 0, 0)
		if !released {
			t.Error("the file is still open")
		}
		return 0
	})
}

// A program that its user may only execute is not shown to him in memory.
func TestExecUnreadable(t *testing.T) {
	run(t, func(u *User) int {
		for _, c := range []struct {
			mode uint32
			uid  uint32
			want int
		}{{0o755, 1000, 1}, {0o711, 1000, 0}, {0o711, 0, 1}} {
			tasktest.Install(t, "/program", func(u *User) int {
				got := 0
				u.Do(func(tk *task.Task) { got = int(tk.Group().Dumpable()) })
				return got
			}, c.mode)
			pid := u.Fork(func(u *User) int {
				u.Do(func(tk *task.Task) {
					tk.SetUID(c.uid)
					tk.Group().SetDumpable(1)
				})
				return int(u.Exec("/program", nil, nil).(abi.Errno))
			})
			waitFor(t, u, pid, 0, c.want<<8)
			tasktest.Remove(t, "/program")
		}
		return 0
	})
}

func TestExecOfAThread(t *testing.T) {
	run(t, func(u *User) int {
		tasktest.Install(t, "/prog", func(u *User) int {
			u.Do(func(tk *task.Task) {
				g := tk.Group()
				if tk.TID() != tk.TGID() || g.ThreadCount() != 1 || g.Leader() != tk || task.Find(tk.TGID()) != tk {
					t.Errorf("TID %d of process %d, %d threads", tk.TID(), tk.TGID(), g.ThreadCount())
				}
			})
			return 6
		}, 0o755)
		defer tasktest.Remove(t, "/prog")
		for _, byLeader := range []bool{true, false} {
			pid := u.Fork(func(u *User) int {
				u.Thread(forever)
				other := u.Thread(func(u *User) int {
					if byLeader {
						return forever(u)
					}
					return int(u.Exec("/prog", nil, nil).(abi.Errno))
				})
				if byLeader {
					for task.Find(other).State() != task.Sleeping {
						u.Yield()
					}
					return int(u.Exec("/prog", nil, nil).(abi.Errno))
				}
				return forever(u)
			})
			waitFor(t, u, pid, 0, 6<<8)
		}
		return 0
	})
}

func TestTextFileBusy(t *testing.T) {
	run(t, func(u *User) int {
		tasktest.Install(t, "/prog", func(u *User) int {
			u.Do(func(tk *task.Task) {
				if _, err := vfs.OpenAt(tk, tk.FS(), tk.FS().Cwd(), "/prog", abi.O_WRONLY, 0); err != abi.ETXTBSY {
					t.Errorf("writing a program that runs: %v", err)
				}
			})
			return 0
		}, 0o755)
		defer tasktest.Remove(t, "/prog")
		if s := exec(t, u, "/prog", nil, nil); s != 0 {
			t.Errorf("status %#x", s)
		}
		var f *vfs.File
		u.Do(func(tk *task.Task) {
			var err error
			if f, err = vfs.OpenAt(tk, tk.FS(), tk.FS().Cwd(), "/prog", abi.O_WRONLY, 0); err != nil {
				t.Errorf("writing a program that has ended: %v", err)
			}
		})
		if s := exec(t, u, "/prog", nil, nil); s != int(abi.ETXTBSY)<<8 {
			t.Errorf("executing what is written: status %#x", s)
		}
		f.Put()
		return 0
	})
}

func TestManyPrograms(t *testing.T) {
	n := 2000
	if testing.Short() {
		n = 100
	}
	run(t, func(u *User) int { // checks that nothing is left
		tasktest.Install(t, "/prog", func(u *User) int { return 0 }, 0o755)
		defer tasktest.Remove(t, "/prog")
		for range n {
			if s := exec(t, u, "/prog", []string{"prog"}, []string{"A=B"}); s != 0 {
				t.Fatalf("status %#x", s)
			}
		}
		return 0
	})
}

func TestInterpreter(t *testing.T) {
	run(t, func(u *User) int {
		tasktest.Install(t, "/interp", func(u *User) int {
			s := readStack(u)
			for k, v := range map[uint64]uint64{
				abi.AT_ENTRY: tasktest.DynamicEntry, abi.AT_PHDR: tasktest.DynamicBase + 64, abi.AT_PHNUM: 2,
			} {
				if s.auxv[k] != v {
					t.Errorf("auxv[%d] = %#x, want %#x", k, s.auxv[k], v)
				}
			}
			if b := u.Read(tasktest.DynamicBase, 4); string(b) != "\x7fELF" {
				t.Errorf("the program is not there: %q", b)
			}
			u.Do(func(tk *task.Task) {
				if name, _ := vfs.PathName(tk.Exe(), tk.FS().Root()); name != "/dyn" || tk.Comm() != "dyn" {
					t.Errorf("exe %q, comm %q", name, tk.Comm())
				}
			})
			return 2
		}, 0o755)
		write := func(path, interp string, mode uint32) {
			tasktest.WriteFile(t, path, tasktest.DynamicImage(interp), mode)
		}
		write("/dyn", "/interp", 0o755)
		write("/dyn-gone", "/nothing", 0o755)
		write("/dyn-bad", "/text", 0o755)
		write("/dyn-noexec", "/noexec", 0o755)
		tasktest.WriteFile(t, "/text", bytes.Repeat([]byte("text"), 100), 0o755)
		tasktest.WriteFile(t, "/noexec", []byte("x"), 0o644)
		for path, status := range map[string]int{
			"/dyn": 2, "/dyn-gone": int(abi.ENOENT), "/dyn-bad": int(abi.ELIBBAD), "/dyn-noexec": int(abi.EACCES),
		} {
			if s := exec(t, u, path, []string{"x"}, nil); s != status<<8 {
				t.Errorf("%s: status %#x, want %d", path, s, status)
			}
			tasktest.Remove(t, path)
		}
		for _, path := range []string{"/interp", "/text", "/noexec"} {
			tasktest.Remove(t, path)
		}
		return 0
	})
}

// A set-user-ID program gets no privileges while another process shares its
// root, directory and umask; threads of its own process do, and end.
func TestSetUIDWithSharedFS(t *testing.T) {
	run(t, func(u *User) int {
		euid := make(chan uint32, 1)
		tasktest.Install(t, "/suid", func(u *User) int {
			u.Do(func(tk *task.Task) {
				euid <- tk.Cred().EUID
				if tk.FS().Users() != 1 && tk.Cred().EUID == 0 {
					t.Error("a privileged program shares its umask")
				}
			})
			return 0
		}, 0o4755)
		defer tasktest.Remove(t, "/suid")
		become := func(u *User) int {
			u.Exec("/suid", []string{"suid"}, nil)
			return 9
		}
		for name, c := range map[string]struct {
			before func(u *User)
			fork   func(u *User) int
			want   uint32
		}{
			"alone": {func(*User) {}, func(u *User) int { return u.Fork(become) }, 0},
			"shared": {func(*User) {}, func(u *User) int {
				pid, _ := u.Clone(abi.CLONE_FS, abi.SIGCHLD, become)
				return pid
			}, 1000},
			"with threads": {func(*User) {}, func(u *User) int {
				return u.Fork(func(u *User) int {
					u.Thread(forever)
					return become(u)
				})
			}, 0},
			"the superuser's": {func(u *User) {
				u.Do(func(tk *task.Task) { tk.SetRESUID(1000, 0, 0) })
			}, func(u *User) int {
				pid, _ := u.Clone(abi.CLONE_FS, abi.SIGCHLD, become)
				return pid
			}, 0},
		} {
			pid := u.Fork(func(u *User) int {
				c.before(u)
				u.Do(func(tk *task.Task) {
					if tk.Cred().UID == 0 {
						tk.SetUID(1000)
					}
				})
				pid := c.fork(u)
				waitFor(t, u, pid, 0, 0)
				return 0
			})
			waitFor(t, u, pid, 0, 0)
			if got := <-euid; got != c.want {
				t.Errorf("%s: effective user %d, want %d", name, got, c.want)
			}
		}
		return 0
	})
}
