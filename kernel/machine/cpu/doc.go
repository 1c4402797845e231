// Package cpu is one processor as the kernel sees it: its descriptor tables,
// its private data, the entry code for system calls, interrupts and
// exceptions, and how the other processors start.
//
// Every CPU owns one CPU structure; GS points at it while the kernel runs.
// Entry code saves the interrupted state, switches to a trap stack and calls
// one of the Hooks, which are ordinary Go functions that run with interrupts
// off on a fake g. Such code is in trap context: it must not allocate, block,
// panic, or store Go pointers (a write barrier needs a real g).
//
// Stacks. Goroutine stacks are tiny, so every interrupt and exception
// switches stacks through the IST:
//
//	IST1  interrupts: the end of the running thread's ThreadState, so that
//	      the processor itself stores the interrupted state in its place
//	IST2  exceptions: a stack of their own, as they may nest over a trap
//	IST3  NMI
//	IST4  double fault
//	IST5  machine check
//	IST6  debug exceptions
//
// The last four may come at any instruction of ring 0, also where GS and FS
// are the user's still or again, who may set them to what he likes. Their
// entry finds the CPU by what stands above the frame on the stack of their
// own, and puts back what it found.
//
// Programs run 64-bit code only: there is no 32-bit code segment, no local
// descriptor table, no call gate, no I/O bitmap, and SYSENTER faults. So CS and
// SS of user mode are UserCS and UserSS always. The data segment registers are
// the program's own; see Selectors.
package cpu
