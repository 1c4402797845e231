package proc

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/mm"
	"kevlar/kernel/vfs"
)

// withMemory gives task an address space with a page of arguments at 0x10000
// and returns it.
func withMemory(t *testing.T, task *fakeTask, args, env string) *mm.AddressSpace {
	t.Helper()
	as, err := mm.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(as.Put)
	const at = 0x10000
	if _, err := as.Mmap(&mm.MmapArgs{
		Addr: at, Length: 2 * pageSize, Prot: abi.PROT_READ | abi.PROT_WRITE,
		Flags: abi.MAP_PRIVATE | abi.MAP_ANONYMOUS | abi.MAP_FIXED,
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := as.CopyOut(at, []byte(args+env)); err != nil {
		t.Fatal(err)
	}
	task.as = as
	task.layout.ArgStart, task.layout.ArgEnd = at, at+uintptr(len(args))
	task.layout.EnvStart, task.layout.EnvEnd = task.layout.ArgEnd, task.layout.ArgEnd+uintptr(len(env))
	return as
}

func TestStat(t *testing.T) {
	w := newWorld(t)
	withMemory(t, w.shell, "prog\x00", "")
	w.shell.comm = "a) b"
	w.shell.status = Status{
		State: 'S', PPID: 1, PGID: 7, SID: 6, TTY: abi.MakeDev(136, 300), TTYGroup: 7, Flags: 0x400000,
		MinorFaults: 11, ChildMinorFaults: 12, MajorFaults: 13, ChildMajorFaults: 14,
		User: 1e9, System: 2e7, ChildUser: 3e7, ChildSystem: 4e7,
		Priority: 25, Nice: 5, Threads: 2, Start: 123e7, ExitSignal: 17, ExitCode: 256, CPU: 1, Policy: 3, RTPriority: 0,
		Pending: 1 << 1, Blocked: 1<<2 | 1<<40, Ignored: 1 << 3, Caught: 1 << 30,
	}
	w.shell.layout.StartCode, w.shell.layout.EndCode = 0x401000, 0x402345
	w.shell.layout.StartBrk = 0x500000
	w.shell.stack = []string{"kevlar/kernel/wait.(*Sleeper).Sleep+0x10"}
	get := func(c vfs.Caller, name string) []string {
		s, err := w.read(c, name)
		if err != nil {
			t.Fatal(err)
		}
		comm, rest, ok := strings.Cut(s, ") b) ")
		if !ok || comm != "7 (a" {
			t.Fatalf("stat %q", s)
		}
		return append([]string{"", "7", "(a) b)"}, strings.Fields(rest)...)
	}
	f := get(w.shell, "/7/stat")
	if len(f)-1 != 52 {
		t.Fatalf("%d fields, want 52", len(f)-1)
	}
	tty := (300 & 0xff) | 136<<8 | (300&^0xff)<<12
	for field, want := range map[int]string{
		3: "S", 4: "1", 5: "7", 6: "6", 7: fmt.Sprint(tty), 8: "7", 9: "4194304", 10: "11", 11: "12", 12: "13", 13: "14",
		14: "200", 15: "2", 16: "3", 17: "4", 18: "25", 19: "5", 20: "2", 21: "0", 22: "123", 23: "8192", 24: "1",
		25: "18446744073709551615", 26: "4198400", 27: "4203333", 31: "2", 32: "4", 33: "8", 34: "1073741824",
		35: "1", 38: "17", 39: "1", 40: "0", 41: "3", 47: "5242880", 48: "65536", 49: "65541", 52: "256",
	} {
		if f[field] != want {
			t.Errorf("field %d: %s, want %s", field, f[field], want)
		}
	}
	other := newTask(20, 20, user(2000))
	f = get(other, "/7/stat")
	for _, field := range []int{26, 27, 35, 47, 48, 52} {
		if f[field] != "0" {
			t.Errorf("field %d tells another user %s", field, f[field])
		}
	}
	if f[14] != "200" {
		t.Errorf("field 14 tells another user %s", f[14])
	}
	if f := get(w.shell, "/7/task/7/stat"); f[14] != "100" {
		t.Errorf("user time of the thread alone: %s, want 100", f[14])
	}
	if got := w.mustRead(t, "/7/statm"); got != "2 1 0 2 0 2 0\n" {
		t.Errorf("statm %q", got)
	}
}

// Who reads the status of every process must not make each look at all of them.
func TestFilesLookAtNoOtherProcess(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"/7/status", "/interrupts"} {
		w.mustRead(t, name)
		if w.timesAsked != 0 {
			t.Fatalf("%s looks at all processes", name)
		}
	}
}

func TestStatus(t *testing.T) {
	w := newWorld(t)
	withMemory(t, w.shell, "prog\x00", "")
	w.shell.comm = "a\\b\nc"
	w.shell.cred.Groups = []uint32{4, 24}
	w.shell.status.Blocked = 1 << 2
	w.shell.status.Queued, w.shell.status.QueueLimit = 1, 200
	got := w.mustRead(t, "/7/status")
	for _, want := range []string{
		"Name:\ta\\\\b\\nc\n", "Umask:\t0022\n", "State:\tS (sleeping)\n", "Tgid:\t7\n", "Pid:\t7\n", "PPid:\t1\n",
		"Uid:\t1000\t1000\t1000\t1000\n", "Groups:\t4 24 \n", "VmSize:\t       8 kB\n", "VmRSS:\t       4 kB\n",
		"RssAnon:\t       4 kB\n", "Threads:\t1\n", "SigQ:\t1/200\n", "SigBlk:\t0000000000000004\n",
		"CapBnd:\t0000000000000000\n", "Cpus_allowed:\t3\n", "Cpus_allowed_list:\t0-1\n",
	} {
		if !strings.Contains("\n"+got, "\n"+want) {
			t.Errorf("no line %q in\n%s", want, got)
		}
	}
	if s := w.mustRead(t, "/1/status"); !strings.Contains(s, "\nGroups:\t \n") || strings.Contains(s, "VmSize") {
		t.Errorf("process 1, without groups and memory:\n%s", s)
	}
}

func TestMaskStrings(t *testing.T) {
	for _, c := range []struct {
		set        []uint64
		n          int
		mask, list string
	}{
		{[]uint64{1}, 1, "1", "0"},
		{[]uint64{0xff}, 8, "ff", "0-7"},
		{[]uint64{0x2d}, 8, "2d", "0,2-3,5"},
		{[]uint64{1<<32 | 1<<31}, 36, "1,80000000", "31-32"},
		{[]uint64{1 << 63, 1}, 65, "1,80000000,00000000", "63-64"},
		{nil, 4, "0", ""},
	} {
		if got := maskString(c.set, c.n); got != c.mask {
			t.Errorf("mask of %x: %s, want %s", c.set, got, c.mask)
		}
		if got := ListString(c.set); got != c.list {
			t.Errorf("list of %x: %s, want %s", c.set, got, c.list)
		}
	}
}

func TestArguments(t *testing.T) {
	w := newWorld(t)
	as := withMemory(t, w.shell, "prog\x00-x\x00", "A=1\x00B=2\x00")
	if got := w.mustRead(t, "/7/cmdline"); got != "prog\x00-x\x00" {
		t.Errorf("cmdline %q", got)
	}
	if got := w.mustRead(t, "/7/environ"); got != "A=1\x00B=2\x00" {
		t.Errorf("environ %q", got)
	}
	if got := w.mustRead(t, "/1/cmdline"); got != "" {
		t.Errorf("cmdline of a process without memory: %q", got)
	}
	// setproctitle(3) writes over the arguments and into the environment.
	as.CopyOut(w.shell.layout.ArgStart, []byte("a longer title\x00"))
	if got := w.mustRead(t, "/7/cmdline"); got != "a longer title\x00" {
		t.Errorf("cmdline with a title: %q", got)
	}
}

func TestAccess(t *testing.T) {
	w := newWorld(t)
	withMemory(t, w.shell, "prog\x00", "SECRET=1\x00")
	withMemory(t, w.init, "init\x00", "")
	w.shell.exe = w.ctx.Root()
	private := []string{"environ", "auxv", "maps", "smaps", "io", "personality", "fd", "exe", "cwd", "root", "fdinfo", "fdinfo/0"}
	f, _ := vfs.NewAnonFile(vfs.Kernel, "x", vfs.NoFile{}, abi.O_RDWR)
	if _, err := w.shell.fds.Install(f, 0, false); err != nil {
		t.Fatal(err)
	}
	try := func(c vfs.Caller, name string) error {
		switch name[strings.LastIndexByte(name, '/')+1:] {
		case "exe", "cwd", "root":
			_, err := vfs.ReadlinkAt(c, w.ctx, w.ctx.Root(), name)
			return err
		case "fd", "fdinfo":
			_, err := w.list(c, name)
			return err
		}
		_, err := w.read(c, name)
		return err
	}
	same := newTask(30, 30, user(1000))
	mixed := newTask(31, 31, user(1000))
	mixed.cred.FSGID = 5
	other := newTask(32, 32, user(2000))
	for _, name := range private {
		name = "/7/" + name
		for who, c := range map[string]vfs.Caller{"itself": w.shell, "its thread": w.thread, "its user": same, "root": w.init} {
			if err := try(c, name); err != nil {
				t.Errorf("%s opened by %s: %v", name, who, err)
			}
		}
		if err := try(other, name); err != abi.EACCES && err != abi.EPERM {
			t.Errorf("%s opened by another user: %v", name, err)
		}
	}
	if err := try(mixed, "/7/maps"); err != abi.EACCES {
		t.Errorf("maps opened with another group: %v, want EACCES", err)
	}
	w.shell.cred.CapPermitted = 1
	if err := try(same, "/7/maps"); err != abi.EACCES {
		t.Errorf("maps of a process with more capabilities: %v, want EACCES", err)
	}
	w.shell.cred.CapPermitted = 0
	w.shell.dumpable = false
	if err := try(same, "/7/maps"); err != abi.EACCES {
		t.Errorf("maps of an undumpable process: %v, want EACCES", err)
	}
	for _, name := range []string{"/7/fd", "/7/fdinfo", "/7/fdinfo/0"} {
		if err := try(w.shell, name); err != nil {
			t.Errorf("%s of an undumpable process opened by itself: %v", name, err)
		}
		if err := try(same, name); err != abi.EACCES {
			t.Errorf("%s of an undumpable process: %v, want EACCES", name, err)
		}
	}
	parent := newTask(33, 33, w.shell.cred) // forks share credentials
	if err := try(parent, "/7/fd"); err != abi.EACCES {
		t.Errorf("fd of an undumpable process opened by its parent: %v, want EACCES", err)
	}
	if _, err := vfs.Resolve(other, w.ctx, w.ctx.Root(), "/7/fdinfo/99", 0); err != abi.EACCES {
		t.Errorf("whether another user's process has a descriptor: %v, want EACCES", err)
	}
	p, err := vfs.Resolve(w.init, w.ctx, w.ctx.Root(), "/7/environ", 0)
	if err != nil || p.Inode().Attr().UID != 0 {
		t.Errorf("environ of an undumpable process belongs to %d, %v, want root", p.Inode().Attr().UID, err)
	}
	p, err = vfs.Resolve(w.init, w.ctx, w.ctx.Root(), "/7", 0)
	if err != nil || p.Inode().Attr().UID != 1000 {
		t.Errorf("its directory belongs to %d, %v, want 1000", p.Inode().Attr().UID, err)
	}
	for _, name := range []string{"stat", "status", "cmdline", "comm", "limits", "mounts", "oom_score", "statm"} {
		if err := try(other, "/7/"+name); err != nil {
			t.Errorf("%s opened by another user: %v", name, err)
		}
	}
	if err := try(same, "/7/stack"); err != abi.EACCES {
		t.Errorf("stack opened by the user: %v, want EACCES", err)
	}
}

func TestComm(t *testing.T) {
	w := newWorld(t)
	if err := w.write(w.shell, "/self/comm", "a name that is too long\n"); err != nil {
		t.Fatal(err)
	}
	if got := w.mustRead(t, "/7/comm"); got != "a name that is \n" {
		t.Errorf("comm %q", got)
	}
	if err := w.write(w.init, "/7/comm", "x"); err != abi.EINVAL {
		t.Errorf("comm of another process: %v, want EINVAL", err)
	}
}

func TestOOMScoreAdj(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		who  *fakeTask
		text string
		err  error
		want string
	}{
		{w.shell, "500\n", nil, "500\n"}, {w.shell, "400", abi.EACCES, "500\n"}, {w.init, "-1000", nil, "-1000\n"},
		{w.init, "-1001", abi.EINVAL, "-1000\n"}, {w.init, "1001", abi.EINVAL, "-1000\n"}, {w.init, "x", abi.EINVAL, "-1000\n"},
	} {
		if err := w.write(c.who, "/7/oom_score_adj", c.text); err != c.err {
			t.Errorf("%q: %v, want %v", c.text, err, c.err)
		}
		if got := w.mustRead(t, "/7/oom_score_adj"); got != c.want {
			t.Errorf("after %q: %q, want %q", c.text, got, c.want)
		}
	}
	if got := w.mustRead(t, "/7/oom_score"); got != "0\n" {
		t.Errorf("score of a process that is never chosen: %q", got)
	}
	if got := w.mustRead(t, "/1/oom_score"); got != "666\n" {
		t.Errorf("score of a process without memory: %q", got)
	}
}

