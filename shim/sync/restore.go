package sync

import (
	"slices"
	"strings"

	"uvshim/policy/version"
	"uvshim/shim/lock"
	"uvshim/shim/uv"
)

// ExactOf returns the part of a lock that can be restored: the same of a machine's own lock and of what
// `shim export lock` made of it.
func ExactOf(l lock.Lock) (Exact, error) {
	l, err := lock.Decode(lock.Export(l))
	if err != nil {
		return Exact{}, err
	}
	var e Exact
	for _, p := range l.Python {
		e.Pythons = append(e.Pythons, Python{Version: p.Version, Build: p.Build, Request: p.Request})
	}
	for _, t := range l.Tool {
		request := t.Request
		if request == "" {
			request = t.Name
		}
		e.Tools = append(e.Tools, Tool{Name: t.Name, Request: request, Version: t.Version, Python: t.Python, Resolved: t.Resolved})
	}
	return e, nil
}

// restore plans what a lock names: these versions and builds, these sets of distributions. Nothing is
// removed.
func (k *planner) restore(e Exact) {
	switch {
	case len(e.Pythons) == 0:
	case k.machine.Home.Pythons():
		k.note(leftPythons)
	default:
		for _, p := range e.Pythons {
			m := k.machine.exactly(p.Version)
			if m == nil || !m.Runs || p.Build != "" && m.Build != p.Build {
				k.add(Step{Kind: RestorePython, Subject: p.Version, Build: p.Build, To: p.Request, Repair: m != nil})
			}
		}
		k.links(k.declared())
	}
	switch {
	case len(e.Tools) == 0:
	case k.machine.Home.Tools():
		k.note(leftTools)
	default:
		for _, t := range e.Tools {
			if installed, ok := k.machine.named(t.Name); !ok || !t.restored(installed, k.machine.Base) {
				k.add(Step{Kind: RestoreTool, Subject: t.Name, Tool: t, Repair: ok && installed.Broken != nil})
			}
		}
	}
}

const (
	leftPythons = "the Pythons are left to Home Manager's programs.uv, which installs them on this machine"
	leftTools   = "the tools are left to Home Manager's programs.uv, which installs them on this machine"
)

// restored reports whether an installed tool is what the lock has. One that is held by constraints is
// not: it would not be upgraded.
func (t Tool) restored(installed uv.Tool, base string) bool {
	return installed.Broken == nil && len(installed.Constraints) == 0 && Same(t.Request, installed.Request, base) && t.matches(installed)
}

// matches compares the distributions, or where the lock has none the version.
func (t Tool) matches(installed uv.Tool) bool {
	if len(t.Resolved) == 0 {
		return t.Version == "" || t.Version == installed.Version
	}
	return slices.Equal(t.Resolved, installed.Resolved)
}

// exactly returns the interpreter that a lock calls by this version, whatever the platform.
func (m Machine) exactly(wanted string) *Managed {
	for i, p := range m.Pythons {
		if words := strings.Split(p.Key, "-"); len(words) == 5 && strings.Join(words[:2], "-") == wanted {
			return &m.Pythons[i]
		}
	}
	return nil
}

func (m Machine) named(name string) (uv.Tool, bool) {
	i := slices.IndexFunc(m.Tools, func(t uv.Tool) bool { return t.Name == name })
	if i < 0 {
		return uv.Tool{}, false
	}
	return m.Tools[i], true
}

// buildVariable is the variable by which uv is told to take one build of an implementation.
func buildVariable(request string) string {
	if r, err := version.Parse(request); err == nil {
		switch r.Implementation() {
		case "pypy", "graalpy", "pyodide":
			return "UV_PYTHON_" + strings.ToUpper(r.Implementation()) + "_BUILD"
		}
	}
	return "UV_PYTHON_CPYTHON_BUILD"
}
