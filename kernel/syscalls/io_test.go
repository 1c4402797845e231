package syscalls

import (
	"bytes"
	"strings"
	"testing"

	"kevlar/kernel/abi"
)

const pageBytes = 4096

// edge returns an address n bytes before memory that is not mapped.
func (u *user) edge(n int) uintptr {
	p := u.sys(abi.SYS_MMAP, 0, 2*pageBytes, abi.PROT_READ|abi.PROT_WRITE, abi.MAP_PRIVATE|abi.MAP_ANONYMOUS, ^uintptr(0), 0)
	u.sys(abi.SYS_MUNMAP, p+pageBytes, pageBytes)
	return p + pageBytes - uintptr(n)
}

func TestReadWrite(t *testing.T) {
	run(t, func(u *user) {
		fd := u.open("f", abi.O_CREAT|abi.O_RDWR)
		p := u.put([]byte("hello, world"))
		u.is(12, abi.SYS_WRITE, fd, p, 12)
		u.is(0, abi.SYS_READ, fd, p, 12)
		u.is(7, abi.SYS_LSEEK, fd, 7, abi.SEEK_SET)
		q := u.alloc(16)
		u.is(5, abi.SYS_READ, fd, q, 16)
		if got := u.get(q, 6); string(got) != "world\x00" {
			u.Errorf("read %q", got)
		}
		u.is(3, abi.SYS_PREAD64, fd, q, 3, 1)
		u.is(12, abi.SYS_LSEEK, fd, 0, abi.SEEK_CUR)
		u.is(2, abi.SYS_PWRITE64, fd, p, 2, 20)
		u.is(22, abi.SYS_LSEEK, fd, 0, abi.SEEK_END)

		u.fails(abi.EINVAL, abi.SYS_LSEEK, fd, ^uintptr(0), abi.SEEK_SET)
		u.fails(abi.EINVAL, abi.SYS_LSEEK, fd, 0, 5)
		u.fails(abi.EINVAL, abi.SYS_PREAD64, fd, q, 1, ^uintptr(0))
		for _, call := range []uintptr{abi.SYS_PREAD64, abi.SYS_PWRITE64} {
			u.fails(abi.EINVAL, call, fd, q, 1, 1<<63-1) // the end is no offset
			u.fails(abi.EINVAL, call, fd, q, 2, 1<<63-2)
			u.fails(abi.EINVAL, call, 99, q, 1, 1<<63)
			u.fails(abi.EBADF, call, 99, q, 1, 0)
		}
		u.is(0, abi.SYS_PREAD64, fd, q, 1, 1<<63-2)
		u.fails(abi.EFAULT, abi.SYS_READ, fd, q, ^uintptr(0))
		u.fails(abi.EBADF, abi.SYS_READ, 99, q, 1)
		u.fails(abi.EBADF, abi.SYS_READ, ^uintptr(0), q, 1)
		u.sys(abi.SYS_LSEEK, fd, 0, abi.SEEK_SET)
		u.fails(abi.EFAULT, abi.SYS_READ, fd, noMemory, 1)
		u.fails(abi.EFAULT, abi.SYS_WRITE, fd, noMemory, 1)

		u.is(0, abi.SYS_READ, fd, noMemory, 0)
		u.fails(abi.EFAULT, abi.SYS_READ, fd, 1<<63, 0)
		u.fails(abi.EFAULT, abi.SYS_WRITE, fd, ^uintptr(0), 5)

		w := u.open("f", abi.O_WRONLY)
		u.fails(abi.EBADF, abi.SYS_READ, w, q, 1)
		r := u.open("f", abi.O_RDONLY)
		u.fails(abi.EBADF, abi.SYS_WRITE, r, q, 1)
		path := u.open("f", abi.O_PATH)
		u.fails(abi.EBADF, abi.SYS_READ, path, q, 1)
		u.fails(abi.EBADF, abi.SYS_IOCTL, path, abi.FIONREAD, q)
		d := u.open(".", abi.O_RDONLY|abi.O_DIRECTORY)
		u.fails(abi.EISDIR, abi.SYS_READ, d, q, 1)
	})
}

