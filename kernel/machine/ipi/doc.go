// Package ipi makes other CPUs do something: flush translations, drop a page
// table, give up floating-point state.
//
// There is one call at a time, described in static memory. Whoever waits, for
// its turn or for an answer, serves calls addressed to itself meanwhile, so
// that two CPUs that call each other with interrupts off do not deadlock.
package ipi
