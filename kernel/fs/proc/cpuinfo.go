package proc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// cpuInfoRecords shows what the CPUID instruction tells of each processor, as
// Linux lays it out. The position of a processor is its place in the list.
func (fs *FS) cpuInfoRecords(pos int64, w *bytes.Buffer, more func(int64) bool) error {
	cpus := fs.system.CPUs()
	topology := Topology(cpus)
	for i := pos; i < int64(len(cpus)); i++ {
		cpu := cpus[i]
		d := decodeCPUID(cpu.CPUID)
		t := topology[i]
		fmt.Fprintf(w, "processor\t: %d\n", cpu.ID)
		fmt.Fprintf(w, "vendor_id\t: %s\n", d.vendor)
		fmt.Fprintf(w, "cpu family\t: %d\n", d.family)
		fmt.Fprintf(w, "model\t\t: %d\n", d.model)
		fmt.Fprintf(w, "model name\t: %s\n", d.name)
		fmt.Fprintf(w, "stepping\t: %d\n", d.stepping)
		if cpu.KHz != 0 {
			fmt.Fprintf(w, "cpu MHz\t\t: %d.%03d\n", cpu.KHz/1000, cpu.KHz%1000)
		}
		if d.cacheKiB > 0 {
			fmt.Fprintf(w, "cache size\t: %d KB\n", d.cacheKiB)
		}
		fmt.Fprintf(w, "physical id\t: %d\n", t.PackageID)
		fmt.Fprintf(w, "siblings\t: %d\n", t.Siblings)
		fmt.Fprintf(w, "core id\t\t: %d\n", t.CoreID)
		fmt.Fprintf(w, "cpu cores\t: %d\n", t.Cores)
		fmt.Fprintf(w, "apicid\t\t: %d\n", cpu.APICID)
		fmt.Fprintf(w, "initial apicid\t: %d\n", cpu.APICID)
		w.WriteString("fpu\t\t: yes\nfpu_exception\t: yes\n")
		fmt.Fprintf(w, "cpuid level\t: %d\n", d.level)
		w.WriteString("wp\t\t: yes\n")
		fmt.Fprintf(w, "flags\t\t: %s\n", strings.Join(d.flags, " "))
		w.WriteString("bugs\t\t:\n")
		if cpu.KHz != 0 {
			// Twice the frequency, as where the TSC times Linux's delays.
			fmt.Fprintf(w, "bogomips\t: %d.%02d\n", cpu.KHz/500, cpu.KHz/5%100)
		}
		fmt.Fprintf(w, "clflush size\t: %d\n", d.lineSize)
		fmt.Fprintf(w, "cache_alignment\t: %d\n", d.lineSize)
		fmt.Fprintf(w, "address sizes\t: %d bits physical, %d bits virtual\n", d.physicalBits, d.virtualBits)
		w.WriteString("power management:\n\n")
		if !more(i + 1) {
			break
		}
	}
	return nil
}

// A cpuid is the CPUID instruction.
type cpuid = func(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)

// identity is what CPUID tells of a processor.
type identity struct {
	vendor, name             string
	family, model, stepping  uint32
	level                    uint32 // highest basic leaf
	cacheKiB                 uint32 // last cache but the shared one, as Linux picks it
	lineSize                 uint32 // of the cache, in bytes
	physicalBits             uint32
	virtualBits              uint32
	flags                    []string
	threadShift, packageBits uint32 // of the APIC ID: where core and package begin
}

func decodeCPUID(id cpuid) identity {
	var d identity
	level, b, c, e := id(0, 0)
	d.level = level
	d.vendor = letters(b, e, c)
	top, _, _, _ := id(0x80000000, 0)

	a, b, _, edx := id(1, 0)
	d.stepping = a & 0xf
	d.family = a >> 8 & 0xf
	d.model = a >> 4 & 0xf
	if d.family == 0xf {
		d.family += a >> 20 & 0xff
	}
	if d.family >= 6 {
		d.model |= a >> 16 & 0xf << 4
	}
	d.lineSize = 64
	if edx&(1<<19) != 0 {
		d.lineSize = b >> 8 & 0xff * 8
	}
	d.physicalBits, d.virtualBits = 36, 48
	if top >= 0x80000004 {
		var text []uint32
		for leaf := uint32(0x80000002); leaf <= 0x80000004; leaf++ {
			a, b, c, e := id(leaf, 0)
			text = append(text, a, b, c, e)
		}
		// Linux closes up runs of blanks.
		d.name = strings.Join(strings.Fields(letters(text...)), " ")
	}
	if d.name == "" {
		d.name = fmt.Sprintf("%02x/%02x", d.family, d.model)
	}
	if top >= 0x80000006 {
		_, _, c, _ := id(0x80000006, 0)
		d.cacheKiB = c >> 16
	}
	if d.vendor == "GenuineIntel" && level >= 4 {
		d.cacheKiB = deterministicCache(id)
	}
	if top >= 0x80000008 {
		a, _, _, _ := id(0x80000008, 0)
		d.physicalBits, d.virtualBits = a&0xff, a>>8&0xff
	}
	d.flags = features(id, level, top)
	d.threadShift, d.packageBits = topologyShifts(id, level)
	return d
}

// letters returns the characters of registers, up to the first NUL.
func letters(registers ...uint32) string {
	var b []byte
	for _, r := range registers {
		b = binary.LittleEndian.AppendUint32(b, r)
	}
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}

// deterministicCache returns the size in KiB of the highest cache level that
// CPUID leaf 4 describes.
func deterministicCache(id cpuid) uint32 {
	best, size := uint32(0), uint32(0)
	for i := range uint32(16) {
		a, b, c, _ := id(4, i)
		kind, level := a&0x1f, a>>5&7
		if kind == 0 {
			break
		}
		if kind != 2 && level >= best { // not an instruction cache
			best = level
			size = (b>>22 + 1) * (b>>12&0x3ff + 1) * (b&0xfff + 1) * (c + 1) >> 10
		}
	}
	return size
}

// topologyShifts returns how many low bits of an APIC ID number the threads
// of a core, and how many number the threads of a package.
func topologyShifts(id cpuid, level uint32) (core, pkg uint32) {
	if level < 0xb {
		return 0, 0
	}
	for i := range uint32(8) {
		a, _, c, _ := id(0xb, i)
		switch c >> 8 & 0xff {
		case 0:
			return core, pkg
		case 1: // threads of a core
			core = a & 0x1f
			pkg = max(pkg, core)
		case 2: // cores of a package
			pkg = a & 0x1f
		}
	}
	return core, pkg
}

// A Place is a processor's place in the machine.
type Place struct {
	PackageID, CoreID uint32
	Siblings          int // processors of its package
	Cores             int // cores of its package
}

// Topology returns the places of processors, as their APIC numbers tell.
func Topology(cpus []CPU) []Place {
	places := make([]Place, len(cpus))
	for i, cpu := range cpus {
		level, _, _, _ := cpu.CPUID(0, 0)
		core, pkg := topologyShifts(cpu.CPUID, level)
		places[i].CoreID = cpu.APICID & (1<<pkg - 1) >> core
		places[i].PackageID = cpu.APICID >> pkg
		if pkg == 0 { // no leaf tells: each processor is a core of one package
			places[i] = Place{CoreID: cpu.APICID}
		}
	}
	for i := range places {
		cores := map[uint32]bool{}
		for _, p := range places {
			if p.PackageID == places[i].PackageID {
				places[i].Siblings++
				cores[p.CoreID] = true
			}
		}
		places[i].Cores = len(cores)
	}
	return places
}
