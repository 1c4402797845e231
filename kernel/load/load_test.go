package load

import "testing"

func TestConvergence(t *testing.T) {
	averages = [3]uint64{}
	for range 12 { // one minute
		sample(4)
	}
	a := Averages()
	// 4 * (1 - 1/e) = 2.53, 4 * (1 - exp(-1/5)) = 0.73, 4 * (1 - exp(-1/15)) = 0.26
	for i, want := range [3]float64{2.53, 0.73, 0.26} {
		got := float64(a[i]) / one
		if got < want-0.03 || got > want+0.03 {
			t.Errorf("average %d after a minute: %.3f, want %.2f", i, got, want)
		}
	}
	for range 12 * 120 {
		sample(4)
	}
	if a := Averages(); a[0] != 4*one || a[2] != 4*one {
		t.Errorf("averages after two hours: %v, want all %d", a, 4*one)
	}
	for range 12 * 240 {
		sample(0)
	}
	if a := Averages(); a != [3]uint64{} {
		t.Errorf("averages after four idle hours: %v, want 0", a)
	}
}
