//go:build baremetal

#include "textflag.h"

// func irqSave() Flags
//
// The read makes sure that the stack which a nosplit chain may still use is
// mapped: goroutine stacks are demand-paged, and after CLI a page fault would
// find this CPU in the middle of a critical section. 512 bytes are what is
// left of the nosplit limit for what comes after.
TEXT ·irqSave(SB),NOSPLIT,$0-8
	MOVB -512(SP), AL
	PUSHFQ
	POPQ AX
	CLI
	MOVQ AX, ret+0(FP)
	RET

// func irqRestore(f Flags)
TEXT ·irqRestore(SB),NOSPLIT,$0-8
	MOVQ f+0(FP), AX
	TESTQ $0x200, AX
	JEQ off
	STI
off:
	RET

// func relax()
TEXT ·relax(SB),NOSPLIT,$0-0
	PAUSE
	RET

// func CPU() int
TEXT ·CPU(SB),NOSPLIT,$0-8
	MOVQ 8(GS), AX // cpu.CPU.ID
	MOVQ AX, ret+0(FP)
	RET
