package mm

import "sync/atomic"

var oomHandler atomic.Pointer[func()]

// SetOOMHandler sets what is called, with no lock held, when a user's demand
// for memory cannot be met. It makes memory free or sees to it that somebody
// will: the caller tries again.
func SetOOMHandler(f func()) { oomHandler.Store(&f) }

func outOfMemory() {
	if f := oomHandler.Load(); f != nil {
		(*f)()
	}
}
