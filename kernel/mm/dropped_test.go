package mm

import "testing"

// TestDropped drops last references where nothing can be destroyed.
func TestDropped(t *testing.T) {
	before := Spaces()
	var last Dropped
	var list [3]*AddressSpace
	for i := range list {
		as, err := New(nil)
		if err != nil {
			t.Fatal(err)
		}
		list[i] = as
	}
	list[1].Get()
	for _, as := range list {
		last.Put(as)
		if as.Gone() {
			t.Error("destroyed by Put")
		}
	}
	for range 2 {
		last.Release()
		if !list[0].Gone() || list[1].Gone() || !list[2].Gone() {
			t.Errorf("gone: %v, %v, %v", list[0].Gone(), list[1].Gone(), list[2].Gone())
		}
	}
	list[1].Put()
	if n := Spaces(); n != before {
		t.Errorf("%d address spaces, %d before", n, before)
	}
}
