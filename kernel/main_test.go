package main

import (
	"slices"
	"strings"
	"testing"

	virtiommio "kevlar/kernel/driver/virtio/mmio"
	"kevlar/kernel/fs/proc"
	"kevlar/kernel/klog"
	"kevlar/kernel/machine/acpi"
)

func TestFirstProgram(t *testing.T) {
	for line, want := range map[string]string{
		"":                                     "/init",
		"quiet rdinit=/bin/sh":                 "/bin/sh",
		"rdinit=/a rdinit=/b":                  "/b",
		"rdinit=":                              "/init",
		"xrdinit=/a":                           "/init",
		"rdinit=/a -- -c  exit":                "/a -c exit",
		"-- rdinit=/a -- x":                    "/init rdinit=/a -- x",
		"strace rdinit=/kevlar/init a.b=c -- ": "/kevlar/init",
	} {
		if got := strings.Join(firstProgram(line), " "); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func TestHasWord(t *testing.T) {
	for line, want := range map[string]bool{
		"": false, "quiet": true, "a quiet b": true, "quietly": false, "quiet=1": false, "-- quiet": false, "quiet -- x": true,
	} {
		if got := hasWord(line, "quiet"); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}

func TestRecordLine(t *testing.T) {
	if got := recordLine(klog.Record{Mono: 12_003_456_789, Text: "hello"}); got != "[   12.003456] hello\n" {
		t.Errorf("%q", got)
	}
}

func TestHowEnded(t *testing.T) {
	for status, want := range map[int]string{
		0: "ended with exit status 0", 0x700: "ended with exit status 7", 0xff00: "ended with exit status 255",
		9: "was killed by signal 9", 0x8b: "was killed by signal 11",
	} {
		if got := howEnded(status); got != want {
			t.Errorf("%#x: %q, want %q", status, got, want)
		}
	}
}

// TestAddDevice has a device that the command line names and the firmware, too.
func TestAddDevice(t *testing.T) {
	named, err := virtiommio.FromCommandLine("virtio_mmio.device=4K@0x1000:5")
	if err != nil || len(named) != 1 {
		t.Fatal(named, err)
	}
	list := addDevice(named, acpi.Device{Address: 0x1000, Size: 512, GSI: 9})
	list = addDevice(list, acpi.Device{Address: 0x2000, Size: 512, GSI: 9, ActiveLow: true})
	list = addDevice(list, acpi.Device{Address: 0x2000, Size: 512, GSI: 10})
	want := []virtiommio.Location{named[0], {Addr: 0x2000, Size: 512, GSI: 9, ActiveLow: true}}
	if !slices.Equal(list, want) {
		t.Errorf("%+v, want %+v", list, want)
	}
}

// TestShowCPUs has two packages of two cores with two threads, and more processors than a word has bits.
func TestShowCPUs(t *testing.T) {
	var places []proc.Place
	for i := range uint32(8) {
		places = append(places, proc.Place{PackageID: i / 4, CoreID: i % 4 / 2})
	}
	list := showCPUs(places)
	if c := list[5]; c.PackageID != 1 || c.CoreID != 0 || c.Threads != "4-5" || c.Package != "4-7" {
		t.Errorf("%+v", c)
	}
	places = nil
	for i := range uint32(200) {
		places = append(places, proc.Place{CoreID: i})
	}
	if c := showCPUs(places)[130]; c.Threads != "130" || c.Package != "0-199" {
		t.Errorf("of 200: %+v", c)
	}
}

func TestShareTimes(t *testing.T) {
	const hour = 3600e9
	list := shareTimes(hour, []int64{0, hour / 2, hour + 5}, hour/2)
	if list[0].User != hour/3 || list[0].System != hour-hour/3 || list[1].User != hour/6 || list[1].Idle != hour/2 || list[2].Idle != hour || list[2].User != 0 {
		t.Errorf("%+v", list)
	}
	// More user time than there was time to be busy: it is read later.
	if list := shareTimes(10, []int64{4}, 8); list[0].User != 6 || list[0].System != 0 {
		t.Errorf("%+v", list)
	}
	if list := shareTimes(0, []int64{0}, 0); list[0] != (proc.CPUTimes{}) {
		t.Errorf("%+v", list)
	}
	// A year of many processors does not overflow.
	const year = 365 * 24 * hour
	idle := make([]int64, 255)
	if list := shareTimes(year, idle, 255*year/2); list[254].User != year/2 {
		t.Errorf("%+v", list[254])
	}
}