func TestPartialCountsWinOverFaults(t *testing.T) {
	run(t, func(u *user) {
		u.writeFile("f", strings.Repeat("x", 100))
		fd := u.open("f", abi.O_RDWR)
		u.is(10, abi.SYS_READ, fd, u.edge(10), 100)
		u.is(10, abi.SYS_LSEEK, fd, 0, abi.SEEK_CUR)
		u.is(10, abi.SYS_PWRITE64, fd, u.edge(10), 100, 0)

		iov := u.put(words64(uint64(u.edge(4)), 4, uint64(u.edge(6)), 20, uint64(u.alloc(8)), 8))
		u.is(10, abi.SYS_READV, fd, iov, 3)
	})
}

func TestVectors(t *testing.T) {
	run(t, func(u *user) {
		fd := u.open("f", abi.O_CREAT|abi.O_RDWR)
		a, b := u.put([]byte("abc")), u.put([]byte("defgh"))
		iov := u.put(words64(uint64(a), 3, 0, 0, uint64(b), 5))
		u.is(8, abi.SYS_WRITEV, fd, iov, 3)
		u.is(8, abi.SYS_PWRITEV, fd, iov, 3, 4, 0)
		if got := u.readFile("f"); got != "abcdabcdefgh" {
			u.Errorf("file is %q", got)
		}
		q := u.alloc(16)
		in := u.put(words64(uint64(q), 2, uint64(q+8), 3))
		u.is(5, abi.SYS_PREADV, fd, in, 2, 1, 0)
		if got := u.get(q, 11); !bytes.Equal(got, []byte("bc\x00\x00\x00\x00\x00\x00dab")) {
			u.Errorf("preadv filled %q", got)
		}
		u.is(8, abi.SYS_LSEEK, fd, 0, abi.SEEK_CUR)
		u.is(4, abi.SYS_PREADV2, fd, in, 2, ^uintptr(0), 0, 0) // at the position: 4 bytes are left
		u.fails(abi.EOPNOTSUPP, abi.SYS_PREADV2, fd, in, 2, ^uintptr(0), 0, abi.RWF_NOWAIT)
		u.fails(abi.EOPNOTSUPP, abi.SYS_PREADV2, fd, in, 2, 0, 0, 1<<20)
		u.is(0, abi.SYS_PREADV2, fd, in, 0, 0, 0, 1<<20)
		u.is(8, abi.SYS_LSEEK, fd, 8, abi.SEEK_SET)
		u.is(5, abi.SYS_PWRITEV2, fd, in, 2, 0, 0, abi.RWF_APPEND)
		u.is(8, abi.SYS_LSEEK, fd, 0, abi.SEEK_CUR)
		u.is(5, abi.SYS_PWRITEV2, fd, in, 2, ^uintptr(0), 0, abi.RWF_APPEND)
		u.is(22, abi.SYS_LSEEK, fd, 0, abi.SEEK_CUR)
		u.is(22, abi.SYS_LSEEK, fd, 0, abi.SEEK_END)

		u.is(0, abi.SYS_READV, fd, in, 0)
		u.fails(abi.EINVAL, abi.SYS_READV, fd, in, abi.UIO_MAXIOV+1)
		u.fails(abi.EFAULT, abi.SYS_READV, fd, noMemory, 1)
		u.fails(abi.EINVAL, abi.SYS_READV, fd, u.put(words64(uint64(q), 1<<63)), 1)

		many := make([]uint64, 0, 2*abi.UIO_MAXIOV)
		for i := range abi.UIO_MAXIOV {
			many = append(many, uint64(b)+uint64(i%5), 1)
		}
		u.is(abi.UIO_MAXIOV, abi.SYS_PWRITEV, fd, u.put(words64(many...)), abi.UIO_MAXIOV, 0, 0)
		if got := u.readFile("f"); got != strings.Repeat("defgh", abi.UIO_MAXIOV)[:abi.UIO_MAXIOV] {
			u.Errorf("file begins %q", got[:min(len(got), 20)])
		}
	})
}

