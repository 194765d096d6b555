// Package cli understands the command lines of uv and uvx: which command it is, with which options,
// and which of the words are the user's program. What it does not know it says so of, and nothing
// may be concluded from such a line.
package cli

//go:generate go run ./generate uv table.go

import "uvshim/shim/host"

// A Class is how a command is to be treated.
type Class int

const (
	Through Class = iota // nothing that concerns an environment; or not understood
	Run                  // runs a program in an environment: run, tool run
	Change               // changes an environment, the tools or the interpreters
)

// An Option is one option of a command line, of whatever level, under uv's own long name for it.
type Option struct {
	Name     string // without the dashes: "directory", "no-sync", "index-url"
	Value    string // "" where it takes none
	HasValue bool
	Env      string // the variable that it comes from; "" for one of the line itself
}

// A Line is one call of uv or uvx, understood.
type Line struct {
	Command string // uv's own words, aliases resolved: "run", "pip install", "tool run"; "" without one
	Class   Class
	Options []Option // in order; one that a later one of its level takes back is left out
	Words   []string // the command's own arguments: packages of add, requests of python install…
	Program []string // of run and tool run: the program and its arguments, the end of the line as it is
	Known   bool     // every word was understood
	DryRun  bool     // nothing is to be changed: --dry-run, --check, --show…, --help

	table int  // which of commands it is
	level int  // where in Options those behind the command's name begin
	asked bool // for help or the version, whatever stands behind that
}

// Has reports whether the option was given.
func (l Line) Has(name string) bool {
	_, ok := l.Value(name)
	return ok
}

// Value returns the option's last value.
func (l Line) Value(name string) (string, bool) {
	for i := len(l.Options) - 1; i >= 0; i-- {
		if l.Options[i].Name == name {
			return l.Options[i].Value, true
		}
	}
	return "", false
}

// Values returns all of the option's values, in order, each as it was written: what uv takes apart
// at commas or blanks is one value here.
func (l Line) Values(name string) []string {
	var out []string
	for _, o := range l.Options {
		if o.Name == name && o.HasValue {
			out = append(out, o.Value)
		}
	}
	return out
}

// With returns the line with the options that variables of env stand for, behind its own. A
// variable counts only where the line names neither the option nor its opposite: of two, uv takes
// the line's. An empty one is unset, and a flag's must be one of uv's words for yes. UV_PYTHON is
// also the request of python install and python upgrade without one.
func (l Line) With(env host.Env) Line {
	if !l.Known || l.asked {
		return l
	}
	own := l.Options
	l.Options = own[:len(own):len(own)]
	for s := range specs(l.table) {
		name := s.name()
		if s.env == "" || given(own, name) {
			continue
		}
		value := env.Get(s.env)
		switch {
		case value == "":
		case s.value:
			l.Options = append(l.Options, Option{name, value, true, s.env})
		case yes(value) && !opposed(own, name):
			l.Options = append(l.Options, Option{Name: name, Env: s.env})
		}
	}
	if name := commands[l.table].env; name != "" && len(l.Words) == 0 && env.Get(name) != "" {
		l.Words = []string{env.Get(name)}
	}
	l.judge()
	return l
}
