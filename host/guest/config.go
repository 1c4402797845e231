// Package guest boots a kernel with a root file system and does something useful in it: runs a
// command with the streams and the exit status of a local one, or a shell on a terminal. It is the
// host's half of the protocol whose other half is the init of package initramfs.
//
// The host gives the guest virtio-serial ports 1, 2 and 3 for a command's standard streams, or COM1
// for a shell, port 4 for control, and port 5 if files are wanted in the end. At the start it sends a line on port 1 and on port 4, by
// which the guest knows that the host is connected. On the control port it may then send "winsize
// ROWS COLUMNS" lines. When the command has ended the guest writes a token, agreed on for this run,
// to each output stream, and the line "exit STATUS" to the control port. The host answers "done"
// when it has all of them, and so everything that was written before. Then the guest powers off.
package guest

import (
	"io"
	"strings"
	"time"

	"kevlar/host/accel"
	"kevlar/host/vm"
)

// Kernel is what is booted.
type Kernel struct {
	Image   string // path
	ELF     string // path of the ELF file with its symbols, "" if there is none
	Linux   bool   // it is Linux, not Kevlar
	Overlay []byte // archive that it needs besides the root file system: modules
}

// Config describes the machine of a run.
type Config struct {
	Kernel  Kernel
	Machine string // as in vm.Config
	Accel   accel.Choice
	CPU     string
	CPUs    int
	Mem     int64 // bytes
	Append  string
	Strace  bool   // Kevlar only: system calls to the log
	GDB     string // as in vm.Config

	User string   // that the command or shell runs as: USER or USER:GROUP, names or numbers; "" is root
	Dir  string   // where it starts, an absolute path; "" is / for a command, the home folder for a shell
	Env  []string // NAME=VALUE, added to its environment

	Take  []string  // absolute paths in the guest, of what is wanted when the command or shell has ended
	Taken io.Writer // gets that as a tar archive

	Timeout time.Duration // of the machine's life; 0 is none
	Log     io.Writer     // gets the kernel log; may be nil

	// Contained, if not nil, is called when the run has ended and the Kevlar kernel has survived
	// panics: defects in it that cost no more than the processes they happened to.
	Contained func(panics int)
}

// vm returns the machine that fits the configuration, without its streams.
func (c *Config) vm(root vm.Initramfs, foreign bool) *vm.Config {
	return &vm.Config{
		Machine: c.Machine, Accel: c.Accel, CPU: c.CPU, CPUs: c.CPUs, Mem: c.Mem,
		Kernel:    c.Kernel.Image,
		Initramfs: root,
		Append:    c.commandLine(foreign),
		DebugExit: !c.Kernel.Linux,
		GDB:       c.GDB,
	}
}

// commandLine returns the kernel command line. Linux keeps its log away from the console of our own
// init. A foreign init has the console that Linux takes for its log, too: that is quiet, unless the log is
// wanted, which then comes to the other port by a console that exists from the start of the boot.
// For a debugger the kernel stays at the addresses that its ELF file has.
func (c *Config) commandLine(foreign bool) string {
	var words []string
	switch {
	case c.Kernel.Linux:
		// Of its serial ports Linux makes one only a console.
		console := "console=ttyS1"
		if foreign {
			console = "console=ttyS0"
		}
		words = append(words, console, "panic=-1")
		switch {
		case c.Log == nil:
			words = append(words, "quiet")
		case foreign:
			words = append(words, "earlycon=uart8250,io,0x2f8", "keep_bootcon")
		}
	case c.Strace:
		words = append(words, "strace")
	}
	if c.GDB != "" {
		words = append(words, "nokaslr")
	}
	if c.Append != "" {
		words = append(words, c.Append)
	}
	return strings.Join(words, " ")
}
