// Package sync makes a machine match its policy, or a lock. Read looks at the machine, Make says
// what is to be done, a pure function, so that `--dry-run` shows exactly that, and Run has uv do it.
package sync

import (
	"slices"
	"strings"

	"uvshim/policy"
	"uvshim/policy/version"
	"uvshim/shim/uv"
)

// A Kind is what a step does.
type Kind uint8

// The kinds, in the order in which they are done.
const (
	InstallPython Kind = iota
	RestorePython      // exactly this version and build
	UpgradePython
	LinkDefault // uv's own links python and python3
	SetPin
	RemovePin
	InstallTool
	RestoreTool // exactly this set of distributions
	UpgradeTool
	MoveTool // to another Python
	RemoveTool
	RemovePython
)

// A Step is one thing to be done.
type Step struct {
	Kind    Kind
	Subject string   // the request, the tool's requirement or name, the interpreter's key
	To      string   // MoveTool: the Python it moves to; RestorePython: the request it was used for
	Build   string   // RestorePython
	Default bool     // InstallPython: as the default of its implementation
	Repair  bool     // what is there is broken, and is replaced
	Why     string   // InstallTool: what is broken
	Replace bool     // UpgradePython: the patch before it is removed afterwards
	Tool    Tool     // RestoreTool; InstallTool: its name
	Breaks  []string // RemovePython: the environments that will not run any more
	Pins    []string // RemovePython: the pins of recorded projects that nothing will satisfy any more
	Keep    string   // RemovePython: the request that, declared, keeps it
}

// A Tool is one that a lock names.
type Tool struct {
	Name, Request, Version, Python string
	Resolved                       []string
}

// A Wish is what the machine is to be like.
type Wish struct {
	Policy  policy.Policy
	Upgrade bool
	Exactly *Exact // what a lock asks for, in place of the policy's versions and packages
}

// An Exact is the part of a lock that can be restored.
type Exact struct {
	Pythons []Python
	Tools   []Tool
}

// A Python is one that a lock names: Version is a request for just this one, such as
// "cpython-3.14.1".
type Python struct {
	Version, Build, Request string
}

// A Plan is what is to be done, in order, and what is left alone though the wish might make one
// think otherwise.
type Plan struct {
	Steps []Step
	Notes []string
}

// Needed returns the steps without which the machine does not match. Whether there is anything to
// upgrade only uv can tell.
func (p Plan) Needed() []Step {
	return slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool {
		return s.Kind == UpgradePython || s.Kind == UpgradeTool
	})
}

// Make returns what makes the machine match the wish. It looks at nothing but its arguments.
func Make(w Wish, m Machine) Plan {
	k := planner{wish: w, machine: m}
	if w.Exactly != nil {
		k.restore(*w.Exactly)
	} else {
		k.pythons()
		k.tools()
	}
	k.pin()
	slices.SortStableFunc(k.plan.Steps, func(a, b Step) int { return int(a.Kind) - int(b.Kind) })
	return k.plan
}

type planner struct {
	wish    Wish
	machine Machine
	plan    Plan
}

func (k *planner) add(s Step) { k.plan.Steps = append(k.plan.Steps, s) }

func (k *planner) note(text string) { k.plan.Notes = append(k.plan.Notes, text) }

// A declared is one of the policy's versions.
type declared struct {
	text      string
	request   version.Request
	satisfied *Managed // what uv takes for it; nil if nothing does
	isDefault bool
}

// pythons plans the policy's versions: what is missing and what may be upgraded, the links of the
// defaults, and what is removed.
func (k *planner) pythons() {
	python := k.wish.Policy.Python
	if len(python.Versions) == 0 && len(python.Default) == 0 {
		return
	}
	if k.machine.Home.Pythons() {
		k.note(leftPythons)
		return
	}
	list := k.declared()
	for _, d := range list {
		if d.satisfied == nil {
			k.add(Step{Kind: InstallPython, Subject: d.text, Default: d.isDefault, Repair: k.machine.damaged(d.request)})
		} else if k.wish.Upgrade && upgradable(d.request) {
			k.add(Step{Kind: UpgradePython, Subject: d.text, Replace: python.Prune})
		}
	}
	k.links(list)
	if python.Prune && k.mayPrune() {
		k.prune(list)
	}
}

// declared returns the policy's versions, each with what satisfies it.
func (k *planner) declared() []declared {
	python := k.wish.Policy.Python
	versions := slices.Clone(python.Versions)
	for _, text := range python.Default { // without versions a default stands for itself
		if !slices.Contains(versions, text) {
			versions = append(versions, text)
		}
	}
	var list []declared
	for _, text := range versions {
		if r, err := version.Parse(text); err == nil { // no policy that was loaded has another
			list = append(list, declared{text, r, k.machine.answer(r), slices.Contains(python.Default, text)})
		}
	}
	return list
}

// links plans uv's links python and python3, which answer where the shims are not on PATH.
func (k *planner) links(list []declared) {
	for _, d := range list {
		if d.isDefault && d.satisfied != nil && k.needsLinks(*d.satisfied) {
			k.add(Step{Kind: LinkDefault, Subject: d.text})
		}
	}
}

// upgradable reports whether uv upgrades what satisfies the request: it refuses those that name a
// patch or a prerelease (uv-python-commands, InvalidUpgradeRequestError).
func upgradable(r version.Request) bool {
	return !r.NamesPatch() && !(r.Kind() == version.KindVersion && r.AllowsPrerelease())
}

