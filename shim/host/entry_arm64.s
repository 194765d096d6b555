#include "textflag.h"

// func entry()
// The kernel left argc at 0(RSP) and the runtime wants to find it there: no frame, no stack. What
// lies below RSP is free, as nothing has been called yet and no signal handler is set.
TEXT ·entry(SB), NOSPLIT|NOFRAME, $0
	MOVD RSP, R9
	MOVD R9, ·stackAtStart(SB)

	MOVD $0, R9  // descriptor
	MOVD $0, R10 // result
again:
	MOVD R9, R0
	MOVD $1, R1  // F_GETFD
	MOVD $0, R2
	MOVD $25, R8 // fcntl
	SVC
	CMN  $9, R0 // EBADF
	BNE  open
	MOVD $1, R11
	LSL  R9, R11, R11
	ORR  R11, R10, R10
open:
	ADD  $1, R9
	CMP  $3, R9
	BLT  again
	MOVW R10, ·closedAtStart(SB)

	MOVD $0, R0
	MOVD $0, R1
	MOVD $·blockedAtStart(SB), R2
	MOVD $8, R3
	MOVD $135, R8 // rt_sigprocmask
	SVC

	MOVD $1, R9  // signal
	MOVD $0, R10 // result
	SUB  $64, RSP, R12
next:
	MOVD R9, R0
	MOVD $0, R1
	MOVD R12, R2
	MOVD $8, R3
	MOVD $134, R8 // rt_sigaction
	SVC
	CBNZ R0, handled
	MOVD (R12), R11
	CMP  $1, R11 // SIG_IGN
	BNE  handled
	SUB  $1, R9, R13
	LSL  R13, R11, R11
	ORR  R11, R10, R10
handled:
	ADD  $1, R9
	CMP  $64, R9
	BLE  next
	MOVD R10, ·ignoredAtStart(SB)

	MOVD $0, R0
	JMP  _rt0_arm64_linux(SB)
