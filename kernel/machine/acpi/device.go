package acpi

import "bytes"

// A Device is what a definition block says of a device with plain registers
// and one interrupt line.
type Device struct {
	Address   uint64 // physical, of the registers
	Size      uint64 // of the registers, bytes
	GSI       uint32
	Level     bool // the interrupt is level-triggered, otherwise edge-triggered
	ActiveLow bool
}

// EachDevice calls f with each device whose hardware identifier is the string
// hid. Only devices with one register window and one interrupt are reported,
// and only such whose resources are constant.
func EachDevice(hid string, f func(Device)) {
	eachDevice(definitionBlock(), hid, f)
}

// eachDevice looks, like sleepType, for encodings instead of interpreting AML:
//
//	Name (_HID, "hid")
//	Name (_CRS, Buffer () { resource descriptors })
//
// A device's _CRS follows its _HID and comes before that of the next device.
func eachDevice(dsdt []byte, hid string, f func(Device)) {
	name := []byte("\x08_HID\x0d" + hid + "\x00")
	for {
		i := bytes.Index(dsdt, name)
		if i < 0 {
			return
		}
		dsdt = dsdt[i+len(name):]
		own := dsdt
		if next := bytes.Index(own, []byte("\x08_HID")); next >= 0 {
			own = own[:next]
		}
		crs := []byte("\x08_CRS\x11")
		if i := bytes.Index(own, crs); i >= 0 {
			if d, ok := decodeResources(buffer(own[i+len(crs):])); ok {
				f(d)
			}
		}
	}
}

// buffer returns the bytes of a buffer whose package length stands at the
// start of p and whose size is a byte constant: 20.2.5.4.
func buffer(p []byte) []byte {
	if len(p) == 0 {
		return nil
	}
	skip := 1 + int(p[0]>>6)
	if len(p) < skip+2 || p[skip] != bytePrefix {
		return nil
	}
	size := int(p[skip+1])
	p = p[skip+2:]
	return p[:min(size, len(p))]
}

// decodeResources reads a list of resource descriptors: 6.4.
func decodeResources(p []byte) (d Device, ok bool) {
	const (
		large             = 0x80
		smallEnd          = 0x0f
		fixedMemory       = 0x86
		extendedInterrupt = 0x89

		flagEdge      = 1 << 1
		flagActiveLow = 1 << 2
	)
	interrupt := false
	for len(p) > 0 {
		tag, head, n := p[0], 1, int(p[0]&7)
		if tag&large != 0 {
			if len(p) < 3 {
				break
			}
			head, n = 3, int(le.Uint16(p[1:]))
		} else if tag>>3 == smallEnd {
			break
		}
		if len(p) < head+n {
			break
		}
		switch b := p[head : head+n]; {
		case tag == fixedMemory && n >= 9 && d.Size == 0:
			d.Address, d.Size = uint64(le.Uint32(b[1:])), uint64(le.Uint32(b[5:]))
		case tag == extendedInterrupt && n >= 6 && b[1] == 1 && !interrupt:
			d.GSI, d.Level, d.ActiveLow = le.Uint32(b[2:]), b[0]&flagEdge == 0, b[0]&flagActiveLow != 0
			interrupt = true
		}
		p = p[head+n:]
	}
	return d, d.Size != 0 && interrupt
}
