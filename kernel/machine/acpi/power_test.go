package acpi

import "testing"

func TestSleepType(t *testing.T) {
	for _, tt := range []struct {
		name string
		dsdt string
		want byte
		ok   bool
	}{
		{"byte", "xx\x08_S5_\x12\x06\x04\x0a\x05\x00\x00", 5, true},
		{"zero", "\x08_S5_\x12\x06\x04\x00\x00\x00\x00", 0, true},
		{"long length", "\x08_S5_\x12\x46\x00\x04\x01\x00\x00", 1, true},
		{"cut short", "\x08_S5_\x12\x06", 0, false},
		{"none", "\x08_S3_\x12\x06\x04\x0a\x05", 0, false},
	} {
		if got, ok := sleepType([]byte(tt.dsdt)); got != tt.want || ok != tt.ok {
			t.Errorf("%s: %d, %v, want %d, %v", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}
