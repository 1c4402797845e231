package random

import (
	"bytes"
	"testing"
)

func TestReadDiffersAndCrossesKeys(t *testing.T) {
	Add([]byte("seed"))
	a, b := make([]byte, 3*rekeyAfter/2), make([]byte, 3*rekeyAfter/2)
	Read(a)
	Read(b)
	if bytes.Equal(a, b) {
		t.Fatal("two reads gave the same bytes")
	}
	if bytes.Contains(b, a[:16]) {
		t.Error("output repeats after a new key")
	}
	var ones int
	for _, c := range a {
		for ; c != 0; c &= c - 1 {
			ones++
		}
	}
	if mean := float64(ones) / float64(len(a)); mean < 3.98 || mean > 4.02 {
		t.Errorf("%.3f one bits a byte, want 4", mean)
	}
}

func TestAddChangesTheStream(t *testing.T) {
	Add([]byte("one"))
	saved := *gen
	savedLeft := left
	x := Uint64()
	*gen, left = saved, savedLeft
	Add([]byte("two"))
	if y := Uint64(); x == y {
		t.Error("the same number before and after Add")
	}
}
