package goruntime

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/ioapic"
)

const apicAddress = 0xfec00000

// TestMain gives the software machine an I/O APIC.
func TestMain(m *testing.M) {
	ioapic.SoftAdd(apicAddress, 24)
	ioapic.Add(apicAddress, 0)
	m.Run()
}

func TestInterruptsAreTakenOnce(t *testing.T) {
	SoftReset()
	if set, since := TakeRaised(); set != 0 || since != 0 {
		t.Fatalf("%#x since %d at first", set, since)
	}
	SoftInterrupt(0, 0)
	SoftInterrupt(cpu.DeviceVectors-1, 0)
	SoftInterrupt(0, 0)
	SoftRaise(AlarmRaised)
	if set, _ := TakeRaised(); set != 1<<0|1<<(cpu.DeviceVectors-1)|AlarmRaised {
		t.Errorf("%#x", set)
	}
	if set, _ := TakeRaised(); set != 0 {
		t.Errorf("%#x a second time", set)
	}
	for n, want := range map[int]uint64{0: 2, 1: 0, cpu.DeviceVectors - 1: 1} {
		if got := InterruptCount(n); got != want {
			t.Errorf("vector %d has interrupted %d times, want %d", n, got, want)
		}
	}
}

func TestBitsAreApart(t *testing.T) {
	const devices = 1<<cpu.DeviceVectors - 1
	if AlarmRaised&devices != 0 || ShortageRaised&devices != 0 || AlarmRaised == ShortageRaised {
		t.Errorf("alarm %#x, shortage %#x", uint64(AlarmRaised), uint64(ShortageRaised))
	}
}

// TestLevelIsMasked: what would interrupt again at once waits until it is
// handled; an edge is lost if its line is masked.
func TestLevelIsMasked(t *testing.T) {
	SoftReset()
	masked := func(line int) bool {
		lo, _ := ioapic.SoftEntry(apicAddress, line)
		return lo>>16&1 != 0
	}
	ioapic.Route(9, cpu.VectorDevice+3, 0, true, true)
	ioapic.Route(4, cpu.VectorDevice+4, 0, false, false)
	ioapic.Route(0, cpu.VectorDevice, 0, false, false)
	SetLevel(3, 9)
	SoftInterrupt(4, 0)
	if masked(0) || masked(4) || masked(9) {
		t.Error("an edge masks a line")
	}
	SoftInterrupt(3, 0)
	if !masked(9) || masked(4) {
		t.Error("a level does not mask its line alone")
	}
}

func TestIdleSinceTheFirst(t *testing.T) {
	SoftReset()
	SoftInterrupt(1, 0)
	SoftInterrupt(2, 70)
	SoftInterrupt(3, 50) // its CPU was slower to tell
	if _, since := TakeRaised(); since != 70 {
		t.Errorf("since %d", since)
	}
	SoftInterrupt(1, 0)
	if _, since := TakeRaised(); since != 0 {
		t.Errorf("since %d though no CPU was idle", since)
	}
}

// TestNoTimeIsLeftBehind takes while an interrupt comes: when that is over and
// taken, its time must not be told of a later one.
func TestNoTimeIsLeftBehind(t *testing.T) {
	SoftReset()
	const rounds, atMost = 100000, 2 * time.Second
	var begun, over atomic.Int64
	await := func(word *atomic.Int64, round int64) {
		for spins := 1; word.Load() < round; spins++ {
			if spins%1000 == 0 {
				runtime.Gosched()
			}
		}
	}
	const end = rounds + 1
	defer begun.Store(end)
	go func() {
		for round := int64(1); ; round++ {
			if await(&begun, round); begun.Load() == end {
				return
			}
			SoftInterrupt(0, round)
			over.Store(round)
		}
	}()
	start := time.Now()
	for round := int64(1); round <= rounds && time.Since(start) < atMost; round++ {
		SoftRaise(AlarmRaised)
		begun.Store(round)
		for range round % 32 { // now sooner, now later
			begun.Load()
		}
		TakeRaised()
		await(&over, round)
		TakeRaised()
		SoftInterrupt(1, 0)
		if _, since := TakeRaised(); since != 0 {
			t.Fatalf("round %d: the time of an interrupt that was taken is told of another", round)
		}
	}
}
