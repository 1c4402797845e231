package vfs

import (
	"testing"

	"kevlar/kernel/abi"
)

func TestMayLookInto(t *testing.T) {
	user := func(change func(*Cred)) *Cred {
		c := &Cred{UID: 7, EUID: 7, SUID: 7, FSUID: 7, GID: 8, EGID: 8, SGID: 8, FSGID: 8}
		change(c)
		return c
	}
	same := user(func(*Cred) {})
	for name, c := range map[string]struct {
		caller, target *Cred
		dumpable       bool
		fs, real       bool
	}{
		"himself":              {same, same, true, true, true},
		"not dumpable":         {same, same, false, false, false},
		"a set-user-ID":        {same, user(func(c *Cred) { c.EUID = 0 }), true, false, false},
		"a former set-user-ID": {same, user(func(c *Cred) { c.SUID = 0 }), true, false, false},
		"another group":        {same, user(func(c *Cred) { c.EGID = 9 }), true, false, false},
		"more capabilities":    {same, user(func(c *Cred) { c.CapPermitted = 1 }), true, false, false},
		"capabilities to match": {user(func(c *Cred) { c.CapPermitted = 1 }),
			user(func(c *Cred) { c.CapPermitted = 1 }), true, false, true},
		"as another for files": {user(func(c *Cred) { c.FSUID = 9 }), same, true, false, true},
		"a tracer": {user(func(c *Cred) { c.UID, c.CapEffective = 99, 1<<abi.CAP_SYS_PTRACE }),
			user(func(c *Cred) { c.CapPermitted = AllCaps }), false, true, true},
	} {
		if got := c.caller.MayLookInto(c.target, c.dumpable); got != c.fs {
			t.Errorf("%s: %v", name, got)
		}
		if got := c.caller.MayLookIntoAsReal(c.target, c.dumpable); got != c.real {
			t.Errorf("%s, as the real user: %v", name, got)
		}
	}
}
