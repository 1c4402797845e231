package machine

import (
	"encoding/binary"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kevlar/kernel/machine/layout"
)

// Bits of control registers, of EFER and of page-table entries: Intel SDM volume 3, chapters 2 and 4.
const (
	cr0WP = 1 << 16
	cr0PG = 1 << 31

	cr4TSD      = 1 << 2
	cr4PCE      = 1 << 8
	cr4UMIP     = 1 << 11
	cr4FSGSBASE = 1 << 16
	cr4SMEP     = 1 << 20
	cr4SMAP     = 1 << 21
	cr4PKE      = 1 << 22

	eferSCE = 1 << 0
	eferNXE = 1 << 11

	pagePresent = 1 << 0
	pageWrite   = 1 << 1
	pageUser    = 1 << 2
	pageHuge    = 1 << 7
	pageNoExec  = 1 << 63
	pageFrame   = 0x000ffffffffff000
)

// memory is what the machine's RAM holds.
type memory []byte

func (m memory) word(pa uint64) uint64 {
	if pa+8 > uint64(len(m)) {
		return 0
	}
	return binary.LittleEndian.Uint64(m[pa:])
}

// A page is one mapping: rights are those of all levels together.
type page struct {
	va, pa, size        uint64
	write, user, noExec bool
}

// pages calls f for every mapping of the tables at root.
func (m memory) pages(root uint64, f func(page)) { m.walk(root&pageFrame, 39, 0, true, true, false, f) }

func (m memory) walk(table uint64, shift uint, va uint64, write, user, noExec bool, f func(page)) {
	for i := uint64(0); i < 512; i++ {
		e := m.word(table + i*8)
		if e&pagePresent == 0 {
			continue
		}
		at := va | i<<shift
		if shift == 39 && i >= 256 {
			at |= 0xffff << 48
		}
		w, u, x := write && e&pageWrite != 0, user && e&pageUser != 0, noExec || e&pageNoExec != 0
		if shift == 12 || e&pageHuge != 0 {
			size := uint64(1) << shift
			f(page{at, e & pageFrame &^ (size - 1), size, w, u, x})
			continue
		}
		m.walk(e&pageFrame, shift-9, at, w, u, x, f)
	}
}

// find returns the mapping of an address.
func (m memory) find(root, va uint64) (found page) {
	m.pages(root, func(p page) {
		if va-p.va < p.size {
			found = p
		}
	})
	return found
}

// registers are those of one processor, as the monitor names them.
type registers map[string]uint64

func (v *vm) registers() (cpus []registers) {
	names := regexp.MustCompile(`\b(CR0|CR3|CR4|EFER)=([0-9a-f]+)`)
	tables := regexp.MustCompile(`\b(GDT|IDT|LDT|TR) *= *(?:[0-9a-f]{4} )?([0-9a-f]+) ([0-9a-f]{8})`)
	for _, text := range strings.Split(v.hmp("info registers -a"), "CPU#")[1:] {
		r := registers{}
		set := func(name, hex string) { r[name], _ = strconv.ParseUint(hex, 16, 64) }
		for _, m := range names.FindAllStringSubmatch(text, -1) {
			set(m[1], m[2])
		}
		for _, m := range tables.FindAllStringSubmatch(text, -1) {
			set(m[1], m[2])
			set(m[1]+" limit", m[3])
		}
		cpus = append(cpus, r)
	}
	return cpus
}

// programSize is how many mappings a program that runs has at least.
const programSize = 20

