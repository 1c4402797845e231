package pipe

import (
	"bytes"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

func TestMain(m *testing.M) {
	frame.InitSoft(2048)
	os.Exit(m.Run())
}

// A caller is a thread that can sleep.
type caller struct {
	vfs.Caller
	sleeper *wait.Sleeper
	cred    *vfs.Cred
}

func newCaller() *caller { return &caller{vfs.Kernel, wait.NewSleeper(), vfs.RootCred} }

func (c *caller) Sleeper() *wait.Sleeper { return c.sleeper }
func (c *caller) Cred() *vfs.Cred        { return c.cred }

func newPair(t testing.TB, flags int) (r, w *vfs.File) {
	t.Helper()
	r, w, err := New(vfs.Kernel, flags)
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// write and read say what the call answers.
func write(t testing.TB, f *vfs.File, s string, want int, wantErr error) {
	t.Helper()
	b := vfs.Bytes(s)
	if n, err := f.Write(vfs.Kernel, &b); n != want || err != wantErr {
		t.Errorf("write of %d bytes: %d, %v, want %d, %v", len(s), n, err, want, wantErr)
	}
}

func read(t testing.TB, f *vfs.File, n int, want string, wantErr error) {
	t.Helper()
	buf := make([]byte, n)
	b := vfs.Bytes(buf)
	n, err := f.Read(vfs.Kernel, &b)
	if string(buf[:n]) != want || err != wantErr {
		t.Errorf("read of %d bytes: %d bytes, %v, want %d, %v", len(buf), n, err, len(want), wantErr)
	}
}

func ready(t testing.TB, f *vfs.File, want wait.Events) {
	t.Helper()
	if ev := f.Ready(wait.All); ev != want {
		t.Errorf("poll %#x, want %#x", ev, want)
	}
}

func size(t testing.TB, f *vfs.File, n uint, want int, wantErr error) {
	t.Helper()
	if got, err := SetSize(vfs.Kernel, f, n); got != want || err != wantErr {
		t.Errorf("F_SETPIPE_SZ %d: %d, %v, want %d, %v", n, got, err, want, wantErr)
	}
}

// TestLikeLinux does what a C program did on Linux, which gave these answers.
func TestLikeLinux(t *testing.T) {
	used := frame.Free()
	r, w := newPair(t, abi.O_NONBLOCK)
	x := func(n int) string { return strings.Repeat("x", n) }
	ready(t, r, 0)
	ready(t, w, 0x104)
	read(t, r, 10, "", abi.EAGAIN)
	write(t, w, x(100000), 65536, nil)
	ready(t, r, 0x41)
	ready(t, w, 0)
	write(t, w, "x", 0, abi.EAGAIN)
	read(t, r, 1, "x", nil)
	write(t, w, "x", 0, abi.EAGAIN)
	read(t, r, 4095, x(4095), nil)
	ready(t, w, 0x104)
	write(t, w, x(5000), 4096, nil)
	write(t, w, "x", 0, abi.EAGAIN)
	if n := r.Ops().(*end).pipe.buffered(); n != 65536 {
		t.Errorf("FIONREAD %d, want 65536", n)
	}
	if n, err := Size(r); n != 65536 || err != nil {
		t.Errorf("F_GETPIPE_SZ: %d, %v", n, err)
	}
	size(t, r, 4096, 0, abi.EBUSY)
	read(t, r, 1<<20, x(65536), nil)
	size(t, w, 5000, 8192, nil)
	size(t, w, 0, 4096, nil)
	write(t, w, x(9000), 4096, nil)
	size(t, w, 1<<20, 1<<20, nil)
	write(t, w, x(9000), 9000, nil)
	w.Put()
	ready(t, r, 0x51)
	read(t, r, 1<<20, x(13096), nil)
	read(t, r, 1, "", nil)
	ready(t, r, 0x10)
	r.Put()

	r, w = newPair(t, abi.O_NONBLOCK)
	r.Put()
	ready(t, w, 0x10c)
	write(t, w, "x", 0, abi.EPIPE)
	write(t, w, "", 0, nil)
	w.Put()
	if free := frame.Free(); free != used {
		t.Errorf("%d frames are free, before it were %d", free, used)
	}
}

func TestPackets(t *testing.T) {
	r, w := newPair(t, abi.O_NONBLOCK|abi.O_DIRECT)
	defer r.Put()
	defer w.Put()
	x := strings.Repeat("x", 5000)
	write(t, w, x[:10], 10, nil)
	write(t, w, x, 5000, nil)
	read(t, r, 5, x[:5], nil)
	read(t, r, 10000, x[:4096], nil)
	read(t, r, 10000, x[:904], nil)
	read(t, r, 100, "", abi.EAGAIN)
	w.SetFlags(vfs.Kernel, abi.O_NONBLOCK)
	write(t, w, "a", 1, nil)
	write(t, w, "b", 1, nil)
	read(t, r, 10, "ab", nil)
}

// faulty is user memory whose second half is missing.
type faulty struct{ good, bad int }

func (f *faulty) Len() int { return f.good + f.bad }

func (f *faulty) move(n int) (int, error) {
	moved := min(n, f.good)
	f.good -= moved
	if moved < n {
		return moved, abi.EFAULT
	}
	return n, nil
}

func (f *faulty) Write(p []byte) (int, error) { return f.move(len(p)) }
func (f *faulty) Read(p []byte) (int, error)  { return f.move(len(p)) }

func TestFaults(t *testing.T) {
	r, w := newPair(t, abi.O_NONBLOCK)
	defer r.Put()
	defer w.Put()
	write(t, w, "abc", 3, nil)
	if n, err := r.Read(vfs.Kernel, &faulty{1, 2}); n != 0 || err != abi.EFAULT {
		t.Errorf("read: %d, %v, want EFAULT", n, err)
	}
	read(t, r, 10, "abc", nil)
	if n, err := w.Write(vfs.Kernel, &faulty{4096, 10}); n != 4096 || err != nil {
		t.Errorf("write: %d, %v, want 4096", n, err)
	}
	if n, err := w.Write(vfs.Kernel, &faulty{0, 10}); n != 0 || err != abi.EFAULT {
		t.Errorf("write: %d, %v, want EFAULT", n, err)
	}
	if n := r.Ops().(*end).pipe.buffered(); n != 4096 {
		t.Errorf("the pipe holds %d bytes, want 4096", n)
	}
}

// TestAtomicWrites has many writers of up to PIPE_BUF bytes; no write may be
// mixed with another.
// A panicker panics in the middle of a transfer.
type panicker struct{}

func (panicker) Len() int                  { return frame.Size }
func (panicker) Write([]byte) (int, error) { panic("in the middle") }
func (panicker) Read([]byte) (int, error)  { panic("in the middle") }

// TestPanics checks that the pipe can be used after a panic of what copies, and
// that all its pages come back.
func TestPanics(t *testing.T) {
	free := frame.Free()
	r, w := newPair(t, 0)
	panics := func(f func()) {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		f()
	}
	for range 3 {
		panics(func() { w.Write(vfs.Kernel, panicker{}) })
		write(t, w, "abc", 3, nil)
		panics(func() { r.Read(vfs.Kernel, panicker{}) })
		read(t, r, 10, "abc", nil)
	}
	r.Put()
	w.Put()
	if n := frame.Free(); n != free {
		t.Errorf("%d frames free, %d before", n, free)
	}
}

func TestAtomicWrites(t *testing.T) {
	r, w := newPair(t, 0)
	const writers, writes = 4, 200
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			c := newCaller()
			rnd := rand.New(rand.NewPCG(uint64(i), 0))
			for range writes {
				n := 3 + rnd.IntN(4096-3)
				msg := bytes.Repeat([]byte{byte('a' + i)}, n)
				msg[0], msg[1] = byte(n), byte(n>>8)
				b := vfs.Bytes(msg)
				if m, err := vfs.BlockWrite(c, w, &b); m != n || err != nil {
					t.Errorf("write: %d, %v, want %d", m, err, n)
				}
			}
		})
	}
	go func() { wg.Wait(); w.Put() }()

	c := newCaller()
	fill := func(buf []byte) bool {
		for len(buf) > 0 {
			b := vfs.Bytes(buf)
			n, err := vfs.BlockRead(c, r, &b)
			if err != nil {
				t.Error(err)
				return false
			}
			if n == 0 {
				return false
			}
			buf = buf[n:]
		}
		return true
	}
	messages := 0
	var head [3]byte
	for fill(head[:]) {
		rest := make([]byte, int(head[0])+int(head[1])<<8-3)
		if !fill(rest) {
			t.Fatal("the end in the middle of a message")
		}
		for _, x := range rest {
			if x != head[2] {
				t.Fatalf("a write of %c has a %c in it", head[2], x)
			}
		}
		messages++
	}
	if messages != writers*writes {
		t.Errorf("%d messages, want %d", messages, writers*writes)
	}
	r.Put()
}

