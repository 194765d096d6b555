package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// mutants changes packages one place at a time and runs their tests on each change. Where one
// lives, a test is missing, or the change makes no difference. Each place is a row of the table
// that is written, in the order of the files, as soon as it is known.
func mutants(o options) error {
	base, err := os.MkdirTemp("", "shim-mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(base)
	module := filepath.Join(base, "module")
	if err := copyModule(".", module); err != nil {
		return err
	}
	for i, only := range strings.Split(o.only, ",") {
		if err := mutantsOf(o, only, filepath.Join(base, strconv.Itoa(i)), module); err != nil {
			return err
		}
	}
	return nil
}

// mutantsOf tries the mutants of a package, of one of its files, or of one line of that.
func mutantsOf(o options, only, base, module string) error {
	path, line, _ := strings.Cut(only, ":")
	pkg, file := filepath.Clean(path), ""
	if strings.HasSuffix(path, ".go") {
		pkg, file = filepath.Dir(path), filepath.Base(path)
	}
	pkg = "./" + filepath.Clean(pkg)
	list, err := mutations(filepath.Join(module, pkg))
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(m mutation) bool {
		return file != "" && file != filepath.Base(m.file) || line != "" && line != strconv.Itoa(m.at.Line)
	})
	list = sample(list, o.max, o.seed)

	tested := []string{pkg}
	if o.with != "" {
		tested = append(tested, strings.Split(o.with, ",")...)
	}
	first, err := newBench(base, "all", module)
	if err != nil {
		return err
	}
	overlay, refusals, err := first.combine(pkg, list)
	if err != nil {
		return err
	}
	var suites []suite
	for i, p := range tested {
		s, err := first.prepare(p, filepath.Join(base, fmt.Sprintf("tests%d", i)), overlay, o)
		if err != nil {
			return err
		}
		suites = append(suites, s)
	}

	// every worker takes the next mutant; what became of it waits for its turn to be written
	next, done, results := make(chan int), make(chan bool), make([]chan verdict, len(list))
	for i := range results {
		results[i] = make(chan verdict, 1)
	}
	var workers sync.WaitGroup
	for i := range o.jobs {
		b, err := newBench(base, strconv.Itoa(i), module)
		if err != nil {
			return err
		}
		b.suites = suites
		workers.Go(func() {
			for i := range next {
				if refusals[i] {
					results[i] <- verdict{outcome: refused}
				} else {
					results[i] <- b.try(i+1, list[i])
				}
			}
		})
	}
	defer workers.Wait()
	defer close(done)
	go func() {
		defer close(next)
		for i := range list {
			select {
			case next <- i:
			case <-done:
				return
			}
		}
	}()

	fmt.Fprintf(o.out, "| %s | change | |\n|---|---|---|\n", pkg)
	count := map[outcome]int{}
	for i, m := range list {
		v := <-results[i]
		if v.err != nil {
			return v.err
		}
		count[v.outcome]++
		if v.outcome != refused {
			fmt.Fprintf(o.out, "| %s:%d:%d | `%s` | %s |\n", filepath.Base(m.file), m.at.Line, m.at.Column, strings.ReplaceAll(m.what, "|", `\|`), v)
		}
	}
	fmt.Fprintf(o.out, "\n%s: %d mutants, %d killed, %d hang, %d live (%d more do not build), seed %d\n\n",
		only, len(list)-count[refused], count[killed], count[hangs], count[lives], count[refused], o.seed)
	return nil
}

// sample returns max of the list in the list's order, the same ones for the same seed, and all of
// them if max is 0.
func sample(list []mutation, max int, seed uint64) []mutation {
	if max == 0 || max >= len(list) {
		return list
	}
	order := rand.New(rand.NewPCG(seed, 1)).Perm(len(list))[:max]
	slices.Sort(order)
	var some []mutation
	for _, i := range order {
		some = append(some, list[i])
	}
	return some
}

type outcome int

const (
	lives outcome = iota
	killed
	hangs   // until the time is over, which is noticed as well
	refused // it does not build
)

// A verdict is what became of a mutant.
type verdict struct {
	outcome
	by  string // the test that failed
	err error
}

func (v verdict) String() string {
	return [...]string{"**lives**", "killed by " + v.by, "hangs in " + v.by, "does not build"}[v.outcome]
}

