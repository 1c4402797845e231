// Package goruntime is the Linux that the Go runtime sees.
//
// The runtime inside the kernel was built for Linux: it makes system calls
// with the SYSCALL instruction, from ring 0. This package answers them. A
// kernel thread here is what the runtime calls an M; goroutines are the
// runtime's own affair. Calls that are not known are refused loudly.
//
// Everything runs in trap context (see package cpu) unless its comment says
// otherwise: interrupts off, no allocation, no blocking, no Go pointers
// stored. Threads are therefore named by their index.
//
// Lock order: sched, then nothing. vm, then the frame allocator's locks. No
// lock is held while another CPU is called (package ipi).
package goruntime
