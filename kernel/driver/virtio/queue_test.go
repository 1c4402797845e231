package virtio_test

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"testing"

	"kevlar/kernel/driver/virtio"
	"kevlar/kernel/driver/virtio/virtiotest"
	"kevlar/kernel/machine/frame"
)

func TestMain(m *testing.M) {
	frame.InitSoft(1024)
	os.Exit(m.Run())
}

func newDevice() *virtiotest.Device {
	return &virtiotest.Device{ID: 3, Offered: virtio.FeatureVersion1 | 3, QueueSize: 64, Queues: 4}
}

// open negotiates with d and takes queue 0.
func open(t *testing.T, d *virtiotest.Device, size int) *virtio.Queue {
	t.Helper()
	dev, err := virtio.Open(d, 1)
	if err != nil {
		t.Fatal(err)
	}
	q, err := dev.Queue(0, size)
	if err != nil {
		t.Fatal(err)
	}
	dev.Start()
	return q
}

// page returns a frame that the test frees.
func page(t *testing.T) frame.Frame {
	t.Helper()
	f, err := frame.AllocZero()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Put() })
	return f
}

func TestNegotiation(t *testing.T) {
	d := newDevice()
	d.Offered |= 1 << 5
	dev, err := virtio.Open(d, 1|1<<40)
	if err != nil {
		t.Fatal(err)
	}
	if d.Accepted != virtio.FeatureVersion1|1 {
		t.Errorf("accepted features %#x, want only what both know", d.Accepted)
	}
	if !dev.Has(1) || dev.Has(1<<40) || dev.Has(2) {
		t.Error("Has does not tell what was negotiated")
	}
	want := uint8(virtio.StatusAcknowledge | virtio.StatusDriver | virtio.StatusFeaturesOK)
	if d.Status() != want {
		t.Errorf("status %#x before Start, want %#x", d.Status(), want)
	}
	dev.Start()
	if d.Status() != want|virtio.StatusDriverOK {
		t.Errorf("status %#x after Start", d.Status())
	}
	if d.Resets() != 1 {
		t.Errorf("%d resets, want 1", d.Resets())
	}
}

func TestNegotiationRefused(t *testing.T) {
	d := newDevice()
	d.Reject = 1
	if _, err := virtio.Open(d, 1); err != virtio.ErrNotOffered {
		t.Errorf("device that refuses: %v, want ErrNotOffered", err)
	}
	if d.Status()&virtio.StatusFailed == 0 {
		t.Error("the device was not told that the driver gave up")
	}
	d = newDevice()
	d.Offered = 1
	if _, err := virtio.Open(d, 1); err != virtio.ErrNotOffered {
		t.Errorf("modern transport without VERSION_1: %v, want ErrNotOffered", err)
	}
}

func TestQueueSizes(t *testing.T) {
	d := newDevice()
	dev, _ := virtio.Open(d, 0)
	if _, err := dev.Queue(4, 8); err == nil {
		t.Error("a queue that the device does not have was set up")
	}
	for _, c := range [][2]int{{1000, 64}, {64, 64}, {33, 32}, {1, 1}} {
		q, err := dev.Queue(1, c[0])
		if err != nil {
			t.Fatal(err)
		}
		if q.Size() != c[1] || q.Free() != c[1] {
			t.Errorf("queue of %d: size %d, free %d, want %d", c[0], q.Size(), q.Free(), c[1])
		}
		at, _ := d.Layout(1)
		if at.Descriptors%16 != 0 || at.Available%2 != 0 || at.Used%4 != 0 {
			t.Errorf("misaligned layout %+v", at)
		}
	}
}

func TestLegacyLayout(t *testing.T) {
	d := newDevice()
	d.IsLegacy = true
	dev, err := virtio.Open(d, 1)
	if err != nil {
		t.Fatal(err)
	}
	if d.Accepted != 1 || d.Status()&virtio.StatusFeaturesOK != 0 {
		t.Errorf("legacy device: features %#x, status %#x", d.Accepted, d.Status())
	}
	if _, err := dev.Queue(0, 64); err != nil {
		t.Fatal(err)
	}
	at, _ := d.Layout(0)
	if at.Descriptors%frame.Size != 0 || at.Available != at.Descriptors+16*64 || at.Used != at.Descriptors+frame.Size {
		t.Errorf("layout %+v is not the legacy one", at)
	}
}

func TestBuffersInAndOut(t *testing.T) {
	d := newDevice()
	q := open(t, d, 8)
	out, in := page(t), page(t)
	copy(out.Data()[:], "request")
	head, ok := q.Add(
		virtio.Segment{Addr: uint64(out), Len: 3},
		virtio.Segment{Addr: uint64(out) + 3, Len: 4},
		virtio.Segment{Addr: uint64(in), Len: 100, DeviceWrites: true})
	if !ok || q.Free() != 5 {
		t.Fatalf("added %v, %d free, want 5", ok, q.Free())
	}
	if d.Notified(0) != 0 {
		t.Error("device notified before Kick")
	}
	q.Kick()
	if d.Notified(0) != 1 {
		t.Errorf("device notified %d times", d.Notified(0))
	}
	if _, _, ok := q.Take(); ok {
		t.Error("took a buffer that the device still has")
	}
	b, ok := d.Next(0)
	if !ok || string(b.Out) != "request" || len(b.In) != 1 || len(b.In[0]) != 100 {
		t.Fatalf("device sees %+v", b)
	}
	copy(b.In[0], "answer")
	d.Return(0, b, 6)
	got, n, ok := q.Take()
	if !ok || got != head || n != 6 || string(in.Data()[:6]) != "answer" {
		t.Errorf("took %d, %d bytes, %v; buffer %q", got, n, ok, in.Data()[:6])
	}
	if q.Free() != 8 {
		t.Errorf("%d descriptors free, want 8", q.Free())
	}
}

