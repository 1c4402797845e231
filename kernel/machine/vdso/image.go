package vdso

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
)

// PageSize is the size of the image and of the vvar page below it.
const PageSize = 4096

// textOffset is where the functions begin in the image.
const textOffset = 0x800

// placeholder stands in the code for the distance to the vvar page. It is the
// last part of its instruction.
const placeholder = 0x5afec0de

// A Function is one entry of the vDSO.
type Function struct {
	Name string
	Code []byte
}

var errTooLarge = errors.New("vdso: the code does not fit into a page")

// Image returns the ELF image, one page, of a shared object with the functions
// in it, all with the symbol version LINUX_2.6.
func Image(functions []Function) ([]byte, error) {
	img := make([]byte, PageSize)
	text, symbols, err := layOut(img, functions)
	if err != nil {
		return nil, err
	}
	b := builder{img: img, at: 64 + 2*56}
	strings, names := stringTable(functions)
	dynstr := b.put(strings, 1)
	for i := range symbols {
		symbols[i].Name = uint32(names[functions[i].Name])
		symbols[i].Info = byte(elf.STB_GLOBAL)<<4 | byte(elf.STT_FUNC)
		symbols[i].Shndx = 1 // anything but undefined: there are no sections
	}
	dynsym := b.put(append([]elf.Sym64{{}}, symbols...), 8)
	hash := b.put(hashTable(functions), 8)
	versym := b.put(append([]uint16{0}, repeat(versionIndex, len(symbols))...), 2)
	verdef := b.put(versionDefinitions(names), 8)
	dynamic := b.put([]elf.Dyn64{
		{Tag: int64(elf.DT_SONAME), Val: uint64(names[soName])},
		{Tag: int64(elf.DT_HASH), Val: hash},
		{Tag: int64(elf.DT_STRTAB), Val: dynstr},
		{Tag: int64(elf.DT_STRSZ), Val: uint64(len(strings))},
		{Tag: int64(elf.DT_SYMTAB), Val: dynsym},
		{Tag: int64(elf.DT_SYMENT), Val: elf.Sym64Size},
		{Tag: int64(elf.DT_VERSYM), Val: versym},
		{Tag: int64(elf.DT_VERDEF), Val: verdef},
		{Tag: int64(elf.DT_VERDEFNUM), Val: 2},
		{Tag: int64(elf.DT_NULL)},
	}, 8)
	dynamicEnd := uint64(b.at)
	if b.at > textOffset {
		return nil, errTooLarge
	}
	header := elf.Header64{
		Type: uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: 1,
		Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 2, Shentsize: 64,
	}
	copy(header.Ident[:], "\x7fELF\x02\x01\x01")
	b.at = 0
	b.put(header, 1)
	size := uint64(textOffset + text)
	b.put([]elf.Prog64{
		{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Filesz: size, Memsz: size, Align: PageSize},
		{Type: uint32(elf.PT_DYNAMIC), Flags: uint32(elf.PF_R), Off: dynamic, Vaddr: dynamic, Paddr: dynamic,
			Filesz: dynamicEnd - dynamic, Memsz: dynamicEnd - dynamic, Align: 8},
	}, 1)
	return img, nil
}

// layOut copies the code into the image, points it at the vvar page, and
// returns its size and the functions' values and sizes.
func layOut(img []byte, functions []Function) (size int, symbols []elf.Sym64, err error) {
	at := textOffset
	for _, f := range functions {
		at = (at + 15) &^ 15
		if at+len(f.Code) > len(img) {
			return 0, nil, errTooLarge
		}
		code := img[at : at+copy(img[at:], f.Code)]
		var mark [4]byte
		binary.LittleEndian.PutUint32(mark[:], placeholder)
		for i := bytes.Index(code, mark[:]); i >= 0; i = bytes.Index(code, mark[:]) {
			next := at + i + 4 // address of the next instruction
			binary.LittleEndian.PutUint32(code[i:], uint32(-PageSize-next))
		}
		symbols = append(symbols, elf.Sym64{Value: uint64(at), Size: uint64(len(code))})
		at += len(code)
	}
	return at - textOffset, symbols, nil
}

// A builder puts structures into the image one after another.
type builder struct {
	img []byte
	at  int
}

func (b *builder) put(v any, align int) uint64 {
	b.at = (b.at + align - 1) &^ (align - 1)
	start := b.at
	var w bytes.Buffer
	binary.Write(&w, binary.LittleEndian, v)
	if b.at+w.Len() <= len(b.img) {
		copy(b.img[b.at:], w.Bytes())
	}
	b.at += w.Len()
	return uint64(start)
}

const (
	soName       = "linux-vdso.so.1"
	versionName  = "LINUX_2.6"
	versionIndex = 2 // 1 is the object itself
)

func stringTable(functions []Function) (table []byte, at map[string]int) {
	table, at = []byte{0}, map[string]int{}
	add := func(s string) {
		at[s] = len(table)
		table = append(append(table, s...), 0)
	}
	add(soName)
	add(versionName)
	for _, f := range functions {
		add(f.Name)
	}
	return table, at
}

// hashTable has one bucket: the list of all symbols.
func hashTable(functions []Function) []uint32 {
	n := uint32(len(functions))
	t := []uint32{1, n + 1, min(n, 1), 0} // buckets, chain length, first symbol, chain of symbol 0
	for i := uint32(1); i <= n; i++ {
		next := i + 1
		if i == n {
			next = 0
		}
		t = append(t, next)
	}
	return t
}

// versionDefinitions is the object's own name and the version of its symbols:
// Verdef and Verdaux of the System V ABI's GNU extension.
func versionDefinitions(names map[string]int) []byte {
	const base, verdefSize, verdauxSize = 1, 20, 8
	var w bytes.Buffer
	le := binary.LittleEndian
	def := func(flags, index uint16, name string, next uint32) {
		binary.Write(&w, le, []uint16{1, flags, index, 1})
		binary.Write(&w, le, []uint32{elfHash(name), verdefSize, next})
		binary.Write(&w, le, []uint32{uint32(names[name]), 0})
	}
	def(base, 1, soName, verdefSize+verdauxSize)
	def(0, versionIndex, versionName, 0)
	return w.Bytes()
}

// elfHash is the hash function of the System V ABI.
func elfHash(s string) (h uint32) {
	for i := range len(s) {
		h = h<<4 + uint32(s[i])
		g := h & 0xf0000000
		h ^= g>>24 ^ g
	}
	return h
}

func repeat(v uint16, n int) []uint16 {
	s := make([]uint16, n)
	for i := range s {
		s[i] = v
	}
	return s
}
