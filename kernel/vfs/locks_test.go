package vfs_test

import (
	"fmt"
	"math/rand"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/vfs"
)

// A process is a thread with descriptors of its own, which own record locks.
type process struct {
	*caller
	fds *vfs.FDTable
	pid int32
}

func (c *caller) process(pid int32) *process { return &process{c.fork(), vfs.NewFDTable(), pid} }

// openFD opens a file and returns its descriptor.
func (p *process) openFD(t testing.TB, name string, flags int) int {
	t.Helper()
	f, err := p.open(name, flags, 0o666)
	must(t, err)
	fd, err := p.fds.Install(f, 0, false)
	must(t, err)
	return fd
}

func (p *process) lock(fd int, kind int16, start, n int64, wait bool) error {
	f, err := p.fds.Get(fd)
	if err != nil {
		return err
	}
	defer f.Put()
	return p.fds.SetLock(p, fd, f, abi.Flock{Type: kind, Start: start, Len: n, PID: p.pid}, wait)
}

func (p *process) test(t testing.TB, fd int, kind int16, start, n int64) string {
	t.Helper()
	f, err := p.fds.Get(fd)
	must(t, err)
	defer f.Put()
	l, err := p.fds.GetLock(f, abi.Flock{Type: kind, Start: start, Len: n})
	must(t, err)
	if l.Type == abi.F_UNLCK {
		return "free"
	}
	return fmt.Sprintf("%s %d+%d pid %d", []string{"read", "write"}[l.Type], l.Start, l.Len, l.PID)
}

func TestRecordLocks(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	a, b := c.process(10), c.process(20)
	fa, fb := a.openFD(t, "f", abi.O_CREAT|abi.O_RDWR), b.openFD(t, "f", abi.O_RDWR)
	must(t, a.lock(fa, abi.F_WRLCK, 10, 10, false))
	must(t, a.lock(fa, abi.F_WRLCK, 20, 5, false)) // joins
	want(t, "write in the way", b.lock(fb, abi.F_RDLCK, 24, 1, false), abi.EAGAIN)
	must(t, b.lock(fb, abi.F_WRLCK, 25, 0, false))
	if got := b.test(t, fb, abi.F_WRLCK, 0, 0); got != "write 10+15 pid 10" {
		t.Error(got)
	}
	must(t, a.lock(fa, abi.F_RDLCK, 12, 3, false)) // splits
	must(t, b.lock(fb, abi.F_RDLCK, 13, 1, false))
	if got := b.test(t, fb, abi.F_RDLCK, 11, 5); got != "write 10+2 pid 10" {
		t.Error(got)
	}
	if got := a.test(t, fa, abi.F_RDLCK, 1000, 1); got != "write 25+0 pid 20" {
		t.Error(got)
	}
	must(t, a.lock(fa, abi.F_UNLCK, 0, 0, false))
	if got := b.test(t, fb, abi.F_WRLCK, 0, 25); got != "free" {
		t.Error(got)
	}
	// Closing any descriptor of the file gives up the process's locks.
	must(t, a.lock(fa, abi.F_WRLCK, 0, 5, false))
	must(t, a.fds.Close(a.openFD(t, "f", abi.O_RDONLY)))
	if got := b.test(t, fb, abi.F_WRLCK, 0, 5); got != "free" {
		t.Error(got)
	}
	ro := a.openFD(t, "f", abi.O_RDONLY)
	want(t, "write lock on a read-only file", a.lock(ro, abi.F_WRLCK, 0, 5, false), abi.EBADF)
	want(t, "negative start", a.lock(fa, abi.F_WRLCK, -1, 5, false), abi.EINVAL)
	want(t, "negative length", a.lock(fa, abi.F_WRLCK, 5, -6, false), abi.EINVAL)
	want(t, "negative length that fits", a.lock(fa, abi.F_WRLCK, 5, -5, false), nil)
	if got := b.test(t, fb, abi.F_WRLCK, 0, 10); got != "write 0+5 pid 10" {
		t.Error(got)
	}
	want(t, "unknown kind", a.lock(fa, 7, 0, 5, false), abi.EINVAL)
	// Locks go with the process.
	a.fds.CloseAll()
	if got := b.test(t, fb, abi.F_WRLCK, 0, 10); got != "free" {
		t.Error(got)
	}
}

