package cpu

import "testing"

// A gate is what an entry of the IDT says: Intel SDM volume 3, figure 7-8.
type gate struct {
	pc       uintptr
	selector uint16
	ist, dpl byte
	kind     byte // 14 is an interrupt gate
	present  bool
}

func gateOf(vector int) gate {
	lo, hi := idt[2*vector], idt[2*vector+1]
	return gate{
		pc: uintptr(lo&0xffff | lo>>48<<16 | hi<<32), selector: uint16(lo >> 16),
		ist: byte(lo >> 32 & 7), kind: byte(lo >> 40 & 31), dpl: byte(lo >> 45 & 3), present: lo>>47&1 != 0,
	}
}

func TestGates(t *testing.T) {
	defer func() { vectors, idt = [len(vectors)]uintptr{}, [len(idt)]uint64{} }()
	const spurious = 0xfedcba9876543210
	entry := func(i int) uintptr { return 0xffff800012340000 + uintptr(i)*0x11111 }
	for i := range vectors {
		vectors[i] = entry(i)
	}
	buildIDT(spurious)
	for v := range 256 {
		want := gate{selector: KernelCS, kind: 14, present: true}
		switch {
		case v < 32:
			want.pc, want.ist = entry(v), 2
			switch v {
			case 1:
				want.ist = 6
			case 2:
				want.ist = 3
			case 3, 4: // programs may INT 3 and INT 4
				want.dpl = 3
			case 8:
				want.ist = 4
			case 18:
				want.ist = 5
			}
		case v == VectorTimer:
			want.pc, want.ist = entry(32), 1
		case v == VectorIPI:
			want.pc, want.ist = entry(33), 1
		case v >= VectorDevice && v < VectorDevice+DeviceVectors:
			want.pc, want.ist = entry(34+v-VectorDevice), 1
		case v == VectorSpurious:
			want.pc, want.ist = spurious, 3
		default:
			want = gate{}
		}
		if got := gateOf(v); got != want {
			t.Errorf("vector %d: %+v, want %+v", v, got, want)
		}
	}
}

// TestVectorsAreApart: the local APIC takes the upper four bits of a vector for
// its priority, and refuses those below 16; what EnterUser returns is none.
func TestVectorsAreApart(t *testing.T) {
	taken := map[int]string{}
	take := func(v int, what string) {
		if by, ok := taken[v]; ok {
			t.Errorf("vector %d is for %s and for %s", v, by, what)
		}
		taken[v] = what
	}
	for v := range 32 {
		take(v, "an exception")
	}
	take(VectorTimer, "the timer")
	take(VectorIPI, "calls")
	for n := range DeviceVectors {
		take(VectorDevice+n, "a device")
	}
	take(VectorSpurious, "spurious interrupts")
	for v := range taken {
		if v > 255 {
			t.Errorf("there is no vector %d", v)
		}
	}
	for _, v := range []int{VectorInterrupt, VectorPrepare, VectorPending} {
		take(v, "the result of EnterUser")
		if v <= 256 {
			t.Errorf("%d is also a vector or a system call", v)
		}
	}
}
