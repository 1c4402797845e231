// Package clock turns the time-stamp counter into nanoseconds.
//
// The parameters live in one page that user programs can read too: the vDSO
// reads them the same way. A sequence number guards them: it is odd while they
// change.
package clock
