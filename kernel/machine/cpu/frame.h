// Macros of the entry code. SP points at a Frame where not said otherwise.

#define TRAP_SYSCALL 256

#define PUSH_REGS \
	PUSHQ AX; PUSHQ R9; PUSHQ R8; PUSHQ R10; PUSHQ DX; PUSHQ SI; PUSHQ DI; \
	PUSHQ CX; PUSHQ BX; PUSHQ BP; PUSHQ R11; PUSHQ R12; PUSHQ R13; PUSHQ R14; PUSHQ R15

#define POP_REGS \
	POPQ R15; POPQ R14; POPQ R13; POPQ R12; POPQ R11; POPQ BP; POPQ BX; POPQ CX; \
	POPQ DI; POPQ SI; POPQ DX; POPQ R10; POPQ R8; POPQ R9; POPQ AX

#define SAVE_XMM(base, off) \
	MOVUPS X0, (off+0)(base); MOVUPS X1, (off+16)(base); MOVUPS X2, (off+32)(base); MOVUPS X3, (off+48)(base); \
	MOVUPS X4, (off+64)(base); MOVUPS X5, (off+80)(base); MOVUPS X6, (off+96)(base); MOVUPS X7, (off+112)(base); \
	MOVUPS X8, (off+128)(base); MOVUPS X9, (off+144)(base); MOVUPS X10, (off+160)(base); MOVUPS X11, (off+176)(base); \
	MOVUPS X12, (off+192)(base); MOVUPS X13, (off+208)(base); MOVUPS X14, (off+224)(base); MOVUPS X15, (off+240)(base)

#define LOAD_XMM(base, off) \
	MOVUPS (off+0)(base), X0; MOVUPS (off+16)(base), X1; MOVUPS (off+32)(base), X2; MOVUPS (off+48)(base), X3; \
	MOVUPS (off+64)(base), X4; MOVUPS (off+80)(base), X5; MOVUPS (off+96)(base), X6; MOVUPS (off+112)(base), X7; \
	MOVUPS (off+128)(base), X8; MOVUPS (off+144)(base), X9; MOVUPS (off+160)(base), X10; MOVUPS (off+176)(base), X11; \
	MOVUPS (off+192)(base), X12; MOVUPS (off+208)(base), X13; MOVUPS (off+224)(base), X14; MOVUPS (off+240)(base), X15

// SAVE_USER_XMM stores XMM and MXCSR in the XSAVE image of the Context at SP
// and gives the kernel its own MXCSR. It clobbers AX.
#define SAVE_USER_XMM \
	MOVQ const_ContextFPU(SP), AX; \
	STMXCSR 24(AX); \
	LDMXCSR ·kernelMXCSR(SB); \
	SAVE_XMM(AX, 160)

// TO_CALLER returns from EnterUser with vector BX. GS is the kernel's and
// interrupts are off. The return is spelt as a byte because the assembler
// wants the pushes and pops of a function balanced.
#define TO_CALLER \
	MOVQ CPU_ThreadFS(GS), AX; \
	WRFSBASEQ AX; \
	MOVQ CPU_kernelSP(GS), SP; \
	POPQ BP; \
	MOVQ BX, 24(SP); \
	STI; \
	BYTE $0xC3

// TO_USER_CONTEXT moves the Frame at SP to the Context in user mode and
// points SP at it. SMAP is re-armed: the user may have set AC.
#define TO_USER_CONTEXT \
	MOVQ SP, SI; \
	MOVQ CPU_UserFrameEnd(GS), DI; \
	SUBQ $Frame__size, DI; \
	MOVQ DI, SP; \
	MOVL $(Frame__size/8), CX; \
	REP; MOVSQ; \
	CMPQ CPU_hasSMAP(GS), $0; \
	JEQ 2(PC); \
	CLAC
