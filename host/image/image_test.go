package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"strings"
	"testing"

	"kevlar/kernel/machine/layout"
)

// A linked describes an ELF file like the linker's: a text segment, one with
// constants and what a dynamic loader reads, one that relocation settles, and
// one with data, a page each. The data segment goes on in memory.
type linked struct {
	kind       elf.Type
	image      uint64 // address of the first segment
	symbol     string // of the entry
	dataFlags  elf.ProgFlag
	relro      uint64 // address of what relocation settles
	relocation elf.R_X86_64
	at         uint64 // of the second relocation; the first is in what is settled
}

var good = linked{
	kind: elf.ET_DYN, image: layout.KernelImage, symbol: layout.EntrySymbol + ".abi0",
	dataFlags: elf.PF_R | elf.PF_W, relro: settled, relocation: elf.R_X86_64_RELATIVE, at: dataAt + 16,
}

// Where things are in the file of good and in memory.
const (
	text       = layout.KernelImage
	constants  = text + 2*pageSize // a page is free before it
	settled    = constants + pageSize
	dataAt     = settled + pageSize
	dataMem    = 3*pageSize + 100
	loaderFrom = 0x800 // of the page of constants
)

// file returns the bytes of the file.
func (l linked) file(t *testing.T) []byte {
	t.Helper()
	contents := make([]byte, 6*pageSize)
	at := 0
	put := func(v any) {
		var b bytes.Buffer
		binary.Write(&b, binary.LittleEndian, v)
		at += copy(contents[at:], b.Bytes())
	}
	copy(contents[pageSize:], "text")
	copy(contents[2*pageSize:], "constants")
	copy(contents[3*pageSize:], "settled")
	copy(contents[4*pageSize:], "data")
	at = 2*pageSize + loaderFrom
	relative := uint64(l.relocation)
	put([]elf.Rela64{
		{Off: l.at, Info: relative, Addend: addend(text + 0x123)},
		{Off: settled + 8, Info: uint64(elf.R_X86_64_RELATIVE), Addend: addend(constants)},
	})
	copy(contents[at:], "loader's strings")

	// The last page holds the string and symbol tables and the sections.
	names := "\x00" + l.symbol + "\x00"
	shstr := "\x00.shstrtab\x00.strtab\x00.symtab\x00.rela\x00.dynstr\x00.rodata\x00"
	name := func(s string) uint32 { return uint32(strings.Index(shstr, s)) }
	at = 5 * pageSize
	strAt := at
	at += copy(contents[at:], names)
	shstrAt := at
	at += copy(contents[at:], shstr)
	at = (at + 7) &^ 7
	symAt := at
	put([]elf.Sym64{{}, {Name: 1, Info: byte(elf.STB_GLOBAL) << 4, Shndx: 1, Value: text + 0x40}})
	shAt := at
	const loaded = uint64(elf.SHF_ALLOC)
	put([]elf.Section64{
		{},
		{Name: name(".shstrtab"), Type: uint32(elf.SHT_STRTAB), Off: uint64(shstrAt), Size: uint64(len(shstr))},
		{Name: name(".strtab"), Type: uint32(elf.SHT_STRTAB), Off: uint64(strAt), Size: uint64(len(names))},
		{Name: name(".symtab"), Type: uint32(elf.SHT_SYMTAB), Off: uint64(symAt), Size: 2 * elf.Sym64Size, Link: 2, Entsize: elf.Sym64Size},
		{Name: name(".rodata"), Type: uint32(elf.SHT_PROGBITS), Flags: loaded, Addr: constants, Off: 2 * pageSize, Size: loaderFrom},
		{Name: name(".rela"), Type: uint32(elf.SHT_RELA), Flags: loaded, Addr: constants + loaderFrom, Off: 2*pageSize + loaderFrom, Size: 48, Entsize: 24},
		{Name: name(".dynstr"), Type: uint32(elf.SHT_STRTAB), Flags: loaded, Addr: constants + loaderFrom + 48, Off: 2*pageSize + loaderFrom + 48, Size: 16},
	})
	at = 0
	h := elf.Header64{
		Type: uint16(l.kind), Machine: uint16(elf.EM_X86_64), Version: 1, Entry: text,
		Phoff: 64, Shoff: uint64(shAt), Ehsize: 64, Phentsize: 56, Phnum: 5, Shentsize: 64, Shnum: 7, Shstrndx: 1,
	}
	copy(h.Ident[:], "\x7fELF\x02\x01\x01")
	put(h)
	load := func(kind elf.ProgType, page int, vaddr uint64, flags elf.ProgFlag, memory uint64) {
		put(elf.Prog64{Type: uint32(kind), Flags: uint32(flags), Off: uint64(page) * pageSize, Vaddr: vaddr, Filesz: pageSize, Memsz: memory})
	}
	load(elf.PT_LOAD, 1, l.image, elf.PF_R|elf.PF_X, pageSize)
	load(elf.PT_LOAD, 2, constants, elf.PF_R, pageSize)
	load(elf.PT_LOAD, 3, settled, elf.PF_R|elf.PF_W, pageSize)
	load(elf.PT_GNU_RELRO, 3, l.relro, elf.PF_R, pageSize)
	load(elf.PT_LOAD, 4, dataAt, l.dataFlags, dataMem)
	return contents
}

