// Differ looks for what the tests do not: where our rules and the real programs differ on random
// input, what fuzzing finds, and which changes to the code no test notices.
//
//	go run ./testscripts/differ requests -n 2000       version requests, with the real uv
//	go run ./testscripts/differ versionfiles -n 2000   .python-version files, with the real uv
//	go run ./testscripts/differ lines -n 2000          command lines, with the real uv
//	go run ./testscripts/differ graphs -n 10000        ELF files that need one another, with the real loader
//	go run ./testscripts/differ nixld -n 1000          the same with nix-ld's variables, behind a stand-in for nix-ld
//	go run ./testscripts/differ fuzz -time 60s         every fuzz target of the module
//	go run ./testscripts/differ mutants -only ./policy/version
//
// Trials are numbered: -seed is the first one's number, and the same number is the same trial. What
// is found is printed with the command that repeats it; the exit code is 1 then. Run it at the root of the module.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, errFound) && !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "differ:", err)
		}
		os.Exit(1)
	}
}

// errFound says that something was found, which was printed.
var errFound = errors.New("differences")

type options struct {
	n     int
	seed  uint64
	time  time.Duration // of one fuzz target, or at most of one mutant's test
	match string        // of fuzz targets
	only  string        // the packages or files that mutants are made of
	with  string        // the packages whose tests run beside their own
	skip  string        // tests
	max   int
	jobs  int
	out   io.Writer
}

func run(args []string, out io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("want one of %s", strings.Join(words(), ", "))
	}
	o := options{out: out}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Uint64Var(&o.seed, "seed", 1, "the number of the first trial")
	work := func() error { return fuzz(o) }
	switch args[0] {
	case "fuzz":
		flags.DurationVar(&o.time, "time", time.Minute, "how long to run each target")
		flags.StringVar(&o.match, "match", "", "only targets whose package and name contain this, as in lock.FuzzDecode")
	case "mutants":
		flags.StringVar(&o.only, "only", "./shim/intercept", "what to change: packages, files, or lines as in policy/request.go:12, with commas between them")
		flags.StringVar(&o.with, "with", "", "packages whose tests run as well, where the package's own notice nothing")
		flags.StringVar(&o.skip, "skip", "", "tests to leave out, as for go test")
		flags.IntVar(&o.max, "max", 0, "how many mutants to choose by chance, or 0 for all")
		flags.DurationVar(&o.time, "time", 2*time.Minute, "how long one test may take at most")
		flags.IntVar(&o.jobs, "jobs", 2, "how many to try at a time")
		work = func() error { return mutants(o) }
	default:
		c, ok := comparisonOf(args[0])
		if !ok {
			return fmt.Errorf("unknown word %q, want one of %s", args[0], strings.Join(words(), ", "))
		}
		flags.IntVar(&o.n, "n", 500, "how many trials")
		work = func() error { return compare(c, o) }
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return work()
}

func words() []string {
	var list []string
	for _, c := range comparisons {
		list = append(list, c.word)
	}
	return append(list, "fuzz", "mutants")
}
