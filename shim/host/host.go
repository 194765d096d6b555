// Package host is the outside world as the other packages see it: the process's arguments and
// environment as values, its directories, and the few file operations that need care. Nothing
// else in the program reads os.Args, the environment or the working directory.
package host

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A Host is what one call was started with.
type Host struct {
	Args []string // argv, the name included
	Env  Env
	Dir  string // the physical working directory; empty when it was deleted or cannot be read
	UID  int    // effective user
	PID  int
}

// Current returns the host of this process.
func Current() Host {
	h := Host{Args: os.Args, Env: environ(), UID: os.Geteuid(), PID: os.Getpid()}
	// getcwd(2), not os.Getwd: like uv, pins are searched from where the process really is,
	// whatever PWD says.
	if dir, err := unix.Getwd(); err == nil && filepath.IsAbs(dir) {
		h.Dir = dir
	}
	return h
}

// Dirs are the base directories of the XDG specification. A field is empty when neither its
// variable nor a home directory is known.
type Dirs struct {
	Home, Config, Data, State, Cache string
}

// Dirs returns the base directories. As the specification asks, and as uv does, a relative value
// of a variable is ignored. Without HOME the home directory is the one of the user database.
func (h Host) Dirs() Dirs {
	home := h.Env.Get("HOME")
	if home == "" {
		home = homeOf(h.UID)
	}
	base := func(name string, fallback ...string) string {
		if dir := h.Env.Get(name); filepath.IsAbs(dir) {
			return filepath.Clean(dir)
		}
		if !filepath.IsAbs(home) {
			return ""
		}
		return filepath.Join(append([]string{home}, fallback...)...)
	}
	d := Dirs{
		Config: base("XDG_CONFIG_HOME", ".config"),
		Data:   base("XDG_DATA_HOME", ".local", "share"),
		State:  base("XDG_STATE_HOME", ".local", "state"),
		Cache:  base("XDG_CACHE_HOME", ".cache"),
	}
	if filepath.IsAbs(home) {
		d.Home = filepath.Clean(home)
	}
	return d
}

// homeOf returns a user's home directory from the user database, "" if it is not there. It reads
// the file itself: os/user would link libc into a binary built with cgo.
func homeOf(uid int) string {
	data, err := ReadFile("/etc/passwd", 1<<20)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Split(strings.TrimSuffix(line, "\n"), ":"); len(f) == 7 && f[2] == strconv.Itoa(uid) {
			return f[5]
		}
	}
	return ""
}
