package syscalls

import (
	"testing"

	"kevlar/kernel/abi"
)

func TestForkAndWait(t *testing.T) {
	run(t, func(u *user) {
		pid := u.sys(abi.SYS_GETPID)
		child := u.fork(func(c *user) {
			c.is(pid, abi.SYS_GETPPID)
			c.sys(abi.SYS_EXIT_GROUP, 7)
		})
		if s := u.wait(child); s != 7<<8 {
			u.Errorf("status %#x, want 7 in the second byte", s)
		}
		u.fails(abi.ECHILD, abi.SYS_WAIT4, ^uintptr(0), 0, 0, 0)
	})
}
