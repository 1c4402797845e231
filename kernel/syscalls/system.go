package syscalls

import (
	"math"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/load"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/task"
	"kevlar/kernel/uts"
)

// Reboot ends or restarts the machine. The kernel sets it at boot.
var Reboot func(RebootAction)

// A RebootAction is what becomes of the machine: reboot(2).
type RebootAction int

// The ways to end it.
const (
	Restart RebootAction = iota
	Halt
	PowerOff
)

func sysUname(t *task.Task, a *Args) (uintptr, error) {
	n := t.UTS().Names()
	if t.Personality()&perMask == perLinux32 {
		n.Machine = "i686"
	}
	b := t.Scratch[:abi.SizeofUtsname]
	n.MarshalTo(b)
	return 0, copyOut(t, a[0], b)
}

// setName copies in a name of a[1] bytes for sethostname(2) and
// setdomainname(2).
func setName(t *task.Task, a *Args, set func(string) error) (uintptr, error) {
	if !t.Cred().HasCap(abi.CAP_SYS_ADMIN) {
		return 0, abi.EPERM
	}
	n := int(int32(a[1]))
	if n < 0 || n > uts.MaxName {
		return 0, abi.EINVAL
	}
	b := t.Scratch[:n]
	if err := copyIn(t, b, a[0]); err != nil {
		return 0, err
	}
	return 0, set(string(b))
}

func sysSethostname(t *task.Task, a *Args) (uintptr, error) {
	return setName(t, a, t.UTS().SetHostname)
}

func sysSetdomainname(t *task.Task, a *Args) (uintptr, error) {
	return setName(t, a, t.UTS().SetDomainname)
}

func sysSysinfo(t *task.Task, a *Args) (uintptr, error) {
	s := abi.Sysinfo{
		Uptime:   (ktime.Mono() + 999_999_999) / 1e9,
		Totalram: frame.Total() * frame.Size,
		Freeram:  frame.Free() * frame.Size,
		Procs:    uint16(min(task.ThreadCount(), math.MaxUint16)),
		Unit:     1,
	}
	for i, v := range load.Averages() {
		s.Loads[i] = v << (16 - load.Shift)
	}
	b := t.Scratch[:abi.SizeofSysinfo]
	s.MarshalTo(b)
	return 0, copyOut(t, a[0], b)
}

func sysReboot(t *task.Task, a *Args) (uintptr, error) {
	if !t.Cred().HasCap(abi.CAP_SYS_BOOT) {
		return 0, abi.EPERM
	}
	if uint32(a[0]) != abi.LINUX_REBOOT_MAGIC1 {
		return 0, abi.EINVAL
	}
	switch uint32(a[1]) {
	case abi.LINUX_REBOOT_MAGIC2, 0x05121996, 0x16041998, 0x20112000: // MAGIC2A to MAGIC2C
	default:
		return 0, abi.EINVAL
	}
	var action RebootAction
	switch uint32(a[2]) {
	case abi.LINUX_REBOOT_CMD_RESTART:
		action = Restart
	case abi.LINUX_REBOOT_CMD_RESTART2:
		if _, err := t.MM().ReadString(a[3], 256); err != nil {
			return 0, err
		}
		action = Restart
	case abi.LINUX_REBOOT_CMD_HALT:
		action = Halt
	case abi.LINUX_REBOOT_CMD_POWER_OFF:
		action = PowerOff
	case abi.LINUX_REBOOT_CMD_CAD_ON, abi.LINUX_REBOOT_CMD_CAD_OFF:
		return 0, nil // no keyboard here sends Ctrl-Alt-Del
	default:
		return 0, abi.EINVAL
	}
	if Reboot == nil {
		return 0, abi.ENOSYS
	}
	Reboot(action)
	return 0, nil
}

// CPUs returns how many CPUs run threads. The kernel sets it at boot.
var CPUs = func() int { return 1 }

// CurrentCPU returns the number of the CPU that the caller runs on, which may
// be another at once. The kernel sets it at boot.
var CurrentCPU = func() int { return 0 }

// sysGetcpu knows one node of memory.
func sysGetcpu(t *task.Task, a *Args) (uintptr, error) {
	if a[0] != 0 {
		if err := outInt(t, a[0], int32(CurrentCPU())); err != nil {
			return 0, err
		}
	}
	if a[1] != 0 {
		return 0, outInt(t, a[1], 0)
	}
	return 0, nil
}
