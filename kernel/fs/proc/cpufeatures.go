package proc

import "strings"

// features returns the names of a processor's features in the order in which
// Linux prints them.
func features(id cpuid, level, top uint32) []string {
	var names []string
	for _, t := range featureTables {
		if limit := level; t.leaf > limit && t.leaf < 0x80000000 {
			continue
		}
		if t.leaf >= 0x80000000 && t.leaf > top {
			continue
		}
		var r [4]uint32
		r[0], r[1], r[2], r[3] = id(t.leaf, t.subleaf)
		for bit, name := range t.bits() {
			if name != "-" && r[t.register]>>bit&1 != 0 {
				names = append(names, name)
			}
		}
	}
	return names
}

// A featureTable names the bits of one register of CPUID.
type featureTable struct {
	leaf, subleaf uint32
	register      int    // 0 to 3: EAX, EBX, ECX, EDX
	names         string // from bit 0 up; - where Linux prints nothing
}

func (t *featureTable) bits() []string { return strings.Fields(t.names) }

const (
	eax = iota
	ebx
	ecx
	edx
)

// featureTables are in the order of Linux's feature words. The names are those
// that programs look for in /proc/cpuinfo.
var featureTables = []featureTable{
	{1, 0, edx, `fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov
		pat pse36 pn clflush - dts acpi mmx fxsr sse sse2 ss ht tm ia64 pbe`},
	{0x80000001, 0, edx, `- - - - - - - - - - - syscall - - - -
		- - - mp nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm 3dnowext 3dnow`},
	{1, 0, ecx, `pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm
		- pcid dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor`},
	{0x80000001, 0, ecx, `lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop skinit wdt - lwp
		fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb - bpext ptsc perfctr_llc mwaitx - -`},
	{7, 0, ebx, `fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a
		avx512f avx512dq rdseed adx smap avx512ifma - clflushopt clwb intel_pt avx512pf avx512er avx512cd sha_ni avx512bw avx512vl`},
	{0xd, 1, eax, `xsaveopt xsavec xgetbv1 xsaves`},
	{7, 1, eax, `- - - - avx_vnni avx512_bf16`},
	{0x80000008, 0, ebx, `clzero irperf xsaveerptr - rdpru - - - - wbnoinvd - - - - - -
		- - - - - - - amd_ppin - - - - - - - -`},
	{6, 0, eax, `dtherm ida arat - pln - pts hwp hwp_notify hwp_act_window hwp_epp hwp_pkg_req`},
	{0x8000000a, 0, edx, `npt lbrv svm_lock nrip_save tsc_scale vmcb_clean flushbyasid decodeassists - - pausefilter - pfthreshold avic - v_vmsave_vmload
		vgif x2avic - - v_spec_ctrl - - - - vnmi - - - - - -`},
	{7, 0, ecx, `- avx512vbmi umip pku ospke waitpkg avx512_vbmi2 - gfni vaes vpclmulqdq avx512_vnni avx512_bitalg tme avx512_vpopcntdq -
		la57 - - - - - rdpid - bus_lock_detect cldemote - movdiri movdir64b enqcmd sgx_lc -`},
	{0x80000007, 0, ebx, `overflow_recov succor - smca`},
	{7, 0, edx, `- - avx512_4vnniw avx512_4fmaps fsrm - - - avx512_vp2intersect - md_clear - - - serialize -
		tsxldtrk - pconfig arch_lbr ibt - amx_bf16 avx512_fp16 amx_tile amx_int8 - - flush_l1d arch_capabilities - -`},
}
