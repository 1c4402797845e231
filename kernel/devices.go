//go:build baremetal

package main

import (
	"errors"
	"fmt"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/driver/pci"
	"kevlar/kernel/driver/vconsole"
	"kevlar/kernel/driver/virtio"
	virtiommio "kevlar/kernel/driver/virtio/mmio"
	virtiopci "kevlar/kernel/driver/virtio/pci"
	"kevlar/kernel/fs/dev"
	"kevlar/kernel/fs/sys"
	"kevlar/kernel/klog"
	"kevlar/kernel/machine/acpi"
	"kevlar/kernel/machine/boot"
	"kevlar/kernel/machine/irq"
	"kevlar/kernel/machine/mmio"
	"kevlar/kernel/tty"
	"kevlar/kernel/vfs"
)

// startDevices finds the virtio devices, on PCI and behind plain registers,
// and starts their drivers.
func startDevices() {
	var d devices
	for _, f := range pci.Scan(new(pci.Ports)) {
		if _, ok := virtiopci.Type(f); !ok {
			continue
		}
		t, err := virtiopci.New(f, pciMachine{})
		if err != nil {
			klog.Printf("virtio at %v: %v", f.Address, err)
			continue
		}
		d.start(t)
	}
	for _, l := range mmioDevices() {
		t, err := probeMMIO(l)
		if errors.Is(err, virtiommio.ErrNone) {
			continue
		}
		if err != nil {
			klog.Printf("virtio at %#x: %v", l.Addr, err)
			continue
		}
		d.start(t)
	}
}

// devices counts the devices as they start.
type devices struct{ count int }

// start gives a device to its driver.
func (d *devices) start(t virtio.Transport) {
	index := d.count
	d.count++
	switch id := t.DeviceID(); id {
	case virtio.DeviceConsole:
		c, err := vconsole.New(t, index, nodes{portMajor - uint32(len(consoles))})
		if err != nil {
			klog.Printf("virtio%d: %v", index, err)
			return
		}
		consoles = append(consoles, c)
	default:
		klog.Printf("virtio%d: no driver for devices of type %d", index, id)
	}
}

// pciMachine is what virtio on PCI needs of the machine.
type pciMachine struct{}

func (pciMachine) Map(addr uint64, size uintptr) (pci.Registers, error) { return mmio.Map(addr, size) }

func (pciMachine) ConnectMSI(name string, handler func()) (uint64, uint32, error) {
	return irq.ConnectMSI(name, handler)
}

// mmioDevices returns where virtio devices with plain registers may be: the
// places that the command line names and those that the firmware's tables do.
func mmioDevices() []virtiommio.Location {
	list, err := virtiommio.FromCommandLine(boot.CommandLine())
	if err != nil {
		klog.Printf("command line: %v", err)
	}
	const virtioMMIO = "LNRO0005" // the identifier that Linux knows them by
	acpi.EachDevice(virtioMMIO, func(d acpi.Device) { list = addDevice(list, d) })
	return list
}

func probeMMIO(l virtiommio.Location) (virtio.Transport, error) {
	r, err := mmio.Map(l.Addr, uintptr(l.Size))
	if err != nil {
		return nil, err
	}
	return virtiommio.New(r, func(handler func()) error {
		return irq.Connect(l.GSI, "virtio-mmio", l.Level, l.ActiveLow, handler)
	})
}

// portMajor is the major number of the first virtio console's ports, one of
// those that are given out at run time; the next consoles count down.
const portMajor = 247

// consoles are the virtio consoles; boot fills it.
var consoles []*vconsole.Console

// drainConsoles waits until the host has taken what was written to its ports.
func drainConsoles() {
	for _, c := range consoles {
		c.Drain(drainTimeout)
	}
}

// drainTimeout is how long a host that does not read can hold up power-off.
const drainTimeout = 5 * time.Second

// nodes shows the ports of virtio consoles in /dev and /sys.
type nodes struct{ major uint32 }

// AddPort implements vconsole.Nodes.
func (n nodes) AddPort(name string, p *vconsole.Port) {
	number := abi.MakeDev(n.major, p.ID())
	vfs.RegisterCharDevice(n.major, p.ID(), p.ID(), p.OpenDevice)
	if err := dev.RegisterNode(name, abi.S_IFCHR|0o600, number); err != nil {
		klog.Printf("%s: %v", name, err)
	}
	sysfs.AddDevice(sys.Device{
		Class: "virtio-ports", Name: name, Dev: number,
		Attributes: []sys.Attribute{{Name: "name", Show: p.Label}},
	})
}

// The terminals on virtio consoles: hvc(4) of Linux's devices.txt.
const hvcMajor = 229

// hvcs counts those terminals; boot and interrupts, one at a time, add them.
var hvcs uint32

// AddConsole implements vconsole.Nodes. The first terminal is the console if
// there is no serial port.
func (n nodes) AddConsole(p *vconsole.Port) {
	t := tty.New(fmt.Sprintf("hvc%d", hvcs), abi.MakeDev(hvcMajor, hvcs), p.Line())
	hvcs++
	if err := p.Attach(t); err != nil {
		klog.Printf("%s: %v", t.Name(), err)
		return
	}
	if err := dev.RegisterTTY(t); err != nil {
		klog.Printf("%s: %v", t.Name(), err)
	}
	if tty.Console() == nil {
		tty.SetConsole(t)
	}
}

// RemovePort implements vconsole.Nodes.
func (n nodes) RemovePort(name string) {
	if err := dev.RemoveNode(name); err != nil {
		klog.Printf("%s: %v", name, err)
	}
}
