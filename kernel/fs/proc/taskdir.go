package proc

import (
	"bytes"
	"strconv"
	"weak"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/pseudo"
	"kevlar/kernel/mm"
	"kevlar/kernel/vfs"
)

// A view is a thread, or its process, as seen by a caller.
type view struct {
	fs    *FS
	task  Task
	whole bool // the process: /proc/PID, not /proc/PID/task/TID
	c     vfs.Caller

	// space, if bound is set, is the address space that is meant, whatever
	// the process has executed since.
	space weak.Pointer[mm.AddressSpace]
	bound bool
}

// bind makes v mean the address space that the process has now.
func (v *view) bind() {
	v.bound = true
	if as := v.task.AcquireMM(); as != nil {
		v.space = weak.Make(as)
		as.Put()
	}
}

// acquireMM returns the address space with a reference for the caller, or nil
// if there is none, or another than is meant.
func (v *view) acquireMM() *mm.AddressSpace {
	as := v.task.AcquireMM()
	if as != nil && v.bound && v.space.Value() != as {
		as.Put()
		return nil
	}
	return as
}

// status returns the thread's status, or ESRCH if it is gone.
func (v *view) status() (Status, error) {
	s, ok := v.task.Status(v.whole)
	if !ok {
		return Status{}, abi.ESRCH
	}
	return s, nil
}

// A taskFile is a row of the table of /proc/PID and /proc/PID/task/TID.
type taskFile struct {
	name string
	mode uint32
	// show, records and read are those of pseudo.View.
	show    func(v *view, w *bytes.Buffer) error
	records func(v *view, pos int64, w *bytes.Buffer, more func(next int64) bool) error
	read    func(v *view, dst vfs.Dest, off int64) (int, error)
	store   func(v *view, text []byte) error
	// check is asked at open(2).
	check func(v *view) error
	// ofSpace binds an open file to the address space that the process has
	// then: who may look into a program may not look into the next. There is
	// a check.
	ofSpace bool
	// watch makes the view of an open file one that tells poll(2) of changes.
	watch func(v *view, p *pseudo.View)
	// link and target make it a link instead.
	link   func(v *view) (string, error)
	target func(v *view) (vfs.Path, error)
	// dir makes it a directory instead.
	dir func(v *view, n pseudo.Node) vfs.Inode
	// processOnly leaves it out of /proc/PID/task/TID.
	processOnly bool
}

// taskFiles is what /proc/PID has. The rules about who may read what are
// those of ptrace(2), "Ptrace access mode checking".
var taskFiles []taskFile

// init breaks the circle between the table and the directories in it.
func init() {
	taskFiles = []taskFile{
		{name: "task", mode: 0o555, dir: newThreadsDir, processOnly: true},
		{name: "fd", mode: 0o500, dir: newFDDir},
		{name: "fdinfo", mode: 0o555, dir: newFDInfoDir},
		{name: "cwd", mode: 0o777, link: (*view).readCwd, target: (*view).cwd},
		{name: "root", mode: 0o777, link: (*view).readRoot, target: (*view).root},
		{name: "exe", mode: 0o777, link: (*view).readExe, target: (*view).exe},

		{name: "stat", mode: 0o444, show: (*view).showStat},
		{name: "statm", mode: 0o444, show: (*view).showStatm},
		{name: "status", mode: 0o444, show: (*view).showStatus},
		{name: "comm", mode: 0o644, show: (*view).showComm, store: (*view).storeComm},
		{name: "cmdline", mode: 0o444, read: (*view).readCmdline},
		{name: "environ", mode: 0o400, read: (*view).readEnviron, check: (*view).mayRead, ofSpace: true},
		{name: "auxv", mode: 0o400, show: (*view).showAuxv, check: (*view).mayRead, ofSpace: true},
		{name: "maps", mode: 0o444, records: (*view).mapsRecords, check: (*view).mayRead, ofSpace: true},
		{name: "smaps", mode: 0o444, records: (*view).smapsRecords, check: (*view).mayRead, ofSpace: true},
		{name: "smaps_rollup", mode: 0o444, show: (*view).showSmapsRollup, check: (*view).mayRead, ofSpace: true},
		{name: "limits", mode: 0o444, show: (*view).showLimits},
		{name: "io", mode: 0o400, show: (*view).showIO},
		{name: "mounts", mode: 0o444, records: (*view).mountsRecords, watch: (*view).watchMounts},
		{name: "mountinfo", mode: 0o444, records: (*view).mountInfoRecords, watch: (*view).watchMounts},
		{name: "stack", mode: 0o400, show: (*view).showStack, check: (*view).mayReadStack},
		{name: "wchan", mode: 0o444, show: (*view).showWchan},
		{name: "personality", mode: 0o400, show: (*view).showPersonality},
		{name: "oom_score", mode: 0o444, show: (*view).showOOMScore},
		{name: "oom_score_adj", mode: 0o644, show: (*view).showOOMScoreAdj, store: (*view).storeOOMScoreAdj},
	}
}

