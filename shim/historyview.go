package shim

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"uvshim/policy"
	"uvshim/policy/version"
	"uvshim/shim/lock"
	"uvshim/shim/say"
	"uvshim/shim/uv"
)

// historyOfProject prints what is recorded of one project.
func (p *program) historyOfProject(l lock.Lock, o historyOptions) {
	dir := p.projectAt(l, o.project.value)
	l = ofProject(l, dir)
	if o.asJSON {
		all := historyJSON(l)
		all["directory"] = text(dir)
		p.out.json(all)
		return
	}
	if len(l.Project)+len(l.Change) == 0 {
		p.say.Hint("nothing is recorded of %s", say.Quote(p.tilde(dir)))
		return
	}
	t := tables{out: p.out}
	p.pythonsHere(&t, l)
	p.needsHere(&t, l.Project)
	p.changeTable(&t, l.Change, o.all)
}

func (p *program) pythonsHere(t *tables, l lock.Lock) {
	var rows [][]string
	for _, x := range l.Project {
		used := lock.Python{Key: x.Python}
		if i := slices.IndexFunc(l.Python, func(python lock.Python) bool { return python.ID() == x.Python }); i >= 0 {
			used = l.Python[i]
		}
		rows = append(rows, []string{p.tilde(x.Python), used.Request, yes(used.Declared), string(x.LastUsed)})
	}
	t.print("PYTHON\tREQUEST\tDECLARED\tLAST USED HERE", rows)
}

// needsHere prints the sonames that a project needs of the system.
func (p *program) needsHere(t *tables, projects []lock.Project) {
	looked := slices.ContainsFunc(projects, func(x lock.Project) bool { return x.Needs != nil })
	var rows [][]string
	for _, x := range onePerPath(projects) {
		for _, soname := range x.Needs {
			rows = append(rows, []string{soname, yes(!slices.Contains(x.Missing, soname))})
		}
	}
	t.print("NEEDS\tPROVIDED", rows)
	switch {
	case len(projects) == 0 || len(rows) > 0:
	case looked:
		p.say.Hint("it needs no library of the system")
	default:
		p.say.Hint("nobody has looked yet at what it needs of the system: a python or uv run there does")
	}
}

// projectAt returns the directory under which the project of dir, "" for the working directory, is
// recorded: dir itself, else that of the project which dir is in, else, where the disk knows of none
// any more, the nearest one above that is recorded.
func (p *program) projectAt(l lock.Lock, dir string) string {
	if dir == "" {
		dir = p.host.Dir
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(p.host.Dir, dir)
	}
	dir = filepath.Clean(dir)
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	recorded := func(dir string) bool {
		return slices.ContainsFunc(l.Project, func(x lock.Project) bool { return x.Path == dir })
	}
	up := uv.Look(p.facts, dir)
	if project := up.ProjectDir(); project != "" && !recorded(dir) {
		return project
	}
	for _, above := range up.Dirs() {
		if recorded(above) {
			return above
		}
	}
	return dir
}

// ofProject returns what of a lock is about the project at dir: its Pythons, and the changes made in
// it, not in another project below.
func ofProject(l lock.Lock, dir string) lock.Lock {
	var out lock.Lock
	paths := map[string]bool{dir: true}
	used := map[string]bool{}
	for _, x := range l.Project {
		paths[x.Path] = true
		if x.Path == dir {
			out.Project = append(out.Project, x)
			used[x.Python] = true
		}
	}
	for _, x := range l.Python {
		if used[x.ID()] {
			out.Python = append(out.Python, x)
		}
	}
	for _, x := range l.Change {
		at := filepath.Clean(x.Directory)
		for !paths[at] && filepath.Dir(at) != at {
			at = filepath.Dir(at)
		}
		if at == dir {
			out.Change = append(out.Change, x)
		}
	}
	return out
}

// historyOfPython prints where the interpreters that o asks for were used.
func (p *program) historyOfPython(l lock.Lock, o historyOptions) int {
	asked := o.python
	found := ofPython(l, func(x lock.Python) bool {
		if x.ID() == asked {
			return true
		}
		real, err := filepath.EvalSymlinks(asked)
		return err == nil && strings.Contains(asked, "/") && real == x.Path
	})
	if len(found.Python)+len(found.Project) == 0 {
		r, err := version.Parse(asked)
		if asked == "" || err != nil || r.Kind() == version.KindName {
			return p.usage(say.Quote(asked)+" is no recorded interpreter and no request such as 3.12", "shim history --help", "")
		}
		found = ofPython(l, func(x lock.Python) bool { return standsFor(asked, x) })
	}
	switch {
	case o.asJSON:
		p.out.json(historyJSON(found))
	case len(found.Python)+len(found.Project) == 0:
		p.say.Hint("no use of %s is recorded; shim history shows what is", say.Quote(asked))
	default:
		t := tables{out: p.out}
		p.pythonTable(&t, found.Python)
		p.projectTable(&t, found.Project)
	}
	return exitOK
}

// ofPython returns the interpreters of a lock for which is holds, and the projects they were used in,
// those too whose interpreter was removed since.
func ofPython(l lock.Lock, is func(lock.Python) bool) lock.Lock {
	var out lock.Lock
	used := map[string]bool{}
	for _, x := range l.Python {
		if is(x) {
			out.Python = append(out.Python, x)
			used[x.ID()] = true
		}
	}
	for _, x := range l.Project {
		_, err := version.ParseKey(x.Python)
		if used[x.Python] || err == nil && is(lock.Python{Key: x.Python}) {
			out.Project = append(out.Project, x)
		}
	}
	return out
}

