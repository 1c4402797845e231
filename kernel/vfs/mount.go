package vfs

import (
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
)

// A Mount is a file system, or a directory of one, attached to the tree.
type Mount struct {
	id     int
	super  *Super
	root   *Dentry
	source string
	// flags are the MS_ bits of mountFlags.
	flags atomic.Uint32
	// ns is the namespace; nil for a mount that is not, or no longer, in one.
	ns atomic.Pointer[Namespace]
	// at is where the mount is attached; nil for the root of a namespace and
	// without one. It changes under ns.mu.
	at atomic.Pointer[attachment]
	// The mounts attached to this one, and its neighbours among those attached
	// to the same; guarded by ns.mu.
	firstChild, lastChild *Mount
	prev, next            *Mount
	// stack is what the mount stands in, at level from the bottom; they change
	// under ns.mu. own is that of which it is the bottom, if it is one, and
	// covered the mount attached to its root, guarded by ns.mu.
	stack   atomic.Pointer[stack]
	level   atomic.Int32
	own     stack
	covered *Mount
	// users counts open files and working or root directories on it.
	users atomic.Int64
	// account has been charged for the mount.
	account *kmem.Account
	// writers counts the write intents.
	writers  atomic.Int64
	detached atomic.Bool
}

// An attachment is the place a mount is attached to.
type attachment struct {
	parent *Mount
	dentry *Dentry
}

// mountFlags are the MS_ bits that belong to a mount.
const mountFlags = abi.MS_RDONLY | abi.MS_NOSUID | abi.MS_NODEV | abi.MS_NOEXEC |
	abi.MS_NOATIME | abi.MS_NODIRATIME | abi.MS_RELATIME | abi.MS_STRICTATIME | abi.MS_NOSYMFOLLOW

// Super returns the file system.
func (m *Mount) Super() *Super { return m.super }

// ID returns the mount's number in /proc/self/mountinfo.
func (m *Mount) ID() int { return m.id }

// Root returns the path of the mount's root.
func (m *Mount) Root() Path { return Path{m, m.root} }

// Flags returns the mount's MS_ bits; MS_RDONLY also if the file system is.
func (m *Mount) Flags() int {
	f := m.flags.Load()
	if m.super.readOnly() {
		f |= abi.MS_RDONLY
	}
	return int(f)
}

// ReadOnly reports whether nothing can be changed through the mount.
func (m *Mount) ReadOnly() bool {
	return m.flags.Load()&abi.MS_RDONLY != 0 || m.super.readOnly()
}

func (m *Mount) has(flag uint32) bool { return m.flags.Load()&flag != 0 }

// mountCost is what a mount takes of the heap, in bytes, without its source.
const mountCost = 448

// newMount makes a mount that is attached nowhere and charges it: ENOSPC.
func newMount(account *kmem.Account, s *Super, root *Dentry, source string, flags int) (*Mount, error) {
	m := &Mount{super: s, root: root, source: source, account: account}
	if account.Charge(m.cost()) != nil {
		return nil, abi.ENOSPC
	}
	m.flags.Store(atimeFlags(uint32(flags)) & mountFlags)
	m.own.bottom = m
	m.own.top.Store(m)
	m.stack.Store(&m.own)
	s.begin()
	return m, nil
}

func (m *Mount) cost() int64 { return mountCost + int64(len(m.source)) }

// atimeFlags completes the flags that rule access times: relatime unless
// something else is asked for; mount(2).
func atimeFlags(flags uint32) uint32 {
	if flags&(abi.MS_NOATIME|abi.MS_STRICTATIME) == 0 {
		return flags | abi.MS_RELATIME
	}
	if flags&abi.MS_NOATIME != 0 {
		flags &^= abi.MS_STRICTATIME
	}
	return flags &^ abi.MS_RELATIME
}

// pin makes the mount busy until unpin.
func (m *Mount) pin() {
	if m != nil {
		m.users.Add(1)
	}
}

func (m *Mount) unpin() {
	if m != nil {
		m.users.Add(-1)
	}
}

// reap ends m, which is not or no longer attached.
func (m *Mount) reap() {
	m.account.Uncharge(m.cost())
	m.super.put()
}

func (s *Super) readOnly() bool { return s.ReadOnly || s.remountedRO.Load() }

// NewKernelMount returns the root of s, mounted where no process sees it, for
// operations of the kernel itself. The mount lasts for ever, and s with it.
func NewKernelMount(s *Super) (Path, error) {
	m, err := newMount(nil, s, s.root(), s.Source, 0)
	if err != nil {
		return Path{}, err
	}
	return m.Root(), nil
}
