package task

import (
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
)

// A cpuClock measures what a thread consumes. The time on a CPU is exact: it
// is read when the thread gets the CPU and when it gives it up. How that time
// divides into user and kernel time is sampled: an interrupt stands for all
// time since the one before.
//
// The owner writes; anyone reads what is atomic.
type cpuClock struct {
	total        atomic.Int64 // nanoseconds on a CPU before since
	since        atomic.Int64 // ktime.Mono when it got the CPU, 0 while it has none
	user, kernel atomic.Int64 // samples, in nanoseconds
	sampled      int64        // time on a CPU at the last sample
	ticks        uint64       // of Context.KernelTicks that have been sampled

	switches  atomic.Int64 // times it gave up the CPU to wait
	preempted atomic.Int64 // times the CPU was taken away

	minorFaults, majorFaults atomic.Int64
}

func (c *cpuClock) on() { c.since.Store(ktime.Mono()) }

func (c *cpuClock) off() {
	if s := c.since.Load(); s != 0 {
		c.since.Store(0)
		c.total.Add(ktime.Mono() - s)
	}
}

// nanoseconds returns the time on a CPU until now.
func (c *cpuClock) nanoseconds() int64 {
	for {
		s, n := c.since.Load(), c.total.Load()
		if s == 0 {
			if c.since.Load() == 0 && c.total.Load() == n {
				return n
			}
			continue
		}
		if c.since.Load() == s && c.total.Load() == n {
			return n + max(ktime.Mono()-s, 0)
		}
	}
}

// sampleUser notes that an interrupt found the thread in user mode.
func (c *cpuClock) sampleUser() { c.user.Add(c.sinceSample()) }

// longestTick is the longest that one interrupt in the kernel stands for: a
// thread that is not interrupted for longer is in user mode.
const longestTick = 10_000_000

// sampleKernel notes that n interrupts found the thread in the kernel.
func (c *cpuClock) sampleKernel(n uint64) {
	d := c.sinceSample()
	k := min(d, int64(n)*longestTick)
	c.kernel.Add(k)
	c.user.Add(d - k)
}

// sinceSample begins a sample and returns the length of the one before.
func (c *cpuClock) sinceSample() int64 {
	now := c.nanoseconds()
	d := now - c.sampled
	c.sampled = now
	return d
}

// Parked is called when the thread goes to sleep.
func (t *Task) Parked(interruptible bool) {
	t.cpu.off()
	t.cpu.switches.Add(1)
	switch {
	case t.inStop:
	case interruptible:
		t.state.Store(uint32(Sleeping))
	default:
		t.state.Store(uint32(DiskSleep))
	}
}

// Resumed is called when the thread has woken.
func (t *Task) Resumed() {
	t.cpu.on()
	t.cpu.ticks = t.Ctx.KernelTicks()
	if !t.inStop {
		t.state.Store(uint32(Running))
	}
}

// cpuTimes is a pair of user and kernel time in nanoseconds.
type cpuTimes struct{ user, kernel int64 }

// split divides a time on the CPU as the samples say.
func split(total, user, kernel int64) cpuTimes {
	if kernel == 0 {
		return cpuTimes{total, 0}
	}
	k := int64(float64(total) * float64(kernel) / float64(user+kernel))
	return cpuTimes{total - k, k}
}

// usage is what threads have consumed.
type usage struct {
	cpu                       int64 // nanoseconds
	user, kernel              int64 // samples, in nanoseconds
	switches, preempted       int64
	minorFaults, majorFaults  int64
	maxRSS                    int64 // KiB, the largest
	blocksRead, blocksWritten int64 // units of 512 bytes
	times                     cpuTimes
}

func (u *usage) add(v *usage) {
	u.cpu += v.cpu
	u.user += v.user
	u.kernel += v.kernel
	u.switches += v.switches
	u.preempted += v.preempted
	u.minorFaults += v.minorFaults
	u.majorFaults += v.majorFaults
	u.maxRSS = max(u.maxRSS, v.maxRSS)
	u.blocksRead += v.blocksRead
	u.blocksWritten += v.blocksWritten
	u.times.user += v.times.user
	u.times.kernel += v.times.kernel
}

// usage returns what the thread has consumed.
func (t *Task) usage() usage {
	c := &t.cpu
	return usage{
		cpu:           c.nanoseconds(),
		user:          c.user.Load(),
		kernel:        c.kernel.Load(),
		switches:      c.switches.Load(),
		preempted:     c.preempted.Load(),
		minorFaults:   c.minorFaults.Load(),
		majorFaults:   c.majorFaults.Load(),
		blocksRead:    t.io.readBytes.Load() / 512,
		blocksWritten: t.io.writeBytes.Load() / 512,
	}
}

// usageLocked returns what the process has consumed, threads that have ended
// included. Its user and kernel times never go back. The caller holds g.mu.
func (g *ThreadGroup) usageLocked() usage {
	u := g.dead
	for t := g.threads.head; t != nil; t = t.next {
		if t.sig.counted {
			continue
		}
		v := t.usage()
		u.add(&v)
	}
	u.times = split(u.cpu, u.user, u.kernel)
	p := &g.prevTimes
	if u.times.user < p.user {
		u.times = cpuTimes{p.user, max(u.cpu-p.user, p.kernel)}
	} else if u.times.kernel < p.kernel {
		u.times = cpuTimes{max(u.cpu-p.kernel, p.user), p.kernel}
	}
	*p = u.times
	return u
}

// CPUTime returns the time that the thread has spent on a CPU, in
// nanoseconds: CLOCK_THREAD_CPUTIME_ID.
func (t *Task) CPUTime() int64 { return t.cpu.nanoseconds() }

// CPUTime returns the time that the process has spent on CPUs, in
// nanoseconds: CLOCK_PROCESS_CPUTIME_ID.
func (g *ThreadGroup) CPUTime() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cpuTimeLocked()
}

func (g *ThreadGroup) cpuTimeLocked() int64 {
	n := g.dead.cpu
	for t := g.threads.head; t != nil; t = t.next {
		if !t.sig.counted {
			n += t.cpu.nanoseconds()
		}
	}
	return n
}

// ioCounters count what a thread moves: /proc/PID/io.
type ioCounters struct {
	readChars, writeChars atomic.Int64
	readCalls, writeCalls atomic.Int64
	readBytes, writeBytes atomic.Int64 // from and to devices
}

// AccountRead counts a read of n bytes, and AccountWrite a write.
func (t *Task) AccountRead(n int) {
	t.io.readCalls.Add(1)
	t.io.readChars.Add(int64(n))
}

// AccountWrite counts a write of n bytes.
func (t *Task) AccountWrite(n int) {
	t.io.writeCalls.Add(1)
	t.io.writeChars.Add(int64(n))
}

// ticksOf returns nanoseconds in units of USER_HZ.
func ticksOf(ns int64) int64 { return ns / (1e9 / abi.USER_HZ) }
