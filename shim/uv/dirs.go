// Package uv knows where uv keeps its things and what they look like: its interpreters, its
// configuration, its projects. It reads uv's directories and never runs uv, since uv probes the
// programs on PATH and would come back to us.
package uv

import (
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
)

// Dirs are the directories of one user's uv. A field is empty where it cannot be known.
type Dirs struct {
	Python  string // managed interpreters: uv python dir
	Bin     string // links to them: uv python dir --bin
	Tool    string // tools: uv tool dir
	ToolBin string // their programs: uv tool dir --bin
	Config  string // uv.toml and the global pin
}

// Locate returns uv's directories as uv itself works them out from env, the base directories and
// the working directory (uv-python-managed, ManagedPythonInstallations::from_settings; uv-tool,
// InstalledTools::from_settings).
func Locate(env host.Env, base host.Dirs, cwd string) Dirs {
	d := Dirs{
		Python:  store(env.Get("UV_PYTHON_INSTALL_DIR"), "python", base, cwd),
		Bin:     bin(env.Get("UV_PYTHON_BIN_DIR"), env, base),
		Tool:    store(env.Get("UV_TOOL_DIR"), "tools", base, cwd),
		ToolBin: bin(env.Get("UV_TOOL_BIN_DIR"), env, base),
	}
	if base.Config != "" {
		d.Config = filepath.Join(base.Config, "uv")
	}
	return d
}

// store returns the directory of one kind of things that uv keeps: asked, the value of its own
// variable, or its place in the data directory (uv-state, StateStore).
func store(asked, kind string, base host.Dirs, cwd string) string {
	if asked != "" {
		if dir := within(cwd, asked); dir != "" {
			return dir
		}
	}
	if base.Data == "" {
		return ""
	}
	return filepath.Join(base.Data, "uv", kind)
}

// bin returns the directory that uv puts programs into: asked, the value of its own variable, or
// the user's (uv-dirs, user_executable_directory).
func bin(asked string, env host.Env, base host.Dirs) string {
	switch {
	case asked != "":
		return asked
	case filepath.IsAbs(env.Get("XDG_BIN_HOME")):
		return env.Get("XDG_BIN_HOME")
	case filepath.IsAbs(env.Get("XDG_DATA_HOME")):
		return filepath.Join(env.Get("XDG_DATA_HOME"), "..", "bin")
	case base.Home != "":
		return filepath.Join(base.Home, ".local", "bin")
	}
	return ""
}

// Busy reports whether uv is installing, upgrading or removing interpreters: it then holds the
// lock of their directory, and names in it may be gone for moments.
func (d Dirs) Busy() bool {
	f, err := os.OpenFile(filepath.Join(d.Python, ".lock"), os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) == unix.EWOULDBLOCK
}

// Wait returns when uv is not busy any more, or after limit.
func (d Dirs) Wait(limit time.Duration) {
	for end := time.Now().Add(limit); d.Busy() && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
}
