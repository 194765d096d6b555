package resolve

import (
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"uvshim/policy/version"
	"uvshim/shim/host"
	"uvshim/shim/uv"
)

// A python is an interpreter that stands in an environment, or instead of one.
type python struct {
	path  string
	found version.Interpreter
	site  string // its site-packages directory
}

// pythonIn returns the interpreter of the environment at dir, and why there is none to rely on.
func (p *placer) pythonIn(dir string) (python, string) {
	path, ok := p.environmentPython(dir)
	if !ok {
		return python{}, "it has no Python that can be run"
	}
	py := python{path: path}
	config, known := fromConfig(filepath.Join(dir, "pyvenv.cfg"))
	managed, ok := p.UV.Owner(path)
	switch {
	case ok && known && upgraded(config.Version, managed.Version):
		return py, "it was made with Python " + config.Version.String() + ", which is now " + managed.Version.String()
	case ok:
		py.found = managed.Interpreter
	case known:
		py.found = config
	default:
		py.found = p.identify(path)
	}
	if py.found.Version.Parts < 2 {
		return py, "the version of its Python is not known"
	}
	py.site = sitePackages(dir, py.found)
	return py, ""
}

// upgraded reports whether an environment was made with another version than its interpreter has, as
// exactly as pyvenv.cfg says. uv makes such an environment anew.
func upgraded(made, now version.Version) bool {
	return made.Parts > 0 && made.Major != now.Major ||
		made.Parts > 1 && made.Minor != now.Minor ||
		made.Parts > 2 && (made.Patch != now.Patch || made.Pre != now.Pre || made.PreNum != now.PreNum)
}

// sitePackages returns where the interpreter of an environment keeps its packages.
func sitePackages(dir string, i version.Interpreter) string {
	name := "python"
	if i.Impl == "pypy" {
		name = "pypy"
	}
	name += strconv.Itoa(int(i.Version.Major)) + "." + strconv.Itoa(int(i.Version.Minor))
	if strings.HasPrefix(i.Variant, "freethreaded") {
		name += "t"
	}
	return filepath.Join(dir, "lib", name, "site-packages")
}

// A pinned is what a version file asks for.
type pinned struct {
	request version.Request
	ok      bool // it asks for something
	unclear bool // what uv makes of it is not certain
	global  bool // it is uv's own file
}

// pinFor returns what the version file asks for that counts where at looks: the nearest one up to
// the directory stop, or else uv's own.
func (p *placer) pinFor(at *uv.Upward, stop string) pinned {
	if p.line.Has("no-config") || uv.NoConfig(p.env) {
		return pinned{}
	}
	for _, dir := range at.Dirs() {
		for _, name := range pinNames {
			if at.HasFile(dir, name) {
				return readPin(filepath.Join(dir, name))
			}
		}
		if dir == stop {
			break
		}
	}
	return p.globalPinFile()
}

func (p *placer) globalPinFile() pinned {
	if p.UV.Config == "" || p.line.Has("no-config") || uv.NoConfig(p.env) {
		return pinned{}
	}
	for _, name := range pinNames {
		if file := filepath.Join(p.UV.Config, name); fileType(file) == unix.S_IFREG {
			pin := readPin(file)
			pin.global = true
			return pin
		}
	}
	return pinned{}
}

func readPin(file string) pinned {
	data, err := host.ReadFile(file, pinLimit)
	if err != nil {
		return pinned{unclear: true}
	}
	line, ok := version.First(version.Lines(data))
	switch {
	case !ok:
		return pinned{}
	case line.Problem != "" || line.Request.Path() != "":
		return pinned{unclear: true}
	}
	return pinned{request: line.Request, ok: true}
}

// preferred reports whether an interpreter of this kind may be taken, by uv's python-preference.
func (p *placer) preferred(path string, up *uv.Upward) bool {
	preference, _ := p.UV.FindPreference(p.env, up)
	switch preference {
	case uv.OnlyManaged, uv.OnlySystem:
		_, managed := p.UV.Owner(path)
		return managed == (preference == uv.OnlyManaged)
	}
	return true
}
