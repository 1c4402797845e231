package uts

import (
	"strings"
	"testing"

	"kevlar/kernel/abi"
)

func TestSetNames(t *testing.T) {
	before := Names()
	defer SetHostname(before.Nodename)
	long := strings.Repeat("x", MaxName)
	if err := SetHostname(long); err != nil || Names().Nodename != long {
		t.Errorf("a name of %d bytes: %v, now %q", MaxName, err, Names().Nodename)
	}
	if err := SetHostname(long + "x"); err != abi.EINVAL || Names().Nodename != long {
		t.Errorf("a longer name: %v, now %q", err, Names().Nodename)
	}
	if err := SetDomainname("example"); err != nil || Names().Domainname != "example" {
		t.Errorf("domain: %v, now %q", err, Names().Domainname)
	}
	defer SetDomainname(before.Domainname)
	if Names().Sysname != "Linux" || Names().Machine != "x86_64" {
		t.Errorf("names %+v", Names())
	}
}