func TestOFDLocks(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	p := c.process(10)
	fd1, fd2 := p.openFD(t, "f", abi.O_CREAT|abi.O_RDWR), p.openFD(t, "f", abi.O_RDWR)
	f1, _ := p.fds.Get(fd1)
	f2, _ := p.fds.Get(fd2)
	l := abi.Flock{Type: abi.F_WRLCK, Len: 10}
	must(t, f1.SetLock(p, l, false))
	want(t, "the other file", f2.SetLock(p, l, false), abi.EAGAIN)
	want(t, "the process itself", p.fds.SetLock(p, fd1, f1, l, false), abi.EAGAIN)
	if got := p.test(t, fd2, abi.F_RDLCK, 0, 1); got != "write 0+10 pid -1" {
		t.Error(got)
	}
	f1.Put()
	dup, err := p.fds.Install(f1, 10, false)
	must(t, err)
	f1.Get()
	must(t, p.fds.Close(fd1))
	want(t, "with a duplicate open", f2.SetLock(p, l, false), abi.EAGAIN)
	must(t, p.fds.Close(dup))
	must(t, f2.SetLock(p, l, false))
	f2.Put()
}

// TestLocksModel compares random record locks of three processes with a map of
// bytes.
func TestLocksModel(t *testing.T) {
	const size = 30
	c := newRoot(t, tmpfs.Options{})
	var ps [3]*process
	var fds [3]int
	var model [3][size]int16 // by process and byte
	for i := range ps {
		ps[i] = c.process(int32(i))
		fds[i] = ps[i].openFD(t, "f", abi.O_CREAT|abi.O_RDWR)
		for b := range size {
			model[i][b] = abi.F_UNLCK
		}
	}
	r := rand.New(rand.NewSource(1))
	for n := range 20000 {
		i, kind := r.Intn(3), int16(r.Intn(3))
		from := r.Intn(size)
		to := from + 1 + r.Intn(size-from)
		var wanted error
		if kind != abi.F_UNLCK {
			for j := range ps {
				for b := from; b < to && j != i; b++ {
					if k := model[j][b]; k == abi.F_WRLCK || k == abi.F_RDLCK && kind == abi.F_WRLCK {
						wanted = abi.EAGAIN
					}
				}
			}
		}
		err := ps[i].lock(fds[i], kind, int64(from), int64(to-from), false)
		if err != wanted {
			t.Fatalf("step %d: %v, want %v", n, err, wanted)
		}
		if err == nil {
			for b := from; b < to; b++ {
				model[i][b] = kind
			}
		}
	}
	for i := range ps {
		ps[i].fds.CloseAll()
	}
	f, err := c.open("f", abi.O_RDWR, 0)
	must(t, err)
	defer f.Put()
	vfs.Locks(f.Inode(), func(l vfs.LockInfo) { t.Errorf("left over: %+v", l) })
}

// What NextLock tells one by one is what an owner has, gaps left out.
func TestNextLock(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	p := c.process(10)
	fds := [2]int{p.openFD(t, "f", abi.O_CREAT|abi.O_RDWR), p.openFD(t, "f", abi.O_RDWR)}
	for i := range 300 { // those of the second descriptor in one block, longer than one look
		fd := fds[0]
		if 100 <= i && i < 200 {
			fd = fds[1]
		}
		must(t, p.lock(fd, abi.F_WRLCK, int64(2*i), 1, false))
	}
	first, err := p.fds.Get(fds[0])
	must(t, err)
	defer first.Put()
	must(t, first.SetLock(c, abi.Flock{Type: abi.F_RDLCK, Start: 1, Len: 1}, false))
	must(t, first.Flock(c, abi.LOCK_EX))
	tell := func(f *vfs.File, table *vfs.FDTable) (kinds string, starts []int64) {
		for n := 0; n >= 0; {
			l, found, next := table.NextLock(f, n)
			if next >= 0 && (next <= n && found || next < n) {
				t.Fatalf("from %d to %d", n, next)
			}
			if n = next; found {
				kinds += l.Kind[:1]
				starts = append(starts, l.Start)
			}
		}
		return kinds, starts
	}
	kinds, starts := tell(first, p.fds)
	if want := "F" + strings.Repeat("P", 200) + "O"; kinds != want || starts[100] != 198 || starts[101] != 400 {
		t.Errorf("first descriptor: %q, %d", kinds, starts)
	}
	if kinds, _ = tell(first, c.process(20).fds); kinds != "FO" {
		t.Errorf("first descriptor in another process: %q", kinds)
	}
	second, err := p.fds.Get(fds[1])
	must(t, err)
	defer second.Put()
	if kinds, starts = tell(second, p.fds); kinds != strings.Repeat("P", 100) || starts[0] != 200 {
		t.Errorf("second descriptor: %q, %d", kinds, starts)
	}
	must(t, p.lock(fds[1], abi.F_UNLCK, 0, 0, false))
	if kinds, _ = tell(second, p.fds); kinds != "" {
		t.Errorf("after they were given up: %q", kinds)
	}
}

