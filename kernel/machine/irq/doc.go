// Package irq brings device interrupts to goroutines.
//
// An interrupt only sets a bit. Handlers run in goroutine context: a thread
// that is about to return to user mode drains the bits, and on an idle machine
// a goroutine of this package does, which the runtime's network poller wakes.
// A level-triggered line is masked from the interrupt until its handlers have
// run.
package irq
