package uv

import (
	"path/filepath"

	"golang.org/x/sys/unix"

	"uvshim/shim/remember"
)

// An Upward is a directory and those above it, up to the root of the file system. Several rules
// search them for files, and on the way to a Python each name is looked for once.
type Upward struct {
	facts   remember.Store
	dirs    []string // the directory first
	modes   map[string]uint32
	parsed  map[string]pyproject
	project *Project
}

// Look returns the directories from dir upwards; none if dir is "".
func Look(facts remember.Store, dir string) *Upward {
	u := &Upward{facts: facts, modes: map[string]uint32{}, parsed: map[string]pyproject{}}
	for dir != "" {
		u.dirs = append(u.dirs, dir)
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return u
}

// Dirs returns the directories, the nearest first.
func (u *Upward) Dirs() []string { return u.dirs }

// mode returns the file type bits of dir/name, links followed, and 0 if there is nothing.
func (u *Upward) mode(dir, name string) uint32 {
	path := join(dir, name)
	mode, ok := u.modes[path]
	if !ok {
		var st unix.Stat_t
		if unix.Stat(path, &st) == nil {
			mode = st.Mode & unix.S_IFMT
		}
		u.modes[path] = mode
	}
	return mode
}

// Has reports whether dir has something of that name, even a FIFO, but no directory.
func (u *Upward) Has(dir, name string) bool {
	mode := u.mode(dir, name)
	return mode != 0 && mode != unix.S_IFDIR
}

// hasFile reports whether dir has a regular file of that name.
func (u *Upward) hasFile(dir, name string) bool { return u.mode(dir, name) == unix.S_IFREG }

// nearest returns the nearest of the directories, from the one at index from, that has a regular
// file of that name; -1 if none has.
func (u *Upward) nearest(from int, name string) int {
	for i := from; i < len(u.dirs); i++ {
		if u.hasFile(u.dirs[i], name) {
			return i
		}
	}
	return -1
}

// ProjectDir returns the nearest directory that looks like a project's: one with pyproject.toml,
// uv.lock, .python-version or .venv; "" if there is none.
func (u *Upward) ProjectDir() string {
	for _, dir := range u.dirs {
		for _, name := range []string{"pyproject.toml", ".python-version", ".venv", "uv.lock"} {
			if u.mode(dir, name) != 0 {
				return dir
			}
		}
	}
	return ""
}

// join is filepath.Join for a clean directory and a plain name, as all here are.
func join(dir, name string) string {
	if dir == "/" {
		return dir + name
	}
	return dir + "/" + name
}
