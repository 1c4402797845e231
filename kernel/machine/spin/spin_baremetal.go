//go:build baremetal

package spin

// Flags is the saved RFLAGS register, of which the interrupt flag counts.
type Flags uintptr

func irqSave() Flags
func irqRestore(f Flags)
func relax()

// CPU returns the index of the CPU that runs the caller. It is meaningful
// while interrupts are off.
func CPU() int
