package doctor

import (
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"uvshim/shim/elfdeps"
	"uvshim/shim/fix"
	"uvshim/shim/nixld"
	"uvshim/shim/nixld/attribute"
	"uvshim/shim/preflight"
)

// needed is what the recorded environments need of the system, all together.
type needed struct {
	attributes []string // one list that covers all; sorted
	whole      bool     // every environment was looked at
}

// needed joins what all environments get from the system and what they miss there. Libraries of
// nix-ld's own list are in it: naming one twice does no harm, and up to NixOS 23.11 a list of the
// user's took the place of that one.
func (m *Machine) needed() needed {
	return m.once.needed.get(func() needed {
		n := needed{whole: true}
		if !m.release().NixOS && m.state().Loader.Kind != nixld.NixLD {
			return n // elsewhere there is nothing to list
		}
		set := map[string]bool{}
		for _, e := range m.looked() {
			if e.err != nil || e.verdict.Incomplete || e.verdict.Partial {
				n.whole = false
				continue
			}
			if e.verdict.Outcome == preflight.NotApplicable {
				continue // it takes nothing from the list
			}
			v := e.verdict.Without(m.declared().Preflight.Ignore)
			for _, soname := range slices.Concat(v.Needs, v.Missing) {
				if a := attribute.Of(soname, m.release().Nixpkgs()); a.Listable() && a.Kind != attribute.Libgcc {
					set[a.Attribute] = true
				}
			}
			for _, name := range v.Attributes() {
				set[name] = true
			}
		}
		n.attributes = sorted(set)
		return n
	})
}

// coverage looks whether the libraries of the system cover all recorded environments.
func coverage(m *Machine) []Finding {
	var found []Finding
	var gone, unread, unreadFix, part, short, checks []string
	covered := 0
	listed, other, now := false, false, false
	for _, e := range m.looked() {
		v := e.verdict.Without(m.declared().Preflight.Ignore)
		required := m.libraries(&v)
		switch {
		case e.gone:
			gone = append(gone, e.project)
		case e.bare, e.lost(), v.Outcome == preflight.NotApplicable:
			// there is nothing to cover, or the check of the environments tells
		case e.err != nil:
			unread, unreadFix = append(unread, e.name()+": "+cause(e.err)), append(unreadFix, m.mend(e))
		case v.Incomplete, v.Partial && len(required) == 0:
			part = append(part, e.dir)
		case len(required) > 0:
			for _, f := range required {
				short = append(short, e.name()+": "+m.lack(f))
				listed, other = listed || f.Listable(), other || !f.Listable()
			}
			now = now || fix.Helps(&v)
			checks = append(checks, "shim check "+m.word(e.dir))
		case v.Outcome == preflight.NoLoader, v.Outcome == preflight.StubLoader, v.Outcome == preflight.Broken:
			// the check of the loader tells
		default:
			covered++
		}
	}
	if gone != nil {
		found = append(found, one(Info, "", gone, "%s gone; it is forgotten 90 days after its last use", many(gone, "recorded project is", "recorded projects are"))...)
	}
	if unread != nil {
		found = append(found, one(Warning, strings.Join(unreadFix, "\n"), unread, "%s not be looked at", many(unread, "recorded environment could", "recorded environments could"))...)
	}
	if part != nil {
		found = append(found, one(Warning, "shim check "+m.words(part), part, "%s too large to be looked at in time", many(part, "environment is", "environments are"))...)
	}
	if short != nil {
		slices.Sort(short)
		var fixes []string
		if listed {
			fixes = append(fixes, m.listFix())
		}
		if other {
			fixes = append(fixes, strings.Join(checks, "\n")) // which tells more of each
		}
		if now && m.Now != "" && m.Kind == Running {
			fixes = append(fixes, orNow+m.Now)
		}
		found = append(found, one(Error, strings.Join(fixes, "\n"), short, "%s libraries that %s not have",
			many(checks, "recorded environment needs", "recorded environments need"), m.thisSystem())...)
	}
	switch {
	case covered > 0:
		return append(ok("%s all libraries", count(covered, "recorded environment finds", "recorded environments find")), found...)
	case found == nil && m.lock().bad != nil:
		return skip("%s", noLock)
	case found == nil:
		return ok("no environment is recorded yet that needs libraries")
	}
	return found
}

func (m *Machine) thisSystem() string {
	if m.Kind == Generation {
		return "that generation does"
	}
	return "this system does"
}

// libraries returns the required findings that are about libraries: of PYTHONPATH speaks its own
// check.
func (m *Machine) libraries(v *preflight.Verdict) []preflight.Finding {
	return slices.DeleteFunc(v.Required(), func(f preflight.Finding) bool { return f.Kind == preflight.ForeignPath })
}

// lack says what a finding is about.
func (m *Machine) lack(f preflight.Finding) string {
	who := f.Distribution
	switch {
	case who != "":
	case f.Module != "":
		who = filepath.Base(f.Module)
	default:
		who = "its Python"
	}
	text := who + " needs " + f.Soname
	if f.SymbolVersion != "" {
		text += " " + f.SymbolVersion
	}
	switch {
	case f.Kind != preflight.MissingSoname && f.Kind != preflight.MissingVersion:
		text = who + ": " + string(f.Kind) + " " + f.Soname
	case f.Listable():
		text += " (" + f.Attribute + ")"
		if slices.Contains(m.declared().NixLD.Libraries, f.Attribute) {
			text += ", which the policy lists and the system was not rebuilt with"
		}
	case f.Note != "":
		text += ": " + f.Note
	}
	return strings.TrimSpace(text)
}

