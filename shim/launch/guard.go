package launch

import (
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
)

const (
	guardName = "SHIM_GUARD"
	// maxHops is how often a process, or a chain of processes each started by the one before, may go
	// through a shim in quick succession. Two version managers that find each other's shims, or a
	// wrapper script of the name python that calls python3, do so without end.
	maxHops = 40
	// hopPause parts a loop from a program that restarts itself, as development servers do:
	// between two of its calls a Python has run.
	hopPause = time.Second
)

// Hop returns env with this hop counted, and false if the process is in a loop of shims. The count
// goes on where the process is the one that was counted last, since exec keeps the pid, or its
// child. now is a place on a clock that only moves forward (see Now).
func Hop(env host.Env, pid, parent int, now time.Duration) (host.Env, bool) {
	count := 1
	var last [3]int64
	if fields := strings.Split(env.Get(guardName), ":"); len(fields) == 3 {
		for i, f := range fields {
			last[i], _ = strconv.ParseInt(f, 10, 64)
		}
		age := now - time.Duration(last[2])*time.Millisecond
		if (last[0] == int64(pid) || last[0] == int64(parent)) && age >= 0 && age < hopPause {
			count += int(last[1])
		}
	}
	value := strconv.Itoa(pid) + ":" + strconv.Itoa(count) + ":" + strconv.FormatInt(now.Milliseconds(), 10)
	return env.With(guardName, value), count <= maxHops
}

// Now returns the time since the machine started.
func Now() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}