// soon fails the test unless something comes before long.
func soon(t testing.TB, what string, done <-chan error, wanted error) {
	t.Helper()
	select {
	case err := <-done:
		want(t, what, err, wanted)
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: still waiting", what)
	}
}

// blocked fails the test if something comes.
func blocked(t testing.TB, what string, done <-chan error) {
	t.Helper()
	select {
	case err := <-done:
		t.Fatalf("%s: did not wait: %v", what, err)
	case <-time.After(20 * time.Millisecond):
	}
}

func TestLockWaits(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	a, b := c.process(1), c.process(2)
	fa, fb := a.openFD(t, "f", abi.O_CREAT|abi.O_RDWR), b.openFD(t, "f", abi.O_RDWR)
	must(t, a.lock(fa, abi.F_WRLCK, 0, 10, false))
	done := make(chan error, 1)
	go func() { done <- b.lock(fb, abi.F_WRLCK, 5, 1, true) }()
	blocked(t, "lock", done)
	must(t, a.lock(fa, abi.F_RDLCK, 0, 10, false))
	blocked(t, "lock of a read lock", done)
	must(t, a.lock(fa, abi.F_UNLCK, 5, 1, false))
	soon(t, "lock", done, nil)

	go func() { done <- a.lock(fa, abi.F_RDLCK, 5, 1, true) }()
	blocked(t, "lock", done)
	a.sleeper.Interrupt()
	soon(t, "interrupted lock", done, abi.ERESTARTSYS)
	a.sleeper.ClearInterrupt()
}

func TestDeadlock(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	const n = 4
	var ps [n]*process
	var fds [n]int
	for i := range n {
		ps[i] = c.process(int32(i))
		fds[i] = ps[i].openFD(t, "f", abi.O_CREAT|abi.O_RDWR)
		must(t, ps[i].lock(fds[i], abi.F_WRLCK, int64(i), 1, false))
	}
	var done [n]chan error
	for i := range n - 1 {
		done[i] = make(chan error, 1)
		go func() { done[i] <- ps[i].lock(fds[i], abi.F_WRLCK, int64(i+1), 1, true) }()
		blocked(t, "lock", done[i])
	}
	want(t, "closing the circle", ps[n-1].lock(fds[n-1], abi.F_WRLCK, 0, 1, true), abi.EDEADLK)
	want(t, "without waiting", ps[n-1].lock(fds[n-1], abi.F_WRLCK, 0, 1, false), abi.EAGAIN)
	ps[n-1].fds.CloseAll()
	for i := n - 2; i >= 0; i-- {
		soon(t, "lock", done[i], nil)
		ps[i].fds.CloseAll()
	}
}

