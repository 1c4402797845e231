//go:build baremetal

#include "textflag.h"
#include "go_asm.h"
#include "frame.h"

// SYSCALL arrives here from ring 3 and from ring 0: the Go runtime's own
// calls. RCX holds the return address, whose sign tells them apart. Interrupts
// are off, and SFMASK has cleared DF, TF, NT and AC.
TEXT ·syscallEntry(SB),NOSPLIT|NOFRAME,$0
	TESTQ CX, CX
	JNS user
	MOVQ SP, CPU_scratch(GS)
	MOVQ CPU_FrameEnd(GS), SP
	PUSHQ $const_KernelSS
	PUSHQ CPU_scratch(GS)
	PUSHQ R11
	PUSHQ $const_KernelCS
	PUSHQ CX
	SUBQ $16, SP
	PUSH_REGS
	MOVQ SP, AX
	MOVQ CPU_trapStack(GS), SP
	MOVQ AX, 0(SP)
	MOVQ CPU_trapFS(GS), AX
	WRFSBASEQ AX
	MOVQ ·Hooks+0(SB), AX
	CALL AX
	JMP ·resume(SB)
user:
	SWAPGS
	MOVQ SP, CPU_scratch(GS)
	MOVQ CPU_UserFrameEnd(GS), SP
	PUSHQ $const_UserSS
	PUSHQ CPU_scratch(GS)
	PUSHQ R11
	PUSHQ $const_UserCS
	PUSHQ CX
	PUSHQ $0
	PUSHQ $TRAP_SYSCALL
	PUSH_REGS
	SAVE_USER_XMM
	RDFSBASEQ AX
	MOVQ AX, const_ContextFSBase(SP)
	MOVL $TRAP_SYSCALL, BX
	TO_CALLER

// compatEntry is where SYSCALL goes from 32-bit code, which no program can run.
// Should one do so all the same, it is an invalid instruction.
TEXT ·compatEntry(SB),NOSPLIT|NOFRAME,$0
	SWAPGS
	MOVQ SP, CPU_scratch(GS)
	MOVQ CPU_UserFrameEnd(GS), SP
	PUSHQ $const_UserSS
	PUSHQ CPU_scratch(GS)
	PUSHQ R11
	PUSHQ $const_UserCS
	PUSHQ CX
	PUSHQ $0
	PUSHQ $const_ExcInvalid
	PUSH_REGS
	SAVE_USER_XMM
	RDFSBASEQ AX
	MOVQ AX, const_ContextFSBase(SP)
	MOVL $const_ExcInvalid, BX
	TO_CALLER

// resume continues the thread whose state ends at CPU.FrameEnd; always ring 0.
TEXT ·resume(SB),NOSPLIT|NOFRAME,$0
	MOVQ CPU_ThreadFS(GS), AX
	WRFSBASEQ AX
	MOVQ CPU_FrameEnd(GS), SP
	SUBQ $Frame__size, SP
	PXOR X15, X15
	CMPQ ThreadState_XMMValid(SP), $0
	JEQ registers
	MOVQ $0, ThreadState_XMMValid(SP)
	LDMXCSR ThreadState_MXCSR(SP)
	LOAD_XMM(SP, ThreadState_XMM)
registers:
	POP_REGS
	ADDQ $16, SP
	IRETQ

// enterTrap calls the function (ABI0) at AX in trap context and then continues
// the thread that it has chosen: how a new CPU begins.
TEXT ·enterTrap(SB),NOSPLIT|NOFRAME,$0
	MOVQ CPU_trapStack(GS), SP
	MOVQ AX, BX
	MOVQ CPU_trapFS(GS), AX
	WRFSBASEQ AX
	CALL BX
	JMP ·resume(SB)

// Interrupts: the processor has pushed its frame onto IST1, which ends the
// running thread's ThreadState.
TEXT ·interruptCommon(SB),NOSPLIT|NOFRAME,$0
	PUSH_REGS
	CLD
	TESTB $3, Frame_CS(SP)
	JNE user
	CMPQ CPU_hasSMAP(GS), $0
	JEQ kernel
	CLAC
kernel:
	MOVQ $1, ThreadState_XMMValid(SP)
	STMXCSR ThreadState_MXCSR(SP)
	SAVE_XMM(SP, ThreadState_XMM)
	MOVQ Frame_Vector(SP), BX
	MOVQ CPU_trapStack(GS), SP
	MOVQ BX, 0(SP)
	MOVQ $0, 8(SP)
	MOVQ CPU_trapFS(GS), AX
	WRFSBASEQ AX
	MOVQ ·Hooks+8(SB), AX
	CALL AX
	JMP ·resume(SB)
