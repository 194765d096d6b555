// Shim stands on PATH under the names python, uv and pip, finds the Python that the user declared, and
// runs it.
package main

import (
	"os"

	"uvshim/shim"
)

// The thread that the kernel started has to be the one that calls execve(2): the signal that
// prctl(2) has a child get at its parent's death is a thread's own, and so are its pending signals.
// While init functions run, Go's runtime keeps the main goroutine on that thread. To have that in
// main, LockOSThread would start one more thread, which costs every python 0.1 ms.
func init() { os.Exit(shim.Main()) }

func main() {}
