package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/mm"
)

func (u *usage) rusage() abi.Rusage {
	return abi.Rusage{
		Utime:   abi.NsToTimeval(u.times.user),
		Stime:   abi.NsToTimeval(u.times.kernel),
		Maxrss:  u.maxRSS,
		Minflt:  u.minorFaults,
		Majflt:  u.majorFaults,
		Inblock: u.blocksRead,
		Oublock: u.blocksWritten,
		Nvcsw:   u.switches,
		Nivcsw:  u.preempted,
	}
}

// Rusage returns what who has consumed: RUSAGE_SELF, RUSAGE_CHILDREN,
// RUSAGE_THREAD; getrusage(2).
func (t *Task) Rusage(who int) (abi.Rusage, error) {
	g := t.group
	var u usage
	switch who {
	case abi.RUSAGE_SELF:
		u = g.usage()
		u.maxRSS = max(u.maxRSS, peakRSS(t.mm))
	case abi.RUSAGE_CHILDREN:
		g.mu.Lock()
		u = g.childUsage
		g.mu.Unlock()
	case abi.RUSAGE_THREAD:
		u = t.usage()
		u.times = split(u.cpu, u.user, u.kernel)
		u.maxRSS = peakRSS(t.mm)
	default:
		return abi.Rusage{}, abi.EINVAL
	}
	return u.rusage(), nil
}

func (g *ThreadGroup) usage() usage {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.usageLocked()
}

// peakRSS returns the largest resident size that as has had, in KiB.
func peakRSS(as *mm.AddressSpace) int64 {
	if as == nil {
		return 0
	}
	return as.Stats().PeakRSS * frame.Size / 1024
}

// keepPeakRSS notes the peak of an address space that the process gives up.
func (g *ThreadGroup) keepPeakRSS(as *mm.AddressSpace) {
	rss := peakRSS(as)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dead.maxRSS = max(g.dead.maxRSS, rss)
}

// Times returns the CPU times of the process and of its children that were
// waited for, in clock ticks: times(2).
func (t *Task) Times() abi.Tms {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	u := g.usageLocked()
	return abi.Tms{
		Utime:  ticksOf(u.times.user),
		Stime:  ticksOf(u.times.kernel),
		Cutime: ticksOf(g.childUsage.times.user),
		Cstime: ticksOf(g.childUsage.times.kernel),
	}
}
