package trial

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Row is one fault or load. Run injects it about n times, and tells t of each trial and of each
// thing that did not hold.
type Row struct {
	Name  string // for a subtest, and for -only
	Fault string // what is injected
	Load  bool   // n is a number of calls
	Run   func(t *Trials, n int)
}

// Trials is what came of a row.
type Trials struct {
	*Machine
	Program string // the shim that the machine's shims are copies of
	Count   int
	Losses  []string
	Figures []string // what was measured
	Missing error    // what the row needs and this system has not, or forbids
}

// Do runs a row on a machine of its own in dir, which must not exist.
func (r Row) Do(dir, program string, n int) Trials {
	t := Trials{Program: program}
	m, err := New(dir, program)
	if err != nil {
		t.lose("no machine: %v", err)
		return t
	}
	t.Machine = m
	defer func() {
		filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				os.Chmod(path, 0o700)
			}
			return nil
		})
		os.RemoveAll(dir)
	}()
	r.Run(&t, n)
	return t
}

func (t *Trials) lose(format string, args ...any) {
	if len(t.Losses) < 1000 {
		t.Losses = append(t.Losses, fmt.Sprintf(format, args...))
	}
}

func (t *Trials) figure(format string, args ...any) {
	t.Figures = append(t.Figures, fmt.Sprintf(format, args...))
}

// need reports whether the programs are there, and notes which is not.
func (t *Trials) need(programs ...string) bool {
	for _, name := range programs {
		if _, err := exec.LookPath(name); err != nil {
			t.Missing = err
			return false
		}
	}
	return true
}

// try reports whether a command works on this system at all, and notes why not.
func (t *Trials) try(argv ...string) bool {
	if r := t.Run(argv...); r.Code != 0 {
		t.Missing = fmt.Errorf("%s: %s", argv[0], strings.TrimSpace(r.Stderr))
		return false
	}
	return true
}

// answer is the exit status of the Python in all trials.
const answer = 7

// python is the call in all trials.
var python = []string{"python", "-c", "exit 7"}

// ran checks a call of python under a fault: the Python ran, the call did not hang, and it said at
// most one thing.
func (t *Trials) ran(what string, r Result) bool {
	before := len(t.Losses)
	if r.Code != answer {
		t.lose("%s: the python did not run: %s", what, r)
	}
	t.calm(what, r)
	// what follows a message is indented
	if n := strings.Count("\n"+r.Stderr, "\nshim: "); n > 1 || n != strings.Count(r.Stderr, "\n")-strings.Count(r.Stderr, "\n  ") {
		t.lose("%s: more than one message: %s", what, r)
	}
	return len(t.Losses) == before
}

// calm checks of any call that it came to an end of its own.
func (t *Trials) calm(what string, r Result) {
	switch {
	case r.Hung:
		t.lose("%s: hangs: %s", what, r)
	case strings.Contains(r.Stderr, "goroutine ") || strings.Contains(r.Stderr, "panic"), strings.Contains(r.Stderr, "fatal error"), r.Code >= 128:
		t.lose("%s: crashed: %s", what, r)
	}
}

// keeps checks that all of these directories are recorded.
func (t *Trials) keeps(what string, dirs ...string) {
	have, err := t.recorded()
	if err != nil {
		t.lose("%s: %v", what, err)
		return
	}
	for _, dir := range dirs {
		if !have[dir] {
			t.lose("%s: %s is not recorded", what, dir)
		}
	}
}

// settled checks, after the fault is gone, that what the trial left is used or cleaned up: two hours
// later and after one more of the same call no temporary and no foldable record lies about.
func (t *Trials) settled(what string, again func()) {
	t.age()
	again()
	if left := t.temporaries(); len(left) > 0 {
		t.lose("%s: left behind: %q", what, left)
		for _, path := range left {
			os.Remove(path)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(t.pending(), "*.toml")); len(left) > 0 {
		t.lose("%s: %d records are still pending", what, len(left))
	}
}

// cold is a call of python in a project in which there was none, with nothing remembered.
func (t *Trials) cold() (dir string, r Result) {
	t.forget()
	dir = t.project()
	return dir, t.RunIn(dir, python...)
}

// warm is a project in which python was called until there was nothing left to remember: one that
// has no time to look at everything goes on at the next call.
func (t *Trials) warm() (dir string) {
	dir, r := t.cold()
	t.ran("before", r)
	for range 100 {
		if found, _ := filepath.Glob(filepath.Join(t.cache(), "verdict", "*")); len(found) > 0 {
			return dir
		}
		t.ran("before", t.RunIn(dir, python...))
	}
	t.lose("no verdict is remembered after many calls")
	return dir
}

// seed records some projects undisturbed, which no fault may lose afterwards.
func (t *Trials) seed(n int) (dirs []string) {
	for range n {
		dir, r := t.cold()
		t.ran("before any fault", r)
		if r.Stderr != "" {
			t.lose("before any fault: %s", r)
		}
		dirs = append(dirs, dir)
	}
	return dirs
}

// Rows are all rows, in the order of the table.
func Rows() []Row {
	var all []Row
	for _, rows := range [][]Row{diskRows(), syscallRows(), killRows(), damageRows(), worldRows(), loadRows()} {
		all = append(all, rows...)
	}
	return all
}

// Find returns the rows whose names have that prefix.
func Find(prefix string) ([]Row, error) {
	var found []Row
	for _, r := range Rows() {
		if strings.HasPrefix(r.Name, prefix) {
			found = append(found, r)
		}
	}
	if found == nil {
		return nil, errors.New("no such row: " + prefix)
	}
	return found, nil
}
