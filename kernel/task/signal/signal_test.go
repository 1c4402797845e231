package signal

import (
	"slices"
	"testing"

	"kevlar/kernel/abi"
)

// A listener remembers what becomes of its entry.
type listener struct {
	name string
	log  *[]string
}

func (l listener) Taken(info *abi.Siginfo) {
	*l.log = append(*l.log, "taken "+l.name)
	info.SetOverrun(7)
}
func (l listener) Dropped() { *l.log = append(*l.log, "dropped "+l.name) }

func TestQueue(t *testing.T) {
	var q Queue
	var log []string
	push := func(name string, sig int) {
		q.Push(&Entry{Info: abi.Siginfo{Signo: int32(sig), Code: abi.SI_QUEUE}, Source: listener{name, &log}})
	}
	want := func(events ...string) {
		t.Helper()
		if !slices.Equal(log, events) {
			t.Errorf("%q, want %q", log, events)
		}
		log = nil
	}
	take := func(sig int) (info abi.Siginfo) { q.Take(sig, &info); return info }
	push("a", 40)
	push("b", 35)
	push("c", 40)
	q.Mark(abi.SIGUSR1)
	push("d", abi.SIGSEGV)
	if q.Set() != abi.SigsetOf(40, 35, abi.SIGUSR1, abi.SIGSEGV) || q.Len() != 4 {
		t.Errorf("set %#x, %d entries", q.Set(), q.Len())
	}
	if sig := q.First(0); sig != abi.SIGSEGV {
		t.Errorf("first is %d, want that of the thread's own doing", sig)
	}
	if sig := q.First(abi.SigsetOf(abi.SIGSEGV, abi.SIGUSR1)); sig != 35 {
		t.Errorf("first is %d, want 35", sig)
	}
	if info := take(40); info.Code != abi.SI_QUEUE || info.Overrun() != 7 {
		t.Errorf("told %+v", info)
	}
	want("taken a")
	if !q.Set().Has(40) {
		t.Error("the second of two signals is gone")
	}
	if info := take(abi.SIGUSR1); info.Code != abi.SI_USER || info.Signo != abi.SIGUSR1 {
		t.Errorf("of a signal without an entry: %+v", info)
	}
	q.Flush(abi.SigsetOf(40, abi.SIGSEGV, abi.SIGHUP))
	want("dropped c", "dropped d")
	if q.Set() != abi.SigsetOf(35) || q.Len() != 1 {
		t.Errorf("set %#x, %d entries", q.Set(), q.Len())
	}
	push("e", 35)
	take(35)
	take(35)
	want("taken b", "taken e")
	if q.Set() != 0 || q.Len() != 0 || q.First(0) != 0 {
		t.Errorf("set %#x, %d entries", q.Set(), q.Len())
	}
}

func TestActions(t *testing.T) {
	a := NewActions()
	got := a.Set(abi.SIGUSR1, abi.SigAction{Handler: 5, Flags: abi.SA_RESETHAND | 1<<20, Mask: ^abi.Sigset(0)})
	if got.Flags != abi.SA_RESETHAND || got.Mask&abi.Unblockable != 0 {
		t.Errorf("flags %#x, mask %#x", got.Flags, got.Mask)
	}
	a.Set(abi.SIGUSR2, abi.SigAction{Handler: abi.SIG_IGN, Flags: abi.SA_RESTART})
	copied, cleared := a.Copy(false), a.Copy(true)
	if act := a.Take(abi.SIGUSR1); act.Handler != 5 || a.Get(abi.SIGUSR1).Handler != abi.SIG_DFL {
		t.Errorf("taken %+v, then %+v", act, a.Get(abi.SIGUSR1))
	}
	if copied.Get(abi.SIGUSR1).Handler != 5 {
		t.Error("a copy changes with the original")
	}
	for name, c := range map[string]*Actions{"cleared": cleared, "reset": copied} {
		if name == "reset" {
			c.Reset()
		}
		ignored, caught := c.Sets()
		if ignored != abi.SigsetOf(abi.SIGUSR2) || caught != 0 || c.Get(abi.SIGUSR2).Flags != 0 {
			t.Errorf("%s: ignored %#x, caught %#x", name, ignored, caught)
		}
	}
	if a.Share() != a || !a.Shared() {
		t.Error("not shared")
	}
	own := a.Unshare()
	if own == a || a.Shared() || own.Shared() || own.Unshare() != own {
		t.Error("not unshared")
	}
}
