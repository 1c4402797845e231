//go:build baremetal

package boot

import (
	"unsafe"

	"kevlar/kernel/machine/clock"
	"kevlar/kernel/machine/debugcon"
	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/layout"
	"kevlar/kernel/machine/x86"
)

const pageSize = 4096

// move copies the image from where the monitor has loaded it to the place
// chosen for this boot, makes page tables for it there, and returns their root
// and the address of movedEntry in the copy. Constants that hold no addresses
// are nearly half of the image; they stay in the memory that they were loaded
// to, as copying is most of what all this costs. It runs in boot context in the
// loaded image, with the boot tables; what it stores in variables is lost, but
// for what it stores in the copy.
func move(startInfo uint64) (root uint64, entry uintptr) {
	now := x86.RDTSC()
	layout.Placed = layout.Fixed()
	debugcon.Init()
	if why := missingFeature(); why != "" {
		die(why)
	}
	first := beginWatch()
	useEntropy()
	readStartInfo(startInfo)

	size := pageUp(uint64(imageEnd() - layout.KernelImage))
	need := size + tablesFor(size)*pageSize
	to := layout.Fixed()
	random := clock.Entropy
	if cmdlineHas("nokaslr") {
		random = nil
	} else {
		to = layout.Choose(uintptr(size), random)
	}
	listStart := loadedAt + size
	used := [...]layout.Region{
		{Start: 0, End: layout.LowMemory},
		{Start: layout.Stub, End: layout.Stub + layout.StubSize},
		{Start: loadedAt, End: listStart + 4 + 4*uint64(*direct.U32(listStart))},
		info.initrd,
		info.monitor[0], info.monitor[1], info.monitor[2], info.monitor[3],
	}
	to.ImagePhysical = layout.ChoosePhysical(info.ram[:info.ramCount], used[:], need, layout.DirectMapBoot, random)
	if to.ImagePhysical == 0 {
		die(tooLittle)
	}
	boot := tables{root: x86.ReadCR3()}
	stay := boot.constants()
	copyImage(to, stay, size)
	relocate(to, listStart)

	t := tables{next: to.ImagePhysical + size, root: to.ImagePhysical + size}
	clear(direct.Bytes(t.next, int(need-size)))
	t.next += pageSize
	t.mapDirect(to.Direct)
	t.mapImage(&boot, to, stay, size)
	// The loaded image runs on until the jump.
	last := &direct.Table(t.root)[layout.KernelImage>>39&511]
	if *last == 0 {
		*last = direct.Table(boot.root)[layout.KernelImage>>39&511]
	}

	*inCopy(to, &layout.Placed) = to
	*inCopy(to, &began) = now
	*inCopy(to, &firstSample) = first
	*inCopy(to, &imageMemory) = [...]layout.Region{
		{Start: to.ImagePhysical, End: to.ImagePhysical + stay.Start},
		{Start: loadedAt + stay.Start, End: loadedAt + stay.End},
		{Start: to.ImagePhysical + stay.End, End: to.ImagePhysical + need},
	}
	return t.root, movedEntryPC() - layout.KernelImage + to.Image
}

// loadedAt is where the monitor has loaded the image.
const loadedAt = layout.KernelImage - layout.KernelBase

func pageUp(n uint64) uint64 { return (n + pageSize - 1) &^ (pageSize - 1) }

// useEntropy gives the random numbers of this boot all that can be had early:
// the processor's generator, the time of day as the monitor has it, and how
// long it takes to answer.
func useEntropy() {
	if _, _, ecx, _ := x86.CPUID(1, 0); ecx&leaf1ECXRDRAND != 0 {
		clock.UseRDRAND()
	}
	if now, ok := WallClock(); ok {
		clock.MixEntropy(uint64(now))
	}
	for range 8 {
		clock.MixEntropy(uint64(pitCount()))
	}
}

// constants returns the pages of the image that stay: those of constants, and
// the empty ones that follow. Offsets are from the start of the image; t are the
// boot tables.
func (t *tables) constants() layout.Region {
	start, end := constants()
	r := layout.Region{Start: pageUp(uint64(start - layout.KernelImage)), End: pageUp(uint64(end - layout.KernelImage))}
	for {
		next := layout.KernelImage + uintptr(r.End)
		if t.table(next, 12)[next>>12&511] != 0 {
			return r
		}
		r.End += pageSize
	}
}

// copyImage copies what was loaded of the image, but for what stays, and clears
// what was not.
func copyImage(to layout.Places, stay layout.Region, size uint64) {
	loaded := uint64(dataEnd() - layout.KernelImage)
	for _, r := range [...]layout.Region{{Start: 0, End: stay.Start}, {Start: stay.End, End: loaded}} {
		n := int(r.End - r.Start)
		copy(direct.Bytes(to.ImagePhysical+r.Start, n), direct.Bytes(loadedAt+r.Start, n))
	}
	whole := pageUp(loaded)
	clear(direct.Bytes(to.ImagePhysical+loaded, int(whole-loaded)))
	for ; whole < size; whole += pageSize {
		frame.Frame(to.ImagePhysical + whole).Zero()
	}
}