func TestLimits(t *testing.T) {
	w := newWorld(t)
	w.shell.limits[abi.RLIMIT_NOFILE] = abi.Rlimit{Cur: 1024, Max: 4096}
	got := w.mustRead(t, "/7/limits")
	for _, want := range []string{
		"Limit                     Soft Limit           Hard Limit           Units     \n",
		"Max open files            1024                 4096                 files     \n",
		"Max cpu time              unlimited            unlimited            seconds   \n",
		"Max nice priority         unlimited            unlimited            \n",
		"Max realtime timeout      unlimited            unlimited            us        \n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no line %q in\n%s", want, got)
		}
	}
	if n := strings.Count(got, "\n"); n != 17 {
		t.Errorf("%d lines, want 17", n)
	}
}

func TestMaps(t *testing.T) {
	w := newWorld(t)
	as := withMemory(t, w.shell, "prog\x00", "")
	if _, err := as.Mmap(&mm.MmapArgs{
		Addr: 0x40000000, Length: pageSize, Prot: abi.PROT_READ | abi.PROT_EXEC,
		Flags: abi.MAP_SHARED | abi.MAP_ANONYMOUS | abi.MAP_FIXED, Name: "/dev/zero",
	}); err != nil {
		t.Fatal(err)
	}
	got := w.mustRead(t, "/7/maps")
	lines := strings.SplitAfter(got, "\n")
	if lines[0] != "00010000-00012000 rw-p 00000000 00:00 0 \n" {
		t.Errorf("anonymous memory: %q", lines[0])
	}
	if !regexp.MustCompile(`^40000000-40001000 r-xs 00000000 [0-9a-f]{2}:[0-9a-f]{2} \d+ +/dev/zero.*\n$`).MatchString(lines[1]) {
		t.Errorf("shared memory: %q", lines[1])
	}
	if strings.IndexByte(lines[1], '/') != 73 {
		t.Errorf("the name is at column %d, want 73", strings.IndexByte(lines[1], '/'))
	}
	for _, advice := range []int{abi.MADV_MERGEABLE, abi.MADV_NOHUGEPAGE, abi.MADV_DONTFORK, abi.MADV_SEQUENTIAL} {
		if err := as.Madvise(nil, 0x40000000, pageSize, advice); err != nil {
			t.Fatal(err)
		}
	}
	smaps := w.mustRead(t, "/7/smaps")
	for _, want := range []string{
		"VmFlags: rd ex sh sr dc nh \n", lines[0] + "Size:                  8 kB\n", "Rss:                   4 kB\nPss:                   4 kB\n",
		"Private_Dirty:         4 kB\n", "VmFlags: rd wr \n",
	} {
		if !strings.Contains(smaps, want) {
			t.Errorf("no %q in\n%s", want, smaps)
		}
	}
	rollup := w.mustRead(t, "/7/smaps_rollup")
	if !strings.HasPrefix(rollup, "00010000-40001000 ---p 00000000 00:00 0                                  [rollup]\nRss:                   4 kB\n") {
		t.Errorf("smaps_rollup %q", rollup)
	}
	if got := w.mustRead(t, "/1/maps"); got != "" {
		t.Errorf("maps of a process without memory: %q", got)
	}
}

