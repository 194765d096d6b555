// Package fix provides libraries that are missing to one user, now and without a rebuild: which
// attributes bring them, from which nixpkgs, built how, and whether they may be used.
package fix

import (
	"slices"
	"strings"

	"uvshim/shim/nixld/attribute"
	"uvshim/shim/preflight"
	"uvshim/shim/provided"
)

// A Target is something that was looked at.
type Target struct {
	Name    string // as it is told
	Verdict preflight.Verdict
}

// A Want is an attribute that brings missing libraries, or the graphics driver.
type Want struct {
	Attribute string
	Sonames   []string // sorted
	For       []string // the targets and what in them needs it: "~/demo (numpy)"
	Subdir    bool     // they are not in lib itself, where the loader looks
}

// A Refusal is something missing that cannot be provided in this way.
type Refusal struct {
	What, Why string
	For       []string
}

// A Plan is what is to be provided, sorted by attribute, and what cannot be.
type Plan struct {
	Wants   []Want
	Driver  *Want
	Refused []Refusal
}

// Helps reports whether something required of a verdict can be provided by building an attribute.
func Helps(v *preflight.Verdict) bool {
	return applies(v) && slices.ContainsFunc(v.Required(), buildable)
}

// applies reports whether the Python's loader takes anything from nix-ld's library path.
func applies(v *preflight.Verdict) bool {
	return v.NixLD && (v.Outcome == preflight.NotCovered || v.Outcome == preflight.ForeignPython || v.Outcome == preflight.OK)
}

func buildable(f preflight.Finding) bool {
	return f.Kind == preflight.MissingSoname && f.Soname != "" && f.Attribute != "" && (f.Listable() || f.AttributeKind == attribute.Subdir)
}

// Make returns the plan for targets.
func Make(targets []Target) Plan {
	var p Plan
	for _, t := range targets {
		for _, f := range t.Verdict.Required() {
			p.add(t, f)
		}
	}
	slices.SortFunc(p.Wants, func(a, b Want) int { return strings.Compare(a.Attribute, b.Attribute) })
	slices.SortStableFunc(p.Refused, func(a, b Refusal) int { return strings.Compare(a.What, b.What) })
	return p
}

func (p *Plan) add(t Target, f preflight.Finding) {
	user := t.Name
	if f.Distribution != "" {
		user += " (" + f.Distribution + ")"
	}
	switch {
	case !applies(&t.Verdict):
		p.refuse(what(f), notApplicable(&t.Verdict), user)
	case buildable(f):
		i := slices.IndexFunc(p.Wants, func(w Want) bool { return w.Attribute == f.Attribute })
		if i < 0 {
			i = len(p.Wants)
			p.Wants = append(p.Wants, Want{Attribute: f.Attribute, Subdir: f.AttributeKind == attribute.Subdir})
		}
		p.Wants[i].add(f.Soname, user)
	case f.Kind == preflight.MissingSoname && f.AttributeKind == attribute.Driver && len(t.Verdict.Drivers) > 0:
		if p.Driver == nil {
			p.Driver = &Want{Attribute: provided.Driver}
		}
		p.Driver.add(f.Soname, user)
	default:
		p.refuse(what(f), why(f), user)
	}
}

func (w *Want) add(soname, user string) {
	w.Sonames, w.For = insert(w.Sonames, soname), insert(w.For, user)
}

func insert(list []string, text string) []string {
	if i, there := slices.BinarySearch(list, text); !there {
		return slices.Insert(list, i, text)
	}
	return list
}

func (p *Plan) refuse(what, why, user string) {
	for i, r := range p.Refused {
		if r.What == what && r.Why == why {
			p.Refused[i].For = insert(r.For, user)
			return
		}
	}
	p.Refused = append(p.Refused, Refusal{what, why, []string{user}})
}

// Worse returns what was not wrong with a target before and is now, by what was put onto the library
// path: one library in another's place, or one that this system's glibc does not do for.
func Worse(before, now []Target) (Refusal, bool) {
	known := map[string]bool{}
	key := func(t Target, f preflight.Finding) string {
		return t.Name + "\n" + string(f.Kind) + "\n" + what(f) + "\n" + f.Distribution
	}
	for _, t := range before {
		for _, f := range t.Verdict.Required() {
			known[key(t, f)] = true
		}
	}
	for _, t := range now {
		for _, f := range t.Verdict.Required() {
			if f.Kind != preflight.MissingSoname && !known[key(t, f)] {
				return Refusal{What: what(f), Why: why(f), For: []string{t.Name}}, true
			}
		}
	}
	return Refusal{}, false
}

func what(f preflight.Finding) string {
	switch {
	case f.SymbolVersion != "":
		return f.SymbolVersion + " of " + f.Soname
	case f.Soname != "":
		return f.Soname
	case f.File != "":
		return f.File
	}
	return string(f.Kind)
}

func notApplicable(v *preflight.Verdict) string {
	switch {
	case v.Outcome == preflight.NotApplicable:
		return "its Python was built by Nix and does not use nix-ld; one that uv manages does: uv venv --managed-python"
	case v.NixOS:
		return "nix-ld is not in use here; in configuration.nix: programs.nix-ld.enable = true;"
	}
	return "nix-ld is not in use here: install the package of your distribution that has it"
}

// why says why a finding is not mended by appending a directory to the library path.
func why(f preflight.Finding) string {
	switch {
	case f.Kind == preflight.ForeignPath:
		return "PYTHONPATH names modules of another Python: unset it"
	case f.Kind == preflight.MissingVersion && f.AttributeKind == attribute.Glibc:
		return "the glibc of this system is older than the wheel asks for: use a newer system, or an older wheel"
	case f.Kind == preflight.MissingVersion:
		return f.Path + ", which does not have it, is found before all that could be appended"
	case f.AttributeKind == attribute.Driver:
		return "the graphics driver has it, and there is no /run/opengl-driver/lib here: hardware.graphics.enable = true; in configuration.nix"
	case f.AttributeKind == attribute.Unknown && f.Kind == preflight.MissingSoname:
		return "which package has it is not known; to find out: " + f.Note
	case f.Note != "":
		return f.Note
	case f.Detail != "":
		return f.Detail
	}
	return "no package helps"
}
