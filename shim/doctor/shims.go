package doctor

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"uvshim/policy/version"
	"uvshim/shim/host"
	"uvshim/shim/link"
)

// shims looks whether the shims are all there, and are this program.
func shims(m *Machine) []Finding {
	if m.Dirs.Data == "" {
		return one(Error, "export HOME=/home/…   # the directory of this user", nil, "no place for the shims: HOME is not set")
	}
	dir := link.Dir(m.Dirs.Data)
	if !exists(dir) {
		return one(Error, "shim link", []string{dir}, "there are no shims")
	}
	found := m.program(dir)
	base := filepath.Join(dir, link.Program)
	var interpreters []version.Interpreter
	for _, x := range m.managed() {
		interpreters = append(interpreters, x.Interpreter)
	}
	var missing, other []string
	want, err := os.Stat(base)
	for _, name := range link.Names(interpreters) {
		path := filepath.Join(dir, name)
		info, lerr := os.Lstat(path)
		switch {
		case lerr != nil:
			missing = append(missing, path)
		case err == nil && !os.SameFile(want, info) && !sameFile(base, path):
			other = append(other, path)
		}
	}
	if len(missing) > 0 {
		found = append(found, one(Error, "shim link", missing, "%s missing", many(missing, "shim is", "shims are"))...)
	}
	if len(other) > 0 {
		found = append(found, one(Warning, "shim link", other, "%s not this program", many(other, "shim is", "shims are"))...)
	}
	if left := leftover(dir, link.Names(interpreters)); len(left) > 0 {
		found = append(found, one(Info, "shim link", left, "%s of a Python that is not installed", many(left, "shim is", "shims are"))...)
	}
	if found == nil {
		return ok("all are in %s and up to date", m.tilde(dir))
	}
	return found
}

// program looks at what the shims are links to, and at the marker by which they know each other.
func (m *Machine) program(dir string) []Finding {
	var found []Finding
	base, marker := filepath.Join(dir, link.Program), filepath.Join(dir, host.Marker)
	switch {
	case !exists(base):
		found = one(Error, "shim link", []string{base}, "the program that the shims are is missing")
	case m.Self != "" && !sameFile(m.Self, base):
		found = one(Warning, "shim link", []string{base, real(m.Self)}, "the shims are of another version than this command")
	}
	if !exists(marker) {
		found = append(found, one(Error, "shim link", []string{marker}, "the mark of the shim directory is missing: a shim would take the others for real programs")...)
	}
	return found
}

// leftover returns the shims of Python names that are not wanted.
func leftover(dir string, wanted []string) []string {
	var left []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if _, python := version.FromName(e.Name()); python && !slices.Contains(wanted, e.Name()) {
			left = append(left, filepath.Join(dir, e.Name()))
		}
	}
	return left
}

// sameFile reports whether two files are one, or have the same content.
func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	switch {
	case err != nil || err2 != nil || !x.Mode().IsRegular() || !y.Mode().IsRegular():
		return false
	case os.SameFile(x, y):
		return true
	case x.Size() != y.Size():
		return false
	}
	const most = 256 << 20
	p, err := host.ReadFile(a, most)
	q, err2 := host.ReadFile(b, most)
	return err == nil && err2 == nil && bytes.Equal(p, q)
}

// shellPath looks whether the shims answer in this shell.
func shellPath(m *Machine) []Finding {
	dir := link.Dir(m.Dirs.Data)
	if m.Dirs.Data == "" {
		return skip("no place for the shims is known")
	}
	fix := ". " + m.word(filepath.Join(m.Dirs.Data, "shim", "env.sh")) + "   # fish: source env.fish"
	before, on := m.before(m.Host.Env.Get("PATH"), m.Host.Env)
	switch {
	case !on:
		return one(Error, fix, []string{"PATH=" + m.Host.Env.Get("PATH")}, "%s is not on PATH of this shell", m.tilde(dir))
	case len(before) > 0:
		return one(Warning, fix, before, "in this shell other programs stand before the shims")
	case m.activated():
		return ok("the shims stand on PATH, behind what is activated in this shell")
	}
	return ok("the shims stand first on PATH of this shell")
}

// names that a shim is to answer to.
var shimNames = [...]string{"python", "python3", "uv", "uvx"}

