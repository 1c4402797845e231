//go:build !baremetal

package spin

import "runtime"

// Flags is the saved interrupt flag.
type Flags uintptr

func irqSave() Flags   { return 0 }
func irqRestore(Flags) {}
func relax()           { runtime.Gosched() }

// CPU returns the index of this CPU.
func CPU() int { return 0 }
