package syscalls

import (
	"testing"

	"kevlar/kernel/abi"
)

func TestMmap(t *testing.T) {
	run(t, func(u *user) {
		u.writeFile("f", "contents")
		rw := u.open("f", abi.O_RDWR)
		ro := u.open("f", abi.O_RDONLY)
		wo := u.open("f", abi.O_WRONLY)
		const rwProt = abi.PROT_READ | abi.PROT_WRITE
		p := u.sys(abi.SYS_MMAP, 0, 5, rwProt, abi.MAP_SHARED, rw, 0)
		u.poke(p, []byte("CON"))
		if got := u.readFile("f"); got != "CONtents" {
			u.Errorf("the file holds %q", got)
		}
		u.fails(abi.EACCES, abi.SYS_MMAP, 0, 5, rwProt, abi.MAP_SHARED, ro, 0)
		u.fails(abi.EACCES, abi.SYS_MMAP, 0, 5, abi.PROT_READ, abi.MAP_PRIVATE, wo, 0)
		q := u.sys(abi.SYS_MMAP, 0, 5, abi.PROT_READ, abi.MAP_SHARED, ro, 0)
		u.fails(abi.EACCES, abi.SYS_MPROTECT, q, 4096, rwProt)
		u.sys(abi.SYS_MMAP, 0, 5, rwProt, abi.MAP_PRIVATE, ro, 0)
		u.fails(abi.EINVAL, abi.SYS_MMAP, 0, 5, 0, abi.MAP_PRIVATE, rw, 100)
		u.fails(abi.EINVAL, abi.SYS_MMAP, 0, 0, 0, abi.MAP_PRIVATE, rw, 0)
		u.fails(abi.EINVAL, abi.SYS_MMAP, 0, 5, 0, 0, rw, 0)
		u.fails(abi.EBADF, abi.SYS_MMAP, 0, 5, 0, abi.MAP_PRIVATE, notOpen, 0)
		u.fails(abi.ENODEV, abi.SYS_MMAP, 0, 5, abi.PROT_READ, abi.MAP_PRIVATE, u.open(".", abi.O_RDONLY), 0)
		u.fails(abi.EBADF, abi.SYS_MMAP, 0, 5, abi.PROT_READ, abi.MAP_PRIVATE, u.open("f", abi.O_PATH), 0)
		u.fails(abi.ENOMEM, abi.SYS_MMAP, 0, 4096, 0, abi.MAP_PRIVATE|abi.MAP_ANONYMOUS|abi.MAP_HUGETLB, ^uintptr(0), 0)
		u.sys(abi.SYS_MSYNC, p, 4096, abi.MS_SYNC)
		u.fails(abi.EINVAL, abi.SYS_MSYNC, p, 4096, abi.MS_SYNC|abi.MS_ASYNC)
		u.sys(abi.SYS_MUNMAP, p, 5)
		u.fails(abi.ENOMEM, abi.SYS_MSYNC, p, 4096, abi.MS_SYNC)
		u.fails(abi.EINVAL, abi.SYS_MUNMAP, p+1, 5)
	})
}

func TestBrkMremapAndResidence(t *testing.T) {
	run(t, func(u *user) {
		end := u.sys(abi.SYS_BRK, 0)
		u.is(end+10000, abi.SYS_BRK, end+10000)
		u.poke(end, []byte("heap"))
		u.is(end+10000, abi.SYS_BRK, 1) // no error: the end stays

		p := u.sys(abi.SYS_MMAP, 0, 4*4096, abi.PROT_READ|abi.PROT_WRITE, abi.MAP_PRIVATE|abi.MAP_ANONYMOUS, ^uintptr(0), 0)
		u.poke(p+4096, []byte{1})
		vec := u.put([]byte{9, 9, 9, 9, 9})
		u.sys(abi.SYS_MINCORE, p, 4*4096, vec)
		if got := u.get(vec, 5); got[0] != 0 || got[1] != 1 || got[2] != 0 || got[3] != 0 || got[4] != 9 {
			u.Errorf("mincore %v", got)
		}
		u.fails(abi.EINVAL, abi.SYS_MINCORE, p+1, 4096, vec)
		u.fails(abi.EFAULT, abi.SYS_MINCORE, p, 4096, noMemory)
		u.fails(abi.ENOMEM, abi.SYS_MINCORE, noMemory, 4096, vec)
		u.sys(abi.SYS_MADVISE, p, 4*4096, abi.MADV_DONTNEED)
		if got := u.get(p+4096, 1); got[0] != 0 {
			u.Errorf("after MADV_DONTNEED: %d", got[0])
		}
		u.fails(abi.EINVAL, abi.SYS_MADVISE, p, 4096, 9999)
		u.poke(p, []byte("moved"))
		q := u.sys(abi.SYS_MREMAP, p, 4*4096, 100*4096, abi.MREMAP_MAYMOVE)
		if got := u.get(q, 5); string(got) != "moved" {
			u.Errorf("after mremap: %q", got)
		}
		u.fails(abi.EINVAL, abi.SYS_MREMAP, q, 4096, 0, 0)
		u.sys(abi.SYS_MLOCK, q, 4096)
		u.sys(abi.SYS_MLOCK2, q, 4096, 1)
		u.fails(abi.EINVAL, abi.SYS_MLOCK2, q, 4096, 2)
		u.fails(abi.ENOMEM, abi.SYS_MLOCK, noMemory, 4096)
		u.sys(abi.SYS_MUNLOCK, q, 4096)
		u.sys(abi.SYS_MLOCKALL, abi.MCL_CURRENT)
		u.sys(abi.SYS_MUNLOCKALL)
		u.fails(abi.EINVAL, abi.SYS_MLOCKALL, 0)
		u.fails(abi.ENOSYS, abi.SYS_MEMBARRIER, 0, 0)

		r := u.alloc(300)
		u.is(300, abi.SYS_GETRANDOM, r, 300, 0)
		u.fails(abi.EINVAL, abi.SYS_GETRANDOM, r, 1, 8)
		u.fails(abi.EINVAL, abi.SYS_GETRANDOM, r, 1, abi.GRND_RANDOM|abi.GRND_INSECURE)
		u.fails(abi.EFAULT, abi.SYS_GETRANDOM, noMemory, 1, 0)
		u.is(0, abi.SYS_GETRANDOM, noMemory, 0, 0)
		u.is(10, abi.SYS_GETRANDOM, u.edge(10), 20, 0)
	})
}
