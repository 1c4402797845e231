package irq

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kevlar/kernel/machine/clock"
	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/goruntime"
	"kevlar/kernel/machine/ioapic"
)

const (
	apicAddress = 0xfec00000
	lines       = 64 // more than there are vectors
)

func TestMain(m *testing.M) {
	ioapic.SoftAdd(apicAddress, lines)
	ioapic.Add(apicAddress, 0)
	m.Run()
}

// reset is the machine before anything is connected.
func reset(t *testing.T) {
	goruntime.SoftReset()
	sources = [len(sources)]source{}
	ResetIdleLatency()
	cpu.Get(0).APIC = 5
	t.Cleanup(func() { onAlarm, onShortage = func() {}, func() {} })
}

func entry(line int) (lo, hi uint32) { return ioapic.SoftEntry(apicAddress, line) }

func masked(line int) bool { lo, _ := entry(line); return lo>>16&1 != 0 }

// vector returns the device vector that a line raises.
func vector(line int) int { lo, _ := entry(line); return int(lo&0xff) - cpu.VectorDevice }

func nothing() {}

func connect(t *testing.T, gsi uint32, level bool, handler func()) {
	t.Helper()
	if err := Connect(gsi, fmt.Sprint("device ", gsi), level, level, handler); err != nil {
		t.Fatal(err)
	}
}

func TestConnectRoutes(t *testing.T) {
	reset(t)
	for i, tt := range []struct {
		gsi        uint32
		level, low bool
		bits       uint32
	}{
		{4, false, false, 0}, {9, true, false, 1 << 15}, {11, true, true, 1<<15 | 1<<13}, {12, false, true, 1 << 13},
	} {
		if err := Connect(tt.gsi, "a device", tt.level, tt.low, nothing); err != nil {
			t.Fatal(err)
		}
		if lo, hi := entry(int(tt.gsi)); lo != uint32(cpu.VectorDevice+i)|tt.bits || hi != 5<<24 {
			t.Errorf("line %d: %#x %#x", tt.gsi, hi, lo)
		}
	}
}

func TestLinesThatAreNotThere(t *testing.T) {
	reset(t)
	for range 2 * len(sources) {
		if err := Connect(lines, "nothing", true, true, nothing); err != errNone {
			t.Fatal(err)
		}
	}
	if list := Sources(); len(list) != 0 {
		t.Errorf("%v", list)
	}
	connect(t, 4, false, nothing) // no vector is used up
	if vector(4) != 0 {
		t.Errorf("vector %d", vector(4))
	}
}

func TestVectorsRunOut(t *testing.T) {
	reset(t)
	seen := map[int]bool{}
	for i := range len(sources) / 2 {
		connect(t, uint32(i), false, nothing)
		seen[vector(i)] = true
		_, data, err := ConnectMSI("a message", nothing)
		if err != nil {
			t.Fatal(err)
		}
		seen[int(data)-cpu.VectorDevice] = true
	}
	for n := range cpu.DeviceVectors {
		if !seen[n] {
			t.Errorf("nobody has vector %d", n)
		}
	}
	if err := Connect(40, "one more", false, false, nothing); err != errNone {
		t.Errorf("a line more than there are vectors: %v", err)
	}
	if _, _, err := ConnectMSI("one more", nothing); err != errNone {
		t.Errorf("a message more than there are vectors: %v", err)
	}
	connect(t, 0, false, nothing) // a shared line needs none
}

func TestMessage(t *testing.T) {
	reset(t)
	connect(t, 4, false, nothing)
	called := 0
	address, data, err := ConnectMSI("disk", func() { called++ })
	if address != 0xfee05000 || data != cpu.VectorDevice+1 || err != nil {
		t.Errorf("%#x at %#x, %v", data, address, err)
	}
	goruntime.SoftInterrupt(1, 0)
	Drain()
	if called != 1 {
		t.Errorf("the handler ran %d times", called)
	}
}

func TestSharedLine(t *testing.T) {
	reset(t)
	var order []string
	for _, name := range []string{"net", "usb", "disk"} {
		if err := Connect(10, name, true, true, func() { order = append(order, name) }); err != nil {
			t.Fatal(err)
		}
	}
	connect(t, 11, true, func() { order = append(order, "another line") })
	goruntime.SoftInterrupt(vector(10), 0)
	goruntime.SoftInterrupt(vector(10), 0)
	Drain()
	if want := []string{"net", "usb", "disk"}; !slices.Equal(order, want) {
		t.Errorf("%q, want %q", order, want)
	}
	want := []Source{{10, "net, usb, disk", 2}, {11, "device 11", 0}}
	if list := Sources(); !slices.Equal(list, want) {
		t.Errorf("%v, want %v", list, want)
	}
	if _, _, err := ConnectMSI("message", nothing); err != nil || Sources()[2].Line >= 0 {
		t.Errorf("%v, %v", Sources(), err)
	}
}

// TestLevelStaysMasked: from the interrupt until the last handler has run.
func TestLevelStaysMasked(t *testing.T) {
	reset(t)
	ran := 0
	check := func() {
		ran++
		if !masked(10) {
			t.Error("the line could interrupt while its handlers run")
		}
	}
	connect(t, 10, true, check)
	connect(t, 10, true, check)
	connect(t, 4, false, func() {
		if masked(4) {
			t.Error("an edge would be lost")
		}
	})
	for range 2 {
		if masked(10) {
			t.Fatal("the line cannot interrupt")
		}
		goruntime.SoftInterrupt(vector(10), 0)
		goruntime.SoftInterrupt(vector(4), 0)
		if !masked(10) {
			t.Fatal("the line interrupts without an end")
		}
		Drain()
	}
	if masked(10) || ran != 4 {
		t.Errorf("masked at the end: %v; handlers ran %d times", masked(10), ran)
	}
}

