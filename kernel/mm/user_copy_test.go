package mm

import (
	"bytes"
	"strings"
	"testing"

	"kevlar/kernel/abi"
)

func copyLengths() (ns []int) {
	for n := range 65 {
		ns = append(ns, n)
	}
	for n := int(pageSize) - 16; n <= int(pageSize)+16; n++ {
		ns = append(ns, n)
	}
	return ns
}

// TestCopyUpToTheEnd copies every length with every number of bytes before the
// end of the mapping, whose pages are not there yet at first.
func TestCopyUpToTheEnd(t *testing.T) {
	as := newTestSpace(t)
	mapAnon(t, as, base, 3)
	const end = base + 3*pageSize
	for _, n := range copyLengths() {
		for good := 0; good <= n; good++ {
			if n > 64 && good > 20 && good < n-20 {
				good = min(good+61, n-20)
			}
			as.Madvise(nil, base, 3*pageSize, abi.MADV_DONTNEED)
			addr := end - uintptr(good)
			src := bytes.Repeat([]byte{7}, n)
			var want error
			if good < n {
				want = abi.EFAULT
			}
			if k, err := as.CopyOut(addr, src); k != good || err != want {
				t.Fatalf("CopyOut of %d bytes, %d good: %d, %v", n, good, k, err)
			}
			dst := make([]byte, n+1)
			if k, err := as.CopyIn(dst[:n], addr); k != good || err != want {
				t.Fatalf("CopyIn of %d bytes, %d good: %d, %v", n, good, k, err)
			}
			if bytes.Count(dst[:good], []byte{7}) != good || bytes.Count(dst[good:], []byte{0}) != n+1-good {
				t.Fatalf("CopyIn of %d bytes, %d good: wrong bytes", n, good)
			}
			if k, err := as.ZeroOut(addr, n); k != good || err != want {
				t.Fatalf("ZeroOut of %d bytes, %d good: %d, %v", n, good, k, err)
			}
			as.CopyIn(dst[:good], addr)
			if bytes.Count(dst, []byte{7}) != 0 {
				t.Fatalf("ZeroOut of %d bytes, %d good: wrong bytes", n, good)
			}
		}
	}
}

func TestCopyOutOntoReadOnly(t *testing.T) {
	as := newTestSpace(t)
	mapAnon(t, as, base, 2)
	as.Mprotect(nil, base+pageSize, pageSize, abi.PROT_READ)
	if n, err := as.CopyOut(base+pageSize-3, []byte("12345")); n != 3 || err != abi.EFAULT {
		t.Errorf("CopyOut: %d, %v", n, err)
	}
	o := newTestObject(t, 1)
	mapAt(t, as, base+0x10000, 2, rw, abi.MAP_SHARED, o)
	if n, err := as.CopyOut(base+0x10000+pageSize-3, []byte("12345")); n != 3 || err != abi.EFAULT {
		t.Errorf("CopyOut behind the end of the object: %d, %v", n, err)
	}
	as.Munmap(base, 0x20000)
}

func TestReadString(t *testing.T) {
	as := newTestSpace(t)
	mapAnon(t, as, base, 2)
	const end = base + 2*pageSize
	long := strings.Repeat("long", 1000)
	for _, c := range []struct {
		addr uintptr
		text string
		max  int
		want string
		err  error
	}{
		{base, "short\x00", 4096, "short", nil},
		{base, "\x00", 4096, "", nil},
		{base, "short\x00", 6, "short", nil},
		{base, "short\x00", 5, "", abi.ENAMETOOLONG},
		{base, long + "\x00", 4096, long, nil},
		{base + 100, long + long[:95] + "\x00", 4096, long + long[:95], nil},
		{base, long + long + "\x00", 4096, "", abi.ENAMETOOLONG},
		{end - 3, "ab\x00", 4096, "ab", nil},
		{end - 3, "abc", 4096, "", abi.EFAULT},
		{end - 3, "abc", 3, "", abi.ENAMETOOLONG},
		{end, "", 4096, "", abi.EFAULT},
		{0, "", 4096, "", abi.EFAULT},
	} {
		if c.text != "" {
			put(t, as, c.addr, c.text)
		}
		if got, err := as.ReadString(c.addr, c.max); got != c.want || err != c.err {
			t.Errorf("%.8q at %#x, max %d: %.8q, %v; want %.8q, %v", c.text, c.addr, c.max, got, err, c.want, c.err)
		}
	}
}

