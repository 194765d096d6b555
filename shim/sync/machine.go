package sync

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"uvshim/policy"
	"uvshim/policy/version"
	"uvshim/shim/host"
	"uvshim/shim/lock"
	"uvshim/shim/remember"
	"uvshim/shim/uv"
)

// A Machine is what there is, as far as a plan has to know.
type Machine struct {
	Pythons      []Managed
	Tools        []uv.Tool
	Links        []Link // uv's links for defaults; none where uv is told to make none
	Pin          Pin
	Environments []Environment
	Pins         []Pinned
	Home         HomeManager
	Known        map[string]string // of declared packages: the tool that uv made of each, see knownAs
	Base         string            // where uv is run: relative paths of requirements are below it
}

// A Managed is an interpreter of uv's.
type Managed struct {
	uv.Managed
	Build string
	Runs  bool // its executable is there
}

// A Link is a name in uv's directory of programs that a default has. Key is the interpreter's that
// it leads to, "" if there is none.
type Link struct {
	Name, Path, Key string
	Foreign         bool // not uv's: uv leaves it alone
}

// An Environment is one that is known: a project's .venv, or a tool's.
type Environment struct {
	Path  string
	Key   string // of the managed interpreter that it runs on
	Minor bool   // through the minor-version link
	Tool  string // its tool's name
	Asked string // the Python that the tool was installed with
}

// A Pinned is the request of a recorded project's .python-version. Path has the line as well.
type Pinned struct {
	Path    string
	Request version.Request
}

// Place tells where to look.
type Place struct {
	Host  host.Host
	Base  host.Dirs
	UV    uv.Dirs
	Facts remember.Store
}

// Read looks at the machine. The environments, which may be many, are looked at only if the wish
// might remove a Python.
func Read(w Wish, at Place, recorded lock.Lock) Machine {
	m := Machine{
		Tools: at.UV.Tools(),
		Pin:   readPin(at),
		Home:  FindHomeManager(at.Base),
		Known: map[string]string{},
		Base:  at.workDir(),
	}
	for _, managed := range at.UV.Managed() {
		m.Pythons = append(m.Pythons, Managed{managed, managed.Build(), managed.Runnable()})
	}
	slices.SortFunc(m.Pythons, func(a, b Managed) int { return version.Order(a.Interpreter, b.Interpreter) })
	if text, ok := at.Host.Env.Lookup("UV_PYTHON_INSTALL_BIN"); !ok || text == "" || uv.Boolish(text) {
		m.Links = readLinks(at.UV)
	}
	for _, text := range w.Policy.Tool.Packages {
		if known, ok := at.Facts.Load(knownKey(text)); ok {
			m.Known[text] = string(known)
		}
	}
	if w.Policy.Python.Prune {
		m.Environments = environments(at.UV, m.Tools, recorded.Project)
		m.Pins = pinned(recorded.Project)
	}
	return m
}

func knownKey(requirement string) string { return "synced-tool\n" + requirement }

// workDir is where uv is run: not in the current directory, whose uv.toml could name another source
// for Pythons.
func (at Place) workDir() string {
	if info, err := os.Stat(at.Base.Home); err == nil && info.IsDir() {
		return at.Base.Home
	}
	return "/"
}

func readLinks(d uv.Dirs) []Link {
	if d.Bin == "" {
		return nil
	}
	var links []Link
	for _, name := range [...]string{"python", "python3", "pypy", "pypy3"} {
		link := Link{Name: name, Path: filepath.Join(d.Bin, name)}
		if owner, ok := d.Owner(link.Path); ok {
			link.Key = owner.Key
		} else if _, err := os.Stat(link.Path); err == nil {
			link.Foreign = true // a link that leads nowhere is replaced by uv
		}
		links = append(links, link)
	}
	return links
}

// environments returns the known environments that run on managed interpreters, by path.
func environments(d uv.Dirs, tools []uv.Tool, projects []lock.Project) []Environment {
	var found []Environment
	add := func(e Environment) {
		owner, ok := d.Owner(filepath.Join(e.Path, "bin", "python"))
		if !ok {
			return
		}
		e.Key = owner.Key
		home := venvHome(e.Path)
		e.Minor = owner.MinorLink() != "" && home == filepath.Join(d.Python, owner.MinorLink(), "bin")
		found = append(found, e)
	}
	for _, t := range tools {
		add(Environment{Path: t.Dir, Tool: t.Name, Asked: t.Python})
	}
	seen := map[string]bool{}
	for _, p := range projects {
		if dir := filepath.Join(p.Path, ".venv"); !seen[dir] {
			seen[dir] = true
			add(Environment{Path: dir})
		}
	}
	slices.SortFunc(found, func(a, b Environment) int { return strings.Compare(a.Path, b.Path) })
	return found
}

// pinned returns the pins of the projects' own directories, by path.
func pinned(projects []lock.Project) []Pinned {
	var found []Pinned
	for i, p := range projects { // sorted by path
		path := filepath.Join(p.Path, ".python-version")
		data, err := host.ReadFile(path, version.MaxFile)
		if err != nil || i > 0 && projects[i-1].Path == p.Path {
			continue
		}
		if line, ok := version.First(version.Lines(data)); ok {
			if r, err := version.Parse(line.Text); err == nil {
				found = append(found, Pinned{path + ":" + strconv.Itoa(line.Number), r})
			}
		}
	}
	return found
}

// venvHome returns the key home of an environment's pyvenv.cfg.
func venvHome(dir string) string {
	data, err := host.ReadFile(filepath.Join(dir, "pyvenv.cfg"), 64<<10)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(line, "="); ok && strings.TrimSpace(key) == "home" {
			return filepath.Clean(strings.TrimSpace(value))
		}
	}
	return ""
}

// answer returns the interpreter that uv takes for a request, nil if none is installed. A
// free-threaded or debug build that was not asked for does not count: uv takes it if there is
// nothing else, and installs another.
func (m Machine) answer(r version.Request) *Managed {
	var list []version.Interpreter
	var from []int
	for i, p := range m.Pythons {
		plain := p.Interpreter
		plain.Variant = ""
		if p.Runs && (p.Variant == "" || r.Matches(plain) != version.Yes) {
			list, from = append(list, p.Interpreter), append(from, i)
		}
	}
	if i := version.Choose(r, list); i >= 0 {
		return &m.Pythons[from[i]]
	}
	return nil
}

// damaged reports whether uv has a directory for the request that holds no Python which runs.
func (m Machine) damaged(r version.Request) bool {
	return slices.ContainsFunc(m.Pythons, func(p Managed) bool {
		return !p.Runs && r.Matches(p.Interpreter) == version.Yes
	})
}

// names returns the tools that the declared packages stand for.
func (m Machine) names(p policy.Policy) map[string]string {
	names := map[string]string{}
	for _, text := range p.Tool.Packages {
		if t, ok := m.tool(text); ok {
			names[t.Name] = text
		}
	}
	return names
}

func quoted(text string) string { return `"` + text + `"` }
