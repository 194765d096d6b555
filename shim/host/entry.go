//go:build linux && (amd64 || arm64)

package host

import "golang.org/x/sys/unix"

// Before Go's runtime runs a line of ours, it opens /dev/null in the place of each standard
// descriptor that is closed, and nothing tells that descriptor from one that the caller opened
// there (subprocess.DEVNULL of Python). A Python started with stdin closed must find it closed
// behind the shim as well, so a program linked with -E uvshim/shim/host.entry starts at entry,
// which looks before the runtime does. Linked in any other way, nothing is known and nothing done.

// closedAtStart has bit n set if descriptor n was closed when the program started. Set by entry.
var closedAtStart uint32

// entry looks at the standard descriptors and goes on to the runtime's own entry.
//
//lint:ignore U1000 the linker uses it
func entry()

// CloseStd marks the standard descriptors that were closed when this program started, so that
// execve(2) closes them again.
func CloseStd() {
	for fd := range 3 {
		if closedAtStart&(1<<fd) != 0 {
			unix.CloseOnExec(fd)
		}
	}
}
