//go:build baremetal

package boot

import (
	"encoding/binary"

	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/layout"
)

// writeTrampoline puts the code at layout.Trampoline with which another CPU
// goes from real mode straight to long mode: it starts with CS = page<<8 and
// IP = 0. cr3 is the root of page tables that map the page where it is, entry
// the 64-bit address to go to.
func writeTrampoline(cr3 uint32, entry uintptr) {
	const (
		gdtr   = 0x80
		gdt    = 0xa0
		target = 0x100

		codeSelector = 0x08
		dataSelector = 0x10
	)
	page := direct.Bytes(layout.Trampoline, 4096)
	clear(page)
	at := 0
	code := func(b ...byte) { at += copy(page[at:], b) }
	imm32 := func(v uint32) {
		binary.LittleEndian.PutUint32(page[at:], v)
		at += 4
	}
	const (
		cr4PAE       = 1 << 5
		efer         = 0xc0000080
		eferBits     = 1<<0 | 1<<8 | 1<<11      // SCE, LME, NXE
		cr0Bits      = 1<<31 | 1<<16 | 1<<5 | 3 // PG, WP, NE, MP, PE
		operandSize  = 0x66
		addressInDS0 = layout.Trampoline
	)
	// 16-bit code.
	code(0xfa, 0xfc, 0x31, 0xc0, 0x8e, 0xd8) // cli; cld; xor ax, ax; mov ds, ax
	code(operandSize, 0xb8)                  // mov eax, imm32
	imm32(cr4PAE)
	code(0x0f, 0x22, 0xe0)  // mov cr4, eax
	code(operandSize, 0xb8) // mov eax, imm32
	imm32(cr3)
	code(0x0f, 0x22, 0xd8)  // mov cr3, eax
	code(operandSize, 0xb9) // mov ecx, imm32
	imm32(efer)
	code(operandSize, 0xb8) // mov eax, imm32
	imm32(eferBits)
	code(operandSize, 0x31, 0xd2, 0x0f, 0x30) // xor edx, edx; wrmsr
	const gdtrAddress = addressInDS0 + gdtr
	code(0x0f, 0x01, 0x16, byte(gdtrAddress&0xff), byte(gdtrAddress>>8)) // lgdt [imm16]
	code(operandSize, 0xb8)                                              // mov eax, imm32
	imm32(cr0Bits)
	code(0x0f, 0x22, 0xc0)  // mov cr0, eax
	code(operandSize, 0xea) // ljmp codeSelector:next
	imm32(uint32(layout.Trampoline + at + 6))
	code(codeSelector, 0x00)
	// 64-bit code.
	code(0xb8) // mov eax, imm32
	imm32(dataSelector)
	code(0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0) // mov ds, eax; mov es, eax; mov ss, eax
	code(0x48, 0x8b, 0x04, 0x25)             // mov rax, [imm32]
	imm32(layout.Trampoline + target)
	code(0xff, 0xe0) // jmp rax

	le := binary.LittleEndian
	le.PutUint16(page[gdtr:], dataSelector+7)
	le.PutUint32(page[gdtr+2:], layout.Trampoline+gdt)
	le.PutUint64(page[gdt+codeSelector:], 0x00af9b000000ffff)
	le.PutUint64(page[gdt+dataSelector:], 0x00cf93000000ffff)
	le.PutUint64(page[target:], uint64(entry))
}
