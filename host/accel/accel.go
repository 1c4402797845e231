// Package accel chooses how the virtual machine's processors run: on the hardware by KVM, or
// emulated by QEMU's TCG.
package accel

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Mode is an accelerator by the name QEMU knows it.
type Mode string

const (
	KVM Mode = "kvm"
	TCG Mode = "tcg"
)

// Choice is an accelerator and the reason it was taken.
type Choice struct {
	Mode   Mode
	Reason string
}

func (c Choice) String() string { return fmt.Sprintf("%s (%s)", c.Mode, c.Reason) }

// Args returns QEMU's options for the accelerator.
func (c Choice) Args() []string {
	if c.Mode == KVM {
		return []string{"-accel", "kvm"}
	}
	return []string{"-accel", "tcg,thread=multi"}
}

// CPUModel returns the processor model that fits the accelerator best: all that it can do.
func (c Choice) CPUModel() string {
	if c.Mode == KVM {
		return "host"
	}
	return "max"
}

// Probe is where Choose looks at the host.
type Probe struct {
	Device  string // the KVM device
	CPUInfo string // the processor list of proc(5)
}

// Host is the machine this program runs on.
var Host = Probe{Device: "/dev/kvm", CPUInfo: "/proc/cpuinfo"}

// Choose turns what was asked for ("auto", "kvm" or "tcg") into an accelerator. Auto takes KVM only
// if the device opens and the processor shows vmx or svm: a KVM device without hardware
// virtualisation behind it emulates, and guests crawl there or QEMU gives up on it. Whoever asks for
// kvm is told which of the two is missing.
func (p Probe) Choose(want string) (Choice, error) {
	switch want {
	case "tcg":
		return Choice{TCG, "asked for"}, nil
	case "kvm":
		if err := p.open(); err != nil {
			return Choice{}, fmt.Errorf("no KVM on this machine: %v; --accel tcg emulates", err)
		}
		if p.flag() == "" {
			return Choice{}, fmt.Errorf("no KVM on this machine: %s; --accel tcg emulates", p.bare())
		}
		return Choice{KVM, "asked for"}, nil
	case "auto", "":
		if err := p.open(); err != nil {
			return Choice{TCG, err.Error()}, nil
		}
		flag := p.flag()
		if flag == "" {
			return Choice{TCG, p.bare()}, nil
		}
		return Choice{KVM, p.Device + " opens and the processor has " + flag}, nil
	}
	return Choice{}, fmt.Errorf("unknown accelerator %q: auto, kvm or tcg", want)
}

// bare says that the device stands for nothing.
func (p Probe) bare() string {
	return p.Device + " opens, but the processor shows neither vmx nor svm"
}

func (p Probe) open() error {
	f, err := os.OpenFile(p.Device, os.O_RDWR, 0)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			return fmt.Errorf("%s: %v", p.Device, pe.Err)
		}
		return err
	}
	return f.Close()
}

// flag returns the flag of hardware virtualisation that the first processor shows, or "".
func (p Probe) flag() string {
	data, _ := os.ReadFile(p.CPUInfo)
	for line := range bytes.Lines(data) {
		name, value, ok := strings.Cut(string(line), ":")
		if !ok || strings.TrimSpace(name) != "flags" {
			continue
		}
		for _, f := range strings.Fields(value) {
			if f == "vmx" || f == "svm" {
				return f
			}
		}
		return ""
	}
	return ""
}
