package pci_test

import (
	"os"
	"testing"

	bus "kevlar/kernel/driver/pci"
	"kevlar/kernel/driver/virtio"
	"kevlar/kernel/driver/virtio/pci"
	"kevlar/kernel/driver/virtio/virtiotest"
	"kevlar/kernel/machine/frame"
)

func TestMain(m *testing.M) {
	frame.InitSoft(256)
	os.Exit(m.Run())
}

func newDevice() *virtiotest.PCI {
	return &virtiotest.PCI{
		Messages: 3,
		Device: &virtiotest.Device{
			ID: 3, Offered: virtio.FeatureVersion1 | 3, QueueSize: 64, Queues: 4, Config: []byte("configured!"),
		},
	}
}

// open finds the device on the bus.
func open(t *testing.T, p *virtiotest.PCI) (*pci.Transport, error) {
	t.Helper()
	functions := bus.Scan(p)
	if len(functions) != 1 {
		t.Fatalf("%d functions on the bus, want 1", len(functions))
	}
	return pci.New(functions[0], p)
}

func TestBuffer(t *testing.T) {
	for _, transitional := range []bool{false, true} {
		p := newDevice()
		p.Transitional = transitional
		tr, err := open(t, p)
		if err != nil {
			t.Fatal(err)
		}
		if tr.DeviceID() != 3 {
			t.Errorf("device type %d, want 3", tr.DeviceID())
		}
		dev, err := virtio.Open(tr, 3)
		if err != nil {
			t.Fatal(err)
		}
		if p.Device.Accepted != virtio.FeatureVersion1|3 {
			t.Errorf("accepted features %#x", p.Device.Accepted)
		}
		q, err := dev.Queue(2, 16)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dev.Queue(4, 16); err == nil {
			t.Error("queue 4 of a device with four")
		}
		var causes []virtio.Cause
		if err := dev.HandleInterrupt(func(c virtio.Cause) { causes = append(causes, c) }); err != nil {
			t.Fatal(err)
		}
		dev.Start()
		f, _ := frame.Alloc()
		defer f.Put()
		copy(f.Data()[:], "hello")
		q.Add(virtio.Segment{Addr: uint64(f), Len: 5})
		q.Kick()
		if p.Device.Notified(2) != 1 {
			t.Error("the device was not notified")
		}
		b, ok := p.Device.Next(2)
		if !ok || string(b.Out) != "hello" {
			t.Fatalf("device got %q, %v", b.Out, ok)
		}
		p.Device.Return(2, b, 0)
		if !p.Raise(2) || !p.Raise(-1) {
			t.Error("no message was set up")
		}
		if len(causes) != 2 || causes[0] != virtio.CauseQueue || causes[1] != virtio.CauseConfig {
			t.Errorf("causes %v", causes)
		}
		if _, _, ok := q.Take(); !ok {
			t.Error("the buffer did not come back")
		}
		if want := uint16(bus.CommandMemory | bus.CommandBusMaster | bus.CommandNoINTx); p.Command() != want {
			t.Errorf("command register %#x, want %#x", p.Command(), want)
		}
	}
}

func TestConfig(t *testing.T) {
	p := newDevice()
	tr, err := open(t, p)
	if err != nil {
		t.Fatal(err)
	}
	var b [6]byte
	tr.ReadConfig(4, b[:])
	if string(b[:]) != "igured" {
		t.Errorf("configuration %q", b)
	}
	tr.WriteConfig(10, []byte("?"))
	if string(p.Device.Config) != "configured?" {
		t.Errorf("configuration after the write %q", p.Device.Config)
	}
}

func TestWithoutMessages(t *testing.T) {
	for _, n := range []int{0, 1} {
		p := newDevice()
		p.Messages = n
		if _, err := open(t, p); err == nil {
			t.Errorf("a device with %d messages was taken", n)
		}
	}
}