func TestFlock(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	open := func() *vfs.File {
		f, err := c.open("f", abi.O_CREAT|abi.O_RDONLY, 0o644)
		must(t, err)
		return f
	}
	a, b := open(), open()
	must(t, a.Flock(c, abi.LOCK_SH))
	must(t, b.Flock(c, abi.LOCK_SH))
	want(t, "exclusive", b.Flock(c, abi.LOCK_EX|abi.LOCK_NB), abi.EAGAIN)
	must(t, a.Flock(c, abi.LOCK_UN))
	must(t, b.Flock(c, abi.LOCK_EX|abi.LOCK_NB))
	want(t, "shared", a.Flock(c, abi.LOCK_SH|abi.LOCK_NB), abi.EAGAIN)
	for op, wanted := range map[int]error{3: abi.EINVAL, 0: abi.EINVAL, abi.LOCK_NB: abi.EINVAL, 1 << 31: abi.EINVAL,
		abi.LOCK_SH | abi.LOCK_NB: nil, abi.LOCK_MAND: nil, -1: nil} {
		if _, err := vfs.CheckFlock(op); err != wanted {
			t.Errorf("flock operation %#x: %v, want %v", op, err, wanted)
		}
	}
	other := c.fork()
	done := make(chan error, 1)
	go func() { done <- a.Flock(other, abi.LOCK_EX) }()
	blocked(t, "flock", done)
	b.Put() // closing unlocks
	soon(t, "flock", done, nil)
	b = open()
	go func() { done <- b.Flock(other, abi.LOCK_SH) }()
	blocked(t, "flock", done)
	other.sleeper.Interrupt()
	soon(t, "interrupted flock", done, abi.ERESTARTSYS)
	a.Put()
	b.Put()
}

// TestLockOfAClosedDescriptor takes a lock while another thread closes the
// descriptor, or makes it another file: nothing is left of it.
func TestLockOfAClosedDescriptor(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	for name, closeIt := range map[string]func(p *process, fd int) error{
		"close": func(p *process, fd int) error { return p.fds.Close(fd) },
		"dup2": func(p *process, fd int) error {
			return p.fds.Dup2(p.openFD(t, "other", abi.O_CREAT|abi.O_RDWR), fd, false)
		},
		"close_range": func(p *process, fd int) error { return p.fds.CloseRange(uint(fd), uint(fd), false) },
	} {
		a, b, d := c.process(10), c.process(20), c.process(30)
		fa, fb := a.openFD(t, "f", abi.O_CREAT|abi.O_RDWR), b.openFD(t, "f", abi.O_RDWR)
		fd := d.openFD(t, "f", abi.O_RDWR)
		must(t, a.lock(fa, abi.F_WRLCK, 0, 0, false))
		done := make(chan error, 1)
		go func() { done <- b.lock(fb, abi.F_WRLCK, 0, 0, true) }()
		blocked(t, name, done)
		must(t, closeIt(b, fb))
		must(t, a.lock(fa, abi.F_UNLCK, 0, 0, false))
		soon(t, name, done, abi.EBADF)
		if got := d.test(t, fd, abi.F_WRLCK, 0, 0); got != "free" {
			t.Errorf("%s: the lock is still there: %s", name, got)
		}
		for _, p := range []*process{a, b, d} {
			p.fds.CloseAll()
		}
	}
}

// TestFileLocksWhileClosing takes locks that the open file owns while another
// thread closes its last descriptor: they last as long as the call does.
func TestFileLocksWhileClosing(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	for name, lock := range map[string]func(c *caller, f *vfs.File, wait bool) error{
		"flock": func(c *caller, f *vfs.File, wait bool) error {
			if wait {
				return f.Flock(c, abi.LOCK_EX)
			}
			return f.Flock(c, abi.LOCK_EX|abi.LOCK_NB)
		},
		"open file description lock": func(c *caller, f *vfs.File, wait bool) error {
			return f.SetLock(c, abi.Flock{Type: abi.F_WRLCK}, wait)
		},
	} {
		a, b := c.process(10), c.process(20)
		fa, fb := a.openFD(t, "f", abi.O_CREAT|abi.O_RDWR), b.openFD(t, "f", abi.O_RDWR)
		held, _ := a.fds.Get(fa)
		must(t, lock(a.caller, held, false))
		held.Put()
		done := make(chan error, 1)
		f, _ := b.fds.Get(fb)
		go func() {
			err := lock(b.caller, f, true)
			f.Put()
			done <- err
		}()
		blocked(t, name, done)
		must(t, b.fds.Close(fb))
		must(t, a.fds.Close(fa))
		soon(t, name, done, nil)
		f, err := c.open("f", abi.O_RDWR, 0)
		must(t, err)
		must(t, lock(c, f, false))
		f.Put()
	}
}

