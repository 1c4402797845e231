//go:build baremetal

package main

import (
	"fmt"
	"math"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"

	"kevlar/kernel/fs/proc"
	"kevlar/kernel/fs/sys"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/ipc/epoll"
	"kevlar/kernel/ipc/pipe"
	"kevlar/kernel/klog"
	"kevlar/kernel/kmem"
	"kevlar/kernel/ktime"
	"kevlar/kernel/load"
	"kevlar/kernel/machine/boot"
	"kevlar/kernel/machine/clock"
	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/goruntime"
	"kevlar/kernel/machine/irq"
	"kevlar/kernel/machine/speculation"
	"kevlar/kernel/machine/x86"
	"kevlar/kernel/mm"
	"kevlar/kernel/random"
	"kevlar/kernel/task"
	"kevlar/kernel/tty"
	"kevlar/kernel/uts"
	"kevlar/kernel/vfs"
)

// sysfs is /sys, which drivers add their devices to.
var sysfs = sys.New()

// registerViews makes the file systems known that show the kernel itself, proc
// and sysfs, and starts what they count. names are those that proc shows.
func registerViews(names *uts.Namespace) {
	fs := proc.New(system{names})
	fs.AddSysctl(settings()...)
	vfs.RegisterFS(fs)
	addCPUs()
	vfs.RegisterFS(sysfs)
	load.Start(func() int {
		running, blocked := activeThreads()
		return running + blocked
	})
}

// settings are the files of /proc/sys that tell about the layers below.
func settings() []proc.Sysctl {
	number := func(n uint64) func() string { return proc.Constant(n) }
	text := func(get func() int64) func() string {
		return func() string { return strconv.FormatInt(get(), 10) }
	}
	into := func(set func(int64)) func(string) error {
		return func(text string) error {
			n, err := proc.Integer(text, 0, math.MaxInt32)
			if err == nil {
				set(n)
			}
			return err
		}
	}
	return append(fileSettings(), []proc.Sysctl{
		// What is cached goes when the memory is needed: nothing of it counts as used.
		{Path: "fs/dentry-state", Mode: 0o444, Get: func() string {
			n := vfs.DentryCount()
			return fmt.Sprintf("%d\t%d\t45\t0\t%d\t0", n, n, vfs.FreeNames())
		}},
		{Path: "fs/file-max", Mode: 0o444, Get: func() string {
			_, limit := vfs.OpenFiles()
			return strconv.Itoa(limit)
		}},
		{Path: "fs/file-nr", Mode: 0o444, Get: func() string {
			n, limit := vfs.OpenFiles()
			return fmt.Sprintf("%d\t0\t%d", n, limit)
		}},
		{Path: "fs/nr_open", Mode: 0o444, Get: number(vfs.MaxFDs)},
		{Path: "fs/pipe-max-size", Mode: 0o644, Get: text(pipe.MaxSize.Get), Set: func(text string) error {
			n, err := proc.Integer(text, 1, 1<<31)
			if err == nil {
				pipe.MaxSize.Set(int64(pipe.RoundSize(uint(n))))
			}
			return err
		}},
		{Path: "fs/pipe-user-pages-soft", Mode: 0o644, Get: text(pipe.SoftPages.Get), Set: into(pipe.SoftPages.Set)},
		{Path: "fs/pipe-user-pages-hard", Mode: 0o644, Get: text(pipe.HardPages.Get), Set: into(pipe.HardPages.Set)},
		{Path: "fs/epoll/max_user_watches", Mode: 0o644, Get: text(epoll.MaxUserWatches.Load), Set: into(epoll.MaxUserWatches.Store)},
		{Path: "kernel/pty/max", Mode: 0o444, Get: number(tty.MaxPtys)},
		{Path: "kernel/pty/nr", Mode: 0o444, Get: func() string { return strconv.Itoa(tty.PtyCount()) }},
		{Path: "kernel/dmesg_restrict", Mode: 0o644, Get: func() string {
			if klog.Restricted() {
				return "1"
			}
			return "0"
		}, Set: func(text string) error {
			v, err := proc.Integer(text, 0, 1)
			if err == nil {
				klog.Restrict(v != 0)
			}
			return err
		}},
		{Path: "kernel/kevlar/accounts", Mode: 0o444, Get: accounts},
		{Path: "kernel/kevlar/heap", Mode: 0o444, Get: heap},
		{Path: "kernel/kevlar/idle_interrupts", Mode: 0o644, Get: func() string {
			count, worst := irq.IdleLatency()
			return fmt.Sprintf("%d\t%d", count, worst)
		}, Set: func(string) error { irq.ResetIdleLatency(); return nil }},
		{Path: "kernel/kevlar/goroutines", Mode: 0o444, Get: func() string { return strconv.Itoa(runtime.NumGoroutine()) }},
		{Path: "kernel/randomize_va_space", Mode: 0o444, Get: number(2)},
		{Path: "vm/max_map_count", Mode: 0o444, Get: number(mm.MaxMapCount)},
		{Path: "vm/mmap_min_addr", Mode: 0o444, Get: number(uint64(mm.MinAddress))},
		{Path: "vm/overcommit_memory", Mode: 0o444, Get: number(0)},
	}...)
}