// TestManyChains keeps the queue busy with chains of all lengths that come
// back in any order, past the wrap of the 16-bit indices.
func TestManyChains(t *testing.T) {
	d := newDevice()
	q := open(t, d, 16)
	f := page(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	tags := make([]uint32, q.Size()) // by head
	lengths := make([]int, q.Size())
	var held []virtiotest.Buffer
	tag, inFlight := uint32(0), 0
	for step := range 200_000 {
		n := 1 + rnd.IntN(5)
		if rnd.IntN(2) == 0 && n <= q.Free() {
			var segments [5]virtio.Segment
			for i := range n {
				segments[i] = virtio.Segment{Addr: uint64(f) + uint64(tag%512)*8, Len: 8}
			}
			binary.LittleEndian.PutUint64(f.Data()[tag%512*8:], uint64(tag))
			head, ok := q.Add(segments[:n]...)
			if !ok {
				t.Fatalf("step %d: no room for %d segments with %d free", step, n, q.Free())
			}
			tags[head], lengths[head] = tag, n
			tag++
			inFlight += n
			b, ok := d.Next(0)
			if !ok || b.Head != head || len(b.Out) != 8*n {
				t.Fatalf("step %d: device got head %d with %d bytes, want %d with %d", step, b.Head, len(b.Out), head, 8*n)
			}
			held = append(held, b)
		} else if len(held) > 0 {
			i := rnd.IntN(len(held))
			b := held[i]
			held = append(held[:i], held[i+1:]...)
			if got := binary.LittleEndian.Uint64(b.Out); uint32(got) != tags[b.Head] {
				t.Fatalf("step %d: buffer %d holds tag %d, want %d", step, b.Head, got, tags[b.Head])
			}
			d.Return(0, b, 0)
			head, _, ok := q.Take()
			if !ok || head != b.Head {
				t.Fatalf("step %d: took %d, %v, want %d", step, head, ok, b.Head)
			}
			inFlight -= lengths[head]
		}
		if q.Free() != q.Size()-inFlight {
			t.Fatalf("step %d: %d free with %d in flight", step, q.Free(), inFlight)
		}
	}
	if tag < 1<<16 {
		t.Errorf("only %d buffers: the indices have not wrapped", tag)
	}
}

func TestFullQueue(t *testing.T) {
	d := newDevice()
	q := open(t, d, 4)
	s := virtio.Segment{Addr: uint64(page(t)), Len: 1}
	if _, ok := q.Add(s, s, s, s, s); ok {
		t.Error("five segments in four descriptors")
	}
	if _, ok := q.Add(); ok {
		t.Error("a buffer without segments was added")
	}
	for range 4 {
		if _, ok := q.Add(s); !ok {
			t.Fatal("no room in a queue with free descriptors")
		}
	}
	if _, ok := q.Add(s); ok {
		t.Error("a fifth buffer was added")
	}
}

func TestNotificationSuppression(t *testing.T) {
	d := newDevice()
	q := open(t, d, 4)
	s := virtio.Segment{Addr: uint64(page(t)), Len: 1}
	d.SuppressNotify(0, true)
	q.Add(s)
	q.Kick()
	if d.Notified(0) != 0 {
		t.Error("notified a device that does not want it")
	}
	d.SuppressNotify(0, false)
	q.Kick()
	if d.Notified(0) != 1 {
		t.Error("did not notify a device that wants it again")
	}
	q.Quiet(true)
	if d.WantsInterrupt(0) {
		t.Error("a quiet queue wants interrupts")
	}
	q.Add(s)
	if d.WantsInterrupt(0) {
		t.Error("adding a buffer ended the quiet")
	}
	q.Quiet(false)
	if !d.WantsInterrupt(0) {
		t.Error("interrupts are not wanted again")
	}
}

func TestBrokenDevice(t *testing.T) {
	for _, id := range []uint32{1, 4, 1 << 16, ^uint32(0)} {
		d := newDevice()
		q := open(t, d, 4)
		s := virtio.Segment{Addr: uint64(page(t)), Len: 1}
		q.Add(s) // head 0
		d.ReturnRaw(0, id, 0)
		if _, _, ok := q.Take(); ok || !q.Broken() {
			t.Errorf("took buffer %d, which the device never had", id)
		}
		if _, ok := q.Add(s); ok {
			t.Error("a broken queue takes buffers")
		}
	}
}

func TestQueueAllocatesNothing(t *testing.T) {
	d := newDevice()
	q := open(t, d, 8)
	f := page(t)
	id := uint32(0)
	n := testing.AllocsPerRun(100, func() {
		head, _ := q.Add(virtio.Segment{Addr: uint64(f), Len: 8}, virtio.Segment{Addr: uint64(f), Len: 8, DeviceWrites: true})
		q.Kick()
		id = uint32(head)
		d.ReturnRaw(0, id, 0)
		q.Take()
	})
	if n != 0 {
		t.Errorf("%v allocations a buffer, want 0", n)
	}
}

func TestMemoryComesBack(t *testing.T) {
	before := frame.Free()
	d := newDevice()
	d.FailEnable = true
	dev, _ := virtio.Open(d, 0)
	if _, err := dev.Queue(0, 64); err == nil {
		t.Fatal("queue set up although the device refused it")
	}
	if frame.Free() != before {
		t.Errorf("%d frames free, want %d", frame.Free(), before)
	}
}