func TestPipeSignals(t *testing.T) {
	run(t, func(u *user) {
		fds := u.alloc(8)
		u.sys(abi.SYS_PIPE2, fds, abi.O_CLOEXEC)
		r, w := uintptr(u.uint32(fds)), uintptr(u.uint32(fds+4))
		u.is(abi.FD_CLOEXEC, abi.SYS_FCNTL, r, abi.F_GETFD)
		p := u.put([]byte("data"))
		u.is(4, abi.SYS_WRITE, w, p, 4)
		n := u.alloc(4)
		u.sys(abi.SYS_IOCTL, r, abi.FIONREAD, n)
		if got := u.uint32(n); got != 4 {
			u.Errorf("FIONREAD says %d", got)
		}
		u.fails(abi.ESPIPE, abi.SYS_PREAD64, r, p, 4, 0)
		u.fails(abi.ESPIPE, abi.SYS_LSEEK, r, 0, abi.SEEK_CUR)
		u.is(4, abi.SYS_READ, r, p, 100)
		u.is(65536, abi.SYS_FCNTL, r, abi.F_GETPIPE_SZ)

		u.put(nil)
		one := u.put(words32(1))
		u.sys(abi.SYS_IOCTL, r, abi.FIONBIO, one)
		u.fails(abi.EAGAIN, abi.SYS_READ, r, p, 1)

		got := 0
		u.onSignal(abi.SIGPIPE, 0, func(*user, int) { got++ })
		u.sys(abi.SYS_CLOSE, r)
		u.fails(abi.EPIPE, abi.SYS_WRITE, w, p, 1)
		u.sys(abi.SYS_GETPID)
		if got != 1 {
			u.Errorf("%d SIGPIPE, want 1", got)
		}
		u.fails(abi.EINVAL, abi.SYS_PIPE2, fds, abi.O_CREAT)
		u.fails(abi.EFAULT, abi.SYS_PIPE, noMemory)
		u.fails(abi.EFAULT, abi.SYS_PIPE, u.edge(4))
		u.is(r, abi.SYS_DUP, w) // neither end of the pipe that failed is open
	})
}

func TestBlockingReadEndsWithSignal(t *testing.T) {
	run(t, func(u *user) {
		fds := u.alloc(8)
		u.sys(abi.SYS_PIPE, fds)
		r, w := uintptr(u.uint32(fds)), uintptr(u.uint32(fds+4))
		p := u.alloc(8)
		hits := 0
		u.onSignal(abi.SIGUSR1, 0, func(*user, int) { hits++ })
		u.signalled(abi.SIGUSR1, func() { u.fails(abi.EINTR, abi.SYS_READ, r, p, 8) })
		if hits == 0 {
			u.Error("no handler ran")
		}

		hits = 0
		u.onSignal(abi.SIGUSR2, abi.SA_RESTART, func(*user, int) {
			if hits++; hits == 3 {
				u.is(3, abi.SYS_WRITE, w, u.put([]byte("abc")), 3)
			}
		})
		u.signalled(abi.SIGUSR2, func() { u.is(3, abi.SYS_READ, r, p, 8) })
		if hits < 3 {
			u.Errorf("%d handlers ran before the data came", hits)
		}
	})
}

// sleep sleeps for ms milliseconds.
func (u *user) sleep(ms uint64) {
	u.sys(abi.SYS_NANOSLEEP, u.put(words64(ms/1000, ms%1000*1e6)), 0)
}