// fileSettings are the settings of package vfs.
func fileSettings() []proc.Sysctl {
	var list []proc.Sysctl
	for _, s := range vfs.Settings() {
		list = append(list, proc.Sysctl{
			Path: "fs/" + s.Name, Mode: s.Mode,
			Get: func() string { return strconv.Itoa(int(s.Value())) },
			Set: func(text string) error {
				v, err := proc.Integer(text, int64(s.Min), int64(s.Max))
				if err == nil {
					s.Set(int32(v))
				}
				return err
			},
		})
	}
	return list
}

// accounts lists the accounts of kernel memory, the machine's and then the
// users': bytes charged, limit (0 is none), charges refused; then what the
// shrinkers have freed, and how often an account went below zero.
func accounts() string {
	var b strings.Builder
	line := func(name string, a *kmem.Account) {
		fmt.Fprintf(&b, "%s\t%d\t%d\t%d\n", name, a.Used(), a.Limit(), a.Refused())
	}
	line("machine", &kmem.Machine)
	for _, a := range kmem.Users() {
		line(strconv.FormatUint(uint64(a.UID()), 10), a)
	}
	kmem.EachShrinker(func(name string, freed int64) { fmt.Fprintf(&b, "shrinker %s\t%d\n", name, freed) })
	fmt.Fprintf(&b, "underflows\t%d", kmem.Underflows())
	return b.String()
}