// listFix is the one list that covers all, and has what is declared already.
func (m *Machine) listFix() string {
	list := slices.Concat(m.declared().NixLD.Libraries, m.needed().attributes)
	slices.Sort(list)
	return nixos(libraryLine(slices.Compact(list)))
}

// mend says what helps against an environment that cannot be looked at.
func (m *Machine) mend(e environment) string {
	if errors.Is(e.err, fs.ErrPermission) {
		dir := e.dir
		if dir == "" {
			dir = e.project
		}
		return "chmod -R u+rwX " + m.word(dir)
	}
	return m.renew(e)
}

// cause returns an error's text without "no such file" tales of the way to it.
func cause(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) && !strings.HasPrefix(err.Error(), "reading the interpreter") {
		return at.Path + ": " + at.Err.Error()
	}
	return err.Error()
}

// next tells what recorded environments would lose if the generation that is asked about were the
// running one.
func next(m *Machine) []Finding {
	if m.Kind != Generation {
		return skip("it compares another generation with the running one: shim doctor --system ./result")
	}
	running := m.look(nixld.Running(), m.Fresh)
	var lost, names []string
	for i, then := range m.looked() {
		for _, text := range m.loses(running[i], then) {
			lost, names = append(lost, then.name()+" "+text), append(names, then.name())
		}
	}
	switch {
	case lost == nil && m.lock().bad != nil:
		return skip("%s", noLock)
	case lost == nil:
		return ok("no recorded environment would lose a library")
	}
	slices.Sort(lost)
	slices.Sort(names)
	names = slices.Compact(names)
	return one(Error, m.listFix(), lost, "%s something that the running system gives", many(names, "recorded environment would lose", "recorded environments would lose"))
}

// loses says what an environment has on the running system and would not have.
func (m *Machine) loses(now, then environment) []string {
	switch {
	case then.err != nil || now.err != nil || then.dir == "" || loaderFails(&now.verdict):
		return nil
	case loaderFails(&then.verdict):
		return []string{"could not start: " + then.verdict.Reason}
	}
	before := map[string]bool{}
	for _, f := range now.verdict.Required() {
		before[f.Soname+" "+f.SymbolVersion] = true
	}
	var lost []string
	v := then.verdict.Without(m.declared().Preflight.Ignore)
	for _, f := range m.libraries(&v) {
		if !before[f.Soname+" "+f.SymbolVersion] {
			lost = append(lost, "would lose: "+m.lack(f))
		}
	}
	return lost
}

func loaderFails(v *preflight.Verdict) bool {
	return v.Outcome == preflight.NoLoader || v.Outcome == preflight.StubLoader || v.Outcome == preflight.Broken
}

// libraries tells what is listed for nix-ld and needed by nothing that is recorded.
func libraries(m *Machine) []Finding {
	if m.state().Loader.Kind != nixld.NixLD {
		return skip("there is no nix-ld here")
	}
	present, where := [][]string{}, "nix-ld.libraries of the policy"
	for _, name := range m.declared().NixLD.Libraries {
		present = append(present, []string{name})
	}
	if len(present) == 0 {
		present, where = m.provided(), "the library directory"
	}
	n := m.needed()
	switch {
	case len(present) == 0:
		return ok("nothing is listed beyond nix-ld's own")
	case m.lock().bad != nil:
		return skip("%s", noLock)
	case len(m.looked()) == 0:
		return ok("%s in %s, and no environment is recorded yet", many(present, "package", "packages"), where)
	case !n.whole:
		return ok("%s in %s; what needs them is not known of every environment", many(present, "package", "packages"), where)
	}
	var idle []string
	for _, names := range present {
		used := slices.ContainsFunc(names, func(name string) bool {
			return slices.ContainsFunc(n.attributes, func(other string) bool { return plainAttribute(name) == plainAttribute(other) })
		})
		if !used {
			idle = append(idle, strings.Join(names, " or "))
		}
	}
	if idle != nil {
		slices.Sort(idle)
		return one(Info, "", idle, "%s in %s and needed by nothing that is recorded", many(idle, "package is", "packages are"), where)
	}
	return ok("%s in %s, and each is needed", many(present, "package", "packages"), where)
}

// provided returns the packages beyond nix-ld's own whose libraries are in its directories, each with
// the attributes that have libraries of that name: gcc brings some that are taken for gfortran's.
func (m *Machine) provided() [][]string {
	files := map[string][]string{} // by store path
	for _, dir := range elfdeps.SplitPath(m.state().Settings.Library.Value) {
		entries, _ := m.System.ReadDir(dir)
		for _, e := range entries {
			target, err := m.System.Real(filepath.Join(dir, e.Name()))
			if rest, ok := strings.CutPrefix(target, "/nix/store/"); ok && err == nil {
				target, _, _ = strings.Cut(rest, "/")
			}
			files[target] = append(files[target], e.Name())
		}
	}
	var packages [][]string
	for _, target := range slices.Sorted(maps.Keys(files)) {
		own, others := attribute.Listed(files[target], m.release().Nixpkgs())
		if len(own) == 0 && len(others) > 0 {
			packages = append(packages, others)
		}
	}
	return packages
}

// plainAttribute returns an attribute without its output: nix-ld takes the output lib, or else out
// (lib.getLib), whichever is written.
func plainAttribute(name string) string {
	for _, output := range []string{".lib", ".out"} {
		name = strings.TrimSuffix(name, output)
	}
	return name
}
