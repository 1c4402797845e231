#include "textflag.h"

// Offsets in the vvar page: clock.params.
#define SEQ 0
#define TSC_BASE 8
#define MUL 16
#define BASE 24
#define REAL 32

#define SECOND 1000000000

// VVAR loads the address of the vvar page: LEAQ distance(RIP), R11, whose
// distance Image fills in.
#define VVAR BYTE $0x4c; BYTE $0x8d; BYTE $0x1d; LONG $0x5afec0de

// READ_CLOCK leaves the time since boot in AX and the wall clock's offset in
// R8; it clobbers CX, DX, R9 and R11. The label is different in each function.
#define READ_CLOCK(again) \
	VVAR; \
again: \
	MOVL SEQ(R11), R9; \
	TESTL $1, R9; \
	JNE again; \
	LFENCE; \
	RDTSC; \
	SHLQ $32, DX; \
	ORQ DX, AX; \
	XORL CX, CX; \
	SUBQ TSC_BASE(R11), AX; \
	CMOVQCS CX, AX; \
	MULQ MUL(R11); \
	SHRQ $32, DX, AX; \
	ADDQ BASE(R11), AX; \
	MOVQ REAL(R11), R8; \
	CMPL R9, SEQ(R11); \
	JNE again

// int __vdso_clock_gettime(clockid_t clock, struct timespec *ts)
//
// The clocks that are served here are REALTIME, MONOTONIC, MONOTONIC_RAW and
// BOOTTIME and the coarse ones; the rest is the system call's.
TEXT ·clockGettime(SB),NOSPLIT|NOFRAME,$0
	CMPL DI, $7
	JHI syscall
	MOVL $0xf3, AX // bits 0, 1, 4, 5, 6, 7
	BTL DI, AX
	JCC syscall
	READ_CLOCK(again)
	MOVL $0x21, CX // REALTIME and REALTIME_COARSE
	BTL DI, CX
	JCC monotonic
	ADDQ R8, AX
monotonic:
	XORL DX, DX
	MOVL $SECOND, CX
	DIVQ CX
	MOVQ AX, 0(SI)
	MOVQ DX, 8(SI)
	XORL AX, AX
	RET
syscall:
	MOVL $228, AX
	SYSCALL
	RET

// int __vdso_gettimeofday(struct timeval *tv, struct timezone *tz)
TEXT ·gettimeofday(SB),NOSPLIT|NOFRAME,$0
	TESTQ SI, SI
	JNE syscall
	TESTQ DI, DI
	JEQ done
	READ_CLOCK(again)
	ADDQ R8, AX
	XORL DX, DX
	MOVL $SECOND, CX
	DIVQ CX
	MOVQ AX, 0(DI)
	MOVQ DX, AX
	XORL DX, DX
	MOVL $1000, CX
	DIVQ CX
	MOVQ AX, 8(DI)
done:
	XORL AX, AX
	RET
syscall:
	MOVL $96, AX
	SYSCALL
	RET

// time_t __vdso_time(time_t *t)
TEXT ·time(SB),NOSPLIT|NOFRAME,$0
	READ_CLOCK(again)
	ADDQ R8, AX
	XORL DX, DX
	MOVL $SECOND, CX
	DIVQ CX
	TESTQ DI, DI
	JEQ done
	MOVQ AX, 0(DI)
done:
	RET

// long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
TEXT ·getcpu(SB),NOSPLIT|NOFRAME,$0
	BYTE $0x0f; BYTE $0x01; BYTE $0xf9 // RDTSCP: ECX is the CPU's number
	TESTQ DI, DI
	JEQ node
	MOVL CX, 0(DI)
node:
	TESTQ SI, SI
	JEQ done
	MOVL $0, 0(SI)
done:
	XORL AX, AX
	RET

TEXT ·end(SB),NOSPLIT|NOFRAME,$0
	RET

// func bounds() (clockGettime, gettimeofday, time, getcpu, end uintptr)
TEXT ·bounds(SB),NOSPLIT,$0-40
	LEAQ ·clockGettime(SB), AX
	MOVQ AX, clockGettime+0(FP)
	LEAQ ·gettimeofday(SB), AX
	MOVQ AX, gettimeofday+8(FP)
	LEAQ ·time(SB), AX
	MOVQ AX, time+16(FP)
	LEAQ ·getcpu(SB), AX
	MOVQ AX, getcpu+24(FP)
	LEAQ ·end(SB), AX
	MOVQ AX, end+32(FP)
	RET
