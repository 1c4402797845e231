// Package speculation tells which flaws of speculative execution the processor
// has, as Linux does in /sys/devices/system/cpu/vulnerabilities: Linux's
// Documentation/ABI/testing/sysfs-devices-system-cpu and
// Documentation/admin-guide/hw-vuln.
//
// Kevlar has no mitigation for any, so a processor that has a flaw is Vulnerable.
// One of which nothing better is known counts as having it.
package speculation

import "slices"

// A Processor is what flaws depend on.
type Processor struct {
	Vendor        string // as CPUID leaf 0 spells it
	Family, Model int
	Guest         bool   // a monitor says that it is there
	Capabilities  uint64 // IA32_ARCH_CAPABILITIES, 0 where there is none
	AVX           bool
	TSX           bool // transactions can be used
	NoSSB         bool // CPUID says that stores are not bypassed (AMD)
}

// A Flaw is one file's name and what it says.
type Flaw struct{ Name, State string }

// Bits of IA32_ARCH_CAPABILITIES: Intel SDM volume 4, table 2-2.
const (
	noRDCL      = 1 << 0 // no rogue data cache load, and so no L1 terminal fault
	noSSB       = 1 << 4
	noMDS       = 1 << 5
	noPageSize  = 1 << 6 // no machine check when page sizes change
	noTAA       = 1 << 8
	noSBDR      = 1 << 13
	noFBSDP     = 1 << 14
	noPSDP      = 1 << 15
	noGDS       = 1 << 26
	noRFDS      = 1 << 27
	noITS       = 1 << 62
	noStaleData = noSBDR | noFBSDP | noPSDP
)

const (
	safe       = "Not affected"
	vulnerable = "Vulnerable"
	unknown    = "Unknown: Dependent on hypervisor status"
)

// atoms are the models of Intel's family 6 whose register files leak: Goldmont
// to Gracemont, and the processors with such cores.
var atoms = []int{0x5c, 0x5f, 0x7a, 0x86, 0x96, 0x9c, 0x97, 0x9a, 0xb7, 0xba, 0xbe, 0xbf}

// Flaws returns what is known of p, by name.
func (p Processor) Flaws() []Flaw {
	intel, amd := p.Vendor == "GenuineIntel", p.Vendor == "AuthenticAMD" || p.Vendor == "HygonGenuine"
	lacks := func(bits uint64) bool { return p.Capabilities&bits == bits }
	state := func(affected bool, as string) string {
		if affected {
			return as
		}
		return safe
	}
	// What monitors do not tell their guests.
	hidden := vulnerable
	if p.Guest {
		hidden = unknown
	}
	return []Flaw{
		{"gather_data_sampling", state(!amd && p.AVX && !lacks(noGDS), hidden)},
		{"indirect_target_selection", state(!amd && !lacks(noITS), vulnerable)},
		// It harms those who run guests of their own.
		{"itlb_multihit", state(!amd && !lacks(noPageSize), "KVM: Mitigation: VMX unsupported")},
		{"l1tf", state(!amd && !lacks(noRDCL), vulnerable)},
		{"mds", state(!amd && !lacks(noMDS), vulnerable+"; SMT Host state unknown")},
		{"meltdown", state(!amd && !lacks(noRDCL), vulnerable)},
		{"mmio_stale_data", state(!amd && !lacks(noStaleData), vulnerable)},
		{"reg_file_data_sampling", state(intel && p.Family == 6 && slices.Contains(atoms, p.Model) && !lacks(noRFDS), vulnerable)},
		{"retbleed", state(!amd || p.Family >= 0x15 && p.Family <= 0x18, vulnerable)},
		{"spec_rstack_overflow", state(amd && p.Family >= 0x17 && p.Family <= 0x19, vulnerable)},
		{"spec_store_bypass", state(!p.NoSSB && !lacks(noSSB) && !(amd && p.Family >= 0xf && p.Family <= 0x12), vulnerable)},
		{"spectre_v1", vulnerable},
		{"spectre_v2", vulnerable},
		{"srbds", state(!amd && !lacks(noStaleData), hidden)},
		{"tsa", state(amd && p.Family == 0x19, vulnerable)},
		{"tsx_async_abort", state(!amd && p.TSX && !lacks(noTAA), vulnerable)},
		{"vmscape", safe}, // it harms those who run guests
	}
}
