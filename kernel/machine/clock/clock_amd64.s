//go:build baremetal

#include "textflag.h"
#include "go_asm.h"

// readClock leaves the time since boot in AX and the wall clock's offset in
// R8. It clobbers CX, DX, SI and R11 and uses no stack.
TEXT ·readClock(SB),NOSPLIT|NOFRAME,$0
	MOVQ ·vvar(SB), R11
again:
	MOVL params_seq(R11), SI
	TESTL $1, SI
	JNE again
	RDTSC
	SHLQ $32, DX
	ORQ DX, AX
	XORL CX, CX
	SUBQ params_tscBase(R11), AX
	CMOVQCS CX, AX // another CPU's counter may be a little behind
	MULQ params_mul(R11)
	SHRQ $32, DX, AX
	ADDQ params_base(R11), AX
	MOVQ params_real(R11), R8
	CMPL SI, params_seq(R11)
	JNE again
	RET

// func Nanotime() int64
TEXT ·Nanotime(SB),NOSPLIT,$0-8
	CALL ·readClock(SB)
	MOVQ AX, ret+0(FP)
	RET

// func gettime(clock, p uintptr)
TEXT ·gettime(SB),NOSPLIT,$0-16
	MOVQ clock+0(FP), DI
	MOVQ p+8(FP), R10
	CALL ·readClock(SB)
	JMP ·store(SB)

// vdsoGettime is clock_gettime in C's calling convention (DI = clock,
// SI = *timespec): the Go runtime calls it on a system stack.
TEXT ·vdsoGettime(SB),NOSPLIT|NOFRAME,$0
	MOVQ SI, R10
	CALL ·readClock(SB)
	JMP ·store(SB)

// store writes the time AX, plus R8 for CLOCK_REALTIME, to the timespec at R10.
TEXT ·store(SB),NOSPLIT|NOFRAME,$0
	TESTL DI, DI
	JNE monotonic
	ADDQ R8, AX
monotonic:
	XORL DX, DX
	MOVL $1000000000, CX
	DIVQ CX
	MOVQ AX, 0(R10)
	MOVQ DX, 8(R10)
	XORL AX, AX
	RET

// func installVDSO()
TEXT ·installVDSO(SB),NOSPLIT,$0-0
	LEAQ ·vdsoGettime(SB), AX
	MOVQ AX, runtime·vdsoClockgettimeSym(SB)
	RET
