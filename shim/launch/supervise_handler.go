//go:build amd64 || arm64

package launch

// Who sent a signal is told to its handler alone, and the handlers of Go's runtime keep it to
// themselves. So the passed signals get a handler that writes the head of its siginfo_t into a
// pipe, and that is all of it: it runs on any thread at any time.

// signalPipe is where onSignal writes.
//
//lint:ignore U1000 the assembly reads it
var signalPipe int32 = -1

// Set by the assembly: the addresses of onSignal and onReturn. A func value would hold those of
// wrappers, which are for Go's calling convention and not for the kernel's.
var onSignalPC, onReturnPC uint64

// onSignal is a handler as sigaction(2) has it.
//
//lint:ignore U1000 the kernel calls it
func onSignal()

// onReturn is where it returns to.
//
//lint:ignore U1000 the kernel calls it
func onReturn()

// The flags of sigaction(2). Go's stacks are small, so a handler needs SA_ONSTACK.
const (
	saSigInfo  = 0x00000004
	saRestorer = 0x04000000 // amd64 demands it
	saOnStack  = 0x08000000
	saRestart  = 0x10000000
)

func onSignalAction() *action {
	return &action{
		handler: onSignalPC, flags: saSigInfo | saRestorer | saOnStack | saRestart,
		restorer: onReturnPC, mask: ^uint64(0),
	}
}
