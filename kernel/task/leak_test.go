package task_test

import (
	"runtime"
	"testing"

	"kevlar/kernel/task/tasktest"
)

// TestProgramsLeaveNoHeap runs programs and looks at what the collector finds
// alive before and after.
func TestProgramsLeaveNoHeap(t *testing.T) {
	run(t, func(u *User) int {
		tasktest.Install(t, "/prog", func(u *User) int { return 0 }, 0o755)
		defer tasktest.Remove(t, "/prog")
		alive := func() int64 {
			var m runtime.MemStats
			for range 3 {
				runtime.GC()
			}
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		rounds := func(n int) {
			for range n {
				exec(t, u, "/prog", []string{"prog"}, []string{"A=B"})
			}
		}
		rounds(50)
		before := alive()
		rounds(500)
		if per := (alive() - before) / 500; per > 400 {
			t.Errorf("%d bytes of heap left for each program", per)
		}
		return 0
	})
}
