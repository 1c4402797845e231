package kmem

import (
	"sync/atomic"

	"kevlar/kernel/abi"
)

// An Account counts the kernel memory, in bytes, that one user's programs
// cause. Its methods may be called in any goroutine with any lock held; a nil
// Account is the machine's.
type Account struct {
	uid    uint32
	parent *Account // nil for the machine's

	used    atomic.Int64
	limit   atomic.Int64  // 0 is none
	refused atomic.Uint64 // charges

	held int // guarded by users.mu
}

// Machine is the account of everything, the kernel's own doing included.
var Machine Account

// underflows counts the times that more was uncharged than had been charged.
var underflows atomic.Uint64

// Underflows returns how often more was uncharged than had been charged: 0, or
// the kernel has a fault.
func Underflows() uint64 { return underflows.Load() }

// UID returns the user whose account it is.
func (a *Account) UID() uint32 { return a.uid }

// Used returns how many bytes are charged.
func (a *Account) Used() int64 { return a.orMachine().used.Load() }

// Limit returns how many bytes may be charged; 0 means any number.
func (a *Account) Limit() int64 { return a.orMachine().limit.Load() }

// SetLimit sets how many bytes may be charged. More may be already.
func (a *Account) SetLimit(n int64) { a.orMachine().limit.Store(n) }

// Refused returns how many charges were refused because of this account.
func (a *Account) Refused() uint64 { return a.orMachine().refused.Load() }

func (a *Account) orMachine() *Account {
	if a == nil {
		return &Machine
	}
	return a
}

// Charge adds n bytes to the account, or fails with ENOMEM and adds nothing.
func (a *Account) Charge(n int64) error {
	a = a.orMachine()
	// The ordinary case: no limit is in the way, and nobody need be told.
	if a == &Machine || a.addBelowLimit(n) {
		used, limit := Machine.used.Add(n), Machine.limit.Load()
		if (used <= limit || limit == 0) && used>>promiseShift == (used-n)>>promiseShift {
			return nil
		}
		Machine.used.Add(-n)
		if a != &Machine {
			a.used.Add(-n)
		}
	}
	full := a.take(n)
	if full == nil {
		return nil
	}
	return a.chargeFull(n, full)
}

// addBelowLimit adds n to a alone, unless its limit is in the way.
func (a *Account) addBelowLimit(n int64) bool {
	used, limit := a.used.Add(n), a.limit.Load()
	if used <= limit || limit == 0 {
		return true
	}
	a.used.Add(-n)
	return false
}

// chargeFull is the rest of Charge when the account full was in the way.
func (a *Account) chargeFull(n int64, full *Account) error {
	// Shrinking in larger pieces than n keeps the next charges off this way.
	const piece = 64 << 10
	if Shrink(full, max(n, piece)) > 0 {
		if full = a.take(n); full == nil {
			return nil
		}
	}
	full.refused.Add(1)
	if full == &Machine && Short() {
		tellShortage()
	}
	return abi.ENOMEM
}

// ChargeAnyway adds n bytes whatever the limits are: for what cannot be
// refused, such as the rest of an exit. It must be bounded by what was charged.
func (a *Account) ChargeAnyway(n int64) {
	for a = a.orMachine(); ; a = a.parent {
		used := a.used.Add(n)
		if a.parent == nil {
			follow(used-n, used)
			return
		}
	}
}

// Uncharge takes back n bytes of what was charged.
func (a *Account) Uncharge(n int64) {
	a = a.orMachine()
	// The ordinary case: nobody need be told, and there is no fault.
	if a == &Machine || a.used.Add(-n) >= 0 {
		used := Machine.used.Add(-n)
		if used >= 0 && used>>promiseShift == (used+n)>>promiseShift {
			return
		}
		Machine.used.Add(n)
	}
	if a != &Machine {
		a.used.Add(n)
	}
	a.give(n, &Machine)
}

// take adds n to a and those above it. If one of these is in the way it takes
// all back and returns that one.
func (a *Account) take(n int64) (full *Account) {
	for x := a; ; x = x.parent {
		used := x.used.Add(n)
		limit := x.limit.Load()
		if limit != 0 && used > limit || x.parent == nil && !follow(used-n, used) {
			a.give(n, x)
			return x
		}
		if x.parent == nil {
			return nil
		}
	}
}

// give subtracts n from a and those above it, last the last.
func (a *Account) give(n int64, last *Account) {
	for x := a; ; x = x.parent {
		used := x.used.Add(-n)
		if used < 0 {
			underflow()
		}
		if x.parent == nil {
			follow(used+n, used)
		}
		if x == last {
			return
		}
	}
}

// underflow reports that an object was uncharged twice, or by too much. Under
// test that is the end.
func underflow() {
	underflows.Add(1)
	if !live.Load() {
		panic("kmem: more uncharged than charged")
	}
}