func TestDirectories(t *testing.T) {
	w := newWorld(t)
	names, err := w.list(w.init, "/")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{".", "..", "self", "thread-self", "mounts", "meminfo", "sys", "1", "7"} {
		if !slices.Contains(names, want) {
			t.Errorf("no %s in /proc", want)
		}
	}
	if slices.Contains(names, "8") {
		t.Error("a thread that is no process is listed in /proc")
	}
	if got := w.mustRead(t, "/8/comm"); got != "prog\n" {
		t.Errorf("a thread is not found by its ID: %q", got)
	}
	for _, name := range []string{"/07/comm", "/9/comm", "/7x/comm", "/99999999999/comm", "/-1/comm", "/7/task/1/comm", "/7/task/7/task"} {
		if _, err := w.read(w.init, name); err != abi.ENOENT {
			t.Errorf("%s: %v, want ENOENT", name, err)
		}
	}
	names, _ = w.list(w.init, "/7/task")
	if slices.Sort(names); !slices.Equal(names, []string{".", "..", "7", "8"}) {
		t.Errorf("threads %v", names)
	}
	names, _ = w.list(w.init, "/7")
	if len(names) != len(taskFiles)+2 {
		t.Errorf("/proc/7 has %v", names)
	}
	names, _ = w.list(w.init, "/7/task/8")
	if len(names) != len(taskFiles)+1 || slices.Contains(names, "task") {
		t.Errorf("/proc/7/task/8 has %v", names)
	}
}

