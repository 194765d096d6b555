package preflight

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"uvshim/policy/version"
	"uvshim/shim/host"
	"uvshim/shim/nixld"
	"uvshim/shim/redact"
)

// path sets e.Dirs.
func (e *Environment) path(sys nixld.FS, env host.Env, systemSite bool) {
	e.pythonPath(env.Get("PYTHONPATH"))
	lib := libName(e.Interpreter)
	var base, site []string
	for _, name := range libDirs {
		stdlib := path.Join(e.Prefix, name, lib)
		if e.Interpreter.Impl == "pypy" {
			e.add(sys, stdlib, Stdlib)
		} else {
			e.add(sys, path.Join(stdlib, "lib-dynload"), Stdlib)
		}
		base = append(base, path.Join(stdlib, "site-packages"))
		site = append(site, path.Join(e.Root, name, lib, "site-packages"))
	}
	if e.Prefix == "/usr" {
		// Debian's own (its site.py, getsitepackages)
		base = append([]string{path.Join("/usr/local/lib", lib, "dist-packages"), "/usr/lib/python3/dist-packages",
			path.Join("/usr/lib", lib, "dist-packages"), path.Join("/usr/local/lib", lib, "site-packages")}, base...)
	}
	if (!e.Virtual() || systemSite) && env.Get("PYTHONNOUSERSITE") == "" {
		user := env.Get("PYTHONUSERBASE")
		if user == "" && env.Get("HOME") != "" {
			user = path.Join(env.Get("HOME"), ".local")
		}
		if path.IsAbs(user) {
			e.site(sys, path.Join(user, "lib", lib, "site-packages"), UserSite)
		}
	}
	if e.Virtual() {
		for _, dir := range site {
			e.site(sys, dir, Site)
		}
	}
	if !e.Virtual() || systemSite {
		for _, dir := range base {
			e.site(sys, dir, Site)
		}
	}
}

// pythonPath takes the entries of PYTHONPATH. One that the Nix store has for another minor version
// comes from a Nix shell, and what it has hides the environment's own (NixOS wiki, Python).
func (e *Environment) pythonPath(value string) {
	for _, dir := range strings.Split(value, ":") {
		switch {
		case dir == "":
		case !path.IsAbs(dir):
			if redact.Text(value) != value {
				dir = "what" // parts of a URL with a password do not show that they are
			}
			e.note("%s in PYTHONPATH is relative and was not looked at", dir)
		case e.foreign(dir):
			e.Foreign = append(e.Foreign, dir)
		default:
			e.Dirs = append(e.Dirs, Dir{path.Clean(dir), PythonPath})
		}
	}
}

func (e *Environment) foreign(dir string) bool {
	if !strings.HasPrefix(dir, "/nix/store/") || e.Interpreter.Version.Parts < 2 {
		return false
	}
	for _, name := range strings.Split(dir, "/") {
		other := identify(name, nil)
		if strings.HasPrefix(name, "python") && other.Version.Parts == 2 {
			return other.Version.Compare(version.New(e.Interpreter.Version.Major, e.Interpreter.Version.Minor)) != 0
		}
	}
	return false
}

// add adds a directory that exists, once.
func (e *Environment) add(sys nixld.FS, dir string, source Source) bool {
	info, err := sys.Stat(dir)
	if err != nil || !info.IsDir() {
		return false
	}
	for _, known := range e.Dirs {
		if known.Path == dir {
			return false
		}
		if other, err := sys.Stat(known.Path); err == nil && os.SameFile(info, other) {
			return false
		}
	}
	e.Dirs = append(e.Dirs, Dir{dir, source})
	return true
}

// site adds a site-packages directory and what its .pth files name (site.py, addsitedir).
func (e *Environment) site(sys nixld.FS, dir string, source Source) {
	if !e.add(sys, dir, source) {
		return
	}
	names, err := pthFiles(sys, dir)
	if err != nil {
		e.note("%s cannot be read: %v", dir, err)
	}
	targets, length := 0, 0
	for _, name := range names {
		data, err := readFile(sys, path.Join(dir, name), maxPth)
		if err != nil {
			e.note("%s cannot be read: %v", path.Join(dir, name), err)
			continue
		}
		lines, code := parsePth(string(data))
		if code && strings.HasPrefix(name, "__editable__") {
			e.note("%s imports through code, which cannot be seen", path.Join(dir, name))
		}
		for _, line := range lines {
			if !path.IsAbs(line) {
				line = path.Join(dir, line)
			}
			length += len(line)
			if targets++; targets > maxTargets || length > maxTargetText {
				e.note("the .pth files in %s name too many directories to look at", dir)
				return
			}
			e.add(sys, path.Clean(line), Pth)
		}
	}
}

// pthFiles returns the names of the .pth files in a directory that count.
func pthFiles(sys nixld.FS, dir string) ([]string, error) {
	counts := func(name string) bool { return strings.HasSuffix(name, ".pth") && !strings.HasPrefix(name, ".") }
	if s, ok := sys.(*nixld.System); ok && s.Running() {
		return host.Names(dir, maxPthFiles, counts)
	}
	entries, err := sys.ReadDir(dir)
	var names []string
	for _, entry := range entries {
		if counts(entry.Name()) && len(names) < maxPthFiles {
			names = append(names, entry.Name())
		}
	}
	return names, err
}

// parsePth returns the lines of a .pth file that name directories, and whether it has code (site.py,
// addpackage).
func parsePth(text string) (dirs []string, code bool) {
	text = strings.TrimPrefix(text, "\ufeff")
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		switch {
		case strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" || strings.Contains(line, "\x00"):
		case strings.HasPrefix(line, "import ") || strings.HasPrefix(line, "import\t"):
			code = true
		default:
			dirs = append(dirs, strings.TrimRight(line, " \t\f\v"))
		}
	}
	return dirs, code
}

func (e *Environment) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); len(e.Notes) < maxNotes && !slices.Contains(e.Notes, text) {
		e.Notes = append(e.Notes, text)
	}
}
