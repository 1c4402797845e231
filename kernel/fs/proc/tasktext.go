package proc

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

func (v *view) showComm(w *bytes.Buffer) error {
	w.WriteString(v.task.Comm())
	w.WriteByte('\n')
	return nil
}

// storeComm renames a thread of the caller's own process.
func (v *view) storeComm(text []byte) error {
	if tgid, _, ok := Self(v.c); !ok || tgid != v.task.TGID() {
		return abi.EINVAL
	}
	name, _, _ := strings.Cut(string(text), "\x00")
	v.task.SetComm(name[:min(len(name), abi.TASK_COMM_LEN-1)])
	return nil
}

// readCmdline reads the program's arguments. A program that has overwritten
// the NUL at the end of them has put a title there, which may go on into the
// environment, as setproctitle(3) does; of that a page is shown.
func (v *view) readCmdline(dst vfs.Dest, off int64) (int, error) {
	l := v.task.Layout()
	if l.ArgStart >= l.ArgEnd {
		return 0, nil
	}
	var last [1]byte
	if v.copyIn(last[:], l.ArgEnd-1) != 1 || last[0] == 0 {
		return v.readMemory(dst, l.ArgStart, l.ArgEnd, off)
	}
	end := l.ArgEnd
	if l.EnvStart == l.ArgEnd && l.EnvEnd > l.EnvStart {
		end = l.EnvEnd
	}
	title := make([]byte, min(end-l.ArgStart, pageSize))
	title = title[:v.copyIn(title, l.ArgStart)]
	if n := bytes.IndexByte(title, 0); n >= 0 {
		title = title[:n+1]
	}
	if off < 0 || off >= int64(len(title)) {
		return 0, nil
	}
	return dst.Write(title[off:][:min(len(title)-int(off), dst.Len())])
}

func (v *view) readEnviron(dst vfs.Dest, off int64) (int, error) {
	l := v.task.Layout()
	return v.readMemory(dst, l.EnvStart, l.EnvEnd, off)
}

// readMemory reads the process's memory from start+off to end, or as much of
// it as there is.
func (v *view) readMemory(dst vfs.Dest, start, end uintptr, off int64) (total int, err error) {
	if off < 0 || start >= end || uint64(off) >= uint64(end-start) {
		return 0, nil
	}
	addr := start + uintptr(off)
	b := make([]byte, min(int(end-addr), dst.Len(), pageSize))
	for err == nil && addr < end && dst.Len() > 0 {
		piece := b[:min(int(end-addr), dst.Len(), len(b))]
		n := v.copyIn(piece, addr)
		if n == 0 {
			break // as Linux: memory that is not there is not shown
		}
		n, err = dst.Write(piece[:n])
		total += n
		addr += uintptr(n)
	}
	if total > 0 {
		err = nil
	}
	return total, err
}

// copyIn copies the process's memory from addr on to b and returns how much of
// it there was.
func (v *view) copyIn(b []byte, addr uintptr) int {
	as := v.acquireMM()
	if as == nil {
		return 0
	}
	defer as.Put()
	n, _ := as.CopyIn(b, addr)
	return n
}

func (v *view) showAuxv(w *bytes.Buffer) error {
	auxv := v.task.Layout().Auxv
	// The space is looked at last: a new program comes with one of its own.
	if as := v.acquireMM(); as != nil {
		as.Put()
		w.Write(auxv)
	}
	return nil
}

