package tmpfs

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
	"kevlar/kernel/vfs"
)

// What the parts of a file system take of the heap, in bytes, with all that hangs
// on them but pages. TestCosts compares them with what is true.
const (
	fileCost    = 320
	dirCost     = 384
	specialCost = 224
	symlinkCost = 240
	superCost   = 1024
	entryCost   = 192 // and the name itself
)

// A charge is kernel memory that a user has caused. The zero value is none.
type charge struct {
	account *kmem.Account
	bytes   int64
}

// newCharge charges the user of c: ENOSPC.
func newCharge(c vfs.Caller, bytes int64) (charge, error) {
	account := c.Cred().Account
	if account.Charge(bytes) != nil {
		return charge{}, abi.ENOSPC
	}
	return charge{account, bytes}, nil
}

// drop takes the charge back.
func (ch charge) drop() { ch.account.Uncharge(ch.bytes) }