func TestBlocking(t *testing.T) {
	r, w := newPair(t, 0)
	c := newCaller()
	go func() {
		time.Sleep(5 * time.Millisecond)
		write(t, w, "late", 4, nil)
	}()
	buf := make([]byte, 10)
	b := vfs.Bytes(buf)
	if n, err := vfs.BlockRead(c, r, &b); n != 4 || err != nil {
		t.Errorf("blocking read: %d, %v", n, err)
	}
	time.AfterFunc(5*time.Millisecond, c.sleeper.Interrupt)
	b = buf
	if _, err := vfs.BlockRead(c, r, &b); err != abi.ERESTARTSYS {
		t.Errorf("interrupted read: %v", err)
	}
	c.sleeper.ClearInterrupt()
	time.AfterFunc(5*time.Millisecond, w.Put)
	b = buf
	if n, err := vfs.BlockRead(c, r, &b); n != 0 || err != nil {
		t.Errorf("read when the writer goes: %d, %v", n, err)
	}
	r.Put()

	r, w = newPair(t, 0)
	time.AfterFunc(5*time.Millisecond, r.Put)
	b = make([]byte, 100000)
	if n, err := vfs.BlockWrite(c, w, &b); n != 65536 || err != nil {
		t.Errorf("write when the reader goes: %d, %v, want what was written before", n, err)
	}
	w.Put()
}

