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
		return one(Error, noHome, nil, "no place for the shims: HOME is not set")
	}
	dir := link.Dir(m.Dirs.Data)
	if !exists(dir) {
		if m.homeless() && !exists(m.Dirs.Data) {
			return one(Error, noHome, nil, "no place for the shims: the home directory is not there")
		}
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

// homeless reports whether HOME leads nowhere.
func (m *Machine) homeless() bool { return m.Dirs.Home != "" && !exists(m.Dirs.Home) }

// shellPath looks whether the shims answer in this shell.
func shellPath(m *Machine) []Finding {
	dir := link.Dir(m.Dirs.Data)
	if m.Dirs.Data == "" {
		return skip("no place for the shims is known")
	}
	if !exists(dir) {
		return skip("there are no shims")
	}
	fix := ". " + m.word(filepath.Join(m.Dirs.Data, "shim", "env.sh")) + "   # for this shell; fish: source env.fish"
	if again := m.again(); again != "" {
		fix = again + "   # then start a new shell"
	}
	path := m.Host.Env.Get("PATH")
	before, on := m.before(path, m.Host.Env)
	switch {
	case !on:
		return one(Error, fix, []string{"PATH=" + path}, "%s is not on PATH of this shell", m.tilde(dir))
	case len(before) > 0:
		return one(Warning, fix, before, "in this shell %s", elsewhere(before))
	case m.activated():
		return ok("the shims stand on PATH, behind what is activated in this shell")
	}
	return ok("the shims stand first on PATH of this shell")
}

// again is the command that runs install.sh again, which puts its lines behind all others of the start
// files; "" where it is not known.
func (m *Machine) again() string {
	script := link.Installer(m.Dirs.Data)
	if script == "" {
		return ""
	}
	return "sh " + m.word(script) + " --keep"
}

// elsewhere says which commands are found before their shims.
func elsewhere(files []string) string {
	var names []string
	for _, file := range files {
		names = append(names, filepath.Base(file))
	}
	if len(names) == 1 {
		return names[0] + " is not the shim: another stands before it on PATH"
	}
	return strings.Join(names, ", ") + " are not the shims: others stand before them on PATH"
}

// shimNames returns the names that a shim is to answer to. The command of shim's own is not among them:
// it is the same program wherever it stands.
func (m *Machine) shimNames() []string {
	names := link.Names(nil)
	entries, _ := os.ReadDir(link.Dir(m.Dirs.Data))
	for _, e := range entries {
		if name := e.Name(); name != link.Program && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// before returns the programs that answer in the place of shims on a PATH, the first of each name, but
// for those that env has activated and those of other version managers, which have a check of their
// own. on is false where the shims are not on it.
func (m *Machine) before(path string, env host.Env) (programs []string, on bool) {
	names := m.shimNames()
	for _, dir := range filepath.SplitList(path) {
		if m.isShims(dir) {
			return programs, true
		}
		if isActivated(dir, env) || otherManager(dir) != "" || !filepath.IsAbs(dir) {
			continue
		}
		names = slices.DeleteFunc(names, func(name string) bool {
			file := filepath.Join(dir, name)
			if !runnable(file) {
				return false
			}
			programs = append(programs, file)
			return true
		})
	}
	return programs, false
}

// isShims reports whether a directory of PATH has shims. Ours may have lost its mark.
func (m *Machine) isShims(dir string) bool {
	return isShimDir(dir) || m.Dirs.Data != "" && filepath.Clean(dir) == link.Dir(m.Dirs.Data)
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
		if m.isShims(dir) {
			break
		}
		name := otherManager(dir)
		if name == "" {
			continue
		}
		for _, program := range m.shimNames() {
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
