// Package bench counts the instructions that a kernel takes: to boot, and for operations that
// programs ask of it. Under QEMU's -icount shift=0,sleep=off a guest's time-stamp counter advances by
// one with every instruction, so a program in the guest can count, and the figures are the same on
// every run and every host. An idle guest's counter jumps to the next timer.
package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"kevlar/host/accel"
	"kevlar/host/guest"
	"kevlar/host/vm"
)

// A Subject is a kernel to count.
type Subject struct {
	Kernel  guest.Kernel
	Machine string // as in vm.Config
	CPU     string // as in vm.Config
	Mem     int64  // bytes
	Append  string // more of the kernel command line
}

// Counts are instructions per operation, by the names that suites/bench/bench.c prints.
type Counts map[string]float64

// Names of the counts of Boot.
const (
	began      = "began"       // the counter at the first instruction of /init
	clockBegan = "clock-began" // the counter when the kernel's monotonic clock was 0
)

// Boot boots with an initramfs that holds no more than /init and returns when that began.
func (s *Subject) Boot(ctx context.Context, archives *Archives) (Counts, error) {
	return s.run(ctx, archives.Boot, "", 1)
}

// Operations counts what operations cost.
func (s *Subject) Operations(ctx context.Context, archives *Archives) (Counts, error) {
	c, err := s.run(ctx, archives.Operations, " -- operations", 1)
	if err == nil && c["loop"] != loopInstructions {
		err = fmt.Errorf("a loop of %d instructions counts as %v: the counter does not count instructions", loopInstructions, c["loop"])
	}
	return c, err
}

// IdleInterrupt counts what Kevlar takes from an interrupt of a device, which finds its CPU idle, to
// the goroutine that serves it: the worst of several, in a machine with so many CPUs.
func (s *Subject) IdleInterrupt(ctx context.Context, archives *Archives, cpus int) (float64, error) {
	c, err := s.run(ctx, archives.Boot, " -- interrupts", cpus)
	if err != nil {
		return 0, err
	}
	n, ok := c["idle-interrupt"]
	if !ok {
		return 0, errors.New("the guest's program did not tell of interrupts")
	}
	return n, nil
}

// loopInstructions are the instructions of one turn of the loop by which the counter is checked.
const loopInstructions = 2

// config returns the machine, with the devices that kevlar run gives it, and its console.
func (s *Subject) config(root vm.Initramfs, arguments string, cpus int) (*vm.Config, *vm.Stream, error) {
	c := &vm.Config{
		Machine: s.Machine, Accel: accel.Choice{Mode: accel.TCG}, CPU: s.CPU, CPUs: cpus, Mem: s.Mem,
		Kernel: s.Kernel.Image, Initramfs: root, Append: s.Append + arguments,
		DebugExit: !s.Kernel.Linux, Count: true,
	}
	if s.Kernel.Linux {
		c.Append = "console=ttyS0 quiet panic=-1 " + c.Append
	}
	console, err := vm.NewStream()
	if err != nil {
		return nil, nil, err
	}
	c.Serial = []*vm.Stream{console}
	for n := range 4 {
		port, err := vm.NewStream()
		if err != nil {
			c.Close()
			return nil, nil, err
		}
		c.Ports = append(c.Ports, vm.Port{Number: n + 1, Stream: port})
	}
	return c, console, nil
}

func (s *Subject) run(ctx context.Context, archive []byte, arguments string, cpus int) (Counts, error) {
	root, err := vm.InitramfsData(archive)
	if err != nil {
		return nil, err
	}
	config, console, err := s.config(root, arguments, cpus)
	if err != nil {
		root.Close()
		return nil, err
	}
	defer config.Close()
	machine, err := vm.Start(config)
	if err != nil {
		return nil, err
	}
	defer machine.Kill()
	stop := context.AfterFunc(ctx, machine.Kill)
	defer stop()
	text, err := converse(console)
	exit := machine.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, err
	case exit.Message != "":
		return nil, errors.New(exit.Message)
	}
	return parse(text)
}

// reaction is how long it takes to press a key.
const reaction = 50 * time.Millisecond

// converse reads what the guest prints until its end. It answers a line that says "press" with an
// empty one, a little later, when the guest has become idle.
func converse(console io.ReadWriter) ([]byte, error) {
	var text bytes.Buffer
	lines := bufio.NewReader(console)
	for {
		line, err := lines.ReadBytes('\n')
		text.Write(line)
		if err == io.EOF {
			return text.Bytes(), nil
		}
		if err != nil {
			return nil, err
		}
		if string(bytes.TrimSpace(line)) == "press" {
			time.Sleep(reaction)
			if _, err := io.WriteString(console, "\n"); err != nil {
				return nil, err
			}
		}
	}
}

// parse reads what the program printed on the console: lines "NAME TICKS OPERATIONS" among those of
// the kernel, and "end 0 1" as the last.
func parse(text []byte) (Counts, error) {
	c := Counts{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) != 3 {
			continue
		}
		ticks, err := strconv.ParseUint(words[1], 10, 64)
		operations, err2 := strconv.ParseUint(words[2], 10, 64)
		if err != nil || err2 != nil || operations == 0 {
			continue
		}
		if words[0] == "end" {
			return c, nil
		}
		c[words[0]] = float64(ticks) / float64(operations)
	}
	return nil, fmt.Errorf("the guest's program did not come to its end; the console said:\n%s", bytes.TrimSpace(text))
}
