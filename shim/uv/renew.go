package uv

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"uvshim/policy/version"
	"uvshim/shim/say"
)

// Renew returns the command, to paste, that makes the environment of a project's directory anew. home
// is shown as ~.
func Renew(project, home string) string {
	cd := "(cd " + say.ShellPath(project, home) + " && uv venv --clear"
	if _, err := os.Stat(filepath.Join(project, "pyproject.toml")); err == nil {
		return cd + " && uv sync)"
	}
	return cd + ")   # and install into it again"
}

// Minor returns the request for an interpreter's minor: what to declare to have it kept.
func (m Managed) Minor() string {
	if rest, ok := strings.CutPrefix(m.Executable(), "python"); ok && m.Impl == "cpython" {
		return rest // with the variant: 3.14t
	}
	return m.Impl + "@" + version.New(m.Version.Major, m.Version.Minor).String()
}

// Exact returns the request for just this interpreter.
func (m Managed) Exact() string {
	if m.Impl == "cpython" && m.Variant == "" {
		return m.Version.String()
	}
	return m.Key
}

// Fault says why an interpreter that is not Runnable cannot be run. It is "" for a link in uv's
// directory, which is none to uv.
func (m Managed) Fault() string {
	exe := "bin/" + m.Executable()
	info, err := os.Stat(filepath.Join(m.Dir, exe))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return exe + " is not there"
	case err != nil:
		return exe + ": " + cause(err).Error()
	case info.Size() == 0:
		return exe + " is empty"
	case info.Mode().Perm()&0o111 == 0:
		return exe + " is not executable"
	}
	return ""
}

// absent says of a program that could not be looked at that it is not there, or what else is wrong.
func absent(path string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return &fs.PathError{Op: "look at", Path: path, Err: cause(err)}
	}
	if target, err := os.Readlink(path); err == nil {
		return errors.New(path + " leads to " + target + ", which is not there")
	}
	return errors.New(path + " is not there")
}

// cause returns the system's error.
func cause(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}