// needsLinks reports whether uv is to make its links for the default. A foreign file in their place
// is the user's: uv leaves it, and so do we.
func (k *planner) needsLinks(m Managed) bool {
	needed := false
	for _, link := range k.machine.Links {
		if !slices.Contains(defaultLinks(m.Interpreter), link.Name) {
			continue
		}
		if link.Foreign {
			k.note(link.Path + " is not uv's and stays; " + link.Name + " there is not the default")
			continue
		}
		needed = needed || !sameLine(link.Key, m.Interpreter)
	}
	return needed
}

// defaultLinks returns the names that uv links to a default.
func defaultLinks(i version.Interpreter) []string {
	if i.Impl == "cpython" {
		if i.Variant == "" {
			return []string{"python", "python3"}
		}
		return nil // its links have a suffix
	}
	if i.Impl == "pypy" {
		return []string{"pypy", "pypy3"}
	}
	return nil
}

// sameLine reports whether key is i's, or that of another patch of i's minor: uv's default links go
// through the minor-version link.
func sameLine(key string, i version.Interpreter) bool {
	other, err := version.ParseKey(key)
	return err == nil && (key == i.Key() || i.MinorLink() != "" && other.MinorLink() == i.MinorLink())
}

// pin plans uv's global pin: it is the default, so that `uv venv` and `uv tool install` take the
// same Python as a bare python.
func (k *planner) pin() {
	want := pinFor(k.wish.Policy.Python.Default)
	pin := k.machine.Pin
	switch {
	case want == pin.Text || pin.Path == "":
	case want != "" && k.machine.Home.Pythons() && !k.installed(want): // nothing is done about that here
	case !pin.Ours && want != "":
		k.note("uv's global pin, " + pin.Path + ", says " + quoted(pin.Text) + " and not the default " + quoted(want) + "; it stays, as shim did not write it")
	case !pin.Ours:
	case want == "":
		k.add(Step{Kind: RemovePin, Subject: pin.Text})
	default:
		k.add(Step{Kind: SetPin, Subject: want})
	}
}

func (k *planner) installed(request string) bool {
	r, err := version.Parse(request)
	return err == nil && k.machine.answer(r) != nil
}

// pinFor returns the default that uv's one global pin can hold: CPython's if there is one.
func pinFor(defaults []string) string {
	for _, text := range defaults {
		if r, err := version.Parse(text); err == nil && (r.Implementation() == "" || r.Implementation() == "cpython") {
			return text
		}
	}
	return strings.Join(defaults[:min(1, len(defaults))], "")
}

// tools plans the policy's packages.
func (k *planner) tools() {
	t := k.wish.Policy.Tool
	if len(t.Packages) == 0 && !t.Prune {
		return
	}
	if k.machine.Home.Tools() {
		k.note(leftTools)
		return
	}
	known := true // which tool each package is
	keep := map[string]bool{}
	for _, text := range t.Packages {
		tool, there := k.machine.tool(text)
		name := tool.Name
		if !there {
			name, _ = policy.Name(text)
		}
		switch {
		case name == "":
			known = false
			k.add(Step{Kind: InstallTool, Subject: text})
			continue
		case keep[name]:
			k.note(quoted(text) + " is the tool " + name + ", which is declared twice; the first counts")
			continue
		}
		keep[name] = true
		switch {
		case !there || tool.Broken != nil:
			s := Step{Kind: InstallTool, Subject: text, Tool: Tool{Name: name}}
			if found, _ := k.machine.named(name); found.Broken != nil {
				s.Repair, s.Why = true, found.Broken.Error()
			} else if found.Name != "" && k.wish.Upgrade && !fixed(text) {
				// uv keeps the version that is there while the new requirement allows it
				k.add(Step{Kind: UpgradeTool, Subject: name})
			}
			k.add(s)
		case k.wish.Upgrade && !fixed(tool.Request):
			k.add(Step{Kind: UpgradeTool, Subject: name})
		}
	}
	if !t.Prune || !k.mayPrune() {
		return
	}
	for _, tool := range k.machine.Tools {
		switch {
		case keep[tool.Name]:
		case !known:
			k.note("the tool " + tool.Name + " stays as long as it is not known which tool each declared package is")
		default:
			k.add(Step{Kind: RemoveTool, Subject: tool.Name})
		}
	}
}

// mayPrune reports whether it is known that nobody else declares what the policy does not.
func (k *planner) mayPrune() bool {
	home := k.machine.Home
	if home.Err == nil {
		return true
	}
	text := "nothing is removed: what Home Manager declares is not known, as its generation cannot be read: " + home.Err.Error()
	if !slices.Contains(k.plan.Notes, text) {
		k.note(text)
	}
	return false
}

// fixed reports whether a requirement leaves nothing to upgrade: an exact version, or a file.
func fixed(requirement string) bool {
	_, rest := canonical(requirement, "")
	rest, _, _ = strings.Cut(rest, ";")
	return strings.Contains(rest, "==") && !strings.Contains(rest, "*") || strings.Contains(rest, "@file:")
}

// tool returns the installed tool that stands for a declared package, and false if that has to be
// installed.
func (m Machine) tool(text string) (uv.Tool, bool) {
	for _, t := range m.Tools {
		if m.Known[text] == knownAs(t) || Same(text, t.Request, m.Base) {
			return t, true
		}
	}
	return uv.Tool{}, false
}
