package proc

import (
	"bytes"
	"fmt"

	"kevlar/kernel/ktime"
	"kevlar/kernel/load"
	"kevlar/kernel/vfs"
)

// addSystemFiles fills /proc with what is not about one process.
func (fs *FS) addSystemFiles() {
	fs.addLink("self", selfLink)
	fs.addLink("thread-self", threadSelfLink)
	fs.addLink("mounts", func(vfs.Caller) (string, error) { return "self/mounts", nil })
	for _, f := range []struct {
		name string
		show func(w *bytes.Buffer) error
	}{
		{"cmdline", fs.showCommandLine},
		{"devices", fs.showDevices},
		{"filesystems", showFileSystems},
		{"loadavg", fs.showLoadAverage},
		{"meminfo", fs.showMemory},
		{"partitions", showPartitions},
		{"stat", fs.showStat},
		{"swaps", showSwaps},
		{"uptime", fs.showUptime},
		{"version", fs.showVersion},
	} {
		fs.addText(f.name, 0o444, f.show)
	}
	fs.addRecords("cpuinfo", fs.cpuInfoRecords)
	fs.addRecords("interrupts", fs.interruptsRecords)
}

func (fs *FS) showCommandLine(w *bytes.Buffer) error {
	w.WriteString(fs.system.CommandLine())
	w.WriteByte('\n')
	return nil
}

func (fs *FS) showVersion(w *bytes.Buffer) error {
	n := fs.system.Names()
	fmt.Fprintf(w, "%s version %s %s\n", n.Sysname, n.Release, n.Version)
	return nil
}

// showUptime shows the time since boot and the sum of the CPUs' idle times,
// in seconds.
func (fs *FS) showUptime(w *bytes.Buffer) error {
	var idle int64
	for _, t := range fs.system.CPUTimes() {
		idle += t.Idle
	}
	up := ktime.Mono()
	fmt.Fprintf(w, "%d.%02d %d.%02d\n", up/1e9, up/1e7%100, idle/1e9, idle/1e7%100)
	return nil
}

func (fs *FS) showLoadAverage(w *bytes.Buffer) error {
	for _, a := range load.Averages() {
		a += 1 << load.Shift / 200 // round to hundredths
		hundredths := (a & (1<<load.Shift - 1)) * 100 >> load.Shift
		fmt.Fprintf(w, "%d.%02d ", a>>load.Shift, hundredths)
	}
	n := fs.system.Counters()
	fmt.Fprintf(w, "%d/%d %d\n", n.Running, n.Threads, n.LastPID)
	return nil
}

func showFileSystems(w *bytes.Buffer) error {
	for _, t := range vfs.FileSystems() {
		dev := "nodev"
		if d, ok := t.(vfs.NeedsDevice); ok && d.NeedsDevice() {
			dev = ""
		}
		fmt.Fprintf(w, "%s\t%s\n", dev, t.Name())
	}
	return nil
}

func (fs *FS) showDevices(w *bytes.Buffer) error {
	w.WriteString("Character devices:\n")
	for _, d := range fs.system.CharDevices() {
		fmt.Fprintf(w, "%3d %s\n", d.Major, d.Name)
	}
	w.WriteString("\nBlock devices:\n")
	for _, d := range fs.system.BlockDevices() {
		fmt.Fprintf(w, "%3d %s\n", d.Major, d.Name)
	}
	return nil
}

// showPartitions shows nothing, not even a heading, as Linux does where there
// is no disk.
func showPartitions(*bytes.Buffer) error { return nil }

// showSwaps shows the heading alone: nothing is ever swapped.
func showSwaps(w *bytes.Buffer) error {
	w.WriteString("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")
	return nil
}

// ticks converts nanoseconds to units of 1/100 s, USER_HZ.
func ticks(ns int64) int64 { return ns / 1e7 }

func (fs *FS) showStat(w *bytes.Buffer) error {
	times := fs.system.CPUTimes()
	var sum CPUTimes
	for _, t := range times {
		sum.User += t.User
		sum.Nice += t.Nice
		sum.System += t.System
		sum.Idle += t.Idle
		sum.IOWait += t.IOWait
		sum.IRQ += t.IRQ
		sum.SoftIRQ += t.SoftIRQ
		sum.Steal += t.Steal
	}
	line := func(name string, t CPUTimes) {
		fmt.Fprintf(w, "%s %d %d %d %d %d %d %d %d 0 0\n", name,
			ticks(t.User), ticks(t.Nice), ticks(t.System), ticks(t.Idle),
			ticks(t.IOWait), ticks(t.IRQ), ticks(t.SoftIRQ), ticks(t.Steal))
	}
	line("cpu ", sum)
	for i, t := range times {
		line(fmt.Sprintf("cpu%d", i), t)
	}

	total := uint64(0)
	var numbered []uint64 // counts of the interrupts with a number, by number
	for _, irq := range fs.system.Interrupts() {
		n := uint64(0)
		for _, c := range irq.Counts {
			n += c
		}
		total += n
		if id, ok := parseID(irq.Name); ok && id < 1024 {
			for len(numbered) <= id {
				numbered = append(numbered, 0)
			}
			numbered[id] = n
		}
	}
	fmt.Fprintf(w, "intr %d", total)
	for _, n := range numbered {
		fmt.Fprintf(w, " %d", n)
	}
	n := fs.system.Counters()
	fmt.Fprintf(w, "\nctxt %d\nbtime %d\nprocesses %d\nprocs_running %d\nprocs_blocked %d\n",
		n.ContextSwitches, ktime.BootReal()/1e9, n.Forks, n.Running, n.Blocked)
	return nil
}

// interruptsRecords shows a heading, at position 0, and a line for each source
// of interrupts.
func (fs *FS) interruptsRecords(pos int64, w *bytes.Buffer, more func(int64) bool) error {
	if pos == 0 {
		w.WriteString("           ")
		for i := range fs.system.CPUs() {
			fmt.Fprintf(w, "CPU%-8d", i)
		}
		w.WriteByte('\n')
		pos++
		if !more(pos) {
			return nil
		}
	}
	list := fs.system.Interrupts()
	for ; pos <= int64(len(list)); pos++ {
		irq := &list[pos-1]
		fmt.Fprintf(w, "%3s: ", irq.Name)
		for _, c := range irq.Counts {
			fmt.Fprintf(w, "%10d ", c)
		}
		if irq.Chip != "" {
			fmt.Fprintf(w, " %-9s", irq.Chip)
		}
		fmt.Fprintf(w, "  %s\n", irq.Action)
		if !more(pos + 1) {
			break
		}
	}
	return nil
}