// taskIno returns the inode number of entry of a thread's directory, and of
// what is numbered n in that entry. Numbers of fixed files are below 1<<32.
func taskIno(tid int, whole bool, entry, n int) uint64 {
	ino := uint64(tid)<<40 | uint64(entry)<<32 | uint64(n)
	if !whole {
		ino |= 1 << 39
	}
	return ino
}

// node returns a node that belongs to the thread's user: root, if the process
// may not be looked into.
func (v *view) node(mode uint32, entry, n int) pseudo.Node {
	a := pseudo.Attributes{Ino: taskIno(v.task.TID(), v.whole, entry, n), Mode: mode}
	if cred := v.task.Cred(); cred != nil && (mode == dirMode || v.task.Dumpable()) {
		a.UID, a.GID = cred.EUID, cred.EGID
	}
	return pseudo.NewNode(v.fs.super, a)
}

// taskDir is /proc/PID or /proc/PID/task/TID.
type taskDir struct {
	taskNode
}

// taskNode is what the directories of a thread have in common.
type taskNode struct {
	pseudo.Node
	vfs.ReadOnlyDir
	view
}

func (*taskNode) Create(vfs.Caller, string, uint32) (vfs.Inode, error) { return nil, abi.ENOENT }
func (*taskNode) Mkdir(vfs.Caller, string, uint32) (vfs.Inode, error)  { return nil, abi.ENOENT }
func (*taskNode) Mknod(vfs.Caller, string, uint32, uint64) (vfs.Inode, error) {
	return nil, abi.ENOENT
}
func (*taskNode) Symlink(vfs.Caller, string, string) (vfs.Inode, error) { return nil, abi.ENOENT }

// Open implements vfs.Inode.
func (*taskNode) Open(vfs.Caller, *vfs.File) (vfs.FileOps, error) { return pseudo.DirFile{}, nil }

// alive returns ENOENT if the thread is gone: its directories are empty then.
func (t *taskNode) alive() error {
	if _, ok := t.task.Status(false); !ok {
		return abi.ENOENT
	}
	return nil
}

func (fs *FS) taskDir(t Task, whole bool) *taskDir {
	v := view{fs: fs, task: t, whole: whole}
	return &taskDir{taskNode{Node: v.node(dirMode, 0, 0), view: v}}
}

// Attr implements vfs.Inode.
func (d *taskDir) Attr() vfs.Attr {
	a := d.Node.Attr()
	a.Nlink = 2
	for i := range taskFiles {
		if f := &taskFiles[i]; f.dir != nil && (d.whole || !f.processOnly) {
			a.Nlink++
		}
	}
	return a
}

// Lookup implements vfs.Dir.
func (d *taskDir) Lookup(_ vfs.Caller, name string) (vfs.Inode, error) {
	if err := d.alive(); err != nil {
		return nil, err
	}
	for i := range taskFiles {
		if f := &taskFiles[i]; f.name == name && (d.whole || !f.processOnly) {
			return d.inode(f, i+1), nil
		}
	}
	return nil, abi.ENOENT
}

// ReadDir implements vfs.Dir. The position of an entry is its row.
func (d *taskDir) ReadDir(_ vfs.Caller, pos int64, emit func(vfs.DirEntry) bool) (int64, error) {
	if err := d.alive(); err != nil {
		return pos, err
	}
	for i := max(0, int(min(pos, 1<<16)-vfs.FirstPos)); i < len(taskFiles); i++ {
		f := &taskFiles[i]
		if !d.whole && f.processOnly {
			continue
		}
		at := int64(vfs.FirstPos + i)
		e := vfs.DirEntry{
			Name: f.name, Ino: taskIno(d.task.TID(), d.whole, i+1, 0), Type: vfs.DType(f.kind()), Next: at + 1,
		}
		if !emit(e) {
			return at, nil
		}
		pos = at + 1
	}
	return pos, nil
}

