package uts

import (
	"strings"
	"testing"

	"kevlar/kernel/abi"
)

func TestSetNames(t *testing.T) {
	n := New()
	long := strings.Repeat("x", MaxName)
	if err := n.SetHostname(long); err != nil || n.Names().Nodename != long {
		t.Errorf("a name of %d bytes: %v, now %q", MaxName, err, n.Names().Nodename)
	}
	if err := n.SetHostname(long + "x"); err != abi.EINVAL || n.Names().Nodename != long {
		t.Errorf("a longer name: %v, now %q", err, n.Names().Nodename)
	}
	if err := n.SetDomainname("example"); err != nil || n.Names().Domainname != "example" {
		t.Errorf("domain: %v, now %q", err, n.Names().Domainname)
	}
	if n.Names().Sysname != "Linux" || n.Names().Machine != "x86_64" {
		t.Errorf("names %+v", n.Names())
	}
	if other := New().Names(); other.Nodename != "(none)" || other.Domainname != "(none)" {
		t.Errorf("names of another %+v", other)
	}
}
