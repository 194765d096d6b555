package host

// Roomy makes the stack as large as the way to a verdict needs, 32 KiB, while there is little on it.
// It starts with 2 KiB, and whenever it is too small Go's runtime copies it to one of twice the size,
// for which it reads tables in the program's file that nothing else asks for. To do so once saves
// every python some ten page faults, about 0.03 ms.
func Roomy() { room(false) }

// room asks for its frame as it is called, and touches it only if told so.
//
//go:noinline
func room(touch bool) byte {
	if !touch {
		return 0
	}
	var frame [20 << 10]byte
	return last(frame[:])
}

//go:noinline
func last(b []byte) byte { return b[len(b)-1] }
