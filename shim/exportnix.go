package shim

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"uvshim/policy"
	"uvshim/policy/nix"
	"uvshim/shim/lock"
	"uvshim/shim/nixld"
	"uvshim/shim/nixld/attribute"
	"uvshim/shim/say"
)

func (p *program) exportHomeManager() int {
	declared, err := p.declared()
	if err != nil {
		return p.badPolicy(err)
	}
	return p.printNix(nix.HomeManager(declared))
}

func (p *program) exportNixOS() int {
	declared, err := p.declared()
	if err != nil {
		return p.badPolicy(err)
	}
	l, ok := p.readLock()
	if !ok {
		return exitUsage
	}
	n := p.needsOf(l.Project, declared.Preflight.Ignore, func(project, sonames string) string { return project + ": " + sonames })
	libraries := append(declaredLibraries(declared), n.libraries...)
	text, err := nix.NixOS(libraries)
	if err != nil {
		return p.badPolicy(err)
	}
	if len(libraries) == 0 {
		p.say.Hint("no library is known to be needed: the policy names none, and nothing is recorded of a project that needs one")
	}
	if n.driver != "" {
		p.say.Hint("%s", n.driver)
	}
	n.tell(p.say)
	return p.printNix(text)
}

func (p *program) exportFlake() int {
	declared, err := p.declared()
	if err != nil {
		return p.badPolicy(err)
	}
	l, ok := p.readLock()
	if !ok {
		return exitUsage
	}
	dir := p.up.ProjectDir()
	if dir == "" {
		p.say.Error("no project here: neither this directory nor one above it has a pyproject.toml, a .python-version, a .venv or a uv.lock")
		p.say.Hint("in a new directory: uv init")
		return exitUsage
	}
	here := slices.DeleteFunc(slices.Clone(l.Project), func(x lock.Project) bool { return x.Path != dir })
	if len(here) == 0 {
		here = []lock.Project{{Path: dir}}
	}
	// a flake is for all who work on the project: no path of this machine stands in it
	n := p.needsOf(here, declared.Preflight.Ignore, func(_, sonames string) string { return sonames })
	text, err := nix.Flake(nix.Project{
		Name:      filepath.Base(dir),
		Libraries: append(declaredLibraries(declared), n.libraries...),
		Driver:    n.driver != "",
	})
	if err != nil {
		return p.badPolicy(err)
	}
	n.tell(p.say)
	return p.printNix(text)
}

// declared returns the policy for an export, which the last good one must not stand in for.
func (p *program) declared() (policy.Policy, error) {
	loaded, err := readPolicy(policyFiles(p.host, p.dirs))
	return loaded.Policy, err
}

func (p *program) printNix(text string) int {
	p.out.print(text)
	return exitOK
}

func declaredLibraries(declared policy.Policy) []nix.Library {
	var out []nix.Library
	for _, name := range declared.NixLD.Libraries {
		out = append(out, nix.Library{Attribute: name, Why: []string{"the policy of shim"}})
	}
	return out
}

// needs are what projects need of the system, as far as the lock knows.
type needs struct {
	libraries []nix.Library
	driver    string   // what to say of libraries of the graphics driver; empty: none is needed
	unlisted  []string // what to say of sonames that listing an attribute does not provide
	unknown   []string // projects, shortened, that nobody has looked at
}

// needsOf returns what the projects that are still there need, without the ignored sonames. reason
// is why a project needs an attribute: a list of sonames.
func (p *program) needsOf(projects []lock.Project, ignored []string, reason func(project, sonames string) string) needs {
	release, _ := nixld.ReadRelease(nixld.Running()) // unknown: the newest names of attributes
	var n needs
	for _, x := range onePerPath(projects) {
		if lock.Gone(x.Path) {
			continue
		}
		project := p.tilde(x.Path)
		if x.Needs == nil {
			n.unknown = append(n.unknown, project)
		}
		sonames := map[string][]string{} // by attribute
		for _, soname := range x.Needs {
			if slices.Contains(ignored, soname) {
				continue
			}
			a, missing := attribute.Of(soname, release.Nixpkgs()), slices.Contains(x.Missing, soname)
			told := fmt.Sprintf("%s, which %s needs: %s", say.Word(soname), say.Word(project), say.Word(advice(a)))
			switch {
			case a.Kind == attribute.Driver:
				n.driver = told
				continue
			case a.Kind == attribute.Libgcc && !missing: // nixpkgs' loader finds it unlisted
			case a.Listable(), a.Kind == attribute.Subdir && a.Attribute != "":
				sonames[a.Attribute] = append(sonames[a.Attribute], soname)
			}
			if missing && !a.Listable() {
				n.unlisted = append(n.unlisted, told)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(sonames)) {
			why := reason(project, enumerate(sonames[name]))
			n.libraries = append(n.libraries, nix.Library{Attribute: name, Why: []string{why}})
		}
	}
	return n
}

// advice is what to say of a soname that listing an attribute does not provide.
func advice(a attribute.Answer) string {
	switch {
	case a.Kind == attribute.Unknown:
		return "find the package with " + a.Note
	case a.Note != "":
		return a.Note
	}
	return "no attribute to list provides it"
}

// onePerPath joins what the Pythons of a project need. What is missing is also needed, though a lock
// need not say so twice.
func onePerPath(projects []lock.Project) []lock.Project {
	var out []lock.Project
	for _, x := range projects { // sorted by path
		last := len(out) - 1
		if last < 0 || out[last].Path != x.Path {
			out = append(out, lock.Project{Path: x.Path})
			last++
		}
		o := &out[last]
		if x.Needs != nil {
			o.Needs = append(append(append([]string{}, o.Needs...), x.Needs...), x.Missing...) // known, if empty
		}
		o.Missing = append(o.Missing, x.Missing...)
		slices.Sort(o.Needs)
		o.Needs = slices.Compact(o.Needs)
	}
	return out
}

// enumerate joins names, and only counts those beyond the fourth.
func enumerate(names []string) string {
	if more := len(names) - 4; more > 0 {
		names = append(slices.Clone(names[:4]), fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// tell says what no list of attributes can have.
func (n needs) tell(speak say.Speaker) {
	for _, text := range n.unlisted {
		speak.Hint("%s", text)
	}
	if len(n.unknown) > 0 {
		speak.Hint("of these nobody knows yet what they need; a python or uv run there finds out: %s", say.Word(enumerate(n.unknown)))
	}
}
