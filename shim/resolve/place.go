package resolve

import (
	"errors"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"uvshim/policy/version"
	"uvshim/shim/uv"
	"uvshim/shim/uv/cli"
)

// A PlaceKind tells what sort of place a call of uv works on.
type PlaceKind int

const (
	PlaceNone    PlaceKind = iota // no environment is concerned, or which one cannot be said
	PlaceProject                  // the environment of a project
	PlaceActive                   // the activated one: VIRTUAL_ENV, CONDA_PREFIX, or first on PATH
	PlaceFound                    // a .venv in the working directory or above, outside projects
	PlaceNamed                    // one that the command line, UV_PYTHON or a setting names
	PlaceScript                   // that of a script with metadata of its own (PEP 723), in uv's cache
	PlaceTool                     // those of installed tools
	PlaceTarget                   // a directory for packages alone: pip install --target, --prefix
	PlaceSystem                   // an interpreter itself
	PlaceCached                   // one in uv's cache whose name is not known beforehand
)

func (k PlaceKind) String() string {
	return [...]string{"none", "project", "active", "found", "named", "script", "tool", "target", "system", "cached"}[k]
}

// A Place is what a call of uv works on, as far as that can be known before uv runs and without
// running it. What is not certain is left empty, and Why says so.
type Place struct {
	Kind         PlaceKind
	Dir          string   // the working directory that counts, after --directory
	Project      string   // directory of the project's pyproject.toml, "" without a project
	Workspace    string   // root of its workspace, which is Project itself without one
	Environment  string   // the environment that is used or changed; it need not be there yet
	Environments []string // all of them where tools are concerned, sorted
	Python       string   // its interpreter, "" where there is none yet
	Complete     bool     // it is there, and uv will most probably not change it before the program runs
	Why          string   // why it is not complete, or not known

	madeFrom []string // the files that the environment was made from, for Settled
	asked    string   // and the options
}

// ForUV returns what a call of uv works on. line is the call's command line With what variables add
// to it; what configuration files add is looked up here. Nothing is run but, where an interpreter of
// PATH answers and its name does not tell its version, that interpreter, as for a call of python.
// The rules are those of uv 0.13.9, and each is held against it by the tests.
func ForUV(q Question, line cli.Line) Place {
	if !line.Known {
		return Place{Why: "the command line is not understood"}
	}
	p, err := newPlacer(q, line)
	if err != nil {
		return Place{Why: reason(err)}
	}
	var place Place
	switch line.Command {
	case "run":
		place = p.run()
	case "add", "remove", "sync", "lock", "version", "upgrade":
		place = p.change()
	case "pip install", "pip sync", "pip uninstall":
		place = p.pip()
	case "venv":
		place = p.venv()
	case "tool run":
		place = p.toolRun()
	case "tool install", "tool upgrade", "tool uninstall":
		place = p.tools()
	default:
		place.Why = "no environment is concerned"
	}
	place.Dir = p.dir
	return place
}

// A placer works out the place of one call.
type placer struct {
	*resolver // for a Python without constraints, in the directory that counts
	line      cli.Line
	dir       string
	start     string       // where the search for a project begins, if not in dir
	settings  *uv.Settings // once they are asked for
}

// newPlacer goes to the directory that the call goes to: --directory, whose links the system
// resolves as it changes to it.
func newPlacer(q Question, line cli.Line) (*placer, error) {
	dir := q.Host.Dir
	to, ok := line.Value("directory")
	if !ok {
		to = q.Host.Env.Get("UV_WORKING_DIRECTORY") // its former name
	}
	if to != "" && dir != "" {
		real, err := filepath.EvalSymlinks(under(dir, to))
		if err != nil {
			return nil, err
		}
		if real != dir {
			dir, q.Up = real, uv.Look(q.Facts, real)
			q.UV = uv.Locate(q.Host.Env, q.Host.Dirs(), real)
		}
	}
	if dir == "" {
		return nil, errNoDir
	}
	q.Host.Dir = dir
	q.Name, q.Explicit = "python", ""
	q.Constraint, _ = version.FromName(q.Name)
	r := &resolver{Question: q, env: q.Host.Env}
	// the rest of this package asks the variables
	switch value, ok := line.Value("python-preference"); {
	case line.Has("managed-python"):
		r.env = r.env.With("UV_MANAGED_PYTHON", "1")
	case line.Has("no-managed-python"):
		r.env = r.env.Without("UV_MANAGED_PYTHON").With("UV_NO_MANAGED_PYTHON", "1")
	case ok:
		r.env = r.env.With("UV_PYTHON_PREFERENCE", value)
	}
	return &placer{resolver: r, line: line, dir: dir}, nil
}

var errNoDir = errors.New("the working directory is not known")

// none is a place of which nothing can be said.
func none(why string) Place { return Place{Why: why} }

// request returns what the command line or UV_PYTHON asks for, with a path made absolute.
func (p *placer) request() (version.Request, bool, error) {
	text, _ := p.line.Value("python")
	return p.parse(text)
}

// parse reads a request as uv does where it may look at the disk: what is no version, and is there
// as a file or directory, is a path.
func (p *placer) parse(text string) (version.Request, bool, error) {
	if text == "" {
		return version.Request{}, false, nil
	}
	request, err := version.Parse(text)
	if err != nil {
		return request, false, err
	}
	switch request.Kind() {
	case version.KindName, version.KindKey, version.KindDirectory, version.KindFile:
		path := filepath.Join(p.dir, text)
		if filepath.IsAbs(text) {
			path = filepath.Clean(text)
		}
		if request.Path() != "" || there(path) {
			request, err = version.Parse(path)
		}
	}
	return request, true, err
}

// under returns path as it is meant in dir.
func under(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// absolute is under for a path that is written down as it is: ".." stays, as in Rust's
// std::path::absolute.
func absolute(dir, path string) string {
	if !filepath.IsAbs(path) {
		path = dir + "/" + path
	}
	var b strings.Builder
	for _, part := range strings.Split(path, "/") {
		if part != "" && part != "." {
			b.WriteString("/" + part)
		}
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}

// there reports whether something lies at path.
func there(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil
}

// fileType returns the file type bits at path, links followed, 0 if there is nothing.
func fileType(path string) uint32 {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return 0
	}
	return st.Mode & unix.S_IFMT
}
