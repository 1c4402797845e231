package layout

// Slot is the size of what one entry of the top-level page table maps.
const Slot = 512 << 30

// Places are the virtual addresses at which the parts of the kernel begin, and
// the physical address that its image would have if all of it had moved: its
// data is where that says.
type Places struct {
	Direct  uintptr // physical address 0 in the direct map, which takes two slots
	GoArena uintptr // the Go heap
	GoOther uintptr // the Go runtime's other mappings
	Stacks  uintptr // trap stacks with guard pages
	Image   uintptr // the first byte of the image

	ImagePhysical uint64
}

// arenaUnit is the unit in which the Go runtime grows its heap.
const arenaUnit = 64 << 20

// Fixed are the places that are not random. The image is linked and loaded for
// them, and the boot page tables have the direct map there.
//
//go:nosplit
func Fixed() Places {
	return Places{
		Direct:        DirectMap,
		GoArena:       0xffffc00000000000 + arenaUnit,
		GoOther:       0xffffd00000000000,
		Stacks:        0xffffe00000000000,
		Image:         KernelImage,
		ImagePhysical: KernelImage - KernelBase,
	}
}

// Placed are the places of this boot. Boot code sets them, in the image's final
// copy before its first instruction.
var Placed Places

// SlotEnd returns the end of the slot that va lies in.
//
//go:nosplit
func SlotEnd(va uintptr) uintptr { return va&^(Slot-1) + Slot }

// Physical returns the physical address of static data at va, not of constants.
//
//go:nosplit
func Physical(va uintptr) uint64 { return uint64(va-Placed.Image) + Placed.ImagePhysical }

// A Region is a piece of physical memory, in bytes. End is the first address
// after it.
type Region struct{ Start, End uint64 }

// The slots that may be chosen: not the first, which is next to the addresses
// that do not exist, and not the last, in which the image is linked.
const (
	firstSlot = 257
	lastSlot  = 510
)

// Choose returns places chosen by random, which gives 64 random bits at a
// time, all but ImagePhysical. The image has size bytes, which must be less
// than half a slot. It runs in boot context.
func Choose(size uintptr, random func() uint64) Places {
	var s slots
	// The parts may begin anywhere in the first half of their slot: what they
	// need is less than the other half.
	within := func(unit uintptr) uintptr { return uintptr(random()%uint64(Slot/2/unit)) * unit }
	return Places{
		// The direct map may begin anywhere in the first of its slots.
		Direct: s.take(2, random) + uintptr(random()%(Slot>>30))<<30,
		// What looks a little below the first arena stays in its slot.
		GoArena: s.take(1, random) + arenaUnit + within(arenaUnit),
		GoOther: s.take(1, random) + within(4096),
		Stacks:  s.take(1, random) + within(4096),
		Image:   s.take(1, random) + within(4096),
	}
}

// slots tells which are taken.
type slots [lastSlot + 1]bool

// free reports whether the n slots from i on are free.
func (s *slots) free(i, n int) bool {
	for j := i; j < i+n; j++ {
		if j > lastSlot || s[j] {
			return false
		}
	}
	return true
}

// take takes n slots in a row and returns the address of the first. Each
// choice is equally likely.
func (s *slots) take(n int, random func() uint64) uintptr {
	choices := uint64(0)
	for i := firstSlot; i <= lastSlot; i++ {
		if s.free(i, n) {
			choices++
		}
	}
	chosen := random() % choices
	for i := firstSlot; ; i++ {
		if !s.free(i, n) {
			continue
		}
		if chosen == 0 {
			for j := i; j < i+n; j++ {
				s[j] = true
			}
			return 0xffff<<48 | uintptr(i)<<39
		}
		chosen--
	}
}

// ChoosePhysical returns the address of size bytes in ram below limit that
// overlap nothing in used, at a multiple of 4096: the lowest if random is nil,
// else each possible one with equal chance. Entries of ram do not overlap one
// another; size and limit are multiples of 4096. It returns 0 if there is no
// such place. It runs in boot context.
func ChoosePhysical(ram, used []Region, size, limit uint64, random func() uint64) uint64 {
	places := uint64(0)
	eachGap(ram, used, limit, func(g Region) bool {
		places += placesIn(g, size)
		return true
	})
	if places == 0 {
		return 0
	}
	chosen := uint64(0)
	if random != nil {
		chosen = random() % places
	}
	var at uint64
	eachGap(ram, used, limit, func(g Region) bool {
		if n := placesIn(g, size); chosen >= n {
			chosen -= n
			return true
		}
		at = g.Start + chosen*4096
		return false
	})
	return at
}

// placesIn returns in how many places of g there is room for size bytes.
func placesIn(g Region, size uint64) uint64 {
	if g.End-g.Start < size {
		return 0
	}
	return (g.End-g.Start-size)/4096 + 1
}

// eachGap calls do for the free pieces of ram below limit, in whole pages,
// until it returns false.
func eachGap(ram, used []Region, limit uint64, do func(Region) bool) {
	for _, r := range ram {
		end := min(r.End&^4095, limit)
		for start := (r.Start + 4095) &^ 4095; start < end; {
			// The first used region that ends above start bounds the gap; one
			// that holds start moves it.
			gap := Region{start, end}
			next := end
			for _, u := range used {
				if u.Start >= u.End || u.End <= start {
					continue
				}
				if from := u.Start &^ 4095; from < gap.End {
					gap.End = max(from, start)
					next = (u.End + 4095) &^ 4095
				}
			}
			if gap.End > gap.Start && !do(gap) {
				return
			}
			start = max(next, gap.End)
		}
	}
}
