package uv

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"
	"golang.org/x/sys/unix"

	"uvshim/shim/host"
	"uvshim/shim/remember"
)

// A Project is what uv takes a directory to belong to: the nearest pyproject.toml upwards
// (uv-workspace, VirtualProject::discover).
type Project struct {
	Root      string // directory of that pyproject.toml
	Workspace string // root of its workspace; Root itself where there is none above
	Requires  string // project.requires-python, "" if not said
	Broken    error  // that pyproject.toml cannot be used, and why
}

// FindProject returns the project that dir belongs to, and false if there is none or it is marked
// as not managed by uv.
func FindProject(facts remember.Store, dir string) (Project, bool) {
	root, ok := above(dir, "pyproject.toml")
	if !ok {
		return Project{}, false
	}
	p := Project{Root: root, Workspace: root}
	doc, err := readPyproject(facts, root)
	if err != nil {
		p.Broken = err
		return p, true
	}
	if doc.unmanaged {
		return Project{}, false
	}
	p.Requires = doc.requires
	if doc.project && !doc.workspace {
		p.Workspace = workspaceOf(facts, root)
	}
	return p, true
}

// workspaceOf returns the root of the workspace that has root as a member. Only the next
// pyproject.toml above root is asked, whatever it says, as in uv's find_workspace.
func workspaceOf(facts remember.Store, root string) string {
	top, ok := above(filepath.Dir(root), "pyproject.toml")
	if !ok || top == root {
		return root
	}
	doc, err := readPyproject(facts, top)
	if err != nil || !doc.workspace {
		return root
	}
	rel, err := filepath.Rel(top, root)
	if err != nil || !matchAny(doc.members, rel, true) || matchAny(doc.exclude, rel, false) {
		return root
	}
	return top
}

// ProjectDir returns the nearest directory at or above dir that looks like a project's: one with
// pyproject.toml, uv.lock, .python-version or .venv; "" if there is none.
func ProjectDir(dir string) string {
	for dir != "" {
		for _, name := range []string{"pyproject.toml", ".python-version", "uv.lock", ".venv"} {
			if exists(filepath.Join(dir, name)) {
				return dir
			}
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return ""
}

func exists(path string) bool {
	var st unix.Stat_t
	return unix.Lstat(path, &st) == nil
}

// above returns the nearest directory at or above dir that has a file of that name.
func above(dir, name string) (string, bool) {
	for {
		if isFile(filepath.Join(dir, name)) {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// pyproject is what we need of a pyproject.toml.
type pyproject struct {
	project, unmanaged, workspace, uv bool
	requires, preference              string
	members, exclude                  []string
}

// maxConfig bounds the TOML files read, in bytes.
const maxConfig = 8 << 20

func readPyproject(facts remember.Store, dir string) (pyproject, error) {
	data, err := facts.File("pyproject", filepath.Join(dir, "pyproject.toml"), parsePyproject)
	if err != nil {
		return pyproject{}, err
	}
	return unpackPyproject(string(data)), nil
}

func parsePyproject(path string) ([]byte, error) {
	data, err := host.ReadFile(path, maxConfig)
	if err != nil {
		return nil, err
	}
	var doc struct {
		Project *struct {
			RequiresPython string `toml:"requires-python"`
		}
		Tool struct {
			UV *struct {
				Managed    *bool
				Preference string `toml:"python-preference"`
				Workspace  *struct{ Members, Exclude []string }
			}
		}
	}
	if err := toml.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	var p pyproject
	if doc.Project != nil {
		p.project, p.requires = true, doc.Project.RequiresPython
	}
	if u := doc.Tool.UV; u != nil {
		p.uv, p.preference = true, u.Preference
		p.unmanaged = u.Managed != nil && !*u.Managed
		if u.Workspace != nil {
			p.workspace, p.members, p.exclude = true, u.Workspace.Members, u.Workspace.Exclude
		}
	}
	return p.pack(), nil
}

// pack writes p as NUL-terminated name=value fields.
func (p pyproject) pack() []byte {
	var b []byte
	field := func(name, value string) {
		b = append(append(b, name+"="+strings.ReplaceAll(value, "\x00", "")...), 0)
	}
	for name, set := range map[string]bool{
		"project": p.project, "unmanaged": p.unmanaged, "workspace": p.workspace, "uv": p.uv,
	} {
		if set {
			field(name, "")
		}
	}
	field("requires", p.requires)
	field("preference", p.preference)
	for _, m := range p.members {
		field("member", m)
	}
	for _, x := range p.exclude {
		field("exclude", x)
	}
	return b
}

func unpackPyproject(text string) (p pyproject) {
	for _, field := range strings.Split(text, "\x00") {
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case "project":
			p.project = true
		case "unmanaged":
			p.unmanaged = true
		case "workspace":
			p.workspace = true
		case "uv":
			p.uv = true
		case "requires":
			p.requires = value
		case "preference":
			p.preference = value
		case "member":
			p.members = append(p.members, value)
		case "exclude":
			p.exclude = append(p.exclude, value)
		}
	}
	return p
}
