// Package image wraps the kernel's ELF file into an image that a virtual
// machine monitor boots through the PVH entry.
//
// The Go toolchain links the kernel for the upper half of the address space
// and leaves its program headers without physical addresses. Build gives every
// segment the physical address at which the boot page tables will find it,
// adds one more segment with those tables and a 32-bit stub that turns paging
// on, and names the stub in an ELF note: the PVH boot ABI of Xen, which QEMU,
// Cloud Hypervisor and Firecracker follow.
package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"kevlar/kernel/machine/layout"
)

// LinkFlags are the -ldflags with which the kernel must be linked: the entry
// symbol, so that it is kept, and the address of the text segment, which the
// linker wants as a signed number.
var LinkFlags = "-E " + layout.EntrySymbol + " -T " + strconv.FormatInt(textAddress(), 10)

func textAddress() int64 {
	t := uint64(layout.KernelText)
	return int64(t)
}

const pageSize = 4096

// Build returns the bootable image of the kernel whose ELF file is given. It
// fails if the file was not linked with LinkFlags.
func Build(kernel []byte) ([]byte, error) {
	f, err := elf.NewFile(bytes.NewReader(kernel))
	if err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	entry, err := entryPoint(f)
	if err != nil {
		return nil, err
	}
	segments, err := loadSegments(f)
	if err != nil {
		return nil, err
	}
	stub, err := newStub(entry, segments)
	if err != nil {
		return nil, err
	}
	all := append([]segment{{flags: elf.PF_R | elf.PF_X, vaddr: layout.Stub, paddr: layout.Stub, data: stub, memSize: uint64(len(stub))}}, segments...)
	return write(all), nil
}

// A segment is one loadable piece of the image.
type segment struct {
	flags        elf.ProgFlag
	vaddr, paddr uint64
	data         []byte
	memSize      uint64
}

func entryPoint(f *elf.File) (uint64, error) {
	symbols, err := f.Symbols()
	if err != nil {
		return 0, fmt.Errorf("kernel: symbols: %w", err)
	}
	var entry uint64
	for _, s := range symbols {
		switch s.Name {
		case layout.EntrySymbol + ".abi0":
			return s.Value, nil
		case layout.EntrySymbol:
			entry = s.Value
		}
	}
	if entry == 0 {
		return 0, fmt.Errorf("kernel: no symbol %s: not linked with the flags of this package", layout.EntrySymbol)
	}
	return entry, nil
}

func loadSegments(f *elf.File) ([]segment, error) {
	if f.Type != elf.ET_EXEC || f.Machine != elf.EM_X86_64 {
		return nil, errors.New("kernel: not an x86-64 executable")
	}
	var segments []segment
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		if p.Vaddr < layout.KernelBase+layout.Stub+layout.StubSize {
			return nil, fmt.Errorf("kernel: segment at %#x lies below the kernel's addresses", p.Vaddr)
		}
		if p.Flags&elf.PF_W != 0 && p.Flags&elf.PF_X != 0 {
			return nil, fmt.Errorf("kernel: segment at %#x is writable and executable", p.Vaddr)
		}
		data := make([]byte, p.Filesz)
		if _, err := p.ReadAt(data, 0); err != nil {
			return nil, fmt.Errorf("kernel: segment at %#x: %w", p.Vaddr, err)
		}
		segments = append(segments, segment{flags: p.Flags, vaddr: p.Vaddr, paddr: p.Vaddr - layout.KernelBase, data: data, memSize: p.Memsz})
	}
	return segments, nil
}

// write lays the segments out behind the ELF header and its program headers.
// The note that names the PVH entry is the stub's own, so its program header
// points into the first segment.
func write(segments []segment) []byte {
	le := binary.LittleEndian
	offset := uint64(pageSize)
	var progs []elf.Prog64
	for _, s := range segments {
		progs = append(progs, elf.Prog64{
			Type: uint32(elf.PT_LOAD), Flags: uint32(s.flags), Off: offset,
			Vaddr: s.vaddr, Paddr: s.paddr,
			Filesz: uint64(len(s.data)), Memsz: s.memSize, Align: pageSize,
		})
		offset += (uint64(len(s.data)) + pageSize - 1) &^ (pageSize - 1)
	}
	progs = append(progs, elf.Prog64{
		Type: uint32(elf.PT_NOTE), Flags: uint32(elf.PF_R), Off: pageSize + noteOffset,
		Vaddr: layout.Stub + noteOffset, Paddr: layout.Stub + noteOffset,
		Filesz: noteSize, Memsz: noteSize, Align: 4,
	})
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1,
		Entry: layout.Stub, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: uint16(len(progs)),
	}
	copy(header.Ident[:], "\x7fELF\x02\x01\x01")

	var out bytes.Buffer
	binary.Write(&out, le, header)
	binary.Write(&out, le, progs)
	for i, s := range segments {
		out.Write(make([]byte, int(progs[i].Off)-out.Len()))
		out.Write(s.data)
	}
	return out.Bytes()
}
