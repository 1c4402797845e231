package vdso

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"testing"
)

func TestImageIsASharedObject(t *testing.T) {
	functions := Functions()
	img, err := Image(functions)
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(img))
	if err != nil {
		t.Fatal(err)
	}
	if f.Type != elf.ET_DYN || f.Machine != elf.EM_X86_64 {
		t.Errorf("type %v, machine %v", f.Type, f.Machine)
	}
	if n := len(f.Progs); n != 2 || f.Progs[0].Type != elf.PT_LOAD || f.Progs[1].Type != elf.PT_DYNAMIC {
		t.Fatalf("%d program headers: %v", n, f.Progs)
	}
	dyn := dynamic(t, img, f.Progs[1])
	str := func(at uint32) string {
		s := img[dyn[elf.DT_STRTAB]+uint64(at):]
		return string(s[:bytes.IndexByte(s, 0)])
	}
	if got := str(uint32(dyn[elf.DT_SONAME])); got != soName {
		t.Errorf("soname %q", got)
	}
	// Every symbol is found the way a libc looks for it: by the hash
	// table's chain, with the right version.
	le := binary.LittleEndian
	hash := dyn[elf.DT_HASH]
	found := map[string]bool{}
	for i := le.Uint32(img[hash+8:]); i != 0; i = le.Uint32(img[hash+12+4*uint64(i):]) {
		sym := img[dyn[elf.DT_SYMTAB]+uint64(i)*elf.Sym64Size:]
		found[str(le.Uint32(sym))] = true
		value, size := le.Uint64(sym[8:]), le.Uint64(sym[16:])
		if value < textOffset || value+size > PageSize || size == 0 {
			t.Errorf("%s at %#x, %d bytes", str(le.Uint32(sym)), value, size)
		}
		if v := le.Uint16(img[dyn[elf.DT_VERSYM]+2*uint64(i):]); v != versionIndex {
			t.Errorf("%s has version %d", str(le.Uint32(sym)), v)
		}
	}
	for _, fn := range functions {
		if !found[fn.Name] {
			t.Errorf("%s is not in the hash table", fn.Name)
		}
	}
	def := dyn[elf.DT_VERDEF]
	second := def + uint64(le.Uint32(img[def+16:]))
	aux := second + uint64(le.Uint32(img[second+12:]))
	if name := str(le.Uint32(img[aux:])); name != versionName || le.Uint32(img[second+8:]) != 0x3ae75f6 {
		t.Errorf("version %q with hash %#x", name, le.Uint32(img[second+8:]))
	}
}

func dynamic(t *testing.T, img []byte, p *elf.Prog) map[elf.DynTag]uint64 {
	d := map[elf.DynTag]uint64{}
	for at := p.Off; at < p.Off+p.Filesz; at += 16 {
		d[elf.DynTag(binary.LittleEndian.Uint64(img[at:]))] = binary.LittleEndian.Uint64(img[at+8:])
	}
	return d
}

func TestCodePointsAtTheVvarPage(t *testing.T) {
	lea := []byte{0x4c, 0x8d, 0x1d} // LEAQ disp(RIP), R11
	img, err := Image(Functions())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for at := textOffset; ; n++ {
		i := bytes.Index(img[at:], lea)
		if i < 0 {
			break
		}
		at += i + len(lea) + 4
		target := at + int(int32(binary.LittleEndian.Uint32(img[at-4:])))
		if target != -PageSize {
			t.Errorf("the code before %#x reads at %#x, want one page below the image", at, target)
		}
	}
	if n != 3 {
		t.Errorf("%d functions read the clock, want 3", n)
	}
}

func TestTooMuchCode(t *testing.T) {
	if _, err := Image([]Function{{"f", make([]byte, PageSize)}}); err == nil {
		t.Error("no error for code larger than the page")
	}
}
