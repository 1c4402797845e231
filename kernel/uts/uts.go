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

var (
	mu    sync.RWMutex
	names = abi.Utsname{ // guarded by mu
		Sysname:    "Linux",
		Nodename:   "(none)",
		Release:    Release,
		Version:    "#1 SMP",
		Machine:    "x86_64",
		Domainname: "(none)",
	}
)

// Names returns all names.
func Names() abi.Utsname {
	mu.RLock()
	defer mu.RUnlock()
	return names
}

// SetHostname changes the host name: EINVAL if it is too long.
func SetHostname(s string) error { return set(&names.Nodename, s) }

// SetDomainname changes the domain name: EINVAL if it is too long.
func SetDomainname(s string) error { return set(&names.Domainname, s) }

func set(name *string, s string) error {
	if len(s) > MaxName {
		return abi.EINVAL
	}
	mu.Lock()
	defer mu.Unlock()
	*name = s
	return nil
}
