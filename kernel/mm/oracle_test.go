package mm

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/pagetable"
)

// The oracle's playground: pages at the same address here and in the address
// space under test, with nothing else near.
const (
	oracleBase  = 0x100000000000
	oraclePages = 24
)

// An oracle is Linux, doing in this process what the address space under test
// does.
type oracle struct {
	t    *testing.T
	file *os.File
	in   *os.File // a pipe from this process's memory
	out  *os.File
	buf  []byte
}

func newOracle(t *testing.T, filePages int) *oracle {
	// Files of other file systems may not be executed.
	fd, err := unix.MemfdCreate("oracle", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "oracle")
	for i := range filePages {
		file.Write(bytes.Repeat([]byte{byte('a' + i%26)}, int(pageSize)))
	}
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	o := &oracle{t: t, file: file, in: in, out: out, buf: make([]byte, pageSize)}
	t.Cleanup(func() {
		file.Close()
		in.Close()
		out.Close()
		o.call(syscall.SYS_MUNMAP, oracleBase, 4*oraclePages*pageSize)
	})
	return o
}

// call makes a system call and returns its result and error.
func (o *oracle) call(nr uintptr, args ...uintptr) (uintptr, error) {
	var a [6]uintptr
	copy(a[:], args)
	r, _, e := syscall.Syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	if e != 0 {
		return 0, abi.Errno(e)
	}
	return r, nil
}

// load reads a byte of user memory, through the kernel.
func (o *oracle) load(addr uintptr) (byte, error) {
	if _, err := o.call(syscall.SYS_WRITE, o.out.Fd(), addr, 1); err != nil {
		return 0, err
	}
	o.in.Read(o.buf[:1])
	return o.buf[0], nil
}

// store writes a byte of user memory, through the kernel.
func (o *oracle) store(addr uintptr, b byte) error {
	o.out.Write([]byte{b})
	if _, err := o.call(syscall.SYS_READ, o.in.Fd(), addr, 1); err != nil {
		o.in.Read(o.buf[:1])
		return err
	}
	return nil
}

// maps returns what is mapped in the playground: for each page its rights,
// whether it is shared, and the page of the file.
func (o *oracle) maps() string {
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		o.t.Fatal(err)
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		var start, end, offset uintptr
		var rights string
		fmt.Sscanf(line, "%x-%x %s %x", &start, &end, &rights, &offset)
		describe(&b, start, end, rights, offset, strings.Contains(line, ":oracle"))
	}
	return b.String()
}

func describe(b *strings.Builder, start, end uintptr, rights string, offset uintptr, file bool) {
	for addr := start; addr < end; addr += pageSize {
		if addr < oracleBase || addr >= oracleBase+4*oraclePages*pageSize {
			continue
		}
		fmt.Fprintf(b, "%d %s", (addr-oracleBase)/pageSize, rights)
		if file {
			fmt.Fprintf(b, " %d", (offset+addr-start)/pageSize)
		}
		b.WriteByte('\n')
	}
}

func ourMaps(as *AddressSpace, file Object) string {
	var b strings.Builder
	as.VMAs(func(v VMAInfo) bool {
		rights := []byte("---p")
		for i, c := range "rwx" {
			if v.Prot>>i&1 != 0 {
				rights[i] = byte(c)
			}
		}
		if v.Shared {
			rights[3] = 's'
		}
		dev, ino := file.Key()
		describe(&b, v.Start, v.End, string(rights), uintptr(v.Offset), v.Dev == dev && v.Ino == ino)
		return true
	})
	return b.String()
}

// hostCPUHas reports whether /proc/cpuinfo names a feature.
func hostCPUHas(t *testing.T, feature string) bool {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if name, flags, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "flags" {
			return slices.Contains(strings.Fields(flags), feature)
		}
	}
	return false
}

