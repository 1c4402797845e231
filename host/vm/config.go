// Package vm runs a QEMU virtual machine: its command line, its streams, its end.
package vm

import (
	"fmt"
	"os"
	"strconv"

	"kevlar/host/accel"
)

// Machines are the machine types that Config.Machine may name.
var Machines = []string{"q35", "pc", "microvm"}

// Config describes a virtual machine. The zero value of an optional field leaves the thing out.
type Config struct {
	Machine string       // one of Machines
	Accel   accel.Choice // how the processors run
	CPU     string       // processor model; "" takes the accelerator's best
	CPUs    int          // number of processors, at least 1
	Mem     int64        // memory in bytes, a multiple of 1 MiB

	Kernel    string // path of the image
	Initramfs Initramfs
	Append    string // kernel command line

	Serial    []*Stream // COM1, COM2
	DebugCon  *Stream   // debug console at port 0xe9
	Ports     []Port    // virtio-serial ports
	DebugExit bool      // a byte v written to port 0xf4 ends QEMU with status 2v+1
	GDB       string    // QEMU waits at the first instruction for a debugger here ("tcp::1234")
	Count     bool      // TCG with one CPU: every instruction takes 1 ns of the guest's time, idling none
	Extra     []string  // more QEMU options
}

// Port is a virtio-serial port. The guest sees it by its number, which is at least 1.
type Port struct {
	Number int
	*Stream
}

// DebugExitStatus is QEMU's exit status after the guest wrote v to the debug exit port.
func DebugExitStatus(v byte) int { return int(v)<<1 | 1 }

// files returns what QEMU inherits, in the order of its descriptors from firstFD on.
func (c *Config) files() []*os.File {
	var files []*os.File
	for _, s := range c.streams() {
		files = append(files, s.remote)
	}
	if c.Initramfs.file != nil {
		files = append(files, c.Initramfs.file)
	}
	return files
}

// streams returns all streams in a fixed order.
func (c *Config) streams() []*Stream {
	list := append([]*Stream{}, c.Serial...)
	if c.DebugCon != nil {
		list = append(list, c.DebugCon)
	}
	for _, p := range c.Ports {
		list = append(list, p.Stream)
	}
	return list
}

// firstFD is the number of the first descriptor that a child inherits beyond the standard ones.
const firstFD = 3

// qmpFD returns the descriptor number of the control channel: it follows those of files.
func (c *Config) qmpFD() int { return firstFD + len(c.files()) }

// Args returns QEMU's arguments. Streams appear as sockets on inherited descriptors, so that a
// machine leaves nothing in the file system and cannot be confused with another.
func (c *Config) Args() []string {
	args := []string{"-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none", "-no-reboot"}
	add := func(a ...string) { args = append(args, a...) }

	add("-machine", c.Machine)
	if c.Count {
		add("-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off")
	} else {
		add(c.Accel.Args()...)
	}
	model := c.CPU
	if model == "" {
		model = c.Accel.CPUModel()
	}
	add("-cpu", model, "-smp", strconv.Itoa(c.CPUs), "-m", fmt.Sprintf("%dM", c.Mem>>20))

	fd := firstFD
	chardev := func(id string) {
		add("-chardev", fmt.Sprintf("socket,id=%s,fd=%d", id, fd))
		fd++
	}
	for i := range c.Serial {
		id := fmt.Sprintf("com%d", i+1)
		chardev(id)
		add("-device", "isa-serial,chardev="+id)
	}
	if c.DebugCon != nil {
		chardev("debugcon")
		add("-device", "isa-debugcon,iobase=0xe9,chardev=debugcon")
	}
	if len(c.Ports) > 0 {
		bus := "virtio-serial-pci"
		if c.Machine == "microvm" {
			bus = "virtio-serial-device"
		}
		// The guest sets up queues for as many ports as there may be.
		highest := 0
		for _, p := range c.Ports {
			highest = max(highest, p.Number)
		}
		add("-device", fmt.Sprintf("%s,max_ports=%d", bus, highest+1))
		for _, p := range c.Ports {
			id := fmt.Sprintf("port%d", p.Number)
			chardev(id)
			add("-device", fmt.Sprintf("virtserialport,nr=%d,chardev=%s", p.Number, id))
		}
	}
	if c.DebugExit {
		add("-device", "isa-debug-exit,iobase=0xf4,iosize=0x4")
	}
	add("-chardev", fmt.Sprintf("socket,id=qmp,fd=%d", c.qmpFD()), "-mon", "chardev=qmp,mode=control")
	if c.GDB != "" {
		add("-gdb", c.GDB, "-S")
	}

	add("-kernel", c.Kernel)
	if c.Initramfs.file != nil {
		add("-initrd", fmt.Sprintf("/proc/self/fd/%d", fd))
	} else if c.Initramfs.path != "" {
		add("-initrd", c.Initramfs.path)
	}
	if c.Append != "" {
		add("-append", c.Append)
	}
	return append(args, c.Extra...)
}

// Check reports what no machine can be made of.
func (c *Config) Check() error {
	switch {
	case c.CPUs < 1 || c.CPUs > 255:
		return fmt.Errorf("%d CPUs: 1 to 255 are possible", c.CPUs)
	case c.Mem < 1<<20:
		return fmt.Errorf("too little memory: %d bytes", c.Mem)
	}
	for _, m := range Machines {
		if c.Machine == m {
			return nil
		}
	}
	return fmt.Errorf("unknown machine %q: q35, pc or microvm", c.Machine)
}

// Close releases the machine's streams and its initramfs.
func (c *Config) Close() {
	for _, s := range c.streams() {
		s.Close()
	}
	c.Initramfs.Close()
}
