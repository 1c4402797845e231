package usercopy

import (
	"bytes"
	"os"
	"testing"

	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/pagetable"
)

func TestMain(m *testing.M) {
	frame.InitSoft(256)
	os.Exit(m.Run())
}

const (
	page = frame.Size
	base = uintptr(0x10000)
)

// lengths are those for which a copy may take another path.
func lengths() (ns []int) {
	for n := range 65 {
		ns = append(ns, n)
	}
	for n := page - 16; n <= page+16; n++ {
		ns = append(ns, n)
	}
	return ns
}

// twoPages returns a table with pages at base and the next address, both
// writable, after which nothing is mapped, and the frames' contents.
func twoPages(t *testing.T) (*pagetable.Table, [2]*[page]byte) {
	t.Helper()
	tab, err := pagetable.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		var d pagetable.Teardown
		d.Begin(tab)
		d.Span(base, base+3*page)
		d.End()
	})
	var data [2]*[page]byte
	for i := range data {
		f, err := frame.AllocZero()
		if err != nil {
			t.Fatal(err)
		}
		if err := tab.Map(base+uintptr(i)*page, f, pagetable.Read|pagetable.Write); err != nil {
			t.Fatal(err)
		}
		data[i] = f.Data()
	}
	return tab, data
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(1 + i%251)
	}
	return b
}

// TestEveryFault copies every length so that each of its bytes once is the
// first that faults, and also so that none does.
func TestEveryFault(t *testing.T) {
	tab, data := twoPages(t)
	end := base + 2*page
	for _, n := range lengths() {
		for good := 0; good <= n; good++ {
			addr := end - uintptr(good)
			wantLeft, wantFault := n-good, end
			if wantLeft == 0 {
				wantFault = 0
			}
			src := pattern(n)

			*data[0], *data[1] = [page]byte{}, [page]byte{}
			if left, fault := Out(tab, addr, src); left != wantLeft || fault != wantFault {
				t.Fatalf("Out of %d bytes, %d good: left %d, fault %#x", n, good, left, fault)
			}
			both := append(data[0][:len(data[0]):len(data[0])], data[1][:]...)
			if !bytes.Equal(both[2*page-good:], src[:good]) || bytes.Count(both, []byte{0}) != 2*page-good {
				t.Fatalf("Out of %d bytes, %d good: wrong bytes", n, good)
			}

			dst := bytes.Repeat([]byte{0xee}, n+1)
			if left, fault := In(tab, dst[:n], addr); left != wantLeft || fault != wantFault {
				t.Fatalf("In of %d bytes, %d good: left %d, fault %#x", n, good, left, fault)
			}
			if !bytes.Equal(dst[:good], src[:good]) || bytes.Count(dst[good:], []byte{0xee}) != n+1-good {
				t.Fatalf("In of %d bytes, %d good: wrong bytes", n, good)
			}

			for i := range data {
				for j := range data[i] {
					data[i][j] = 0xee
				}
			}
			if left, fault := Zero(tab, addr, n); left != wantLeft || fault != wantFault {
				t.Fatalf("Zero of %d bytes, %d good: left %d, fault %#x", n, good, left, fault)
			}
			both = append(data[0][:len(data[0]):len(data[0])], data[1][:]...)
			if bytes.Count(both, []byte{0}) != good || bytes.Count(both[2*page-good:], []byte{0}) != good {
				t.Fatalf("Zero of %d bytes, %d good: wrong bytes", n, good)
			}
			if n > 64 && good > 32 && good < n-32 {
				good = min(good+97, n-32) // the middle of long copies is all alike
			}
		}
	}
}

func TestRights(t *testing.T) {
	tab, _ := twoPages(t)
	tab.Protect(base+page, base+2*page, pagetable.Read)
	buf := make([]byte, 20)
	if left, fault := Out(tab, base+page-10, buf); left != 10 || fault != base+page {
		t.Errorf("Out onto a read-only page: left %d, fault %#x", left, fault)
	}
	if left, _ := In(tab, buf, base+page-10); left != 0 {
		t.Errorf("In from a read-only page: left %d", left)
	}
	tab.Protect(base+page, base+2*page, 0)
	if left, fault := In(tab, buf, base+page-10); left != 10 || fault != base+page {
		t.Errorf("In from a page without rights: left %d, fault %#x", left, fault)
	}
}

func TestOutsideOfUserMemory(t *testing.T) {
	tab, _ := twoPages(t)
	buf := make([]byte, 8)
	for _, addr := range []uintptr{0, 1 << 47, 1<<64 - page, 0xffff888000000000, 1<<64 - 4} {
		if left, fault := In(tab, buf, addr); left != len(buf) || fault != addr {
			t.Errorf("In from %#x: left %d, fault %#x", addr, left, fault)
		}
		if left, _ := Out(tab, addr, buf); left != len(buf) {
			t.Errorf("Out to %#x: left %d", addr, left)
		}
		if left, _ := Zero(tab, addr, 8); left != 8 {
			t.Errorf("Zero at %#x: left %d", addr, left)
		}
		if _, ok := Load32(tab, addr); ok {
			t.Errorf("Load32 at %#x succeeded", addr)
		}
		if _, _, ok := CompareAndSwap32(tab, addr, 0, 1); ok {
			t.Errorf("CompareAndSwap32 at %#x succeeded", addr)
		}
	}
	if left, _ := In(tab, nil, 1<<47); left != 0 {
		t.Error("an empty copy faulted")
	}
}

func TestWords(t *testing.T) {
	tab, data := twoPages(t)
	data[0][8] = 5
	if v, ok := Load32(tab, base+8); v != 5 || !ok {
		t.Errorf("Load32: %d, %v", v, ok)
	}
	if swapped, cur, ok := CompareAndSwap32(tab, base+8, 4, 6); swapped || cur != 5 || !ok {
		t.Errorf("with the wrong value: %v, %d, %v", swapped, cur, ok)
	}
	if swapped, cur, ok := CompareAndSwap32(tab, base+8, 5, 6); !swapped || cur != 5 || !ok {
		t.Errorf("with the right value: %v, %d, %v", swapped, cur, ok)
	}
	if data[0][8] != 6 {
		t.Errorf("the word is %d", data[0][8])
	}
	tab.Protect(base, base+page, pagetable.Read)
	if _, _, ok := CompareAndSwap32(tab, base+8, 6, 7); ok {
		t.Error("swapped on a read-only page")
	}
}
