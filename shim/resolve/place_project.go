package resolve

import (
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"uvshim/policy/version"
	"uvshim/shim/host"
	"uvshim/shim/remember"
	"uvshim/shim/uv"
)

// projectUp returns the directory where the search for a project begins, and those above it:
// --project, the directory of the script that is run, or the working directory.
func (p *placer) projectUp() (*uv.Upward, string) {
	switch to, ok := p.line.Value("project"); {
	case ok && to != "":
		dir := under(p.dir, to)
		if filepath.Base(dir) == "pyproject.toml" && fileType(dir) == unix.S_IFREG {
			dir = filepath.Dir(dir)
		}
		if fileType(dir) != unix.S_IFDIR {
			return nil, "the project's directory does not exist"
		}
		return p.look(dir), ""
	case p.start != "":
		return p.look(p.start), ""
	}
	return p.Up, ""
}

// look is the directories from dir upwards, by its text.
func (p *placer) look(dir string) *uv.Upward {
	if up, ok := p.Up.From(dir); ok {
		return up
	}
	return uv.LookAlong(p.Facts, dir)
}

// change is a command that changes a project, or the script that --script names.
func (p *placer) change() Place {
	if script, ok := p.line.Value("script"); ok {
		if p.line.Command != "sync" {
			return none("the script alone is changed")
		}
		return p.script(absolute(p.dir, script))
	}
	up, why := p.projectUp()
	if why != "" {
		return none(why)
	}
	if p.line.Command == "sync" && p.line.Has("frozen") {
		switch root, unclear := p.lockRoot(up); {
		case unclear:
			return none("whether uv.lock alone is used is not known")
		case root != "":
			place := Place{Kind: PlaceProject, Project: root, Workspace: root, Why: "it is about to be changed"}
			if why := p.projectEnvironment(&place); why != "" {
				return none(why)
			}
			place.Python, _ = p.environmentPython(place.Environment)
			return place
		}
	}
	place, ok := p.project(up)
	switch {
	case !ok:
		if place.Why == "" {
			place.Why = "there is no project"
		}
		return place
	case p.line.Command == "lock", p.line.Has("frozen") && p.line.Command != "sync", p.line.Has("no-sync"):
		place = Place{Kind: PlaceProject, Project: place.Project, Workspace: place.Workspace, Why: "the environment is left as it is"}
	default:
		place.Complete, place.Why = false, "it is about to be changed"
	}
	return place
}

// lockRoot returns the directory whose uv.lock a frozen sync uses without a pyproject.toml beside it,
// "" where it goes by the project (uv-lock-operations, FrozenWorkspace::discover). Below a
// pyproject.toml of its own it is unclear: the lock file tells whether it has that as a member.
func (p *placer) lockRoot(up *uv.Upward) (root string, unclear bool) {
	below := false
	for _, dir := range up.Dirs() {
		manifest, lock := up.HasFile(dir, "pyproject.toml"), up.HasFile(dir, "uv.lock")
		switch {
		case manifest && (below || lock):
			return "", false
		case lock:
			return dir, below
		}
		below = below || manifest
	}
	return "", false
}

// project returns the place of the project that up lies in, and false where there is none or it
// cannot be used. Whether the environment is complete is judged as for uv run.
func (p *placer) project(up *uv.Upward) (Place, bool) {
	project, ok := up.Project()
	switch {
	case !ok:
		return Place{}, false
	case project.Broken != nil:
		return none("pyproject.toml cannot be used: " + reason(project.Broken)), false
	}
	place := Place{
		Kind:      PlaceProject,
		Project:   filepath.Clean(project.Root),
		Workspace: filepath.Clean(project.Workspace),
	}
	if why := p.projectEnvironment(&place); why != "" {
		place.Environment, place.Why = "", why
		return place, true
	}
	place.Python, place.Why = p.judge(&place, project)
	place.Complete = place.Why == ""
	return place, true
}

