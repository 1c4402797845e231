package task

import (
	"strings"

	"kevlar/kernel/abi"
	"kevlar/kernel/mm"
	"kevlar/kernel/task/elf"
	"kevlar/kernel/vfs"
)

// ExecArgs is what execve(2) and execveat(2) are told.
type ExecArgs struct {
	Base vfs.Path // what Name is relative to
	Name string
	// Flags are AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW.
	Flags int
	// Filename is the program's name for AT_EXECFN and scripts; Name if it is
	// empty.
	Filename string
	// Inaccessible tells that Filename names nothing any more once the program
	// runs: it is below a descriptor that execve closes. A script cannot be
	// read by its interpreter then.
	Inaccessible bool
	Argv, Envp   Vector
}

// A Vector is a list of strings: in user memory, a null-terminated array of
// pointers at User, or in the kernel's if User is 0.
type Vector struct {
	User    uintptr
	Strings []string
}

// maxScripts is how deep scripts may be interpreted by scripts: execve(2).
const maxScripts = 5

// An execution is an execve under way, up to the point where it cannot fail
// any more.
type execution struct {
	t        *Task
	file     *vfs.File // the program, after scripts
	scripts  []script
	filename string
	argv     Vector
	envp     Vector

	as     *mm.AddressSpace
	stack  stackBuilder
	image  elf.Image
	interp *vfs.File // or nil

	bias, interpBase uintptr
	entry            uintptr
	vdso             uintptr
	cred             *vfs.Cred
	secure           bool   // AT_SECURE
	privileged       bool   // cred has privileges that t has not
	unreadable       bool   // t may execute the program, or its interpreter, and not read it
	head             []byte // the file's first bytes
	prog             *program
}

// A script is one step from what was asked for to a program.
type script struct{ name, interp, arg string }

// Exec replaces the program that t's process executes. On success the thread
// is the only one left of its process, and its registers are set to enter the
// new program.
func Exec(t *Task, a ExecArgs) error {
	if a.Filename == "" {
		a.Filename = a.Name
	}
	if t.overThreads && !t.mayAddThreads(0) {
		return abi.EAGAIN
	}
	t.overThreads = false
	x := execution{t: t, filename: a.Filename, argv: a.Argv, envp: a.Envp}
	defer x.release()
	f, err := vfs.OpenExec(t, t.fs, a.Base, a.Name, a.Flags)
	if err != nil {
		return err
	}
	x.file = f
	if err := x.interpretScripts(a.Inaccessible); err != nil {
		return err
	}
	x.newCred()
	x.noteUnreadable(x.file)
	err = x.prepare()
	for tries := 0; err == abi.ENOMEM && !t.Killed() && mm.MakeMemory(tries); tries++ {
		x.discard()
		err = x.prepare()
	}
	if err != nil {
		return err
	}
	if err := t.killOtherThreads(); err != nil {
		return err
	}
	x.commit()
	return nil
}

// release gives back what has not been handed on.
func (x *execution) release() {
	if x.file != nil {
		x.file.Put()
	}
	x.discard()
}

// discard gives back what prepare has made.
func (x *execution) discard() {
	if x.interp != nil {
		x.interp.Put()
		x.interp = nil
	}
	if x.as != nil {
		x.t.setBuilding(nil)
		x.as.Put()
		x.as = nil
	}
	x.stack.release()
	x.stack = stackBuilder{}
}

// prepare builds the new address space. Nothing of the old program is touched.
func (x *execution) prepare() error {
	as, err := mm.New(x.t.Cred().Account)
	if err != nil {
		return err
	}
	x.as = as
	x.t.setBuilding(as)
	as.SetLimits(x.t.group.rlimits.Soft)
	if x.personality()&abi.ADDR_NO_RANDOMIZE != 0 {
		as.SetRandomize(false)
	}
	if err := as.SetStack(0, x.stackLimit()); err != nil {
		return err
	}
	if err := x.stack.start(x); err != nil {
		return err
	}
	for _, s := range x.scripts {
		if err := x.stack.script(s.name, s.interp, s.arg); err != nil {
			return err
		}
	}
	if err := x.loadImage(); err != nil {
		return err
	}
	return x.stack.finish()
}