func addend(va uint64) int64 { return int64(va) }

func TestBuild(t *testing.T) {
	img, err := Build(good.file(t))
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(img))
	if err != nil {
		t.Fatal(err)
	}
	if f.Entry != layout.Stub || len(f.Progs) != 7 {
		t.Fatalf("entry %#x, %d program headers", f.Entry, len(f.Progs))
	}
	const list = dataAt + 4*pageSize - layout.KernelBase
	for i, want := range []struct{ paddr, memsz uint64 }{
		{layout.Stub, uint64(pageKernelPT+1) * pageSize},
		{text - layout.KernelBase, pageSize},
		{constants - layout.KernelBase, loaderFrom},
		{settled - layout.KernelBase, pageSize},
		{dataAt - layout.KernelBase, dataMem},
		{list, 12},
	} {
		if p := f.Progs[i]; p.Paddr != want.paddr || p.Memsz != want.memsz {
			t.Errorf("segment %d at %#x with %#x bytes, want %#x with %#x", i, p.Paddr, p.Memsz, want.paddr, want.memsz)
		}
	}
	note := make([]byte, noteSize)
	if f.Progs[6].Type != elf.PT_NOTE {
		t.Fatalf("last program header is %v", f.Progs[6].Type)
	}
	f.Progs[6].ReadAt(note, 0)
	if string(note[12:16]) != "Xen\x00" || binary.LittleEndian.Uint32(note[8:]) != 18 || binary.LittleEndian.Uint32(note[16:]) != layout.Stub {
		t.Errorf("note % x", note)
	}
}

// The relocations are applied for the address that the kernel is linked for,
// and listed for when it moves.
func TestRelocations(t *testing.T) {
	img, err := Build(good.file(t))
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(img))
	if err != nil {
		t.Fatal(err)
	}
	le := binary.LittleEndian
	word := func(prog int, offset int64) uint64 {
		var b [8]byte
		if _, err := f.Progs[prog].ReadAt(b[:], offset); err != nil {
			t.Fatal(err)
		}
		return le.Uint64(b[:])
	}
	if v := word(3, 8); v != constants {
		t.Errorf("%#x in what is settled", v)
	}
	if v := word(4, 16); v != text+0x123 {
		t.Errorf("%#x in the data", v)
	}
	var list [12]byte
	f.Progs[5].ReadAt(list[:], 0)
	for i, want := range []uint32{2, settled + 8 - text, dataAt + 16 - text} {
		if v := le.Uint32(list[4*i:]); v != want {
			t.Errorf("word %d of the list is %#x, want %#x", i, v, want)
		}
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
	img, err := Build(good.file(t))
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
		{"text", text, text - layout.KernelBase, present},
		{"between the segments", text + pageSize, 0, 0},
		{"constants", constants, constants - layout.KernelBase, present | noExec},
		{"settled by relocation", settled, settled - layout.KernelBase, present | noExec},
		{"data", dataAt, dataAt - layout.KernelBase, present | write | noExec},
		{"last page of bss", dataAt + 3*pageSize, dataAt + 3*pageSize - layout.KernelBase, present | write | noExec},
		{"beyond bss", dataAt + 4*pageSize, 0, 0},
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
	but := func(change func(*linked)) []byte {
		l := good
		change(&l)
		return l.file(t)
	}
	for _, tt := range []struct {
		name string
		file []byte
		want string
	}{
		{"nothing", nil, "kernel"},
		{"no entry symbol", but(func(l *linked) { l.symbol = "main.main" }), layout.EntrySymbol},
		{"writable code", but(func(l *linked) { l.dataFlags |= elf.PF_X }), "writable and executable"},
		{"a fixed address", but(func(l *linked) { l.kind = elf.ET_EXEC }), "anywhere"},
		{"another address", but(func(l *linked) { l.image -= pageSize }), "linked for"},
		{"nothing that relocation settles", but(func(l *linked) { l.relro = dataAt + pageSize }), "settles"},
		{"another relocation", but(func(l *linked) { l.relocation = elf.R_X86_64_GLOB_DAT }), "relocation"},
		{"a relocation of constants", but(func(l *linked) { l.at = constants + 8 }), "where no data is"},
		{"a relocation of text", but(func(l *linked) { l.at = text + 8 }), "where no data is"},
		{"a relocation of bss", but(func(l *linked) { l.at = dataAt + pageSize - 4 }), "where no data is"},
	} {
		if _, err := Build(tt.file); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
