//go:build baremetal

#include "textflag.h"

// func installHooks()
//
// Trap entries call these functions by address, with stack arguments.
TEXT ·installHooks(SB),NOSPLIT,$0-0
	LEAQ ·syscall(SB), AX
	MOVQ AX, kevlar∕kernel∕machine∕cpu·Hooks+0(SB)
	LEAQ ·interrupt(SB), AX
	MOVQ AX, kevlar∕kernel∕machine∕cpu·Hooks+8(SB)
	LEAQ ·exception(SB), AX
	MOVQ AX, kevlar∕kernel∕machine∕cpu·Hooks+16(SB)
	RET

TEXT ·idleLoop(SB),NOSPLIT|NOFRAME,$0
loop:
	STI
	HLT
	JMP loop

TEXT ·idlePC(SB),NOSPLIT,$0-8
	LEAQ ·idleLoop(SB), AX
	MOVQ AX, ret+0(FP)
	RET

TEXT ·schedYield(SB),NOSPLIT,$0-0
	MOVL $24, AX
	SYSCALL
	RET
