package task

import (
	"runtime"
	"time"

	"kevlar/kernel/vfs"
)

// A State is what a thread is doing.
type State uint32

// The states of a thread.
const (
	Running   State = iota // or waiting for a CPU
	Sleeping               // a signal wakes it
	DiskSleep              // no signal wakes it
	Stopped
	Zombie
	Dead
)

// Letter returns the letter of s in /proc/PID/stat.
func (s State) Letter() byte { return "RSDTZX"[s] }

// String returns the word for s in /proc/PID/status.
func (s State) String() string {
	return [...]string{"running", "sleeping", "disk sleep", "stopped", "zombie", "dead"}[s]
}

// State returns what the thread is doing.
func (t *Task) State() State { return State(t.state.Load()) }

// Layout says where in memory the parts of a program are.
type Layout struct {
	ArgStart, ArgEnd, EnvStart, EnvEnd uintptr
	CodeStart, CodeEnd, StackStart     uintptr
	DataStart, DataEnd                 uintptr
	Auxv                               []byte // not to be changed
}

// Layout returns where the parts of the thread's program are; false if it is
// ending.
func (t *Task) Layout() (Layout, bool) {
	p := t.acquireProgram()
	if p == nil {
		return Layout{}, false
	}
	defer p.put()
	return Layout{
		ArgStart: p.argStart, ArgEnd: p.argEnd, EnvStart: p.envStart, EnvEnd: p.envEnd,
		CodeStart: p.codeStart, CodeEnd: p.codeEnd, DataStart: p.dataStart, DataEnd: p.dataEnd,
		StackStart: p.stackStart, Auxv: p.auxv,
	}, true
}

// Exe returns the path of the program; the zero Path if the thread is ending.
func (t *Task) Exe() vfs.Path {
	p := t.acquireProgram()
	if p == nil {
		return vfs.Path{}
	}
	defer p.put()
	return p.file.Path()
}

// TIDs returns the IDs of the threads, the leader's first.
func (g *ThreadGroup) TIDs() []int {
	var tids []int
	g.Threads(func(t *Task) bool {
		tids = append(tids, t.TID())
		return true
	})
	return tids
}

// Each calls f for every thread until it returns false. Threads that come or
// go meanwhile may be missed.
func Each(f func(*Task) bool) {
	for g := NextGroup(0); g != nil; g = NextGroup(g.tgid) {
		var all []*Task
		g.Threads(func(t *Task) bool {
			all = append(all, t)
			return true
		})
		for _, t := range all {
			if !f(t) {
				return
			}
		}
	}
}

// KernelStack returns the functions that the thread is in, innermost first, if
// it sleeps; none if it runs.
func (t *Task) KernelStack() []string {
	const timeout = 100 * time.Millisecond
	switch t.State() {
	case Sleeping, DiskSleep, Stopped:
	default:
		return nil
	}
	pcs := t.sleeper.Stack(timeout)
	if len(pcs) == 0 {
		return nil
	}
	var names []string
	for frames, more := runtime.CallersFrames(pcs), true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		if f.Function != "" {
			names = append(names, f.Function)
		}
	}
	return names
}