// kind returns the S_IF* type of the file.
func (f *taskFile) kind() uint32 {
	switch {
	case f.dir != nil:
		return abi.S_IFDIR
	case f.link != nil:
		return abi.S_IFLNK
	}
	return abi.S_IFREG
}

func (d *taskDir) inode(f *taskFile, entry int) vfs.Inode {
	v := d.view
	n := v.node(f.kind()|f.mode, entry, 0)
	as := func(c vfs.Caller) *view {
		w := v
		w.c = c
		return &w
	}
	switch {
	case f.dir != nil:
		return f.dir(&v, n)
	case f.link != nil:
		return pseudo.NewMagicLink(n,
			func(c vfs.Caller) (string, error) { return f.link(as(c)) },
			func(c vfs.Caller) (vfs.Path, error) { return f.target(as(c)) })
	}
	p := f.view(as)
	if f.check != nil {
		p.Check = func(c vfs.Caller) error { return f.check(as(c)) }
	}
	if f.ofSpace {
		p.Bind = func(c vfs.Caller) (pseudo.View, error) {
			bound := v
			bound.bind()
			// The process may have executed another program since Check.
			if err := f.check(as(c)); err != nil {
				return pseudo.View{}, err
			}
			return f.view(func(c vfs.Caller) *view {
				w := bound
				w.c = c
				return &w
			}), nil
		}
	}
	if f.watch != nil {
		p.Bind = func(c vfs.Caller) (pseudo.View, error) {
			watched := p
			f.watch(as(c), &watched)
			return watched, nil
		}
	}
	return pseudo.NewText(n, p)
}

// view returns what the file shows of the thread that as returns for a caller.
func (f *taskFile) view(as func(vfs.Caller) *view) pseudo.View {
	p := pseudo.View{Plain: f.watch == nil}
	switch {
	case f.records != nil:
		p.Records = func(c vfs.Caller, pos int64, w *bytes.Buffer, more func(int64) bool) error {
			return f.records(as(c), pos, w, more)
		}
	case f.read != nil:
		p.Read = func(c vfs.Caller, dst vfs.Dest, off int64) (int, error) { return f.read(as(c), dst, off) }
	default:
		p.Show = func(c vfs.Caller, w *bytes.Buffer) error { return f.show(as(c), w) }
	}
	if f.store != nil {
		p.Store = func(c vfs.Caller, text []byte) error { return f.store(as(c), text) }
	}
	return p
}

// threadsDir is /proc/PID/task.
type threadsDir struct{ taskNode }

func newThreadsDir(v *view, n pseudo.Node) vfs.Inode {
	return &threadsDir{taskNode{Node: n, view: *v}}
}

// Attr implements vfs.Inode: the number of links counts the threads.
func (d *threadsDir) Attr() vfs.Attr {
	a := d.Node.Attr()
	a.Nlink = uint32(2 + len(d.task.Threads()))
	return a
}

// Lookup implements vfs.Dir.
func (d *threadsDir) Lookup(_ vfs.Caller, name string) (vfs.Inode, error) {
	tid, ok := parseID(name)
	if !ok {
		return nil, abi.ENOENT
	}
	t := d.fs.system.Task(tid)
	if t == nil || t.TGID() != d.task.TGID() {
		return nil, abi.ENOENT
	}
	return d.fs.taskDir(t, false), nil
}

// ReadDir implements vfs.Dir. The position of a thread is its ID.
func (d *threadsDir) ReadDir(_ vfs.Caller, pos int64, emit func(vfs.DirEntry) bool) (int64, error) {
	threads := d.task.Threads()
	if threads == nil {
		return pos, abi.ENOENT
	}
	for _, tid := range threads {
		at := int64(vfs.FirstPos + tid)
		if at < pos {
			continue
		}
		e := vfs.DirEntry{
			Name: strconv.Itoa(tid), Ino: taskIno(tid, false, 0, 0), Type: vfs.DType(abi.S_IFDIR), Next: at + 1,
		}
		if !emit(e) {
			return at, nil
		}
		pos = at + 1
	}
	return pos, nil
}
