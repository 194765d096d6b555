// Shim stands on PATH under the names python and uv, finds the Python that the user declared, and
// runs it.
package main

import (
	"os"

	"uvshim/shim"
)

func main() { os.Exit(shim.Main()) }