func TestFileSizeLimit(t *testing.T) {
	run(t, func(u *user) {
		u.sys(abi.SYS_SETRLIMIT, abi.RLIMIT_FSIZE, u.put(words64(10, 100)))
		hits := 0
		u.onSignal(abi.SIGXFSZ, 0, func(*user, int) { hits++ })
		fd := u.open("f", abi.O_CREAT|abi.O_RDWR)
		p := u.alloc(20)
		u.is(10, abi.SYS_WRITE, fd, p, 20)
		u.fails(abi.EFBIG, abi.SYS_WRITE, fd, p, 1)
		u.fails(abi.EFBIG, abi.SYS_FTRUNCATE, fd, 11)
		u.fails(abi.EFBIG, abi.SYS_TRUNCATE, u.str("f"), 11)
		u.sys(abi.SYS_GETPID)
		if hits != 3 {
			u.Errorf("%d SIGXFSZ, want 3", hits)
		}
	})
}

func TestTransfers(t *testing.T) {
	run(t, func(u *user) {
		text := strings.Repeat("0123456789abcdef", 8192) // 128 KiB
		u.writeFile("in", text)
		in := u.open("in", abi.O_RDONLY)
		out := u.open("out", abi.O_CREAT|abi.O_RDWR)
		size := uintptr(len(text))

		off := u.put(words64(16))
		u.is(size-16, abi.SYS_SENDFILE, out, in, off, 1<<30)
		if got := u.uint64(off); got != uint64(size) {
			u.Errorf("offset %d, want %d", got, size)
		}
		u.is(0, abi.SYS_LSEEK, in, 0, abi.SEEK_CUR)
		u.is(5, abi.SYS_SENDFILE, out, in, 0, 5)
		u.is(5, abi.SYS_LSEEK, in, 0, abi.SEEK_CUR)
		if got := u.readFile("out"); got != text[16:]+"01234" {
			u.Errorf("out has %d bytes", len(got))
		}
		u.is(0, abi.SYS_SENDFILE, out, in, u.put(words64(1<<40)), 5)
		u.fails(abi.EINVAL, abi.SYS_SENDFILE, out, in, u.put(words64(1<<63)), 5)
		u.fails(abi.EBADF, abi.SYS_SENDFILE, in, in, 0, 5)

		o := u.put(words64(3, 1))
		u.is(4, abi.SYS_COPY_FILE_RANGE, in, o, out, o+8, 4, 0)
		if a, b := u.uint64(o), u.uint64(o+8); a != 7 || b != 5 {
			u.Errorf("offsets %d and %d", a, b)
		}
		u.fails(abi.EINVAL, abi.SYS_COPY_FILE_RANGE, out, u.put(words64(0)), out, u.put(words64(3)), 4, 0)
		u.fails(abi.EINVAL, abi.SYS_COPY_FILE_RANGE, in, 0, out, 0, 4, 1)

		fds := u.alloc(8)
		u.sys(abi.SYS_PIPE, fds)
		r, w := uintptr(u.uint32(fds)), uintptr(u.uint32(fds+4))
		u.is(65536, abi.SYS_SPLICE, in, u.put(words64(0)), w, 0, size, 0) // all that the pipe takes
		u.fails(abi.EAGAIN, abi.SYS_SPLICE, in, 0, w, 0, 1, abi.SPLICE_F_NONBLOCK)
		u.sys(abi.SYS_FTRUNCATE, out, 0)
		u.is(65536, abi.SYS_SPLICE, r, 0, out, u.put(words64(0)), size, 0)
		if got := u.readFile("out"); got != text[:65536] {
			u.Errorf("spliced %d bytes", len(got))
		}
		u.fails(abi.EINVAL, abi.SYS_SPLICE, in, 0, out, 0, 1, 0)
		u.fails(abi.ESPIPE, abi.SYS_SPLICE, r, off, out, 0, 1, 0)
		u.fails(abi.EINVAL, abi.SYS_SENDFILE, out, r, 0, 1)

		iov := u.put(words64(uint64(u.put([]byte("xyz"))), 3))
		u.is(3, abi.SYS_VMSPLICE, w, iov, 1, 0)
		u.is(3, abi.SYS_READ, r, u.alloc(8), 8)
	})
}
