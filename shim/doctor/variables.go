package doctor

import (
	"path/filepath"
	"slices"
	"strings"

	"uvshim/shim/elfdeps"
	"uvshim/shim/nixld"
)

// maxPrograms is how many of a profile's programs are looked at.
const maxPrograms = 400

// libraryPath looks which programs of Nix LD_LIBRARY_PATH makes load other libraries than those they
// were built with: it comes before their RUNPATH (ld.so(8)).
func libraryPath(m *Machine) []Finding {
	value := m.Host.Env.Get("LD_LIBRARY_PATH")
	if value == "" {
		return ok("LD_LIBRARY_PATH is not set")
	}
	evidence := []string{"LD_LIBRARY_PATH=" + value}
	var programs []string
	for _, file := range m.storePrograms() {
		if hit := m.endangered(file, elfdeps.SplitPath(value)); hit != "" {
			programs = append(programs, filepath.Base(file)+" would load "+hit)
		}
	}
	if len(programs) == 0 {
		return one(Info, "", evidence, "LD_LIBRARY_PATH is set: every program looks there first")
	}
	return one(Warning, "unset LD_LIBRARY_PATH   # NIX_LD_LIBRARY_PATH reaches foreign programs only", append(evidence, programs...),
		"LD_LIBRARY_PATH gives %s libraries that Nix did not build it with", many(programs, "program of Nix", "programs of Nix"))
}

// storePrograms returns programs of the profiles, sorted.
func (m *Machine) storePrograms() []string {
	var files []string
	for _, p := range m.profiles() {
		entries, _ := m.System.ReadDir(p.dir)
		for _, e := range entries[:min(len(entries), maxPrograms)] {
			files = append(files, filepath.Join(p.dir, e.Name()))
		}
	}
	slices.Sort(files)
	return files
}

// endangered returns the library in dirs that the program, if it is one in the store, would load by
// its name.
func (m *Machine) endangered(file string, dirs []string) string {
	target, err := m.System.Real(file)
	if err != nil || !strings.HasPrefix(target, "/nix/store/") {
		return ""
	}
	f, err := m.System.Open(target)
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	facts, err := elfdeps.Read(f, info.Size())
	if err != nil {
		return ""
	}
	for _, name := range facts.Needed {
		for _, dir := range dirs {
			lib := filepath.Join(dir, name)
			if _, err := m.System.Stat(lib); err == nil && filepath.IsAbs(lib) {
				return lib
			}
		}
	}
	return ""
}

// pythonPath looks for modules of a Nix-built Python that every Python is told to import.
func pythonPath(m *Machine) []Finding {
	value := m.Host.Env.Get("PYTHONPATH")
	var store []string
	for _, dir := range filepath.SplitList(value) {
		if strings.HasPrefix(real(dir), "/nix/store/") || strings.HasPrefix(dir, "/nix/store/") {
			store = append(store, dir)
		}
	}
	switch {
	case len(store) > 0:
		return one(Warning, "unset PYTHONPATH", store, "PYTHONPATH has %s in the store: they are for one Python, and every Python imports from them",
			many(store, "directory", "directories"))
	case value != "":
		return one(Info, "", []string{"PYTHONPATH=" + value}, "PYTHONPATH is set: every Python imports from there first")
	}
	return ok("PYTHONPATH is not set")
}

// nixShell looks for variables of a Nix shell in a shell that is none: an editor or a terminal that
// was started in one hands them on.
func nixShell(m *Machine) []Finding {
	var left []string
	var names []string
	for _, name := range []string{"UV_PYTHON", "NIX_LD", "NIX_LD_LIBRARY_PATH", m.state().Settings.Loader.Name, m.state().Settings.Library.Name} {
		value := m.Host.Env.Get(name)
		if strings.Contains(value, "/nix/store/") && !slices.Contains(names, name) {
			left, names = append(left, name+"="+value), append(names, name)
		}
	}
	switch {
	case m.inNixShell() && len(left) > 0:
		return one(Info, "", left, "this is a Nix shell, which says what uv and nix-ld take")
	case len(left) > 0:
		return one(Warning, "unset "+strings.Join(names, " "), left, "this is no Nix shell, and yet it has variables of one")
	}
	if value := m.Host.Env.Get("UV_PYTHON"); value != "" {
		return one(Info, "unset UV_PYTHON", []string{"UV_PYTHON=" + value}, "UV_PYTHON is stronger than every pin, and uv pip installs into what it names")
	}
	if m.state().Loader.Kind != nixld.NixLD {
		return ok("no variable says what uv takes")
	}
	return ok("no variable says what uv and nix-ld take")
}
