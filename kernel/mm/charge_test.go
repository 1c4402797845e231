package mm

import (
	"runtime"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
)

// TestAreasAreCharged makes all the VMAs that an account has room for, by
// every call that makes some, and gives them back.
func TestAreasAreCharged(t *testing.T) {
	account := kmem.OfUser(1000)
	defer account.Release()
	const limit = 2*spaceCost + 3000*vmaCost
	account.SetLimit(limit)
	balanced(t)
	as, err := New(account)
	if err != nil {
		t.Fatal(err)
	}
	o := newTestObject(t, 1<<20)
	file := new(testFile)
	n := 0
	for ; ; n++ {
		args := MmapArgs{Length: pageSize, Prot: []int{abi.PROT_READ, rw}[n%2], Flags: anonymous}
		if n%8 == 0 {
			args.Object, args.Offset, args.Flags = o, uint64(n)<<pageShift, abi.MAP_SHARED
			args.File, args.Name = file, hex(uint64(n)) // a mapping of its own
		}
		if _, err := as.Mmap(&args); err == abi.ENOMEM {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if used := account.Used(); n < 1000 || n > 3200 || used > limit || used < limit-4*(vmaCost+mapCost)-spaceCost {
		t.Errorf("%d areas for %d of %d bytes", n, used, int64(limit))
	}
	if s := as.Stats(); s.Kernel != account.Used() {
		t.Errorf("Stats tells %d bytes, the account %d", s.Kernel, account.Used())
	}
	if _, err := as.Fork(account); err != abi.ENOMEM {
		t.Errorf("fork: %v", err)
	}
	if err := as.Munmap(0, UserTop); err != nil || account.Used() != spaceCost {
		t.Errorf("munmap: %v; %d bytes are charged for no areas", err, account.Used())
	}
	// What needs no more than before, or less, is never refused.
	mapAt(t, as, base, 64, rw, anonymous, nil)
	account.SetLimit(1)
	if err := as.Mprotect(nil, base+5*pageSize, pageSize, abi.PROT_READ); err != nil {
		t.Errorf("mprotect within what is free: %v", err)
	}
	if err := as.Munmap(base, 64*pageSize); err != nil {
		t.Errorf("munmap: %v", err)
	}
	if _, err := New(account); err != abi.ENOMEM {
		t.Errorf("a new address space: %v", err)
	}
	as.Put()
	if account.Used() != 0 || file.n != 0 {
		t.Errorf("at the end %d bytes are charged, and the file has %d references", account.Used(), file.n)
	}
}

// heapOf returns how many bytes of heap what make returns takes.
func heapOf(make func() any) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	x := make()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(x)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

// TestCostsAreTrue compares what is charged with what the heap grows by.
func TestCostsAreTrue(t *testing.T) {
	balanced(t)
	const spaces, n = 100, 4000
	var all []*AddressSpace
	got := heapOf(func() any {
		for range spaces {
			as, err := New(nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := range uintptr(freeVMAs) {
				mapAt(t, as, base+2*i*pageSize, 1, rw, anonymous, nil)
			}
			all = append(all, as)
		}
		return all
	})
	if got > spaces*spaceCost {
		t.Errorf("an address space takes %d bytes, charged as %d", got/spaces, spaceCost)
	}
	as := all[0]
	got = heapOf(func() any {
		// All holes have two VMAs around them: nodes as empty as they get.
		for i := range uintptr(4 * n) {
			mapAt(t, as, base+(1<<20)+2*i*pageSize, 1, rw, anonymous, nil)
		}
		for i := range uintptr(4 * n) {
			if i%4 != 0 {
				as.Munmap(base+(1<<20)+2*i*pageSize, pageSize)
			}
		}
		return as
	})
	if charged := as.charged.kernel; got > charged {
		t.Errorf("%d areas take %d bytes, charged as %d", as.vmas.len(), got, charged)
	}
	objects := make([]*testObject, n)
	for i := range objects {
		objects[i] = newTestObject(t, 1)
	}
	as.Munmap(0, UserTop)
	got = heapOf(func() any {
		for i, o := range objects {
			mapAt(t, as, base+2*uintptr(i)*pageSize, 1, rw, abi.MAP_SHARED, o)
		}
		return as
	})
	if charged := as.charged.kernel; got > charged {
		t.Errorf("%d mappings take %d bytes, charged as %d", n, got, charged)
	}
	for _, as := range all {
		as.Put()
	}
}

// TestSparseAnonIsCharged touches shared memory here and there: what its tree
// takes is charged, and when there is no room, who touches more gets SIGBUS.
func TestSparseAnonIsCharged(t *testing.T) {
	account := kmem.OfUser(1000)
	defer account.Release()
	balanced(t)
	as, err := New(account)
	if err != nil {
		t.Fatal(err)
	}
	const pages, step = 1 << 28, 1 << 20
	mapAt(t, as, base, pages, rw, abi.MAP_SHARED|abi.MAP_ANONYMOUS|abi.MAP_NORESERVE, nil)
	before := account.Used()
	put(t, as, base, "x")
	if n := account.Used() - before; n != 0 {
		t.Errorf("the first page costs %d bytes", n)
	}
	for i := range uintptr(20) {
		put(t, as, base+(step*i+5)*pageSize, "x")
	}
	if n := account.Used() - before; n < 20*512 || n > 20*4096 {
		t.Errorf("20 pages far from each other cost %d bytes", n)
	}
	account.SetLimit(account.Used())
	at := uintptr(base + 30*step*pageSize)
	wantFault(t, as.Fault(at, true, false, false), abi.SIGBUS, busAdrErr, at)
	account.SetLimit(0)
	as.Munmap(base, pages*pageSize)
	if n := account.Used(); n != before {
		t.Errorf("%d bytes are charged, %d before", n, before)
	}
	as.Put()
}
