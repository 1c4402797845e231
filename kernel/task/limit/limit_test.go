package limit

import (
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

func TestChange(t *testing.T) {
	var l Limits
	l.SetDefault(100)
	for _, c := range []struct {
		resource   int
		cur, max   uint64
		privileged bool
		want       error
	}{
		{abi.RLIMIT_STACK, 2, 1, true, abi.EINVAL},
		{abi.RLIMIT_STACK, 1, 2, false, nil},
		{abi.RLIMIT_STACK, 1, 3, false, abi.EPERM},
		{abi.RLIMIT_STACK, 3, 3, true, nil},
		{abi.RLIMIT_NOFILE, 1, vfs.MaxFDs, true, nil},
		{abi.RLIMIT_NOFILE, 1, vfs.MaxFDs + 1, true, abi.EPERM},
	} {
		before := l.Get(c.resource)
		old, err := l.Change(c.resource, &abi.Rlimit{Cur: c.cur, Max: c.max}, c.privileged)
		if err != c.want || old != before {
			t.Errorf("limit %d to %d, %d: %v, was %v", c.resource, c.cur, c.max, err, old)
		}
		want := before
		if c.want == nil {
			want = abi.Rlimit{Cur: c.cur, Max: c.max}
		}
		if got := l.Get(c.resource); got != want {
			t.Errorf("limit %d is %v, want %v", c.resource, got, want)
		}
	}
	var o Limits
	o.CopyFrom(&l)
	o.Lower(abi.RLIMIT_STACK, 2)
	o.Lower(abi.RLIMIT_NOFILE, 2)
	if o.Soft(abi.RLIMIT_STACK) != 2 || o.Soft(abi.RLIMIT_NOFILE) != 1 || l.Soft(abi.RLIMIT_STACK) != 3 {
		t.Error("Lower raises, or changes the original")
	}
	if old, err := l.Change(abi.RLIMIT_STACK, nil, false); old != l.Get(abi.RLIMIT_STACK) || err != nil {
		t.Errorf("query: %v, %v", old, err)
	}
}
