//go:build !baremetal

package power

// tripleFault is where those come whose machine ended by nothing else.
func tripleFault() { panic("power: triple fault") }
