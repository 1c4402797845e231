package mmio_test

import (
	"os"
	"testing"

	"kevlar/kernel/driver/virtio"
	"kevlar/kernel/driver/virtio/mmio"
	"kevlar/kernel/driver/virtio/virtiotest"
	"kevlar/kernel/machine/frame"
)

func TestMain(m *testing.M) {
	frame.InitSoft(256)
	os.Exit(m.Run())
}

// both runs a test on a device of version 1 and one of version 2.
func both(t *testing.T, test func(t *testing.T, m *virtiotest.MMIO, tr *mmio.Transport)) {
	for name, legacy := range map[string]bool{"version 1": true, "version 2": false} {
		t.Run(name, func(t *testing.T) {
			m := &virtiotest.MMIO{Device: &virtiotest.Device{
				ID: 3, IsLegacy: legacy, Offered: 0x23, QueueSize: 128, Queues: 2, Config: make([]byte, 12),
			}}
			if !legacy {
				m.Device.Offered |= virtio.FeatureVersion1
			}
			tr, err := mmio.New(m, m.Connect)
			if err != nil {
				t.Fatal(err)
			}
			test(t, m, tr)
		})
	}
}

func TestBuffer(t *testing.T) {
	both(t, func(t *testing.T, m *virtiotest.MMIO, tr *mmio.Transport) {
		dev, err := virtio.Open(tr, 3)
		if err != nil {
			t.Fatal(err)
		}
		if m.Device.Accepted&0xffffffff != 3 {
			t.Errorf("device was told features %#x", m.Device.Accepted)
		}
		if !tr.Legacy() && m.Device.Accepted>>32 != 1 {
			t.Errorf("device was told features %#x, without VERSION_1", m.Device.Accepted)
		}
		q, err := dev.Queue(1, 32)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dev.Queue(2, 32); err == nil {
			t.Error("queue 2 of a device with two")
		}
		dev.Start()
		f, _ := frame.Alloc()
		defer f.Put()
		copy(f.Data()[:], "hello")
		q.Add(virtio.Segment{Addr: uint64(f), Len: 5})
		q.Kick()
		if m.Device.Notified(1) != 1 {
			t.Error("the device was not notified")
		}
		b, ok := m.Device.Next(1)
		if !ok || string(b.Out) != "hello" {
			t.Fatalf("device got %q, %v", b.Out, ok)
		}
		m.Device.Return(1, b, 0)
		if _, _, ok := q.Take(); !ok {
			t.Error("the buffer did not come back")
		}
	})
}

func TestInterrupt(t *testing.T) {
	both(t, func(t *testing.T, m *virtiotest.MMIO, tr *mmio.Transport) {
		var causes []virtio.Cause
		if err := tr.HandleInterrupt(func(c virtio.Cause) {
			if m.Pending() != 0 {
				t.Error("handler runs before the interrupt is acknowledged")
			}
			causes = append(causes, c)
		}); err != nil {
			t.Fatal(err)
		}
		m.Raise(virtio.CauseQueue)
		m.Raise(virtio.CauseQueue | virtio.CauseConfig)
		m.Raise(0) // of another device on the same line
		if len(causes) != 2 || causes[0] != virtio.CauseQueue || causes[1] != virtio.CauseQueue|virtio.CauseConfig {
			t.Errorf("causes %v", causes)
		}
	})
}

func TestConfig(t *testing.T) {
	both(t, func(t *testing.T, m *virtiotest.MMIO, tr *mmio.Transport) {
		copy(m.Device.Config, "\x50\x00\x19\x00\x1f")
		var b [5]byte
		tr.ReadConfig(0, b[:])
		if string(b[:]) != "\x50\x00\x19\x00\x1f" {
			t.Errorf("configuration %x", b)
		}
		tr.WriteConfig(8, []byte{7, 8})
		if m.Device.Config[8] != 7 || m.Device.Config[9] != 8 {
			t.Errorf("configuration after write: %x", m.Device.Config)
		}
	})
}

// TestConfigIsNotTorn changes the configuration in the middle of a read.
func TestConfigIsNotTorn(t *testing.T) {
	m := &virtiotest.MMIO{Device: &virtiotest.Device{ID: 3, Offered: virtio.FeatureVersion1, Config: []byte{1, 1}}}
	reads := 0
	m.OnConfigRead = func() {
		if reads++; reads == 2 {
			m.Device.Config[0], m.Device.Config[1] = 2, 2
			m.Generation++
		}
	}
	tr, err := mmio.New(m, m.Connect)
	if err != nil {
		t.Fatal(err)
	}
	var b [2]byte
	tr.ReadConfig(0, b[:])
	if b != [2]byte{2, 2} {
		t.Errorf("read %v: half of the old and half of the new", b)
	}
}

// fixed answers every read of 32 bits from a map.
type fixed map[uintptr]uint32

func (f fixed) Read8(uintptr) uint8           { return 0 }
func (f fixed) Read32(off uintptr) uint32     { return f[off] }
func (f fixed) Write8(uintptr, uint8)         {}
func (f fixed) Write32(off uintptr, v uint32) {}

func TestNoDevice(t *testing.T) {
	for name, c := range map[string]struct {
		r    fixed
		none bool
	}{
		"nothing there":   {fixed{}, true},
		"all ones":        {fixed{0: ^uint32(0), 4: ^uint32(0), 8: ^uint32(0)}, true},
		"empty slot":      {fixed{0: 0x74726976, 4: 2, 8: 0}, true},
		"unknown version": {fixed{0: 0x74726976, 4: 3, 8: 3}, false},
	} {
		_, err := mmio.New(c.r, nil)
		if err == nil || (err == mmio.ErrNone) != c.none {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFromCommandLine(t *testing.T) {
	got, err := mmio.FromCommandLine("quiet virtio_mmio.device=512@0xfeb02a00:12 root=x " +
		"virtio_mmio.device=4K@0xd0000000:5:3 virtio_mmio.device=0x1M@4096:24")
	if err != nil {
		t.Error(err)
	}
	want := []mmio.Location{{Addr: 0xfeb02a00, Size: 512, GSI: 12}, {Addr: 0xd0000000, Size: 4096, GSI: 5}, {Addr: 4096, Size: 1 << 20, GSI: 24}}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("device %d: %+v, want %+v", i, got[i], want[i])
		}
	}
	for _, bad := range []string{"", "512", "512@", "512@0xfeb00000", "512@0xfeb00000:", "x@1:1", "1@x:1", "1@1:x",
		"1@1:1:x", "99999999999G@1:1", "1@1:99999999999"} {
		if l, err := mmio.FromCommandLine("virtio_mmio.device=" + bad); err == nil {
			t.Errorf("%q taken as %v", bad, l)
		}
	}
}
