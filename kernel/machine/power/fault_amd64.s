//go:build baremetal

#include "textflag.h"

// func tripleFault()
TEXT ·tripleFault(SB),NOSPLIT,$16-0
	CLI
	MOVQ $0, 0(SP)
	MOVQ $0, 8(SP)
	LIDT 0(SP)
	INT $3
	HLT
	JMP -1(PC)
