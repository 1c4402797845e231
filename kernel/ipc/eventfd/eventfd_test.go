package eventfd

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

type caller struct {
	vfs.Caller
	sleeper *wait.Sleeper
}

func (c caller) Sleeper() *wait.Sleeper { return c.sleeper }

func newCaller() caller { return caller{vfs.Kernel, wait.NewSleeper()} }

func open(t *testing.T, n uint32, flags int) *vfs.File {
	t.Helper()
	f, err := New(vfs.Kernel, n, flags)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Put)
	return f
}

func read(t *testing.T, f *vfs.File, want uint64, wantErr error) {
	t.Helper()
	buf := make([]byte, 8)
	b := vfs.Bytes(buf)
	_, err := vfs.BlockRead(newCaller(), f, &b)
	if v := binary.LittleEndian.Uint64(buf); v != want || err != wantErr {
		t.Errorf("read: %d, %v, want %d, %v", v, err, want, wantErr)
	}
}

func write(t *testing.T, f *vfs.File, v uint64, wantErr error) {
	t.Helper()
	b := vfs.Bytes(binary.LittleEndian.AppendUint64(nil, v))
	n, err := vfs.BlockWrite(newCaller(), f, &b)
	if err != wantErr || err == nil && n != 8 {
		t.Errorf("write of %d: %d, %v, want %v", v, n, err, wantErr)
	}
}

func ready(t *testing.T, f *vfs.File, want wait.Events) {
	t.Helper()
	if ev := f.Ready(wait.All); ev != want {
		t.Errorf("poll %#x, want %#x", ev, want)
	}
}

func TestCounter(t *testing.T) {
	f := open(t, 3, abi.EFD_NONBLOCK)
	ready(t, f, wait.Readable|wait.Writable)
	write(t, f, 4, nil)
	read(t, f, 7, nil)
	read(t, f, 0, abi.EAGAIN)
	ready(t, f, wait.Writable)
	write(t, f, 0, nil)
	read(t, f, 0, abi.EAGAIN)
	write(t, f, math.MaxUint64, abi.EINVAL)
	write(t, f, math.MaxUint64-1, nil)
	ready(t, f, wait.Readable)
	write(t, f, 1, abi.EAGAIN)
	write(t, f, 0, nil)
	read(t, f, math.MaxUint64-1, nil)
	short := make(vfs.Bytes, 7)
	if _, err := f.Read(vfs.Kernel, &short); err != abi.EINVAL {
		t.Errorf("short read: %v", err)
	}
	if _, err := f.Write(vfs.Kernel, &short); err != abi.EINVAL {
		t.Errorf("short write: %v", err)
	}
	long := make(vfs.Bytes, 24)
	long[0], long[8] = 1, 2
	if n, err := vfs.BlockWrite(newCaller(), f, &long); n != 8 || err != nil {
		t.Errorf("long write: %d, %v, want 8", n, err)
	}
	read(t, f, 1, nil)
	if _, err := New(vfs.Kernel, 0, 8); err != abi.EINVAL {
		t.Errorf("unknown flag: %v", err)
	}
}

func TestSemaphore(t *testing.T) {
	f := open(t, 2, abi.EFD_NONBLOCK|abi.EFD_SEMAPHORE)
	read(t, f, 1, nil)
	read(t, f, 1, nil)
	read(t, f, 0, abi.EAGAIN)
}

func TestBlocking(t *testing.T) {
	f := open(t, 0, 0)
	time.AfterFunc(5*time.Millisecond, func() { write(t, f, 5, nil) })
	read(t, f, 5, nil)

	write(t, f, math.MaxUint64-1, nil)
	done := make(chan bool)
	go func() {
		write(t, f, 2, nil)
		close(done)
	}()
	select {
	case <-done:
		t.Fatal("a write that overflows did not wait")
	case <-time.After(10 * time.Millisecond):
	}
	read(t, f, math.MaxUint64-1, nil)
	<-done
	read(t, f, 2, nil)
}
