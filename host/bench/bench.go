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
	"math"
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

// Counts are what /init tells of a boot, by the names that suites/bench/init.c prints.
type Counts map[string]float64

// Names of the counts of Boot.
const (
	began      = "began"       // the counter at the first instruction of /init
	clockBegan = "clock-began" // the counter when the kernel's monotonic clock was 0
)

// A Count is what one operation costs, in instructions of user mode and kernel together.
type Count struct {
	Name  string  `json:"name"`  // GROUP/OPERATION
	Mean  float64 `json:"mean"`  // of all rounds
	Least float64 `json:"least"` // of the cheapest runs
}

// Boot boots with an initramfs that holds no more than /init and returns when that began.
func (s *Subject) Boot(ctx context.Context, archives *Archives) (Counts, error) {
	text, err := s.run(ctx, archives.Boot, "", 1)
	if err != nil {
		return nil, err
	}
	return parseCounts(text), nil
}

// Operations counts what the operations cost whose names, with or without their group, match a pattern as
// of fnmatch(3).
func (s *Subject) Operations(ctx context.Context, archives *Archives, pattern string) ([]Count, error) {
	text, err := s.run(ctx, archives.Operations, " -- operations "+pattern, 1)
	if err != nil {
		return nil, err
	}
	list := parseOperations(text)
	for _, c := range list {
		if c.Name == loopName && math.Abs(c.Least-loopInstructions) > 0.001 {
			return nil, fmt.Errorf("a loop of %d instructions counts as %v: the counter does not count instructions", loopInstructions, c.Least)
		}
	}
	return list, nil
}

// IdleInterrupt counts what Kevlar takes from an interrupt of a device, which finds its CPU idle, to
// the goroutine that serves it: the worst of several, in a machine with so many CPUs.
func (s *Subject) IdleInterrupt(ctx context.Context, archives *Archives, cpus int) (float64, error) {
	text, err := s.run(ctx, archives.Boot, " -- interrupts", cpus)
	if err != nil {
		return 0, err
	}
	n, ok := parseCounts(text)["idle-interrupt"]
	if !ok {
		return 0, errors.New("the guest's program did not tell of interrupts")
	}
	return n, nil
}

// loopName is the loop by which the counter is checked, loopInstructions what a turn of it has.
const (
	loopName         = "calls/loop"
	loopInstructions = 2
)

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

func (s *Subject) run(ctx context.Context, archive []byte, arguments string, cpus int) ([]byte, error) {
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
	return text, complete(text)
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

// complete returns an error unless text, which was printed on the console, has the last line of the program,
// "end 0 1". A line that begins with "failed" says why it has not.
func complete(text []byte) error {
	for line := range bytes.Lines(text) {
		switch line := string(bytes.TrimSpace(line)); {
		case line == "end 0 1":
			return nil
		case strings.HasPrefix(line, "failed "):
			return errors.New(line)
		}
	}
	return fmt.Errorf("the guest's program did not come to its end; the console said:\n%s", bytes.TrimSpace(text))
}

// parseCounts reads the lines "NAME TICKS OPERATIONS" among those of the kernel.
func parseCounts(text []byte) Counts {
	c := Counts{}
	for line := range bytes.Lines(text) {
		words := strings.Fields(string(line))
		if len(words) != 3 {
			continue
		}
		ticks, err := strconv.ParseUint(words[1], 10, 64)
		operations, err2 := strconv.ParseUint(words[2], 10, 64)
		if err == nil && err2 == nil && operations != 0 {
			c[words[0]] = float64(ticks) / float64(operations)
		}
	}
	return c
}

// parseOperations reads the lines "row NAME OPERATIONS INSTRUCTIONS LEAST".
func parseOperations(text []byte) (list []Count) {
	for line := range bytes.Lines(text) {
		words := strings.Fields(string(line))
		if len(words) != 5 || words[0] != "row" {
			continue
		}
		var n [3]float64
		for i, w := range words[2:] {
			v, err := strconv.ParseInt(w, 10, 64)
			if err != nil {
				v = 0
			}
			n[i] = float64(v)
		}
		if n[0] > 0 {
			list = append(list, Count{words[1], n[1] / n[0], n[2] / n[0]})
		}
	}
	return list
}
