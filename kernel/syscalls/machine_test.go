package syscalls

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/ipc/pipe"
	"kevlar/kernel/task"
	"kevlar/kernel/task/tasktest"
	"kevlar/kernel/vfs"
)

// A user is a thread of a user program: package tasktest plays it.
type user struct {
	*testing.T
	*tasktest.User
	task *task.Task
	heap uintptr
	dir  string // the test's own directory
}

// users finds the user of what tasktest hands to signal handlers.
var users sync.Map // *tasktest.User to *user

// program returns what a thread executes that runs main, with the rest as in
// model.
func program(model user, main func(*user)) tasktest.Prog {
	return func(cpu *tasktest.User) int {
		u := model
		u.User = cpu
		u.Do(func(t *task.Task) { u.task = t })
		users.Store(cpu, &u)
		// Even if main ends by Goexit.
		defer cpu.Syscall(abi.SYS_EXIT_GROUP, 0)
		defer users.Delete(cpu)
		main(&u)
		return 0
	}
}

// syscall makes a system call and returns its result, or its error.
func (u *user) syscall(nr uintptr, args ...uintptr) (uintptr, error) {
	return result(u.Syscall(nr, args...))
}

// result divides what is in RAX.
func result(v int64) (uintptr, error) {
	if v < 0 && v >= -4095 {
		return 0, abi.Errno(-v)
	}
	return uintptr(v), nil
}

// sys makes a system call that must succeed.
func (u *user) sys(nr uintptr, args ...uintptr) uintptr {
	u.Helper()
	v, err := u.syscall(nr, args...)
	if err != nil {
		u.Errorf("%s%v: %v", callName(nr), args, err)
		runtime.Goexit()
	}
	return v
}

// fails makes a system call that must fail with err.
func (u *user) fails(err abi.Errno, nr uintptr, args ...uintptr) {
	u.Helper()
	if v, e := u.syscall(nr, args...); e != err {
		u.Errorf("%s%#x: %#x, %v, want %v", callName(nr), args, v, e, err)
	}
}

// is checks the result of a system call.
func (u *user) is(want uintptr, nr uintptr, args ...uintptr) {
	u.Helper()
	if v, e := u.syscall(nr, args...); e != nil || v != want {
		u.Errorf("%s%#x: %#x, %v, want %#x", callName(nr), args, v, e, want)
	}
}

// clone makes a thread or process that runs main: clone(2).
func (u *user) clone(flags uintptr, main func(*user), args ...uintptr) uintptr {
	u.Helper()
	args = append([]uintptr{flags}, args...)
	v, err := result(u.Spawn(program(user{T: u.T, heap: u.heap}, main), abi.SYS_CLONE, args...))
	if err != nil {
		u.Errorf("clone%v: %v", args, err)
		runtime.Goexit()
	}
	return v
}

func (u *user) fork(main func(*user)) uintptr { u.Helper(); return u.clone(abi.SIGCHLD, main) }

// wait waits for child pid and returns its status.
func (u *user) wait(pid uintptr) uint32 {
	u.Helper()
	p := u.alloc(4)
	u.is(pid, abi.SYS_WAIT4, pid, p, 0, 0)
	return u.uint32(p)
}

// onSignal installs f as the handler of sig.
func (u *user) onSignal(sig int, flags uint64, f func(*user, int)) {
	u.Helper()
	addr := u.Handler(func(cpu *tasktest.User, sig int) {
		if u, ok := users.Load(cpu); ok {
			f(u.(*user), sig)
		}
	})
	act := abi.SigAction{Handler: addr, Flags: flags | abi.SA_RESTORER, Restorer: tasktest.Restorer}
	b := make([]byte, abi.SizeofSigAction)
	act.MarshalTo(b)
	u.sys(abi.SYS_RT_SIGACTION, uintptr(sig), u.put(b), 0, 8)
}

// signalled runs f while a child sends the process sig every few milliseconds:
// whatever f blocks in is interrupted, however late it begins.
func (u *user) signalled(sig uintptr, f func()) {
	u.Helper()
	pid := u.sys(abi.SYS_GETPID)
	child := u.fork(func(c *user) {
		for {
			c.sleep(5)
			c.sys(abi.SYS_KILL, pid, sig)
		}
	})
	f()
	u.sys(abi.SYS_KILL, child, abi.SIGKILL)
	status := u.alloc(4)
	for {
		if _, err := u.syscall(abi.SYS_WAIT4, child, status, 0, 0); err != abi.EINTR {
			return
		}
	}
}

const heapSize = 1 << 20