// hostCaller returns a caller with the capabilities that this process has.
func hostCaller(t *testing.T) Caller {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var caps uint64
		if n, _ := fmt.Sscanf(line, "CapEff: %x", &caps); n == 1 {
			return testCaller{all: caps>>abi.CAP_IPC_LOCK&1 != 0}
		}
	}
	t.Fatal("/proc/self/status tells no capabilities")
	return nil
}

// hostLimit returns a limit that this process has.
func hostLimit(resource int) uint64 {
	var l unix.Rlimit
	if unix.Prlimit(0, resource, nil, &l) != nil {
		return ^uint64(0)
	}
	return l.Cur
}

// TestAgainstLinux does random things here and on Linux, and compares results,
// errors, areas and contents. What the processor and the limits of the process
// make Linux do, the address space under test does as well.
func TestAgainstLinux(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	pagetable.SetExecuteOnly(hostCPUHas(t, "ospke"))
	defer pagetable.SetExecuteOnly(false)
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { againstLinux(t, seed, 1000) })
	}
}

func againstLinux(t *testing.T, seed uint64, steps int) {
	const filePages = 10
	as := newTestSpace(t)
	as.SetLimits(func(resource int) uint64 {
		if resource == abi.RLIMIT_MEMLOCK {
			return hostLimit(resource)
		}
		return ^uint64(0)
	})
	caller := hostCaller(t)
	o := newOracle(t, filePages)
	object := newTestObject(t, filePages)
	defer as.Munmap(oracleBase, 4*oraclePages*pageSize)
	r := rand.New(rand.NewPCG(seed, 1))
	page := func() uintptr { return oracleBase + uintptr(r.IntN(oraclePages))*pageSize }
	length := func() uintptr { return uintptr(r.IntN(7)) * pageSize }
	prot := func() int { return []int{0, 1, 3, 3, 3, 3, 5, 2, 4, 7}[r.IntN(10)] }

	for step := range steps {
		addr, n := page(), length()
		if r.IntN(10) == 0 {
			addr += uintptr(r.IntN(2)) * 0x123
			n += uintptr(r.IntN(2)) * 0x456
		}
		var what string
		var got, want uintptr
		var err, wantErr error
		switch r.IntN(12) {
		case 0, 1, 2:
			p := prot()
			flags := []int{abi.MAP_PRIVATE, abi.MAP_SHARED, 0, abi.MAP_PRIVATE, abi.MAP_SHARED_VALIDATE}[r.IntN(5)]
			flags |= []int{abi.MAP_FIXED, abi.MAP_FIXED, abi.MAP_FIXED_NOREPLACE}[r.IntN(3)]
			fd, offset := ^uintptr(0), uintptr(0)
			args := MmapArgs{Addr: addr, Length: n, Prot: p, Flags: flags}
			if r.IntN(2) == 0 {
				fd, offset = o.file.Fd(), uintptr(r.IntN(filePages))*pageSize
				args.Object, args.Offset = object, uint64(offset)
			} else {
				args.Flags |= abi.MAP_ANONYMOUS
			}
			if flags&abi.MAP_TYPE == abi.MAP_SHARED_VALIDATE && flags&abi.MAP_FIXED_NOREPLACE != 0 {
				continue // versions of Linux differ
			}
			what = fmt.Sprintf("mmap(%#x, %#x, %d, %#x, object %v, %#x)", addr, n, p, args.Flags, args.Object != nil, offset)
			got, err = as.Mmap(&args)
			want, wantErr = o.call(syscall.SYS_MMAP, addr, n, uintptr(p), uintptr(args.Flags), fd, offset)
		case 3:
			what = fmt.Sprintf("munmap(%#x, %#x)", addr, n)
			err = as.Munmap(addr, n)
			_, wantErr = o.call(syscall.SYS_MUNMAP, addr, n)
		case 4, 5:
			p := prot()
			what = fmt.Sprintf("mprotect(%#x, %#x, %d)", addr, n, p)
			err = as.Mprotect(nil, addr, n, p)
			_, wantErr = o.call(syscall.SYS_MPROTECT, addr, n, uintptr(p))
		case 6:
			newLen, to := length(), page()
			flags := []int{0, 0, abi.MREMAP_MAYMOVE | abi.MREMAP_FIXED, abi.MREMAP_MAYMOVE | abi.MREMAP_FIXED,
				abi.MREMAP_FIXED, abi.MREMAP_MAYMOVE | abi.MREMAP_FIXED | abi.MREMAP_DONTUNMAP}[r.IntN(6)]
			if v := as.vmas.at(addr); v != nil && addr+pageUp(n) > v.end {
				continue // versions of Linux differ on several areas at once
			}
			if v := as.vmas.at(addr); n == 0 && v != nil && !v.shared() {
				continue // versions of Linux differ on what is unmapped before the error
			}
			if addr+pageUp(n) >= to && to+pageUp(newLen) >= addr {
				continue // versions of Linux differ in the order of checks
			}
			if v := as.vmas.at(addr); flags&abi.MREMAP_DONTUNMAP != 0 && v != nil && v.m != nil {
				continue // versions of Linux differ on objects
			}
			what = fmt.Sprintf("mremap(%#x, %#x, %#x, %d, %#x)", addr, n, newLen, flags, to)
			got, err = as.Mremap(caller, addr, n, newLen, flags, to)
			want, wantErr = o.call(syscall.SYS_MREMAP, addr, n, newLen, uintptr(flags), to)
		case 7:
			advice := []int{abi.MADV_DONTNEED, abi.MADV_DONTNEED, abi.MADV_NORMAL, abi.MADV_DONTFORK, abi.MADV_DOFORK,
				abi.MADV_WIPEONFORK, abi.MADV_KEEPONFORK, abi.MADV_WILLNEED, 99}[r.IntN(9)]
			what = fmt.Sprintf("madvise(%#x, %#x, %d)", addr, n, advice)
			err = as.Madvise(nil, addr, n, advice)
			_, wantErr = o.call(syscall.SYS_MADVISE, addr, n, uintptr(advice))
		case 8:
			flags := r.IntN(8)
			what = fmt.Sprintf("msync(%#x, %#x, %d)", addr, n, flags)
			err = as.Msync(addr, n, flags)
			_, wantErr = o.call(syscall.SYS_MSYNC, addr, n, uintptr(flags))
		case 9:
			if r.IntN(2) == 0 {
				what = fmt.Sprintf("mlock(%#x, %#x)", addr, n)
				err = as.Mlock(caller, addr, n, false)
				_, wantErr = o.call(syscall.SYS_MLOCK, addr, n)
			} else {
				what = fmt.Sprintf("munlock(%#x, %#x)", addr, n)
				err = as.Munlock(addr, n)
				_, wantErr = o.call(syscall.SYS_MUNLOCK, addr, n)
			}
		default:
			b := byte(r.IntN(256))
			what = fmt.Sprintf("store(%#x, %d)", addr, b)
			_, err = as.CopyOut(addr, []byte{b})
			wantErr = o.store(addr, b)
		}
		if err != wantErr || err == nil && got != want {
			t.Fatalf("step %d: %s = %#x, %v; Linux: %#x, %v", step, what, got, err, want, wantErr)
		}
		if ours, theirs := ourMaps(as, object), o.maps(); ours != theirs {
			t.Fatalf("step %d: after %s = %v\n%sLinux:\n%s", step, what, err, ours, theirs)
		}
		for i := range uintptr(oraclePages) {
			addr := oracleBase + i*pageSize
			var b [1]byte
			_, err := as.CopyIn(b[:], addr)
			want, wantErr := o.load(addr)
			if err != wantErr || b[0] != want {
				t.Fatalf("step %d: after %s, at %#x %d, %v; Linux: %d, %v", step, what, addr, b[0], err, want, wantErr)
			}
		}
	}
}
