package direct

import (
	"bytes"
	"testing"
	"unsafe"

	"kevlar/kernel/machine/layout"
)

// memory is the physical memory of the test: two pages at start, which is
// aligned to a page.
var memory [3 * 4096]byte

const start = 0x7000

func TestMain(m *testing.M) {
	if Base != layout.DirectMap {
		panic("the direct map is not where the boot page tables have it")
	}
	Base = (uintptr(unsafe.Pointer(&memory))+4095)&^4095 - start
	m.Run()
}

// fill gives each byte of the memory another value from its neighbours'.
func fill() {
	for i, b := 0, Bytes(start, 8192); i < len(b); i++ {
		b[i] = byte(i ^ i>>8)
	}
}

func TestViewsShareMemory(t *testing.T) {
	fill()
	if p := Addr(start + 5); p != Base+start+5 {
		t.Errorf("address %#x, want %#x", p, Base+start+5)
	}
	if v := *U64(start + 8); v != 0x0f0e0d0c0b0a0908 {
		t.Errorf("64 bits: %#x", v)
	}
	if v := *U32(start + 0x104); v != 0x06070405 {
		t.Errorf("32 bits: %#x", v)
	}
	if page := Page(start + 4096); !bytes.Equal(page[:], Bytes(start+4096, 4096)) || page[1] != 0x11 {
		t.Errorf("the page begins with % x", page[:8])
	}
	if table := Table(start); table[1] != *U64(start + 8) || &table[511] != U64(start+4088) {
		t.Errorf("entry 1 of the table: %#x", table[1])
	}

	*U64(start + 4096) = 0x1122334455667788
	*U32(start + 4104) = 0xaabbccdd
	Table(start)[511] = 1
	if got := Bytes(start+4088, 20); !bytes.Equal(got, []byte{
		1, 0, 0, 0, 0, 0, 0, 0, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0xdd, 0xcc, 0xbb, 0xaa,
	}) {
		t.Errorf("% x", got)
	}
}

func TestBytesEndWhereTheyWereAskedTo(t *testing.T) {
	fill()
	b := Bytes(start+100, 7)
	if len(b) != 7 || cap(b) != 7 {
		t.Fatalf("%d bytes, room for %d", len(b), cap(b))
	}
	_ = append(b, 0xee) // must not reach what stands behind
	if v := Bytes(start+107, 1)[0]; v != 107 {
		t.Errorf("the byte behind is %#x", v)
	}
}
