// Shim stands on PATH under the names python and uv, finds the Python that the user declared, and
// runs it.
package main

import (
	"os"
	"runtime"

	"uvshim/shim"
)

// The thread that the kernel started is the one to call execve: the signal that prctl(2) has a child
// get at its parent's death is a thread's, and so are its pending signals.
func init() { runtime.LockOSThread() }

func main() { os.Exit(shim.Main()) }
