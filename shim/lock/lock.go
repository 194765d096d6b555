// Package lock keeps the record of what was used and run on this machine: shim.lock, and beside it
// the directory pending/ of small files that calls leave there and that a later fold merges into
// the lock.
//
// A call that runs a Python only ever calls Note, which neither opens nor waits for the lock.
// Nothing here prints: what the user should hear of comes back as errors.
package lock

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	version    = 1   // of the lock's form
	maxChanges = 200 // of the newest changes are kept
	keepGone   = 90  // days that a project whose path is gone stays
)

// A Lock is the contents of shim.lock. Text is held as the bytes it is; the %XX form exists in the
// file only. Keys that this version of shim does not know are kept and written back.
type Lock struct {
	UV      *UV
	NixLD   *NixLD
	Python  []Python  // sorted by ID
	Tool    []Tool    // sorted by name
	Project []Project // sorted by path, then Python
	Change  []Change  // oldest first
	extra   table
}

// UV is the uv of a login shell.
type UV struct {
	Path, Version string
	extra         table
}

// NixLD is what stands behind PT_INTERP on NixOS. Libraries is in search order.
type NixLD struct {
	Loader    string
	Libraries []string
	Glibc     string
	extra     table
}

// A Python is an interpreter that was used. One that uv installed has a Key, uv's own name for it;
// another has a Path, the executable, and a Version. In a restorable lock (see Export) there is
// neither, and Version is a request for exactly this interpreter, such as "cpython-3.14.1".
type Python struct {
	Key, Path, Version  string
	Build               string
	Request             string
	Declared            bool
	FirstUsed, LastUsed Day
	extra               table
}

// ID is what a project's Python refers to.
func (p Python) ID() string {
	switch {
	case p.Key != "":
		return p.Key
	case p.Path != "":
		return p.Path
	}
	return p.Version
}

// A Tool is what `uv tool install` installed. Resolved is its environment as name==version, sorted.
type Tool struct {
	Name, Request, Version, Python string
	Resolved                       []string
	Recorded                       Day
	extra                          table
}

// A Project is a directory in which an interpreter was used. Python is that interpreter's ID.
// Needs and Missing are sonames, sorted; nil means that nobody looked yet.
type Project struct {
	Path, Python   string
	Needs, Missing []string
	LastUsed       Day
	extra          table
}

// A Change is a command that changed something, with its exit status.
type Change struct {
	ID        string
	Time      time.Time
	Directory string
	Argv      []string
	Exit      int
	extra     table
}

// A Day is a date of UTC as "2026-11-22", so that days compare as text. Empty is unknown.
type Day string

// DayOf returns the day of t.
func DayOf(t time.Time) Day { return Day(t.UTC().Format(time.DateOnly)) }

func earlier(a, b Day) Day {
	if a == "" || b != "" && b < a {
		return b
	}
	return a
}

// Drop removes the projects for which gone is true and whose last use lies more than 90 days before
// now, and returns them.
func (l *Lock) Drop(now time.Time, gone func(path string) bool) []Project {
	limit := DayOf(now.AddDate(0, 0, -keepGone))
	var dropped []Project
	l.Project = slices.DeleteFunc(l.Project, func(p Project) bool {
		if p.LastUsed >= limit || !gone(p.Path) {
			return false
		}
		dropped = append(dropped, p)
		return true
	})
	return dropped
}

// Gone reports whether there is certainly nothing at path. What cannot be looked at is not gone.
func Gone(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// normal sorts l, merges entries that name the same thing, and keeps the newest changes.
func (l *Lock) normal() {
	slices.SortFunc(l.Python, func(a, b Python) int { return strings.Compare(a.ID(), b.ID()) })
	slices.SortFunc(l.Tool, func(a, b Tool) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(l.Project, func(a, b Project) int {
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return strings.Compare(a.Python, b.Python)
	})
	slices.SortFunc(l.Change, func(a, b Change) int { return strings.Compare(a.ID, b.ID) })
	if over := len(l.Change) - maxChanges; over > 0 {
		l.Change = slices.Delete(l.Change, 0, over)
	}
}
