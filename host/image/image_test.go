package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"strings"
	"testing"

	"kevlar/kernel/machine/layout"
)

// kernelFile makes an ELF file like the linker's: a text and a data segment
// above layout.KernelText, and a symbol for the entry.
func kernelFile(t *testing.T, symbol string, dataFlags elf.ProgFlag) []byte {
	t.Helper()
	const (
		text    = layout.KernelText - pageSize
		data    = text + 2*pageSize
		dataMem = 3*pageSize + 100
	)
	contents := make([]byte, 4*pageSize)
	copy(contents[pageSize:], "text")
	copy(contents[2*pageSize:], "data")
	// The last page holds the string and symbol tables and the sections.
	names := "\x00" + symbol + "\x00"
	shstr := "\x00.shstrtab\x00.strtab\x00.symtab\x00"
	at := 3 * pageSize
	strAt := at
	at += copy(contents[at:], names)
	shstrAt := at
	at += copy(contents[at:], shstr)
	at = (at + 7) &^ 7
	symAt := at
	put := func(v any) {
		var b bytes.Buffer
		binary.Write(&b, binary.LittleEndian, v)
		at += copy(contents[at:], b.Bytes())
	}
	put([]elf.Sym64{{}, {Name: 1, Info: byte(elf.STB_GLOBAL) << 4, Shndx: 1, Value: layout.KernelText + 0x40}})
	shAt := at
	put([]elf.Section64{
		{},
		{Name: 1, Type: uint32(elf.SHT_STRTAB), Off: uint64(shstrAt), Size: uint64(len(shstr))},
		{Name: 11, Type: uint32(elf.SHT_STRTAB), Off: uint64(strAt), Size: uint64(len(names))},
		{Name: 19, Type: uint32(elf.SHT_SYMTAB), Off: uint64(symAt), Size: 2 * elf.Sym64Size, Link: 2, Entsize: elf.Sym64Size},
	})
	at = 0
	h := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1, Entry: layout.KernelText,
		Phoff: 64, Shoff: uint64(shAt), Ehsize: 64, Phentsize: 56, Phnum: 2, Shentsize: 64, Shnum: 4, Shstrndx: 1,
	}
	copy(h.Ident[:], "\x7fELF\x02\x01\x01")
	put(h)
	put([]elf.Prog64{
		{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Off: pageSize, Vaddr: text, Filesz: pageSize, Memsz: pageSize},
		{Type: uint32(elf.PT_LOAD), Flags: uint32(dataFlags), Off: 2 * pageSize, Vaddr: data, Filesz: pageSize, Memsz: dataMem},
	})
	return contents
}

func TestBuild(t *testing.T) {
	img, err := Build(kernelFile(t, layout.EntrySymbol+".abi0", elf.PF_R|elf.PF_W))
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(img))
	if err != nil {
		t.Fatal(err)
	}
	if f.Entry != layout.Stub || len(f.Progs) != 4 {
		t.Fatalf("entry %#x, %d program headers", f.Entry, len(f.Progs))
	}
	for i, want := range []struct{ paddr, memsz uint64 }{
		{layout.Stub, uint64(pageKernelPT+1) * pageSize},
		{layout.KernelText - pageSize - layout.KernelBase, pageSize},
		{layout.KernelText + pageSize - layout.KernelBase, 3*pageSize + 100},
	} {
		if p := f.Progs[i]; p.Paddr != want.paddr || p.Memsz != want.memsz {
			t.Errorf("segment %d at %#x with %#x bytes, want %#x with %#x", i, p.Paddr, p.Memsz, want.paddr, want.memsz)
		}
	}
	note := make([]byte, noteSize)
	if f.Progs[3].Type != elf.PT_NOTE {
		t.Fatalf("last program header is %v", f.Progs[3].Type)
	}
	f.Progs[3].ReadAt(note, 0)
	if string(note[12:16]) != "Xen\x00" || binary.LittleEndian.Uint32(note[8:]) != 18 || binary.LittleEndian.Uint32(note[16:]) != layout.Stub {
		t.Errorf("note % x", note)
	}
}

// translate walks the boot page tables in the stub segment.
func translate(stub []byte, va uint64) (entry uint64, size uint64) {
	table := uint64(layout.Stub + pagePML4*pageSize)
	for shift := uint(39); ; shift -= 9 {
		entry = binary.LittleEndian.Uint64(stub[table-layout.Stub+va>>shift&511*8:])
		if entry&layout.PTEPresent == 0 || shift == 12 || entry&layout.PTEHuge != 0 {
			return entry, 1 << shift
		}
		table = entry & layout.PTEFrame
	}
}

func TestBootPageTables(t *testing.T) {
	img, err := Build(kernelFile(t, layout.EntrySymbol, elf.PF_R|elf.PF_W))
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(img))
	if err != nil {
		t.Fatal(err)
	}
	stub := make([]byte, f.Progs[0].Filesz)
	f.Progs[0].ReadAt(stub, 0)
	const rights = layout.PTEPresent | layout.PTEWrite | layout.PTENoExec | layout.PTEUser | layout.PTEUncached
	const present, write, noExec = layout.PTEPresent, layout.PTEWrite, layout.PTENoExec
	for _, tt := range []struct {
		what   string
		va, pa uint64
		rights uint64
	}{
		{"between the segments", layout.KernelText, 0, 0},
		{"text", layout.KernelText - pageSize, layout.KernelText - pageSize - layout.KernelBase, present},
		{"data", layout.KernelText + pageSize, layout.KernelText + pageSize - layout.KernelBase, present | write | noExec},
		{"last page of bss", layout.KernelText + 4*pageSize, layout.KernelText + 4*pageSize - layout.KernelBase, present | write | noExec},
		{"beyond bss", layout.KernelText + 5*pageSize, 0, 0},
		{"direct map", layout.DirectMap + 5<<20, 4 << 20, present | write | noExec},
		{"direct map of devices", layout.DirectMap + 0xfee00000, 0xfee00000, present | write | noExec | layout.PTEUncached},
		{"end of the direct map", layout.DirectMap + layout.DirectMapBoot - 1, layout.DirectMapBoot - 2<<20, present | write | noExec | layout.PTEUncached},
		{"identity", layout.Stub, 0, present | write},
		{"user half", 4 << 20, 0, 0},
	} {
		entry, size := translate(stub, tt.va)
		if entry&rights != tt.rights {
			t.Errorf("%s: rights %#x, want %#x", tt.what, entry&rights, tt.rights)
		}
		if tt.rights != 0 && entry&layout.PTEFrame != tt.pa&^(size-1) {
			t.Errorf("%s: maps %#x, want %#x", tt.what, entry&layout.PTEFrame, tt.pa)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		file []byte
		want string
	}{
		{"nothing", nil, "kernel"},
		{"no entry symbol", kernelFile(t, "main.main", elf.PF_R|elf.PF_W), layout.EntrySymbol},
		{"writable code", kernelFile(t, layout.EntrySymbol, elf.PF_R|elf.PF_W|elf.PF_X), "writable and executable"},
	} {
		if _, err := Build(tt.file); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
