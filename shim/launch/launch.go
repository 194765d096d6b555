// Package launch hands the process over to the real program.
package launch

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
)

// A Plan is an execve(2) call. Its first argument is the path itself: CPython takes its prefix and
// sys.executable from argv[0], and with any other value it takes the shim for itself, loses the
// environment it belongs to, and spoils uv's interpreter cache.
type Plan struct {
	Path string
	Args []string // without the name
	Env  host.Env
	// Plain is the environment to fall back on where the kernel refuses arguments and Env for their
	// size: without what shim added, as the call itself would have fitted. Nil for none.
	Plain host.Env
}

// Exec replaces this process by the plan's program. It returns only when that failed, with a SizeError
// where arguments and environment are too large.
func (p Plan) Exec() error {
	return p.fit(func(argv []string, env host.Env) error { return unix.Exec(p.Path, argv, env) })
}

// fit starts the plan's program by start, once more with Plain if it must be.
func (p Plan) fit(start func(argv []string, env host.Env) error) error {
	argv := append([]string{p.Path}, p.Args...)
	err := start(argv, p.Env)
	if errors.Is(err, unix.E2BIG) && p.Plain != nil {
		err = start(argv, p.Plain)
	}
	if errors.Is(err, unix.E2BIG) {
		return sizeOf(argv, p.Env)
	}
	return err
}

// A SizeError says by how much arguments and environment are too large for the kernel.
type SizeError struct {
	Args, Env int    // bytes
	Longest   string // the name of the longest variable, or "an argument"
	Length    int    // its bytes
}

// maxString is how long one argument or variable may be: MAX_ARG_STRLEN of execve(2), on pages of 4 KiB.
const maxString = 32 * 4096

func sizeOf(argv []string, env host.Env) *SizeError {
	const pointer = 8 // each string has one, and its zero byte
	e := &SizeError{}
	for _, arg := range argv {
		e.Args += len(arg) + 1 + pointer
		if len(arg) > e.Length {
			e.Longest, e.Length = "an argument", len(arg)
		}
	}
	for _, entry := range env {
		e.Env += len(entry) + 1 + pointer
		if len(entry) > e.Length {
			name, _, _ := strings.Cut(entry, "=")
			e.Longest, e.Length = name, len(entry)
		}
	}
	return e
}

func (e *SizeError) Error() string {
	if e.Length >= maxString {
		return fmt.Sprintf("%s is %d bytes long, and the kernel takes %d at most", e.Longest, e.Length, maxString-1)
	}
	return fmt.Sprintf("the arguments take %d bytes and the environment %d, more together than the kernel passes on", e.Args, e.Env)
}

func (e *SizeError) Unwrap() error { return unix.E2BIG }

// ForUV returns env as the real uv is to get it: with UV_PYTHON_SEARCH_PATH, which keeps uv from
// probing our shims, set to the directories of PATH that have none. SHIM_SEARCH_PATH repeats the
// value, as the mark of its being ours: children of `uv run` inherit the pair, and a stale one
// would mislead their uv. A value that the user gave has no such twin, and stays.
func ForUV(env host.Env, dirs []string) host.Env {
	theirs, ok := env.Lookup("UV_PYTHON_SEARCH_PATH")
	ours, marked := env.Lookup("SHIM_SEARCH_PATH")
	if ok && !(marked && theirs == ours) {
		return env
	}
	value := strings.Join(dirs, string(filepath.ListSeparator))
	return env.With("UV_PYTHON_SEARCH_PATH", value).With("SHIM_SEARCH_PATH", value)
}

// Diff returns what has been set or changed from before to after, a line NAME=value for each and
// -NAME for what is gone, sorted: the text of SHIM_DEBUG.
func Diff(before, after host.Env) []string {
	var lines []string
	for _, entry := range after {
		if !slices.Contains(before, entry) {
			lines = append(lines, entry)
		}
	}
	for _, entry := range before {
		name, _, _ := strings.Cut(entry, "=")
		if _, ok := after.Lookup(name); !ok {
			lines = append(lines, "-"+name)
		}
	}
	slices.Sort(lines)
	return lines
}
