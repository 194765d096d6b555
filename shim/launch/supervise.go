package launch

import "golang.org/x/sys/unix"

// A Supervision is what Supervise is to do besides waiting.
type Supervision struct {
	// Tail asks for the last bytes, at most so many, of what the program writes to standard error.
	// All of it appears as it would, but by way of a second terminal or a pipe, which has its
	// price: a program that takes orders from its standard error (more(1) in a pipe) gets none,
	// what it writes to standard output may overtake, and a daemon that it leaves behind finds its
	// standard error closed after our end. So it is for calls that run uv alone, and not for those
	// that run the user's program.
	Tail int
}

// An Outcome is how a supervised program ended: by the exit status, or by the signal if it is not 0.
type Outcome struct {
	Exit   int
	Signal unix.Signal
	Core   bool   // the signal left a core dump
	Tail   []byte // see Supervision
}

// Code returns the outcome as a shell has it in $?.
func (o Outcome) Code() int {
	if o.Signal != 0 {
		return 128 + int(o.Signal)
	}
	return o.Exit
}

// Repeat ends this process by the signal that ended the program, without a core dump of ours.
// Where none did, or where signals cannot end this process as it is the first one of a container,
// it returns Code for an exit.
func (o Outcome) Repeat() int {
	if o.Signal != 0 {
		_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
		raise(o.Signal)
	}
	return o.Code()
}
