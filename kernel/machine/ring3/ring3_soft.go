//go:build !baremetal

package ring3

import "kevlar/kernel/machine/pagetable"

// SoftRun stands for user mode under go test: it changes the registers as a
// user program would and says why it stopped.
var SoftRun func(*Context) Event

// SoftRelease is called when a Context is released. It may be nil.
var SoftRelease func(*Context)

// The software machine has x87, SSE and AVX state.
const (
	fpuSize     = 832
	fpuFeatures = 7
	mxcsrMask   = 0xffff
)

// Enter lets SoftRun play the user program.
func (c *Context) Enter(*pagetable.Table) Reason {
	if e := SoftRun(c); e != Syscall {
		return Reason(e)
	}
	return Called
}

// Event returns what SoftRun did.
func (c *Context) Event(r Reason, _ *pagetable.Table) Event {
	if r == Called {
		return Syscall
	}
	return Event(r)
}

// Release tells SoftRelease: there is no CPU that could hold state of c.
func (c *Context) Release() {
	if SoftRelease != nil {
		SoftRelease(c)
	}
}

func (c *Context) syncFPU() {}
func (c *Context) dropFPU() {}

// Sync does nothing: FSBase and GSBase are always up to date.
func (c *Context) Sync() {}

// Kick does nothing: SoftRun returns by itself.
func Kick(*Context) {}
