package mm

import (
	"time"

	"kevlar/kernel/kmem"
	"kevlar/kernel/machine/frame"
)

// OnOutOfMemory is called, with no lock of this package held, when a user's demand for memory
// cannot be met. It makes memory free or sees to it that somebody will: the
// caller tries again. kernel/layers.go sets it; while it is nil nobody helps.
var OnOutOfMemory func()

func outOfMemory() {
	if OnOutOfMemory != nil {
		OnOutOfMemory()
	}
}

// MakeMemory is for calls that have failed with ENOMEM, have done nothing yet,
// and hold no lock: it reports whether to try again. If page frames are short it
// makes memory free; if the kernel's own share of them is, somebody does, and it
// waits a little. It gives up after some tries; after few if nothing is short,
// for then either memory has come back meanwhile, or a limit is reached.
func MakeMemory(tries int) bool {
	switch {
	case tries >= memoryTries:
		return false
	case frame.Short():
		outOfMemory()
		return true
	case kmem.Short():
		time.Sleep(memoryPause)
		return true
	}
	return tries < limitTries
}

const (
	// memoryPause is how long the killer gets for making kernel memory free.
	memoryPause = 10 * time.Millisecond
	// limitTries is how often is tried what no shortage explains.
	limitTries = 3
)

// Doom makes faults of as fail with ENOMEM when memory is short, rather than
// wait for some: the process is being killed to make it free.
func (as *AddressSpace) Doom() { as.doomed.Store(true) }
