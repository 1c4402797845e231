package mm

import "kevlar/kernel/machine/frame"

// OnOutOfMemory is called, with no lock held, when a user's demand for memory
// cannot be met. It makes memory free or sees to it that somebody will: the
// caller tries again. kernel/layers.go sets it; while it is nil nobody helps.
var OnOutOfMemory func()

func outOfMemory() {
	if OnOutOfMemory != nil {
		OnOutOfMemory()
	}
}

// MakeMemory is for calls that have failed with ENOMEM, have done nothing yet,
// and hold no lock: it reports whether to try again. It makes memory free if
// page frames are short, and gives up after some tries.
func MakeMemory(tries int) bool {
	if tries >= memoryTries || !frame.Short() {
		return false
	}
	outOfMemory()
	return true
}

// Doom makes faults of as fail with ENOMEM when memory is short, rather than
// wait for some: the process is being killed to make it free.
func (as *AddressSpace) Doom() { as.doomed.Store(true) }
