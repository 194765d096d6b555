package sync

import (
	"path/filepath"
	"slices"

	"uvshim/policy/version"
	"uvshim/shim/say"
	"uvshim/shim/uv"
)

// prune plans the removal of the managed Pythons that nothing declared asks for, and of the patches
// that a newer one of the same minor has replaced. What satisfies a declared request in any other
// way stays: of ">=3.12" that is every minor from there on, for to remove one and download another
// is no gain. A Python that a declared tool runs on is left only after the tool has moved.
func (k *planner) prune(list []declared) {
	var gone []Managed
	for _, m := range k.machine.Pythons {
		if why := k.keeps(list, m); why == "" {
			gone = append(gone, m)
		} else if why != asDeclared {
			k.note(m.Key + " stays: " + why)
		}
	}
	target := k.moveTo(list)
	for _, m := range gone {
		breaks, stays := []string(nil), ""
		var moves []Step
		for _, e := range k.machine.Environments {
			switch {
			case !k.breaks(e, m, gone):
			case e.Tool != "" && k.wish.Policy.Tool.Prune && !k.declaresTool(e.Tool): // it goes too
			case e.Tool == "" || !k.declaresTool(e.Tool):
				breaks = append(breaks, e.Path)
			case e.Asked != "":
				stays = "the tool " + e.Tool + " was installed with --python " + e.Asked
			case target == "":
				stays = "the tool " + e.Tool + " runs on it"
			default:
				moves = append(moves, Step{Kind: MoveTool, Subject: e.Tool, To: target})
			}
		}
		if stays != "" {
			k.note(m.Key + " stays: " + stays)
			continue
		}
		for _, s := range moves {
			k.add(s)
		}
		k.add(Step{Kind: RemovePython, Subject: m.Key, Breaks: breaks, Pins: k.unpinned(m, gone), Keep: k.keep(m)})
	}
}

// unpinned returns the pins that m satisfies, and nothing that is left.
func (k *planner) unpinned(m Managed, gone []Managed) []string {
	var out []string
	for _, p := range k.machine.Pins {
		satisfies := func(m Managed) bool { return p.Request.Matches(m.Interpreter) == version.Yes }
		left := func(other Managed) bool {
			return satisfies(other) && !slices.ContainsFunc(gone, func(g Managed) bool { return g.Key == other.Key })
		}
		if satisfies(m) && !slices.ContainsFunc(k.machine.Pythons, left) {
			out = append(out, p.Path)
		}
	}
	return out
}

// keep returns the request that, declared, keeps m: its minor, or just this patch where a later one
// is there.
func (k *planner) keep(m Managed) string {
	if k.superseded(m) {
		return m.Exact()
	}
	return m.Minor()
}

// Remake returns the command, to paste, that makes an environment that a step breaks anew.
func (at Place) Remake(environment string) string {
	if filepath.Base(environment) == ".venv" {
		return uv.Renew(filepath.Dir(environment), at.Base.Home)
	}
	return "uv tool install --force " + say.ShellWord(filepath.Base(environment))
}

// Spare returns the command that keeps what a step would remove, and "" where nothing is lost that
// anybody is known to use.
func (s Step) Spare() string {
	if len(s.Breaks)+len(s.Pins) == 0 {
		return ""
	}
	return "shim declare python " + say.ShellWord(s.Keep)
}

const asDeclared = "declared"

// keeps returns why an interpreter stays, "" if it need not.
func (k *planner) keeps(list []declared, m Managed) string {
	matched := false
	for _, d := range list {
		if d.satisfied != nil && d.satisfied.Key == m.Key {
			return asDeclared
		}
		if d.request.Matches(m.Interpreter) == version.Yes && (d.request.Asked(m.Interpreter) || d.satisfied == nil) {
			matched = true
			if !k.superseded(m) {
				return asDeclared
			}
		}
	}
	if !matched {
		return ""
	}
	for _, e := range k.machine.Environments {
		if e.Key == m.Key && !e.Minor {
			return "it satisfies what is declared, and " + e.Path + " runs on it"
		}
	}
	return ""
}

// superseded reports whether a later patch of the same minor is there.
func (k *planner) superseded(m Managed) bool {
	return slices.ContainsFunc(k.machine.Pythons, func(other Managed) bool {
		return other.Runs && other.Version.Compare(m.Version) > 0 && line(other.Interpreter) == line(m.Interpreter)
	})
}

// line returns what the patches of one minor have in common.
func line(i version.Interpreter) version.Interpreter {
	i.Version = version.New(i.Version.Major, i.Version.Minor)
	return i
}

// breaks reports whether an environment will not run when m, and with it all of gone, is removed. One
// that goes through the minor-version link is moved on by uv while a patch of the minor is left.
func (k *planner) breaks(e Environment, m Managed, gone []Managed) bool {
	if e.Key != m.Key {
		return false
	}
	return !e.Minor || !slices.ContainsFunc(k.machine.Pythons, func(other Managed) bool {
		left := !slices.ContainsFunc(gone, func(g Managed) bool { return g.Key == other.Key })
		return left && other.MinorLink() == m.MinorLink()
	})
}

// declaresTool reports whether the policy lists the installed tool of that name.
func (k *planner) declaresTool(name string) bool {
	return slices.ContainsFunc(k.wish.Policy.Tool.Packages, func(text string) bool {
		t, ok := k.machine.tool(text)
		return ok && t.Name == name
	})
}

// moveTo returns the declared request that tools move to: the default if it is there, else the first
// that is.
func (k *planner) moveTo(list []declared) string {
	for _, onlyDefault := range [...]bool{true, false} {
		for _, d := range list {
			if d.satisfied != nil && d.satisfied.Impl == "cpython" && (d.isDefault || !onlyDefault) {
				return d.text
			}
		}
	}
	return ""
}
