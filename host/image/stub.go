package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"

	"kevlar/kernel/machine/layout"
)

// The stub segment: one page with code, GDT and note, then page tables.
const (
	gdtOffset  = 0x800
	gdtrOffset = 0x840
	noteOffset = 0x900
	noteSize   = 20

	codeSelector = 0x08
	dataSelector = 0x10
)

// Pages of the stub segment that hold page tables.
const (
	pagePML4 = 1 + iota
	pageIdentityPDPT
	pageIdentityPD
	pageDirectPDPT
	pageDirectPD // four pages, one for each GiB
	_
	_
	_
	pageKernelPDPT
	pageKernelPD
	pageKernelPT // as many as the kernel has 2 MiB pieces
)

// newStub returns the stub segment for a kernel that begins at entry.
func newStub(entry uint64, kernel []segment) ([]byte, error) {
	s := &stub{b: make([]byte, pageKernelPT*pageSize), tables: map[uint64]int{}}
	s.set(pagePML4, 0, s.address(pageIdentityPDPT)|layout.PTEPresent|layout.PTEWrite)
	s.set(pagePML4, index(layout.DirectMap, 39), s.address(pageDirectPDPT)|layout.PTEPresent|layout.PTEWrite)
	s.set(pagePML4, index(layout.KernelBase, 39), s.address(pageKernelPDPT)|layout.PTEPresent|layout.PTEWrite)
	s.identity()
	s.directMap()
	s.set(pageKernelPDPT, index(layout.KernelBase, 30), s.address(pageKernelPD)|layout.PTEPresent|layout.PTEWrite)
	for _, k := range kernel {
		s.mapKernel(k)
	}
	if len(s.b) > layout.StubSize {
		return nil, errors.New("kernel: too large for the boot page tables")
	}
	n := copy(s.b, memoryCheck(memoryEnd(kernel), messageAddress))
	copy(s.b[n:], bootCode(entry, s.address(pagePML4), layout.Stub+uint32(n)))
	copy(s.b[messageOffset:], noRoom)
	s.descriptors()
	s.note()
	return s.b, nil
}

type stub struct {
	b      []byte
	tables map[uint64]int // kernel page tables made so far, by page-directory index
}

func index(va uint64, shift uint) int { return int(va >> shift & 511) }

func (s *stub) address(page int) uint64 { return layout.Stub + uint64(page)*pageSize }

func (s *stub) set(page, i int, entry uint64) {
	binary.LittleEndian.PutUint64(s.b[page*pageSize+i*8:], entry)
}

// identity maps the first 2 MiB where they are, for the instructions between
// turning paging on and the jump to the upper half. The tables that the kernel
// makes for itself lack it.
func (s *stub) identity() {
	s.set(pageIdentityPDPT, 0, s.address(pageIdentityPD)|layout.PTEPresent|layout.PTEWrite)
	s.set(pageIdentityPD, 0, layout.PTEPresent|layout.PTEWrite|layout.PTEHuge)
}

// directMap maps the first 4 GiB of physical memory, never executable, where
// the kernel finds it until it has chosen the place for the boot.
func (s *stub) directMap() {
	for gib := range layout.DirectMapBoot >> 30 {
		s.set(pageDirectPDPT, gib, s.address(pageDirectPD+gib)|layout.PTEPresent|layout.PTEWrite)
		for i := range 512 {
			pa := uint64(gib)<<30 | uint64(i)<<21
			entry := pa | layout.PTEPresent | layout.PTEWrite | layout.PTEHuge | layout.PTEGlobal | layout.PTENoExec
			if pa >= layout.Uncached {
				entry |= layout.PTEUncached
			}
			s.set(pageDirectPD+gib, i, entry)
		}
	}
}

// mapKernel maps one segment of the kernel page by page with just its rights.
func (s *stub) mapKernel(k segment) {
	for va := k.vaddr &^ (pageSize - 1); va < k.vaddr+k.memSize; va += pageSize {
		page, ok := s.tables[va>>21]
		if !ok {
			page = len(s.b) / pageSize
			s.tables[va>>21] = page
			s.b = append(s.b, make([]byte, pageSize)...)
			s.set(pageKernelPD, index(va, 21), s.address(page)|layout.PTEPresent|layout.PTEWrite)
		}
		entry := va - layout.KernelBase | layout.PTEPresent | layout.PTEGlobal
		if k.flags&elf.PF_W != 0 {
			entry |= layout.PTEWrite
		}
		if k.flags&elf.PF_X == 0 {
			entry |= layout.PTENoExec
		}
		s.set(page, index(va, 12), entry)
	}
}