// A suite is the tests of a package, in groups of which the quickest comes first. A group is the
// arguments that choose its tests, and the time they may take.
type suite struct {
	pkg     string
	program string // with all mutants
	groups  []group
}

type group struct {
	args  []string
	limit time.Duration
}

// A bench builds and runs changed packages, one at a time.
type bench struct {
	module string // a copy of the module, which is never changed
	dir    string // for its own files
	suites []suite
}

func newBench(base, name, module string) (*bench, error) {
	b := &bench{module: module, dir: filepath.Join(base, name)}
	return b, os.MkdirAll(b.dir, 0o777)
}

// prepare builds a package's tests with all mutants, and runs them with none, which tells how to
// order them.
func (b *bench) prepare(pkg, program string, overlay map[string]string, o options) (suite, error) {
	if out, err := b.build(pkg, overlay); err != nil || out != nil {
		return suite{}, fmt.Errorf("building the tests of %s: %w\n%s", pkg, err, told(out))
	}
	if err := os.Rename(b.binary(), program); err != nil {
		return suite{}, err
	}
	out, got := b.run(pkg, program, 10*time.Minute, "-test.v", "-test.skip="+o.skip)
	if got != lives {
		return suite{}, fmt.Errorf("the tests of %s fail in the sandbox as they are:\n%s", pkg, told(out))
	}
	return suite{pkg, program, groups(seconds(out), o.skip, o.time)}, nil
}

// groups are the tests that take no time together, then each of the others, the quickest first.
// A loaded machine may be several times as slow as it was when the seconds were measured.
func groups(seconds map[string]float64, skip string, limit time.Duration) []group {
	var slow []string
	quick := 0.0
	for name, s := range seconds {
		if s > 0.3 {
			slow = append(slow, name)
		} else {
			quick += s
		}
	}
	slices.SortFunc(slow, func(a, b string) int {
		return cmp.Or(cmp.Compare(seconds[a], seconds[b]), cmp.Compare(a, b))
	})
	within := func(s float64) time.Duration {
		return min(limit, 15*time.Second+time.Duration(6*s*float64(time.Second)))
	}
	quickly := skip
	if len(slow) > 0 {
		quickly = strings.TrimPrefix(skip+"|^("+strings.Join(slow, "|")+")$", "|")
	}
	list := []group{{[]string{"-test.skip=" + quickly}, within(quick)}}
	for _, name := range slow {
		list = append(list, group{[]string{"-test.run=^" + name + "$", "-test.skip=" + skip}, within(seconds[name])})
	}
	return list
}

// try runs the tests on one change, until one fails: in the program that has it among others, or
// in one of its own where there is none.
func (b *bench) try(number int, m mutation) verdict {
	for _, s := range b.suites {
		program := s.program
		if m.within == (span{}) {
			source, err := os.ReadFile(m.file)
			if err != nil {
				return verdict{err: err}
			}
			changed := filepath.Join(b.dir, "changed.go")
			if err := os.WriteFile(changed, m.apply(source), 0o644); err != nil {
				return verdict{err: err}
			}
			out, err := b.build(s.pkg, map[string]string{m.file: changed})
			if err != nil || out != nil {
				return verdict{refused, "", err}
			}
			program = b.binary()
		}
		mine := filepath.Join(b.dir, "mutant.test")
		if err := errors.Join(replaceLink(program, mine), os.WriteFile(mine+".mutant", []byte(strconv.Itoa(number)), 0o644)); err != nil {
			return verdict{err: err}
		}
		for _, g := range s.groups {
			if out, got := b.run(s.pkg, mine, g.limit, g.args...); got != lives {
				return verdict{got, failed(out), nil}
			}
		}
	}
	return verdict{}
}

// replaceLink makes path another name of a file.
func replaceLink(file, path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Link(file, path)
}

func (b *bench) binary() string { return filepath.Join(b.dir, "changed.test") }

// build makes a package's test binary, with other files in the place of some of the module's. Where
// the compiler refuses, it returns what it says.
func (b *bench) build(pkg string, overlay map[string]string) ([]byte, error) {
	text, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(b.dir, "overlay.json")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return nil, err
	}
	_ = os.Remove(b.binary()) // which may have another name
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-gcflags=-e", "-ldflags=-s -w", "-overlay", file, "-o", b.binary(), pkg)
	cmd.Dir = b.module
	var exit *exec.ExitError
	out, err := cmd.CombinedOutput()
	if errors.As(err, &exit) {
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return nil, nil
}
