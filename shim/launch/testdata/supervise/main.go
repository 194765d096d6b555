// Supervise runs a program under launch.Plan.Supervise as the shim does: on the thread that the
// kernel started, linked with the shim's own entry. Its arguments are the length of the tail, or
// "exec" to run the program in its place; a file to write the outcome to; and the program with its
// arguments. With "signals", "fill" or "die" as its only argument it is a program to be run.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
	"uvshim/shim/launch"
)

func init() { os.Exit(run()) }

func main() {}

func run() int {
	h := host.Current()
	switch h.Args[1] {
	case "signals":
		return signals()
	case "die":
		return launch.Outcome{Signal: unix.SIGUSR1}.Repeat()
	case "fill":
		return fill()
	}
	plan := launch.Plan{Path: h.Args[3], Args: h.Args[4:], Env: h.Env}
	if h.Args[1] == "exec" {
		host.AsStarted()
		fmt.Fprintln(os.Stderr, plan.Exec())
		return 97
	}
	tail, err := strconv.Atoi(h.Args[1])
	if err != nil {
		return 99
	}
	out, err := plan.Supervise(launch.Supervision{Tail: tail})
	text := fmt.Sprintf("%d %d %q %v", out.Exit, out.Signal, out.Tail, err)
	if os.WriteFile(h.Args[2], []byte(text), 0o600) != nil {
		return 98
	}
	return out.Repeat()
}

// signals writes "ready" and the name of each signal that comes, until SIGUSR2.
func signals() int {
	got := make(chan os.Signal, 100)
	for n := unix.Signal(1); n <= 31; n++ {
		if n != unix.SIGURG && n != unix.SIGCHLD && n != unix.SIGTSTP && !signal.Ignored(n) {
			signal.Notify(got, n)
		}
	}
	fmt.Println("ready", os.Getpid())
	for s := range got {
		fmt.Println(unix.SignalName(s.(unix.Signal)))
		if s == unix.SIGUSR2 {
			return 0
		}
	}
	return 1
}

// fill writes to standard error without waiting until that takes no more, and then how much it took.
func fill() int {
	_ = unix.SetNonblock(2, true)
	total := 0
	for tries := 0; tries < 30 && total < 1<<26; {
		n, err := unix.Write(2, make([]byte, 1000))
		if err != nil {
			tries++
			time.Sleep(10 * time.Millisecond)
			continue
		}
		total, tries = total+n, 0
	}
	fmt.Println(total)
	return 0
}
