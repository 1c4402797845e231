package proc

import (
	"bytes"
	"fmt"
	"strings"

	"kevlar/kernel/abi"
)

var stateNames = map[byte]string{
	'R': "running", 'S': "sleeping", 'D': "disk sleep", 'T': "stopped",
	't': "tracing stop", 'X': "dead", 'Z': "zombie", 'I': "idle",
}

// showStatus shows proc_pid_status(5). Lines of what the kernel does not have
// at all, such as speculation controls, are left out.
func (v *view) showStatus(w *bytes.Buffer) error {
	s, err := v.status()
	if err != nil {
		return err
	}
	cred := v.task.Cred()
	if cred == nil {
		return abi.ESRCH
	}
	files := v.task.AcquireFDs() // nil once the thread has ended
	size := 0
	if files != nil {
		size = files.Size()
		files.Unref()
	}
	line := func(name, format string, args ...any) {
		w.WriteString(name)
		w.WriteString(":\t")
		fmt.Fprintf(w, format, args...)
		w.WriteByte('\n')
	}
	tid, tgid := v.task.TID(), v.task.TGID()
	line("Name", "%s", strings.NewReplacer("\\", `\\`, "\n", `\n`).Replace(v.task.Comm()))
	if files != nil {
		line("Umask", "%#04o", s.Umask)
	}
	line("State", "%c (%s)", s.State, stateNames[s.State])
	line("Tgid", "%d", tgid)
	line("Ngid", "0")
	line("Pid", "%d", tid)
	line("PPid", "%d", s.PPID)
	line("TracerPid", "%d", s.TracerP)
	line("Uid", "%d\t%d\t%d\t%d", cred.UID, cred.EUID, cred.SUID, cred.FSUID)
	line("Gid", "%d\t%d\t%d\t%d", cred.GID, cred.EGID, cred.SGID, cred.FSGID)
	line("FDSize", "%d", size)
	w.WriteString("Groups:\t")
	for _, g := range cred.Groups {
		fmt.Fprintf(w, "%d ", g)
	}
	if len(cred.Groups) == 0 {
		w.WriteByte(' ')
	}
	w.WriteByte('\n')
	line("NStgid", "%d", tgid)
	line("NSpid", "%d", tid)
	line("NSpgid", "%d", s.PGID)
	line("NSsid", "%d", s.SID)
	v.showMemoryStatus(w)
	line("Threads", "%d", s.Threads)
	line("SigQ", "%d/%d", s.Queued, s.QueueLimit)
	line("SigPnd", "%016x", uint64(s.Pending))
	line("ShdPnd", "%016x", uint64(s.SharedPending))
	line("SigBlk", "%016x", uint64(s.Blocked))
	line("SigIgn", "%016x", uint64(s.Ignored))
	line("SigCgt", "%016x", uint64(s.Caught))
	line("CapInh", "%016x", cred.CapInheritable)
	line("CapPrm", "%016x", cred.CapPermitted)
	line("CapEff", "%016x", cred.CapEffective)
	line("CapBnd", "%016x", cred.CapBounding)
	line("CapAmb", "%016x", cred.CapAmbient)
	noNewPrivs := 0
	if s.NoNewPrivs {
		noNewPrivs = 1
	}
	line("NoNewPrivs", "%d", noNewPrivs)
	line("Seccomp", "0")
	line("Seccomp_filters", "0")
	line("Cpus_allowed", "%s", maskString(s.CPUs, len(v.fs.system.CPUs())))
	line("Cpus_allowed_list", "%s", ListString(s.CPUs))
	line("Mems_allowed", "1")
	line("Mems_allowed_list", "0")
	line("voluntary_ctxt_switches", "%d", s.Voluntary)
	line("nonvoluntary_ctxt_switches", "%d", s.Involuntary)
	return nil
}

// showMemoryStatus shows the lines about the address space, if there is one.
func (v *view) showMemoryStatus(w *bytes.Buffer) {
	m, ok := v.memory()
	if !ok {
		return
	}
	code := v.codePages()
	for _, l := range []struct {
		name  string
		pages int64
	}{
		{"VmPeak", m.PeakSize},
		{"VmSize", m.Size},
		{"VmLck", m.Locked},
		{"VmPin", 0},
		{"VmHWM", m.PeakRSS},
		{"VmRSS", m.RSS},
		{"RssAnon", m.RSSAnon},
		{"RssFile", m.RSSFile},
		{"RssShmem", m.RSSShmem},
		{"VmData", m.Data},
		{"VmStk", m.Stack},
		{"VmExe", code},
		{"VmLib", max(0, m.Text-code)},
		{"VmPTE", m.PageTables / pageSize},
		{"VmSwap", 0},
		{"HugetlbPages", 0},
	} {
		fmt.Fprintf(w, "%s:\t%8d kB\n", l.name, l.pages*pageSize>>10)
	}
	w.WriteString("CoreDumping:\t0\nTHP_enabled:\t0\n")
}

// maskString spells a set of CPUs of n as Linux does: hexadecimal, a comma
// between groups of 32.
func maskString(set []uint64, n int) string {
	var groups []string
	for i := 0; i*32 < n; i++ {
		g := uint32(0)
		if i/2 < len(set) {
			g = uint32(set[i/2] >> (i % 2 * 32))
		}
		width := 8
		if i == (n-1)/32 {
			width = (n - i*32 + 3) / 4
		}
		groups = append([]string{fmt.Sprintf("%0*x", width, g)}, groups...)
	}
	return strings.Join(groups, ",")
}

// ListString spells a set of CPUs, bit n of the words for CPU n, as ranges:
// "0-2,5".
func ListString(set []uint64) string {
	var parts []string
	has := func(i int) bool { return i/64 < len(set) && set[i/64]>>(i%64)&1 != 0 }
	for i := 0; i < len(set)*64; i++ {
		if !has(i) {
			continue
		}
		first := i
		for has(i + 1) {
			i++
		}
		if first == i {
			parts = append(parts, fmt.Sprint(i))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", first, i))
		}
	}
	return strings.Join(parts, ",")
}
