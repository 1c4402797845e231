//go:build linux && amd64

package tmpfs

import (
	"bytes"
	"fmt"
	"math/rand"
	"os"
	"strings"
	"syscall"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
)

// TestContentsLikeLinux does the same random operations on the contents of a
// file here and in the host's tmpfs.
func TestContentsLikeLinux(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "tmpfs")
	if err != nil {
		t.Skip("no /dev/shm: ", err)
	}
	defer os.RemoveAll(dir)
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) != nil || st.Type != abi.TMPFS_MAGIC {
		t.Skip("/dev/shm is no tmpfs")
	}
	if !hasSmallPages(t, dir) {
		t.Skip("/dev/shm has large pages, and holes of other sizes")
	}
	before := frame.Free()
	for seed := range int64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { contentsLikeLinux(t, dir, seed) })
	}
	if after := frame.Free(); after != before {
		t.Errorf("%d frames free, %d before", after, before)
	}
}

// hasSmallPages reports whether the host's tmpfs takes page after page, rather
// than several at once (huge= of tmpfs(5)).
func hasSmallPages(t *testing.T, dir string) bool {
	fd, err := syscall.Open(dir+"/pages", abi.O_CREAT|abi.O_RDWR, 0o600)
	must(t, err)
	defer syscall.Close(fd)
	_, err = syscall.Write(fd, make([]byte, 5*pageSize))
	must(t, err)
	must(t, syscall.Ftruncate(fd, 1<<30))
	_, err = syscall.Pwrite(fd, []byte("x"), 64<<20)
	must(t, err)
	var st syscall.Stat_t
	must(t, syscall.Fstat(fd, &st))
	return st.Blocks == 6*pageSize/512
}

func contentsLikeLinux(t *testing.T, dir string, seed int64) {
	r := rand.New(rand.NewSource(seed))
	flags := abi.O_CREAT | abi.O_RDWR
	if r.Intn(4) == 0 {
		flags |= abi.O_APPEND
	}
	u := newUser(t, Options{})
	f := u.open(t, "f", flags)
	name := fmt.Sprint(dir, "/", seed)
	fd, err := syscall.Open(name, flags, 0o644)
	must(t, err)
	defer syscall.Close(fd)

	offset := func() int64 {
		switch r.Intn(20) {
		case 0:
			return int64(r.Intn(1 << 30)) // far away
		case 1:
			return int64(r.Intn(60)) * pageSize
		case 2:
			return -1
		}
		return int64(r.Intn(300000))
	}
	allocated := false // Linux calls allocated pages holes until written
	var log []string
	for range 400 {
		off, n := offset(), r.Intn(20000)
		var what, linux, here string
		switch op := r.Intn(10); op {
		case 0, 1, 2:
			p := make([]byte, n)
			r.Read(p)
			if op == 2 {
				what = fmt.Sprintf("write(%d)", n)
				m, err := syscall.Write(fd, p)
				linux = fmt.Sprint(max(m, 0), err)
				m, err = u.write(f, p)
				here = fmt.Sprint(m, err)
				break
			}
			what = fmt.Sprintf("pwrite(%d, %d)", n, off)
			m, err := syscall.Pwrite(fd, p, off)
			linux = fmt.Sprint(max(m, 0), err)
			m, err = u.writeAt(f, p, off)
			here = fmt.Sprint(m, err)
		case 3, 4:
			what = fmt.Sprintf("pread(%d, %d)", n, off)
			p := make([]byte, n)
			m, err := syscall.Pread(fd, p, off)
			linux = fmt.Sprint(max(m, 0), err)
			q, err := u.readAt(f, n, off)
			here = fmt.Sprint(len(q), err)
			if m >= 0 && !bytes.Equal(p[:m], q) {
				here += " other bytes"
			}
		case 5:
			size := off
			if r.Intn(2) == 0 {
				size = f.Inode().Attr().Size - int64(r.Intn(9000))
			}
			what = fmt.Sprintf("ftruncate(%d)", size)
			linux = fmt.Sprint(syscall.Ftruncate(fd, size))
			here = fmt.Sprint(f.Truncate(u, size))
		case 6:
			mode := []uint32{0, abi.FALLOC_FL_KEEP_SIZE, abi.FALLOC_FL_PUNCH_HOLE,
				abi.FALLOC_FL_PUNCH_HOLE | abi.FALLOC_FL_KEEP_SIZE, abi.FALLOC_FL_PUNCH_HOLE | abi.FALLOC_FL_KEEP_SIZE,
				abi.FALLOC_FL_ZERO_RANGE, abi.FALLOC_FL_COLLAPSE_RANGE, 1 << 20}[r.Intn(8)]
			what = fmt.Sprintf("fallocate(%#x, %d, %d)", mode, off, n)
			linux = fmt.Sprint(syscall.Fallocate(fd, mode, off, int64(n)))
			here = fmt.Sprint(f.Allocate(u, int(mode), off, int64(n)))
			allocated = allocated || mode&^abi.FALLOC_FL_KEEP_SIZE == 0
		default:
			whence := r.Intn(6)
			if allocated && whence >= abi.SEEK_DATA {
				continue
			}
			if whence == abi.SEEK_CUR && off > 1<<20 {
				off = -off
			}
			what = fmt.Sprintf("lseek(%d, %d)", off, whence)
			pos, err := syscall.Seek(fd, off, whence)
			linux = fmt.Sprint(max(pos, 0), err)
			pos, err = f.Seek(off, whence)
			here = fmt.Sprint(pos, err)
		}
		var st syscall.Stat_t
		must(t, syscall.Fstat(fd, &st))
		linux += fmt.Sprintf(", size %d, %d blocks", st.Size, st.Blocks)
		a := f.Inode().Attr()
		here += fmt.Sprintf(", size %d, %d blocks", a.Size, a.Blocks)
		linux = strings.ReplaceAll(strings.ToLower(linux), "operation not supported", "not supported")
		here = strings.ReplaceAll(strings.ToLower(here), "operation not supported", "not supported")
		log = append(log, what+" = "+linux)
		if linux != here {
			t.Fatalf("%s\nLinux: %s\nhere:  %s", strings.Join(log[max(0, len(log)-20):], "\n"), linux, here)
		}
	}
	u.unlink(t, "f")
	f.Put()
}
