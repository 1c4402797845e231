//go:build baremetal

package boot

import (
	"unsafe"

	"kevlar/kernel/machine/clock"
	"kevlar/kernel/machine/debugcon"
	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/imagemap"
	"kevlar/kernel/machine/layout"
	"kevlar/kernel/machine/x86"
)

const pageSize = 4096

// move copies the image from where the monitor has loaded it to the place
// chosen for this boot, makes page tables for it there, and returns their root
// and the address of movedEntry there. Text and constants that hold no addresses
// are the same at every place: they stay in the memory that they were loaded to,
// as copying all would be most of what this costs. It runs in boot context in the
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

	boot := x86.ReadCR3()
	size, stay := pageUp(uint64(imageEnd()-layout.KernelImage)), staying(boot)
	need := size - stay + imagemap.Pages(size)*pageSize
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
	chosen := layout.ChoosePhysical(info.ram[:info.ramCount], used[:], need, layout.DirectMapBoot, random)
	if chosen == 0 {
		die(tooLittle)
	}
	to.ImagePhysical = chosen - stay
	copyImage(to, stay, size)
	relocate(to, listStart)

	t := imagemap.New(to.ImagePhysical+size, imagemap.Pages(size))
	t.MapDirect(to.Direct)
	t.MapImage(boot, to, stay, size)
	// The loaded image runs on until the jump.
	last := &direct.Table(t.Root)[layout.KernelImage>>39&511]
	if *last == 0 {
		*last = direct.Table(boot)[layout.KernelImage>>39&511]
	}

	*inCopy(to, &layout.Placed) = to
	*inCopy(to, &began) = now
	*inCopy(to, &firstSample) = first
	*inCopy(to, &imageMemory) = [...]layout.Region{
		{Start: loadedAt, End: loadedAt + stay},
		{Start: chosen, End: chosen + need},
	}
	return t.Root, movedEntryPC() - layout.KernelImage + to.Image
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

// staying returns how much of the image, from its start, stays: text, constants,
// and the empty pages that follow, by the boot tables.
func staying(boot uint64) uint64 {
	end := pageUp(uint64(constantsEnd() - layout.KernelImage))
	for !imagemap.Mapped(boot, layout.KernelImage+uintptr(end)) {
		end += pageSize
	}
	return end
}

// copyImage copies what was loaded of the image beyond what stays, and clears
// what was not loaded.
func copyImage(to layout.Places, stay, size uint64) {
	loaded := uint64(dataEnd() - layout.KernelImage)
	n := int(loaded - stay)
	copy(direct.Bytes(to.ImagePhysical+stay, n), direct.Bytes(loadedAt+stay, n))
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
var imageMemory [2]layout.Region
