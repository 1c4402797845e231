package poll

import (
	"os"
	"slices"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/ipc/pipe"
	"kevlar/kernel/ktime"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

func TestMain(m *testing.M) {
	frame.InitSoft(1024)
	os.Exit(m.Run())
}

type caller struct {
	vfs.Caller
	sleeper *wait.Sleeper
}

func (c caller) Sleeper() *wait.Sleeper { return c.sleeper }

func newCaller() caller { return caller{vfs.Kernel, wait.NewSleeper()} }

// newTable returns a table with a pipe: descriptor 0 reads, 1 writes.
func newTable(t *testing.T) (table *vfs.FDTable, r, w *vfs.File) {
	t.Helper()
	table = vfs.NewFDTable()
	r, w, err := pipe.New(vfs.Kernel, abi.O_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*vfs.File{r, w} {
		if _, err := table.Install(f, 0, false); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(table.Unref)
	return table, r, w
}

func write(t *testing.T, f *vfs.File, s string) {
	t.Helper()
	b := vfs.Bytes(s)
	if _, err := f.Write(vfs.Kernel, &b); err != nil {
		t.Fatal(err)
	}
}

func soon(d time.Duration) int64 { return ktime.Mono() + int64(d) }

// pollAll does poll(2): it looks, and waits if there is nothing.
func pollAll(c vfs.Caller, table *vfs.FDTable, fds []abi.PollFd, deadline int64) (n int, err error) {
	for i := range fds {
		if fds[i].Revents = Look(c, table, fds[i].FD, fds[i].Events); fds[i].Revents != 0 {
			n++
		}
	}
	if n > 0 || deadline != wait.Forever && deadline <= ktime.Mono() {
		return n, nil
	}
	return Wait(c, table, fds, deadline)
}

func poll(t *testing.T, table *vfs.FDTable, deadline int64, fds []abi.PollFd, want ...int16) {
	t.Helper()
	n, err := pollAll(newCaller(), table, fds, deadline)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for i := range fds {
		if fds[i].Revents != want[i] {
			t.Errorf("descriptor %d: %#x, want %#x", fds[i].FD, fds[i].Revents, want[i])
		}
		if want[i] != 0 {
			count++
		}
	}
	if n != count {
		t.Errorf("poll: %d, want %d", n, count)
	}
}

func TestPoll(t *testing.T) {
	table, _, w := newTable(t)
	fds := []abi.PollFd{{FD: 0, Events: abi.POLLIN}, {FD: 1, Events: abi.POLLOUT}, {FD: 9}, {FD: -1, Events: 1}}
	poll(t, table, 0, fds, 0, abi.POLLOUT, abi.POLLNVAL, 0)
	poll(t, table, 0, fds[:1], 0)
	write(t, w, "x")
	poll(t, table, wait.Forever, fds[:1], abi.POLLIN)
	poll(t, table, wait.Forever, []abi.PollFd{{FD: 0, Events: abi.POLLIN | abi.POLLRDNORM | abi.POLLOUT}},
		abi.POLLIN|abi.POLLRDNORM)
	table.Close(1)
	poll(t, table, wait.Forever, []abi.PollFd{{FD: 0}}, abi.POLLHUP)
}

func TestPollWaits(t *testing.T) {
	table, r, w := newTable(t)
	fds := []abi.PollFd{{FD: 0, Events: abi.POLLIN}, {FD: 0, Events: abi.POLLIN}}
	start := ktime.Mono()
	poll(t, table, soon(20*time.Millisecond), fds, 0, 0)
	if d := ktime.Mono() - start; d < int64(20*time.Millisecond) {
		t.Errorf("the time was up after %d ns", d)
	}
	time.AfterFunc(5*time.Millisecond, func() { write(t, w, "x") })
	poll(t, table, soon(5*time.Second), fds, abi.POLLIN, abi.POLLIN)
	if !r.WaitQueue().Empty() {
		t.Error("somebody still waits")
	}
	c := newCaller()
	time.AfterFunc(5*time.Millisecond, c.sleeper.Interrupt)
	if _, err := pollAll(c, table, []abi.PollFd{{FD: 1, Events: abi.POLLPRI}}, wait.Forever); err != abi.ERESTARTSYS {
		t.Errorf("interrupted poll: %v", err)
	}
	if _, err := pollAll(newCaller(), table, nil, soon(time.Millisecond)); err != nil {
		t.Errorf("poll of nothing: %v", err)
	}
}

// TestPollKeepsFiles closes a descriptor while it is polled.
func TestPollKeepsFiles(t *testing.T) {
	table, _, w := newTable(t)
	w.Get()
	time.AfterFunc(5*time.Millisecond, func() {
		table.Close(0)
		w.Put()
	})
	fds := []abi.PollFd{{FD: 0, Events: abi.POLLIN}}
	n, err := pollAll(newCaller(), table, fds, soon(30*time.Millisecond))
	if n != 0 || err != nil {
		t.Errorf("poll: %d, %v, want the time to be up", n, err)
	}
}

func TestSelect(t *testing.T) {
	table, _, w := newTable(t)
	sel := func(n int, r, w, e Set, deadline int64, want int, wantR, wantW, wantE Set) {
		t.Helper()
		got, err := Select(newCaller(), table, n, r, w, e, deadline)
		if got != want || err != nil {
			t.Errorf("select: %d, %v, want %d", got, err, want)
		}
		if !slices.Equal(r, wantR) || !slices.Equal(w, wantW) || !slices.Equal(e, wantE) {
			t.Errorf("sets %v %v %v, want %v %v %v", r, w, e, wantR, wantW, wantE)
		}
	}
	sel(2, Set{1}, Set{2}, Set{3}, wait.Forever, 1, Set{0}, Set{2}, Set{0})
	sel(1, Set{1}, nil, nil, 0, 0, Set{0}, nil, nil)
	write(t, w, "x")
	sel(2, Set{1}, Set{2}, nil, wait.Forever, 2, Set{1}, Set{2}, nil)
	sel(1, Set{3}, nil, nil, wait.Forever, 1, Set{3}, nil, nil) // what is behind n stays
	sel(0, nil, nil, nil, soon(time.Millisecond), 0, nil, nil, nil)

	r := Set{1, 1 << 20}
	if _, err := Select(newCaller(), table, 100, r, nil, nil, 0); err != abi.EBADF {
		t.Errorf("select of a closed descriptor: %v, want EBADF", err)
	}
	if !slices.Equal(r, Set{1, 1 << 20}) {
		t.Errorf("the set was changed to %v", r)
	}
	table.Close(1)
	b := make(vfs.Bytes, 1)
	f, _ := table.Get(0)
	f.Read(vfs.Kernel, &b)
	f.Put()
	sel(1, Set{1}, nil, nil, wait.Forever, 1, Set{1}, nil, nil) // the end of the file
}

func TestPollAllocatesLittle(t *testing.T) {
	table, _, w := newTable(t)
	write(t, w, "x")
	fds := []abi.PollFd{{FD: 0, Events: abi.POLLIN}}
	c := newCaller()
	n := testing.AllocsPerRun(100, func() { pollAll(c, table, fds, wait.Forever) })
	if n > 1 {
		t.Errorf("%v allocations a poll", n)
	}
}
