// Faults injects faults and load into machines on which shim is at work, many times over, and
// prints what was lost: nothing, it is hoped. The tests run a few trials of the same rows.
//
//	go run ./testscripts/faults -rounds 500
//
// The exit code is 1 where something was lost.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"uvshim/testscripts/faults/trial"
)

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 500, "trials of each fault")
	flag.IntVar(&o.calls, "calls", 10_000, "calls of each load")
	flag.StringVar(&o.only, "only", "", "only the rows whose names begin so")
	flag.StringVar(&o.shim, "shim", "", "this build of shim; without it, one is built")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "faults: unexpected argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	lost, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
	if lost {
		os.Exit(1)
	}
}

type options struct {
	rounds, calls int
	only, shim    string
}

func run(o options) (lost bool, err error) {
	rows, err := trial.Find(o.only)
	if err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "shim-faults-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return false, err
	}
	program := filepath.Join(dir, "shim")
	if o.shim != "" {
		text, err := os.ReadFile(o.shim)
		if err == nil {
			err = os.WriteFile(program, text, 0o755)
		}
		if err != nil {
			return false, err
		}
	} else {
		build := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w -E uvshim/shim/host.entry", "-o", program, "uvshim/cmd/shim")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return false, fmt.Errorf("building shim: %w\n%s", err, out)
		}
	}
	fmt.Println("| fault | trials | losses | command to repeat |")
	fmt.Println("|---|--:|--:|---|")
	for i, row := range rows {
		n, option := o.rounds, fmt.Sprintf("-rounds %d", o.rounds)
		if row.Load {
			n, option = o.calls, fmt.Sprintf("-calls %d", o.calls)
		}
		t := row.Do(filepath.Join(dir, fmt.Sprint(i)), program, n)
		fault := row.Fault
		if len(t.Figures) > 0 {
			fault += " (" + strings.Join(t.Figures, ", ") + ")"
		}
		if t.Missing != nil {
			fault += ": not injected, " + t.Missing.Error()
		}
		fmt.Printf("| %s | %d | %d | `go run ./testscripts/faults -only %s %s` |\n", fault, t.Count, len(t.Losses), row.Name, option)
		for _, loss := range t.Losses[:min(len(t.Losses), 20)] {
			fmt.Fprintf(os.Stderr, "faults: %s: %s\n", row.Name, loss)
		}
		lost = lost || len(t.Losses) > 0
	}
	return lost, nil
}
