// Package soak runs storms of different kinds at once, in a machine with too little memory: programs, pipes, files,
// memory, threads, signals, events, terminals, locks, and one that takes memory until it is killed for it. Each
// checks what it does; none may stall, and no other may be killed. "kevlar test soak --for 1h" goes on for an hour
// in each machine; --cpus picks one.
//
// The program is in guest.
package soak
