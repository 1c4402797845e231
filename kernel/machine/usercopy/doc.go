// Package usercopy copies to and from the memory of user programs.
//
// Every function takes the table of the address space, which the calling
// thread has loaded, and stops at the first byte that the user could not
// access: it returns how many bytes are left, and the address of that byte,
// for the caller to resolve the fault and go on behind what was done. All
// bytes before the fault are copied and none after it. Addresses outside of
// the user's half fault without being touched. User memory may change at any
// time: what was read once may read differently again.
//
// A user's page tables decide: a page that the user may not write is not
// written for it either.
package usercopy
