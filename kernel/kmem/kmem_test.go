package kmem

import (
	"math"
	"os"
	"runtime/debug"
	"sync"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
)

const arena = 16 << 10 // frames: 64 MiB

func TestMain(m *testing.M) {
	frame.InitSoft(arena)
	os.Exit(m.Run())
}

// fresh gives t empty accounts without limits and no shrinkers.
func fresh(t *testing.T) {
	t.Helper()
	if n := Machine.Used(); n != 0 {
		t.Fatalf("the machine has %d bytes before the test", n)
	}
	t.Cleanup(func() {
		if n := Machine.Used(); n != 0 {
			t.Errorf("the machine has %d bytes after the test", n)
		}
		Machine.used.Store(0)
		Machine.limit.Store(0)
		Machine.refused.Store(0)
		users.byUID, users.limit, users.sweep = map[uint32]*Account{}, 0, sweepLeast
		shrinkers.list = nil
		OnShortage = nil
	})
}

// govern sets the account up for the arena until t ends.
func govern(t *testing.T) {
	t.Helper()
	fresh(t)
	SetUp(arena * frame.Size)
	t.Cleanup(func() {
		live.Store(false)
		frame.SetReserve(0)
		frame.SetHeapGoal(0)
		debug.SetMemoryLimit(math.MaxInt64)
		debug.SetGCPercent(100)
	})
}

func wantUsed(t *testing.T, what string, a *Account, n int64) {
	t.Helper()
	if got := a.Used(); got != n {
		t.Errorf("%s: %d bytes, want %d", what, got, n)
	}
}

func TestChargeGoesUp(t *testing.T) {
	fresh(t)
	a, b := OfUser(1000), OfUser(1001)
	var none *Account
	for _, c := range []*Account{a, b, b, none} {
		if err := c.Charge(100); err != nil {
			t.Fatal(err)
		}
	}
	wantUsed(t, "user 1000", a, 100)
	wantUsed(t, "user 1001", b, 200)
	wantUsed(t, "machine", &Machine, 400)
	wantUsed(t, "no account", none, 400)
	a.Uncharge(100)
	b.Uncharge(200)
	none.Uncharge(100)
	wantUsed(t, "user 1001", b, 0)
}

func TestLimits(t *testing.T) {
	fresh(t)
	setLimits(1000, 600)
	root, a, b := OfUser(0), OfUser(1000), OfUser(1001)
	charge := func(who *Account, n int64, want error) {
		t.Helper()
		if err := who.Charge(n); err != want {
			t.Errorf("user %d, %d bytes: %v, want %v", who.UID(), n, err, want)
		}
	}
	charge(a, 600, nil)
	charge(a, 1, abi.ENOMEM) // its own limit
	charge(b, 401, abi.ENOMEM)
	charge(b, 300, nil)
	charge(root, 101, abi.ENOMEM) // the machine's
	charge(root, 100, nil)
	wantUsed(t, "user 1000", a, 600)
	wantUsed(t, "user 1001", b, 300)
	wantUsed(t, "machine", &Machine, 1000)
	if a.Refused() != 1 || b.Refused() != 0 || Machine.Refused() != 2 {
		t.Errorf("refused %d, %d and %d, want 1, 0 and 2", a.Refused(), b.Refused(), Machine.Refused())
	}
	b.ChargeAnyway(1)
	wantUsed(t, "user 1001", b, 301)
	wantUsed(t, "machine", &Machine, 1001)
	b.Uncharge(301)
	charge(b, 1, nil)
	b.Uncharge(1)
	a.Uncharge(600)
	root.Uncharge(100)
}

func TestShrinkers(t *testing.T) {
	fresh(t)
	setLimits(1<<20, 1000)
	a := OfUser(1000)
	cached := int64(0)
	RegisterShrinker("cache", func(of *Account, bytes int64) int64 {
		if of != a && of != &Machine {
			t.Errorf("asked for account %v", of)
		}
		n := min(bytes, cached)
		cached -= n
		a.Uncharge(n)
		return n
	})
	asked := 0
	RegisterShrinker("other", func(*Account, int64) int64 { asked++; return 0 })
	if err := a.Charge(900); err != nil {
		t.Fatal(err)
	}
	cached = 500
	if err := a.Charge(300); err != nil {
		t.Errorf("with 500 bytes to drop: %v", err)
	}
	if asked != 1 || cached != 0 {
		t.Errorf("%d bytes left in the cache, the second shrinker asked %d times", cached, asked)
	}
	wantUsed(t, "user", a, 700)
	if err := a.Charge(301); err != abi.ENOMEM {
		t.Errorf("with nothing to drop: %v, want ENOMEM", err)
	}
	freed := map[string]int64{}
	EachShrinker(func(name string, n int64) { freed[name] = n })
	if freed["cache"] != 500 || freed["other"] != 0 {
		t.Errorf("freed %v", freed)
	}
	a.Uncharge(700)
}

