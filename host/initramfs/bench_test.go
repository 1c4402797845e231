package initramfs

import (
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The sizes of the manifest that is measured with: sixty C programs and three packages.
const benchPrograms = 60

// settle waits until the times of files that were just written tell that they do not change any more.
func settle() { time.Sleep(2100 * time.Millisecond) }

// BenchmarkNothingChanged builds again what was built. It must not take more than 30 ms.
func BenchmarkNothingChanged(b *testing.B) {
	s := newSite(b, benchPrograms)
	settle()
	s.build()
	s.build()
	for b.Loop() {
		s.build()
	}
	if s.parts() != "" {
		b.Errorf("built %q", s.parts())
	}
}

// BenchmarkSourceChanged has one C program change each time. It must not take more than 500 ms.
func BenchmarkSourceChanged(b *testing.B) {
	s := newSite(b, benchPrograms)
	settle()
	s.build()
	for i := 0; b.Loop(); i++ {
		s.write("c/p30.c", fmt.Sprintf("int main(void) { return %d; } // %d\n", i%100, time.Now().UnixNano()))
		s.build()
		if s.parts() != "c/p30.c" {
			b.Fatalf("built %q", s.parts())
		}
	}
}

// BenchmarkFileChanged has one file of the manifest change each time. It must not take more than 200 ms.
func BenchmarkFileChanged(b *testing.B) {
	s := newSite(b, benchPrograms)
	settle()
	s.build()
	for b.Loop() {
		s.write("motd", fmt.Sprintln(time.Now().UnixNano()))
		s.build()
		if s.parts() != "/etc/motd" {
			b.Fatalf("built %q", s.parts())
		}
	}
}

// BenchmarkEmptyStore builds everything. The metric tells how many processors were busy.
func BenchmarkEmptyStore(b *testing.B) {
	s := newSite(b, benchPrograms)
	busy := processorTime(b)
	for b.Loop() {
		if err := os.RemoveAll(s.builder.Dir); err != nil {
			b.Fatal(err)
		}
		s.build()
	}
	b.ReportMetric((processorTime(b)-busy).Seconds()/b.Elapsed().Seconds(), "cpus")
}

// processorTime returns what this process and its children have used.
func processorTime(b *testing.B) (sum time.Duration) {
	b.Helper()
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if err := unix.Getrusage(who, &u); err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum
}
