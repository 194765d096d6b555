package resolve

import (
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"uvshim/policy/version"
	"uvshim/shim/host"
	"uvshim/shim/uv"
)

// A search is a look for the Python that uv takes where no project says which
// (uv-python-discovery, find_python_installation).
type search struct {
	*placer
	request   version.Request
	asked     bool // for something
	installs  bool // into what is found, which a bare interpreter must be asked for
	preferred bool // python-preference counts
}

// find returns the place of the first Python that fits: the active environment, a conda
// environment, a .venv here or above, and then an interpreter itself.
func (s search) find() Place {
	if s.asked && (s.request.Path() != "" || s.request.Kind() == version.KindName) {
		return s.named()
	}
	if s.env.Get("UV_INTERNAL__PARENT_INTERPRETER") != "" {
		return none("the Python that runs uv as a module comes first")
	}
	conda := s.env.Get("CONDA_PREFIX")
	base := conda != "" && condaBase(s.env, conda)
	if dir := s.env.Get("VIRTUAL_ENV"); dir != "" {
		if place, ok := s.active(under(s.dir, dir), false); ok {
			return place
		}
	}
	if conda != "" && !base {
		if place, ok := s.active(under(s.dir, conda), true); ok {
			return place
		}
	}
	if place, ok := s.above(); ok {
		return place
	}
	if base && !s.installs {
		return none("conda's base environment comes before other interpreters")
	}
	if s.installs {
		return s.onPath()
	}
	return s.system(s.Finder)
}

// fits reports whether the Python of an environment satisfies the request.
func (s search) fits(py python) version.Match {
	if !s.asked {
		return version.Yes
	}
	return s.request.Matches(py.found)
}

// active takes the environment that a variable names, if it fits. A variable that leads nowhere is
// nothing; an environment without its Python is an error to uv.
func (s search) active(dir string, conda bool) (Place, bool) {
	venv := uv.IsEnvironment(dir)
	path, ok := s.environmentPython(dir)
	switch {
	case !ok && venv:
		return none("the active environment has no Python that can be run"), true
	case !ok && there(filepath.Join(dir, "bin", "python")):
		return none("what VIRTUAL_ENV or CONDA_PREFIX names is not clear"), true
	case !ok:
		return Place{}, false
	case !venv && !conda && s.installs:
		return Place{}, false
	case !venv && !conda:
		return none("what VIRTUAL_ENV names is no environment"), true
	}
	return s.take(PlaceActive, dir, path)
}

// take is the environment at dir, if its Python fits.
func (s search) take(kind PlaceKind, dir, path string) (Place, bool) {
	py := python{path: path, found: s.identify(path)}
	switch s.fits(py) {
	case version.Unknown:
		return none("whether " + filepath.Base(dir) + " fits the request is not known"), true
	case version.No:
		return Place{}, false
	}
	return s.settledOn(kind, dir, path), true
}

// settledOn is the place of an environment that uv uses as it is.
func (s search) settledOn(kind PlaceKind, dir, path string) Place {
	return Place{Kind: kind, Environment: dir, Python: path, Complete: true}
}

// above takes the .venv in the working directory or the nearest one above, or the environment that
// the working directory lies in. One that is no environment ends the search.
func (s search) above() (Place, bool) {
	for _, dir := range s.Up.Dirs() {
		root := dir
		if !uv.IsEnvironment(dir) {
			path := filepath.Join(dir, ".venv")
			var st unix.Stat_t
			if unix.Lstat(path, &st) != nil {
				continue
			}
			switch st.Mode & unix.S_IFMT {
			case unix.S_IFREG, unix.S_IFDIR, unix.S_IFLNK:
			default:
				continue
			}
			var err error
			if root, err = uv.Redirected(path); err != nil {
				return none(path + " cannot be used: " + reason(err)), true
			}
			if !uv.IsEnvironment(root) {
				return Place{}, false
			}
		}
		path, ok := s.environmentPython(root)
		if !ok {
			return none("the environment found above has no Python that can be run"), true
		}
		if s.preferred && !s.placer.preferred(path, s.Up) {
			return Place{}, false
		}
		return s.take(PlaceFound, root, path)
	}
	return Place{}, false
}

// onPath takes the environment whose Python is the very first on PATH, the only one there that uv
// installs into unasked.
func (s search) onPath() Place {
	for _, dir := range s.Finder.Dirs() {
		for _, name := range version.Names(s.request) {
			path := filepath.Join(dir, name)
			if !s.Finder.Runnable(path) {
				continue
			}
			root := filepath.Dir(dir)
			if !uv.IsEnvironment(root) {
				return none("there is no environment to install into")
			}
			if place, ok := s.take(PlaceActive, root, path); ok {
				return place
			}
			return none("there is no environment that fits the request")
		}
	}
	return none("there is no environment to install into")
}

// system takes an interpreter: managed, or from the directories of PATH that finder has.
func (s search) system(finder *host.Finder) Place {
	r := *s.resolver
	r.Finder = finder
	target, ok := r.find(s.request)
	if !ok {
		return none("no interpreter is there that fits")
	}
	place := Place{Kind: PlaceSystem, Python: target.Path, Complete: true}
	if target.FromPath {
		if root := filepath.Dir(filepath.Dir(target.Path)); uv.IsEnvironment(root) {
			place.Kind, place.Environment = PlaceActive, root
		}
	}
	return place
}

