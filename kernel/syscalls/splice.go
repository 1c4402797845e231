package syscalls

import (
	"encoding/binary"
	"math"
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

const (
	readyIn  = wait.Readable | wait.Err | wait.Hup
	readyOut = wait.Writable | wait.Err | wait.Hup
)

// transferSize is how many bytes go from file to file at once.
const transferSize = 32 << 10

// transferBuffers are the kernel's memory for copies from file to file.
var transferBuffers = sync.Pool{New: func() any { return new([transferSize]byte) }}

// A cursor is one end of a transfer: a file, and where in it.
type cursor struct {
	f *vfs.File
	// off is the offset, or -1 for a stream.
	off int64
	// user is the address of the caller's offset, 0 for the file's own
	// position.
	user uintptr
}

// openCursor sets up the end of a transfer of n bytes whose offset, if any, is
// at addr: EINVAL if it does not end at an offset.
func openCursor(t *task.Task, f *vfs.File, addr uintptr, n int) (cursor, error) {
	c := cursor{f: f, off: -1, user: addr}
	switch {
	case f.IsStream():
		if addr != 0 {
			return c, abi.ESPIPE
		}
	case addr == 0:
		c.off = f.Pos()
	default:
		off, err := t.MM().ReadUint64(addr)
		if err != nil {
			return c, err
		}
		c.off = int64(off)
	}
	if addr != 0 && c.off < 0 || c.off > math.MaxInt64-int64(n) {
		return c, abi.EINVAL
	}
	return c, nil
}

// close stores the offset after n bytes where it came from.
func (c *cursor) close(t *task.Task, n int64) error {
	switch {
	case c.off < 0:
		return nil
	case c.user != 0:
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], uint64(c.off+n))
		return copyOut(t, c.user, b[:])
	case n > 0:
		_, err := c.f.Seek(c.off+n, abi.SEEK_SET)
		return err
	}
	return nil
}

// read and write move one piece, n bytes into the transfer.
func (c *cursor) read(t *task.Task, b []byte, n int64) (int, error) {
	dst := vfs.Bytes(b)
	off := int64(-1)
	if c.off >= 0 {
		off = c.off + n
	}
	m, err := readFrom(t, c.f, &dst, off)
	return int(m), err
}

func (c *cursor) write(t *task.Task, b []byte, n int64) (int, error) {
	src := vfs.Bytes(b)
	off := int64(-1)
	if c.off >= 0 {
		off = c.off + n
	}
	m, err := writeTo(t, c.f, &src, off)
	return int(m), err
}

// transfer copies up to n bytes, until the input ends or something fails. What
// has been copied counts: an error is returned only if nothing was. Bytes are
// read only when the output takes them, so that none are lost: a pipe, which
// takes PIPE_BUF bytes wholly or not at all, gets so many at once. It is waited
// for only before the first.
func transfer(t *task.Task, in, out *cursor, n int64) (int64, error) {
	buf := transferBuffers.Get().(*[transferSize]byte)
	defer transferBuffers.Put(buf)
	piece, toPipe := int64(transferSize), isPipe(out.f)
	if toPipe {
		piece = abi.PIPE_BUF
	}
	var done int64
	var err error
	for done < n && err == nil && !t.Killed() {
		if done > 0 && (in.f.IsStream() && !ready(in.f, readyIn) || toPipe && !ready(out.f, readyOut)) {
			break
		}
		if err = vfs.AwaitReady(t, out.f, readyOut); err != nil {
			break
		}
		b := buf[:min(piece, n-done)]
		var m int
		if m, err = in.read(t, b, done); err != nil || m == 0 {
			break
		}
		for b = b[:m]; len(b) > 0 && err == nil; b = b[m:] {
			m, err = out.write(t, b, done)
			done += int64(m)
		}
	}
	if e := in.close(t, done); err == nil {
		err = e
	}
	if e := out.close(t, done); err == nil {
		err = e
	}
	if done > 0 {
		err = nil
	}
	return done, err
}

// ready reports whether one of events holds for f.
func ready(f *vfs.File, events wait.Events) bool { return f.Ready(events)&events != 0 }

func sysSendfile(t *task.Task, a *Args) (uintptr, error) {
	in, err := readable(t, a[1])
	if err != nil {
		return 0, err
	}
	defer in.Put()
	out, err := writable(t, a[0])
	if err != nil {
		return 0, err
	}
	defer out.Put()
	n, err := ioSize(a[3])
	if err != nil {
		return 0, err
	}
	if in.IsStream() && a[2] != 0 {
		return 0, abi.ESPIPE
	}
	if in.IsStream() || out.Flags()&abi.O_APPEND != 0 || !canSplice(in) {
		return 0, abi.EINVAL
	}
	from, err := openCursor(t, in, a[2], n)
	if err != nil {
		return 0, err
	}
	to, err := openCursor(t, out, 0, n)
	if err != nil {
		return 0, err
	}
	done, err := transfer(t, &from, &to, int64(n))
	return uintptr(done), err
}