// personality returns the personality of the new program.
func (x *execution) personality() uint32 {
	p := x.t.group.personality.Load()
	if x.privileged {
		p &^= abi.PER_CLEAR_ON_SETID
	}
	return p
}

// secureStack is the largest stack that a program which must distrust its
// caller begins with, in bytes: the caller could place its mappings otherwise.
const secureStack = 8 << 20

// stackLimit returns RLIMIT_STACK of the new program.
func (x *execution) stackLimit() uint64 {
	n := x.t.group.Limit(abi.RLIMIT_STACK)
	if x.secure {
		n = min(n, secureStack)
	}
	return n
}

// readHead reads what tells the file's format.
func (x *execution) readHead() error {
	if x.head == nil {
		x.head = make([]byte, elf.ScriptMax)
	}
	x.head = x.head[:cap(x.head)]
	n, err := readAt(x.file, x.head, 0)
	x.head = x.head[:n]
	return err
}

// readAt reads into b from offset off, less only at the end of the file.
func readAt(f *vfs.File, b []byte, off int64) (int, error) {
	n := 0
	for n < len(b) {
		dst := vfs.Bytes(b[n:])
		k, err := f.ReadAt(vfs.Kernel, &dst, off+int64(n))
		if err != nil {
			return n, err
		}
		if k == 0 {
			break
		}
		n += k
	}
	return n, nil
}

// interpretScripts replaces a script by its interpreter, until it is none.
func (x *execution) interpretScripts(inaccessible bool) error {
	if err := x.readHead(); err != nil {
		return err
	}
	name := x.filename
	for depth := 0; elf.IsScript(x.head); depth++ {
		if depth == maxScripts {
			return abi.ELOOP
		}
		interp, arg, err := elf.ParseScript(x.head)
		if err != nil {
			return err
		}
		if inaccessible {
			return abi.ENOENT
		}
		x.scripts = append(x.scripts, script{name, interp, arg})
		f, err := vfs.OpenExec(x.t, x.t.fs, x.t.fs.Cwd(), interp, 0)
		if err != nil {
			return err
		}
		x.file.Put()
		x.file, name = f, interp
		if err := x.readHead(); err != nil {
			return err
		}
	}
	return nil
}

// markExecuted notes that the process executes a program of its own.
func (g *ThreadGroup) markExecuted() {
	treeMu.Lock()
	defer treeMu.Unlock()
	g.execed = true
	g.exitSignal = abi.SIGCHLD
}

// commit makes the thread execute the new program. It cannot fail.
func (x *execution) commit() {
	t := x.t
	g := t.group
	t.releaseFutexes()
	g.deleteTimers()

	x.prog.file, x.file = x.file, nil
	x.prog.users.Store(1)
	old, oldProg := t.mm, t.prog
	x.setCred() // before anybody sees the new program
	t.mu.Lock()
	t.mm, t.table, t.prog = x.as, x.as.Table(), x.prog
	t.building = nil
	t.mu.Unlock()
	x.as = nil
	x.setDumpable()
	g.markExecuted() // before a parent that waits in vfork(2) looks
	t.finishVfork()
	if old != nil {
		g.keepPeakRSS(old)
		old.Put()
	}
	if oldProg != nil {
		oldProg.put()
	}

	g.mu.Lock()
	g.actions = g.actions.Unshare()
	g.actions.Reset()
	t.sig.alt = abi.SigAltStack{Flags: abi.SS_DISABLE}
	g.mu.Unlock()
	t.restart.block = nil
	t.clearTID, t.setTID = 0, 0
	t.robustList.Store(0)

	if x.privileged && t.fs.Users() > 1 {
		t.unshareFS() // somebody may have come to share it in between
	}
	if t.files != nil {
		if t.files.Shared() {
			t.replaceFiles(t.files.ForkAnyway(t.Cred().Account))
		}
		t.files.CloseOnExec()
	}
	t.SetComm(x.filename[strings.LastIndexByte(x.filename, '/')+1:])

	c := t.Ctx
	c.Registers = newRegisters
	c.ResetSegments()
	c.ResetPKRU()
	c.RIP, c.RSP = uint64(x.entry), uint64(x.stack.sp)
	c.ResetFPU()
	c.RestoreAll()
}