// named is the place of a path that is asked for: an environment, its Python, or an interpreter.
func (s search) named() Place {
	path := s.request.Path()
	if path == "" {
		return none("which program of that name uv takes is not known")
	}
	root := path
	switch fileType(path) {
	case unix.S_IFDIR:
		var ok bool
		if path, ok = s.environmentPython(root); !ok {
			return none("the directory that is asked for has no Python that can be run")
		}
	case unix.S_IFREG:
		root = filepath.Dir(filepath.Dir(path))
		if !s.Finder.Runnable(path) {
			return none("what is asked for cannot be run")
		}
	default:
		return none("what is asked for is not there")
	}
	if uv.IsEnvironment(root) {
		return s.settledOn(PlaceNamed, root, path)
	}
	return Place{Kind: PlaceSystem, Python: path, Complete: true}
}

// condaBase reports whether the active conda environment is the base one, which is an interpreter
// to uv (uv-python-discovery, CondaEnvironmentKind).
func condaBase(env host.Env, prefix string) bool {
	if fileType(filepath.Join(prefix, "conda-meta", "pixi")) == unix.S_IFREG {
		return false
	}
	if root, ok := env.Lookup("_CONDA_ROOT"); ok && filepath.Clean(root) == filepath.Clean(prefix) {
		return true
	}
	name, ok := env.Lookup("CONDA_DEFAULT_ENV")
	if !ok || filepath.Clean(name) == filepath.Clean(prefix) {
		return false
	}
	return filepath.Base(prefix) != name
}

// pip is an installation into an environment, by uv pip.
func (p *placer) pip() Place {
	settings := p.set(p.projectRoot())
	text, ok := p.line.Value("python")
	if !ok || text == "" {
		text = settings.Python
	}
	request, asked, err := p.parse(text)
	if err != nil {
		return none(reason(err))
	}
	system := (p.line.Has("system") || settings.System) && !p.line.Has("no-system")
	s := search{placer: p, request: request, asked: asked, installs: true}
	target := ""
	for _, option := range []string{"target", "prefix"} {
		if dir, ok := p.line.Value(option); ok && target == "" {
			target = dir
		}
	}
	switch {
	case target != "":
		return Place{Kind: PlaceTarget, Environment: under(p.dir, target), Why: "it is about to be changed"}
	case settings.Target != "":
		return none("the configuration sets a target")
	}
	var place Place
	if system && !(asked && request.Path() != "") {
		place = s.withoutEnvironments()
	} else {
		place = s.find()
	}
	if place.Complete {
		place.Complete, place.Why = false, "it is about to be changed"
	}
	return place
}

// projectRoot is where uv's configuration begins: the root of the workspace, or where the search for a
// project began. Other than the project itself, it is looked for from a path that is cleaned.
func (p *placer) projectRoot() string {
	up, why := p.projectUp()
	if why != "" || len(up.Dirs()) == 0 {
		return p.dir
	}
	dir := filepath.Clean(up.Dirs()[0])
	if project, ok := p.look(dir).Project(); ok && project.Broken == nil {
		return project.Workspace
	}
	return dir
}

// withoutEnvironments takes an interpreter that stands in no environment, those of PATH before the
// managed ones.
func (s search) withoutEnvironments() Place {
	if conda := s.env.Get("CONDA_PREFIX"); conda != "" && condaBase(s.env, conda) {
		return none("conda's base environment comes before other interpreters")
	}
	if s.asked && s.request.Kind() == version.KindName {
		return none("which program of that name uv takes is not known")
	}
	var dirs []string
	for _, dir := range s.Finder.Dirs() {
		if !uv.IsEnvironment(filepath.Dir(dir)) {
			dirs = append(dirs, dir)
		}
	}
	if preference, _ := s.UV.FindPreference(s.env, s.Up); preference == uv.Managed1st {
		s.placer.resolver.env = s.env.With("UV_PYTHON_PREFERENCE", string(uv.System1st))
	}
	return s.system(host.NewFinder(strings.Join(dirs, ":")))
}

// venv makes an environment: at the path that is named; without one in the working directory, or,
// if that is a project's root, where the project has it.
func (p *placer) venv() Place {
	place := Place{Kind: PlaceNamed, Why: "it is about to be made"}
	if len(p.line.Words) > 0 {
		place.Environment = under(p.dir, p.line.Words[0])
		return place
	}
	up, why := p.projectUp()
	if why != "" {
		return none(why)
	}
	place.Environment = filepath.Join(p.dir, ".venv")
	if p.line.Has("no-project") {
		return place
	}
	project, ok := up.Project()
	if !ok || project.Broken != nil || project.Workspace != up.Dirs()[0] {
		return place
	}
	place.Kind, place.Project, place.Workspace = PlaceProject, project.Root, project.Workspace
	place.Environment = filepath.Join(project.Workspace, ".venv")
	if named := p.env.Get("UV_PROJECT_ENVIRONMENT"); named != "" {
		place.Environment = under(project.Workspace, named)
	} else if p.previewed(project.Workspace) {
		place.Environment, place.Why = "", "a preview feature may have it elsewhere"
	}
	return place
}