// alloc returns the address of n zero bytes of the program's memory.
func (u *user) alloc(n int) uintptr {
	u.Helper()
	if u.heap == 0 || u.heap&(heapSize-1)+uintptr(n)+16 > heapSize {
		p := u.sys(abi.SYS_MMAP, 0, 2*heapSize, abi.PROT_READ|abi.PROT_WRITE, abi.MAP_PRIVATE|abi.MAP_ANONYMOUS, ^uintptr(0), 0)
		u.heap = (p + heapSize - 1) &^ (heapSize - 1)
	}
	p := u.heap
	u.heap += (uintptr(n) + 15) &^ 15
	return p
}

// put copies b to new memory of the program.
func (u *user) put(b []byte) uintptr {
	u.Helper()
	p := u.alloc(len(b))
	u.poke(p, b)
	return p
}

func (u *user) poke(p uintptr, b []byte) {
	u.Helper()
	if _, err := u.task.CopyOut(p, b); err != nil {
		u.Errorf("write to %#x: %v", p, err)
		runtime.Goexit()
	}
}

func (u *user) str(s string) uintptr { u.Helper(); return u.put(append([]byte(s), 0)) }

// get reads n bytes of the program's memory.
func (u *user) get(p uintptr, n int) []byte {
	u.Helper()
	b := make([]byte, n)
	if _, err := u.task.CopyIn(b, p); err != nil {
		u.Errorf("read of %#x: %v", p, err)
		runtime.Goexit()
	}
	return b
}

func (u *user) uint32(p uintptr) uint32 { u.Helper(); return binary.LittleEndian.Uint32(u.get(p, 4)) }
func (u *user) uint64(p uintptr) uint64 { u.Helper(); return binary.LittleEndian.Uint64(u.get(p, 8)) }

func words32(v ...uint32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, x)
	}
	return b
}

func words64(v ...uint64) []byte {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint64(b, x)
	}
	return b
}

// noMemory is an address where nothing is mapped.
const noMemory = 0x1000

// open opens a file that must be there or can be made.
func (u *user) open(name string, flags uintptr) uintptr {
	u.Helper()
	return u.sys(abi.SYS_OPENAT, cwd, u.str(name), flags, 0644)
}

// write makes a file with the contents.
func (u *user) writeFile(name, contents string) {
	u.Helper()
	fd := u.open(name, abi.O_CREAT|abi.O_TRUNC|abi.O_WRONLY)
	u.is(uintptr(len(contents)), abi.SYS_WRITE, fd, u.put([]byte(contents)), uintptr(len(contents)))
	u.sys(abi.SYS_CLOSE, fd)
}

// readFile returns the contents of a file.
func (u *user) readFile(name string) string {
	u.Helper()
	fd := u.open(name, abi.O_RDONLY)
	defer u.sys(abi.SYS_CLOSE, fd)
	p := u.alloc(1 << 16)
	var out bytes.Buffer
	for {
		n := u.sys(abi.SYS_READ, fd, p, 1<<16)
		if n == 0 {
			return out.String()
		}
		out.Write(u.get(p, int(n)))
	}
}

// runs counts calls of run.
var runs atomic.Int32

// tests hands the body of each test to process 1, which forks a process for
// it.
var tests = make(chan func(*user))

// run runs body as a process with an empty directory of its own.
func run(t *testing.T, body func(u *user)) {
	t.Helper()
	done := make(chan uint32)
	tests <- func(parent *user) {
		parent.T = t
		pid := parent.fork(func(u *user) {
			u.dir = fmt.Sprintf("/%s-%d", t.Name(), runs.Add(1))
			u.sys(abi.SYS_MKDIRAT, cwd, u.str(u.dir), 0755)
			u.sys(abi.SYS_CHDIR, u.str(u.dir))
			body(u)
		})
		done <- parent.wait(pid)
	}
	if status := <-done; status != 0 {
		t.Errorf("the test's process ended with status %#x", status)
	}
}

// initMain is process 1.
func initMain(u *user) {
	for body := range tests {
		body(u)
	}
}

// handlers serve the calls.
var handlers atomic.Pointer[[len(task.Handlers)]task.Handler]

// straced makes the calls that follow be traced, or not.
func straced(on bool) {
	h := new([len(task.Handlers)]task.Handler)
	SetHandlers(h, on)
	handlers.Store(h)
}

func serve(t *task.Task, a *Args) (uintptr, error) {
	h := handlers.Load()
	return h[min(t.CallNumber(), uint32(len(h)-1))](t, a)
}

func TestMain(m *testing.M) {
	straced(false)
	vfs.OpenFIFO = pipe.OpenFIFO
	if err := tasktest.Start(program(user{}, initMain), serve); err != nil {
		fmt.Println("boot:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
