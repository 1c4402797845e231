package epoll

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/ipc/pipe"
	"kevlar/kernel/kmem"
	"kevlar/kernel/ktime"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

func TestMain(m *testing.M) {
	frame.InitSoft(1024)
	os.Exit(m.Run())
}

// A caller has a page of user memory at address 0x1000.
type caller struct {
	vfs.Caller
	sleeper *wait.Sleeper
	mem     [4096]byte
}

const userBase = 0x1000

func newCaller() *caller { return &caller{Caller: vfs.Kernel, sleeper: wait.NewSleeper()} }

func (c *caller) Sleeper() *wait.Sleeper { return c.sleeper }

func (c *caller) CopyOut(addr uintptr, src []byte) (int, error) {
	if addr < userBase || addr+uintptr(len(src)) > userBase+4096 {
		return 0, abi.EFAULT
	}
	return copy(c.mem[addr-userBase:], src), nil
}

// charged returns what is charged.
func charged() int64 { return kmem.Machine.Used() }

func newEpoll(t *testing.T) *vfs.File {
	t.Helper()
	f, err := New(vfs.Kernel, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func newPipe(t *testing.T) (r, w *vfs.File) {
	t.Helper()
	r, w, err := pipe.New(vfs.Kernel, abi.O_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

func write(t *testing.T, f *vfs.File) {
	t.Helper()
	b := vfs.Bytes("x")
	if _, err := f.Write(vfs.Kernel, &b); err != nil {
		t.Fatal(err)
	}
}

func read(f *vfs.File) {
	b := make(vfs.Bytes, 1)
	f.Read(vfs.Kernel, &b)
}

func ctl(t *testing.T, ep, f *vfs.File, fd, op int, events uint32, want error) {
	t.Helper()
	err := Ctl(ep, f, fd, op, abi.EpollEvent{Events: events, Data: uint64(fd)})
	if err != want {
		t.Errorf("epoll_ctl %d of %d for %#x: %v, want %v", op, fd, events, err, want)
	}
}

// An event is what Wait returns: the descriptor, which is the data, and what
// happened.
type event struct {
	fd     uint64
	events uint32
}

func waitFor(t *testing.T, ep *vfs.File, deadline int64, want ...event) {
	t.Helper()
	c := newCaller()
	e, err := Of(ep)
	if err != nil {
		t.Fatal(err)
	}
	n, err := e.Wait(c, userBase, 8, deadline)
	if err != nil {
		t.Errorf("epoll_wait: %v", err)
	}
	var got []event
	for i := range n {
		var ev abi.EpollEvent
		ev.Unmarshal(c.mem[i*abi.SizeofEpollEvent:])
		got = append(got, event{ev.Data, ev.Events})
	}
	if len(got) != len(want) {
		t.Errorf("epoll_wait: %x, want %x", got, want)
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("epoll_wait: %x, want %x", got, want)
			return
		}
	}
}

const (
	add = abi.EPOLL_CTL_ADD
	mod = abi.EPOLL_CTL_MOD
	del = abi.EPOLL_CTL_DEL
	in  = abi.EPOLLIN
	out = abi.EPOLLOUT
)

// TestCtlErrors does what a C program did on Linux.
func TestCtlErrors(t *testing.T) {
	e, e2 := newEpoll(t), newEpoll(t)
	r, w := newPipe(t)
	plain, _ := vfs.NewAnonFile(vfs.Kernel, "plain", vfs.NoFile{}, abi.O_RDWR)
	const excl = abi.EPOLLEXCLUSIVE
	ctl(t, e, e, 3, add, in, abi.EINVAL)
	ctl(t, r, w, 1, add, in, abi.EINVAL)
	ctl(t, e, plain, 5, add, in, abi.EPERM)
	ctl(t, e, plain, 5, del, 0, abi.EPERM)
	ctl(t, e, r, 0, mod, in, abi.ENOENT)
	ctl(t, e, r, 0, del, 0, abi.ENOENT)
	ctl(t, e, r, 0, 9, in, abi.EINVAL)
	ctl(t, e, r, 0, add, in, nil)
	ctl(t, e, r, 0, add, in, abi.EEXIST)
	ctl(t, e, r, 7, add, in, nil) // the same file as another descriptor
	ctl(t, e, r, 7, del, 0, nil)
	ctl(t, e, r, 0, mod, in|excl, abi.EINVAL)
	ctl(t, e, w, 1, add, in|excl, nil)
	ctl(t, e, w, 1, mod, in, abi.EINVAL)
	ctl(t, e, w, 1, del, 0, nil)
	ctl(t, e, w, 1, add, in|excl|abi.EPOLLONESHOT, abi.EINVAL)
	ctl(t, e, w, 1, add, in|excl|abi.EPOLLRDHUP, abi.EINVAL)
	ctl(t, e, e2, 4, add, in|excl, abi.EINVAL)
	ctl(t, e, e2, 4, add, in, nil)
	ctl(t, e2, e, 3, add, in, abi.ELOOP)

	ep, _ := Of(e)
	for _, max := range []int{0, -1, MaxEvents + 1} {
		if _, err := ep.Wait(newCaller(), userBase, max, 0); err != abi.EINVAL {
			t.Errorf("epoll_wait for %d events: %v", max, err)
		}
	}
	write(t, w)
	if _, err := ep.Wait(newCaller(), 8, 1, 0); err != abi.EFAULT {
		t.Errorf("epoll_wait to nowhere: %v", err)
	}
	waitFor(t, e, 0, event{0, in}) // and the event is still there
	if _, err := New(vfs.Kernel, 1); err != abi.EINVAL {
		t.Errorf("unknown flag: %v", err)
	}
	for _, f := range []*vfs.File{e, e2, r, w, plain} {
		f.Put()
	}
	if n := charged(); n != 0 {
		t.Errorf("%d bytes are left charged", n)
	}
}

func TestNesting(t *testing.T) {
	chain := func() (c [8]*vfs.File) {
		for i := range c {
			c[i] = newEpoll(t)
		}
		return c
	}
	c := chain()
	for i, want := range []error{nil, nil, nil, nil, abi.ELOOP, nil, nil} {
		ctl(t, c[i], c[i+1], i, add, in, want)
	}
	for _, f := range c {
		f.Put()
	}
	c = chain()
	for i, want := range [7]error{6 - 2: abi.ELOOP} {
		ctl(t, c[6-i], c[7-i], i, add, in, want)
	}
	for _, f := range c {
		f.Put()
	}
	if n := charged(); n != 0 {
		t.Errorf("%d bytes are left charged", n)
	}
}

// TestManyChains makes graphs of instances in which an event, or the search
// for circles, would go a number of ways that multiplies with each step.
func TestManyChains(t *testing.T) {
	var all []*vfs.File
	instance := func() *vfs.File {
		f := newEpoll(t)
		all = append(all, f)
		return f
	}
	// d is reached by n ways of two steps, then g by those of three.
	top, d, g := instance(), instance(), instance()
	n := 0
	for ; n < chainLimits[2]; n++ {
		c := instance()
		ctl(t, top, c, n, add, in, nil)
		ctl(t, c, d, n, add, in, nil)
	}
	c := instance()
	ctl(t, c, d, n, add, in, nil)
	ctl(t, top, c, n, add, in, abi.EINVAL) // one too many for d
	ctl(t, d, g, 1, add, in, abi.EINVAL)   // too many for g
	// Many below each other: adding on top looks at each once.
	const width = 60
	layers := [3][width]*vfs.File{}
	for l := range layers {
		for i := range width {
			layers[l][i] = instance()
			for j := range width {
				if l == 1 {
					ctl(t, layers[0][j], layers[1][i], i, add, in, nil)
				} else if l == 2 && j < 2 {
					ctl(t, layers[1][(i+j)%width], layers[2][i], i, add, in, nil)
				}
			}
		}
	}
	start := time.Now()
	for i := range 100 {
		var wanted error
		if 2*i >= chainLimits[3] { // each gives the lowest layer two chains
			wanted = abi.EINVAL
		}
		ctl(t, top, layers[0][0], 1000+i, add, in, wanted)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("that took %v", d)
	}
	for _, f := range all {
		f.Put()
	}
	for _, f := range all {
		if e, _ := Of(f); e.chains != (chains{}) || len(e.children) != 0 {
			t.Fatalf("%v chains and %d instances are left", e.chains, len(e.children))
		}
	}
	if n := charged(); n != 0 {
		t.Errorf("%d bytes are left charged", n)
	}
}

// TestManyWatchOneFile ends the watches of one file in the order in which they
// were made, and in the other.
func TestManyWatchOneFile(t *testing.T) {
	const n = 20000
	r, w := newPipe(t)
	eps := make([]*vfs.File, n)
	for i := range eps {
		eps[i] = newEpoll(t)
		ctl(t, eps[i], r, 1, add, in, nil)
	}
	for i := range n / 2 {
		eps[i].Put()
		eps[n-1-i].Put()
	}
	r.Put()
	w.Put()
	if n := charged(); n != 0 {
		t.Errorf("%d bytes are left charged", n)
	}
}

func TestNestedEvents(t *testing.T) {
	outer, inner := newEpoll(t), newEpoll(t)
	r, w := newPipe(t)
	ctl(t, inner, r, 5, add, in, nil)
	ctl(t, outer, inner, 6, add, in, nil)
	waitFor(t, outer, 0)
	time.AfterFunc(5*time.Millisecond, func() { write(t, w) })
	waitFor(t, outer, ktime.Mono()+int64(5*time.Second), event{6, in})
	waitFor(t, inner, 0, event{5, in})
	waitFor(t, outer, 0, event{6, in})
	read(r)
	waitFor(t, outer, 0)
	write(t, w)
	inner.Put()
	waitFor(t, outer, 0)
	outer.Put()
	r.Put()
	w.Put()
}

func TestLevel(t *testing.T) {
	e := newEpoll(t)
	defer e.Put()
	r, w := newPipe(t)
	ctl(t, e, r, 5, add, in, nil)
	waitFor(t, e, 0)
	write(t, w)
	waitFor(t, e, 0, event{5, in})
	waitFor(t, e, 0, event{5, in})
	read(r)
	waitFor(t, e, 0)
	ctl(t, e, w, 6, add, out|in, nil)
	waitFor(t, e, 0, event{6, out})
	ctl(t, e, w, 6, mod, in, nil)
	waitFor(t, e, 0)
	ctl(t, e, r, 5, mod, 0, nil)
	w.Put()
	waitFor(t, e, 0, event{5, abi.EPOLLHUP}) // asked for or not
	r.Put()
	waitFor(t, e, 0)
}

func TestEdge(t *testing.T) {
	e := newEpoll(t)
	defer e.Put()
	r, w := newPipe(t)
	defer r.Put()
	defer w.Put()
	ctl(t, e, r, 5, add, in|abi.EPOLLET, nil)
	write(t, w)
	waitFor(t, e, 0, event{5, in})
	waitFor(t, e, 0)
	write(t, w)
	waitFor(t, e, 0, event{5, in})
	ctl(t, e, w, 6, add, out|abi.EPOLLET, nil)
	waitFor(t, e, 0, event{6, out})
	read(r) // the pipe was not full: no news for the writer
	waitFor(t, e, 0)
	ctl(t, e, r, 5, mod, in|abi.EPOLLET, nil)
	waitFor(t, e, 0, event{5, in})
}

func TestOneShot(t *testing.T) {
	e := newEpoll(t)
	defer e.Put()
	r, w := newPipe(t)
	ctl(t, e, r, 5, add, in|abi.EPOLLONESHOT, nil)
	write(t, w)
	waitFor(t, e, 0, event{5, in})
	waitFor(t, e, 0)
	w.Put()
	waitFor(t, e, 0)
	ctl(t, e, r, 5, mod, in, nil)
	waitFor(t, e, 0, event{5, in | abi.EPOLLHUP})
	r.Put()
}

func TestForgetsReleasedFiles(t *testing.T) {
	e := newEpoll(t)
	r, w := newPipe(t)
	ctl(t, e, r, 5, add, in, nil)
	write(t, w)
	r.Get() // dup(2)
	r.Put()
	waitFor(t, e, 0, event{5, in})
	r.Put()
	waitFor(t, e, 0)
	w.Put()
	if ep, _ := Of(e); ep.count.Load() != 0 {
		t.Error("an item is left")
	}
	e.Put()
	if n := charged(); n != 0 {
		t.Errorf("%d bytes are left charged", n)
	}
}

func TestFairness(t *testing.T) {
	e := newEpoll(t)
	defer e.Put()
	ep, _ := Of(e)
	for i := range 3 {
		r, w := newPipe(t)
		defer r.Put()
		defer w.Put()
		ctl(t, e, r, i, add, in, nil)
		write(t, w)
	}
	seen := map[uint64]int{}
	for range 9 {
		c := newCaller()
		if n, err := ep.Wait(c, userBase, 1, 0); n != 1 || err != nil {
			t.Fatalf("epoll_wait: %d, %v", n, err)
		}
		var ev abi.EpollEvent
		ev.Unmarshal(c.mem[:])
		seen[ev.Data]++
	}
	for fd := range uint64(3) {
		if seen[fd] != 3 {
			t.Errorf("descriptor %d was reported %d times in 9, want 3", fd, seen[fd])
		}
	}
}

func TestWaits(t *testing.T) {
	e := newEpoll(t)
	defer e.Put()
	ep, _ := Of(e)
	start := ktime.Mono()
	waitFor(t, e, start+int64(10*time.Millisecond))
	if d := ktime.Mono() - start; d < int64(10*time.Millisecond) {
		t.Errorf("the time was up after %d ns", d)
	}
	c := newCaller()
	time.AfterFunc(5*time.Millisecond, c.sleeper.Interrupt)
	if _, err := ep.Wait(c, userBase, 1, wait.Forever); err != abi.ERESTARTSYS {
		t.Errorf("interrupted epoll_wait: %v", err)
	}
	if !ep.queue.Empty() {
		t.Error("somebody still waits")
	}
}

// TestConcurrent adds, removes and closes while events come and are taken.
func TestConcurrent(t *testing.T) {
	e := newEpoll(t)
	ep, _ := Of(e)
	stop := make(chan struct{})
	var takers, wg sync.WaitGroup
	for range 2 {
		takers.Go(func() {
			c := newCaller()
			for {
				select {
				case <-stop:
					return
				default:
					ep.Wait(c, userBase, 4, ktime.Mono()+int64(time.Millisecond))
				}
			}
		})
	}
	for i := range 4 {
		wg.Go(func() {
			for range 100 {
				r, w := newPipe(t)
				ctl(t, e, r, i, add, in, nil)
				write(t, w)
				ctl(t, e, r, i, mod, in|abi.EPOLLET, nil)
				write(t, w)
				if i%2 == 0 {
					ctl(t, e, r, i, del, 0, nil)
				}
				r.Put()
				w.Put()
			}
		})
	}
	wg.Wait()
	close(stop)
	takers.Wait()
	e.Put()
	if n := charged(); n != 0 {
		t.Errorf("%d bytes are left charged", n)
	}
}

// TestItemsAreCharged has a user who may watch little, by number and by memory.
func TestItemsAreCharged(t *testing.T) {
	c := newCaller()
	account := kmem.OfUser(4711)
	defer account.Release()
	user := &user{c, &vfs.Cred{UID: 4711, Account: account}}
	r, w := newPipe(t)
	fill := func(limit int, wanted error) {
		t.Helper()
		e, err := New(user, 0)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for ; err == nil; n++ {
			err = Ctl(e, r, n, add, abi.EpollEvent{Events: in})
		}
		if n-1 != limit || err != wanted {
			t.Errorf("%d items, then %v; want %d and %v", n-1, err, limit, wanted)
		}
		if got := e.Ops().(vfs.MemoryUser).KernelMemory(); got != int64(limit)*itemMemory {
			t.Errorf("%d bytes are held", got)
		}
		ctl(t, e, r, 0, del, 0, nil)
		ctl(t, e, r, 0, add, in, nil)
		e.Put()
		if n := account.Used(); n != 0 {
			t.Errorf("%d bytes are charged", n)
		}
	}
	before := MaxUserWatches.Load()
	MaxUserWatches.Store(10)
	fill(10, abi.ENOSPC)
	MaxUserWatches.Store(before)
	account.SetLimit(1024 + 20*itemMemory)
	fill(20, abi.ENOMEM)
	account.SetLimit(0)
	r.Put()
	w.Put()
}

// A user is a caller with credentials of its own.
type user struct {
	*caller
	cred *vfs.Cred
}

func (u *user) Cred() *vfs.Cred { return u.cred }

// TestFDInfo reads the items in pieces, while some go.
func TestFDInfo(t *testing.T) {
	e := newEpoll(t)
	ep, _ := Of(e)
	r, w := newPipe(t)
	const n = 3*infoBatch + 5
	for i := range n {
		ctl(t, e, r, i, add, in, nil)
	}
	var got []string
	for pos := int64(0); ; {
		before := pos
		read := 0
		var b bytes.Buffer
		ep.FDInfo(pos, &b, func(next int64) bool {
			got = append(got, b.String())
			b.Reset()
			pos, read = next, read+1
			return read < 10
		})
		if pos == before {
			break
		}
		ctl(t, e, r, len(got)-1, del, 0, nil) // it has been shown
	}
	if len(got) != n {
		t.Fatalf("%d lines, want %d", len(got), n)
	}
	for i, line := range got {
		if want := fmt.Sprintf("tfd: %8d events:       19 data: %16x ", i, i); !strings.HasPrefix(line, want) {
			t.Fatalf("line %d is %q, want %q", i, line, want)
		}
	}
	e.Put()
	r.Put()
	w.Put()
}

// TestFDInfoOfManyItems: 32 times as many items take about 32 times as long to
// show, not a thousand. The machine may have other work.
func TestFDInfoOfManyItems(t *testing.T) {
	r, w := newPipe(t)
	defer r.Put()
	defer w.Put()
	show := func(n int) time.Duration {
		e := newEpoll(t)
		defer e.Put()
		ep, _ := Of(e)
		for fd := range n {
			ctl(t, e, r, fd, add, in, nil)
		}
		for fd := range n / 4 { // what has gone is passed over
			ctl(t, e, r, fd, del, 0, nil)
		}
		least := time.Hour
		for range 10 {
			var text bytes.Buffer
			start, lines := time.Now(), 0
			ep.FDInfo(0, &text, func(int64) bool { lines++; text.Reset(); return true })
			least = min(least, time.Since(start))
			if lines != n-n/4 {
				t.Fatalf("%d lines for %d items", lines, n-n/4)
			}
		}
		return least
	}
	few, many := show(1000), show(32000)
	if many > 250*few {
		t.Errorf("1,000 items take %v, 32,000 %v", few, many)
	}
}

// TestWhatIsLeft: an instance that watched many files takes no more memory than
// what it still watches.
func TestWhatIsLeft(t *testing.T) {
	r, w := newPipe(t)
	defer r.Put()
	defer w.Put()
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	var all [8]*vfs.File
	for i := range all {
		all[i] = newEpoll(t)
		defer all[i].Put()
		const n = 8192
		for fd := range n {
			ctl(t, all[i], r, fd, add, in, nil)
		}
		for fd := range n - 1 {
			ctl(t, all[i], r, fd, del, 0, nil)
		}
	}
	if n := heap() - before; n > 256<<10 {
		t.Errorf("%d bytes more are in use", n)
	}
}
