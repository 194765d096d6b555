package uv

import (
	"path/filepath"
	"strings"

	"uvshim/shim/decode"
	"uvshim/shim/host"
)

// A Project is what uv takes a directory to belong to: the nearest pyproject.toml upwards
// (uv-workspace, VirtualProject::discover).
type Project struct {
	Root      string // directory of that pyproject.toml
	Workspace string // root of its workspace; Root itself where there is none above
	Requires  string // project.requires-python, "" if not said
	Broken    error  // that pyproject.toml cannot be used, and why
}

// Project returns the project that the directory belongs to, and false if there is none or it is
// marked as not managed by uv.
func (u *Upward) Project() (Project, bool) {
	if u.project == nil {
		p := u.findProject()
		u.project = &p
	}
	return *u.project, u.project.Root != ""
}

func (u *Upward) findProject() Project {
	at := u.nearest(0, "pyproject.toml")
	if at < 0 {
		return Project{}
	}
	root := u.dirs[at]
	p := Project{Root: root, Workspace: root}
	doc, err := u.pyproject(root)
	if err != nil {
		p.Broken = err
		return p
	}
	if doc.unmanaged {
		return Project{}
	}
	p.Requires = doc.requires
	if doc.project && !doc.workspace {
		p.Workspace = u.workspaceOf(at)
	}
	return p
}

// workspaceOf returns the root of the workspace that has the directory at index member as a
// member. Only the next pyproject.toml above is asked, whatever it says, as in uv's find_workspace.
func (u *Upward) workspaceOf(member int) string {
	root := u.dirs[member]
	at := u.nearest(member+1, "pyproject.toml")
	if at < 0 {
		return root
	}
	top := u.dirs[at]
	doc, err := u.pyproject(top)
	if err != nil || !doc.workspace {
		return root
	}
	rel, err := filepath.Rel(top, root)
	if err != nil || !matchAny(doc.members, rel, true) || matchAny(doc.exclude, rel, false) {
		return root
	}
	return top
}

// pyproject returns what dir's pyproject.toml says.
func (u *Upward) pyproject(dir string) (pyproject, error) {
	if doc, ok := u.parsed[dir]; ok {
		return doc, nil
	}
	data, err := u.facts.File("pyproject", join(dir, "pyproject.toml"), parsePyproject)
	if err != nil {
		return pyproject{}, err
	}
	doc := unpackPyproject(string(data))
	u.parsed[dir] = doc
	return doc, nil
}

// pyproject is what we need of a pyproject.toml.
type pyproject struct {
	project, unmanaged, workspace, uv bool
	requires, preference              string
	members, exclude                  []string
}

// maxConfig bounds the TOML files read, in bytes.
const maxConfig = 1 << 20

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
	if err := decode.TOML(data, &doc); err != nil {
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
