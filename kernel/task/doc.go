// Package task is threads and processes: their birth, what they execute, the
// signals between them, their end, and who waits for it.
//
// # Words
//
// A Task is a Linux thread. A ThreadGroup is a process: threads with a common
// process ID. A ProcessGroup is a job, a Session the jobs of one login. A
// goroutine runs each Task all its life: the task's owner. It calls
// ring3.Enter, serves what ended user mode, does what signals ask for, and
// enters user mode again (run.go).
//
// # Work
//
// Whatever makes a thread do something before it returns to user mode sets a
// bit in Task.work, which the owner tests once per round: a signal, a stop,
// the end. A thread that sleeps is woken by its Sleeper, whose Interrupt goes
// with workSignal. Both change with the group's mu held, by notifySignal and
// recalcPending.
//
// A thread ends by itself: exit(2), a fatal signal or an execve by another of
// its process set workExit or workKill, and the owner does the rest (exit.go)
// with no lock held and nothing left to serve.
//
// # Panics
//
// A panic while a task is served is recovered in serve. It is logged, counted
// and ends the process, and nothing else: locks on the way are released by
// defer.
//
// # Locks
//
// In this order:
//
//	a terminal's lock
//	oom.mu: who is killed for memory; page faults take it, under the locks
//	    that are held while user memory is copied
//	treeMu: who there is, and who belongs to whom
//	ThreadGroup.mu: signals, stops, timers, and what threads have consumed
//	signal.Actions, limit.Limits, users.mu
//	Task.mu: what the owner may replace, for everyone else
//	wait queues
//
// Two groups' mu are never held at once. What the owner alone changes it reads
// without a lock. Address spaces, descriptor tables and files are released
// with none of these locks held.
//
// # What clone shares, copies and begins afresh
//
// Flags are those of clone(2) without their CLONE_. "Thread" stands for
// THREAD, which needs SIGHAND and VM.
//
//	address space               VM: shared      otherwise copied, on write
//	program, its arguments      shared until execve
//	descriptor table            FILES: shared   otherwise copied
//	root, directory, umask      FS: shared      otherwise copied
//	signal actions              SIGHAND: shared otherwise copied;
//	                            CLEAR_SIGHAND: copied, handlers to default
//	signal mask                 copied
//	pending signals             of the thread: none; of the process:
//	                            Thread: shared  otherwise none
//	alternate signal stack      VM without VFORK: none, otherwise copied
//	registers, FP state         copied; RAX is 0, stack and FS base as asked
//	credentials                 shared until one changes them
//	no_new_privs, timer slack   copied
//	name, nice, policy          copied (SCHED_RESET_ON_FORK: to default)
//	resource limits             Thread: shared  otherwise copied
//	dumpable, personality,
//	oom_score_adj               Thread: shared  otherwise copied
//	interval timers, POSIX
//	timers, CPU time            Thread: shared  otherwise none
//	process group, session,
//	terminal                    those of the parent
//	death signal, robust list,
//	TID address, restart block  none
//	subreaper                   Thread: shared  otherwise no
//	parent                      PARENT, Thread: the parent's, otherwise the caller
//
// # What execve keeps and resets
//
// Other threads end, and the caller gets the leader's ID.
//
//	kept     process ID, parent, process group, session, terminal, root,
//	         directory, umask, signal mask, pending signals, ignored signals,
//	         interval timers, CPU time, limits, nice, policy, no_new_privs,
//	         timer slack, oom_score_adj, real user and group, supplementary
//	         groups, descriptors without close-on-exec
//	new      address space, program, arguments, name, registers, FP state
//	unshared descriptor table, signal actions; with new privileges root,
//	         directory and umask
//	reset    caught signals to default, all flags and masks of actions,
//	         alternate signal stack, POSIX timers, robust list, TID address,
//	         restart block, exit signal to SIGCHLD, dumpable
//	changed  effective, saved and file user and group, capabilities, and with
//	         new privileges the death signal, the limit of the stack and some
//	         flags of the personality: exec_cred.go
package task
