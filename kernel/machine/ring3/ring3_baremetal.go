//go:build baremetal

package ring3

import (
	"sync/atomic"
	"unsafe"

	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/debugcon"
	"kevlar/kernel/machine/goruntime"
	"kevlar/kernel/machine/ipi"
	"kevlar/kernel/machine/pagetable"
	"kevlar/kernel/machine/spin"
	"kevlar/kernel/machine/usercopy"
	"kevlar/kernel/machine/x86"
)

// The entry code knows Context by these offsets.
const (
	_ = -(unsafe.Sizeof(Registers{}) - cpu.ContextFrameEnd)
	_ = -(unsafe.Offsetof(Registers{}.RDI) - unsafe.Offsetof(cpu.Frame{}.RDI))
	_ = -(unsafe.Offsetof(Registers{}.R9) - unsafe.Offsetof(Registers{}.RDI) - 5*8)
	_ = -(unsafe.Offsetof(Registers{}.RAX) - unsafe.Offsetof(cpu.Frame{}.RAX))
	_ = -(unsafe.Offsetof(Context{}.FSBase) - cpu.ContextFSBase)
	_ = -(unsafe.Offsetof(Context{}.GSBase) - cpu.ContextGSBase)
	_ = -(unsafe.Offsetof(Context{}.CR2) - cpu.ContextCR2)
	_ = -(unsafe.Offsetof(Context{}.fpu) - cpu.ContextFPU)
	_ = -(unsafe.Offsetof(Context{}.holder) - cpu.ContextHolder)
	_ = -(unsafe.Offsetof(Context{}.ticks) - cpu.ContextTicks)
	_ = -(unsafe.Offsetof(Context{}.selectors) - cpu.ContextSelectors)
	_ = -(unsafe.Offsetof(Context{}.pkru) - cpu.ContextPKRU)
	_ = -(initPKRU - cpu.InitialPKRU)
)

// mxcsrMask is what software may set in MXCSR on every processor with SSE2
// and denormals-are-zero.
const mxcsrMask = 0xffff

var (
	fpuSize     = 832
	fpuFeatures = uint64(7)
)

// Init says which extended-state components user programs have, XCR0, and how
// large their image is. It is called before the first Context is made.
func Init(features uint64, size int) {
	fpuFeatures, fpuSize = features, size
	ipi.FPU.Features = features
	goruntime.FatalHook = reportThread
}

// Enter enters user mode with the page tables t and returns why it came back.
func (c *Context) Enter(t *pagetable.Table) Reason {
	return Reason(cpu.EnterUser(uintptr(unsafe.Pointer(c)), t.Root()))
}

// Event explains what Enter returned. It must be called for every reason but
// Called, before Enter is called again, with the same page tables.
func (c *Context) Event(r Reason, t *pagetable.Table) Event {
	switch r {
	case Called:
		return Syscall
	case cpu.VectorPrepare:
		c.prepare(t)
		if c.kicked.Load() != 0 {
			c.kicked.Store(0)
			return Interrupt
		}
		return None
	case cpu.ExcPageFault:
		return PageFault
	case cpu.VectorInterrupt, cpu.VectorPending:
		if goruntime.TakePending()&goruntime.PendingYield != 0 {
			goruntime.Yield()
		}
		c.kicked.Store(0)
		return Interrupt
	}
	return Exception
}

// prepare makes this CPU the one that has t loaded and holds the extended
// state of c.
//
//go:nosplit
func (c *Context) prepare(t *pagetable.Table) {
	flags := spin.Disable()
	me := cpu.Current()
	if me.Root != t.Root() {
		usercopy.LoadRoot(t)
	}
	if self := uintptr(unsafe.Pointer(c)); me.FPUOwner != self {
		if c.holder != 0 {
			ipi.Call(1<<((c.holder-1)&63), ipi.SaveFPU, uint64(self), 0, 0)
		}
		ipi.SaveOwner(me)
		cpu.XRSTOR(c.fpu, fpuFeatures)
		if c.selectors != me.Selectors {
			cpu.LoadSelectors(c.selectors)
			me.Selectors = c.selectors
		}
		if cpu.HasPKU && c.pkru != cpu.InitialPKRU {
			x86.WRPKRU(c.pkru)
		}
		x86.WRMSR(x86.MSRKernelGSBase, c.GSBase)
		// Kick stores kicked and then reads holder; Event reads kicked after
		// this. Both are sequentially consistent, so one sees the other.
		atomic.StoreUint64(&c.holder, me.ID+1)
		me.FPUOwner = self
		me.UserFrameEnd = self + cpu.ContextFrameEnd
	}
	spin.Restore(flags)
}

// syncFPU stores the extended state and GSBase in c, wherever they are.
//
//go:nosplit
func (c *Context) syncFPU() {
	flags := spin.Disable()
	if c.holder != 0 {
		ipi.Call(1<<((c.holder-1)&63), ipi.SaveFPU, uint64(uintptr(unsafe.Pointer(c))), 0, 0)
	}
	spin.Restore(flags)
}

// dropFPU is syncFPU for a caller that will overwrite the state.
//
//go:nosplit
func (c *Context) dropFPU() { c.syncFPU() }

// Sync brings FSBase and GSBase up to date, for those who read or set them.
func (c *Context) Sync() { c.syncFPU() }

// Release frees every CPU of state of c. It must be called before c becomes
// garbage: the CPUs know c by its address alone.
func (c *Context) Release() { c.dropFPU() }

// Features returns what Init was given: XCR0 for every CPU.
func Features() uint64 { return fpuFeatures }

// Kick makes the CPU that runs c in user mode, if one does, leave it with the
// event Interrupt, and makes c not enter it before that event. Anyone may call
// it.
func Kick(c *Context) {
	c.kicked.Store(1)
	if holder := atomic.LoadUint64(&c.holder); holder != 0 {
		ipi.Kick(int(holder - 1))
	}
}

// reportThread names the thread that ran in user mode last on CPU on, whose
// system call or fault a fatal error probably happened in. Trap context; on is
// stopped or the calling CPU.
func reportThread(on *cpu.CPU) {
	owner := on.FPUOwner
	if owner == 0 {
		return
	}
	// The owner of a CPU's state is alive: see Release.
	c := *(**Context)(unsafe.Pointer(&owner))
	debugcon.String("last in user mode: ")
	for _, b := range c.label {
		if b != 0 {
			debugcon.Byte(b)
		}
	}
	debugcon.String(" at ")
	debugcon.Hex(c.RIP)
	debugcon.String(", rax ")
	debugcon.Hex(c.RAX)
	debugcon.String("\n")
}