func (v *view) showLimits(w *bytes.Buffer) error {
	if _, err := v.status(); err != nil {
		return err
	}
	limits := v.task.Limits()
	fmt.Fprintf(w, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units")
	for _, l := range []struct {
		resource   int
		name, unit string
	}{
		{abi.RLIMIT_CPU, "Max cpu time", "seconds"},
		{abi.RLIMIT_FSIZE, "Max file size", "bytes"},
		{abi.RLIMIT_DATA, "Max data size", "bytes"},
		{abi.RLIMIT_STACK, "Max stack size", "bytes"},
		{abi.RLIMIT_CORE, "Max core file size", "bytes"},
		{abi.RLIMIT_RSS, "Max resident set", "bytes"},
		{abi.RLIMIT_NPROC, "Max processes", "processes"},
		{abi.RLIMIT_NOFILE, "Max open files", "files"},
		{abi.RLIMIT_MEMLOCK, "Max locked memory", "bytes"},
		{abi.RLIMIT_AS, "Max address space", "bytes"},
		{abi.RLIMIT_LOCKS, "Max file locks", "locks"},
		{abi.RLIMIT_SIGPENDING, "Max pending signals", "signals"},
		{abi.RLIMIT_MSGQUEUE, "Max msgqueue size", "bytes"},
		{abi.RLIMIT_NICE, "Max nice priority", ""},
		{abi.RLIMIT_RTPRIO, "Max realtime priority", ""},
		{abi.RLIMIT_RTTIME, "Max realtime timeout", "us"},
	} {
		r := limits[l.resource]
		fmt.Fprintf(w, "%-25s %-20s %-20s ", l.name, limitString(r.Cur), limitString(r.Max))
		if l.unit != "" {
			fmt.Fprintf(w, "%-10s", l.unit)
		}
		w.WriteByte('\n')
	}
	return nil
}

func limitString(v uint64) string {
	if v == abi.RLIM_INFINITY {
		return "unlimited"
	}
	return strconv.FormatUint(v, 10)
}

func (v *view) showIO(w *bytes.Buffer) error {
	if err := v.mayRead(); err != nil {
		return err
	}
	io := v.task.IO(v.whole)
	fmt.Fprintf(w, "rchar: %d\nwchar: %d\nsyscr: %d\nsyscw: %d\n"+
		"read_bytes: %d\nwrite_bytes: %d\ncancelled_write_bytes: %d\n",
		io.ReadChars, io.WriteChars, io.ReadCalls, io.WriteCalls,
		io.ReadBytes, io.WriteBytes, io.Cancelled)
	return nil
}

// showStack shows where in the kernel the thread sleeps.
func (v *view) showStack(w *bytes.Buffer) error {
	if _, err := v.status(); err != nil {
		return err
	}
	for _, f := range v.task.KernelStack() {
		fmt.Fprintf(w, "[<0>] %s\n", f)
	}
	return nil
}

// showWchan shows the function that the thread sleeps in; 0 if it does not, or
// the caller may not look into it.
func (v *view) showWchan(w *bytes.Buffer) error {
	s, err := v.status()
	if err != nil {
		return err
	}
	if s.State != 'R' && v.allowed() {
		for _, f := range v.task.KernelStack() {
			// What all sleep in tells nothing.
			if name, _, _ := strings.Cut(f, "+"); !strings.Contains(name, "/wait.") && !strings.HasSuffix(name, ".Await") {
				w.WriteString(name)
				return nil
			}
		}
	}
	w.WriteByte('0')
	return nil
}

func (v *view) showPersonality(w *bytes.Buffer) error {
	if !v.allowed() {
		return abi.EPERM
	}
	fmt.Fprintf(w, "%08x\n", v.task.Personality())
	return nil
}

// showOOMScore shows how likely the process is to be ended when memory runs
// out: its share of memory in thousandths, adjusted, scaled as in Linux so
// that a process without memory or adjustment has 666.
func (v *view) showOOMScore(w *bytes.Buffer) error {
	if _, err := v.status(); err != nil {
		return err
	}
	total := v.fs.system.Memory().Total >> 12
	if total == 0 {
		return abi.EIO
	}
	adj := int64(v.task.OOMScoreAdj())
	score := int64(0)
	if adj > -1000 {
		points := v.task.MemoryCost()/pageSize + adj*int64(total)/1000
		score = max(0, (1000+points*1000/int64(total))*2/3)
	}
	fmt.Fprintf(w, "%d\n", score)
	return nil
}

func (v *view) showOOMScoreAdj(w *bytes.Buffer) error {
	if _, err := v.status(); err != nil {
		return err
	}
	fmt.Fprintf(w, "%d\n", v.task.OOMScoreAdj())
	return nil
}

// storeOOMScoreAdj sets the adjustment, -1000 to 1000. Only with
// CAP_SYS_RESOURCE may it get smaller.
func (v *view) storeOOMScoreAdj(text []byte) error {
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 0, 64)
	if err != nil || n < -1000 || n > 1000 {
		return abi.EINVAL
	}
	if int(n) < v.task.OOMScoreAdj() && !v.c.Cred().HasCap(abi.CAP_SYS_RESOURCE) {
		return abi.EACCES
	}
	v.task.SetOOMScoreAdj(int(n))
	return nil
}
