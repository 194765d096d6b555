// Package doctor looks at all that has to be right for `python` and `uv` to work, and says of each
// thing what it saw and what mends it. A machine on which everything is broken is what it is for:
// what a check cannot find out is the check's own finding, and never the end of the others.
package doctor

import (
	"fmt"
	"time"

	"uvshim/shim/say"
)

// A Level says how much a finding weighs.
type Level string

const (
	OK      Level = "ok"      // as it should be
	Info    Level = "info"    // worth knowing; nothing has to be mended
	Warning Level = "warning" // works, or works here, and will not always
	Error   Level = "error"   // something that was asked for does not work, or is not safe
	Skipped Level = "skipped" // does not apply; the message says why
)

// levels in the order in which the table has them: the gravest stand last, where a terminal ends.
var levels = [...]Level{OK, Skipped, Info, Warning, Error}

// A Finding is one answer of a check.
type Finding struct {
	Level    Level
	Message  string   // one sentence without a full stop
	Evidence []string // what was seen: paths with line numbers, variables with their values
	Fix      string   // lines to paste; those for a file begin with a line "in FILE…:"
}

// A Check is one thing to look at.
type Check struct {
	ID    string // of lower case letters and dashes; stays what it is
	Title string // what is looked at, for when the check itself fails
	About About
	Limit time.Duration // how long it may take; zero: usual
	Look  func(m *Machine) []Finding
}

// usual is what a check may take that says nothing else. None takes a tenth of it unless a disk or a
// program hangs.
const usual = 5 * time.Second

// About says what a check is about, and so on which other systems it can be asked.
type About int

const (
	Session About = iota // the running shell and its environment
	User                 // files of the user's, and programs of this machine
	System               // files of the system
)

// absent returns why a check about a cannot be made of a system of that kind, "" where it can.
func (a About) absent(kind Kind) string {
	switch {
	case kind == Generation && a == Session:
		return "only about the running session, not a generation"
	case kind == Root && a == Session:
		return "only about the running session, not a root"
	case kind == Root && a == User:
		return "only about this machine's user, not a root"
	}
	return ""
}

// A Result is a finding with the check that made it.
type Result struct {
	ID string
	Finding
}

// A Report is what all checks found, in the order of the checks.
type Report struct {
	Results    []Result
	Attributes []string // one list of libraries that covers all recorded environments; sorted
}

// Failed reports whether there is an error.
func (r Report) Failed() bool {
	for _, result := range r.Results {
		if result.Level == Error {
			return true
		}
	}
	return false
}

// Run makes the checks, side by side: most of the time goes into waiting for other programs.
func Run(m *Machine, checks []Check) Report {
	found := make([][]Finding, len(checks))
	done := make(chan int, len(checks))
	for i, c := range checks {
		go func() {
			found[i] = c.run(m)
			done <- i
		}()
	}
	for range checks {
		<-done
	}
	var r Report
	for i, c := range checks {
		for _, f := range found[i] {
			r.Results = append(r.Results, Result{c.ID, m.private(f)})
		}
	}
	list := Check{About: User, Look: func(m *Machine) []Finding { return []Finding{{Evidence: m.needed().attributes}} }}
	if f := list.run(m); len(f) == 1 && f[0].Level == "" {
		r.Attributes = f[0].Evidence
	}
	return r
}

// run makes one check. One that panics or does not come to its end is an error.
func (c Check) run(m *Machine) []Finding {
	if why := c.About.absent(m.Kind); why != "" {
		return skip("%s", why)
	}
	limit := c.Limit
	if limit == 0 {
		limit = usual
	}
	answer := make(chan []Finding, 1)
	go func() {
		defer func() {
			if fault := recover(); fault != nil {
				answer <- []Finding{{Error, fmt.Sprintf("%s: this check failed, which is a mistake in shim: %v", c.Title, fault), nil,
					"shim doctor --json   # and report it with this"}}
			}
		}()
		answer <- c.Look(m)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case found := <-answer:
		return found
	case <-timer.C:
		return []Finding{{Error, fmt.Sprintf("%s: no answer within %v", c.Title, limit), nil,
			"df   # a file system that does not answer shows itself here"}}
	}
}

func one(level Level, fix string, evidence []string, format string, args ...any) []Finding {
	return []Finding{{level, say.Sprintf(format, args...), evidence, fix}}
}

func ok(format string, args ...any) []Finding { return one(OK, "", nil, format, args...) }

func skip(format string, args ...any) []Finding { return one(Skipped, "", nil, format, args...) }