// heap tells about the kernel's heap, in bytes: what it has of page frames, what
// the frame pool promises it, and then what the Go runtime makes of it.
func heap() string {
	var b strings.Builder
	line := func(name string, n uint64) { fmt.Fprintf(&b, "%s\t%d\n", name, n) }
	line("frames", frame.Heap()*frame.Size)
	line("goal", uint64(kmem.HeapGoal()))
	classes := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"},
		{Name: "/memory/classes/metadata/mspan/inuse:bytes"},
		{Name: "/memory/classes/metadata/mspan/free:bytes"},
		{Name: "/memory/classes/metadata/other:bytes"},
		{Name: "/memory/classes/other:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(classes)
	for _, c := range classes {
		name := strings.TrimPrefix(strings.TrimPrefix(c.Name, "/memory/classes/"), "/gc/")
		name, _, _ = strings.Cut(name, ":")
		line(name, c.Value.Uint64())
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// addCPUs shows the processors in /sys.
func addCPUs() {
	sysfs.AddCPUs(showCPUs(proc.Topology(system{}.CPUs())))
	for _, flaw := range speculation.Read().Flaws() {
		sysfs.AddAttributes("devices/system/cpu/vulnerabilities", sys.Attribute{
			Name: flaw.Name, Show: func() string { return flaw.State },
		})
	}
}

// system implements proc.System.
type system struct{ *uts.Namespace }

func (system) PIDs() []int             { return task.ProcPIDs() }
func (system) Task(tid int) proc.Task  { return task.ProcTask(tid) }
func (system) CommandLine() string     { return boot.CommandLine() }
func (system) Random(b []byte)         { random.Read(b) }
func (system) ContainedPanics() uint64 { return task.ContainedPanics() }
func (system) PIDMax() int             { return task.PIDMax }
func (system) ThreadsMax() int         { return task.ThreadsMax() }

func (system) CPUs() []proc.CPU {
	list := make([]proc.CPU, cpu.Count())
	for i := range list {
		list[i] = proc.CPU{ID: i, APICID: cpu.Get(i).APIC, KHz: clock.Frequency() / 1000, CPUID: x86.CPUID}
	}
	return list
}

// CPUTimes tells the idle times exactly, and the others as shareTimes does.
func (system) CPUTimes() []proc.CPUTimes {
	idle := make([]int64, cpu.Count())
	up := ktime.Mono()
	for i := range idle {
		idle[i] = goruntime.IdleTime(i)
	}
	return shareTimes(up, idle, task.UserTime())
}

func (system) Memory() proc.Memory {
	// The runtime counts the stacks of goroutines; the pages that the heap has
	// touched, stacks included, are frames.
	stacks := []metrics.Sample{{Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(stacks)
	heap := frame.Heap() * frame.Size
	stack := min(stacks[0].Value.Uint64(), heap)
	caches := min(uint64(vfs.CachedMemory()), heap-stack)
	users := mm.Total()
	shmem := uint64(users.Shmem+tmpfs.Pages()) * frame.Size
	free, reserve := frame.Free(), frame.Reserve()
	return proc.Memory{
		Total:       frame.Total() * frame.Size,
		Free:        free * frame.Size,
		Available:   (free-min(free, reserve))*frame.Size + caches,
		Cached:      shmem,
		Shmem:       shmem,
		Anon:        uint64(users.Anon) * frame.Size,
		PageTable:   uint64(users.PageTables) * frame.Size,
		Stack:       stack,
		Heap:        heap - stack,
		Caches:      caches,
		CommitLimit: frame.Total() * frame.Size,
		Committed:   uint64(users.Committed) * frame.Size,
	}
}

func (system) Counters() proc.Counters {
	running, blocked := activeThreads()
	return proc.Counters{
		ContextSwitches: goruntime.ReadStats().Switches,
		Forks:           task.Forks(),
		Running:         running,
		Blocked:         blocked,
		Threads:         task.ThreadCount(),
		LastPID:         task.LastPID(),
	}
}

// activeThreads counts the threads that run or wait for a CPU, and those that
// wait for a device.
func activeThreads() (running, blocked int) {
	task.Each(func(t *task.Task) bool {
		switch t.State() {
		case task.Running:
			running++
		case task.DiskSleep:
			blocked++
		}
		return true
	})
	return running, blocked
}

// Interrupts lists the device interrupts, all of which the first CPU takes.
func (system) Interrupts() []proc.Interrupt {
	var list []proc.Interrupt
	next := 0
	for _, s := range irq.Sources() {
		chip, number := "IO-APIC", s.Line
		if s.Line < 0 {
			chip, number = "PCI-MSI", firstMessage+next
			next++
		}
		counts := make([]uint64, cpu.Count())
		counts[0] = s.Count
		list = append(list, proc.Interrupt{Name: strconv.Itoa(number), Counts: counts, Chip: chip, Action: s.Name})
	}
	return list
}

// firstMessage numbers message-signalled interrupts, after the lines.
const firstMessage = 64

func (system) CharDevices() []proc.DeviceMajor {
	return []proc.DeviceMajor{
		{Major: 1, Name: "mem"},
		{Major: ttySMajor, Name: "ttyS"},
		{Major: 5, Name: "/dev/tty"},
		{Major: 5, Name: "/dev/console"},
		{Major: 5, Name: "/dev/ptmx"},
		{Major: 136, Name: "pts"},
		{Major: hvcMajor, Name: "hvc"},
		{Major: portMajor, Name: "virtio-portsdev"},
	}
}

func (system) BlockDevices() []proc.DeviceMajor { return nil }
