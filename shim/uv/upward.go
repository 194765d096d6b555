package uv

import (
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"uvshim/shim/remember"
)

// An Upward is a directory and those above it, up to the root of the file system. Several rules
// search them for files, and on the way to a Python each name is looked for once.
type Upward struct {
	facts   remember.Store
	dirs    []string              // the directory first
	modes   [][len(sought)]uint32 // of each of dirs; 0 for what was not looked for yet
	parsed  map[string]pyproject
	project *Project
}

// sought are the names that several rules look for.
var sought = [...]string{"pyproject.toml", "uv.toml", ".python-version", ".python-versions", ".venv", "uv.lock"}

// nothing is kept as the mode of what is not there. No file type has that bit.
const nothing = 1

// Look returns the directories from dir upwards; none if dir is "".
func Look(facts remember.Store, dir string) *Upward {
	var dirs []string
	for dir != "" {
		dirs = append(dirs, dir)
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return upward(facts, dirs)
}

func upward(facts remember.Store, dirs []string) *Upward {
	return &Upward{facts: facts, dirs: dirs, modes: make([][len(sought)]uint32, len(dirs)), parsed: map[string]pyproject{}}
}

// Dirs returns the directories, the nearest first.
func (u *Upward) Dirs() []string { return u.dirs }

// mode returns the file type bits of dir/name, links followed, and 0 if there is nothing.
func (u *Upward) mode(dir, name string) uint32 {
	at, column := slices.Index(u.dirs, dir), slices.Index(sought[:], name)
	if at < 0 || column < 0 {
		return modeOf(join(dir, name))
	}
	mode := &u.modes[at][column]
	if *mode == 0 {
		*mode = max(modeOf(join(dir, name)), nothing)
	}
	return *mode &^ nothing
}

func modeOf(path string) uint32 {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return 0
	}
	return st.Mode & unix.S_IFMT
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
