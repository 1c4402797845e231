package accel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func probe(t *testing.T, device bool, cpuinfo string) Probe {
	t.Helper()
	dir := t.TempDir()
	p := Probe{Device: filepath.Join(dir, "kvm"), CPUInfo: filepath.Join(dir, "cpuinfo")}
	if device {
		if err := os.WriteFile(p.Device, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(p.CPUInfo, []byte(cpuinfo), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestChoose(t *testing.T) {
	const plain = "processor\t: 0\nflags\t\t: fpu vme svme vmxx\n"
	const amd = "processor\t: 0\nflags\t\t: fpu svm sse\n"
	const intel = "processor\t: 0\nflags\t\t: fpu vmx\n"
	tests := []struct {
		name    string
		device  bool
		cpuinfo string
		want    string
		mode    Mode
		reason  string
	}{
		{"both", true, amd, "auto", KVM, "svm"},
		{"intel", true, intel, "", KVM, "vmx"},
		{"device without hardware", true, plain, "auto", TCG, "neither vmx nor svm"},
		{"hardware without device", false, amd, "auto", TCG, "no such file"},
		{"empty cpuinfo", true, "", "auto", TCG, "neither"},
		{"tcg asked for", true, amd, "tcg", TCG, "asked for"},
		{"kvm asked for", true, intel, "kvm", KVM, "asked for"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := probe(t, tt.device, tt.cpuinfo).Choose(tt.want)
			if err != nil {
				t.Fatal(err)
			}
			if c.Mode != tt.mode || !strings.Contains(c.Reason, tt.reason) {
				t.Errorf("got %v, want %v because of %q", c, tt.mode, tt.reason)
			}
		})
	}
}

func TestChooseErrors(t *testing.T) {
	for _, tt := range []struct {
		device  bool
		cpuinfo string
		want    string
	}{
		{false, "flags : vmx", "no such file or directory; --accel tcg"},
		{true, "flags : fpu", "neither vmx nor svm; --accel tcg"},
	} {
		if _, err := probe(t, tt.device, tt.cpuinfo).Choose("kvm"); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("kvm with device %v and %q: %v", tt.device, tt.cpuinfo, err)
		}
	}
	if _, err := probe(t, true, "").Choose("xen"); err == nil {
		t.Error("an unknown accelerator was granted")
	}
}
