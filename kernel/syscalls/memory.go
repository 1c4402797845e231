package syscalls

import (
	"math"

	"kevlar/kernel/abi"
	"kevlar/kernel/mm"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

// A memoryCaller is a task as the one who asks for a change of memory.
type memoryCaller struct{ *task.Task }

// HasCap reports whether the task has a capability.
func (c memoryCaller) HasCap(capability int) bool { return c.Cred().HasCap(capability) }

func sysMmap(t *task.Task, a *Args) (uintptr, error) {
	m := mm.MmapArgs{
		Addr: a[0], Length: a[1], Prot: int(uint32(a[2])), Flags: int(uint32(a[3])), Offset: uint64(a[5]),
		Caller: memoryCaller{t},
	}
	if a[5]&(pageSize-1) != 0 {
		return 0, abi.EINVAL
	}
	if m.Flags&abi.MAP_ANONYMOUS != 0 {
		m.Offset = 0
		if m.Flags&abi.MAP_HUGETLB != 0 {
			m.Refused = noHugePages(m.Flags)
		}
		return t.MM().Mmap(&m)
	}
	f, err := getFile(t, a[4])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	if m.Flags&abi.MAP_HUGETLB != 0 {
		return 0, abi.EINVAL
	}
	m.Refused = mapFile(f, &m)
	if s, ok := f.Ops().(vfs.Sealer); ok && m.Refused == nil && isShared(m.Flags) && m.MaxProt&abi.PROT_WRITE != 0 {
		if err := s.BeginMapping(); err == nil {
			defer s.EndMapping()
		} else if m.Prot&abi.PROT_WRITE != 0 {
			m.Refused = err
		} else {
			m.MaxProt &^= abi.PROT_WRITE
		}
	}
	return t.MM().Mmap(&m)
}

// isShared reports whether the flags of mmap(2) ask for a shared mapping.
func isShared(flags int) bool {
	t := flags & abi.MAP_TYPE
	return t == abi.MAP_SHARED || t == abi.MAP_SHARED_VALIDATE
}

// noHugePages is the answer to MAP_HUGETLB: there are huge pages of 2 MiB and
// of 1 GiB, but none in the pool.
func noHugePages(flags int) error {
	switch flags >> abi.MAP_HUGE_SHIFT & abi.MAP_HUGE_MASK {
	case 0, 21, 30:
		return abi.ENOMEM
	}
	return abi.EINVAL
}

const (
	pageShift = 12
	pageSize  = 1 << pageShift
)

// knownMapFlags are those that MAP_SHARED_VALIDATE lets pass: what there was
// when it was invented.
const knownMapFlags = abi.MAP_SHARED | abi.MAP_PRIVATE | abi.MAP_FIXED | abi.MAP_ANONYMOUS | abi.MAP_DENYWRITE |
	abi.MAP_EXECUTABLE | abi.MAP_GROWSDOWN | abi.MAP_LOCKED | abi.MAP_NORESERVE | abi.MAP_POPULATE |
	abi.MAP_NONBLOCK | abi.MAP_STACK | abi.MAP_HUGETLB | abi.MAP_32BIT | abi.MAP_HUGE_2MB | abi.MAP_HUGE_1GB

// mapFile makes m a mapping of f, if the way f was opened and its file system
// permit it.
func mapFile(f *vfs.File, m *mm.MmapArgs) error {
	m.MaxProt = abi.PROT_READ | abi.PROT_WRITE | abi.PROT_EXEC
	end := m.Offset + uint64(m.Length)
	if end < m.Offset || end > math.MaxInt64 && fileType(f) == abi.S_IFREG {
		return abi.EOVERFLOW
	}
	switch m.Flags & abi.MAP_TYPE {
	case abi.MAP_PRIVATE:
	case abi.MAP_SHARED_VALIDATE:
		if m.Flags&^knownMapFlags != 0 {
			return abi.EOPNOTSUPP
		}
		fallthrough
	case abi.MAP_SHARED:
		if f.Writable() {
			break
		}
		if m.Prot&abi.PROT_WRITE != 0 {
			return abi.EACCES
		}
		m.MaxProt &^= abi.PROT_WRITE
	default:
		return abi.EINVAL
	}
	if !f.Readable() {
		return abi.EACCES
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
	return 0, t.MM().Mprotect(memoryCaller{t}, a[0], a[1], int(a[2]))
}

func sysMremap(t *task.Task, a *Args) (uintptr, error) {
	return t.MM().Mremap(memoryCaller{t}, a[0], a[1], a[2], int(a[3]), a[4])
}

func sysBrk(t *task.Task, a *Args) (uintptr, error) { return t.MM().Brk(memoryCaller{t}, a[0]), nil }

func sysMadvise(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.MM().Madvise(memoryCaller{t}, a[0], a[1], int(int32(a[2])))
}

func sysMsync(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.MM().Msync(a[0], a[1], int(int32(a[2])))
}

// sysMincore writes one byte for each page.
func sysMincore(t *task.Task, a *Args) (uintptr, error) {
	pages := a[1] / pageSize
	if a[1]%pageSize != 0 {
		pages++
	}
	switch {
	case a[0]%pageSize != 0:
		return 0, abi.EINVAL
	case a[0] > mm.UserTop || a[1] > mm.UserTop-a[0]:
		return 0, abi.ENOMEM
	case a[2] > mm.UserTop || pages > mm.UserTop-a[2]:
		return 0, abi.EFAULT
	}
	addr, out := a[0], a[2]
	for pages > 0 {
		if t.Killed() {
			return 0, abi.EINTR
		}
		vec := t.Scratch[:min(pages, uintptr(len(t.Scratch)))]
		n, err := t.MM().Mincore(addr, vec)
		if err != nil {
			return 0, err
		}
		if err := copyOut(t, out, vec[:n]); err != nil {
			return 0, err
		}
		addr, out, pages = addr+uintptr(n)*pageSize, out+uintptr(n), pages-uintptr(n)
	}
	return 0, nil
}

func sysMlock(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.MM().Mlock(memoryCaller{t}, a[0], a[1], false)
}

func sysMlock2(t *task.Task, a *Args) (uintptr, error) {
	const onFault = 1 // MLOCK_ONFAULT
	if uint32(a[2])&^onFault != 0 {
		return 0, abi.EINVAL
	}
	return 0, t.MM().Mlock(memoryCaller{t}, a[0], a[1], a[2]&onFault != 0)
}

func sysMunlock(t *task.Task, a *Args) (uintptr, error) { return 0, t.MM().Munlock(a[0], a[1]) }

func sysMlockall(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.MM().MlockAll(memoryCaller{t}, int(uint32(a[0])))
}

func sysMunlockall(t *task.Task, _ *Args) (uintptr, error) {
	t.MM().MunlockAll()
	return 0, nil
}