user:
	SWAPGS
	TO_USER_CONTEXT
	SAVE_USER_XMM
	RDFSBASEQ AX
	MOVQ AX, const_ContextFSBase(SP)
	MOVQ Frame_Vector(SP), BX
	MOVQ SP, CX
	MOVQ CPU_trapStack(GS), SP
	MOVQ BX, 0(SP)
	MOVQ $1, 8(SP)
	MOVQ CX, 16(SP)
	MOVQ CPU_trapFS(GS), AX
	WRFSBASEQ AX
	MOVQ ·Hooks+8(SB), AX
	CALL AX
	MOVL $const_VectorInterrupt, BX
	TO_CALLER

// Exceptions: the frame is on IST2. From ring 3 it moves to the Context and
// EnterUser returns; in ring 0 the hook mends what it can and the interrupted
// instruction goes on.
TEXT ·exceptionCommon(SB),NOSPLIT|NOFRAME,$0
	PUSH_REGS
	CLD
	TESTB $3, Frame_CS(SP)
	JEQ ring0
	JMP ·exceptionUser(SB)
ring0:
	CMPQ CPU_hasSMAP(GS), $0
	JEQ kernel
	CLAC
kernel:
	MOVQ SP, BX
	SUBQ $(16+256+16), SP
	SAVE_XMM(SP, 16)
	RDFSBASEQ AX
	MOVQ AX, 272(SP)
	MOVQ BX, 0(SP)
	MOVQ CR2, AX
	MOVQ AX, 8(SP)
	MOVQ CPU_trapFS(GS), AX
	WRFSBASEQ AX
	MOVQ ·Hooks+16(SB), AX
	CALL AX
	MOVQ 272(SP), AX
	WRFSBASEQ AX
	LOAD_XMM(SP, 16)
	ADDQ $(16+256+16), SP
	POP_REGS
	ADDQ $16, SP
	IRETQ

// exceptionUser ends EnterUser with the exception whose frame is at SP.
TEXT ·exceptionUser(SB),NOSPLIT|NOFRAME,$0
	SWAPGS
	TO_USER_CONTEXT
	SAVE_USER_XMM
	MOVQ CR2, AX
	MOVQ AX, const_ContextCR2(SP)
	RDFSBASEQ AX
	MOVQ AX, const_ContextFSBase(SP)
	MOVQ Frame_Vector(SP), BX
	TO_CALLER

// Exceptions that may come at any instruction: GS and FS may be anybody's. The
// address of the CPU stands above the frame. A debug exception of ring 3 is the
// program's; the others are the machine's, wherever they come.
TEXT ·anywhereCommon(SB),NOSPLIT|NOFRAME,$0
	PUSH_REGS
	CLD
	CMPQ Frame_Vector(SP), $const_ExcDebug
	JNE machine
	TESTB $3, Frame_CS(SP)
	JEQ machine
	JMP ·exceptionUser(SB)
machine:
	MOVQ SP, BX
	SUBQ $(16+256+16+16), SP
	RDGSBASEQ AX
	MOVQ AX, 280(SP)
	MOVQ Frame__size(BX), AX
	WRGSBASEQ AX
	CMPQ CPU_hasSMAP(GS), $0
	JEQ 2(PC)
	CLAC
	SAVE_XMM(SP, 16)
	PXOR X15, X15
	RDFSBASEQ AX
	MOVQ AX, 272(SP)
	MOVQ BX, 0(SP)
	MOVQ CR2, AX
	MOVQ AX, 8(SP)
	MOVQ CPU_trapFS(GS), AX
	WRFSBASEQ AX
	MOVQ ·Hooks+16(SB), AX
	CALL AX
	MOVQ 272(SP), AX
	WRFSBASEQ AX
	LOAD_XMM(SP, 16)
	MOVQ 280(SP), AX
	WRGSBASEQ AX
	ADDQ $(16+256+16+16), SP
	POP_REGS
	ADDQ $16, SP
	IRETQ

TEXT ·spurious(SB),NOSPLIT|NOFRAME,$0
	IRETQ

TEXT ·spuriousPC(SB),NOSPLIT,$0-8
	LEAQ ·spurious(SB), AX
	MOVQ AX, ret+0(FP)
	RET

TEXT ·syscallPC(SB),NOSPLIT,$0-8
	LEAQ ·syscallEntry(SB), AX
	MOVQ AX, ret+0(FP)
	RET

TEXT ·compatPC(SB),NOSPLIT,$0-8
	LEAQ ·compatEntry(SB), AX
	MOVQ AX, ret+0(FP)
	RET

TEXT ·Current(SB),NOSPLIT,$0-8
	MOVQ CPU_self(GS), AX
	MOVQ AX, ret+0(FP)
	RET

TEXT ·readFS(SB),NOSPLIT,$0-8
	RDFSBASEQ AX
	MOVQ AX, ret+0(FP)
	RET