// newFIFO returns an inode that opens as a FIFO.
func newFIFO() *vfs.AnonInode { return vfs.NewAnonInode("fifo", abi.S_IFIFO|0o600) }

func openFIFOFile(c vfs.Caller, i *vfs.AnonInode, flags int) (*vfs.File, error) {
	holder, _ := vfs.NewFile(vfs.Kernel, vfs.NoFile{}, i, vfs.Path{}, flags)
	ops, err := OpenFIFO(c, holder, i)
	if err != nil {
		return nil, err
	}
	return i.NewFile(vfs.Kernel, ops, flags)
}

func TestFIFONonblocking(t *testing.T) {
	i := newFIFO()
	c := newCaller()
	open := func(flags int, want error) *vfs.File {
		t.Helper()
		f, err := openFIFOFile(c, i, flags|abi.O_NONBLOCK)
		if err != want {
			t.Fatalf("open: %v, want %v", err, want)
		}
		return f
	}
	open(abi.O_WRONLY, abi.ENXIO)
	r := open(abi.O_RDONLY, nil)
	ready(t, r, 0) // no hang-up before a writer has come
	read(t, r, 1, "", nil)
	w := open(abi.O_WRONLY, nil)
	ready(t, r, 0)
	ready(t, w, 0x104)
	read(t, r, 1, "", abi.EAGAIN)
	w.Put()
	ready(t, r, 0x10)
	r.Put()
	rw := open(abi.O_RDWR, nil)
	ready(t, rw, 0x104)
	write(t, rw, "hi", 2, nil)
	ready(t, rw, 0x145)
	rw.Put()
	r = open(abi.O_RDONLY, nil)
	read(t, r, 10, "", nil) // what was in it has gone with the last end
	r.Put()
}

