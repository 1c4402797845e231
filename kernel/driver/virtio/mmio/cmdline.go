package mmio

import (
	"errors"
	"strconv"
	"strings"
)

// A Location says where a device's registers lie and which interrupt it
// raises.
type Location struct {
	Addr      uint64 // physical address
	Size      uint64 // bytes
	GSI       uint32 // global system interrupt: an input of the I/O APICs
	Level     bool   // the interrupt is level-triggered, otherwise edge-triggered
	ActiveLow bool
}

// parameter is the name of Linux's kernel parameter.
const parameter = "virtio_mmio.device="

var errSyntax = errors.New("virtio-mmio: want virtio_mmio.device=SIZE@ADDRESS:IRQ[:ID]")

// FromCommandLine returns the devices that a kernel command line names the
// way Linux takes them: virtio_mmio.device=SIZE@ADDRESS:IRQ[:ID]. Parameters
// in a wrong form are skipped and reported.
func FromCommandLine(cmdline string) (devices []Location, err error) {
	for _, word := range strings.Fields(cmdline) {
		if value, ok := strings.CutPrefix(word, parameter); ok {
			l, e := parseLocation(value)
			if e != nil {
				err = e
				continue
			}
			devices = append(devices, l)
		}
	}
	return devices, err
}

func parseLocation(s string) (Location, error) {
	size, rest, ok := strings.Cut(s, "@")
	addr, rest, ok2 := strings.Cut(rest, ":")
	irq, id, hasID := strings.Cut(rest, ":")
	if !ok || !ok2 {
		return Location{}, errSyntax
	}
	var l Location
	var errs [4]error
	var gsi uint64
	l.Size, errs[0] = parseSize(size)
	l.Addr, errs[1] = strconv.ParseUint(addr, 0, 64)
	gsi, errs[2] = strconv.ParseUint(irq, 0, 32)
	if hasID {
		_, errs[3] = strconv.ParseUint(id, 0, 32)
	}
	for _, err := range errs {
		if err != nil {
			return Location{}, errSyntax
		}
	}
	l.GSI = uint32(gsi)
	return l, nil
}

// parseSize reads a number that may end in K, M or G.
func parseSize(s string) (uint64, error) {
	shift := 0
	if n := len(s); n > 0 {
		switch s[n-1] {
		case 'K', 'k':
			shift = 10
		case 'M', 'm':
			shift = 20
		case 'G', 'g':
			shift = 30
		}
		if shift != 0 {
			s = s[:n-1]
		}
	}
	v, err := strconv.ParseUint(s, 0, 64)
	if err == nil && v<<shift>>shift != v {
		err = strconv.ErrRange
	}
	return v << shift, err
}
