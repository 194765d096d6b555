package uv

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"uvshim/policy/version"
	"uvshim/shim/host"
)

// A Managed is an interpreter that uv installed.
type Managed struct {
	version.Interpreter
	Key string // its directory's name: cpython-3.14.1-linux-x86_64-gnu
	Dir string // the patch directory, absolute
}

// Managed returns the interpreters in uv's directory, in no order. Names that are not keys are
// passed over, as uv does; so are those without a patch, which are the minor-version links. The
// directory is read by hand: os.Open would set up a poller first, which costs more.
func (d Dirs) Managed() []Managed {
	if d.Python == "" {
		return nil
	}
	fd, err := unix.Open(d.Python, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	var names []string
	buf := make([]byte, 4096)
	for {
		n, err := unix.ReadDirent(fd, buf)
		if n <= 0 || err != nil {
			break
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
	var found []Managed
	for _, name := range names {
		if i, err := version.ParseKey(name); err == nil && i.Version.Parts == 3 {
			found = append(found, Managed{i, name, join(d.Python, name)})
		}
	}
	return found
}

// Runnable reports whether the interpreter is there: its directory is none of the links that uv
// passes over, and its program can be executed.
func (m Managed) Runnable() bool {
	var st unix.Stat_t
	return unix.Lstat(m.Dir, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR &&
		unix.Access(join(m.Dir, "bin/"+m.Executable()), unix.X_OK) == nil
}

// Path returns the executable to run: below the patch directory if the patch was asked for, else
// through the minor-version link, so that an environment made from it follows `uv python upgrade`.
// Where that link is not there or leads to another patch, it is the patch directory as well.
func (m Managed) Path(patch bool) string {
	exe := filepath.Join("bin", m.Executable())
	if !patch {
		link := filepath.Join(filepath.Dir(m.Dir), m.MinorLink())
		// to uv, too, the link counts only if it says just this
		if target, err := os.Readlink(link); err == nil && target == m.Dir {
			return filepath.Join(link, exe)
		}
	}
	return filepath.Join(m.Dir, exe)
}

// Build returns the release of python-build-standalone that uv installed, such as 20260814, and ""
// where uv left none. uv can replace a patch by a newer build of the same patch.
func (m Managed) Build() string {
	data, err := host.ReadFile(filepath.Join(m.Dir, "BUILD"), 256)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// Owner returns the managed interpreter whose directory holds path, links followed.
func (d Dirs) Owner(path string) (Managed, bool) {
	real, err := host.Real(path)
	if err != nil || d.Python == "" {
		return Managed{}, false
	}
	root, err := host.Real(d.Python)
	if err != nil {
		return Managed{}, false
	}
	rest, ok := strings.CutPrefix(real, root+"/")
	if !ok {
		return Managed{}, false
	}
	key, _, _ := strings.Cut(rest, "/")
	i, err := version.ParseKey(key)
	return Managed{i, key, filepath.Join(d.Python, key)}, err == nil
}
