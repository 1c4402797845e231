package proc

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/pseudo"
	"kevlar/kernel/vfs"
)

// A Sysctl is a file of /proc/sys: a setting of the kernel, or a fact.
type Sysctl struct {
	Path string // below /proc/sys
	Mode uint32
	// Get returns the text without the newline at its end.
	Get func() string
	// Set takes what was written, without the newline at its end. It is nil
	// for a fact.
	Set func(text string) error
}

// AddSysctl adds files to /proc/sys, and the directories they are in.
func (fs *FS) AddSysctl(list ...Sysctl) {
	fs.filling.Do(func() {
		for _, s := range list {
			fs.addSysctl(s)
		}
	})
}

func (fs *FS) addSysctl(s Sysctl) {
	d := fs.sys
	parts := strings.Split(s.Path, "/")
	for _, name := range parts[:len(parts)-1] {
		if sub, ok := d.Get(name).(*dir); ok {
			d = &sub.Dir
		} else {
			d = fs.mkdir(d, name)
		}
	}
	view := pseudo.View{
		Strict: true,
		Show: func(_ vfs.Caller, w *bytes.Buffer) error {
			w.WriteString(s.Get())
			w.WriteByte('\n')
			return nil
		},
	}
	if s.Set != nil {
		view.Store = func(_ vfs.Caller, text []byte) error {
			if len(text) == 0 {
				return nil
			}
			return s.Set(strings.TrimRight(string(text), "\n\x00"))
		}
	}
	d.Add(parts[len(parts)-1], pseudo.NewText(fs.node(abi.S_IFREG|s.Mode), view))
}

// mkdir makes a directory in d.
func (fs *FS) mkdir(d *pseudo.Dir, name string) *pseudo.Dir {
	sub := fs.newDir()
	d.Add(name, sub)
	return &sub.Dir
}

// Integer parses the number that is written to a sysctl: it must lie between
// low and high (EINVAL). What follows it after white space is ignored.
func Integer(text string, low, high int64) (int64, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return 0, abi.EINVAL
	}
	v, err := strconv.ParseInt(words[0], 0, 64)
	if err != nil || v < low || v > high {
		return 0, abi.EINVAL
	}
	return v, nil
}

// Constant is the Get of a fact.
func Constant(v any) func() string {
	s := fmt.Sprint(v)
	return func() string { return s }
}

func (fs *FS) addSysctls() {
	bootID := sync.OnceValue(fs.uuid)
	name := func(pick func(n *abi.Utsname) string) func() string {
		return func() string {
			n := fs.system.Names()
			return pick(&n)
		}
	}
	fs.AddSysctl(
		Sysctl{"kernel/ostype", 0o444, name(func(n *abi.Utsname) string { return n.Sysname }), nil},
		Sysctl{"kernel/osrelease", 0o444, name(func(n *abi.Utsname) string { return n.Release }), nil},
		Sysctl{"kernel/version", 0o444, name(func(n *abi.Utsname) string { return n.Version }), nil},
		Sysctl{"kernel/hostname", 0o644, name(func(n *abi.Utsname) string { return n.Nodename }), fs.setName(fs.system.SetHostname)},
		Sysctl{"kernel/domainname", 0o644, name(func(n *abi.Utsname) string { return n.Domainname }), fs.setName(fs.system.SetDomainname)},
		Sysctl{"kernel/arch", 0o444, name(func(n *abi.Utsname) string { return n.Machine }), nil},
		Sysctl{"kernel/pid_max", 0o444, func() string { return strconv.Itoa(fs.system.PIDMax()) }, nil},
		Sysctl{"kernel/threads-max", 0o444, func() string { return strconv.Itoa(fs.system.ThreadsMax()) }, nil},
		Sysctl{"kernel/cap_last_cap", 0o444, Constant(abi.CAP_LAST_CAP), nil},
		Sysctl{"kernel/ngroups_max", 0o444, Constant(abi.NGROUPS_MAX), nil},
		Sysctl{"kernel/overflowuid", 0o444, Constant(overflowID), nil},
		Sysctl{"kernel/overflowgid", 0o444, Constant(overflowID), nil},
		// No core file is ever written; a fatal error ends the machine at
		// once.
		Sysctl{"kernel/core_pattern", 0o444, Constant(""), nil},
		Sysctl{"kernel/core_uses_pid", 0o444, Constant(0), nil},
		Sysctl{"kernel/panic", 0o444, Constant(-1), nil},
		Sysctl{"kernel/random/boot_id", 0o444, bootID, nil},
		Sysctl{"kernel/random/uuid", 0o444, fs.uuid, nil},
		Sysctl{"kernel/random/entropy_avail", 0o444, Constant(poolBits), nil},
		Sysctl{"kernel/random/poolsize", 0o444, Constant(poolBits), nil},
		Sysctl{"kernel/kevlar/contained_panics", 0o444, func() string {
			return strconv.FormatUint(fs.system.ContainedPanics(), 10)
		}, nil},
	)
}

const (
	// overflowID stands for IDs that do not fit 16 bits.
	overflowID = 65534
	// poolBits is the strength of the random number generator, once seeded.
	poolBits = 256
)

// setName cuts a written name at its first newline and to the size that
// sethostname(2) allows.
func (fs *FS) setName(set func(string) error) func(string) error {
	return func(text string) error {
		text, _, _ = strings.Cut(text, "\n")
		return set(text[:min(len(text), abi.UTSLen-1)])
	}
}

// uuid returns a random UUID, version 4.
func (fs *FS) uuid() string {
	var b [16]byte
	fs.system.Random(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
