//go:build baremetal

package power

// tripleFault resets the processor as a last resort: an exception without a
// table of handlers.
func tripleFault()
