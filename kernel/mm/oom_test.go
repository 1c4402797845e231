package mm

import (
	"testing"

	"kevlar/kernel/machine/frame"
)

// allFrames takes all page frames that are free.
func allFrames() (hog []frame.Frame) {
	for {
		f, err := frame.Alloc()
		if err != nil {
			return hog
		}
		hog = append(hog, f)
	}
}

// TestMakeMemory counts how often is tried again when frames are short, and when they are not.
func TestMakeMemory(t *testing.T) {
	asked := 0
	OnOutOfMemory = func() { asked++ }
	defer func() { OnOutOfMemory = nil }()
	tries := func() (n int) {
		for MakeMemory(n) {
			n++
		}
		return n
	}
	if n := tries(); n != limitTries || asked != 0 {
		t.Errorf("%d tries, memory asked for %d times, though there is some", n, asked)
	}
	hog := allFrames()
	defer frame.PutAll(hog)
	if n := tries(); n != memoryTries || asked != memoryTries {
		t.Errorf("%d tries, memory asked for %d times, when there is none", n, asked)
	}
}
