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
	Python string // managed interpreters: uv python dir
	Bin    string // links to them: uv python dir --bin
	Config string // uv.toml and the global pin
}

// Locate returns uv's directories as uv itself works them out from env, the base directories and
// the working directory (uv-python-managed, ManagedPythonInstallations::from_settings).
func Locate(env host.Env, base host.Dirs, cwd string) Dirs {
	var d Dirs
	switch dir := env.Get("UV_PYTHON_INSTALL_DIR"); {
	case filepath.IsAbs(dir):
		d.Python = filepath.Clean(dir)
	case dir != "" && cwd != "":
		d.Python = filepath.Join(cwd, dir)
	case base.Data != "":
		d.Python = filepath.Join(base.Data, "uv", "python")
	}
	switch {
	case env.Get("UV_PYTHON_BIN_DIR") != "":
		d.Bin = env.Get("UV_PYTHON_BIN_DIR")
	case filepath.IsAbs(env.Get("XDG_BIN_HOME")):
		d.Bin = env.Get("XDG_BIN_HOME")
	case filepath.IsAbs(env.Get("XDG_DATA_HOME")):
		d.Bin = filepath.Join(env.Get("XDG_DATA_HOME"), "..", "bin")
	case base.Home != "":
		d.Bin = filepath.Join(base.Home, ".local", "bin")
	}
	if base.Config != "" {
		d.Config = filepath.Join(base.Config, "uv")
	}
	return d
}

// Busy reports whether uv is installing, upgrading or removing interpreters: it then holds the
// lock of their directory, and names in it may be gone for moments.
func (d Dirs) Busy() bool {
	f, err := os.Open(filepath.Join(d.Python, ".lock"))
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
