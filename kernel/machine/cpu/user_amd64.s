//go:build baremetal

#include "textflag.h"
#include "go_asm.h"
#include "frame.h"

// func EnterUser(ctx uintptr, root uint64) (vector uintptr)
//
// The way back is TO_CALLER, which continues on this stack as if this function
// returned.
TEXT ·EnterUser(SB),NOSPLIT|NOFRAME,$0-24
	MOVQ 8(SP), DI
	MOVQ 16(SP), SI
	CLI
	CMPQ SI, CPU_Root(GS)
	JNE prepare
	CMPQ DI, CPU_FPUOwner(GS)
	JNE prepare
	CMPQ CPU_Pending(GS), $0
	JNE pending
	MOVQ Frame_RIP(DI), CX
	MOVQ CX, AX
	SHRQ $47, AX
	JEQ enter
	// A jump to a non-canonical address is a general protection fault of
	// the program; SYSRET or IRETQ would take it in ring 0.
	STI
	MOVQ $0, Frame_Err(DI)
	MOVQ $const_ExcGP, Frame_Vector(DI)
	MOVQ $const_ExcGP, 24(SP)
	RET
prepare:
	STI
	MOVQ $const_VectorPrepare, 24(SP)
	RET
pending:
	STI
	MOVQ $const_VectorPending, 24(SP)
	RET
enter:
	PUSHQ BP
	MOVQ SP, CPU_kernelSP(GS)
	MOVQ const_ContextFPU(DI), AX
	LDMXCSR 24(AX)
	LOAD_XMM(AX, 160)
	MOVQ const_ContextFSBase(DI), AX
	WRFSBASEQ AX
	MOVQ DI, SP
	SWAPGS
	// SYSRET leaves RIP in RCX and RFLAGS in R11: it will do where the
	// program expects to see them there.
	CMPQ CX, Frame_RCX(SP)
	JNE iret
	MOVQ Frame_RFLAGS(SP), AX
	CMPQ AX, Frame_R11(SP)
	JNE iret
	POP_REGS
	MOVQ (Frame_RSP-Frame_Vector)(SP), SP
	BYTE $0x48; SYSRET
iret:
	POP_REGS
	ADDQ $16, SP
	IRETQ

// func XSAVE(area uintptr, features uint64)
TEXT ·XSAVE(SB),NOSPLIT,$0-16
	MOVQ area+0(FP), DI
	MOVQ features+8(FP), AX
	MOVQ AX, DX
	SHRQ $32, DX
	ANDL $~2, AX
	MOVL 24(DI), CX // XSAVE of AVX state stores MXCSR, which is the kernel's now
	XSAVE64 (DI)
	MOVL CX, 24(DI)
	RET

// func XRSTOR(area uintptr, features uint64)
TEXT ·XRSTOR(SB),NOSPLIT,$0-16
	MOVQ area+0(FP), DI
	MOVQ features+8(FP), AX
	MOVQ AX, DX
	SHRQ $32, DX
	ANDL $~2, AX
	XRSTOR64 (DI)
	LDMXCSR ·kernelMXCSR(SB)
	RET

// func StoreSelectors(p uintptr)
TEXT ·StoreSelectors(SB),NOSPLIT,$0-8
	MOVQ p+0(FP), AX
	MOVW DS, 0(AX)
	MOVW ES, 2(AX)
	MOVW FS, 4(AX)
	MOVW GS, 6(AX)
	RET

// func LoadSelectors(s uint64)
//
// Loading FS or GS sets its base as well. While GS has another, an exception
// would not find the CPU, but for those that do not need it.
TEXT ·LoadSelectors(SB),NOSPLIT,$0-8
	MOVQ s+0(FP), AX
	MOVW AX, DS
	SHRQ $16, AX
	MOVW AX, ES
	SHRQ $16, AX
	RDFSBASEQ CX
	MOVW AX, FS
	WRFSBASEQ CX
	SHRQ $16, AX
	RDGSBASEQ CX
	MOVW AX, GS
	WRGSBASEQ CX
	RET

DATA ·kernelMXCSR+0(SB)/4, $0x1f80
GLOBL ·kernelMXCSR(SB), RODATA|NOPTR, $4