func TestNumbers(t *testing.T) {
	as := newTestSpace(t)
	mapAnon(t, as, base, 2)
	for _, addr := range []uintptr{base, base + 1, base + pageSize - 2} {
		if err := as.WriteUint32(addr, 0x12345678); err != nil {
			t.Error(err)
		}
		if v, err := as.ReadUint32(addr); v != 0x12345678 || err != nil {
			t.Errorf("at %#x: %#x, %v", addr, v, err)
		}
		if err := as.WriteUint64(addr, 0x123456789abcdef0); err != nil {
			t.Error(err)
		}
		if v, err := as.ReadUint64(addr); v != 0x123456789abcdef0 || err != nil {
			t.Errorf("at %#x: %#x, %v", addr, v, err)
		}
	}
	const end = base + 2*pageSize
	if err := as.WriteUint32(end-2, 1); err != abi.EFAULT {
		t.Errorf("WriteUint32 over the end: %v", err)
	}
	if _, err := as.ReadUint64(end - 4); err != abi.EFAULT {
		t.Errorf("ReadUint64 over the end: %v", err)
	}
	if _, err := as.ReadUint32(end); err != abi.EFAULT {
		t.Errorf("ReadUint32 behind the end: %v", err)
	}
	as.WriteUint32(base, 3)
	if cur, err := as.CompareAndSwap32(base, 3, 4); cur != 3 || err != nil {
		t.Errorf("CompareAndSwap32: %d, %v", cur, err)
	}
	if cur, err := as.CompareAndSwap32(base, 3, 5); cur != 4 || err != nil {
		t.Errorf("CompareAndSwap32: %d, %v", cur, err)
	}
	if _, err := as.CompareAndSwap32(base+2, 0, 0); err != abi.EINVAL {
		t.Errorf("CompareAndSwap32 on an odd address: %v", err)
	}
	if _, err := as.CompareAndSwap32(end, 0, 0); err != abi.EFAULT {
		t.Errorf("CompareAndSwap32 behind the end: %v", err)
	}
}

func TestBuffer(t *testing.T) {
	as := newTestSpace(t)
	mapAnon(t, as, base, 3)
	b := NewBuffer(as, []abi.Iovec{{Base: base, Len: 3}, {Base: 5, Len: 0}, {Base: base + 100, Len: 5}, {Base: base + 3*pageSize - 2, Len: 4}})
	if b.Len() != 12 {
		t.Errorf("Len = %d", b.Len())
	}
	if n, err := b.Write([]byte("abcd")); n != 4 || err != nil {
		t.Errorf("Write: %d, %v", n, err)
	}
	if n, err := b.Zero(1); n != 1 || err != nil || b.Len() != 7 {
		t.Errorf("Zero: %d, %v, %d left", n, err, b.Len())
	}
	b.Skip(1)
	if n, err := b.Write([]byte("ghijklmn")); n != 4 || err != abi.EFAULT || b.Len() != 2 {
		t.Errorf("Write over a fault: %d, %v, %d left", n, err, b.Len())
	}
	if got := get(t, as, base, 3) + get(t, as, base+100, 5) + get(t, as, base+3*pageSize-2, 2); got != "abcd\x00\x00ghij" {
		t.Errorf("the user has %q", got)
	}

	b.Reset(as, base, 3)
	p := make([]byte, 8)
	if n, err := b.Read(p); n != 3 || err != nil || string(p[:3]) != "abc" {
		t.Errorf("Read: %d, %v, %q", n, err, p[:n])
	}
	if n, err := b.Read(p); n != 0 || err != nil {
		t.Errorf("Read at the end: %d, %v", n, err)
	}
	if n := testing.AllocsPerRun(100, func() {
		b.Reset(as, base, 8)
		b.Write(p)
		b.Reset(as, base, 8)
		b.Read(p)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestFutexKeys(t *testing.T) {
	as := newTestSpace(t)
	o := newTestObject(t, 4)
	mapAnon(t, as, base, 1)
	mapAt(t, as, base+0x10000, 2, rw, abi.MAP_SHARED, o)
	if _, err := as.Mmap(&MmapArgs{Addr: base + 0x20000, Length: pageSize, Prot: rw, Flags: abi.MAP_SHARED | abi.MAP_FIXED, Object: o, Offset: uint64(pageSize)}); err != nil {
		t.Fatal(err)
	}
	mapAt(t, as, base+0x30000, 1, rw, abi.MAP_SHARED|abi.MAP_ANONYMOUS, nil)
	child := fork(t, as)
	key := func(x *AddressSpace, addr uintptr, shared bool) Key {
		k, err := x.FutexKey(addr, shared)
		if err != nil {
			t.Errorf("FutexKey(%#x): %v", addr, err)
		}
		return k
	}
	equal := func(name string, a, b Key, want bool) {
		if (a == b) != want {
			t.Errorf("%s: %+v and %+v equal: %v", name, a, b, a == b)
		}
	}
	equal("private memory, declared shared or not", key(as, base+8, true), key(as, base+8, false), true)
	equal("private memory, parent and child", key(as, base+8, true), key(child, base+8, true), false)
	equal("neighbours", key(as, base+8, true), key(as, base+12, true), false)
	equal("two views of a file", key(as, base+0x11004, true), key(child, base+0x20004, true), true)
	equal("two pages of a file", key(as, base+0x10004, true), key(child, base+0x20004, true), false)
	equal("shared anonymous memory", key(as, base+0x30004, true), key(child, base+0x30004, true), true)
	equal("object and anonymous", key(as, base+0x30004, true), key(as, base+0x10004, true), false)
	for _, c := range []struct {
		addr uintptr
		want error
	}{{base + 2, abi.EINVAL}, {base + 0x40000, abi.EFAULT}, {1 << 63, abi.EFAULT}} {
		if _, err := as.FutexKey(c.addr, true); err != c.want {
			t.Errorf("FutexKey(%#x): %v, want %v", c.addr, err, c.want)
		}
	}
	as.Munmap(base, 0x40000)
	child.Munmap(base, 0x40000)
}
