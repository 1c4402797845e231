// Package uts keeps what the system is called: uname(2).
package uts

import (
	"sync"

	"kevlar/kernel/abi"
)

// Release is the kernel version that this system behaves like, and its name.
const Release = "6.1.0-kevlar"

// MaxName is the longest host or domain name, in bytes.
const MaxName = abi.UTSLen - 1

// A Namespace is the names that some processes see.
type Namespace struct {
	mu    sync.RWMutex
	names abi.Utsname // guarded by mu
}

// New returns a Namespace with the names of a machine that nobody has named.
func New() *Namespace {
	return &Namespace{names: abi.Utsname{
		Sysname:    "Linux",
		Nodename:   "(none)",
		Release:    Release,
		Version:    "#1 SMP",
		Machine:    "x86_64",
		Domainname: "(none)",
	}}
}

// Names returns all names.
func (n *Namespace) Names() abi.Utsname {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.names
}

// SetHostname changes the host name: EINVAL if it is too long.
func (n *Namespace) SetHostname(s string) error { return n.set(&n.names.Nodename, s) }

// SetDomainname changes the domain name: EINVAL if it is too long.
func (n *Namespace) SetDomainname(s string) error { return n.set(&n.names.Domainname, s) }

func (n *Namespace) set(name *string, s string) error {
	if len(s) > MaxName {
		return abi.EINVAL
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	*name = s
	return nil
}
