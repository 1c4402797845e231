//go:build baremetal

#include "textflag.h"

#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101

#define CR4_SSE 0x600 // OSFXSR, OSXMMEXCPT: Go uses XMM everywhere

// SET_BASE sets a segment base by its MSR: FSGSBASE is not on yet. It takes
// the value in AX.
#define SET_BASE(msr) \
	MOVQ AX, DX; \
	SHRQ $32, DX; \
	MOVL $msr, CX; \
	WRMSR

// FAKE_G makes FS find a g with the bounds of the stack that ends at SP.
#define FAKE_G(size) \
	LEAQ -size(SP), AX; \
	MOVQ AX, ·fakeG+0(SB); \
	MOVQ SP, ·fakeG+8(SB); \
	MOVQ AX, ·fakeG+16(SB); \
	MOVQ AX, ·fakeG+24(SB); \
	LEAQ ·fakeG(SB), AX; \
	MOVQ AX, ·fakeGP+0(SB); \
	LEAQ ·fakeGP+8(SB), AX; \
	SET_BASE(MSR_FS_BASE)

// entry: EBX is the physical address of start_info. This is the image as it
// was loaded; it moves and goes on in its copy, with BX as it is.
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	MOVL BX, BX
	LEAQ ·stack+65536(SB), SP
	MOVQ CR4, AX
	ORQ $CR4_SSE, AX
	MOVQ AX, CR4
	BYTE $0xDB; BYTE $0xE3 // FNINIT
	FAKE_G(65536)
	SUBQ $32, SP
	MOVQ BX, 0(SP)
	MOVQ BX, 24(SP)
	CALL ·move(SB)
	MOVQ 24(SP), BX
	MOVQ 8(SP), AX
	MOVQ 16(SP), CX
	MOVQ AX, CR3
	JMP CX

TEXT ·movedEntryPC(SB),NOSPLIT,$0-8
	LEAQ ·movedEntry(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// movedEntry is where the image begins at the place chosen for this boot.
TEXT ·movedEntry(SB),NOSPLIT|NOFRAME,$0
	MOVQ BX, R12
	LEAQ ·stack+65536(SB), SP
	LEAQ kevlar∕kernel∕machine∕cpu·cpus(SB), AX
	SET_BASE(MSR_GS_BASE)
	FAKE_G(65536)
	SUBQ $16, SP
	MOVQ R12, 0(SP)
	CALL ·start(SB)
	ADDQ $16, SP
	MOVL $1, DI
	LEAQ ·arguments(SB), SI
	STI
	JMP runtime·rt0_go(SB)

// otherEntry is where another CPU comes from the trampoline, with long mode
// and the kernel's tables. The starting CPU waits until runThis, so the static
// stack and g are free.
TEXT ·otherEntry(SB),NOSPLIT|NOFRAME,$0
	LEAQ ·otherStack+16384(SB), SP
	MOVQ CR4, AX
	ORQ $CR4_SSE, AX
	MOVQ AX, CR4
	BYTE $0xDB; BYTE $0xE3 // FNINIT
	MOVQ ·starting+0(SB), AX
	SET_BASE(MSR_GS_BASE)
	FAKE_G(16384)
	CALL ·startThis(SB)
	LEAQ ·runThis(SB), AX
	JMP kevlar∕kernel∕machine∕cpu·enterTrap(SB)

TEXT ·otherEntryPC(SB),NOSPLIT,$0-8
	LEAQ ·otherEntry(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// func imageEnd() uintptr
TEXT ·imageEnd(SB),NOSPLIT,$0-8
	LEAQ runtime·end(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// func constantsEnd() uintptr
TEXT ·constantsEnd(SB),NOSPLIT,$0-8
	LEAQ runtime·epclntab(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// func dataEnd() uintptr
TEXT ·dataEnd(SB),NOSPLIT,$0-8
	LEAQ runtime·edata(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// The boot stack becomes the system stack of the runtime's first thread, which
// wants 64 KiB.
GLOBL ·stack(SB), NOPTR, $65536
GLOBL ·otherStack(SB), NOPTR, $16384
GLOBL ·fakeG(SB), NOPTR, $512
GLOBL ·fakeGP(SB), NOPTR, $16

// What a process finds on its stack: argc is in a register; argv, environment
// and auxiliary vector follow one another. GOTRACEBACK=system shows all
// goroutines when the kernel panics.
DATA ·arg0+0(SB)/8, $"kevlar\x00\x00"
GLOBL ·arg0(SB), RODATA|NOPTR, $8
DATA ·env0+0(SB)/8, $"GOTRACEB"
DATA ·env0+8(SB)/8, $"ACK=syst"
DATA ·env0+16(SB)/8, $"em\x00\x00\x00\x00\x00\x00"
GLOBL ·env0(SB), RODATA|NOPTR, $24
DATA ·arguments+0(SB)/8, $·arg0(SB)
DATA ·arguments+8(SB)/8, $0
DATA ·arguments+16(SB)/8, $·env0(SB)
DATA ·arguments+24(SB)/8, $0
DATA ·arguments+32(SB)/8, $6 // AT_PAGESZ
DATA ·arguments+40(SB)/8, $4096
DATA ·arguments+48(SB)/8, $25 // AT_RANDOM
DATA ·arguments+56(SB)/8, $·random(SB)
DATA ·arguments+64(SB)/8, $0
DATA ·arguments+72(SB)/8, $0
GLOBL ·arguments(SB), NOPTR, $80
