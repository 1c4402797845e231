package syscalls

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/ipc/pipe"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/ring3"
	"kevlar/kernel/task"
	"kevlar/kernel/uts"
	"kevlar/kernel/vfs"
)

// A user is a user program, played by Go code: its system calls go through a
// real thread of the kernel, whose user mode is the software machine. Memory is
// the thread's own address space.
type user struct {
	*testing.T
	task *task.Task

	// frames are the functions that run in the program: its main function,
	// and signal handlers that interrupt it.
	frames []*activation
	// handlers are the functions at the addresses that sigaction(2) is
	// given.
	handlers map[uint64]func(*user, int)
	heap     uintptr
	dir      string // the test's own directory
}

// An activation is one function of a program. It runs on a goroutine of its
// own, in turns with the thread's.
type activation struct {
	calls   chan [7]uintptr // system calls it makes: number and arguments
	results chan uintptr
	rip     uint64 // after the instruction that made the last one
}

func newActivation() *activation {
	return &activation{calls: make(chan [7]uintptr), results: make(chan uintptr)}
}

// machine is what the software CPU knows.
var machine struct {
	sync.Mutex
	users    map[*ring3.Context]*user
	handlers atomic.Pointer[[len(task.Handlers)]task.Handler] // that serve the calls
	// programs and mains are the threads that have not run yet, with their
	// main functions, by the token in a register that they inherit; process
	// 1 has token 0.
	programs map[uint64]*user
	mains    map[uint64]func(*user)
	next     uint64
}

const (
	handlerBase = 0x10000 // addresses of signal handlers; nothing is mapped there
	trampoline  = 0xf000  // the restorer of signal handlers
)

// softRun is user mode.
func softRun(c *ring3.Context) ring3.Event {
	u := userOf(c)
	if f := u.handlers[c.RIP]; f != nil {
		sig := int(c.RDI)
		c.RIP = trampoline
		c.RSP += 8 // as the handler's RET does
		u.begin(func(u *user) { f(u, sig) }, abi.SYS_RT_SIGRETURN)
	} else if c.RIP += 2; c.RIP == u.top().rip {
		return ring3.Syscall // the kernel has restarted it
	} else {
		c.RIP -= 2
		u.top().results <- uintptr(c.RAX)
	}
	top := u.top()
	call := <-top.calls
	if call[0] == abi.SYS_RT_SIGRETURN {
		u.frames = u.frames[:len(u.frames)-1]
	}
	c.RAX, c.RDI, c.RSI, c.RDX = uint64(call[0]), uint64(call[1]), uint64(call[2]), uint64(call[3])
	c.R10, c.R8, c.R9 = uint64(call[4]), uint64(call[5]), uint64(call[6])
	c.RIP += 2
	top.rip = c.RIP
	return ring3.Syscall
}

// top returns the function that runs now.
func (u *user) top() *activation { return u.frames[len(u.frames)-1] }

// begin starts f as the function that runs now. When it returns, it makes the
// system call last.
func (u *user) begin(f func(*user), last uintptr) {
	a := newActivation()
	u.frames = append(u.frames, a)
	go func() {
		defer func() { a.calls <- [7]uintptr{last} }()
		f(u)
	}()
}

// userOf returns the program that c is the state of.
func userOf(c *ring3.Context) *user {
	machine.Lock()
	defer machine.Unlock()
	if u := machine.users[c]; u != nil {
		return u
	}
	u, main := machine.programs[c.R12], machine.mains[c.R12]
	delete(machine.programs, c.R12)
	delete(machine.mains, c.R12)
	machine.users[c] = u
	c.R12 = 0
	a := newActivation()
	u.frames = []*activation{a}
	go func() {
		<-a.results // the 0 that fork returns in the child
		defer func() { a.calls <- [7]uintptr{abi.SYS_EXIT_GROUP} }()
		u.syscall(abi.SYS_GETTID) // makes the thread known
		main(u)
	}()
	return u
}

// syscall makes a system call and returns its result, or its error.
func (u *user) syscall(nr uintptr, args ...uintptr) (uintptr, error) {
	a := u.top()
	call := [7]uintptr{nr}
	copy(call[1:], args)
	a.calls <- call
	v := <-a.results
	if v > ^uintptr(4095) {
		return 0, abi.Errno(-v)
	}
	return v, nil
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
	machine.Lock()
	machine.next++
	token := machine.next
	child := &user{T: u.T, handlers: maps.Clone(u.handlers), heap: u.heap}
	machine.programs[token], machine.mains[token] = child, main
	machine.Unlock()
	u.task.Ctx.R12 = uint64(token)
	defer func() { u.task.Ctx.R12 = 0 }()
	return u.sys(abi.SYS_CLONE, append([]uintptr{flags}, args...)...)
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
	addr := uint64(handlerBase + 16*len(u.handlers))
	u.handlers[addr] = f
	act := abi.SigAction{Handler: addr, Flags: flags | abi.SA_RESTORER, Restorer: trampoline}
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

// program is the smallest file that execve(2) takes.
func program() []byte {
	b := make([]byte, 64+56)
	copy(b, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	le.PutUint16(b[16:], 2)  // ET_EXEC
	le.PutUint16(b[18:], 62) // EM_X86_64
	le.PutUint32(b[20:], 1)
	le.PutUint64(b[24:], 0x400078)
	le.PutUint64(b[32:], 64)
	le.PutUint16(b[52:], 64)
	le.PutUint16(b[54:], 56)
	le.PutUint16(b[56:], 1)
	le.PutUint32(b[64:], 1) // PT_LOAD
	le.PutUint32(b[68:], 5)
	le.PutUint64(b[80:], 0x400000)
	le.PutUint64(b[88:], 0x400000)
	le.PutUint64(b[96:], uint64(len(b)))
	le.PutUint64(b[104:], uint64(len(b)))
	le.PutUint64(b[112:], 0x1000)
	return b
}

// straced makes the calls that follow be traced, or not.
func straced(on bool) {
	h := Handlers(on)
	machine.handlers.Store(&h)
}

// boot starts the machine with process 1.
func boot() error {
	frame.InitSoft(1 << 15)
	machine.users = make(map[*ring3.Context]*user)
	machine.programs = make(map[uint64]*user)
	machine.mains = make(map[uint64]func(*user))
	ring3.SoftRun = softRun
	straced(false)
	for nr := range task.Handlers {
		task.Handlers[nr] = func(t *task.Task, a *Args) (uintptr, error) {
			machine.Lock()
			u := machine.users[t.Ctx]
			machine.Unlock()
			u.task = t
			return machine.handlers.Load()[nr](t, a)
		}
	}
	vfs.OpenFIFO = pipe.OpenFIFO
	super, err := tmpfs.New(tmpfs.Options{})
	if err != nil {
		return err
	}
	root, err := vfs.NewRootMount(super, 0)
	if err != nil {
		return err
	}
	fs := vfs.NewFSContext(root)
	f, err := vfs.OpenAt(vfs.Kernel, fs, root, "/init", abi.O_CREAT|abi.O_WRONLY, 0755)
	if err != nil {
		return err
	}
	src := vfs.Bytes(program())
	if _, err := f.Write(vfs.Kernel, &src); err != nil {
		return err
	}
	f.Put()
	machine.programs[0] = &user{handlers: make(map[uint64]func(*user, int))}
	machine.mains[0] = initMain
	return task.StartInit(task.InitArgs{Path: "/init", Argv: []string{"init"}, Root: root, UTS: uts.New()})
}

func TestMain(m *testing.M) {
	if err := boot(); err != nil {
		fmt.Println("boot:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
