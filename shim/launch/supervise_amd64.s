#include "textflag.h"

DATA ·onSignalPC(SB)/8, $·onSignal(SB)
GLOBL ·onSignalPC(SB), RODATA, $8
DATA ·onReturnPC(SB)/8, $·onReturn(SB)
GLOBL ·onReturnPC(SB), RODATA, $8

// func onSignal()
// The kernel left the signal in DI and its siginfo_t in SI. sigreturn(2) puts all registers back.
TEXT ·onSignal(SB), NOSPLIT|NOFRAME, $0
	MOVL ·signalPipe(SB), DI
	MOVL $24, DX // the size of caught
	MOVL $1, AX  // write
	SYSCALL
	RET

// func onReturn()
TEXT ·onReturn(SB), NOSPLIT|NOFRAME, $0
	MOVL $15, AX // rt_sigreturn
	SYSCALL
	INT  $3
