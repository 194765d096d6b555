// Bench measures what the shim costs: over a program that does nothing but exec, and beside other
// tools that stand in front of a Python. Run it on a quiet machine:
//
//	go run ./testscripts/bench
//
// All rows of a table run once a round, each round in another order, and are compared pairwise
// within the rounds: a load that comes and goes meets all of them alike. What is measured is the
// time from before the fork until the end of the program was waited for. The exit code says whether
// all could be run, never whether it was fast.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
)

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 300, "rounds of the warm path; the tables with real programs have a quarter")
	flag.BoolVar(&o.quick, "quick", false, "10 rounds, to see that everything runs")
	flag.BoolVar(&o.markdown, "markdown", false, "print the tables in Markdown")
	flag.IntVar(&o.cpu, "cpu", -1, "run everything on this CPU")
	flag.StringVar(&o.shim, "shim", "", "measure this build of shim; without it, one is built")
	flag.Func("against", "another build of shim to measure beside it; may be given more than once", func(file string) error {
		o.against = append(o.against, file)
		return nil
	})
	flag.StringVar(&o.scan, "scan", "", "a large environment, for the cold scan")
	flag.StringVar(&o.python, "python", "", "the CPython of the tables with real programs (default: python3 on PATH)")
	flag.StringVar(&o.uv, "uv", "", "the real uv (default: uv on PATH)")
	flag.StringVar(&o.pyenv, "pyenv", "", "pyenv's python shim (default: below PYENV_ROOT or ~/.pyenv)")
	flag.StringVar(&o.mise, "mise", "", "mise's python shim (default: below MISE_DATA_DIR or ~/.local/share/mise)")
	flag.StringVar(&o.py, "py", "", "the python-launcher (default: py on PATH)")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "bench: unexpected argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	rounds, cpu                 int
	quick, markdown             bool
	shim, scan                  string
	against                     []string
	python, uv, pyenv, mise, py string
}

func run(o options) error {
	if o.quick {
		o.rounds = 10
	}
	if o.cpu >= 0 {
		// children run where the thread that forks them does
		runtime.LockOSThread()
		var set unix.CPUSet
		set.Set(o.cpu)
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			return fmt.Errorf("pinning to CPU %d: %w", o.cpu, err)
		}
	}
	dir, err := os.MkdirTemp("", "shim-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// interpreters are compared with links followed
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return err
	}
	for _, path := range []*string{&o.python, &o.uv, &o.pyenv, &o.mise, &o.py, &o.scan} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	h := host.Current()
	finder := host.NewFinder(h.Env.Get("PATH"))
	p, err := build(dir, o.shim, finder)
	if err != nil {
		return err
	}
	out := printer{markdown: o.markdown}
	out.line(machineLine())

	first, err := warm(dir, p, o.against)
	if err != nil {
		return err
	}
	if err := first.measure(o.rounds); err != nil {
		return err
	}
	out.table(first)
	memory, err := memory(first, p)
	if err != nil {
		return err
	}

	tables, notes, err := peers(dir, p, o, h, finder)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := t.measure(max(o.rounds/4, 5)); err != nil {
			return err
		}
		out.table(t)
	}
	more, err := slow(dir, p, o.scan, finder)
	if err != nil {
		return err
	}
	out.list("Budgets", append(budgets(first, memory), more...))
	if p.cFloor == "" {
		notes = append(notes, "no gcc: no C floor, no venv of ELF files, no uv run, no peak memory, and the target is a Go program")
	}
	out.list("Notes", notes)
	return nil
}
