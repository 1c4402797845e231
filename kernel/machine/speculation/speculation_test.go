package speculation

import "testing"

// TestFlaws compares with what Linux says of the same processors without mitigations. It always has one for
// l1tf, adds to Vulnerable what is vulnerable, and knows more of retbleed.
func TestFlaws(t *testing.T) {
	const vmx = "KVM: Mitigation: VMX unsupported"
	for _, tt := range []struct {
		name string
		p    Processor
		not  map[string]string // what is not safe
	}{
		{"QEMU's own", Processor{Vendor: "AuthenticAMD", Family: 15, Model: 107, Guest: true, AVX: true}, map[string]string{
			"spectre_v1": vulnerable, "spectre_v2": vulnerable,
		}},
		{"Skylake", Processor{Vendor: "GenuineIntel", Family: 6, Model: 94, Guest: true, AVX: true}, map[string]string{
			"spectre_v1": vulnerable, "spectre_v2": vulnerable, "gather_data_sampling": unknown, "srbds": unknown,
			"indirect_target_selection": vulnerable, "itlb_multihit": vmx, "l1tf": vulnerable, "mds": vulnerable + "; SMT Host state unknown",
			"meltdown": vulnerable, "mmio_stale_data": vulnerable, "retbleed": vulnerable, "spec_store_bypass": vulnerable,
		}},
		{"a later Intel", Processor{
			Vendor: "GenuineIntel", Family: 6, Model: 0xcf, Guest: true, AVX: true, TSX: true,
			Capabilities: noRDCL | noSSB | noMDS | noPageSize | noTAA | noStaleData | noGDS | noRFDS | noITS,
		}, map[string]string{"spectre_v1": vulnerable, "spectre_v2": vulnerable, "retbleed": vulnerable}},
		{"Zen 3", Processor{Vendor: "AuthenticAMD", Family: 0x19, Model: 0x21, Guest: true, AVX: true}, map[string]string{
			"spectre_v1": vulnerable, "spectre_v2": vulnerable, "spec_rstack_overflow": vulnerable, "spec_store_bypass": vulnerable, "tsa": vulnerable,
		}},
		{"an Atom of one's own", Processor{Vendor: "GenuineIntel", Family: 6, Model: 0xbe, TSX: true, Capabilities: noRDCL | noMDS | noPageSize | noStaleData | noITS}, map[string]string{
			"spectre_v1": vulnerable, "spectre_v2": vulnerable, "retbleed": vulnerable, "spec_store_bypass": vulnerable,
			"reg_file_data_sampling": vulnerable, "tsx_async_abort": vulnerable,
		}},
		{"nobody's", Processor{Vendor: "SomebodyElse", AVX: true}, map[string]string{
			"spectre_v1": vulnerable, "spectre_v2": vulnerable, "gather_data_sampling": vulnerable, "srbds": vulnerable,
			"indirect_target_selection": vulnerable, "itlb_multihit": vmx, "l1tf": vulnerable, "mds": vulnerable + "; SMT Host state unknown",
			"meltdown": vulnerable, "mmio_stale_data": vulnerable, "retbleed": vulnerable, "spec_store_bypass": vulnerable,
		}},
	} {
		flaws := tt.p.Flaws()
		if len(flaws) != 17 {
			t.Errorf("%s: %d flaws", tt.name, len(flaws))
		}
		for _, f := range flaws {
			want, ok := tt.not[f.Name]
			if !ok {
				want = safe
			}
			if f.State != want {
				t.Errorf("%s: %s: %q, want %q", tt.name, f.Name, f.State, want)
			}
		}
	}
}

func TestSignature(t *testing.T) {
	for _, tt := range []struct {
		signature     uint32
		family, model int
	}{
		{0x000506e3, 6, 0x5e}, {0x00a20f10, 0x19, 0x21}, {0x00060fb1, 15, 107}, {0x00000543, 5, 4},
	} {
		if f, m := decodeSignature(tt.signature); f != tt.family || m != tt.model {
			t.Errorf("%#x: family %#x, model %#x", tt.signature, f, m)
		}
	}
}
