package syscalls

import (
	"encoding/binary"

	"kevlar/kernel/abi"
	"kevlar/kernel/task"
)

// loadSigset copies in a signal set whose size the caller tells.
func loadSigset(t *task.Task, addr, size uintptr) (abi.Sigset, error) {
	if err := checkSigsetSize(size); err != nil {
		return 0, err
	}
	v, err := t.MM().ReadUint64(addr)
	return abi.Sigset(v), err
}

func outSigset(t *task.Task, addr uintptr, s abi.Sigset) error {
	b := t.Scratch[:abi.SizeofSigset]
	binary.LittleEndian.PutUint64(b, uint64(s))
	return copyOut(t, addr, b)
}

func sysRtSigaction(t *task.Task, a *Args) (uintptr, error) {
	if err := checkSigsetSize(a[3]); err != nil {
		return 0, err
	}
	b := t.Scratch[:abi.SizeofSigAction]
	var act abi.SigAction
	var p *abi.SigAction
	if a[1] != 0 {
		if err := copyIn(t, b, a[1]); err != nil {
			return 0, err
		}
		act.Unmarshal(b)
		p = &act
	}
	old, err := t.SigAction(int(int32(a[0])), p)
	if err != nil || a[2] == 0 {
		return 0, err
	}
	old.MarshalTo(b)
	return 0, copyOut(t, a[2], b)
}

func sysRtSigprocmask(t *task.Task, a *Args) (uintptr, error) {
	if err := checkSigsetSize(a[3]); err != nil {
		return 0, err
	}
	old := t.Blocked()
	if a[1] != 0 {
		set, err := loadSigset(t, a[1], a[3])
		if err != nil {
			return 0, err
		}
		if _, err := t.SigProcMask(int(int32(a[0])), set); err != nil {
			return 0, err
		}
	}
	if a[2] != 0 {
		return 0, outSigset(t, a[2], old)
	}
	return 0, nil
}

func sysRtSigreturn(t *task.Task, _ *Args) (uintptr, error) { return t.SigReturn(), nil }

// sysRtSigpending writes as much of the set as the caller asks for.
func sysRtSigpending(t *task.Task, a *Args) (uintptr, error) {
	if a[1] > abi.SizeofSigset {
		return 0, abi.EINVAL
	}
	b := t.Scratch[:abi.SizeofSigset]
	binary.LittleEndian.PutUint64(b, uint64(t.SigPending()))
	return 0, copyOut(t, a[0], b[:a[1]])
}

func sysRtSigsuspend(t *task.Task, a *Args) (uintptr, error) {
	set, err := loadSigset(t, a[0], a[1])
	if err != nil {
		return 0, err
	}
	return 0, t.SigSuspend(set)
}

func sysPause(t *task.Task, _ *Args) (uintptr, error) { return 0, t.Pause() }

func sysRtSigtimedwait(t *task.Task, a *Args) (uintptr, error) {
	set, err := loadSigset(t, a[0], a[3])
	if err != nil {
		return 0, err
	}
	deadline, err := loadTimeout(t, a[2])
	if err != nil {
		return 0, err
	}
	info, err := t.SigTimedWait(set, deadline)
	if err != nil {
		return 0, err
	}
	if a[1] != 0 {
		b := t.Scratch[:abi.SizeofSiginfo]
		info.MarshalTo(b)
		if err := copyOut(t, a[1], b); err != nil {
			return 0, err
		}
	}
	return uintptr(info.Signo), nil
}

func sysSigaltstack(t *task.Task, a *Args) (uintptr, error) {
	b := t.Scratch[:abi.SizeofSigAltStack]
	var s abi.SigAltStack
	var p *abi.SigAltStack
	if a[0] != 0 {
		if err := copyIn(t, b, a[0]); err != nil {
			return 0, err
		}
		s.Unmarshal(b)
		p = &s
	}
	old, err := t.SigAltStack(p)
	if err != nil || a[1] == 0 {
		return 0, err
	}
	old.MarshalTo(b)
	return 0, copyOut(t, a[1], b)
}

func sysKill(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.Kill(int(int32(a[0])), int(int32(a[1])))
}

func sysTkill(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.Tgkill(0, int(int32(a[0])), int(int32(a[1])))
}

func sysTgkill(t *task.Task, a *Args) (uintptr, error) {
	if int32(a[0]) <= 0 {
		return 0, abi.EINVAL
	}
	return 0, t.Tgkill(int(int32(a[0])), int(int32(a[1])), int(int32(a[2])))
}

func loadSiginfo(t *task.Task, addr uintptr) (abi.Siginfo, error) {
	var info abi.Siginfo
	b := t.Scratch[:abi.SizeofSiginfo]
	err := copyIn(t, b, addr)
	if err == nil {
		info.Unmarshal(b)
	}
	return info, err
}

func sysRtSigqueueinfo(t *task.Task, a *Args) (uintptr, error) {
	info, err := loadSiginfo(t, a[2])
	if err != nil {
		return 0, err
	}
	return 0, t.SigQueue(int(int32(a[0])), int(int32(a[1])), &info)
}

func sysRtTgsigqueueinfo(t *task.Task, a *Args) (uintptr, error) {
	info, err := loadSiginfo(t, a[3])
	if err != nil {
		return 0, err
	}
	return 0, t.SigQueueThread(int(int32(a[0])), int(int32(a[1])), int(int32(a[2])), &info)
}

func sysRestartSyscall(t *task.Task, _ *Args) (uintptr, error) { return t.RestartSyscall() }