// canSplice reports whether sendfile(2) and splice(2) read f.
func canSplice(f *vfs.File) bool {
	if s, ok := f.Ops().(vfs.Spliced); ok {
		return s.CanSplice()
	}
	switch fileType(f) {
	case abi.S_IFREG, abi.S_IFBLK, abi.S_IFIFO, abi.S_IFSOCK:
		return true
	}
	return false
}

func isDir(f *vfs.File) bool { return fileType(f) == abi.S_IFDIR }

func fileType(f *vfs.File) uint32 { return f.Inode().Attr().Mode & abi.S_IFMT }

func sysCopyFileRange(t *task.Task, a *Args) (uintptr, error) {
	in, err := readable(t, a[0])
	if err != nil {
		return 0, err
	}
	defer in.Put()
	out, err := writable(t, a[2])
	if err != nil {
		return 0, err
	}
	defer out.Put()
	n, err := ioSize(a[4])
	if err != nil {
		return 0, err
	}
	switch {
	case a[5] != 0:
		return 0, abi.EINVAL
	case isDir(in) || isDir(out):
		return 0, abi.EISDIR
	case fileType(in) != abi.S_IFREG || fileType(out) != abi.S_IFREG:
		return 0, abi.EINVAL
	case out.Flags()&abi.O_APPEND != 0:
		return 0, abi.EBADF
	case in.Inode().FS() != out.Inode().FS():
		return 0, abi.EXDEV
	}
	from, err := openCursor(t, in, a[1], n)
	if err != nil {
		return 0, err
	}
	to, err := openCursor(t, out, a[3], n)
	if err != nil {
		return 0, err
	}
	if in.Inode() == out.Inode() && from.off < to.off+int64(n) && to.off < from.off+int64(n) {
		return 0, abi.EINVAL
	}
	done, err := transfer(t, &from, &to, int64(n))
	return uintptr(done), err
}

func sysSplice(t *task.Task, a *Args) (uintptr, error) {
	if a[5]&^(abi.SPLICE_F_MOVE|abi.SPLICE_F_NONBLOCK|abi.SPLICE_F_MORE|abi.SPLICE_F_GIFT) != 0 {
		return 0, abi.EINVAL
	}
	if a[4] == 0 {
		return 0, nil
	}
	in, err := readable(t, a[0])
	if err != nil {
		return 0, err
	}
	defer in.Put()
	out, err := writable(t, a[2])
	if err != nil {
		return 0, err
	}
	defer out.Put()
	n, err := ioSize(a[4])
	if err != nil {
		return 0, err
	}
	inPipe, outPipe := isPipe(in), isPipe(out)
	switch {
	case !inPipe && !outPipe, in.Inode() == out.Inode(), !canSplice(in), out.Flags()&abi.O_APPEND != 0:
		return 0, abi.EINVAL
	case inPipe && a[1] != 0, outPipe && a[3] != 0:
		return 0, abi.ESPIPE
	}
	if a[5]&abi.SPLICE_F_NONBLOCK != 0 {
		if inPipe && !ready(in, readyIn) || outPipe && !ready(out, readyOut) {
			return 0, abi.EAGAIN
		}
	}
	from, err := openCursor(t, in, a[1], n)
	if err != nil {
		return 0, err
	}
	to, err := openCursor(t, out, a[3], n)
	if err != nil {
		return 0, err
	}
	done, err := transfer(t, &from, &to, int64(n))
	return uintptr(done), err
}

func isPipe(f *vfs.File) bool { return fileType(f) == abi.S_IFIFO }

// sysVmsplice copies between user memory and a pipe.
func sysVmsplice(t *task.Task, a *Args) (uintptr, error) {
	if a[3]&^(abi.SPLICE_F_MOVE|abi.SPLICE_F_NONBLOCK|abi.SPLICE_F_MORE|abi.SPLICE_F_GIFT) != 0 {
		return 0, abi.EINVAL
	}
	f, err := getFile(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	if !isPipe(f) {
		return 0, abi.EBADF
	}
	defer dropIovecs(t)
	if err := loadIovecs(t, a[1], a[2]); err != nil {
		return 0, err
	}
	nonblock := a[3]&abi.SPLICE_F_NONBLOCK != 0
	if f.Writable() {
		if nonblock && !ready(f, readyOut) {
			return 0, abi.EAGAIN
		}
		return writeTo(t, f, &t.IOBuf, -1)
	}
	if nonblock && !ready(f, readyIn) {
		return 0, abi.EAGAIN
	}
	return readFrom(t, f, &t.IOBuf, -1)
}
