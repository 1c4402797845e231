package task_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/proc"
	"kevlar/kernel/task"
	"kevlar/kernel/task/tasktest"
	"kevlar/kernel/vfs"
)

// procSystem is what /proc needs beyond threads.
type procSystem struct{ proc.System }

func (procSystem) PIDs() []int                { return task.ProcPIDs() }
func (procSystem) Task(tid int) proc.Task     { return task.ProcTask(tid) }
func (procSystem) CPUs() []proc.CPU           { return make([]proc.CPU, 2) }
func (procSystem) Memory() proc.Memory        { return proc.Memory{Total: 64 << 20} }
func (procSystem) Random([]byte)              {}
func (procSystem) SetHostname(string) error   { return nil }
func (procSystem) SetDomainname(string) error { return nil }

// mountProc returns /proc.
func mountProc(t *testing.T) *vfs.FSContext {
	root, err := vfs.NewRootMount(proc.New(procSystem{}).Super(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return vfs.NewFSContext(root)
}

// procReader reads files of /proc on behalf of a program.
type procReader struct {
	t  *testing.T
	u  *tasktest.User
	fs *vfs.FSContext
}

func (r *procReader) try(name string) (text string, err error) {
	r.u.Do(func(c *task.Task) {
		var f *vfs.File
		if f, err = vfs.OpenAt(c, r.fs, r.fs.Root(), name, abi.O_RDONLY, 0); err != nil {
			return
		}
		defer f.Put()
		b := make([]byte, 1<<16)
		dst := vfs.Bytes(b)
		var n int
		n, err = f.Read(c, &dst)
		text = string(b[:n])
	})
	return text, err
}

func (r *procReader) read(name string) string {
	r.t.Helper()
	s, err := r.try(name)
	if err != nil {
		r.t.Errorf("%s: %v", name, err)
	}
	return s
}

// statusLine returns what follows a name in status.
func statusLine(status, name string) string {
	_, rest, _ := strings.Cut("\n"+status, "\n"+name+":\t")
	value, _, _ := strings.Cut(rest, "\n")
	return value
}

func TestProcOfSelf(t *testing.T) {
	fs := mountProc(t)
	tasktest.Run(t, func(u *tasktest.User) int {
		r := &procReader{t, u, fs}
		u.Handle(abi.SIGUSR1, 0, func(*tasktest.User, int) {})
		u.Action(abi.SIGUSR2, abi.SigAction{Handler: abi.SIG_IGN})
		u.Do(func(c *task.Task) {
			c.SetComm("self")
			c.SetBlocked(abi.SigsetOf(abi.SIGUSR1))
		})
		u.Kill(u.PID(), abi.SIGUSR1)
		status := r.read("/self/status")
		for name, want := range map[string]string{
			"Name": "self", "State": "R (running)", "Pid": fmt.Sprint(u.PID()), "Threads": "1",
			"ShdPnd": "0000000000000200", "SigBlk": "0000000000000200", "SigCgt": "0000000000000200", "SigIgn": "0000000000000800",
			"CapEff": "000001ffffffffff", "Uid": "0\t0\t0\t0",
		} {
			if got := statusLine(status, name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if statusLine(status, "VmRSS") == "" {
			t.Errorf("no VmRSS in\n%s", status)
		}
		stat := r.read("/self/stat")
		if f := strings.Fields(stat); len(f) != 52 || f[1] != "(self)" || f[2] != "R" {
			t.Errorf("stat %q", stat)
		}
		if maps := r.read("/self/maps"); !strings.Contains(maps, "[stack]") {
			t.Errorf("maps without a stack:\n%s", maps)
		}
		return 0
	})
}

func TestProcOfChild(t *testing.T) {
	fs := mountProc(t)
	tasktest.Run(t, func(u *tasktest.User) int {
		r := &procReader{t, u, fs}
		pid := u.Fork(func(c *tasktest.User) int {
			c.Do(func(t *task.Task) { t.Pause() })
			return 7
		})
		if !slices.Contains(task.ProcPIDs(), pid) {
			t.Errorf("process %d is not among %v", pid, task.ProcPIDs())
		}
		dir := fmt.Sprintf("/%d/", pid)
		eventually(t, "the child to sleep", func() bool { return strings.Fields(r.read(dir + "stat"))[2] == "S" })
		f := strings.Fields(r.read(dir + "stat"))
		if f[3] != fmt.Sprint(u.PID()) || f[37] != fmt.Sprint(int(abi.SIGCHLD)) {
			t.Errorf("parent %s, exit signal %s", f[3], f[37])
		}
		if s := r.read(dir + "wchan"); s != "kevlar/kernel/task.(*Task).Pause" {
			t.Errorf("wchan %q", s)
		}
		if s := r.read(dir + "stack"); !strings.Contains(s, "task.(*Task).main\n") {
			t.Errorf("stack %q", s)
		}
		u.Kill(pid, abi.SIGTERM)
		eventually(t, "the child to end", func() bool { return strings.Fields(r.read(dir + "stat"))[2] == "Z" })
		if f := strings.Fields(r.read(dir + "stat")); f[51] != fmt.Sprint(int(abi.SIGTERM)) {
			t.Errorf("exit code %s, want %d", f[51], abi.SIGTERM)
		}
		if s := r.read(dir + "maps"); s != "" {
			t.Errorf("maps of a zombie: %q", s)
		}
		if _, err := u.Wait(pid, 0); err != nil {
			t.Error(err)
		}
		if _, err := r.try(dir + "stat"); err != abi.ENOENT {
			t.Errorf("after the wait: %v, want ENOENT", err)
		}
		return 0
	})
}

func TestProcOfThreads(t *testing.T) {
	fs := mountProc(t)
	tasktest.Run(t, func(u *tasktest.User) int {
		r := &procReader{t, u, fs}
		tid := u.Thread(func(c *tasktest.User) int {
			c.Do(func(t *task.Task) { t.SetComm("second") })
			c.Do(func(t *task.Task) { t.Pause() })
			return 0
		})
		eventually(t, "the thread's name", func() bool { return r.read(fmt.Sprintf("/self/task/%d/comm", tid)) == "second\n" })
		if got := statusLine(r.read("/self/status"), "Threads"); got != "2" {
			t.Errorf("%s threads, want 2", got)
		}
		if s := r.read(fmt.Sprintf("/%d/status", tid)); statusLine(s, "Tgid") != fmt.Sprint(u.PID()) || statusLine(s, "Pid") != fmt.Sprint(tid) {
			t.Errorf("status of the thread:\n%s", s)
		}
		if slices.Contains(task.ProcPIDs(), tid) {
			t.Errorf("thread %d is among the processes", tid)
		}
		return 0
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("waited in vain for %s", what)
			return
		}
	}
}
