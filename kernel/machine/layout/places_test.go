package layout

import (
	"math/rand/v2"
	"testing"
)

func TestChoose(t *testing.T) {
	const size = 6 << 20
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[string]map[uintptr]bool{}
	for range 2000 {
		p := Choose(size, r.Uint64)
		taken := map[uintptr]string{}
		if p.GoArena%arenaUnit != 0 {
			t.Fatalf("arenas at %#x", p.GoArena)
		}
		for _, part := range []struct {
			name        string
			at          uintptr
			need, align uintptr
		}{
			{"direct map", p.Direct, Slot, 1 << 30},
			{"arenas", p.GoArena - 4096, Slot/2 - arenaUnit, 4096},
			{"others", p.GoOther, Slot / 2, 4096},
			{"stacks", p.Stacks, Slot / 2, 4096},
			{"image", p.Image, size, 4096},
		} {
			if part.at%part.align != 0 {
				t.Fatalf("%s at %#x, not a multiple of %#x", part.name, part.at, part.align)
			}
			first, last := part.at/Slot, (part.at+part.need-1)/Slot
			if first < 1<<25-512+firstSlot || last > 1<<25-512+lastSlot {
				t.Fatalf("%s at %#x", part.name, part.at)
			}
			for s := first; s <= last; s++ {
				if other := taken[s]; other != "" {
					t.Fatalf("%s and %s share a slot: %+v", part.name, other, p)
				}
				taken[s] = part.name
			}
			if seen[part.name] == nil {
				seen[part.name] = map[uintptr]bool{}
			}
			seen[part.name][first] = true
		}
	}
	for name, slots := range seen {
		if len(slots) < 240 {
			t.Errorf("%s: only %d of 254 slots in 2000 choices", name, len(slots))
		}
	}
}

// A generator that is broken must not hang the boot.
func TestChooseWithoutChance(t *testing.T) {
	for _, v := range []uint64{0, 1<<64 - 1} {
		p := Choose(6<<20, func() uint64 { return v })
		if p.GoArena/Slot == p.GoOther/Slot || p.Image/Slot == p.Stacks/Slot {
			t.Errorf("%+v", p)
		}
	}
}

func TestChoosePhysical(t *testing.T) {
	const mib = 1 << 20
	ram := []Region{{0, 640 << 10}, {mib, 64 * mib}, {100 * mib, 110*mib + 123}}
	used := []Region{
		{0, LowMemory},
		{2 * mib, 8 * mib},
		{7 * mib, 9*mib + 1}, // overlaps the one before; ends within a page
		{},                   // no initramfs
		{60*mib - 1, 64 * mib},
		{104 * mib, 105 * mib},
	}
	free := func(at, size uint64) bool {
		for _, u := range used {
			if u.Start < u.End && at < u.End && u.Start < at+size {
				return false
			}
		}
		for _, r := range ram {
			if at >= r.Start && at+size <= r.End {
				return true
			}
		}
		return false
	}
	r := rand.New(rand.NewPCG(3, 4))
	for _, size := range []uint64{4096, mib, 3 * mib, 5 * mib, 40 * mib} {
		for _, limit := range []uint64{32 * mib, 107 * mib, 1 << 32} {
			want := map[uint64]bool{}
			lowest := uint64(0)
			for at := uint64(4096); at+size <= limit && at < 111*mib; at += 4096 {
				if free(at, size) {
					want[at] = true
					if lowest == 0 {
						lowest = at
					}
				}
			}
			if at := ChoosePhysical(ram, used, size, limit, nil); at != lowest {
				t.Errorf("%#x bytes below %#x: lowest place %#x, want %#x", size, limit, at, lowest)
			}
			got := map[uint64]bool{}
			for range 20 * len(want) {
				at := ChoosePhysical(ram, used, size, limit, r.Uint64)
				if !want[at] {
					t.Fatalf("%#x bytes below %#x: at %#x", size, limit, at)
				}
				got[at] = true
			}
			if len(got) < len(want)*99/100 {
				t.Errorf("%#x bytes below %#x: %d of %d places", size, limit, len(got), len(want))
			}
		}
	}
}

func TestSlotEnd(t *testing.T) {
	for va, want := range map[uintptr]uintptr{
		0xffffc00000000000: 0xffffc08000000000,
		0xffffc07ffffff000: 0xffffc08000000000,
	} {
		if got := SlotEnd(va); got != want {
			t.Errorf("%#x: %#x, want %#x", va, got, want)
		}
	}
}
