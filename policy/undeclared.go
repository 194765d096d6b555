package policy

import (
	"slices"

	"uvshim/policy/version"
)

// UndeclaredPython reports whether `uv python install` of a request brings a Python that
// python.versions does not list, and returns the line that would list it, for the table [python].
// Without versions nothing is undeclared, nor is what uv cannot install. The caller passes what uv
// installs when it is told nothing: each pin, and without one "default".
//
// What is to happen then, p.Python.Undeclared says.
func (p Policy) UndeclaredPython(request string) (line string, undeclared bool) {
	if len(p.Python.Versions) == 0 || checkRequest(request) != nil {
		return "", false
	}
	asked, _ := version.Parse(request)
	for _, text := range p.Python.Versions {
		if r, err := version.Parse(text); err == nil && r.Covers(asked) {
			return "", false
		}
	}
	return lineWith("versions", p.Python.Versions, request), true
}

// UndeclaredTool reports whether `uv tool install` of a requirement brings a tool that tool.packages
// does not list, by its name: the constraint may be another. It returns the line that would list it,
// for the table [tool]. A requirement that does not tell its name is declared if it is listed as it
// is. Without packages nothing is undeclared.
func (p Policy) UndeclaredTool(requirement string) (line string, undeclared bool) {
	if len(p.Tool.Packages) == 0 || slices.Contains(p.Tool.Packages, requirement) {
		return "", false
	}
	name, _ := Name(requirement)
	for _, text := range p.Tool.Packages {
		if declared, ok := Name(text); ok && declared == name {
			return "", false
		}
	}
	return lineWith("packages", p.Tool.Packages, requirement), true
}

// lineWith returns the line of a list with one element more.
func lineWith(name string, list []string, text string) string {
	return name + " = " + literals(append(slices.Clip(list), text))
}
