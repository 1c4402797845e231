// Package kmem is the account of the kernel memory that users cause.
//
// The kernel's objects live on Go's heap, and a heap that cannot grow ends the
// machine. So every object that a program can make more of is charged before
// it is made and uncharged, once, where it dies:
//
//	if err := c.Cred().Account.Charge(cost); err != nil {
//		return abi.ENFILE // what Linux answers for this call
//	}
//	o := &object{account: c.Cred().Account}
//	...
//	o.account.Uncharge(cost)
//
// A cost is a constant near the type: what the object takes of the heap, with
// all that hangs on it, rounded up. The object remembers the account, for the
// thread that ends it may be another user's. Page frames that an object holds
// are not charged here: the frame pool counts them itself.
//
// There is an [Account] for each real user and one for the machine, of which
// the users' are parts. Each has a limit. A charge is two additions and no
// lock, until one of these is in the way:
//
//   - a limit, the user's or the machine's: the shrinkers drop what can be
//     made again, and if that is not enough the charge is refused;
//   - a shortage of page frames: likewise, and whoever kills for memory is told.
//
// Heap and page frames are one account. What is charged is promised to the
// heap: the frame pool keeps that much, half as much again for what the
// collector has not found yet, and a reserve, out of reach of user programs
// (frame.SetHeapGoal). The collector's limit is the same sum, so the heap does
// not outgrow the promise. From most to least, free frames serve
//
//	programs   while more than promise + reserve are free
//	charges    while more than promise + reserve/2 are free
//	the heap   to the last one
//
// so that a program that has filled memory is killed by its own next page and
// others can still fork.
package kmem
