package futex

import (
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/mm"
	"kevlar/kernel/wait"
)

func TestMain(m *testing.M) {
	frame.InitSoft(4096)
	os.Exit(m.Run())
}

const (
	base = 0x10000000
	rw   = abi.PROT_READ | abi.PROT_WRITE
	all  = abi.FUTEX_BITSET_MATCH_ANY
)

// newSpace returns an address space with a page at base; of object if that is
// not nil.
func newSpace(t testing.TB, object mm.Object) *mm.AddressSpace {
	t.Helper()
	as, err := mm.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(as.Put)
	args := mm.MmapArgs{Addr: base, Length: 4096, Prot: rw, Object: object,
		Flags: abi.MAP_FIXED | abi.MAP_PRIVATE | abi.MAP_ANONYMOUS}
	if object != nil {
		args.Flags = abi.MAP_FIXED | abi.MAP_SHARED
	}
	if _, err := as.Mmap(&args); err != nil {
		t.Fatal(err)
	}
	return as
}

func set(t testing.TB, as *mm.AddressSpace, addr uintptr, v uint32) {
	t.Helper()
	if err := as.WriteUint32(addr, v); err != nil {
		t.Fatal(err)
	}
}

func get(t testing.TB, as *mm.AddressSpace, addr uintptr) uint32 {
	t.Helper()
	v, err := as.ReadUint32(addr)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// sleepers starts n threads that wait for the word at addr, and returns where
// they report. It returns when all wait.
func sleepers(t testing.TB, as *mm.AddressSpace, addr uintptr, shared bool, bits uint32, n int) <-chan error {
	t.Helper()
	results := make(chan error, n)
	before := waiting()
	for range n {
		v := get(t, as, addr)
		go func() {
			results <- Wait(as, wait.NewSleeper(), addr, shared, v, bits, wait.Forever)
		}()
	}
	for waiting() < before+n {
		time.Sleep(time.Millisecond)
	}
	return results
}

// waiting counts all waiters.
func waiting() int {
	n := 0
	for i := range buckets {
		b := &buckets[i]
		b.mu.Lock()
		for w := b.head; w != nil; w = w.next {
			n++
		}
		b.mu.Unlock()
	}
	return n
}

func wake(t testing.TB, as *mm.AddressSpace, addr uintptr, n int, bits uint32, want int) {
	t.Helper()
	if got, err := Wake(as, addr, false, n, bits); got != want || err != nil {
		t.Errorf("wake %d: %d, %v, want %d", n, got, err, want)
	}
}

func finish(t testing.TB, results <-chan error, n int, want error) {
	t.Helper()
	for range n {
		select {
		case err := <-results:
			if err != want {
				t.Errorf("wait: %v, want %v", err, want)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("a waiter was not woken")
		}
	}
}

func TestWaitAndWake(t *testing.T) {
	as := newSpace(t, nil)
	wake(t, as, base, 1, all, 0)
	r := sleepers(t, as, base, false, all, 3)
	wake(t, as, base+4, 10, all, 0)
	wake(t, as, base, 2, all, 2)
	finish(t, r, 2, nil)
	wake(t, as, base, 0, all, 1) // as on Linux, at least one
	finish(t, r, 1, nil)
	if n := waiting(); n != 0 {
		t.Errorf("%d waiters are left", n)
	}
}

func TestWaitErrors(t *testing.T) {
	as := newSpace(t, nil)
	s := wait.NewSleeper()
	set(t, as, base, 5)
	for _, c := range []struct {
		addr      uintptr
		val, bits uint32
		want      error
	}{
		{base, 4, all, abi.EAGAIN},
		{base, 5, 0, abi.EINVAL},
		{base + 1, 5, all, abi.EINVAL},
		{0x1000, 0, all, abi.EFAULT},
	} {
		if err := Wait(as, s, c.addr, false, c.val, c.bits, wait.Forever); err != c.want {
			t.Errorf("Wait(%#x, %d, %#x): %v, want %v", c.addr, c.val, c.bits, err, c.want)
		}
	}
	start := ktime.Mono()
	const timeout = int64(20 * time.Millisecond)
	if err := Wait(as, s, base, false, 5, all, start+timeout); err != abi.ETIMEDOUT {
		t.Errorf("Wait: %v, want ETIMEDOUT", err)
	}
	if d := ktime.Mono() - start; d < timeout {
		t.Errorf("timed out after %d ns, want %d", d, timeout)
	}
	time.AfterFunc(5*time.Millisecond, s.Interrupt)
	if err := Wait(as, s, base, false, 5, all, wait.Forever); err != abi.ERESTARTSYS {
		t.Errorf("Wait: %v, want ERESTARTSYS", err)
	}
	if n := waiting(); n != 0 {
		t.Errorf("%d waiters are left", n)
	}
	if _, err := Wake(as, base, false, 1, 0); err != abi.EINVAL {
		t.Errorf("Wake without bits: %v", err)
	}
}

func TestBitset(t *testing.T) {
	as := newSpace(t, nil)
	one := sleepers(t, as, base, false, 1, 1)
	two := sleepers(t, as, base, false, 2, 1)
	wake(t, as, base, 10, 4, 0)
	wake(t, as, base, 10, 2, 1)
	finish(t, two, 1, nil)
	wake(t, as, base, 10, all, 1)
	finish(t, one, 1, nil)
}

func TestSharedMemory(t *testing.T) {
	o := mm.NewAnonObject()
	a, b := newSpace(t, o), newSpace(t, o)
	r := sleepers(t, a, base, true, all, 1)
	if n, err := Wake(b, base, false, 1, all); n != 0 || err != nil {
		t.Errorf("private wake of another space: %d, %v", n, err)
	}
	if n, err := Wake(b, base, true, 1, all); n != 1 || err != nil {
		t.Errorf("shared wake: %d, %v, want 1", n, err)
	}
	finish(t, r, 1, nil)
}

func TestRequeue(t *testing.T) {
	as := newSpace(t, nil)
	r := sleepers(t, as, base, false, all, 5)
	if n, err := Requeue(as, base, base+64, false, 1, 2, true, 7); n != 0 || err != abi.EAGAIN {
		t.Errorf("requeue with another value: %d, %v, want EAGAIN", n, err)
	}
	if n, err := Requeue(as, base, base+64, false, 1, 2, true, 0); n != 3 || err != nil {
		t.Errorf("requeue: %d, %v, want 3", n, err)
	}
	finish(t, r, 1, nil)
	wake(t, as, base+64, 10, all, 2)
	finish(t, r, 2, nil)
	if n, err := Requeue(as, base, base, false, 0, 10, false, 0); n != 2 || err != nil {
		t.Errorf("requeue to itself: %d, %v, want 2", n, err)
	}
	if _, err := Requeue(as, base, base, false, -1, 0, false, 0); err != abi.EINVAL {
		t.Errorf("negative count: %v", err)
	}
	wake(t, as, base, 10, all, 2)
	finish(t, r, 2, nil)
}

func op(kind, cmp, arg, cmpArg uint32) uint32 {
	return kind<<28 | cmp<<24 | arg&0xfff<<12 | cmpArg&0xfff
}

func TestWakeOp(t *testing.T) {
	as := newSpace(t, nil)
	const other = base + 128
	minus := func(n int32) uint32 { return uint32(-n) }
	for _, c := range []struct {
		before, op, after uint32
		also              bool
	}{
		{5, op(abi.FUTEX_OP_SET, abi.FUTEX_OP_CMP_EQ, 9, 5), 9, true},
		{5, op(abi.FUTEX_OP_ADD, abi.FUTEX_OP_CMP_NE, minus(1), 5), 4, false},
		{5, op(abi.FUTEX_OP_OR, abi.FUTEX_OP_CMP_LT, 2, 6), 7, true},
		{7, op(abi.FUTEX_OP_ANDN, abi.FUTEX_OP_CMP_LE, 2, 6), 5, false},
		{7, op(abi.FUTEX_OP_XOR, abi.FUTEX_OP_CMP_GT, 1, minus(1)), 6, true},
		{1, op(abi.FUTEX_OP_OR|abi.FUTEX_OP_ARG_SHIFT, abi.FUTEX_OP_CMP_GE, 4, 1), 17, true},
	} {
		set(t, as, other, 0)
		set(t, as, base, 0)
		first := sleepers(t, as, base, false, all, 1)
		second := sleepers(t, as, other, false, all, 1)
		set(t, as, other, c.before)
		want := 1
		if c.also {
			want = 2
		}
		if n, err := WakeOp(as, base, other, false, 1, 1, c.op); n != want || err != nil {
			t.Errorf("op %#x: woke %d, %v, want %d", c.op, n, err, want)
		}
		if v := get(t, as, other); v != c.after {
			t.Errorf("op %#x on %d: %d, want %d", c.op, c.before, v, c.after)
		}
		finish(t, first, 1, nil)
		if !c.also {
			wake(t, as, other, 1, all, 1)
		}
		finish(t, second, 1, nil)
	}
	for _, bad := range []uint32{op(6, 0, 0, 0), op(0, 9, 0, 0)} {
		if _, err := WakeOp(as, base, other, false, 1, 1, bad); err != abi.ENOSYS {
			t.Errorf("op %#x: %v, want ENOSYS", bad, err)
		}
	}
}

// TestMutex is the mutex of futex(7) with threads that fight for it.
func TestMutex(t *testing.T) {
	as := newSpace(t, nil)
	const threads, rounds = 4, 300
	var counter atomic.Int64 // its increment is not atomic
	var wg sync.WaitGroup
	var waits atomic.Int64
	for range threads {
		wg.Go(func() {
			s := wait.NewSleeper()
			cas := func(old, new uint32) uint32 {
				cur, err := as.CompareAndSwap32(base, old, new)
				if err != nil {
					t.Error(err)
				}
				return cur
			}
			swap := func(new uint32) uint32 {
				for {
					v, _ := as.ReadUint32(base)
					if cas(v, new) == v {
						return v
					}
				}
			}
			for range rounds {
				if cas(0, 1) != 0 {
					for swap(2) != 0 {
						waits.Add(1)
						Wait(as, s, base, false, 2, all, wait.Forever)
					}
				}
				counter.Store(counter.Load() + 1)
				if swap(0) == 2 {
					Wake(as, base, false, 1, all)
				}
			}
		})
	}
	wg.Wait()
	if n := counter.Load(); n != threads*rounds {
		t.Errorf("counted to %d, want %d: two threads had the mutex", n, threads*rounds)
	}
	if n := waiting(); n != 0 {
		t.Errorf("%d waiters are left", n)
	}
	t.Logf("%d waits", waits.Load())
}

func TestExitRobust(t *testing.T) {
	as := newSpace(t, nil)
	const tid, head, entry = 77, base + 0x800, base + 0x100
	const offset = 8 // from an entry to its futex
	put64 := func(addr uintptr, v uint64) {
		t.Helper()
		if err := as.WriteUint64(addr, v); err != nil {
			t.Fatal(err)
		}
	}
	put64(head, entry)
	put64(head+8, offset)
	put64(head+16, entry+0x20)
	put64(entry, entry+0x10)
	put64(entry+0x10, head)
	set(t, as, entry+offset, tid|abi.FUTEX_WAITERS)
	set(t, as, entry+0x10+offset, 78) // of another thread
	set(t, as, entry+0x20+offset, tid)
	r := sleepers(t, as, entry+offset, false, all, 1)
	ExitRobust(as, head, tid)
	finish(t, r, 1, nil)
	for i, want := range []uint32{abi.FUTEX_OWNER_DIED | abi.FUTEX_WAITERS, 78, abi.FUTEX_OWNER_DIED} {
		if v := get(t, as, entry+uintptr(i)*0x10+offset); v != want {
			t.Errorf("futex %d is %#x, want %#x", i, v, want)
		}
	}
	// A list that runs in circles, and one that leads nowhere, end.
	put64(entry+0x10, entry)
	ExitRobust(as, head, tid)
	put64(entry, 0x1000)
	ExitRobust(as, head, tid)
	ExitRobust(as, 0x1000, tid)
}

// A slowObject is memory whose pages come when the test lets them.
type slowObject struct {
	mm.Object
	asked, come chan bool
}

func (o *slowObject) Page(idx uint64, write bool) (frame.Frame, error) {
	o.asked <- write
	<-o.come
	return o.Object.Page(idx, write)
}

// While one who looks at a word waits for its page, others who use the same
// bucket do not wait for him.
func TestFaultHoldsNoBucket(t *testing.T) {
	for name, c := range map[string]struct {
		look func(as *mm.AddressSpace) (int, error)
		want error
	}{
		"wait": {func(as *mm.AddressSpace) (int, error) {
			return 0, Wait(as, wait.NewSleeper(), base, true, 7, all, wait.Forever)
		}, abi.EAGAIN},
		"requeue": {func(as *mm.AddressSpace) (int, error) {
			return Requeue(as, base, base+8, true, 1, 1, true, 0)
		}, nil},
		"wake op": {func(as *mm.AddressSpace) (int, error) {
			return WakeOp(as, base+8, base, true, 1, 1, op(abi.FUTEX_OP_SET, abi.FUTEX_OP_CMP_EQ, 1, 1))
		}, nil},
	} {
		o := &slowObject{mm.NewAnonObject(), make(chan bool), make(chan bool)}
		as := newSpace(t, o)
		result := make(chan error)
		go func() {
			_, err := c.look(as)
			result <- err
		}()
		<-o.asked
		free := make(chan error)
		go func() {
			_, err := Wake(as, base, true, 1, all)
			free <- err
		}()
		select {
		case err := <-free:
			if err != nil {
				t.Errorf("%s: wake: %v", name, err)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%s: a wake-up waits for somebody else's page", name)
		}
		o.come <- true
		if err := <-result; err != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// Equal addresses of many processes, and neighbours in one, do not meet in one
// bucket.
func TestWordsSpread(t *testing.T) {
	const n = 512
	count := func(key func(i int) mm.Key) (worst int) {
		var in [bucketCount]int
		for i := range n {
			k := key(i)
			b := index(&k)
			in[b]++
			worst = max(worst, in[b])
		}
		return worst
	}
	spaces := make([]*mm.AddressSpace, n)
	for i := range spaces {
		spaces[i] = newSpace(t, nil)
	}
	const limit = 20 // of 2 to be expected; more has a chance of 1e-12
	if worst := count(func(i int) mm.Key { return mm.Key{Space: spaces[i], Offset: base} }); worst > limit {
		t.Errorf("%d of %d processes in one bucket", worst, n)
	}
	for _, step := range []uint64{4, 64, 4096, 1 << 20} {
		if worst := count(func(i int) mm.Key { return mm.Key{Space: spaces[0], Offset: base + step*uint64(i)} }); worst > limit {
			t.Errorf("%d of %d words in one bucket, %d bytes apart", worst, n, step)
		}
		if worst := count(func(i int) mm.Key { return mm.Key{Dev: 5, Ino: uint64(i), Offset: step} }); worst > limit {
			t.Errorf("%d of %d files in one bucket at %d", worst, n, step)
		}
	}
}
