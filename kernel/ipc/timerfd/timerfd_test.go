package timerfd

import (
	"encoding/binary"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

const ms = int64(time.Millisecond)

type caller struct {
	vfs.Caller
	sleeper *wait.Sleeper
}

func (c caller) Sleeper() *wait.Sleeper { return c.sleeper }

func open(t *testing.T, clock, flags int) *vfs.File {
	t.Helper()
	f, err := New(vfs.Kernel, clock, flags)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Put)
	return f
}

func read(f *vfs.File) (uint64, error) {
	buf := make([]byte, 8)
	b := vfs.Bytes(buf)
	_, err := vfs.BlockRead(caller{vfs.Kernel, wait.NewSleeper()}, f, &b)
	return binary.LittleEndian.Uint64(buf), err
}

func set(t *testing.T, f *vfs.File, flags int, value, interval int64) (oldValue, oldInterval int64) {
	t.Helper()
	oldValue, oldInterval, err := Set(f, flags, value, interval)
	if err != nil {
		t.Fatal(err)
	}
	return oldValue, oldInterval
}

func TestOneShot(t *testing.T) {
	f := open(t, abi.CLOCK_MONOTONIC, 0)
	begin := ktime.Mono()
	set(t, f, 0, 20*ms, 0)
	if f.Ready(wait.Readable) != 0 {
		t.Error("ready at once")
	}
	n, err := read(f)
	if n != 1 || err != nil || ktime.Mono()-begin < 20*ms {
		t.Errorf("read: %d, %v after %d ns", n, err, ktime.Mono()-begin)
	}
	if v, i, err := Get(f); v != 0 || i != 0 || err != nil {
		t.Errorf("afterwards: %d, %d, %v", v, i, err)
	}
	f.SetNonblock(true)
	if _, err := read(f); err != abi.EAGAIN {
		t.Errorf("second read: %v", err)
	}
}

func TestIntervalsAreCounted(t *testing.T) {
	f := open(t, abi.CLOCK_MONOTONIC, 0)
	now := ktime.Mono()
	set(t, f, abi.TFD_TIMER_ABSTIME, now-95*ms, 10*ms)
	time.Sleep(time.Millisecond)
	n, err := read(f)
	if late := uint64((ktime.Mono() - now) / ms / 10); n < 10 || n > 11+late || err != nil {
		t.Errorf("read: %d, %v", n, err)
	}
	v, i, _ := Get(f)
	if v <= 0 || v > 10*ms || i != 10*ms {
		t.Errorf("left %d of %d", v, i)
	}
	if n, err := read(f); n < 1 || err != nil {
		t.Errorf("next interval: %d, %v", n, err)
	}
	set(t, f, 0, 1, 1) // the shortest: it must not keep a CPU busy
	time.Sleep(2 * time.Millisecond)
	if n, _ := read(f); n < 1e6 {
		t.Errorf("%d intervals of a nanosecond", n)
	}
	if v, i := set(t, f, 0, 0, 0); v != 1 || i != 1 {
		t.Errorf("former: %d, %d", v, i)
	}
	if v, _, _ := Get(f); v != 0 || f.Ready(wait.Readable) != 0 {
		t.Errorf("stopped, but %d left", v)
	}
}

func TestWallClock(t *testing.T) {
	f := open(t, abi.CLOCK_REALTIME, 0)
	set(t, f, abi.TFD_TIMER_ABSTIME, ktime.Real()+1000*ms, 0)
	if v, _, _ := Get(f); v <= 0 || v > 1000*ms {
		t.Errorf("%d ns left", v)
	}
	set(t, f, abi.TFD_TIMER_ABSTIME, 1, 0) // long ago
	if n, err := read(f); n != 1 || err != nil {
		t.Errorf("read: %d, %v", n, err)
	}
	if v, _ := set(t, f, 0, 1<<63-1, 0); v != 0 {
		t.Errorf("former value %d", v)
	}
	if v, _, _ := Get(f); v < 1<<62 {
		t.Errorf("%d ns left of for ever", v)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ clock, flags int }{
		{77, 0}, {-1, 0}, {abi.CLOCK_PROCESS_CPUTIME_ID, 0}, {abi.CLOCK_MONOTONIC, 1},
	} {
		if _, err := New(vfs.Kernel, c.clock, c.flags); err != abi.EINVAL {
			t.Errorf("clock %d, flags %#x: %v", c.clock, c.flags, err)
		}
	}
	f := open(t, abi.CLOCK_REALTIME, abi.TFD_NONBLOCK)
	for _, flags := range []int{4, abi.TFD_TIMER_ABSTIME | abi.TFD_TIMER_CANCEL_ON_SET} {
		if _, _, err := Set(f, flags, 1, 0); err != abi.EINVAL {
			t.Errorf("flags %#x: %v", flags, err)
		}
	}
	b := vfs.Bytes(make([]byte, 7))
	if _, err := f.Read(vfs.Kernel, &b); err != abi.EINVAL {
		t.Errorf("short read: %v", err)
	}
	src := vfs.Bytes(make([]byte, 8))
	if _, err := f.Write(vfs.Kernel, &src); err != abi.EINVAL {
		t.Errorf("write: %v", err)
	}
	other, _ := vfs.NewAnonFile(vfs.Kernel, "other", vfs.FileOps(new(struct{ vfs.NoFile })), abi.O_RDWR)
	defer other.Put()
	if _, _, err := Get(other); err != abi.EINVAL {
		t.Errorf("not a timer: %v", err)
	}
}
