#include "textflag.h"

// func bounds() (text, end, table uintptr)
TEXT ·bounds(SB),NOSPLIT,$0-24
	LEAQ runtime·text(SB), AX
	MOVQ AX, text+0(FP)
	LEAQ runtime·etext(SB), AX
	MOVQ AX, end+8(FP)
	LEAQ runtime·pclntab(SB), AX
	MOVQ AX, table+16(FP)
	RET
