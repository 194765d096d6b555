package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"uvshim/shim/host"
)

// A row is one command of a table.
type row struct {
	name string
	argv []string // the first is the path of the program
	env  host.Env
	dir  string

	source string // of the answer, as the trail of SHIM_DEBUG has to say; "" for other programs
	how    string // exec or supervise, as it has to say as well; "" for either
	fails  bool   // may end with status 1: a check that found something
	exits  bool   // may end with any status: another tool's, which counts what it found in its own way
}

// A table is a set of commands that are measured together. The first is the direct call, and the
// one named floor what the others are compared with.
type table struct {
	title string
	floor string
	rows  []row
	home  string               // made for the table
	times map[string][]float64 // by name of the row, in ms; those of one index are of one round
	cpu   map[string][]float64 // of all CPUs, in ms
}

// settle is longer than a file must rest before shim remembers what it says.
const settle = 150 * time.Millisecond

// measure runs all rows of t once a round, each time in another order.
func (t *table) measure(rounds int) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	// The first calls write what the warm ones find, and what was written just now is not yet
	// remembered.
	for range 3 {
		for _, r := range t.rows {
			if _, err := r.run(null.Fd()); err != nil {
				return err
			}
		}
		time.Sleep(settle)
	}
	for _, r := range t.rows {
		if err := r.verify(); err != nil {
			return err
		}
	}
	t.times, t.cpu = map[string][]float64{}, map[string][]float64{}
	order := make([]int, len(t.rows))
	for i := range order {
		order[i] = i
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for range rounds {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, i := range order {
			r := t.rows[i]
			c, err := r.run(null.Fd())
			if err != nil {
				return err
			}
			t.times[r.name] = append(t.times[r.name], milliseconds(c.time))
			t.cpu[r.name] = append(t.cpu[r.name], milliseconds(c.cpu))
		}
	}
	return nil
}

// A cost is what one run took: from before its fork until its end was waited for, and of the CPUs.
type cost struct{ time, cpu time.Duration }

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// run runs the row once.
func (r row) run(null uintptr) (cost, error) {
	attr := &syscall.ProcAttr{Dir: r.dir, Env: r.env, Files: []uintptr{null, null, null}}
	start := time.Now()
	pid, err := syscall.ForkExec(r.argv[0], r.argv, attr)
	if err != nil {
		return cost{}, fmt.Errorf("row %q: %w", r.name, err)
	}
	var status syscall.WaitStatus
	var usage syscall.Rusage
	for {
		_, err = syscall.Wait4(pid, &status, 0, &usage)
		if err != syscall.EINTR {
			break
		}
	}
	c := cost{time.Since(start), time.Duration(usage.Utime.Nano() + usage.Stime.Nano())}
	if err == nil && (!status.Exited() || status.ExitStatus() != 0 && !r.exits && !(r.fails && status.ExitStatus() == 1)) {
		err = fmt.Errorf("wait status %#x", int(status))
	}
	if err != nil {
		return cost{}, fmt.Errorf("row %q: %w: %q", r.name, err, r.argv)
	}
	return c, nil
}

// verify looks whether the row is what it is meant to be: the trail names the source that answers,
// and the debug output how the program runs.
func (r row) verify() error {
	if r.source == "" && r.how == "" {
		return nil
	}
	asked := r
	asked.env = r.env.With("SHIM_DEBUG", "1")
	out, err := asked.try()
	if err != nil {
		return err
	}
	source, how := r.source == "", r.how == ""
	for line := range strings.Lines(out) {
		source = source || strings.Contains(line, " "+r.source) && strings.HasSuffix(strings.TrimSpace(line), ": answers")
		how = how || strings.HasPrefix(line, "shim: debug: "+r.how+" ")
	}
	if !source || !how {
		return fmt.Errorf("row %q: not answered by %q, or not run by %q:\n%s", r.name, r.source, r.how, out)
	}
	return nil
}

// try runs the row once and returns what it prints.
func (r row) try() (string, error) {
	cmd := exec.Command(r.argv[0], r.argv[1:]...)
	cmd.Env, cmd.Dir = r.env, r.dir
	out, err := cmd.CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		return text, fmt.Errorf("row %q: %w: %s", r.name, err, text)
	}
	return text, nil
}

// peaks is how often a row runs for its peak memory. The kernel counts pages for each CPU apart
// and adds them up late, so that a single figure is up to a few hundred KiB off.
const peaks = 20

// peak returns the largest resident memory that the row had in some runs, in KiB; program is
// c/peak.c.
func (r row) peak(program string) (int, error) {
	largest := 0
	for range peaks {
		p := r
		p.argv = append([]string{program}, r.argv...)
		out, err := p.try()
		if err != nil {
			return 0, err
		}
		n, err := strconv.Atoi(out)
		if err != nil {
			return 0, fmt.Errorf("row %q: %w", r.name, err)
		}
		largest = max(largest, n)
	}
	return largest, nil
}