// projectEnvironment finds where a project's environment is (uv-workspace,
// ProjectEnvironmentSelection): the active one if --active says so, UV_PROJECT_ENVIRONMENT, relative
// to the workspace root, or .venv there. A file in place of the last two names the directory.
func (p *placer) projectEnvironment(place *Place) (why string) {
	if active := p.env.Get("VIRTUAL_ENV"); active != "" && p.line.Has("active") {
		place.Kind, place.Environment = PlaceActive, under(p.dir, active)
		return ""
	}
	path := filepath.Join(place.Workspace, ".venv")
	if named := p.env.Get("UV_PROJECT_ENVIRONMENT"); named != "" {
		path = under(place.Workspace, named)
	} else if p.previewed(place.Workspace) {
		return "a preview feature may have it elsewhere"
	}
	dir, err := uv.Redirected(path)
	switch {
	case err != nil:
		return "its redirect file cannot be used: " + reason(err)
	case dir != path && !uv.IsEnvironment(dir):
		return "its redirect file leads to no environment"
	case p.cached(path) || p.cached(dir):
		return "it leads into uv's cache"
	}
	place.Environment = dir
	return ""
}

// cached reports whether path, or the link there, leads to the environments in uv's cache, where a
// preview feature keeps them.
func (p *placer) cached(path string) bool {
	var st unix.Stat_t
	if unix.Lstat(path, &st) != nil {
		return false
	}
	cache, _ := p.cacheDir()
	if uv.InCache(cache, path) {
		return true
	}
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		return false
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	realCache, err := filepath.EvalSymlinks(cache)
	return err == nil && uv.InCache(realCache, real)
}

// previewed reports whether preview features are on that move a project's environment.
func (p *placer) previewed(root string) bool {
	if p.line.Has("no-preview") {
		return false
	}
	features, ok := p.line.Value("preview-features")
	return p.line.Has("preview") || ok && features != "" || p.set(root).Preview
}

// set returns what the configuration files say that count in the project rooted at root.
func (p *placer) set(root string) uv.Settings {
	if p.settings == nil {
		s := uv.Settings{}
		if !p.line.Has("no-config") {
			s = p.UV.FindSettings(p.withConfig(), p.look(root), false)
		}
		p.settings = &s
	}
	return *p.settings
}

// withConfig is the environment with --config-file in it.
func (p *placer) withConfig() host.Env {
	if file, ok := p.line.Value("config-file"); ok && file != "" {
		return p.env.With("UV_CONFIG_FILE", under(p.dir, file))
	}
	return p.env
}

// judge returns the Python of a project's environment, and why the environment is not certain to
// stay as it is when uv run takes it.
func (p *placer) judge(place *Place, project uv.Project) (path, why string) {
	py, why := p.pythonIn(place.Environment)
	switch {
	case py.path == "":
		return "", why
	case !uv.IsEnvironment(place.Environment):
		return py.path, "it is no virtual environment"
	}
	if p.line.Has("no-sync") {
		return py.path, "" // uv keeps even one that does not fit
	}
	if why == "" {
		why = p.fitsProject(py, project)
	}
	if why == "" {
		why = p.fresh(place, py.site)
	}
	return py.path, why
}

// fitsProject returns why uv would make the environment anew for its Python: the command line or
// UV_PYTHON, the version file at the workspace root, requires-python, or the preference for
// managed interpreters says otherwise (uv-python-discovery, check_environment_compatibility).
func (p *placer) fitsProject(py python, project uv.Project) string {
	requires := []string{project.Requires}
	if project.Workspace != project.Root {
		if top, ok := p.look(project.Workspace).Project(); ok {
			requires = append(requires, top.Requires)
		}
	}
	var musts []version.Request
	for _, text := range requires {
		if text == "" {
			continue
		}
		must, err := version.Parse(text)
		if err != nil || must.Matches(py.found) != version.Yes {
			return "its Python is not what requires-python says"
		}
		musts = append(musts, must)
	}
	request, ok, err := p.request()
	if !ok && err == nil {
		up := p.look(project.Workspace)
		pin := p.pinFor(up, up.Dirs()[0])
		if pin.unclear {
			return "what the version file asks for is not clear"
		}
		request, ok = pin.request, pin.ok
		for _, must := range musts {
			// uv passes over its own file where that is at odds with the project
			ok = ok && !(pin.global && !version.Overlap(request, must))
		}
	}
	if err != nil || ok && request.Matches(py.found) != version.Yes {
		return "its Python is not the one that is asked for"
	}
	if !p.preferred(py.path, p.Up) {
		return "its Python is not of the kind that is preferred"
	}
	return ""
}