func TestAccountsOfUsersStay(t *testing.T) {
	fresh(t)
	a := OfUser(1000)
	if OfUser(1000) != a {
		t.Fatal("a second account for one user")
	}
	a.Charge(10)
	a.Release()
	a.Release()
	if b := OfUser(1000); b != a {
		t.Error("a user who has something left got a new account")
	}
	a.Uncharge(10)
	a.Release()
	if n := len(Users()); n != 0 {
		t.Errorf("%d accounts left", n)
	}
	// Accounts that become empty after their release do not pile up.
	for uid := uint32(1); uid < 100_000; uid++ {
		a := OfUser(uid)
		a.Charge(1)
		a.Release()
		a.Uncharge(1)
	}
	if n := len(users.byUID); n > 2*sweepLeast {
		t.Errorf("%d empty accounts are kept", n)
	}
}

func TestUnderflow(t *testing.T) {
	fresh(t)
	a := OfUser(1)
	a.Charge(5)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
		Machine.used.Store(0)
	}()
	a.Uncharge(6)
}

func TestConcurrent(t *testing.T) {
	govern(t)
	Machine.SetLimit(3 << 20)
	var wg sync.WaitGroup
	for uid := range uint32(4) {
		wg.Go(func() {
			a := OfUser(uid)
			defer a.Release()
			held := int64(0)
			for i := range int64(20_000) {
				if n := 1000 + i%5000; a.Charge(n) == nil {
					held += n
				} else {
					a.Uncharge(held)
					held = 0
				}
				if n := Machine.Used(); n > 4<<20 {
					t.Errorf("%d bytes in use", n)
					return
				}
			}
			a.Uncharge(held)
		})
	}
	wg.Wait()
	if got, want := frame.Reserve(), uint64(1024+heapFloor/frame.Size); got != want {
		t.Errorf("%d frames are kept with nothing charged, want %d", got, want)
	}
}

func TestChargeAllocatesNothing(t *testing.T) {
	govern(t)
	a := OfUser(1000)
	defer a.Release()
	if n := testing.AllocsPerRun(100, func() {
		a.Charge(5 << 20)
		a.Uncharge(5 << 20)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// allocAll takes all frames that programs can have until t ends.
func allocAll(t *testing.T) int {
	var all []frame.Frame
	for {
		f, err := frame.Alloc()
		if err != nil {
			break
		}
		all = append(all, f)
	}
	t.Cleanup(func() { frame.PutAll(all) })
	return len(all)
}

func TestProgramsCannotTakeWhatIsPromised(t *testing.T) {
	govern(t)
	const charged = 8 << 20
	if err := Machine.Charge(charged); err != nil {
		t.Fatal(err)
	}
	defer Machine.Uncharge(charged)
	got := allocAll(t)
	if want := arena - 1024 - (int(heapFloor)+charged*3/2)/frame.Size; got != want {
		t.Errorf("programs got %d frames, want %d", got, want)
	}
}

func TestHeapTakesFromThePromise(t *testing.T) {
	govern(t)
	spare, kept := frame.Spare(), frame.Reserve()
	var heap []frame.Frame
	for range heapFloor / frame.Size {
		f, err := frame.AllocHeap()
		if err != nil {
			t.Fatal(err)
		}
		heap = append(heap, f)
	}
	// A CPU's cache may hold a few frames of what was spare.
	if d := spare - frame.Spare(); d < -64 || d > 64 {
		t.Errorf("%d frames fewer to spare though the heap took only what was promised", d)
	}
	if frame.Reserve() != kept-uint64(heapFloor)/frame.Size {
		t.Errorf("%d frames kept, want only the reserve", frame.Reserve())
	}
	for _, f := range heap {
		frame.FreeHeap(f)
	}
	if frame.Heap() != 0 || frame.Reserve() != kept {
		t.Errorf("%d frames in the heap, %d kept, at the end", frame.Heap(), frame.Reserve())
	}
}

func TestShortageOfFrames(t *testing.T) {
	govern(t)
	told := 0
	OnShortage = func() { told++ }
	allocAll(t)
	// Half of the reserve, 2 MiB, is left for charges; each takes half as much
	// again.
	held := int64(0)
	for Machine.Charge(4000) == nil {
		held += 4000
	}
	defer func() { Machine.Uncharge(held) }()
	if held < 1<<20 || held > 3<<19 {
		t.Errorf("charged %d bytes with all frames taken, want about 4/3 MiB", held)
	}
	if told != 1 {
		t.Errorf("told of the shortage %d times, want once", told)
	}
	Machine.Uncharge(1 << 20)
	held -= 1 << 20
	if err := Machine.Charge(4000); err != nil {
		t.Errorf("after others have given something back: %v", err)
	}
	Machine.Uncharge(4000)
}

func BenchmarkCharge(b *testing.B) {
	a := OfUser(1000)
	for b.Loop() {
		a.Charge(64)
		a.Uncharge(64)
	}
}

func TestCollectorPercent(t *testing.T) {
	for mib, want := range map[int64]int{24: 50, 64: 50, 199: 50, 200: 100, 399: 100, 400: 200, 4096: 200, 1 << 20: 200} {
		if got := collectorPercent(mib << 20); got != want {
			t.Errorf("%d MiB: %d, want %d", mib, got, want)
		}
	}
}