// TestListingInPieces lists a directory one entry a call, from which a process
// goes in the meantime.
func TestListingInPieces(t *testing.T) {
	w := newWorld(t)
	for pid := 100; pid < 120; pid++ {
		w.add(newTask(pid, pid, user(1)))
	}
	f, err := w.open(w.init, "/", abi.O_RDONLY|abi.O_DIRECTORY)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Put()
	var got []string
	for {
		n := 0
		if err := f.ReadDir(w.init, func(e vfs.DirEntry) bool {
			if n++; n > 1 {
				return false
			}
			got = append(got, e.Name)
			if e.Name == "105" {
				w.remove(w.Task(105).(*fakeTask))
				w.remove(w.Task(106).(*fakeTask))
			}
			return true
		}); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	for i, name := range got {
		if slices.Contains(got[i+1:], name) {
			t.Errorf("%s is listed twice", name)
		}
	}
	for pid := 100; pid < 120; pid++ {
		if listed := slices.Contains(got, fmt.Sprint(pid)); listed != (pid != 106) {
			t.Errorf("process %d listed: %v", pid, listed)
		}
	}
}

func TestSelf(t *testing.T) {
	w := newWorld(t)
	root := w.ctx.Root()
	for name, want := range map[string]string{"/self": "7", "/thread-self": "7/task/8", "/mounts": "self/mounts"} {
		if got, err := vfs.ReadlinkAt(w.thread, w.ctx, root, name); got != want || err != nil {
			t.Errorf("%s -> %q, %v, want %q", name, got, err, want)
		}
	}
	if _, err := vfs.ReadlinkAt(vfs.Kernel, w.ctx, root, "/self"); err != abi.ENOENT {
		t.Errorf("/proc/self of the kernel: %v, want ENOENT", err)
	}
}

// TestProcessEnds keeps files of a process open while it ends, and its ID goes
// to another one.
func TestProcessEnds(t *testing.T) {
	w := newWorld(t)
	stat, err := w.open(w.init, "/7/stat", abi.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer stat.Put()
	dir, err := w.open(w.init, "/7", abi.O_RDONLY|abi.O_DIRECTORY)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Put()
	w.remove(w.shell)
	w.remove(w.thread)
	var b [100]byte
	dst := vfs.Bytes(b[:])
	if _, err := stat.Read(w.init, &dst); err != abi.ESRCH {
		t.Errorf("read of stat: %v, want ESRCH", err)
	}
	if _, err := vfs.OpenAt(w.init, w.ctx, dir.Path(), "stat", abi.O_RDONLY, 0); err != abi.ENOENT {
		t.Errorf("open in its directory: %v, want ENOENT", err)
	}
	if err := dir.ReadDir(w.init, func(e vfs.DirEntry) bool { return true }); err != abi.ENOENT {
		t.Errorf("listing its directory: %v, want ENOENT", err)
	}
	if _, err := w.read(w.init, "/7/stat"); err != abi.ENOENT {
		t.Errorf("open by path: %v, want ENOENT", err)
	}
}

func TestDescriptors(t *testing.T) {
	w := newWorld(t)
	file, err := w.open(w.shell, "/version", abi.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	pipe, _ := vfs.NewAnonInode("pipe", abi.S_IFIFO|0o600).NewFile(vfs.Kernel, vfs.NoFile{}, abi.O_WRONLY|abi.O_NONBLOCK)
	w.shell.fds.Install(file, 3, true)
	w.shell.fds.Install(pipe, 5, false)
	names, err := w.list(w.shell, "/self/fd")
	if !slices.Equal(names, []string{".", "..", "3", "5"}) {
		t.Errorf("descriptors %v, %v", names, err)
	}
	root := w.ctx.Root()
	if got, err := vfs.ReadlinkAt(w.init, w.ctx, root, "/7/fd/3"); got != "/version" || err != nil {
		t.Errorf("fd/3 -> %q, %v", got, err)
	}
	if got, err := vfs.ReadlinkAt(w.init, w.ctx, root, "/7/fd/5"); !regexp.MustCompile(`^pipe:\[\d+\]$`).MatchString(got) || err != nil {
		t.Errorf("fd/5 -> %q, %v", got, err)
	}
	for name, want := range map[string]uint32{"/7/fd/3": 0o500, "/7/fd/5": 0o300} {
		p, err := vfs.Resolve(w.init, w.ctx, root, name, 0)
		if err != nil {
			t.Fatal(err)
		}
		if a := p.Inode().Attr(); a.Mode != abi.S_IFLNK|want || a.Size != 64 || a.UID != 1000 {
			t.Errorf("%s: attributes %+v", name, a)
		}
	}
	if got, err := w.read(w.init, "/7/fd/3"); got != "Linux version 6.1.0 #1 SMP\n" || err != nil {
		t.Errorf("through the link: %q, %v", got, err)
	}
	info := w.mustRead(t, "/7/fdinfo/3")
	if !regexp.MustCompile(`^pos:\t0\nflags:\t02000000\nmnt_id:\t\d+\nino:\t\d+\n$`).MatchString(info) {
		t.Errorf("fdinfo/3 %q", info)
	}
	if info := w.mustRead(t, "/7/fdinfo/5"); !strings.HasPrefix(info, "pos:\t0\nflags:\t04001\n") {
		t.Errorf("fdinfo/5 %q", info)
	}
	w.shell.fds.Close(3)
	if _, err := w.read(w.init, "/7/fd/3"); err != abi.ENOENT {
		t.Errorf("a closed descriptor: %v, want ENOENT", err)
	}
	w.shell.fds = nil // it has ended, but was not waited for
	if names, err := w.list(w.init, "/7/fd"); len(names) != 2 || err != nil {
		t.Errorf("descriptors of a zombie: %v, %v", names, err)
	}
}

func TestZombie(t *testing.T) {
	w := newWorld(t)
	w.shell.fds, w.shell.fs, w.shell.status.State = nil, nil, 'Z'
	if got := w.mustRead(t, "/7/status"); !strings.Contains(got, "State:\tZ (zombie)\n") || !strings.Contains(got, "FDSize:\t0\n") {
		t.Errorf("status %q", got)
	}
	if _, err := vfs.ReadlinkAt(w.init, w.ctx, w.ctx.Root(), "/7/exe"); err != abi.ENOENT {
		t.Errorf("exe: %v, want ENOENT", err)
	}
	if _, err := w.read(w.init, "/7/mounts"); err != abi.EINVAL {
		t.Errorf("mounts: %v, want EINVAL", err)
	}
}

func TestStack(t *testing.T) {
	w := newWorld(t)
	w.shell.stack = []string{"kevlar/kernel/wait.(*Sleeper).Sleep+0x10", "kevlar/kernel/task.(*Task).run+0x20"}
	if got := w.mustRead(t, "/7/stack"); got != "[<0>] kevlar/kernel/wait.(*Sleeper).Sleep+0x10\n[<0>] kevlar/kernel/task.(*Task).run+0x20\n" {
		t.Errorf("stack %q", got)
	}
	if got := w.mustRead(t, "/7/wchan"); got != "kevlar/kernel/task.(*Task).run" {
		t.Errorf("wchan %q", got)
	}
	w.shell.stackAsked = 0
	stranger := w.add(newTask(9, 9, user(1001)))
	if got, err := w.read(stranger, "/7/wchan"); got != "0" || err != nil {
		t.Errorf("wchan as another user sees it %q, %v", got, err)
	}
	w.shell.status.State = 'R'
	if got := w.mustRead(t, "/7/wchan"); got != "0" {
		t.Errorf("wchan of a running thread %q", got)
	}
	if w.shell.stackAsked != 0 {
		t.Error("the thread was disturbed for those who may not know")
	}
}

// mapMany makes n areas of two pages each that do not merge.
func mapMany(t *testing.T, as *mm.AddressSpace, n int) {
	t.Helper()
	for i := range n {
		if _, err := as.Mmap(&mm.MmapArgs{
			Addr: uintptr(0x40000000 + i*4*pageSize), Length: 2 * pageSize, Prot: abi.PROT_READ,
			Flags: abi.MAP_PRIVATE | abi.MAP_ANONYMOUS | abi.MAP_FIXED,
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMapsInPieces(t *testing.T) {
	w := newWorld(t)
	as := withMemory(t, w.shell, "prog\x00", "")
	mapMany(t, as, 100)
	whole := w.mustRead(t, "/7/maps")
	f, err := w.open(w.shell, "/7/maps", abi.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Put()
	var got []byte
	read := func(n int) bool {
		b := make([]byte, n)
		dst := vfs.Bytes(b)
		n, err := f.Read(w.shell, &dst)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b[:n]...)
		return n > 0
	}
	// An area is split in two while its line is being read, and those already
	// read go: no line is shown twice or left out.
	lines := strings.SplitAfter(whole, "\n")
	upTo := len(strings.Join(lines[:51], ""))
	for len(got) < upTo+10 {
		read(min(100, upTo+10-len(got)))
	}
	at := uintptr(0x40000000 + 50*4*pageSize)
	if err := as.Mprotect(nil, at+pageSize, pageSize, abi.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	if err := as.Munmap(0x40000000, 49*4*pageSize); err != nil {
		t.Fatal(err)
	}
	for read(100) {
	}
	if string(got) != whole {
		t.Errorf("read in pieces:\n%s\nwant\n%s", got, whole)
	}
}

// A file that is open shows the program that it was opened for.
func TestOpenFilesShowOneProgram(t *testing.T) {
	w := newWorld(t)
	withMemory(t, w.shell, "prog\x00", "A=1\x00")
	w.shell.layout.Auxv = []byte("auxv")
	names := []string{"maps", "smaps", "environ", "auxv"}
	var files []*vfs.File
	for _, name := range names {
		f, err := w.open(w.shell, "/7/"+name, abi.O_RDONLY)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Put()
		files = append(files, f)
	}
	read := func(f *vfs.File) int {
		dst := vfs.Bytes(make([]byte, 4096))
		n, err := f.ReadAt(w.shell, &dst, 0)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i, f := range files {
		if read(f) == 0 {
			t.Errorf("%s shows nothing", names[i])
		}
	}
	withMemory(t, w.shell, "other\x00", "SECRET=1\x00") // as execve(2) does
	for i, f := range files {
		if n := read(f); n != 0 {
			t.Errorf("%s shows %d bytes of the next program", names[i], n)
		}
	}
}

// Who may look into a program when the file is being opened does not get the next
// program to see, which comes before the file is bound.
func TestOpenWhileAnotherProgramBegins(t *testing.T) {
	w := newWorld(t)
	same := newTask(30, 30, user(1000))
	for _, name := range []string{"maps", "smaps", "smaps_rollup", "environ", "auxv"} {
		withMemory(t, w.shell, "prog\x00", "A=1\x00")
		w.shell.cred, w.shell.dumpable = user(1000), true
		w.shell.onAcquireMM = func() { // as execve(2) does
			w.shell.onAcquireMM = nil
			w.shell.cred, w.shell.dumpable = vfs.RootCred, false
			withMemory(t, w.shell, "other\x00", "SECRET=1\x00")
		}
		if f, err := w.open(same, "/7/"+name, abi.O_RDONLY); err != abi.EACCES {
			t.Errorf("%s: %v, want EACCES", name, err)
			if err == nil {
				f.Put()
			}
		}
	}
}