// descriptors writes a GDT with flat 64-bit code and data segments.
func (s *stub) descriptors() {
	le := binary.LittleEndian
	le.PutUint64(s.b[gdtOffset+codeSelector:], 0x00af9b000000ffff)
	le.PutUint64(s.b[gdtOffset+dataSelector:], 0x00cf93000000ffff)
	le.PutUint16(s.b[gdtrOffset:], dataSelector+7)
	le.PutUint32(s.b[gdtrOffset+2:], layout.Stub+gdtOffset)
}

// note writes the ELF note XEN_ELFNOTE_PHYS32_ENTRY: the physical address at
// which the monitor starts the boot CPU in 32-bit protected mode.
func (s *stub) note() {
	const phys32Entry = 18
	le := binary.LittleEndian
	n := s.b[noteOffset:]
	le.PutUint32(n[0:], 4) // size of the name
	le.PutUint32(n[4:], 4) // size of the value
	le.PutUint32(n[8:], phys32Entry)
	copy(n[12:], "Xen\x00")
	le.PutUint32(n[16:], layout.Stub)
}

// bootCode is the 32-bit entry: it turns on long mode with paging and jumps
// to the kernel. EBX, which holds the start_info address, is left alone. The
// code is to stand at the physical address at.
func bootCode(entry, pml4 uint64, at uint32) []byte {
	var c bytes.Buffer
	code := func(b ...byte) { c.Write(b) }
	imm32 := func(v uint32) { binary.Write(&c, binary.LittleEndian, v) }
	const (
		cr4PAE  = 1 << 5
		efer    = 0xc0000080
		eferSCE = 1 << 0
		eferLME = 1 << 8
		eferNXE = 1 << 11
		cr0PE   = 1 << 0
		cr0MP   = 1 << 1
		cr0EM   = 1 << 2
		cr0TS   = 1 << 3
		cr0NE   = 1 << 5
		cr0WP   = 1 << 16
		cr0NW   = 1 << 29
		cr0CD   = 1 << 30
		cr0PG   = 1 << 31
	)
	code(0xfa, 0xfc)       // cli; cld
	code(0x0f, 0x20, 0xe0) // mov eax, cr4
	code(0x0d)             // or eax, imm32
	imm32(cr4PAE)
	code(0x0f, 0x22, 0xe0) // mov cr4, eax
	code(0xb8)             // mov eax, imm32
	imm32(uint32(pml4))
	code(0x0f, 0x22, 0xd8) // mov cr3, eax
	code(0xb9)             // mov ecx, imm32
	imm32(efer)
	code(0x0f, 0x32) // rdmsr
	code(0x0d)       // or eax, imm32
	imm32(eferSCE | eferLME | eferNXE)
	code(0x0f, 0x30)       // wrmsr
	code(0x0f, 0x20, 0xc0) // mov eax, cr0
	code(0x25)             // and eax, imm32
	imm32(^uint32(cr0EM | cr0TS | cr0NW | cr0CD))
	code(0x0d) // or eax, imm32
	imm32(cr0PG | cr0WP | cr0NE | cr0MP | cr0PE)
	code(0x0f, 0x22, 0xc0) // mov cr0, eax
	code(0x0f, 0x01, 0x15) // lgdt [imm32]
	imm32(layout.Stub + gdtrOffset)
	code(0xea) // ljmp codeSelector:next
	imm32(at + uint32(c.Len()) + 6)
	code(codeSelector, 0x00)
	code(0xb8) // mov eax, imm32
	imm32(dataSelector)
	code(0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0) // mov ds, eax; mov es, eax; mov ss, eax
	code(0x31, 0xc0, 0x8e, 0xe0, 0x8e, 0xe8) // xor eax, eax; mov fs, eax; mov gs, eax
	code(0x48, 0xb8)                         // mov rax, imm64
	binary.Write(&c, binary.LittleEndian, entry)
	code(0xff, 0xe0) // jmp rax
	return c.Bytes()
}
