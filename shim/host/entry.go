//go:build linux && (amd64 || arm64)

package host

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Before Go's runtime runs a line of ours, it changes what a program started by us would be born
// with, and nothing tells afterwards how it was. Where a standard descriptor is closed it opens
// /dev/null, like a caller who wants that (subprocess.DEVNULL of Python). It installs handlers for
// signals that the caller ignores, all but SIGHUP and SIGINT, and execve(2) turns a handler into
// the default; and it unblocks SIGINT, SIGTERM, SIGURG and others. A Python must be born behind the shim
// as it is without, so a program linked with -E uvshim/shim/host.entry starts at entry, which
// looks before the runtime does. Linked in any other way, nothing is known and nothing done.

// Set by entry: bit n of closedAtStart for a closed descriptor n, bit n-1 of the next two for signal
// n, and the stack as the runtime finds it.
var (
	closedAtStart  uint32
	blockedAtStart uint64
	ignoredAtStart uint64
	stackAtStart   *[1 << 20]uintptr
	addedAtStart   int // entries at the head of the environment that are for the runtime alone
)

// entry looks at the standard descriptors and the signals, and goes on to the runtime's own entry.
//
//lint:ignore U1000 the linker uses it
func entry()

// environ returns the environment as the kernel passed it. os.Environ leaves out empty entries and
// all but one of a name; a Python's own environ, and a bash's, would tell the difference.
func environ() []string {
	stack := stackAtStart
	if stack == nil {
		return os.Environ()
	}
	// argc, that many pointers and a null, then the environment's pointers and a null
	first := int(stack[0]) + 2 + addedAtStart
	var env []string
	for i := first; i < len(stack) && stack[i] != 0; i++ {
		entry := *(**byte)(unsafe.Pointer(&stack[i]))
		env = append(env, unix.BytePtrToString(entry))
	}
	return env
}

// AllProcessors lets Go run on all processors. On amd64 entry has it start with one: with more, it
// makes another thread before main, and moves between their heaps, thirty page faults and a tenth of a
// millisecond for each python. It is for who has more to do than a warm call.
func AllProcessors() {
	if addedAtStart > 0 {
		runtime.SetDefaultGOMAXPROCS()
	}
}

// WasClosed reports whether the standard descriptor fd was closed when this program started. The
// runtime has opened /dev/null there, which takes everything.
func WasClosed(fd int) bool { return closedAtStart&(1<<fd) != 0 }

// AsStarted makes the standard descriptors and the signals such that after an execve(2) by this
// thread they are what they were when this program started. It is for the line before that call.
func AsStarted() {
	for fd := range 3 {
		if WasClosed(fd) {
			unix.CloseOnExec(fd)
		}
	}
	ignore := struct{ handler, flags, restorer, mask uint64 }{handler: 1} // SIG_IGN
	for n := range uintptr(64) {
		if ignoredAtStart&(1<<n) != 0 {
			unix.RawSyscall6(unix.SYS_RT_SIGACTION, n+1, uintptr(unsafe.Pointer(&ignore)), 0, 8, 0, 0)
		}
	}
	if blockedAtStart != 0 {
		unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&blockedAtStart)), 0, 8, 0, 0)
	}
}
