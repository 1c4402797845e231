package proc

import (
	"bytes"
	"fmt"

	"kevlar/kernel/abi"
	"kevlar/kernel/mm"
)

// pageSize is the unit of what mm.Stats counts, in bytes.
const pageSize = 4096

// lowSignals are those that /proc/PID/stat shows.
const lowSignals = 0x7fffffff

// memory returns the figures of the address space, zero if there is none.
func (v *view) memory() (mm.Stats, bool) {
	as := v.task.AcquireMM()
	if as == nil {
		return mm.Stats{}, false
	}
	defer as.Put()
	return as.Stats(), true
}

// showStat shows the 52 fields of proc_pid_stat(5).
func (v *view) showStat(w *bytes.Buffer) error {
	s, err := v.status()
	if err != nil {
		return err
	}
	m, _ := v.memory()
	// Addresses are told only to those who may look into the process.
	var l Layout
	if v.allowed() {
		l = v.task.Layout()
	}
	wchan := 0 // whether it sleeps in the kernel
	if (s.State == 'S' || s.State == 'D') && v.allowed() {
		wchan = 1
	}
	fmt.Fprintf(w, "%d (%s) %c", v.task.TID(), v.task.Comm(), s.State) // 1-3
	put := func(fields ...int64) {
		for _, f := range fields {
			fmt.Fprintf(w, " %d", f)
		}
	}
	put(int64(s.PPID), int64(s.PGID), int64(s.SID), int64(encodeTTY(s.TTY)), int64(s.TTYGroup), int64(s.Flags)) // 4-9
	put(int64(s.MinorFaults), int64(s.ChildMinorFaults), int64(s.MajorFaults), int64(s.ChildMajorFaults))       // 10-13
	put(ticks(s.User), ticks(s.System), ticks(s.ChildUser), ticks(s.ChildSystem))                               // 14-17
	put(int64(s.Priority), int64(s.Nice), int64(s.Threads), 0, ticks(s.Start))                                  // 18-22
	put(m.Size*pageSize, m.RSS)                                                                                 // 23-24
	fmt.Fprintf(w, " %d", v.task.Limits()[abi.RLIMIT_RSS].Cur)                                                  // 25
	put(int64(l.StartCode), int64(l.EndCode), int64(l.StartStack), 0, 0)                                        // 26-30
	put(int64(s.Pending&lowSignals), int64(s.Blocked&lowSignals),
		int64(s.Ignored&lowSignals), int64(s.Caught&lowSignals)) // 31-34
	put(int64(wchan), 0, 0, int64(s.ExitSignal), int64(s.CPU))           // 35-39
	put(int64(s.RTPriority), int64(s.Policy), 0, 0, 0)                   // 40-44
	put(int64(l.StartData), int64(l.EndData), int64(l.StartBrk))         // 45-47
	put(int64(l.ArgStart), int64(l.ArgEnd))                              // 48-49
	put(int64(l.EnvStart), int64(l.EnvEnd), int64(v.visibleExitCode(s))) // 50-52
	w.WriteByte('\n')
	return nil
}

// visibleExitCode returns the exit code for those who may look into the
// process.
func (v *view) visibleExitCode(s Status) int {
	if !v.allowed() {
		return 0
	}
	return s.ExitCode
}

// encodeTTY packs a device number as field 7 has it.
func encodeTTY(dev uint64) uint32 {
	major, minor := abi.Major(dev), abi.Minor(dev)
	return minor&0xff | major<<8 | minor&^0xff<<12
}

// showStatm shows sizes in pages: proc_pid_statm(5).
func (v *view) showStatm(w *bytes.Buffer) error {
	if _, err := v.status(); err != nil {
		return err
	}
	m, _ := v.memory()
	fmt.Fprintf(w, "%d %d %d %d 0 %d 0\n", m.Size, m.RSS, m.RSSFile+m.RSSShmem, v.codePages(), m.Data+m.Stack)
	return nil
}

// codePages returns the size of the program's code.
func (v *view) codePages() int64 {
	l := v.task.Layout()
	start, end := l.StartCode&^(pageSize-1), (l.EndCode+pageSize-1)&^(pageSize-1)
	return int64(end-start) / pageSize
}
