package resolve

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"uvshim/policy/version"
	"uvshim/shim/uv"
)

// run is uv run (uv-project-commands, run.rs): the environment of a script with metadata, the
// project's, or the Python that uv finds where there is no project.
func (p *placer) run() Place {
	target, path := p.target()
	if target != program {
		if dir := parent(path); dir != "" {
			p.start = absolute(p.dir, dir)
		}
	}
	switch target {
	case fromElsewhere:
		return none("what is run is not there to look at")
	case script:
		place, ok := p.withMetadata(absolute(p.dir, path))
		if ok {
			return place
		}
	}
	place := p.base()
	if target == unclear {
		// from the directory of a zip archive with a __main__ in it the search begins, from that of
		// another file it does not
		p.start, p.settings = "", nil
		if other := p.base(); other.Environment != place.Environment || other.Kind != place.Kind {
			return none("whether what is run is a Python archive is not known")
		}
	}
	if p.line.Has("isolated") && (place.Kind != PlaceNone || place.Project != "") {
		return Place{Kind: PlaceCached, Project: place.Project, Workspace: place.Workspace, Why: "--isolated makes an environment for this call alone"}
	}
	for _, option := range []string{"with", "with-editable", "with-requirements"} {
		if p.line.Has(option) && place.Complete {
			place.Complete, place.Why = false, "--"+option+" adds to it"
		}
	}
	return place
}

// base is the environment that a uv run stands on.
func (p *placer) base() Place {
	up, why := p.projectUp()
	if why != "" {
		return none(why)
	}
	if !p.line.Has("no-project") {
		if place, ok := p.project(up); ok || place.Why != "" {
			return place
		}
	}
	request, asked, err := p.request()
	if err != nil {
		return none(reason(err))
	}
	if !asked {
		pin := p.pinFor(up, "")
		if pin.unclear {
			return none("what the version file asks for is not clear")
		}
		request, asked = pin.request, pin.ok
	}
	return search{placer: p, request: request, asked: asked, preferred: true}.find()
}

// What a uv run runs, as far as it matters for where.
type targetKind int

const (
	program       targetKind = iota // a command, a module, python
	script                          // a file that may have metadata
	directory                       // one with a __main__.py
	unclear                         // a file that may be a Python archive
	fromElsewhere                   // standard input, or a URL
)

// target tells what is run (uv-project-commands, ParsedRunCommand::from_args).
func (p *placer) target() (targetKind, string) {
	if len(p.line.Program) == 0 {
		return program, ""
	}
	path := p.line.Program[0]
	if path == "python" {
		return program, path
	}
	real := under(p.dir, path)
	low := strings.ToLower(path)
	url := (strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://")) && !there(real)
	kind := fileType(real)
	ext := ""
	if base := filepath.Base(low); strings.LastIndexByte(base, '.') > 0 {
		ext = filepath.Ext(base)
	}
	switch {
	case path == "-", url:
		return fromElsewhere, path
	case p.line.Has("module"):
		return program, path
	case p.line.Has("script"), p.line.Has("gui-script"):
		return script, path
	case low == "python":
		return program, path
	case (ext == ".py" || ext == ".pyc" || ext == ".pyw") && kind == unix.S_IFREG:
		return script, path
	case kind == unix.S_IFDIR && fileType(filepath.Join(real, "__main__.py")) == unix.S_IFREG:
		return directory, path
	case kind == unix.S_IFREG && strings.Contains(path, "/"):
		return unclear, path
	}
	return program, path
}

// parent returns the directory part of a path as Rust's Path::parent does: "" for a bare name.
func parent(path string) string {
	path = strings.TrimRight(path, "/")
	for strings.HasSuffix(path, "/.") {
		path = strings.TrimRight(strings.TrimSuffix(path, "/."), "/")
	}
	switch i := strings.LastIndexByte(path, '/'); {
	case i < 0:
		return ""
	case i == 0:
		return "/"
	default:
		return path[:i]
	}
}

// withMetadata is the place of the script at path, and false if it has no metadata of its own.
func (p *placer) withMetadata(path string) (Place, bool) {
	script, err := uv.ReadScript(p.Facts, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Place{}, false // uv lets Python say so
	case err != nil:
		return none("the script cannot be used: " + reason(err)), true
	case !script.Metadata:
		return Place{}, false
	case script.Settings:
		return none("the script has settings of its own for uv"), true
	}
	return p.scriptPlace(path, script.Requires), true
}

// script is the place of a script whose metadata is asked for, which must be there.
func (p *placer) script(path string) Place {
	place, ok := p.withMetadata(path)
	if !ok {
		return none("the script has no metadata")
	}
	place.Complete, place.Why = false, "it is about to be changed"
	return place
}

// scriptPlace is the environment that uv keeps for the script at path: with --active the active one,
// else one in its cache, with a name that comes from the path.
func (p *placer) scriptPlace(path, requires string) Place {
	place := Place{Kind: PlaceScript}
	if active := p.env.Get("VIRTUAL_ENV"); active != "" && p.line.Has("active") {
		place.Kind, place.Environment = PlaceActive, under(p.dir, active)
	} else {
		cache, why := p.cacheDir()
		if why != "" {
			place.Why = why
			return place
		}
		place.Environment = uv.ScriptEnvironment(cache, path)
	}
	py, why := p.pythonIn(place.Environment)
	place.Python, place.Why = py.path, why
	if why == "" {
		place.Why = p.fitsScript(py, path, requires)
	}
	if place.Why == "" {
		files := []string{path}
		if lock := path + ".lock"; there(lock) {
			files = append(files, lock)
		}
		place.Why = p.upToDate(&place, py.site, files)
	}
	place.Complete = place.Why == ""
	return place
}

// fitsScript returns why uv would make a script's environment anew for its Python.
func (p *placer) fitsScript(py python, path, requires string) string {
	var must version.Request
	if requires != "" {
		var err error
		if must, err = version.Parse(requires); err != nil || must.Matches(py.found) != version.Yes {
			return "its Python is not what requires-python says"
		}
	}
	request, ok, err := p.request()
	if !ok && err == nil {
		pin := p.pinFor(p.look(parent(path)), "")
		if pin.unclear {
			return "what the version file asks for is not clear"
		}
		// one that is at odds with the script is passed over
		if pin.ok && (requires == "" || version.Overlap(pin.request, must)) {
			request, ok = pin.request, true
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

// cacheDir returns uv's cache directory, or why it is not known.
func (p *placer) cacheDir() (dir, why string) {
	settings := p.set(p.projectRoot())
	switch named, ok := p.line.Value("cache-dir"); {
	case p.line.Has("no-cache") || settings.NoCache:
		return "", "without a cache its environment is made for this call alone"
	case ok && named != "":
		return under(p.dir, named), ""
	case filepath.IsAbs(settings.CacheDir):
		return filepath.Clean(settings.CacheDir), ""
	case settings.CacheDir != "":
		return "", "where the configuration has uv's cache is not certain"
	}
	if dir = uv.CacheDir(p.env, p.Host.Dirs(), p.dir); dir == "" {
		return "", "where uv's cache is cannot be said"
	}
	return dir, ""
}
