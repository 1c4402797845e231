//go:build baremetal

#include "textflag.h"

// Each function compares the loaded root (cpu.CPU.Root, at 32(GS)) with its own,
// with interrupts off until it is between begin and end. A thread found there
// has its table whenever it runs: the scheduler gives it back. A thread found
// before has whatever table was loaded last, whose address space may end
// meanwhile. The offset is asserted by package cpu.
#define CPU_ROOT 32

// ENTER opens user memory; SMAP is optional. LEAVE closes it. The flag is the
// thread's own: interrupts save and restore it.
#define ENTER \
	CMPB ·smap(SB), $0; \
	JEQ 2(PC); \
	STAC

#define LEAVE \
	CMPB ·smap(SB), $0; \
	JEQ 2(PC); \
	CLAC

// func copyIn(root uint64, dst unsafe.Pointer, src, n uintptr) (left, fault uintptr)
TEXT ·copyIn(SB),NOSPLIT|NOFRAME,$0-48
	JMP ·copyUser(SB)

// func copyOut(root uint64, dst uintptr, src unsafe.Pointer, n uintptr) (left, fault uintptr)
TEXT ·copyOut(SB),NOSPLIT|NOFRAME,$0-48
	JMP ·copyUser(SB)

// copyUser has the arguments of either: root, to, from, n.
//
// Words first, then bytes. A fault among the words is tried again by bytes,
// so that the count is exact to the byte.
TEXT ·copyUser(SB),NOSPLIT|NOFRAME,$0
	MOVQ 8(SP), AX
	MOVQ 16(SP), DI
	MOVQ 24(SP), SI
	MOVQ 32(SP), DX
	MOVQ DX, CX
	SHRQ $3, CX
	ANDQ $7, DX
	CLI
	CMPQ AX, CPU_ROOT(GS)
	JNE wrong
	JMP ·copyStart(SB)
wrong:
	STI
	MOVQ $-1, 40(SP)
	RET

// func zeroUser(root uint64, dst, n uintptr) (left, fault uintptr)
TEXT ·zeroUser(SB),NOSPLIT|NOFRAME,$0-40
	MOVQ 8(SP), AX
	MOVQ 16(SP), DI
	MOVQ 24(SP), DX
	MOVQ DX, CX
	SHRQ $3, CX
	ANDQ $7, DX
	CLI
	CMPQ AX, CPU_ROOT(GS)
	JNE wrong
	JMP ·zeroStart(SB)
wrong:
	STI
	MOVQ $-1, 32(SP)
	RET

// func loadUser32(root uint64, addr uintptr) (v uint32, status uintptr)
TEXT ·loadUser32(SB),NOSPLIT|NOFRAME,$0-32
	MOVQ 8(SP), AX
	MOVQ 16(SP), DI
	MOVQ $-1, 32(SP)
	CLI
	CMPQ AX, CPU_ROOT(GS)
	JNE wrong
	JMP ·loadStart(SB)
wrong:
	STI
	RET

// func casUser32(root uint64, addr uintptr, old, new uint32) (cur uint32, status uintptr)
TEXT ·casUser32(SB),NOSPLIT|NOFRAME,$0-40
	MOVQ 8(SP), AX
	MOVQ 16(SP), DI
	MOVL 28(SP), CX
	MOVQ $-1, 40(SP)
	CLI
	CMPQ AX, CPU_ROOT(GS)
	JNE wrong
	JMP ·casStart(SB)
wrong:
	STI
	RET

TEXT ·begin(SB),NOSPLIT|NOFRAME,$0
	RET

TEXT ·copyStart(SB),NOSPLIT|NOFRAME,$0
	STI
	ENTER
	JMP ·copyWords(SB)

TEXT ·copyWords(SB),NOSPLIT|NOFRAME,$0
	REP; MOVSQ
	JMP ·copyTail(SB)

// copyTail has CX words and DX bytes left.
TEXT ·copyTail(SB),NOSPLIT|NOFRAME,$0
	LEAQ (DX)(CX*8), CX
	JMP ·copyBytes(SB)

