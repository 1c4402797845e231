package proc

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"kevlar/kernel/abi"
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

// maxArguments bounds what is shown of a process's arguments and environment.
const maxArguments = 2 << 20

func (v *view) showCmdline(w *bytes.Buffer) error {
	l := v.task.Layout()
	if l.ArgStart >= l.ArgEnd {
		return nil
	}
	if err := v.showMemory(w, l.ArgStart, l.ArgEnd); err != nil {
		return nil // as Linux: memory that is not there is not shown
	}
	// A program that has overwritten the NUL at the end of its arguments has
	// put a title there, which may go on into the environment: setproctitle(3).
	if b := w.Bytes(); len(b) > 0 && b[len(b)-1] != 0 {
		if l.EnvStart == l.ArgEnd && l.EnvEnd > l.EnvStart {
			v.showMemory(w, l.EnvStart, l.EnvEnd)
		}
		if n := bytes.IndexByte(w.Bytes(), 0); n >= 0 {
			w.Truncate(n)
		}
	}
	return nil
}

func (v *view) showEnviron(w *bytes.Buffer) error {
	l := v.task.Layout()
	if l.EnvStart < l.EnvEnd {
		v.showMemory(w, l.EnvStart, l.EnvEnd)
	}
	return nil
}

// showMemory shows the process's memory from start to end, or as much from
// start on as there is.
func (v *view) showMemory(w *bytes.Buffer, start, end uintptr) error {
	as := v.task.AcquireMM()
	if as == nil {
		return abi.ESRCH
	}
	defer as.Put()
	b := make([]byte, min(end-start, maxArguments))
	n, err := as.CopyIn(b, start)
	w.Write(b[:n])
	return err
}

func (v *view) showAuxv(w *bytes.Buffer) error {
	w.Write(v.task.Layout().Auxv)
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

// showStack shows where in the kernel the thread is.
func (v *view) showStack(w *bytes.Buffer) error {
	if _, err := v.status(); err != nil {
		return err
	}
	for _, f := range v.task.KernelStack() {
		fmt.Fprintf(w, "[<0>] %s\n", f)
	}
	return nil
}

// showWchan shows the function that the thread sleeps in; 0 if it does not.
func (v *view) showWchan(w *bytes.Buffer) error {
	s, err := v.status()
	if err != nil {
		return err
	}
	if frames := v.task.KernelStack(); v.allowed() && s.State != 'R' && len(frames) > 0 {
		name, _, _ := strings.Cut(frames[0], "+")
		w.WriteString(name)
		return nil
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
		points := v.memoryPages() + adj*int64(total)/1000
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
