package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task"
)

func sysPrctl(t *task.Task, a *Args) (uintptr, error) {
	v := a[1]
	rest := a[2] | a[3] | a[4]
	switch uint32(a[0]) {
	case abi.PR_SET_NAME:
		return 0, setComm(t, v)
	case abi.PR_GET_NAME:
		b := t.Scratch[:abi.TASK_COMM_LEN]
		clear(b)
		copy(b, t.Comm())
		return 0, copyOut(t, v, b)
	case abi.PR_SET_PDEATHSIG:
		if uint64(v) > abi.NSIG {
			return 0, abi.EINVAL
		}
		return 0, t.SetParentDeathSignal(int(v))
	case abi.PR_GET_PDEATHSIG:
		return 0, outInt(t, v, int32(t.ParentDeathSignal()))
	case abi.PR_GET_DUMPABLE:
		return uintptr(t.Group().Dumpable()), nil
	case abi.PR_SET_DUMPABLE:
		if v > 1 {
			return 0, abi.EINVAL
		}
		return 0, t.Group().SetDumpable(int(v))
	case abi.PR_SET_CHILD_SUBREAPER:
		t.Group().SetSubreaper(v != 0)
		return 0, nil
	case abi.PR_GET_CHILD_SUBREAPER:
		return 0, outInt(t, v, int32(truth(t.Group().IsSubreaper())))
	case abi.PR_SET_NO_NEW_PRIVS:
		if v != 1 || rest != 0 {
			return 0, abi.EINVAL
		}
		t.SetNoNewPrivs()
		return 0, nil
	case abi.PR_GET_NO_NEW_PRIVS:
		if v|rest != 0 {
			return 0, abi.EINVAL
		}
		return truth(t.NoNewPrivs()), nil
	case abi.PR_GET_TIMERSLACK:
		return uintptr(t.TimerSlack()), nil
	case abi.PR_SET_TIMERSLACK:
		t.SetTimerSlack(uint64(max(int64(v), 0)))
		return 0, nil
	case abi.PR_GET_TID_ADDRESS:
		return 0, outUint64(t, v, uint64(t.TIDAddress()))
	case abi.PR_GET_TIMING:
		return 0, nil // PR_TIMING_STATISTICAL
	case abi.PR_SET_TIMING:
		if v != 0 {
			return 0, abi.EINVAL
		}
		return 0, nil
	}
	return prctlCaps(t, a)
}

// prctlCaps does those operations of prctl(2) that capabilities(7) describes.
func prctlCaps(t *task.Task, a *Args) (uintptr, error) {
	v := a[1]
	switch uint32(a[0]) {
	case abi.PR_GET_KEEPCAPS:
		return truth(t.Cred().SecureBits&abi.SECBIT_KEEP_CAPS != 0), nil
	case abi.PR_SET_KEEPCAPS:
		if v > 1 {
			return 0, abi.EINVAL
		}
		return 0, t.SetKeepCaps(v == 1)
	case abi.PR_CAPBSET_READ:
		if v > abi.CAP_LAST_CAP {
			return 0, abi.EINVAL
		}
		return uintptr(t.Cred().CapBounding >> v & 1), nil
	case abi.PR_CAPBSET_DROP:
		return 0, t.DropBounding(int(min(v, abi.CAP_LAST_CAP+1)))
	case abi.PR_CAP_AMBIENT:
		if a[3]|a[4] != 0 {
			return 0, abi.EINVAL
		}
		n, err := t.Ambient(int(uint32(v)), int(min(a[2], abi.CAP_LAST_CAP+1)))
		return uintptr(n), err
	case abi.PR_GET_SECUREBITS:
		return uintptr(t.Cred().SecureBits), nil
	case abi.PR_SET_SECUREBITS:
		return 0, t.SetSecureBits(uint32(v))
	}
	return 0, abi.EINVAL
}

func truth(b bool) uintptr {
	if b {
		return 1
	}
	return 0
}

// setComm takes at most 15 bytes of the name at addr.
func setComm(t *task.Task, addr uintptr) error {
	name, err := t.MM().ReadString(addr, abi.TASK_COMM_LEN-1)
	if err == abi.ENAMETOOLONG {
		b := t.Scratch[:abi.TASK_COMM_LEN-1]
		if err := copyIn(t, b, addr); err != nil {
			return err
		}
		name, err = string(b), nil
	}
	if err != nil {
		return err
	}
	t.SetComm(name)
	return nil
}

// What personality(2) takes: a personality and one flag.
const (
	perLinux   = 0x0000
	perLinux32 = 0x0008 // uname(2) tells of a 32-bit machine
	perMask    = 0x00ff
)

// sysPersonality with ^0 only asks.
func sysPersonality(t *task.Task, a *Args) (uintptr, error) {
	old := t.Personality()
	if p := uint32(a[0]); p != ^uint32(0) {
		if per := p &^ abi.ADDR_NO_RANDOMIZE; per != perLinux && per != perLinux32 {
			return 0, abi.EINVAL
		}
		t.SetPersonality(p)
	}
	return uintptr(old), nil
}
