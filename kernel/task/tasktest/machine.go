//go:build !baremetal

package tasktest

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/kmem"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/ring3"
	"kevlar/kernel/mm"
	"kevlar/kernel/task"
	"kevlar/kernel/uts"
	"kevlar/kernel/vfs"
)

// A Prog is a user program. What it returns is its exit status.
type Prog func(u *User) int

// Addresses of the programs. A program's entry point tells which it is.
const (
	codeBase = 0x400000
	progSize = 16
	// handlerBase is where signal handlers are.
	handlerBase = 0x500000
	// Restorer is the address that handlers return to.
	Restorer = 0x600000
)

// machine is the soft machine's user side.
var machine struct {
	sync.Mutex
	progs    []Prog
	handlers []func(*User, int)
	users    map[*ring3.Context]*User
	root     vfs.Path
	exits    chan int
	serve    task.Handler // if not nil, serves all calls but the private one
}

var setup sync.Once

// Root returns the root directory, on a tmpfs.
func Root() vfs.Path {
	setup.Do(boot)
	return machine.root
}

func boot() {
	frame.InitSoft(1 << 15)
	super, err := tmpfs.New(tmpfs.Options{Mode: 0o755})
	if err != nil {
		panic(err)
	}
	if machine.root, err = vfs.NewRootMount(super, 0); err != nil {
		panic(err)
	}
	if as, err := mm.New(nil); err == nil {
		as.Put() // what is made once is made now
	}
	machine.users = make(map[*ring3.Context]*User)
	machine.exits = make(chan int, 1)
	ring3.SoftRun = run
	ring3.SoftRelease = release
	for nr := range task.Handlers {
		task.Handlers[nr] = syscall
	}
	task.OnInitExit = func(status int) { machine.exits <- status }
}

// expectedPanics is how many contained panics the next Run is to see.
var expectedPanics uint64

// ExpectPanics makes the next Run fail unless n panics are contained.
func ExpectPanics(n uint64) { expectedPanics = n }

// Start runs p as process 1, which is never waited for, and lets serve serve
// the system calls that programs make by number. It is for tests of a package
// that has system calls of its own; they do without Run.
func Start(p Prog, serve task.Handler) error {
	setup.Do(boot)
	machine.serve = serve
	return startInit(p)
}

// startInit runs p as process 1.
func startInit(p Prog) error {
	const path = "/init"
	if err := writeFile(path, Image(p), 0o755); err != nil {
		return err
	}
	return task.StartInit(task.InitArgs{
		Path: path, Argv: []string{path}, Root: machine.root, UTS: uts.New(),
	})
}

// register gives p an entry point.
func register(p Prog) uint64 {
	machine.Lock()
	defer machine.Unlock()
	machine.progs = append(machine.progs, p)
	return codeBase + uint64(len(machine.progs)-1)*progSize
}

// userOf returns the program that runs in c, which it starts if c has entered
// one.
func userOf(c *ring3.Context) *User {
	machine.Lock()
	defer machine.Unlock()
	u := machine.users[c]
	if u != nil && c.RIP != u.entry {
		return u
	}
	if u != nil {
		close(u.abandoned) // execve
	}
	entry := c.RIP
	if n := c.R12; n != 0 {
		entry, c.R12 = n, 0 // the child of a fork
	}
	i := (entry - codeBase) / progSize
	u = &User{
		ctx: c, entry: ^uint64(0), resume: make(chan struct{}), events: make(chan ring3.Event),
		abandoned: make(chan struct{}),
	}
	machine.users[c] = u
	go u.main(machine.progs[i])
	return u
}

// run plays user mode until the program does something.
func run(c *ring3.Context) ring3.Event {
	u := userOf(c)
	u.resume <- struct{}{}
	return <-u.events
}

// release ends the program of a thread that has ended.
func release(c *ring3.Context) {
	machine.Lock()
	defer machine.Unlock()
	if u := machine.users[c]; u != nil {
		close(u.abandoned)
		delete(machine.users, c)
	}
}

// syscall serves the private call that executes a function in the kernel, and
// passes on all others; without anyone to serve them it serves those that the
// kernel makes on its own.
func syscall(t *task.Task, args *[6]uintptr) (uintptr, error) {
	nr := uintptr(t.CallNumber())
	if nr == callNumber {
		machine.Lock()
		u := machine.users[t.Ctx]
		machine.Unlock()
		return u.call(t)
	}
	if machine.serve != nil {
		return machine.serve(t, args)
	}
	switch nr {
	case sigreturnNumber:
		return t.SigReturn(), nil
	case restartNumber:
		return t.RestartSyscall()
	}
	return 0, abi.ENOSYS
}

// Run runs p as process 1 and returns its wait status. It fails the test if
// that takes long, a panic was contained, or a thread, a frame, a goroutine or
// a charge is left.
func Run(tb testing.TB, p Prog) int {
	tb.Helper()
	setup.Do(boot)
	tb.Cleanup(func() { forget() })
	if n := task.ThreadCount(); n != 0 {
		tb.Fatalf("%d threads before process 1", n)
	}
	free, goroutines := settle(0, 0)
	panics := task.ContainedPanics()
	charged := used()
	if err := startInit(p); err != nil {
		tb.Fatalf("process 1: %v", err)
	}
	status := 0
	select {
	case status = <-machine.exits:
	case <-time.After(30 * time.Second):
		buf := make([]byte, 1<<20)
		tb.Fatalf("process 1 does not end\n%s", buf[:runtime.Stack(buf, true)])
	}
	for i := 0; task.ThreadCount() > 0; i++ {
		if i > 5000 {
			tb.Fatalf("%d threads left", task.ThreadCount())
		}
		time.Sleep(time.Millisecond)
	}
	forget()
	Remove(tb, "/init")
	if n := task.ContainedPanics() - panics; n != expectedPanics {
		tb.Errorf("%d contained panics, want %d", n, expectedPanics)
	}
	expectedPanics = 0
	if n := used(); n != charged {
		tb.Errorf("%d bytes stay charged", n-charged)
	}
	f, g := settle(free, goroutines)
	if f < free {
		tb.Errorf("%d page frames lost", free-f)
	}
	if g > goroutines {
		buf := make([]byte, 1<<20)
		tb.Errorf("%d goroutines left\n%s", g-goroutines, buf[:runtime.Stack(buf, true)])
	}
	return status
}

// used returns what is charged to users: what is merely cached is the machine's.
func used() (n int64) {
	for _, a := range kmem.Users() {
		n += a.Used()
	}
	return n
}

// settle waits until there are as many free frames, and as few goroutines, as
// wanted, or for a while, and returns how many there are.
func settle(free uint64, goroutines int) (uint64, int) {
	for i := 0; ; i++ {
		f, g := frame.Free(), runtime.NumGoroutine()
		if i == 200 || goroutines != 0 && f >= free && g <= goroutines || goroutines == 0 {
			return f, g
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// forget ends programs that a test has left, and forgets their handlers.
func forget() {
	machine.Lock()
	defer machine.Unlock()
	for c, u := range machine.users {
		close(u.abandoned)
		delete(machine.users, c)
	}
	machine.handlers, machine.progs = nil, nil
}