TEXT ·copyBytes(SB),NOSPLIT|NOFRAME,$0
	REP; MOVSB
	JMP ·copyDone(SB)

// copyDone returns CX bytes left; the next byte is the one that faulted. Which
// of DI and SI is the user's shows in their sign.
TEXT ·copyDone(SB),NOSPLIT|NOFRAME,$0
	LEAVE
	MOVQ CX, 40(SP)
	TESTQ DI, DI
	JNS 2(PC)
	MOVQ SI, DI
	MOVQ DI, 48(SP)
	RET

TEXT ·zeroStart(SB),NOSPLIT|NOFRAME,$0
	STI
	ENTER
	XORL AX, AX
	JMP ·zeroWords(SB)

TEXT ·zeroWords(SB),NOSPLIT|NOFRAME,$0
	REP; STOSQ
	JMP ·zeroTail(SB)

TEXT ·zeroTail(SB),NOSPLIT|NOFRAME,$0
	LEAQ (DX)(CX*8), CX
	JMP ·zeroBytes(SB)

TEXT ·zeroBytes(SB),NOSPLIT|NOFRAME,$0
	REP; STOSB
	JMP ·zeroDone(SB)

TEXT ·zeroDone(SB),NOSPLIT|NOFRAME,$0
	LEAVE
	MOVQ CX, 32(SP)
	MOVQ DI, 40(SP)
	RET

TEXT ·loadStart(SB),NOSPLIT|NOFRAME,$0
	STI
	ENTER
	MOVQ $0, 32(SP)
	JMP ·loadWord(SB)

TEXT ·loadWord(SB),NOSPLIT|NOFRAME,$0
	MOVL (DI), AX
	LEAVE
	MOVL AX, 24(SP)
	RET

TEXT ·loadFault(SB),NOSPLIT|NOFRAME,$0
	LEAVE
	MOVQ $1, 32(SP)
	RET

TEXT ·casStart(SB),NOSPLIT|NOFRAME,$0
	STI
	MOVL 24(SP), AX
	ENTER
	MOVQ $0, 40(SP)
	JMP ·casWord(SB)

TEXT ·casWord(SB),NOSPLIT|NOFRAME,$0
	LOCK
	CMPXCHGL CX, (DI)
	LEAVE
	MOVL AX, 32(SP)
	RET

TEXT ·casFault(SB),NOSPLIT|NOFRAME,$0
	LEAVE
	MOVQ $1, 40(SP)
	RET

TEXT ·end(SB),NOSPLIT|NOFRAME,$0
	RET

#define FIXUP(i, first, last, handler) \
	LEAQ first(SB), AX; \
	MOVQ AX, ·fixups+(24*i)(SB); \
	LEAQ last(SB), AX; \
	MOVQ AX, ·fixups+(24*i+8)(SB); \
	LEAQ handler(SB), AX; \
	MOVQ AX, ·fixups+(24*i+16)(SB)

// func initFixups()
//
// The linker keeps a package's functions in order, so the next function's
// address ends a range.
TEXT ·initFixups(SB),NOSPLIT,$0-0
	FIXUP(0, ·copyWords, ·copyTail, ·copyTail)
	FIXUP(1, ·copyBytes, ·copyDone, ·copyDone)
	FIXUP(2, ·zeroWords, ·zeroTail, ·zeroTail)
	FIXUP(3, ·zeroBytes, ·zeroDone, ·zeroDone)
	FIXUP(4, ·loadWord, ·loadFault, ·loadFault)
	FIXUP(5, ·casWord, ·casFault, ·casFault)
	LEAQ ·begin(SB), AX
	MOVQ AX, ·copyRange+0(SB)
	LEAQ ·end(SB), AX
	MOVQ AX, ·copyRange+8(SB)
	MOVQ CR4, AX
	SHRQ $21, AX
	ANDL $1, AX
	MOVB AX, ·smap(SB)
	RET

GLOBL ·smap(SB), NOPTR, $1
