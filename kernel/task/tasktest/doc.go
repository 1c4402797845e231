//go:build !baremetal

// Package tasktest runs user programs under go test: programs that are Go
// functions. Such a program makes system calls, faults, handles signals and
// forks as a real one does, by way of the user registers and of user memory;
// everything beneath is the kernel's own code on the soft machine.
//
//	status := tasktest.Run(t, func(u *tasktest.User) int {
//		pid := u.Fork(func(c *tasktest.User) int { return 3 })
//		...
//		return 0
//	})
package tasktest
