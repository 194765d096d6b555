package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
)

// A comparison is a test that draws random trials. It lies in the package whose rules it holds
// against the real thing, and reads from its environment how many trials are wanted
// (testscripts/trials).
type comparison struct {
	word, pkg, test string
	real            string
}

var comparisons = []comparison{
	{"requests", "./policy/version", "TestRandomRequests_uv", "uv"},
	{"versionfiles", "./policy/version", "TestRandomFiles_uv", "uv"},
	{"lines", "./shim/uv/cli", "TestRandomLines_uv", "uv"},
	{"graphs", "./shim/elfdeps", "TestGraphs", "ld.so"},
	{"nixld", "./shim/elfdeps", "TestGraphs_nixLD", "ld.so behind a stand-in for nix-ld"},
}

func comparisonOf(word string) (comparison, bool) {
	for _, c := range comparisons {
		if c.word == word {
			return c, true
		}
	}
	return comparison{}, false
}

// result is what a test says at its end: see trials.Trials.
func result(out []byte) (trials, differences int, ok bool) {
	m := regexp.MustCompile(`trials: (\d+), differences: (\d+)`).FindSubmatch(out)
	if m == nil {
		return 0, 0, false
	}
	trials, _ = strconv.Atoi(string(m[1]))
	differences, _ = strconv.Atoi(string(m[2]))
	return trials, differences, true
}

// compare runs a comparison, and prints what it found and a line on it for a table.
func compare(c comparison, o options) error {
	cmd := exec.CommandContext(context.Background(), "go", "test", "-count=1", "-timeout=6h", "-run=^"+c.test+"$", "-v", c.pkg)
	cmd.Env = append(os.Environ(), "UVSHIM_TRIALS="+strconv.Itoa(o.n), "UVSHIM_SEED="+strconv.FormatUint(o.seed, 10))
	out, err := cmd.CombinedOutput()
	n, differences, ok := result(out)
	if !ok || err != nil {
		o.out.Write(told(out))
	}
	if !ok {
		return fmt.Errorf("%s did not run: %w", c.test, err)
	}
	fmt.Fprintf(o.out, "| %s against %s | %d | %d | `go run ./testscripts/differ %s -n %d -seed %d` |\n", c.word, c.real, n, differences, c.word, o.n, o.seed)
	if differences > 0 || err != nil {
		return errFound
	}
	return nil
}

// told leaves out the lines of go test that say only that a test goes on or went well.
func told(out []byte) []byte {
	var kept []byte
	for line := range bytes.Lines(out) {
		word := bytes.TrimSpace(line)
		if !bytes.HasPrefix(word, []byte("=== ")) && !bytes.HasPrefix(word, []byte("--- PASS")) && !bytes.HasPrefix(word, []byte("--- SKIP")) {
			kept = append(kept, line...)
		}
	}
	return kept
}
