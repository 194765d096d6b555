package doctor

import (
	"fmt"
	"slices"
	"strings"

	"uvshim/policy/nix"
	"uvshim/policy/version"
	"uvshim/shim/say"
	"uvshim/shim/sync"
)

// homeManager holds the policy against Home Manager's programs.uv. What that manages shim sync leaves to
// it, so that what only the policy says has no effect.
func homeManager(m *Machine) []Finding {
	home := sync.FindHomeManager(m.Dirs)
	switch {
	case home.Err != nil:
		return one(Warning, "home-manager switch   # or nixos-rebuild switch, where it is a part of the system", []string{cause(home.Err)},
			"the active generation of Home Manager cannot be read, and shim sync removes nothing while what it declares is not known")
	case home.File == "":
		return skip("there is no Home Manager")
	case !home.Pythons() && !home.Tools():
		return ok("Home Manager's programs.uv manages no Pythons and no tools")
	case len(m.declared().problems) > 0:
		return skip("%s", noPolicy)
	}
	found := m.beside(home, func(file string) bool { return strings.HasPrefix(real(file), "/nix/store/") })
	if found == nil {
		return ok("the policy says the same as Home Manager's programs.uv")
	}
	return found
}

// A side is what the policy and programs.uv both say of one key.
type side struct {
	key          string // of the policy; the option is of the same name
	what         string
	ours, theirs []string
	same         func(a, b string) bool // whether two elements mean the same
	rival        func(a, b string) bool // whether of two elements there can be only one; nil: never
	unsaid       bool                   // the policy says nothing of Pythons, or of tools: all is left to Home Manager
	declare      func(element string) string
}

// beside returns the differences between the policy and what Home Manager manages. stored tells of a
// file whether Nix wrote it, where shim declare changes nothing.
func (m *Machine) beside(home sync.HomeManager, stored func(file string) bool) []Finding {
	var found []Finding
	declared := m.declared().Policy
	if home.Pythons() {
		versions, defaults := declared.Python.Versions, declared.Python.Default
		if len(versions) == 0 {
			versions = defaults // which then stand for themselves
		}
		// a default that only the policy has is as it should be: the link in ~/.local/bin stands behind ours
		defaults = slices.DeleteFunc(slices.Clone(defaults), func(text string) bool {
			return !slices.ContainsFunc(home.Default, func(theirs string) bool { return sameImplementation(text, theirs) })
		})
		found = append(found, m.differ(home, stored, side{
			key: "python.versions", what: "Pythons", ours: versions, theirs: home.Versions, same: sameRequest, unsaid: len(versions) == 0,
			declare: func(text string) string { return "shim declare python " + say.ShellWord(text) },
		})...)
		found = append(found, m.differ(home, stored, side{
			key: "python.default", what: "defaults", ours: defaults, theirs: home.Default, same: sameRequest, rival: sameImplementation, unsaid: len(versions) == 0,
			declare: func(text string) string { return "shim declare python " + say.ShellWord(text) + " --default" },
		})...)
		found = append(found, m.pruned(home, stored, "python", "Pythons", declared.Python.Prune, home.PrunePython)...)
	}
	if home.Tools() {
		packages := declared.Tool.Packages
		found = append(found, m.differ(home, stored, side{
			key: "tool.packages", what: "tools", ours: packages, theirs: home.Packages, unsaid: len(packages) == 0,
			same:    func(a, b string) bool { return sync.Same(a, b, m.Dirs.Home) },
			declare: func(text string) string { return "shim declare tool " + say.ShellWord(text) },
		})...)
		found = append(found, m.pruned(home, stored, "tool", "tools", declared.Tool.Prune, home.PruneTool)...)
	}
	return found
}

// sameRequest reports whether two requests stand for the same Pythons: "3.14" and "cpython@3.14".
func sameRequest(a, b string) bool {
	r, err := version.Parse(a)
	s, err2 := version.Parse(b)
	return a == b || err == nil && err2 == nil && r.Covers(s) && s.Covers(r)
}

