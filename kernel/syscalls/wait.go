package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task"
)

// How wait4(2) and waitid(2) choose among children with threads and clones.
const waitCommon = abi.WNOTHREAD | abi.WALL | abi.WCLONE

func sysWait4(t *task.Task, a *Args) (uintptr, error) {
	options := int(uint32(a[2]))
	if options&^(abi.WNOHANG|abi.WUNTRACED|abi.WCONTINUED|waitCommon) != 0 {
		return 0, abi.EINVAL
	}
	args := task.WaitArgs{Options: options | abi.WEXITED}
	switch pid := int(int32(a[0])); {
	case pid == -1<<31:
		return 0, abi.ESRCH
	case pid < -1:
		args.IDType, args.ID = abi.P_PGID, -pid
	case pid == -1:
		args.IDType = abi.P_ALL
	case pid == 0:
		args.IDType = abi.P_PGID // the caller's
	default:
		args.IDType, args.ID = abi.P_PID, pid
	}
	r, err := t.Wait(args)
	if err != nil || r.PID == 0 {
		return 0, err
	}
	if a[3] != 0 {
		if err := outRusage(t, a[3], &r.Rusage); err != nil {
			return 0, err
		}
	}
	if a[1] != 0 {
		if err := outInt(t, a[1], int32(r.WaitStatus)); err != nil {
			return 0, err
		}
	}
	return uintptr(r.PID), nil
}

// sysWaitid fills in the siginfo with zeros if there is nothing to tell.
func sysWaitid(t *task.Task, a *Args) (uintptr, error) {
	options := int(uint32(a[3]))
	const events = abi.WEXITED | abi.WSTOPPED | abi.WCONTINUED
	if options&^(abi.WNOHANG|abi.WNOWAIT|events|waitCommon) != 0 || options&events == 0 {
		return 0, abi.EINVAL
	}
	args := task.WaitArgs{IDType: int(int32(a[0])), ID: int(int32(a[1])), Options: options}
	switch args.IDType {
	case abi.P_ALL:
	case abi.P_PID:
		if args.ID <= 0 {
			return 0, abi.EINVAL
		}
	case abi.P_PGID:
		if args.ID < 0 {
			return 0, abi.EINVAL
		}
	case abi.P_PIDFD:
		return 0, abi.EBADF // no descriptor is one
	default:
		return 0, abi.EINVAL
	}
	r, err := t.Wait(args)
	if err != nil {
		return 0, err
	}
	if a[4] != 0 && r.PID != 0 {
		if err := outRusage(t, a[4], &r.Rusage); err != nil {
			return 0, err
		}
	}
	if a[2] == 0 {
		return 0, nil
	}
	return 0, outWaitInfo(t, a[2], &r)
}

// outWaitInfo writes those fields of a siginfo that waitid(2) sets, and no
// others.
func outWaitInfo(t *task.Task, addr uintptr, r *task.WaitResult) error {
	var info abi.Siginfo
	if r.PID != 0 {
		info.Signo, info.Code = abi.SIGCHLD, r.Code
		info.SetPID(int32(r.PID))
		info.SetUID(r.UID)
		info.SetStatus(r.Status)
	}
	const end = 28 // of si_status
	b := t.Scratch[:abi.SizeofSiginfo]
	info.MarshalTo(b)
	return copyOut(t, addr, b[:end])
}

func outRusage(t *task.Task, addr uintptr, r *abi.Rusage) error {
	b := t.Scratch[:abi.SizeofRusage]
	r.MarshalTo(b)
	return copyOut(t, addr, b)
}
