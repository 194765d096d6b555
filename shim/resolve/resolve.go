// Package resolve decides which Python answers a call, and keeps a trail of why.
//
// A call has a constraint, which comes from its selector or its name, and sources, which are asked
// in order; the first that fits answers. Where uv has a rule for a source it is uv's rule. Nothing
// here runs uv.
package resolve

import (
	"path/filepath"
	"strconv"
	"strings"

	"uvshim/policy/version"
	"uvshim/shim/host"
	"uvshim/shim/remember"
	"uvshim/shim/uv"
)

// A Question is what a call asks for and all that the answer depends on.
type Question struct {
	Name       string          // the name typed, python3.12
	Constraint version.Request // what the selector or the name demands
	Explicit   string          // the selector or versioned name, "" for python and python3

	Host   host.Host
	UV     uv.Dirs
	Up     *uv.Upward // the working directory and those above it
	Facts  remember.Store
	Finder *host.Finder

	Default    []string // python.default of the policy
	InProject  bool     // python.environment = "project"
	DefaultPos func() (file string, line int)
}

// A Target is the program that answers.
type Target struct {
	Path        string // to execute, and argv[0]; links not followed
	Interpreter version.Interpreter
	Managed     *uv.Managed // if uv installed it
	Environment string      // the environment it belongs to, if it was chosen as one
	FromPath    bool        // it was found on PATH, where it could be another shim
	Request     string      // the request that chose it
	Source      string      // the source that chose it
	Trail       []Step
	Warnings    []string
	Told        []string // warnings for who sits before a terminal
}

// A Step is one source that was asked. Sources that had nothing to say are not in the trail.
type Step struct {
	Source  string // VIRTUAL_ENV, pin, policy default, …
	Value   string // what it said
	File    string // where it stands, if in a file
	Line    int
	Decided bool   // it answered
	Reason  string // why it did, or why it was passed over
}

// Python returns the Python that answers q. The error is a *NotInstalled, whose Trail tells what
// was asked; Target then carries the same trail and the warnings.
func Python(q Question) (Target, error) {
	r := &resolver{Question: q, env: q.Host.Env}
	target, err := r.resolve()
	target.Trail, target.Warnings, target.Told = r.trail, r.warnings, r.told
	return target, err
}

type resolver struct {
	Question
	env      host.Env
	trail    []Step
	warnings []string
	told     []string
}

func (r *resolver) resolve() (Target, error) {
	for _, environment := range []func() (Target, bool){r.virtualEnv, r.conda, r.devShell, r.projectEnv} {
		if target, ok := environment(); ok {
			return target, nil
		}
	}
	for _, request := range []func() (ask, bool){r.variable, r.pin, r.requires, r.byPolicy, r.globalPin} {
		if a, ok := request(); ok {
			return r.answer(a)
		}
	}
	return r.newest()
}

// pass notes that a source was passed over, and why.
func (r *resolver) pass(s Step, reason string) {
	s.Reason = reason
	r.trail = append(r.trail, s)
}

// decide notes the source that answered and completes its target.
func (r *resolver) decide(s Step, t Target) Target {
	s.Decided = true
	r.trail = append(r.trail, s)
	t.Source, t.Request = s.Source, s.Value
	return t
}

func (r *resolver) warn(text string) { r.warnings = append(r.warnings, text) }

// Any returns some interpreter for uv's probe of a shim, which must never fail where any Python is
// there: uv would warn about each shim that has no Python of its name.
func Any(q Question) (Target, error) {
	q.Name, q.Explicit = "python", ""
	q.Constraint, _ = version.FromName(q.Name)
	r := &resolver{Question: q, env: q.Host.Env}
	for _, look := range []func(version.Request) (Target, bool){r.fromManaged, r.fromPath} {
		if t, ok := look(q.Constraint); ok {
			return t, nil
		}
	}
	return Target{}, r.notInstalled(ask{request: q.Constraint})
}

// Managed returns the newest managed interpreter that satisfies the constraint, whatever the
// sources say.
func Managed(q Question) (Target, error) {
	r := &resolver{Question: q, env: q.Host.Env}
	if t, ok := r.fromManaged(r.byName()); ok {
		return t, nil
	}
	return Target{}, r.notInstalled(r.ownAsk())
}

// ProjectEnvironment returns the Python in the environment that `uv run` has for the working
// directory's project, if it is there; if not, where the environment is to be.
func ProjectEnvironment(q Question) (Target, bool) {
	r := &resolver{Question: q, env: q.Host.Env}
	project, ok := r.Up.Project()
	if !ok {
		return Target{}, false
	}
	r.Name = "python"
	dir, _ := projectEnvironment(r.env, project.Workspace)
	path, ok := r.environmentPython(dir)
	if !ok {
		return Target{Environment: dir}, false
	}
	return Target{Path: path, Interpreter: r.identify(path), Environment: dir}, true
}

// At returns the Python of an environment, of which path is the executable, as a target.
func At(q Question, path string) Target {
	r := &resolver{Question: q, env: q.Host.Env}
	return Target{Path: path, Interpreter: r.identify(path), Environment: filepath.Dir(filepath.Dir(path))}
}

// String returns the step as a line for people.
func (s Step) String() string {
	var b strings.Builder
	b.WriteString(s.Source)
	if s.Value != "" && s.Value != s.Source {
		b.WriteString(" " + s.Value)
	}
	if s.File != "" {
		b.WriteString(" (" + s.File)
		if s.Line > 0 {
			b.WriteString(":" + strconv.Itoa(s.Line))
		}
		b.WriteString(")")
	}
	switch {
	case s.Decided:
		b.WriteString(": answers")
	case s.Reason != "":
		b.WriteString(": passed over, " + s.Reason)
	}
	return b.String()
}