func sameImplementation(a, b string) bool {
	r, err := version.Parse(a)
	s, err2 := version.Parse(b)
	return err == nil && err2 == nil && r.Installs() == s.Installs()
}

// differ compares two lists. With the fix both have what either had; of rivals the policy's counts.
func (m *Machine) differ(home sync.HomeManager, stored func(string) bool, s side) []Finding {
	oursOnly, theirsOnly := without(s.ours, s.theirs, s.same), without(s.theirs, s.ours, s.same)
	if oursOnly == nil && theirsOnly == nil {
		return nil
	}
	var parts []string
	if oursOnly != nil {
		parts = append(parts, "only the policy has "+strings.Join(oursOnly, ", "))
	}
	if theirsOnly != nil {
		parts = append(parts, "only Home Manager has "+strings.Join(theirsOnly, ", "))
	}
	level := Warning
	if s.unsaid {
		level = Info
	}
	add := theirsOnly
	if s.rival != nil {
		add = without(theirsOnly, s.ours, s.rival)
	}
	file, at := m.source(s.key)
	var fix []string
	line := nix.List("programs.uv."+s.key, slices.Concat(s.ours, add))
	if stored(file) {
		fix = append(fix, homeNix(line, "# and no programs.shim.settings."+s.key+", which is then taken from there"))
	} else {
		for _, text := range add {
			fix = append(fix, s.declare(text))
		}
		if oursOnly != nil {
			fix = append(fix, homeNix(line))
		}
	}
	shown := func(where, key string, list []string) string {
		if len(list) == 0 {
			return where + ": no " + key
		}
		return where + ": " + key + " = " + strings.Join(list, ", ")
	}
	evidence := []string{shown(at, s.key, s.ours), shown(home.File, "programs.uv."+s.key, s.theirs)}
	return one(level, strings.Join(fix, "\n"), evidence, "the policy and Home Manager's programs.uv have other %s: %s", s.what, strings.Join(parts, "; "))
}

// without returns what of a list the other has no match for.
func without(list, other []string, match func(a, b string) bool) (rest []string) {
	for _, text := range list {
		if !slices.ContainsFunc(other, func(o string) bool { return match(text, o) }) {
			rest = append(rest, text)
		}
	}
	return rest
}

// pruned compares whether what is not listed is removed, which Home Manager does, or nobody. That the
// policy leaves it to Home Manager is what shim's module of Home Manager writes.
func (m *Machine) pruned(home sync.HomeManager, stored func(string) bool, table, what string, ours, theirs bool) []Finding {
	key := table + ".prune"
	path, _ := m.declared().Source(key)
	file, at := m.source(key)
	said := path != "" && !stored(file)
	if ours == theirs || theirs && !said {
		return nil
	}
	evidence := []string{fmt.Sprintf("%s: %s = %v", at, key, ours), fmt.Sprintf("%s: programs.uv.%s = %v", home.File, key, theirs)}
	fix := []string{fmt.Sprintf("programs.uv.%s = %v;", key, ours)}
	if stored(file) {
		fix = append(fix, "# and no programs.shim.settings."+key)
	}
	if ours {
		return one(Warning, homeNix(fix...), evidence, "the policy has %s removed that are not listed, and nothing removes them: they are left to Home Manager's programs.uv", what)
	}
	return one(Warning, homeNix(fix...), evidence, "the policy has %s kept that are not listed, and Home Manager's programs.uv removes them", what)
}

// source returns the file that sets a key of the policy, or else that would, and it with the line.
func (m *Machine) source(key string) (file, at string) {
	file, line := m.declared().Source(key)
	if file == "" {
		file = m.Policy[len(m.Policy)-1]
		return file, file
	}
	return file, fmt.Sprintf("%s:%d", file, line)
}

func homeNix(lines ...string) string {
	return inFile("home.nix, then home-manager switch", lines...)
}
