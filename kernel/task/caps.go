package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// Caps are the three sets of capget(2).
type Caps struct{ Effective, Permitted, Inheritable uint64 }

// Capget returns the capabilities of thread tid, 0 for the caller.
func (t *Task) Capget(tid int) (Caps, error) {
	p := t
	if tid < 0 {
		return Caps{}, abi.EINVAL
	}
	if tid != 0 {
		if p = t.Find(tid); p == nil {
			return Caps{}, abi.ESRCH
		}
	}
	c := p.Cred()
	return Caps{c.CapEffective, c.CapPermitted, c.CapInheritable}, nil
}

// Capset sets the caller's capabilities: capset(2).
func (t *Task) Capset(n Caps) error {
	c := t.copyCred()
	n.Effective &= vfs.AllCaps
	n.Permitted &= vfs.AllCaps
	n.Inheritable &= vfs.AllCaps
	if !c.HasCap(abi.CAP_SETPCAP) && n.Inheritable&^(c.CapInheritable|c.CapPermitted) != 0 ||
		n.Inheritable&^(c.CapInheritable|c.CapBounding) != 0 ||
		n.Permitted&^c.CapPermitted != 0 ||
		n.Effective&^n.Permitted != 0 {
		return abi.EPERM
	}
	c.CapEffective, c.CapPermitted, c.CapInheritable = n.Effective, n.Permitted, n.Inheritable
	c.CapAmbient &= n.Permitted & n.Inheritable
	t.SetCred(c)
	return nil
}

// DropBounding removes capability n from the bounding set: PR_CAPBSET_DROP.
func (t *Task) DropBounding(n int) error {
	c := t.copyCred()
	if !c.HasCap(abi.CAP_SETPCAP) {
		return abi.EPERM
	}
	if n < 0 || n > abi.CAP_LAST_CAP {
		return abi.EINVAL
	}
	c.CapBounding &^= 1 << n
	t.SetCred(c)
	return nil
}

// Ambient does prctl(2), PR_CAP_AMBIENT.
func (t *Task) Ambient(op, n int) (int, error) {
	c := t.copyCred()
	if op == abi.PR_CAP_AMBIENT_CLEAR_ALL {
		if n != 0 {
			return 0, abi.EINVAL
		}
		c.CapAmbient = 0
		t.SetCred(c)
		return 0, nil
	}
	if n < 0 || n > abi.CAP_LAST_CAP {
		return 0, abi.EINVAL
	}
	bit := uint64(1) << n
	switch op {
	case abi.PR_CAP_AMBIENT_IS_SET:
		return int(c.CapAmbient >> n & 1), nil
	case abi.PR_CAP_AMBIENT_RAISE:
		if c.CapPermitted&c.CapInheritable&bit == 0 || c.SecureBits&abi.SECBIT_NO_CAP_AMBIENT_RAISE != 0 {
			return 0, abi.EPERM
		}
		c.CapAmbient |= bit
	case abi.PR_CAP_AMBIENT_LOWER:
		c.CapAmbient &^= bit
	default:
		return 0, abi.EINVAL
	}
	t.SetCred(c)
	return 0, nil
}

// SetSecureBits does prctl(2), PR_SET_SECUREBITS.
func (t *Task) SetSecureBits(v uint32) error {
	c := t.copyCred()
	old := c.SecureBits
	locked := old & abi.SECURE_ALL_LOCKS
	if locked>>1&(old^v) != 0 || locked&^v != 0 || v&^(abi.SECURE_ALL_BITS|abi.SECURE_ALL_LOCKS) != 0 ||
		!c.HasCap(abi.CAP_SETPCAP) {
		return abi.EPERM
	}
	c.SecureBits = v
	t.SetCred(c)
	return nil
}

// SetKeepCaps does prctl(2), PR_SET_KEEPCAPS.
func (t *Task) SetKeepCaps(on bool) error {
	c := t.copyCred()
	if c.SecureBits&abi.SECBIT_KEEP_CAPS_LOCKED != 0 {
		return abi.EPERM
	}
	c.SecureBits &^= abi.SECBIT_KEEP_CAPS
	if on {
		c.SecureBits |= abi.SECBIT_KEEP_CAPS
	}
	t.SetCred(c)
	return nil
}
