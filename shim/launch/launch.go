// Package launch hands the process over to the real program.
package launch

import (
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
}

// Exec replaces this process by the plan's program. It returns only when that failed.
func (p Plan) Exec() error {
	return unix.Exec(p.Path, append([]string{p.Path}, p.Args...), p.Env)
}

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
