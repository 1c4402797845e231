package signalfd

import (
	"encoding/binary"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// A thread has one pending signal at a time.
type thread struct {
	vfs.Caller
	sleeper *wait.Sleeper
	queue   wait.Queue
	pending chan abi.Siginfo
}

func newThread() *thread {
	return &thread{Caller: vfs.Kernel, sleeper: wait.NewSleeper(), pending: make(chan abi.Siginfo, 1)}
}

func (c *thread) Sleeper() *wait.Sleeper { return c.sleeper }

func (c *thread) send(sig int) {
	i := abi.Siginfo{Signo: int32(sig), Code: abi.SI_QUEUE}
	i.SetPID(7)
	i.SetValue(42)
	c.pending <- i
	c.queue.Notify(wait.All)
}

func (c *thread) DequeueSignal(set abi.Sigset) (abi.Siginfo, bool) {
	if !c.HasSignal(set) {
		return abi.Siginfo{}, false
	}
	return <-c.pending, true
}

func (c *thread) HasSignal(set abi.Sigset) bool {
	select {
	case i := <-c.pending:
		c.pending <- i
		return set.Has(int(i.Signo))
	default:
		return false
	}
}

func (c *thread) SignalQueue() *wait.Queue { return &c.queue }

func read(c vfs.Caller, f *vfs.File, size int) (signo, value uint32, err error) {
	buf := make([]byte, max(size, abi.SizeofSignalfdSiginfo))
	b := vfs.Bytes(buf[:size])
	_, err = vfs.BlockRead(c, f, &b)
	return binary.LittleEndian.Uint32(buf), binary.LittleEndian.Uint32(buf[44:]), err
}

func TestReaderGetsItsOwnSignals(t *testing.T) {
	maker, child := newThread(), newThread()
	f, err := New(vfs.Kernel, maker, abi.SigsetOf(abi.SIGUSR1), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Put()
	maker.send(abi.SIGUSR1)
	if f.Ready(wait.Readable) == 0 || f.ReadyFor(maker, wait.Readable) == 0 {
		t.Error("not ready for its maker")
	}
	if f.ReadyFor(child, wait.Readable) != 0 {
		t.Error("ready for a thread without a signal")
	}
	time.AfterFunc(5*time.Millisecond, func() { child.send(abi.SIGUSR1) })
	for _, c := range []*thread{child, maker} {
		if sig, v, err := read(c, f, 200); sig != abi.SIGUSR1 || v != 42 || err != nil {
			t.Errorf("signal %d, value %d, %v", sig, v, err)
		}
	}
}

func TestMask(t *testing.T) {
	c := newThread()
	f, err := New(vfs.Kernel, c, abi.SigsetOf(abi.SIGUSR1, abi.SIGKILL), abi.SFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Put()
	c.send(abi.SIGUSR2)
	if _, _, err := read(c, f, 128); err != abi.EAGAIN {
		t.Errorf("a signal out of the set: %v", err)
	}
	if err := SetMask(c, f, abi.SigsetOf(abi.SIGUSR2)); err != nil {
		t.Fatal(err)
	}
	if sig, _, err := read(c, f, 128); sig != abi.SIGUSR2 || err != nil {
		t.Errorf("signal %d, %v", sig, err)
	}
	c.send(abi.SIGKILL)
	SetMask(c, f, ^abi.Sigset(0))
	if _, _, err := read(c, f, 128); err != abi.EAGAIN {
		t.Errorf("SIGKILL: %v", err)
	}
}

func TestErrors(t *testing.T) {
	c := newThread()
	if _, err := New(vfs.Kernel, c, 0, 1); err != abi.EINVAL {
		t.Errorf("unknown flag: %v", err)
	}
	f, _ := New(vfs.Kernel, c, 0, 0)
	defer f.Put()
	if _, _, err := read(c, f, 127); err != abi.EINVAL {
		t.Errorf("short read: %v", err)
	}
	other, _ := vfs.NewAnonFile(vfs.Kernel, "other", vfs.FileOps(new(struct{ vfs.NoFile })), abi.O_RDWR)
	defer other.Put()
	if err := SetMask(c, other, 0); err != abi.EINVAL {
		t.Errorf("not a signalfd: %v", err)
	}
}

// A user is a thread with credentials of its own.
type user struct {
	*thread
	cred *vfs.Cred
}

func (u *user) Cred() *vfs.Cred { return u.cred }

// TestMakerIsCharged: a file keeps its maker, which may have ended.
func TestMakerIsCharged(t *testing.T) {
	account := kmem.OfUser(4712)
	defer account.Release()
	c := &user{newThread(), &vfs.Cred{UID: 4712, Account: account}}
	f, err := New(c, c, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n := account.Used(); n < makerMemory {
		t.Errorf("%d bytes are charged, less than what the maker keeps", n)
	}
	f.Put()
	if n := account.Used(); n != 0 {
		t.Errorf("%d bytes are left charged", n)
	}
	account.SetLimit(makerMemory / 2)
	defer account.SetLimit(0)
	if _, err := New(c, c, 0, 0); err != abi.ENOMEM {
		t.Errorf("beyond the limit: %v, want ENOMEM", err)
	}
	if n := account.Used(); n != 0 {
		t.Errorf("%d bytes are left charged after a failure", n)
	}
}
