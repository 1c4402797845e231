package acpi

import (
	"strings"
	"testing"
)

// mmioDevice is a device as QEMU's microvm describes it: registers at
// 0xfeb02e00, interrupt 47, level-triggered and active high.
const mmioDevice = "\x5b\x82\x42\x04VR23\x08_HID\x0dLNRO0005\x00\x08_UID\x0a\x17\x08_CCA\x01" +
	"\x08_CRS\x11\x1a\x0a\x17\x86\x09\x00\x01\x00\x2e\xb0\xfe\x00\x02\x00\x00\x89\x06\x00\x01\x01\x2f\x00\x00\x00\x79\x00"

func devices(dsdt string) (list []Device) {
	eachDevice([]byte(dsdt), "LNRO0005", func(d Device) { list = append(list, d) })
	return list
}

func TestEachDevice(t *testing.T) {
	want := Device{Address: 0xfeb02e00, Size: 0x200, GSI: 47, Level: true}
	other := strings.Replace(mmioDevice, "LNRO0005", "ACPI0013", 1)
	edgeLow := strings.Replace(mmioDevice, "\x89\x06\x00\x01", "\x89\x06\x00\x07", 1)
	noCRS := "\x08_HID\x0dLNRO0005\x00"
	for _, tt := range []struct {
		name, dsdt string
		want       []Device
	}{
		{"one", mmioDevice, []Device{want}},
		{"between others", other + mmioDevice + other, []Device{want}},
		{"two", mmioDevice + mmioDevice, []Device{want, want}},
		{"edge-triggered, active low", edgeLow, []Device{{Address: 0xfeb02e00, Size: 0x200, GSI: 47, ActiveLow: true}}},
		{"no resources of its own", noCRS + other, nil},
		{"another device", other, nil},
		{"no interrupt", strings.Replace(mmioDevice, "\x89\x06", "\x8f\x06", 1), nil},
		{"empty", "", nil},
	} {
		got := devices(tt.dsdt)
		if len(got) != len(tt.want) {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
			continue
		}
		for i := range got {
			if got[i] != tt.want[i] {
				t.Errorf("%s: %+v, want %+v", tt.name, got[i], tt.want[i])
			}
		}
	}
}

// TestEachDeviceCutShort has a block end at every byte of a device: nothing is
// reported before all of its resources are there, and nothing is read beyond.
func TestEachDeviceCutShort(t *testing.T) {
	complete := strings.LastIndexByte(mmioDevice, '\x79')
	for n := range mmioDevice {
		if got := len(devices(mmioDevice[:n])); got != 0 && n < complete {
			t.Errorf("%d bytes: %d devices", n, got)
		}
	}
}

func FuzzEachDevice(f *testing.F) {
	f.Add([]byte(mmioDevice))
	f.Fuzz(func(t *testing.T, dsdt []byte) {
		eachDevice(dsdt, "LNRO0005", func(d Device) {
			if d.Size == 0 {
				t.Error("a device without registers")
			}
		})
		sleepType(dsdt)
	})
}
