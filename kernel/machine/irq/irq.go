package irq

import (
	"errors"
	"sync"

	"kevlar/kernel/machine/acpi"
	"kevlar/kernel/machine/clock"
	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/goruntime"
	"kevlar/kernel/machine/ioapic"
)

// A source is one device vector. Handlers are added, never removed.
type source struct {
	mu       sync.Mutex // held while handlers run: one at a time
	handlers []func()
	name     string
	gsi      uint32
	used     bool
	level    bool
}

var (
	mu      sync.Mutex // guards used and gsi of the sources
	sources [cpu.DeviceVectors]source
)

var errNone = errors.New("irq: no vector or no such interrupt line")

// onAlarm runs when the alarm of goruntime.SetAlarm is due.
var onAlarm = func() {}

// ConnectAlarm makes handler run when the alarm of goruntime.SetAlarm is due.
// It is called once at boot, before the alarm is first set.
func ConnectAlarm(handler func()) { onAlarm = handler }

// onShortage runs when the heap eats up the reserve of page frames.
var onShortage = func() {}

// ConnectShortage makes handler run when the heap has begun on the second half
// of the reserve of page frames. It is called once at boot.
func ConnectShortage(handler func()) { onShortage = handler }

// Drain runs the handlers of the interrupts that have come, of the alarm and of
// a shortage of memory.
func Drain() {
	for {
		set, idleSince := goruntime.TakeRaised()
		if set == 0 {
			return
		}
		if idleSince != 0 {
			idle.note(clock.Nanotime() - idleSince)
		}
		if set&goruntime.AlarmRaised != 0 {
			onAlarm()
		}
		if set&goruntime.ShortageRaised != 0 {
			onShortage()
		}
		for n := range sources {
			if set>>n&1 != 0 {
				sources[n].handle()
			}
		}
	}
}

func (s *source) handle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.handlers {
		h()
	}
	if s.level {
		ioapic.Unmask(s.gsi)
	}
}

// ConnectISA makes handler run after ISA interrupt n.
func ConnectISA(n byte, name string, handler func()) error {
	gsi, flags := acpi.GSI(n)
	level, activeLow := trigger(flags)
	return Connect(gsi, name, level, activeLow, handler)
}

// trigger decodes the flags of an ISA interrupt. Where they say that it is as
// usual on the bus it is edge-triggered and active high: ACPI 5.2.12.5.
func trigger(flags uint16) (level, activeLow bool) {
	const polarity, low = 3, 3
	const mode, levelTriggered = 3 << 2, 3 << 2
	return flags&mode == levelTriggered, flags&polarity == low
}

// Connect makes handler run after interrupts of line gsi, which is level- or
// edge-triggered, active low or high. Several devices may share a line.
func Connect(gsi uint32, name string, level, activeLow bool, handler func()) error {
	mu.Lock()
	defer mu.Unlock()
	for n := range sources {
		if s := &sources[n]; s.used && s.gsi == gsi {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.handlers = append(s.handlers, handler)
			s.name += ", " + name
			return nil
		}
	}
	if !ioapic.Has(gsi) {
		return errNone
	}
	n, err := allocate(name, handler)
	if err != nil {
		return err
	}
	s := &sources[n]
	s.gsi, s.level = gsi, level
	if level {
		goruntime.SetLevel(n, gsi)
	}
	ioapic.Route(gsi, uint32(cpu.VectorDevice+n), cpu.Get(0).APIC, level, activeLow)
	return nil
}

// ConnectMSI makes handler run after a message-signalled interrupt, and returns
// the message that the device must send: Intel SDM volume 3, section 11.11.
func ConnectMSI(name string, handler func()) (address uint64, data uint32, err error) {
	mu.Lock()
	defer mu.Unlock()
	n, err := allocate(name, handler)
	if err != nil {
		return 0, 0, err
	}
	sources[n].gsi = ^uint32(0) - uint32(n)
	return 0xfee00000 | uint64(cpu.Get(0).APIC)<<12, uint32(cpu.VectorDevice + n), nil
}

// allocate takes a free vector. mu is held.
func allocate(name string, handler func()) (int, error) {
	for n := range sources {
		if s := &sources[n]; !s.used {
			s.used, s.name, s.handlers = true, name, []func(){handler}
			return n, nil
		}
	}
	return 0, errNone
}

// A Source describes a device interrupt, for /proc/interrupts.
type Source struct {
	Line  int // global number; negative for messages
	Name  string
	Count uint64
}

// Sources lists the interrupts in use.
func Sources() []Source {
	mu.Lock()
	defer mu.Unlock()
	var list []Source
	for n := range sources {
		if s := &sources[n]; s.used {
			list = append(list, Source{Line: int(int32(s.gsi)), Name: s.name, Count: goruntime.InterruptCount(n)})
		}
	}
	return list
}
