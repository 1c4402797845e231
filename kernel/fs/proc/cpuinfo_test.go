package proc

import (
	"strings"
	"testing"
)

// leaves is CPUID of some processor: by leaf and subleaf.
type leaves map[[2]uint32][4]uint32

func (l leaves) cpuid(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32) {
	r := l[[2]uint32{leaf, subleaf}]
	return r[0], r[1], r[2], r[3]
}

// text packs up to 16 letters into four registers.
func text(s string) (r [4]uint32) {
	for i := range len(s) {
		r[i/4] |= uint32(s[i]) << (i % 4 * 8)
	}
	return r
}

// epyc resembles a virtual machine with two processors.
var epyc = leaves{
	{0, 0}:          {0x1c, 0x68747541, 0x444d4163, 0x69746e65},
	{1, 0}:          {0x00a10f11, 0x00020800, 1<<0 | 1<<31 | 1<<26, 0x178bfbff},
	{7, 0}:          {1, 1<<0 | 1<<5 | 1<<7 | 1<<20, 1 << 2, 1 << 4},
	{0xb, 0}:        {0, 1, 0x100, 0},
	{0xb, 1}:        {1, 2, 0x201, 0},
	{0x80000000, 0}: {0x80000008, 0x68747541, 0x444d4163, 0x69746e65},
	{0x80000001, 0}: {0, 0, 1, 1<<11 | 1<<20 | 1<<29},
	{0x80000002, 0}: text("AMD   EPYC"),
	{0x80000006, 0}: {0, 0, 1024<<16 | 64, 0},
	{0x80000008, 0}: {0x3030, 1, 0, 0},
}

func TestCPUInfo(t *testing.T) {
	w := newWorld(t)
	info := w.mustRead(t, "/cpuinfo")
	blocks := strings.Split(info, "\n\n")
	if len(blocks) != 3 || blocks[2] != "" {
		t.Fatalf("%d blocks, want one for each CPU:\n%s", len(blocks)-1, info)
	}
	const want = `processor	: 1
vendor_id	: AuthenticAMD
cpu family	: 25
model		: 17
model name	: AMD EPYC
stepping	: 1
cpu MHz		: 2596.140
cache size	: 1024 KB
physical id	: 0
siblings	: 2
core id		: 1
cpu cores	: 2
apicid		: 1
initial apicid	: 1
fpu		: yes
fpu_exception	: yes
cpuid level	: 28
wp		: yes
flags		: fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ht syscall nx lm pni xsave hypervisor lahf_lm fsgsbase avx2 smep smap clzero umip fsrm
bugs		:
bogomips	: 5192.28
clflush size	: 64
cache_alignment	: 64
address sizes	: 48 bits physical, 48 bits virtual
power management:`
	if blocks[1] != want {
		t.Errorf("got:\n%s\nwant:\n%s", blocks[1], want)
	}
}

func TestFeatureTables(t *testing.T) {
	seen := map[string]bool{}
	for _, table := range featureTables {
		if n := len(table.bits()); n > 32 {
			t.Errorf("leaf %#x: %d names", table.leaf, n)
		}
		for _, name := range table.bits() {
			if name != "-" && seen[name] {
				t.Errorf("%s is named twice", name)
			}
			seen[name] = true
		}
	}
	// A bit here and there, as the manuals number them.
	for name, where := range map[string][2]uint32{
		"sse2": {1, 26}, "x2apic": {1, 21}, "hypervisor": {1, 31}, "lm": {0x80000001, 29}, "topoext": {0x80000001, 22},
		"smap": {7, 20}, "sha_ni": {7, 29}, "umip": {7, 2}, "rdpid": {7, 22}, "la57": {7, 16}, "arch_capabilities": {7, 29},
		"npt": {0x8000000a, 0}, "vgif": {0x8000000a, 16}, "mwaitx": {0x80000001, 29}, "wbnoinvd": {0x80000008, 9}, "smca": {0x80000007, 3},
		"avx512_bf16": {7, 5}, "xsaves": {0xd, 3}, "arat": {6, 2}, "nx": {0x80000001, 20}, "fsrm": {7, 4}, "ibt": {7, 20},
		"serialize": {7, 14}, "tsc_deadline_timer": {1, 24}, "avx512vl": {7, 31}, "pbe": {1, 31}, "hwp_epp": {6, 10},
	} {
		found := false
		for _, table := range featureTables {
			b := table.bits()
			if table.leaf == where[0] && int(where[1]) < len(b) && b[where[1]] == name {
				found = true
			}
		}
		if !found {
			t.Errorf("%s is not bit %d of leaf %#x", name, where[1], where[0])
		}
	}
}

// intel resembles a processor with two threads on each of four cores.
var intel = leaves{
	{0, 0}:          {0x16, 0x756e6547, 0x6c65746e, 0x49656e69},
	{1, 0}:          {0x000506e3, 0x00100800, 0, 1 << 19},
	{4, 0}:          {1 | 1<<5, 7<<22 | 63, 63, 0},
	{4, 1}:          {2 | 1<<5, 7<<22 | 63, 63, 0},
	{4, 2}:          {3 | 2<<5, 3<<22 | 63, 1023, 0},
	{4, 3}:          {3 | 3<<5, 15<<22 | 63, 8191, 0},
	{0xb, 0}:        {1, 2, 0x100, 0},
	{0xb, 1}:        {4, 8, 0x201, 0},
	{0x80000000, 0}: {0x80000008, 0, 0, 0},
	{0x80000002, 0}: text("Intel(R) Core(TM"),
	{0x80000003, 0}: text(") i7-6700 CPU @ "),
	{0x80000004, 0}: text("3.40GHz"),
	{0x80000006, 0}: {0, 0, 256<<16 | 64, 0},
	{0x80000008, 0}: {0x3027, 0, 0, 0},
}

func TestDecodeIntel(t *testing.T) {
	d := decodeCPUID(intel.cpuid)
	if d.vendor != "GenuineIntel" || d.name != "Intel(R) Core(TM) i7-6700 CPU @ 3.40GHz" {
		t.Errorf("%q, %q", d.vendor, d.name)
	}
	if d.family != 6 || d.model != 94 || d.stepping != 3 {
		t.Errorf("family %d, model %d, stepping %d, want 6, 94, 3", d.family, d.model, d.stepping)
	}
	if d.cacheKiB != 8192 || d.lineSize != 64 || d.physicalBits != 39 || d.virtualBits != 48 {
		t.Errorf("cache %d KiB, line %d, addresses %d and %d bits", d.cacheKiB, d.lineSize, d.physicalBits, d.virtualBits)
	}
}

func TestTopology(t *testing.T) {
	var cpus []CPU
	for i := range uint32(10) { // package 0 full, package 1 with one core
		id := i
		if i >= 8 {
			id = 16 + i - 8
		}
		cpus = append(cpus, CPU{ID: int(i), APICID: id, CPUID: intel.cpuid})
	}
	p := Topology(cpus)
	for i, want := range map[int]Place{
		0: {0, 0, 8, 4}, 1: {0, 0, 8, 4}, 5: {0, 2, 8, 4}, 8: {1, 0, 2, 1}, 9: {1, 0, 2, 1},
	} {
		if p[i] != want {
			t.Errorf("CPU %d: %+v, want %+v", i, p[i], want)
		}
	}
	p = Topology([]CPU{{APICID: 0, CPUID: leaves{}.cpuid}, {APICID: 1, CPUID: leaves{}.cpuid}})
	if want := (Place{0, 1, 2, 2}); p[1] != want {
		t.Errorf("without leaf 0xb: %+v, want %+v", p[1], want)
	}
}
