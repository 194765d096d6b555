// Package intercept turns the way shim was called into a Call: under which tool's name, with which
// constraints on the Python, with which arguments.
package intercept

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"uvshim/policy/version"
	"uvshim/shim/host"
)

// A Tool is what the program was called as.
type Tool int

const (
	Shim   Tool = iota // the management command
	Python             // python, python3, python3.12, pypy…
	UV
	UVX
	Pip
)

// A Call is one call of the program, understood.
type Call struct {
	Tool Tool
	Name string // the name it was called under, such as python3.12
	Args []string

	// Constraint is what the selector or else the name demands of the Python that answers. It is
	// never empty: a bare python takes any.
	Constraint version.Request
	// Explicit is where the constraint comes from, "+3.12" or "python3.12", and empty for the
	// names python and python3, which demand no version.
	Explicit string

	Probe    bool // uv asks this Python about itself
	Disabled bool // SHIM_DISABLE: the next real program, at once
	Debug    bool // SHIM_DEBUG: the trail to standard error
}

// A SelectorError is a first argument +X that names no version.
type SelectorError struct {
	Selector string
	Err      error
}

func (e *SelectorError) Error() string {
	return fmt.Sprintf("selector %q: %v", e.Selector, e.Err)
}

func (e *SelectorError) Unwrap() error { return e.Err }

// Parse understands argv and env. executed is asked for the path that the kernel ran, first as
// the caller spelled it and then resolved, when argv[0] is none of our names; it may return "".
func Parse(argv []string, env host.Env, executed ...func() string) (Call, error) {
	call := Call{Disabled: set(env, "SHIM_DISABLE"), Debug: set(env, "SHIM_DEBUG")}
	argv0 := ""
	if len(argv) > 0 {
		argv0, call.Args = argv[0], argv[1:]
	}
	known := call.name(filepath.Base(argv0))
	for i := 0; !known && i < len(executed); i++ {
		known = call.name(filepath.Base(executed[i]()))
	}
	if call.Tool != Python {
		return call, nil
	}
	call.Probe = probe(call.Args, env)
	if len(call.Args) > 0 && strings.HasPrefix(call.Args[0], "+") && !call.Disabled {
		return call.selected()
	}
	return call, nil
}

// name takes the tool's identity from a program name, and reports whether it is one of ours.
func (c *Call) name(name string) bool {
	switch name {
	case "shim":
		c.Tool = Shim
	case "uv":
		c.Tool = UV
	case "uvx":
		c.Tool = UVX
	case "pip", "pip3":
		c.Tool = Pip
	default:
		constraint, ok := version.FromName(name)
		if !ok {
			return false
		}
		c.Tool, c.Constraint = Python, constraint
		if name != "python" && name != "python3" {
			c.Explicit = name
		}
	}
	c.Name = name
	return true
}

// selected reads the selector: python +3.12 …, as rustup has it and as uv's own proposal for a
// python shim does (uv#7677). It replaces what the name demands.
func (c Call) selected() (Call, error) {
	text := c.Args[0][1:]
	request, err := version.Parse(text)
	if err == nil {
		switch request.Kind() {
		case version.KindVersion, version.KindImplementation, version.KindKey:
		default:
			err = errors.New("not a version")
		}
	}
	if err != nil {
		return c, &SelectorError{c.Args[0], err}
	}
	c.Constraint, c.Explicit, c.Args = request, c.Args[0], c.Args[1:]
	return c, nil
}

// probe reports whether uv runs this Python to learn about it. uv starts each candidate with
// `-I -B -c` and a program that imports get_interpreter_info (uv-python-interpreter), and with its
// own path in UV; UV alone does not tell, since all children of uv run have it.
func probe(args []string, env host.Env) bool {
	if _, ok := env.Lookup("UV"); !ok {
		return false
	}
	for i, arg := range args {
		if arg == "-c" {
			return i+1 < len(args) && strings.Contains(args[i+1], "python.get_interpreter_info import main")
		}
		if !strings.HasPrefix(arg, "-") {
			return false
		}
	}
	return false
}

// set reports whether a switch of ours is on: set, not empty and not 0.
func set(env host.Env, name string) bool {
	value := env.Get(name)
	return value != "" && value != "0"
}