// frozen returns a machine that has been stopped in the middle of its work, its memory and its processors. Each has
// the table of a program: one that begins or ends, or no program, has no mappings to look at.
func frozen(t *testing.T, flags ...string) (memory, []registers) {
	t.Helper()
	const mib = 128
	v := boot(t, append(append(root(t), "-m", fmt.Sprint(mib, "M")), flags...)...)
	v.await(`~ # `)
	v.typed("while :; do ls -l /proc/self/ >/dev/null; done & while :; do echo $((i += 1)) >/dev/null; done & echo they r''un")
	v.await("they run")
	file := v.path("memory")
	for range 100 {
		v.qmp("stop", nil)
		v.qmp("pmemsave", map[string]any{"val": 0, "size": mib << 20, "filename": file})
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, cpus := memory(b), v.registers()
		if !slices.ContainsFunc(cpus, func(r registers) bool { return m.programPages(r["CR3"]) < programSize }) {
			return m, cpus
		}
		v.qmp("cont", nil)
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the processors never run programs all at once")
	return nil, nil
}

// programPages counts the mappings in the user's half.
func (m memory) programPages(root uint64) (n int) {
	m.pages(root, func(p page) {
		if p.va < userEnd {
			n++
		}
	})
	return n
}

// userEnd is the end of the user's half of the addresses.
const userEnd = 1 << 63

// TestHardening checks what the processors are told to guard, and every mapping that there is.
func TestHardening(t *testing.T) {
	m, cpus := frozen(t, "-cpu", "max", "-smp", "2")
	if len(cpus) != 2 {
		t.Fatalf("%d processors", len(cpus))
	}
	for i, r := range cpus {
		check := func(register string, set, clear uint64) {
			if v := r[register]; v&set != set || v&clear != 0 {
				t.Errorf("CPU %d: %s is %#x, want bits %#x and not %#x", i, register, v, set, clear)
			}
		}
		check("CR0", cr0WP|cr0PG, 0)
		check("CR4", cr4UMIP|cr4FSGSBASE|cr4SMEP|cr4SMAP|cr4PKE, cr4TSD|cr4PCE)
		check("EFER", eferSCE|eferNXE, 0)
		checkPages(t, m, r["CR3"])
		checkTables(t, m, r)
	}
}

// TestHardeningWithout checks that a processor without the newer features is used with what it has.
func TestHardeningWithout(t *testing.T) {
	m, cpus := frozen(t, "-cpu", "max,-smap,-umip,-pku")
	for _, r := range cpus {
		if r["CR4"]&(cr4SMEP|cr4SMAP|cr4UMIP|cr4PKE) != cr4SMEP {
			t.Errorf("CR4 is %#x", r["CR4"])
		}
		checkPages(t, m, r["CR3"])
	}
}

// checkPages checks every mapping of one processor: nothing can be written and executed, nothing of the
// kernel is the user's, and what is read-only has no other mapping where it can be written.
func checkPages(t *testing.T, m memory, root uint64) {
	readOnly := map[uint64]uint64{} // by frame, the address
	kernel, user, executable := 0, 0, 0
	m.pages(root, func(p page) {
		if p.write && !p.noExec {
			t.Errorf("%#x (%#x bytes) can be written and executed", p.va, p.size)
		}
		if p.va < userEnd {
			user++
			if !p.user {
				t.Errorf("%#x is a mapping of the kernel's in the user's half", p.va)
			}
			return
		}
		kernel++
		if p.user {
			t.Errorf("%#x is a mapping of the user's in the kernel's half", p.va)
		}
		if !p.noExec {
			executable++
		}
		// Descriptor tables are shown at addresses that tell nothing, and are data like other data.
		if !p.write && p.va < layout.Descriptors {
			for pa := p.pa; pa < p.pa+p.size; pa += 4096 {
				readOnly[pa] = p.va
			}
		}
	})
	m.pages(root, func(p page) {
		for pa := p.pa; pa < p.pa+p.size; pa += 4096 {
			va, ok := readOnly[pa]
			if ok && p.write {
				t.Errorf("the page at %#x can be written at %#x", va, p.va+pa-p.pa)
			}
			if ok && p.va < userEnd {
				t.Errorf("the page at %#x is in the user's half at %#x", va, p.va)
			}
		}
	})
	// Text is some hundreds of pages, constants as many.
	if kernel < 1000 || user < programSize || executable < 200 || len(readOnly) < 500 {
		t.Errorf("%d mappings of the kernel, %d of the user, %d executable, %d read-only frames", kernel, user, executable, len(readOnly))
	}
}

// checkTables checks the descriptor tables: 64-bit code alone for programs, no gates but those of the
// interrupt table, into the kernel's text, no local table, no ports.
func checkTables(t *testing.T, m memory, r registers) {
	root := r["CR3"]
	word := func(va uint64) uint64 {
		p := m.find(root, va)
		return m.word(p.pa + va - p.va)
	}
	const (
		present = 1 << 47
		normal  = 1 << 44 // code or data
		code    = 1 << 43
		long    = 1 << 53
	)
	tss := uint64(0)
	for i := uint64(0); i*8 < r["GDT limit"]; i++ {
		d := word(r["GDT"] + i*8)
		level := d >> 45 & 3
		switch {
		case d&present == 0:
		case d&normal == 0:
			if kind := d >> 40 & 15; kind != 9 && kind != 11 || level != 0 { // a TSS, available or busy
				t.Errorf("GDT entry %d is a gate or a local table: %#x", i, d)
			}
			tss = d>>16&0xffffff | d>>56<<24 | word(r["GDT"]+i*8+8)<<32
			if limit, ports := d&0xffff, word(tss+96)>>48; ports <= limit {
				t.Errorf("the TSS has a bit map of ports: at %d of %d", ports, limit)
			}
			i++
		case d&code != 0 && d&long == 0:
			t.Errorf("GDT entry %d is for 32-bit code: %#x", i, d)
		}
	}
	if tss == 0 {
		t.Error("there is no TSS")
	}
	if r["LDT limit"] > 7 && r["LDT"] < 1<<63 {
		t.Errorf("the local descriptor table is at %#x, limit %#x", r["LDT"], r["LDT limit"])
	}
	gates := 0
	for i := uint64(0); i*16 < r["IDT limit"]; i++ {
		low, high := word(r["IDT"]+i*16), word(r["IDT"]+i*16+8)
		if low&present == 0 {
			continue
		}
		gates++
		to := low&0xffff | low>>48<<16 | high<<32
		if p := m.find(root, to); p.size == 0 || p.write || p.noExec || p.user || p.va < 1<<63 {
			t.Errorf("gate %d leads to %#x, which is no text", i, to)
		}
		if level := low >> 45 & 3; low>>16&0xffff != 8 || low>>40&15 != 14 || level != 0 && i != 3 && i != 4 {
			t.Errorf("gate %d is %#x", i, low)
		}
		if low>>32&7 == 0 {
			t.Errorf("gate %d has no stack of its own", i)
		}
	}
	if gates < 34 {
		t.Errorf("%d gates", gates)
	}
}
