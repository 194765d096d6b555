#include "textflag.h"

// func entry()
// The kernel left argc at 0(SP) and the runtime wants to find it there: no frame, no stack.
TEXT ·entry(SB), NOSPLIT|NOFRAME, $0
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
	MOVL $0, DX
	JMP  _rt0_amd64_linux(SB)
