package task_test

import (
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/task/tasktest"
)

// BenchmarkSignal sends a signal, enters its handler and returns from it.
func BenchmarkSignal(b *testing.B) {
	tasktest.Run(b, func(u *User) int {
		u.Handle(abi.SIGUSR1, 0, func(*User, int) {})
		u.Do(func(tk *task.Task) {
			b.ReportAllocs()
			before := tk.Ctx.Registers
			for b.Loop() {
				tk.Tgkill(1, 1, abi.SIGUSR1)
				tk.HandleSignals()
				tk.Ctx.RSP += 8
				tk.SigReturn()
			}
			tk.Ctx.Registers = before
		})
		return 0
	})
}

// BenchmarkFork makes a process that ends at once, and waits for it.
func BenchmarkFork(b *testing.B) {
	tasktest.Run(b, func(u *User) int {
		b.ReportAllocs()
		for b.Loop() {
			u.Fork(func(*User) int { return 0 })
			u.Wait(-1, 0)
		}
		return 0
	})
}