// TestDrainUntilNothingIsLeft: what comes while handlers run is served too.
func TestDrainUntilNothingIsLeft(t *testing.T) {
	reset(t)
	var order []string
	connect(t, 4, false, func() {
		order = append(order, "4")
		if len(order) < 5 {
			goruntime.SoftInterrupt(vector(4), 0)
		}
		if len(order) == 1 {
			goruntime.SoftRaise(goruntime.ShortageRaised | goruntime.AlarmRaised)
		}
	})
	ConnectAlarm(func() { order = append(order, "alarm") })
	ConnectShortage(func() { order = append(order, "shortage") })
	Drain()
	if len(order) != 0 {
		t.Errorf("%q without a cause", order)
	}
	goruntime.SoftInterrupt(vector(4), 0)
	goruntime.SoftInterrupt(vector(4)+1, 0) // nobody's
	Drain()
	if want := []string{"4", "alarm", "shortage", "4", "4"}; !slices.Equal(order, want) {
		t.Errorf("%q, want %q", order, want)
	}
}

// TestNoInterruptIsLost lets devices interrupt many drainers: whatever a device
// has done before it interrupts, its handler sees, and no handler runs twice at
// once.
func TestNoInterruptIsLost(t *testing.T) {
	reset(t)
	const devices, interrupts = 3, 500
	var work [devices]atomic.Int64
	var seen [devices]int64 // the mutex of the source guards it
	for d := range devices {
		connect(t, uint32(d), d%2 == 0, func() { seen[d] = work[d].Load() })
	}
	var all sync.WaitGroup
	for d := range devices {
		n := vector(d)
		all.Go(func() {
			for range interrupts {
				work[d].Add(1)
				goruntime.SoftInterrupt(n, 0)
			}
		})
	}
	for range 3 {
		all.Go(func() {
			for range interrupts {
				Drain()
			}
		})
	}
	all.Wait()
	Drain()
	for d := range devices {
		if seen[d] != interrupts || goruntime.InterruptCount(vector(d)) != interrupts {
			t.Errorf("device %d: %d of %d seen, %d counted", d, seen[d], interrupts, goruntime.InterruptCount(vector(d)))
		}
	}
}

func TestConnectWhileInterruptsCome(t *testing.T) {
	reset(t)
	connect(t, 1, true, nothing)
	n := vector(1)
	var all sync.WaitGroup
	all.Go(func() {
		for range 200 {
			goruntime.SoftInterrupt(n, 0)
			Drain()
		}
	})
	all.Go(func() {
		for i := range 20 {
			connect(t, uint32(1+i%2), true, nothing)
			Sources()
		}
	})
	all.Wait()
}

// TestTrigger has the encodings of ACPI: 0 is what the bus has, 1 is active high
// and an edge, 3 is active low and a level.
func TestTrigger(t *testing.T) {
	for flags, want := range map[uint16][2]bool{
		0: {false, false}, 1 | 1<<2: {false, false}, 3: {false, true}, 3 << 2: {true, false}, 3 | 3<<2: {true, true},
		1 | 3<<2: {true, false}, 3 | 1<<2: {false, true}, 2 | 2<<2: {false, false}, 0xfff0: {false, false},
	} {
		if level, low := trigger(flags); [2]bool{level, low} != want {
			t.Errorf("flags %#x: level %v, low %v", flags, level, low)
		}
	}
}

func TestConnectISA(t *testing.T) {
	reset(t)
	if err := ConnectISA(4, "serial", nothing); err != nil { // no tables: as on the bus
		t.Fatal(err)
	}
	if lo, _ := entry(4); lo != cpu.VectorDevice {
		t.Errorf("%#x", lo)
	}
}

func TestIdleLatency(t *testing.T) {
	reset(t)
	connect(t, 4, false, nothing)
	interrupt := func(ago time.Duration) {
		goruntime.SoftInterrupt(vector(4), clock.Nanotime()-int64(ago))
		Drain()
	}
	interrupt(time.Hour)
	interrupt(time.Minute)
	goruntime.SoftInterrupt(vector(4), 0) // its CPU was busy
	Drain()
	count, worst := IdleLatency()
	if count != 2 || worst < int64(time.Hour) || worst > int64(time.Hour+time.Minute) {
		t.Errorf("%d interrupts, the slowest %v", count, time.Duration(worst))
	}
	ResetIdleLatency()
	if count, worst := IdleLatency(); count != 0 || worst != 0 {
		t.Errorf("%d, %v after a reset", count, time.Duration(worst))
	}
}

func TestWorstOfMany(t *testing.T) {
	var l latency
	var all sync.WaitGroup
	for i := range int64(4) {
		all.Go(func() {
			for ns := range int64(1000) {
				l.note(ns*4 + i)
			}
		})
	}
	all.Wait()
	if l.count.Load() != 4000 || l.worst.Load() != 3999 {
		t.Errorf("%d, %d", l.count.Load(), l.worst.Load())
	}
}
