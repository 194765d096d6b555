#include "textflag.h"

DATA oneProcessor<>+0(SB)/8, $"GOMAXPRO"
DATA oneProcessor<>+8(SB)/8, $"CS=1\x00\x00\x00\x00"
GLOBL oneProcessor<>(SB), RODATA|NOPTR, $16

// func entry()
// The kernel left argc at 0(SP) and the runtime wants to find it there: no frame, no stack. What
// lies below SP is free, as nothing has been called yet and no signal handler is set.
TEXT ·entry(SB), NOSPLIT|NOFRAME, $0
	// Argc, the arguments and their null move down, and in the gap before the environment the runtime
	// finds GOMAXPROCS=1: see AllProcessors. It stands there twice, as SP has to stay a multiple of 16.
	MOVQ SP, SI
	SUBQ $16, SP
	MOVQ SP, DI
	MOVQ 0(SI), CX
	ADDQ $2, CX
	CLD
	REP; MOVSQ
	MOVQ $oneProcessor<>(SB), AX
	MOVQ AX, 0(DI)
	MOVQ AX, 8(DI)
	MOVQ $2, ·addedAtStart(SB)
	MOVQ SP, ·stackAtStart(SB)

	MOVL $0, R12 // descriptor
	MOVL $0, R13 // result
again:
	MOVL $72, AX // fcntl
	MOVL R12, DI
	MOVL $1, SI // F_GETFD
	MOVL $0, DX
	SYSCALL
	CMPQ AX, $-9 // EBADF
	JNE  open
	MOVL R12, CX
	MOVL $1, AX
	SHLL CX, AX
	ORL  AX, R13
open:
	INCL R12
	CMPL R12, $3
	JLT  again
	MOVL R13, ·closedAtStart(SB)

	MOVL $14, AX // rt_sigprocmask
	MOVL $0, DI
	MOVL $0, SI
	LEAQ ·blockedAtStart(SB), DX
	MOVL $8, R10
	SYSCALL

	MOVL $1, R12 // signal
	MOVQ $0, R13 // result
next:
	MOVL $13, AX // rt_sigaction
	MOVL R12, DI
	MOVL $0, SI
	LEAQ -64(SP), DX
	MOVL $8, R10
	SYSCALL
	TESTQ AX, AX
	JNE  handled
	CMPQ -64(SP), $1 // SIG_IGN
	JNE  handled
	MOVL R12, CX
	DECL CX
	MOVQ $1, AX
	SHLQ CX, AX
	ORQ  AX, R13
handled:
	INCL R12
	CMPL R12, $64
	JLE  next
	MOVQ R13, ·ignoredAtStart(SB)

	MOVL $0, DX
	JMP  _rt0_amd64_linux(SB)
