//go:build baremetal

package boot

import (
	"cmp"
	"slices"

	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/goruntime"
	"kevlar/kernel/machine/layout"
)

// info is what the monitor said, copied before its memory is reused.
var info struct {
	cmdline    [4096]byte
	cmdlineLen int
	rsdp       uint64
	initrd     frame.Region
	monitor    [4]frame.Region  // the monitor's own structures, this one first
	ram        [64]frame.Region // usable memory, as the monitor lists it
	ramCount   int
	top        uint64 // end of the highest RAM
}

// readStartInfo copies the PVH start_info structure at pa: hvm_start_info in
// Xen's documentation of the boot ABI.
func readStartInfo(pa uint64) {
	const (
		magic       = 0x336ec578
		offModules  = 12
		offModList  = 16
		offCmdline  = 24
		offRSDP     = 32
		offMemMap   = 40
		offMemCount = 48
		typeRAM     = 1
	)
	if *direct.U32(pa) != magic {
		die("not started through the PVH entry")
	}
	info.monitor[0] = span(pa, 56)
	info.rsdp = *direct.U64(pa + offRSDP)
	if c := *direct.U64(pa + offCmdline); c != 0 {
		for info.cmdlineLen < len(info.cmdline) {
			b := direct.Bytes(c+uint64(info.cmdlineLen), 1)[0]
			if b == 0 {
				break
			}
			info.cmdline[info.cmdlineLen] = b
			info.cmdlineLen++
		}
		info.monitor[1] = span(c, uint64(info.cmdlineLen)+1)
	}
	if *direct.U32(pa + offModules) > 0 {
		m := *direct.U64(pa + offModList)
		info.monitor[2] = span(m, 32)
		info.initrd = span(*direct.U64(m), *direct.U64(m + 8))
	}
	list := *direct.U64(pa + offMemMap)
	info.monitor[3] = span(list, 24*uint64(*direct.U32(pa + offMemCount)))
	for i := uint64(0); i < uint64(*direct.U32(pa + offMemCount)); i++ {
		e := list + i*24
		if *direct.U32(e + 16) != typeRAM || info.ramCount == len(info.ram) {
			continue
		}
		r := span(*direct.U64(e), *direct.U64(e + 8))
		info.ram[info.ramCount] = r
		info.ramCount++
		info.top = max(info.top, r.End)
	}
}

// span returns the region of size bytes at start.
func span(start, size uint64) frame.Region { return frame.Region{Start: start, End: start + size} }

// initMemory gives the frame allocator all RAM but the first MiB, the image
// and the initrd. It reports whether that is enough to go on.
func initMemory() bool {
	// A hole is cut out by giving the allocator what lies on its two sides; the
	// holes come in ascending order.
	holes := [...]frame.Region{{Start: 0, End: layout.LowMemory}, imageMemory[0], imageMemory[1], info.initrd}
	slices.SortFunc(holes[:], func(a, b frame.Region) int { return cmp.Compare(a.Start, b.Start) })
	var free [64]frame.Region
	n := 0
	for _, r := range info.ram[:info.ramCount] {
		for _, h := range holes {
			if h.End <= r.Start || h.Start >= r.End || h.Start == h.End {
				continue
			}
			if h.Start > r.Start && n < len(free) {
				free[n] = frame.Region{Start: r.Start, End: h.Start}
				n++
			}
			r.Start = min(h.End, r.End)
		}
		if r.Start < r.End && n < len(free) {
			free[n] = r
			n++
		}
	}
	if info.top > layout.DirectMapBoot {
		mapHighMemory(free[:n])
	}
	var bytes uint64
	for _, r := range free[:n] {
		bytes += r.End - r.Start
	}
	const smallest = 8 << 20
	if bytes < smallest {
		return false
	}
	frame.Init(&free, n, info.top)
	return true
}

// mapHighMemory extends the direct map beyond what the boot tables map. The
// tables come from the start of the largest free region below 4 GiB.
func mapHighMemory(free []frame.Region) {
	from := &free[0]
	for i := range free {
		if free[i].End <= layout.DirectMapBoot && free[i].End-free[i].Start > from.End-from.Start {
			from = &free[i]
		}
	}
	const huge = 2 << 20
	goruntime.MapDirect(layout.DirectMapBoot, (info.top+huge-1)&^(huge-1), func() uint64 {
		page := (from.Start + 4095) &^ 4095
		from.Start = page + 4096
		clear(direct.Bytes(page, 4096))
		return page
	})
}

// CommandLine returns the kernel's command line.
func CommandLine() string { return string(info.cmdline[:info.cmdlineLen]) }

// Initrd returns the physical memory of the initial RAM disk; it is empty if
// there is none. The caller may give it to the frame allocator when done.
func Initrd() frame.Region { return info.initrd }

// cmdlineHas reports whether word is on the command line. Boot context.
func cmdlineHas(word string) bool {
	line := info.cmdline[:info.cmdlineLen]
	for i := 0; i+len(word) <= len(line); i++ {
		end := i + len(word)
		if (i == 0 || line[i-1] == ' ') && (end == len(line) || line[end] == ' ') && string(line[i:end]) == word {
			return true
		}
	}
	return false
}

// cmdlineNumber returns the decimal number after key on the command line, 0 if
// there is none. Boot context.
func cmdlineNumber(key string) int {
	line := info.cmdline[:info.cmdlineLen]
	for i := 0; i+len(key) <= len(line); i++ {
		if (i > 0 && line[i-1] != ' ') || string(line[i:i+len(key)]) != key {
			continue
		}
		n := 0
		for _, c := range line[i+len(key):] {
			if c < '0' || c > '9' || n > 1<<20 {
				break
			}
			n = n*10 + int(c-'0')
		}
		return n
	}
	return 0
}
