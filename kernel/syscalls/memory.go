package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/mm"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

func sysMmap(t *task.Task, a *Args) (uintptr, error) {
	m := mm.MmapArgs{
		Addr: a[0], Length: a[1], Prot: int(uint32(a[2])), Flags: int(uint32(a[3])), Offset: uint64(a[5]),
		Privileged: t.Cred().HasCap(abi.CAP_IPC_LOCK),
	}
	if a[5]&(pageSize-1) != 0 {
		return 0, abi.EINVAL
	}
	if m.Flags&abi.MAP_ANONYMOUS != 0 {
		m.Offset = 0
		return t.MM().Mmap(m)
	}
	f, err := getFile(t, a[4])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	if err := mapFile(f, &m); err != nil {
		return 0, err
	}
	if s, ok := f.Ops().(vfs.Sealer); ok && isShared(m.Flags) && m.MaxProt&abi.PROT_WRITE != 0 {
		if err := s.BeginMapping(); err == nil {
			defer s.EndMapping()
		} else if m.Prot&abi.PROT_WRITE != 0 {
			return 0, err
		} else {
			m.MaxProt &^= abi.PROT_WRITE
		}
	}
	return t.MM().Mmap(m)
}

// isShared reports whether the flags of mmap(2) ask for a shared mapping.
func isShared(flags int) bool {
	t := flags & abi.MAP_TYPE
	return t == abi.MAP_SHARED || t == abi.MAP_SHARED_VALIDATE
}

const pageSize = 4096

// mapFile makes m a mapping of f, if the way f was opened and its file system
// permit it.
func mapFile(f *vfs.File, m *mm.MmapArgs) error {
	m.MaxProt = abi.PROT_READ | abi.PROT_WRITE | abi.PROT_EXEC
	if !f.Readable() {
		return abi.EACCES
	}
	if isShared(m.Flags) && !f.Writable() {
		if m.Prot&abi.PROT_WRITE != 0 {
			return abi.EACCES
		}
		m.MaxProt &^= abi.PROT_WRITE
	}
	if mount := f.Path().Mount; mount != nil && mount.Flags()&abi.MS_NOEXEC != 0 {
		if m.Prot&abi.PROT_EXEC != 0 {
			return abi.EPERM
		}
		m.MaxProt &^= abi.PROT_EXEC
	}
	object, err := f.MemoryObject()
	if err != nil {
		return err
	}
	m.Object, m.File = object, f
	return nil
}

func sysMunmap(t *task.Task, a *Args) (uintptr, error) { return 0, t.MM().Munmap(a[0], a[1]) }

func sysMprotect(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.MM().Mprotect(a[0], a[1], int(uint32(a[2])))
}

func sysMremap(t *task.Task, a *Args) (uintptr, error) {
	return t.MM().Mremap(a[0], a[1], a[2], int(uint32(a[3])), a[4])
}

func sysBrk(t *task.Task, a *Args) (uintptr, error) { return t.MM().Brk(a[0]), nil }

func sysMadvise(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.MM().Madvise(a[0], a[1], int(int32(a[2])))
}

func sysMsync(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.MM().Msync(a[0], a[1], int(int32(a[2])))
}

// sysMincore writes one byte for each page.
func sysMincore(t *task.Task, a *Args) (uintptr, error) {
	if a[0]&(pageSize-1) != 0 {
		return 0, abi.EINVAL
	}
	if a[1] > mm.UserTop {
		return 0, abi.ENOMEM
	}
	addr, out, vec := a[0], a[2], t.Scratch[:]
	for pages := (a[1] + pageSize - 1) / pageSize; pages > 0; {
		n := min(pages, uintptr(len(vec)))
		if err := t.MM().Mincore(addr, vec[:n]); err != nil {
			return 0, err
		}
		if err := copyOut(t, out, vec[:n]); err != nil {
			return 0, err
		}
		addr, out, pages = addr+n*pageSize, out+n, pages-n
	}
	return 0, nil
}

func sysMlock(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.MM().Mlock(a[0], a[1], false, t.Cred().HasCap(abi.CAP_IPC_LOCK))
}

func sysMlock2(t *task.Task, a *Args) (uintptr, error) {
	const onFault = 1 // MLOCK_ONFAULT
	if uint32(a[2])&^onFault != 0 {
		return 0, abi.EINVAL
	}
	return 0, t.MM().Mlock(a[0], a[1], a[2]&onFault != 0, t.Cred().HasCap(abi.CAP_IPC_LOCK))
}

func sysMunlock(t *task.Task, a *Args) (uintptr, error) { return 0, t.MM().Munlock(a[0], a[1]) }

func sysMlockall(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.MM().MlockAll(int(uint32(a[0])), t.Cred().HasCap(abi.CAP_IPC_LOCK))
}

func sysMunlockall(t *task.Task, _ *Args) (uintptr, error) {
	t.MM().MunlockAll()
	return 0, nil
}