// harmless are the options of uv run that leave the environment as it is.
const harmless = `quiet verbose offline no-offline no-progress color no-color directory project frozen locked
 no-frozen no-locked active no-active module script gui-script env-file no-env-file python
 managed-python no-managed-python python-preference no-python-downloads allow-python-downloads no-config
 config-file cache-dir preview no-preview preview-features allow-insecure-host system-certs native-tls
 no-system-certs no-native-tls inexact link-mode keyring-provider no-installer-metadata show-settings
 max-recursion-depth`

// changing are those with which uv looks at everything again, or installs what is not the project's.
const changing = `with with-editable with-requirements isolated refresh refresh-package reinstall
 reinstall-package upgrade upgrade-package upgrade-group exact python-platform`

// selecting are those that matter even if they come from a variable, which may have been set for this
// call alone. What other variables say is taken to have been said at the last installation too.
const selecting = `dev no-dev no-group no-default-groups no-editable`

// fresh returns why uv might install something into the environment: it is older than what it was
// made from. uv notes nowhere that the two agree, so the last change of site-packages counts, or that
// Settled was called with them as they are.
func (p *placer) fresh(place *Place, site string) string {
	files := []string{filepath.Join(place.Workspace, "uv.lock")}
	if !p.line.Has("frozen") {
		files = append(files, filepath.Join(place.Workspace, "pyproject.toml"))
		if place.Project != place.Workspace {
			files = append(files, filepath.Join(place.Project, "pyproject.toml"))
		}
	}
	return p.upToDate(place, site, files)
}

func (p *placer) upToDate(place *Place, site string, files []string) (why string) {
	var asked []string
	for _, o := range p.line.Options {
		switch {
		case listed(changing, o.Name):
			return "--" + o.Name + " may change it"
		case listed(harmless, o.Name), o.Env != "" && !listed(selecting, o.Name):
		default:
			asked = append(asked, strconv.Quote(o.Name+"="+o.Value))
			why = "--" + o.Name + " may change it"
		}
	}
	place.madeFrom, place.asked = append(files, site), strings.Join(asked, " ")
	var st unix.Stat_t
	if unix.Stat(site, &st) != nil {
		return "it has no site-packages"
	}
	made := st.Mtim.Nano()
	switch {
	case !there(filepath.Join(place.Environment, ".lock")): // which uv takes to install
		why = "nothing was installed into it yet"
	case place.Kind == PlaceActive:
		why = "what was installed into it may not be the project's"
	}
	for _, file := range files {
		if unix.Stat(file, &st) != nil {
			return "there is no " + filepath.Base(file)
		}
		if st.Mtim.Nano() > made {
			why = "it is older than " + filepath.Base(file)
		}
	}
	if why != "" {
		if data, ok := p.Facts.Load(place.settledKey()); ok && string(data) == place.settled() {
			return ""
		}
	}
	return why
}

// listed reports whether word is one of list's, which are separated by blanks and line ends.
func listed(list, word string) bool {
	for field := range strings.FieldsSeq(list) {
		if field == word {
			return true
		}
	}
	return false
}

// Settled remembers, after a uv run or sync of this place that went well, that the environment is
// what its project asks for, so that the next such call finds it complete although pyproject.toml or
// uv.lock was written after the last installation.
func (p Place) Settled(facts remember.Store) {
	if p.madeFrom == nil {
		return
	}
	text := p.settled()
	if known, ok := facts.Load(p.settledKey()); ok && string(known) == text {
		return // a write costs more than a read
	}
	// Failing to remember costs the next call its look at the environment, and this one nothing.
	_ = facts.Save(p.settledKey(), []byte(text))
}

func (p Place) settledKey() string { return "settled\n" + p.Environment + "\n" + p.Project }

// settled is what the environment was made from, as it is now.
func (p Place) settled() string {
	text := p.asked
	for _, file := range p.madeFrom {
		text += "\n" + string(host.Identify(file))
	}
	return text
}
