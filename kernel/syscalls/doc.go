// Package syscalls answers the system calls of user programs.
//
// Table has one row for each number of x86-64. A row names the call, the
// function that serves it, how its arguments are shown in a trace, and how
// complete it is; docs/COMPATIBILITY.md is generated from it.
//
// A function that serves a call is thin: it decodes the arguments, calls the
// package whose subject it is, and encodes the result. There is one file per
// family of calls. What a function returns is an abi.Errno or nil; restart
// codes (abi.ERESTARTSYS and its kin) are for signal delivery to translate.
//
// File operations never block, so the loops that wait for a file are here:
// try, register on the file's wait queue, try again, sleep.
//
// Calls that programs make often allocate nothing. What they need in memory
// is in the thread: a small scratch buffer and a view of user memory.
package syscalls

//go:generate go test -run TestCompatibility -update
