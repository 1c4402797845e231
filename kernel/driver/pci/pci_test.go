package pci

import (
	"encoding/binary"
	"testing"
)

// space is a configuration space in memory. Base address registers answer the
// question for their size with the masks.
type space struct {
	config map[Address][]byte
	masks  map[Address]map[int]uint32
}

func newSpace() *space {
	return &space{config: map[Address][]byte{}, masks: map[Address]map[int]uint32{}}
}

func (s *space) Read32(a Address, off int) uint32 {
	if c := s.config[a]; c != nil {
		return binary.LittleEndian.Uint32(c[off:])
	}
	return 0xffffffff
}

func (s *space) Write32(a Address, off int, v uint32) {
	c := s.config[a]
	if c == nil {
		return
	}
	if off >= regBAR && off < 0x28 {
		low := binary.LittleEndian.Uint32(c[off:]) & 0xf
		mask := s.masks[a][off]
		v = v & mask
		if mask&0xf == 0 && off != 0x1c {
			v |= low
		}
	}
	if off == regCommand {
		v = v&0xffff | binary.LittleEndian.Uint32(c[off:])&0xffff0000
	}
	binary.LittleEndian.PutUint32(c[off:], v)
}

// add adds a function with the given identifiers and header type.
func (s *space) add(a Address, id, class uint32, header uint8) []byte {
	c := make([]byte, 256)
	binary.LittleEndian.PutUint32(c[regID:], id)
	binary.LittleEndian.PutUint32(c[regClass:], class<<8)
	c[regHeader+2] = header
	s.config[a] = c
	s.masks[a] = map[int]uint32{}
	return c
}

func TestScan(t *testing.T) {
	s := newSpace()
	s.add(Address{0, 0, 0}, 0x29c08086, 0x060000, 0)
	s.add(Address{0, 2, 0}, 1<<16|0x1234, 0x030000, 0x80)
	s.add(Address{0, 2, 3}, 2<<16|0x1234, 0x040000, 0)
	s.add(Address{0, 4, 1}, 3<<16|0x1234, 0x040000, 0) // without a function 0: not there
	bridge := s.add(Address{0, 30, 0}, 4<<16|0x1234, 0x060400, 1)
	bridge[regBuses+1] = 2
	behind := s.add(Address{2, 5, 0}, 5<<16|0x1234, 0x020000, 0)
	binary.LittleEndian.PutUint32(behind[regSubsystem:], 0x11001af4)
	loop := s.add(Address{2, 6, 0}, 6<<16|0x1234, 0x060400, 1)
	loop[regBuses+1] = 2
	var got []Address
	for _, f := range Scan(s) {
		got = append(got, f.Address)
		if f.Address == (Address{2, 5, 0}) && (f.SubsystemVendor != 0x1af4 || f.SubsystemDevice != 0x1100 || f.Class != 0x020000) {
			t.Errorf("function %+v", f)
		}
	}
	want := []Address{{0, 0, 0}, {0, 2, 0}, {0, 2, 3}, {0, 30, 0}, {2, 5, 0}, {2, 6, 0}}
	if len(got) != len(want) {
		t.Fatalf("found %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("found %v, want %v", got, want)
		}
	}
}

func TestBAR(t *testing.T) {
	s := newSpace()
	a := Address{0, 1, 0}
	c := s.add(a, 1<<16|0x1234, 0x020000, 0)
	le := binary.LittleEndian
	le.PutUint32(c[0x10:], 0xfebd1000)
	s.masks[a][0x10] = 0xfffff000
	le.PutUint32(c[0x14:], 0xc001)
	s.masks[a][0x14] = 0xffffffe0
	le.PutUint32(c[0x18:], 0x4000|0xc)
	le.PutUint32(c[0x1c:], 0x80)
	s.masks[a][0x18], s.masks[a][0x1c] = 0xffffc000, 0xffffffff
	s.masks[a][0x20] = 0xffff0000 // there, but not assigned
	le.PutUint16(c[4:], CommandMemory)
	f := Scan(s)[0]
	for i, want := range map[int]Range{
		0: {0xfebd1000, 0x1000, false}, 1: {0xc000, 0x20, true}, 2: {0x80_0000_4000, 0x4000, false},
	} {
		if got, err := f.BAR(i); got != want || err != nil {
			t.Errorf("BAR %d: %+v, %v, want %+v", i, got, err, want)
		}
	}
	for _, i := range []int{4, 5, 6, -1} {
		if r, err := f.BAR(i); err == nil {
			t.Errorf("BAR %d: %+v", i, r)
		}
	}
	if got := f.Read16(regCommand); got != CommandMemory {
		t.Errorf("command register %#x after the questions, want %#x", got, CommandMemory)
	}
	if got := f.Read32(0x10); got != 0xfebd1000 {
		t.Errorf("BAR 0 reads %#x afterwards", got)
	}
}

func TestCapabilities(t *testing.T) {
	s := newSpace()
	c := s.add(Address{0, 1, 0}, 1<<16|0x1234, 0, 0)
	f := Scan(s)[0]
	c[0x34], c[0x40], c[0x41], c[0x50], c[0x51], c[0x60], c[0x61] = 0x40, 9, 0x50, 0x11, 0x60, 9, 0
	if _, ok := f.Capability(9); ok {
		t.Error("a function without a list has a capability")
	}
	c[6] = 1 << 4
	var at []int
	f.EachCapability(9, func(off int) bool { at = append(at, off); return true })
	if len(at) != 2 || at[0] != 0x40 || at[1] != 0x60 {
		t.Errorf("capabilities at %x", at)
	}
	if off, ok := f.Capability(0x11); off != 0x50 || !ok {
		t.Errorf("MSI-X at %#x, %v", off, ok)
	}
	c[0x61] = 0x40 // a loop
	if _, ok := f.Capability(5); ok {
		t.Error("found what is not there")
	}
	c[0x41] = 0x08 // into the header
	if _, ok := f.Capability(0x11); ok {
		t.Error("followed a pointer into the header")
	}
}

func TestNarrowAccesses(t *testing.T) {
	s := newSpace()
	c := s.add(Address{0, 1, 0}, 1<<16|0x1234, 0, 0)
	f := Scan(s)[0]
	copy(c[0x40:], "\x11\x22\x33\x44")
	for off, want := range map[int]uint8{0x40: 0x11, 0x41: 0x22, 0x42: 0x33, 0x43: 0x44} {
		if got := f.Read8(off); got != want {
			t.Errorf("byte at %#x: %#x, want %#x", off, got, want)
		}
	}
	if f.Read16(0x40) != 0x2211 || f.Read16(0x42) != 0x4433 {
		t.Errorf("words %#x, %#x", f.Read16(0x40), f.Read16(0x42))
	}
	f.Write16(0x42, 0xaabb)
	if f.Read32(0x40) != 0xaabb2211 {
		t.Errorf("after the write %#x", f.Read32(0x40))
	}
}