// standsFor reports whether the request, were it in the policy, would declare the interpreter.
func standsFor(request string, x lock.Python) bool {
	return isDeclared(interpreterOf(x), []string{request})
}

// interpreterOf returns what a lock knows of an interpreter. Of one that uv did not install, the name
// tells the implementation.
func interpreterOf(x lock.Python) version.Interpreter {
	if i, err := version.ParseKey(x.Key); err == nil {
		return i
	}
	i := version.Interpreter{Impl: "cpython"}
	i.Version, _ = version.ParseVersion(x.Version)
	if strings.HasPrefix(filepath.Base(x.Path), "pypy") {
		i.Impl = "pypy"
	}
	return i
}

// undeclaredUses prints what was used or installed and is not in the policy as it is now.
func (p *program) undeclaredUses(l lock.Lock, o historyOptions) {
	declared := p.policy()
	found := undeclaredIn(l, declared)
	if o.asJSON {
		p.out.json(historyJSON(found))
		return
	}
	t := tables{out: p.out}
	p.pythonTable(&t, found.Python)
	p.projectTable(&t, found.Project)
	p.toolTable(&t, found.Tool)
	for _, list := range []struct {
		key   string
		empty bool
	}{{"python.versions", len(declared.Python.Versions) == 0}, {"tool.packages", len(declared.Tool.Packages) == 0}} {
		if list.empty {
			p.say.Hint("the policy has no %s: without them nothing of that kind is undeclared", list.key)
		}
	}
	switch {
	case len(found.Python)+len(found.Tool) > 0:
		p.say.Hint("shim declare adds one to the policy")
	case len(declared.Python.Versions)+len(declared.Tool.Packages) > 0:
		p.say.Hint("all that is recorded is declared")
	}
}

// undeclaredIn returns what of a lock the policy does not declare.
func undeclaredIn(l lock.Lock, declared policy.Policy) lock.Lock {
	var out lock.Lock
	if versions := declared.Python.Versions; len(versions) > 0 {
		out = ofPython(l, func(x lock.Python) bool { return !isDeclared(interpreterOf(x), versions) })
		for i := range out.Python {
			out.Python[i].Declared = false // by the policy as it is now
		}
	}
	for _, t := range l.Tool {
		_, name := declared.UndeclaredTool(t.Name)
		_, request := declared.UndeclaredTool(t.Request)
		if name && request {
			out.Tool = append(out.Tool, t)
		}
	}
	return out
}

// usualDays is how long a Python is unused before --unused names it.
const usualDays = 90

// unused prints the Pythons of which no use is recorded for some days.
func (p *program) unused(l lock.Lock, o historyOptions) int {
	days := usualDays
	if o.unused.value != "" {
		n, err := strconv.Atoi(o.unused.value)
		if err != nil || n < 0 || n > 36_500 {
			return p.usage("--unused wants a number of days, not "+say.Quote(o.unused.value), "shim history --help", "")
		}
		days = n
	}
	declared := p.policy()
	since := lock.DayOf(time.Now().AddDate(0, 0, -days))
	requests, others := unusedSince(l, declared.Python, since)
	if o.asJSON {
		all := historyJSON(lock.Lock{Python: others})
		list := []any{}
		for _, u := range requests {
			list = append(list, map[string]any{"request": text(u.request), "python": text(u.python), "last-used": u.last})
		}
		all["days"], all["since"], all["declared"] = days, since, list
		p.out.json(all)
		return exitOK
	}
	t := tables{out: p.out}
	var rows [][]string
	for _, u := range requests {
		rows = append(rows, []string{u.request, p.tilde(u.python), string(u.last)})
	}
	t.print("DECLARED\tPYTHON\tLAST USED", rows)
	rows = nil
	for _, x := range others {
		rows = append(rows, []string{p.tilde(x.ID()), string(x.LastUsed)})
	}
	t.print("NOT DECLARED\tLAST USED", rows)
	if len(requests)+len(others) == 0 {
		p.say.Hint("no Python is unused since %s", since)
	}
	p.say.Hint("only uses through shim are recorded; of tools none is, as they do not pass through it")
	return exitOK
}

// An unusedRequest is a declared one with the interpreter that was last used for it, and when. Both
// are empty where none was.
type unusedRequest struct {
	request, python string
	last            lock.Day
}

// unusedSince returns the declared requests for which no interpreter was used on that day or later,
// and the interpreters that are not declared of which that is true.
func unusedSince(l lock.Lock, declared policy.Python, since lock.Day) (requests []unusedRequest, others []lock.Python) {
	versions := declared.Versions
	if len(versions) == 0 {
		versions = declared.Default // which then stands for itself
	}
	for _, request := range versions {
		u := unusedRequest{request: request}
		for _, x := range l.Python {
			if standsFor(request, x) && x.LastUsed > u.last {
				u.python, u.last = x.ID(), x.LastUsed
			}
		}
		if u.last < since {
			requests = append(requests, u)
		}
	}
	for _, x := range l.Python {
		if x.LastUsed < since && !isDeclared(interpreterOf(x), versions) {
			x.Declared = false // by the policy as it is now
			others = append(others, x)
		}
	}
	return requests, others
}