// relocate makes the addresses in the copy those of its place. The list of
// them is described at relocate of host/image.
func relocate(to layout.Places, list uint64) {
	delta := uint64(to.Image - layout.KernelImage)
	if delta == 0 {
		return
	}
	n := *direct.U32(list)
	image := unsafe.Pointer(direct.Page(to.ImagePhysical))
	offsets := unsafe.Slice(direct.U32(list+4), n)
	for ; len(offsets) >= 4; offsets = offsets[4:] {
		*(*uint64)(unsafe.Add(image, offsets[0])) += delta
		*(*uint64)(unsafe.Add(image, offsets[1])) += delta
		*(*uint64)(unsafe.Add(image, offsets[2])) += delta
		*(*uint64)(unsafe.Add(image, offsets[3])) += delta
	}
	for _, offset := range offsets {
		*(*uint64)(unsafe.Add(image, offset)) += delta
	}
}

// inCopy returns where the copy of the image has a variable.
func inCopy[T any](to layout.Places, v *T) *T {
	offset := uintptr(unsafe.Pointer(v)) - layout.KernelImage
	return (*T)(unsafe.Pointer(direct.U64(to.ImagePhysical + uint64(offset))))
}

// began is the TSC when the kernel was entered. move sets it.
var began uint64

// imageMemory is the memory of the image and its page tables. move sets it.
var imageMemory [3]layout.Region

// tables are the kernel's page tables while move makes them, in the pages that
// follow the image.
type tables struct {
	root uint64
	next uint64 // the first page that is not in use
}

// tablesFor returns how many pages of tables there are at most for an image of
// size bytes: for the direct map the root, two more levels, and one table for
// every 2 MiB with pages that the image has or had; for the image as many again.
func tablesFor(size uint64) uint64 {
	const directories = layout.DirectMapBoot >> 30
	pieces := size>>21 + 2
	return 1 + (2 + directories + 2*pieces) + (1 + 2 + pieces)
}

// table returns the table whose entries map 1<<shift bytes each and which maps
// va, and makes it if it is missing.
func (t *tables) table(va uintptr, shift uint) *[512]uint64 {
	table := direct.Table(t.root)
	for s := uint(39); s > shift; s -= 9 {
		e := &table[va>>s&511]
		if *e == 0 {
			*e = t.next | layout.PTEPresent | layout.PTEWrite
			t.next += pageSize
		}
		table = direct.Table(*e & layout.PTEFrame)
	}
	return table
}

// direct2MiB are the bits of the direct map's entries for 2 MiB each.
const direct2MiB = layout.PTEPresent | layout.PTEWrite | layout.PTEHuge | layout.PTEGlobal | layout.PTENoExec

// fill sets the entries of a table, the first to e and each next one to step
// more.
func fill(table *[512]uint64, e, step uint64) {
	for i := range table {
		table[i] = e
		e += step
	}
}

// mapDirect maps the first 4 GiB of physical memory from base on. The second
// slot of the direct map gets its table, as later page tables share it.
func (t *tables) mapDirect(base uintptr) {
	for pa := uint64(0); pa < layout.DirectMapBoot; pa += 1 << 30 {
		fill(t.table(base+uintptr(pa), 21), pa|direct2MiB, 2<<20)
	}
	devices := t.table(base+layout.Uncached, 21)
	for i := layout.Uncached >> 21 & 511; i < len(devices); i++ {
		devices[i] |= layout.PTEUncached
	}
	t.table(base+layout.Slot-1, 30)
}

// mapImage maps the image at its place, each page with the rights that it has
// in the boot tables, and takes the right to write from the same pages of the
// direct map.
func (t *tables) mapImage(boot *tables, to layout.Places, stay layout.Region, size uint64) {
	for at := uint64(0); at < size; {
		va, old := to.Image+uintptr(at), layout.KernelImage+uintptr(at)
		pa, end := to.ImagePhysical+at, size
		switch {
		case at < stay.Start:
			end = stay.Start
		case at < stay.End:
			pa, end = loadedAt+at, stay.End
		}
		t.split(to.Direct + uintptr(pa))
		from, own, alias := boot.table(old, 12), t.table(va, 12), t.table(to.Direct+uintptr(pa), 12)
		// The pages that are in the same three tables.
		i, j, k := int(old>>12&511), int(va>>12&511), int(pa>>12&511)
		n := min(512-max(i, j, k), int((end-at)>>12))
		o, a := own[j:j+n], alias[k:k+n]
		for p, e := range from[i : i+n] {
			if rights := e &^ layout.PTEFrame; rights != 0 { // else it is between two segments
				o[p] = pa | rights
				a[p] &= rights | ^uint64(layout.PTEWrite)
			}
			pa += pageSize
		}
		at += uint64(n) << 12
	}
}

// split makes the large page that maps va, if one does, a table of small ones.
func (t *tables) split(va uintptr) {
	e := &t.table(va, 21)[va>>21&511]
	if *e&layout.PTEHuge == 0 {
		return
	}
	fill(direct.Table(t.next), *e&^layout.PTEHuge, pageSize)
	*e = t.next | layout.PTEPresent | layout.PTEWrite
	t.next += pageSize
}
