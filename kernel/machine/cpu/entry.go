//go:build baremetal

package cpu

// Current returns the CPU that runs the caller. In goroutine context the
// answer may be stale at once unless interrupts are off.
func Current() *CPU

// CurrentID returns the index of the CPU that runs the caller, which may be
// another one at once.
func CurrentID() int { return int(Current().ID) }

// InTrap reports whether this CPU runs in trap context, where Go's panics
// and prints have no goroutine to work on.
//
//go:nosplit
func InTrap() bool { return readFS() == Current().trapFS }

func readFS() uintptr

// EnterUser leaves for user mode with the state at ctx, a *ring3.Context, and
// the page tables at root, and returns the vector that brought it back. It
// returns VectorPrepare without having left if this CPU has another root or
// another owner of the extended state, and VectorPending if CPU.Pending is
// set.
func EnterUser(ctx uintptr, root uint64) (vector uintptr)

// StoreSelectors stores DS, ES, FS and GS, 16 bits each, in the word at p.
func StoreSelectors(p uintptr)

// LoadSelectors sets the registers that StoreSelectors stores to what they were
// once, and leaves the bases of FS and GS alone. Interrupts are off.
func LoadSelectors(s uint64)

// XSAVE stores the extended state except SSE at area, XRSTOR loads it.
// features is XCR0. MXCSR in the area is left as it is.
func XSAVE(area uintptr, features uint64)

// XRSTOR loads what XSAVE stored.
func XRSTOR(area uintptr, features uint64)

// spuriousPC returns the entry of the spurious interrupt: an IRETQ.
func spuriousPC() uintptr

func syscallPC() uintptr
func compatPC() uintptr