// TestStaleDeadlock has a waiter whose lock has become free, but who has not
// run yet: waiting for it is no deadlock.
func TestStaleDeadlock(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	a, b := c.process(1), c.process(2)
	fa, fb := a.openFD(t, "f", abi.O_CREAT|abi.O_RDWR), b.openFD(t, "f", abi.O_RDWR)
	for n := range 200 {
		must(t, a.lock(fa, abi.F_WRLCK, 0, 1, false))
		must(t, b.lock(fb, abi.F_WRLCK, 1, 1, false))
		done := make(chan error, 1)
		go func() { done <- a.lock(fa, abi.F_WRLCK, 1, 1, true) }()
		if n%2 == 0 {
			time.Sleep(time.Millisecond)
		}
		must(t, b.lock(fb, abi.F_UNLCK, 1, 1, false))
		go func() {
			err := <-done
			a.lock(fa, abi.F_UNLCK, 0, 0, false)
			done <- err
		}()
		if err := b.lock(fb, abi.F_WRLCK, 0, 1, true); err != nil {
			t.Fatalf("round %d: %v, want to wait", n, err)
		}
		soon(t, "lock", done, nil)
		must(t, b.lock(fb, abi.F_UNLCK, 0, 0, false))
	}
}

// TestManyLocks takes, asks for and gives up locks that do not join, of one
// owner and of many. With a list instead of a tree it takes minutes.
func TestManyLocks(t *testing.T) {
	const n = 15000
	c := newRoot(t, tmpfs.Options{})
	a, b := c.process(1), c.process(2)
	fa, fb := a.openFD(t, "f", abi.O_CREAT|abi.O_RDWR), b.openFD(t, "f", abi.O_RDWR)
	start := time.Now()
	for i := range int64(n) {
		must(t, a.lock(fa, abi.F_RDLCK, 4*i, 1, false))
		must(t, b.lock(fb, abi.F_RDLCK, 4*i, 2, false))
	}
	for i := range int64(n) {
		want(t, "write", b.lock(fb, abi.F_WRLCK, 4*i, 1, false), abi.EAGAIN)
	}
	for i := range int64(n) {
		must(t, a.lock(fa, abi.F_UNLCK, 4*i, 1, false))
	}
	for i := range int64(n) {
		must(t, b.lock(fb, abi.F_WRLCK, 4*i, 1, false))
	}
	b.fds.CloseAll()
	if got := a.test(t, fa, abi.F_WRLCK, 0, 0); got != "free" {
		t.Error(got)
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("%d locks took %v", n, d)
	}
	a.fds.CloseAll()
}

// TestLocksExclude has processes take locks that they wait for, one at a time:
// nobody is let in besides another, nobody is left waiting, and there is no
// deadlock.
func TestLocksExclude(t *testing.T) {
	const size, workers, rounds = 16, 8, 400
	c := newRoot(t, tmpfs.Options{})
	var readers, writers [size]atomic.Int32
	var wg sync.WaitGroup
	for i := range workers {
		p := c.process(int32(i))
		fd := p.openFD(t, "f", abi.O_CREAT|abi.O_RDWR)
		r := rand.New(rand.NewSource(int64(i)))
		wg.Go(func() {
			defer p.fds.CloseAll()
			for range rounds {
				from := r.Intn(size)
				to := from + 1 + r.Intn(size-from)
				kind := int16(abi.F_RDLCK)
				if r.Intn(2) == 0 {
					kind = abi.F_WRLCK
				}
				if err := p.lock(fd, kind, int64(from), int64(to-from), true); err != nil {
					t.Errorf("lock: %v", err)
					return
				}
				for b := from; b < to; b++ {
					if kind == abi.F_RDLCK {
						readers[b].Add(1)
					} else {
						writers[b].Add(1)
					}
				}
				for b := from; b < to; b++ {
					if w, r := writers[b].Load(), readers[b].Load(); w > 1 || w == 1 && r > 0 {
						t.Errorf("byte %d: %d write, %d read", b, w, r)
					}
				}
				for b := from; b < to; b++ {
					if kind == abi.F_RDLCK {
						readers[b].Add(-1)
					} else {
						writers[b].Add(-1)
					}
				}
				must(t, p.lock(fd, abi.F_UNLCK, 0, 0, false))
			}
		})
	}
	done := make(chan error, 1)
	go func() {
		wg.Wait()
		done <- nil
	}()
	select {
	case <-done:
	case <-time.After(60 * time.Second):
		t.Fatal("somebody is left waiting")
	}
}