func TestFIFOWaitsForPartner(t *testing.T) {
	i := newFIFO()
	opened := make(chan *vfs.File)
	go func() {
		f, err := openFIFOFile(newCaller(), i, abi.O_RDONLY)
		if err != nil {
			t.Error(err)
		}
		opened <- f
	}()
	select {
	case <-opened:
		t.Fatal("opening for reading did not wait")
	case <-time.After(10 * time.Millisecond):
	}
	w, err := openFIFOFile(newCaller(), i, abi.O_WRONLY)
	if err != nil {
		t.Fatal(err)
	}
	r := <-opened
	write(t, w, "x", 1, nil)
	read(t, r, 1, "x", nil)
	r.Put()
	w.Put()

	c := newCaller()
	time.AfterFunc(5*time.Millisecond, c.sleeper.Interrupt)
	if _, err := openFIFOFile(c, i, abi.O_WRONLY); err != abi.ERESTARTSYS {
		t.Errorf("interrupted open: %v", err)
	}
	i.Pipe(func(place *any) {
		if *place != nil {
			t.Error("a pipe is left behind")
		}
	})
}

// TestFIFOPartnerPasses has a partner that comes and goes at once.
func TestFIFOPartnerPasses(t *testing.T) {
	for range 100 {
		i := newFIFO()
		done := make(chan error)
		go func() {
			f, err := openFIFOFile(newCaller(), i, abi.O_RDONLY)
			if err == nil {
				f.Put()
			}
			done <- err
		}()
		w, err := openFIFOFile(newCaller(), i, abi.O_WRONLY)
		if err != nil {
			t.Fatal(err)
		}
		w.Put()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenAgain(t *testing.T) {
	r, w := newPair(t, abi.O_NONBLOCK)
	i := r.Inode().(*vfs.AnonInode)
	w2, err := openFIFOFile(newCaller(), i, abi.O_WRONLY)
	if err != nil {
		t.Fatal(err)
	}
	w.Put()
	write(t, w2, "zz", 2, nil)
	read(t, r, 10, "zz", nil)
	w2.Put()
	ready(t, r, 0x10)
	r.Put()
}

// Lowering the greatest size makes new pipes small, and lets the others be made
// smaller only: pipe(7).
func TestMaxSizeLowered(t *testing.T) {
	c := newCaller()
	c.cred = &vfs.Cred{UID: 1000}
	r, w, err := New(c, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Put()
	defer w.Put()
	limit := MaxSize.Get()
	MaxSize.Set(2 * frame.Size)
	defer MaxSize.Set(limit)
	for _, step := range []struct {
		size uint
		want int
		err  error
	}{{65536, 65536, nil}, {65537, 0, abi.EPERM}, {32768, 32768, nil}, {65536, 0, abi.EPERM}, {8192, 8192, nil}} {
		if n, err := SetSize(c, r, step.size); n != step.want || err != step.err {
			t.Errorf("F_SETPIPE_SZ %d: %d, %v, want %d, %v", step.size, n, err, step.want, step.err)
		}
	}
	if n, err := SetSize(vfs.Kernel, r, 65536); n != 65536 || err != nil {
		t.Errorf("the superuser: %d, %v", n, err)
	}
	r2, w2, err := New(c, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r2.Put()
	defer w2.Put()
	if n, _ := Size(r2); n != 2*frame.Size {
		t.Errorf("a new pipe has %d bytes, want %d", n, 2*frame.Size)
	}
}

func TestUserLimit(t *testing.T) {
	before := kmem.Machine.Used()
	c := newCaller()
	c.cred = &vfs.Cred{UID: 1000}
	var files []*vfs.File
	for {
		r, w, err := New(c, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, r, w)
		n, _ := Size(r)
		if n == minSlots*frame.Size {
			break
		}
		if len(files) > 2*int(SoftPages.Get())/defaultSlots+2 {
			t.Fatal("no limit")
		}
	}
	last := files[len(files)-1]
	if _, err := SetSize(c, last, 65536); err != abi.EPERM {
		t.Errorf("growing beyond the limit: %v, want EPERM", err)
	}
	if _, err := SetSize(c, files[0], 2<<20); err != abi.EPERM {
		t.Errorf("growing beyond the maximum: %v, want EPERM", err)
	}
	for _, f := range files {
		f.Put()
	}
	userSlots.Lock()
	defer userSlots.Unlock()
	if n := userSlots.n[1000]; n != 0 {
		t.Errorf("%d slots are still charged", n)
	}
	if n := kmem.Machine.Used() - before; n != 0 {
		t.Errorf("%d bytes are still charged", n)
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	r, w := newPair(t, abi.O_NONBLOCK)
	defer r.Put()
	defer w.Put()
	data := make([]byte, 4096)
	var src, dst vfs.Bytes
	n := testing.AllocsPerRun(100, func() {
		src, dst = data, data
		w.Write(vfs.Kernel, &src)
		r.Read(vfs.Kernel, &dst)
	})
	if n != 0 {
		t.Errorf("%v allocations for a write and a read, want 0", n)
	}
}

func BenchmarkPage(b *testing.B) {
	r, w := newPair(b, abi.O_NONBLOCK)
	data := make([]byte, 4096)
	var src, dst vfs.Bytes
	for b.Loop() {
		src, dst = data, data
		w.Write(vfs.Kernel, &src)
		r.Read(vfs.Kernel, &dst)
	}
}

// TestCharges has a user with little memory, and one with a hard limit.
func TestCharges(t *testing.T) {
	c := newCaller()
	account := kmem.OfUser(4711)
	defer account.Release()
	c.cred = &vfs.Cred{UID: 4711, Account: account}
	account.SetLimit(64 << 10)
	defer account.SetLimit(0)
	var files []*vfs.File
	fill := func() {
		t.Helper()
		for {
			r, w, err := New(c, 0)
			if err != nil {
				if err != abi.ENFILE {
					t.Errorf("%v, want ENFILE", err)
				}
				return
			}
			files = append(files, r, w)
		}
	}
	empty := func() {
		t.Helper()
		for _, f := range files {
			f.Put()
		}
		files = nil
		if n := account.Used(); n != 0 {
			t.Errorf("%d bytes are charged", n)
		}
	}
	fill()
	if n := len(files) / 2; n < 10 || n > 40 {
		t.Errorf("%d pipes in 64 KiB", n)
	}
	if _, err := SetSize(c, files[0], 1<<20); err != abi.ENOMEM {
		t.Errorf("growing: %v, want ENOMEM", err)
	}
	empty()
	account.SetLimit(0)
	HardPages.Set(160)
	defer HardPages.Set(0)
	fill()
	if n := len(files) / 2; n != 10 {
		t.Errorf("%d pipes, want 10 of 16 pages", n)
	}
	if _, err := SetSize(c, files[0], 1<<20); err != abi.EPERM {
		t.Errorf("growing: %v, want EPERM", err)
	}
	empty()
}

// TestKernelMemory asks both ends what a pipe holds: one of them tells.
func TestKernelMemory(t *testing.T) {
	r, w := newPair(t, abi.O_NONBLOCK)
	held := func() (int64, int64) {
		return r.Ops().(vfs.MemoryUser).KernelMemory(), w.Ops().(vfs.MemoryUser).KernelMemory()
	}
	idle, none := held()
	src := make(vfs.Bytes, 5*frame.Size)
	w.Write(vfs.Kernel, &src)
	if n, m := held(); n != idle+5*frame.Size || none != 0 || m != 0 {
		t.Errorf("with 5 pages: %d and %d, without %d and %d", n, m, idle, none)
	}
	r.Put()
	if n := w.Ops().(vfs.MemoryUser).KernelMemory(); n != idle+5*frame.Size {
		t.Errorf("without a reader: %d", n)
	}
	w.Put()
}
