// Package image wraps the kernel's ELF file into an image that a virtual
// machine monitor boots through the PVH entry.
//
// The Go toolchain links the kernel for the upper half of the address space,
// as a program that can run anywhere, and leaves its program headers without
// physical addresses. Build gives every segment the physical address at which
// the boot page tables will find it, adds one more segment with those tables
// and a 32-bit stub that turns paging on, and names the stub in an ELF note:
// the PVH boot ABI of Xen, which QEMU, Cloud Hypervisor and Firecracker follow.
//
// The kernel starts where it is linked for, without a dynamic loader: Build
// applies the relocations for that place. They follow the kernel in one more
// segment, by which it moves itself to the place it chooses for the boot.
package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kevlar/kernel/machine/layout"
)

// BuildFlags are the flags of go build with which the kernel must be built:
// to run anywhere, the entry symbol, so that it is kept, and the address of the
// text segment, which the linker wants as a signed number.
var BuildFlags = []string{
	"-buildmode=pie",
	"-ldflags=-linkmode=internal -E " + layout.EntrySymbol + " -T " + strconv.FormatInt(textAddress(), 10),
}

func textAddress() int64 {
	t := uint64(layout.KernelText)
	return int64(t)
}

const pageSize = 4096

// Build returns the bootable image of the kernel whose ELF file is given. It
// fails if the file was not built with BuildFlags.
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
	relocations, err := relocate(f, segments)
	if err != nil {
		return nil, err
	}
	stub, err := newStub(entry, segments)
	if err != nil {
		return nil, err
	}
	all := append([]segment{{flags: elf.PF_R | elf.PF_X, vaddr: layout.Stub, paddr: layout.Stub, data: stub, memSize: uint64(len(stub))}}, segments...)
	return write(append(all, relocations)), nil
}

// A segment is one loadable piece of the image.
type segment struct {
	flags        elf.ProgFlag
	vaddr, paddr uint64
	data         []byte
	memSize      uint64
	constant     bool // neither written nor relocated
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

// loadSegments returns what is loaded of the kernel. What only a dynamic loader
// would read is left out.
func loadSegments(f *elf.File) ([]segment, error) {
	if f.Type != elf.ET_DYN || f.Machine != elf.EM_X86_64 {
		return nil, errors.New("kernel: not an x86-64 program that can run anywhere")
	}
	if len(f.Progs) == 0 {
		return nil, errors.New("kernel: no segments")
	}
	var settled *elf.Prog // what relocation has settled: never written after it
	for _, p := range f.Progs {
		if p.Type == elf.PT_GNU_RELRO {
			settled = p
		}
	}
	var segments []segment
	protected := false
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		s := segment{flags: p.Flags, vaddr: p.Vaddr, paddr: p.Vaddr - layout.KernelBase, memSize: p.Memsz}
		if len(segments) == 0 && p.Vaddr != layout.KernelImage {
			return nil, fmt.Errorf("kernel: linked for %#x, not for %#x", p.Vaddr, uint64(layout.KernelImage))
		}
		if p.Flags&elf.PF_W != 0 && p.Flags&elf.PF_X != 0 {
			return nil, fmt.Errorf("kernel: segment at %#x is writable and executable", p.Vaddr)
		}
		s.data = make([]byte, p.Filesz)
		if _, err := p.ReadAt(s.data, 0); err != nil {
			return nil, fmt.Errorf("kernel: segment at %#x: %w", p.Vaddr, err)
		}
		if settled != nil && s.vaddr == settled.Vaddr && s.memSize == settled.Memsz {
			s.flags &^= elf.PF_W
			protected = true
		} else {
			s.constant = p.Flags&elf.PF_W == 0
		}
		if from := loaderPart(f, p); from != 0 {
			s.data = s.data[:from-p.Vaddr]
			s.memSize = uint64(len(s.data))
		}
		segments = append(segments, s)
	}
	if !protected {
		return nil, errors.New("kernel: what relocation settles has no segment of its own")
	}
	return segments, nil
}

// loaderPart returns where the sections for a dynamic loader begin in a
// segment, if nothing else follows them; else 0.
func loaderPart(f *elf.File, p *elf.Prog) uint64 {
	from := uint64(0)
	for _, s := range f.Sections {
		if s.Flags&elf.SHF_ALLOC == 0 || s.Addr < p.Vaddr || s.Addr >= p.Vaddr+p.Memsz {
			continue
		}
		switch s.Name {
		case ".rela", ".rela.plt", ".gnu.version", ".gnu.version_r", ".dynstr", ".hash", ".dynsym":
			if from == 0 || s.Addr < from {
				from = s.Addr
			}
		}
	}
	for _, s := range f.Sections {
		if from != 0 && s.Flags&elf.SHF_ALLOC != 0 && s.Addr > from && s.Addr < p.Vaddr+p.Memsz && s.Type == elf.SHT_PROGBITS &&
			!strings.HasPrefix(s.Name, ".gnu.version") {
			return 0
		}
	}
	return from
}

// relocate applies the relocations of the kernel to its segments for the
// address that it is linked for, and returns the segment that lists them: a
// 32-bit count and, in ascending order, as many 32-bit offsets from
// layout.KernelImage of 64-bit words that hold addresses in the image.
func relocate(f *elf.File, segments []segment) (segment, error) {
	le := binary.LittleEndian
	var offsets []uint32
	for _, s := range f.Sections {
		if s.Type != elf.SHT_RELA || s.Flags&elf.SHF_ALLOC == 0 {
			continue
		}
		data, err := s.Data()
		if err != nil {
			return segment{}, fmt.Errorf("kernel: relocations: %w", err)
		}
		for ; len(data) >= 24; data = data[24:] {
			at, info, value := le.Uint64(data), le.Uint64(data[8:]), le.Uint64(data[16:])
			if info != uint64(elf.R_X86_64_RELATIVE) {
				return segment{}, fmt.Errorf("kernel: relocation of type %#x at %#x", info, at)
			}
			word := find(segments, at)
			if word == nil {
				return segment{}, fmt.Errorf("kernel: relocation at %#x, where no data is", at)
			}
			le.PutUint64(word, value)
			offsets = append(offsets, uint32(at-layout.KernelImage))
		}
	}
	slices.Sort(offsets)
	data := le.AppendUint32(nil, uint32(len(offsets)))
	for _, o := range offsets {
		data = le.AppendUint32(data, o)
	}
	last := segments[len(segments)-1]
	at := (last.paddr + last.memSize + pageSize - 1) &^ (pageSize - 1)
	return segment{flags: elf.PF_R, vaddr: at, paddr: at, data: data, memSize: uint64(len(data))}, nil
}

// find returns the 8 bytes at va, nil if no segment has them that may change.
func find(segments []segment, va uint64) []byte {
	for _, s := range segments {
		if !s.constant && va >= s.vaddr && va+8 <= s.vaddr+uint64(len(s.data)) {
			return s.data[va-s.vaddr:][:8]
		}
	}
	return nil
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
