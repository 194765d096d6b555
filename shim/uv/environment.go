package uv

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
	"uvshim/shim/remember"
)

// IsEnvironment reports whether dir is an environment to uv: it has a pyvenv.cfg, whatever that
// says (uv-fs, is_virtualenv_base).
func IsEnvironment(dir string) bool {
	var st unix.Stat_t
	return unix.Stat(join(dir, "pyvenv.cfg"), &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG
}

// ParseVenvConfig reads a pyvenv.cfg: lines of key = value, keys in lower case (PEP 405).
func ParseVenvConfig(text string) map[string]string {
	config := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, "="); ok {
			config[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
		}
	}
	return config
}

// maxRedirect bounds a redirect file: a path and its end of line.
const maxRedirect = 4096 + 2

// Redirected returns the environment that path leads to: path itself, unless it is a file, which
// names a directory in its one line, relative to where the file lies (uv-fs, read_venv_redirect). It
// need not exist. An error means that the file is of no use, with which uv ends as well.
func Redirected(path string) (string, error) {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil || st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return path, nil
	}
	data, err := host.ReadFile(path, maxRedirect)
	if err != nil {
		return "", err
	}
	line, ok := strings.CutSuffix(string(data), "\r\n")
	if !ok {
		line = strings.TrimSuffix(line, "\n")
	}
	if line == "" || !utf8.ValidString(line) || strings.ContainsRune(line, 0) {
		return "", errors.New("it names no directory")
	}
	if !filepath.IsAbs(line) {
		line = filepath.Join(filepath.Dir(path), line)
	}
	return filepath.Clean(line), nil
}

// LookAlong is Look for a directory that is written with ".." in it. Like uv, which goes upwards
// from a script by its path as text, it drops one part of the path after another.
func LookAlong(facts remember.Store, path string) *Upward {
	var dirs []string
	for strings.HasPrefix(path, "/") {
		dirs = append(dirs, path)
		if path == "/" {
			break
		}
		if path = path[:strings.LastIndexByte(path, '/')]; path == "" {
			path = "/"
		}
	}
	return upward(facts, dirs)
}

// From returns u from dir on, and false if dir is not in it. The two share what was looked up.
func (u *Upward) From(dir string) (*Upward, bool) {
	i := slices.Index(u.dirs, dir)
	if i < 0 {
		return nil, false
	}
	return &Upward{facts: u.facts, dirs: u.dirs[i:], modes: u.modes[i:], parsed: u.parsed}, true
}

// CacheDir returns uv's cache directory where no option or file says otherwise: UV_CACHE_DIR, or
// below the user's cache directory; "" where it cannot be known, or is a temporary one (uv-cache,
// Cache::from_settings).
func CacheDir(env host.Env, base host.Dirs, cwd string) string {
	switch dir := env.Get("UV_CACHE_DIR"); {
	case Boolish(env.Get("UV_NO_CACHE")):
		return ""
	case dir != "":
		return within(cwd, dir)
	case base.Cache != "":
		return filepath.Join(base.Cache, "uv")
	}
	return ""
}

// within returns path as it is meant in the directory cwd, "" where that is not known.
func within(cwd, path string) string {
	switch {
	case filepath.IsAbs(path):
		return filepath.Clean(path)
	case cwd == "":
		return ""
	}
	return filepath.Join(cwd, path)
}

// HasFile reports whether dir has a regular file of that name, links followed.
func (u *Upward) HasFile(dir, name string) bool { return u.hasFile(dir, name) }
