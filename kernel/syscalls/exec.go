package syscalls

import (
	"strconv"

	"kevlar/kernel/abi"
	"kevlar/kernel/task"
)

func sysExecve(t *task.Task, a *Args) (uintptr, error) {
	return exec(t, cwd, a[0], a[1], a[2], 0)
}

func sysExecveat(t *task.Task, a *Args) (uintptr, error) {
	if _, err := atLookup(a[4], abi.AT_EMPTY_PATH|abi.AT_SYMLINK_NOFOLLOW); err != nil {
		return 0, err
	}
	return exec(t, a[0], a[1], a[2], a[3], int(a[4]))
}

func exec(t *task.Task, dirfd, addr, argv, envp uintptr, flags int) (uintptr, error) {
	name, err := t.MM().ReadString(addr, abi.PATH_MAX)
	if err != nil {
		return 0, err
	}
	if name == "" && flags&abi.AT_EMPTY_PATH == 0 {
		return 0, abi.ENOENT
	}
	at, err := startAt(t, dirfd, name)
	if err != nil {
		return 0, err
	}
	defer at.end()
	return 0, task.Exec(t, task.ExecArgs{
		Base: at.path, Name: name, Flags: flags, Filename: execFilename(&at, dirfd, name),
		Inaccessible: at.file != nil && closesOnExec(t, dirfd),
		Argv:         task.Vector{User: argv}, Envp: task.Vector{User: envp},
	})
}

// closesOnExec reports whether a descriptor will be gone in a new program.
func closesOnExec(t *task.Task, dirfd uintptr) bool {
	flags, err := t.FDs().Flags(fd(dirfd))
	return err == nil && flags&abi.FD_CLOEXEC != 0
}

// execFilename returns the name by which the program knows its file: what was
// asked for, or a name in /dev/fd.
func execFilename(at *start, dirfd uintptr, name string) string {
	if at.file == nil {
		return name
	}
	s := "/dev/fd/" + strconv.Itoa(fd(dirfd))
	if name != "" {
		s += "/" + name
	}
	return s
}