// before returns the programs that answer in the place of shims on a PATH, but for those that env
// has activated and those of other version managers, which have a check of their own. on is false
// where the shims are not on it.
func (m *Machine) before(path string, env host.Env) (programs []string, on bool) {
	for _, dir := range filepath.SplitList(path) {
		if isShimDir(dir) {
			return programs, true
		}
		if isActivated(dir, env) || otherManager(dir) != "" {
			continue
		}
		for _, name := range shimNames {
			if file := filepath.Join(dir, name); filepath.IsAbs(dir) && runnable(file) {
				programs = append(programs, file)
			}
		}
	}
	return programs, false
}

func isShimDir(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, host.Marker))
	return err == nil && filepath.IsAbs(dir)
}

// isActivated reports whether a directory of PATH is there because the user activated something.
func isActivated(dir string, env host.Env) bool {
	for _, name := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
		if root := env.Get(name); root != "" && (dir == filepath.Join(root, "bin") || dir == filepath.Join(root, "condabin")) {
			return true
		}
	}
	return strings.HasPrefix(dir, "/nix/store/") && env.Get("IN_NIX_SHELL")+env.Get("DIRENV_DIR") != ""
}

func runnable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// pathWritable looks for directories on PATH, down to the shims', into which others can put a
// python.
func pathWritable(m *Machine) []Finding {
	var open []string
	for _, dir := range filepath.SplitList(m.Host.Env.Get("PATH")) {
		if info, err := os.Stat(dir); err == nil && filepath.IsAbs(dir) && info.IsDir() && info.Mode().Perm()&0o002 != 0 {
			open = append(open, dir)
		}
		if isShimDir(dir) {
			break
		}
	}
	if dir := link.Dir(m.Dirs.Data); m.Dirs.Data != "" && !slices.Contains(open, dir) {
		if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o002 != 0 {
			open = append(open, dir)
		}
	}
	if len(open) == 0 {
		return ok("nobody else can put programs before the shims")
	}
	return one(Error, "chmod o-w "+m.words(open), open, "everybody can put programs into %s looked for in", many(open, "directory that a python is", "directories that a python is"))
}

// otherManager returns the version manager whose shims a directory of PATH has.
func otherManager(dir string) string {
	for _, known := range [...][2]string{
		{"/.pyenv/shims", "pyenv"}, {"/pyenv/shims", "pyenv"}, {"/mise/shims", "mise"}, {"/.asdf/shims", "asdf"}, {"/asdf/shims", "asdf"},
		{"/rtx/shims", "rtx"}, {"/.rye/shims", "rye"},
	} {
		if strings.HasSuffix(filepath.Clean(dir), known[0]) {
			return known[1]
		}
	}
	return ""
}

// otherShims looks for other version managers that answer before us.
func otherShims(m *Machine) []Finding {
	var evidence, names []string
	for _, dir := range filepath.SplitList(m.Host.Env.Get("PATH")) {
		if isShimDir(dir) {
			break
		}
		name := otherManager(dir)
		if name == "" {
			continue
		}
		for _, program := range shimNames {
			if file := filepath.Join(dir, program); runnable(file) {
				evidence = append(evidence, file)
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return ok("no other version manager answers before the shims")
	}
	slices.Sort(names)
	names = slices.Compact(names)
	line := "# take out the line of " + strings.Join(names, " and of ") + ", or put it before that of shim"
	return one(Warning, inFile("your shell's start file", line), evidence,
		"before the shims stands %s", strings.Join(names, ", then "))
}

// switches looks for variables that change what the shims do.
func switches(m *Machine) []Finding {
	var found []Finding
	for _, v := range []struct {
		name, message string
		level         Level
	}{
		{"SHIM_DISABLE", "the shims are switched off in this shell", Warning},
		{"SHIM_POLICY", "another policy counts in this shell", Info},
		{"SHIM_LOCK", "another lock is written in this shell", Info},
		{"SHIM_DEBUG", "the shims tell their trail in this shell", Info},
	} {
		value := m.Host.Env.Get(v.name)
		if off := value == "0" && v.name != "SHIM_POLICY" && v.name != "SHIM_LOCK"; value != "" && !off {
			found = append(found, one(v.level, "unset "+v.name, []string{v.name + "=" + value}, "%s", v.message)...)
		}
	}
	if found == nil {
		return ok("no variable changes what the shims do")
	}
	return found
}
