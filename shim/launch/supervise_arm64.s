#include "textflag.h"

DATA ·onSignalPC(SB)/8, $·onSignal(SB)
GLOBL ·onSignalPC(SB), RODATA, $8
DATA ·onReturnPC(SB)/8, $·onReturn(SB)
GLOBL ·onReturnPC(SB), RODATA, $8

// func onSignal()
// The kernel left the signal in R0 and its siginfo_t in R1. sigreturn(2) puts all registers back.
TEXT ·onSignal(SB), NOSPLIT|NOFRAME, $0
	MOVW ·signalPipe(SB), R0
	MOVD $24, R2 // the size of caught
	MOVD $64, R8 // write
	SVC
	RET

// func onReturn()
TEXT ·onReturn(SB), NOSPLIT|NOFRAME, $0
	MOVD $139, R8 // rt_sigreturn
	SVC
	BRK
