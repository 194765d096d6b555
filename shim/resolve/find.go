package resolve

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"uvshim/policy/version"
	"uvshim/shim/uv"
)

// NotInstalled says that a request is satisfied by nothing on this machine.
type NotInstalled struct {
	Step    Step         // the source; Source is "" where nothing was requested at all
	Request string       // verbatim, for `uv python install`
	Have    []string     // the minors that are there and can be run: 3.14, 3.13t, pypy3.11; newest first
	Broken  []uv.Managed // those that would satisfy it and cannot be run; newest first
	Foreign bool         // it stands in another user's directory
	Program bool         // what is missing is a program or path, and no version that could be installed
}

func (e *NotInstalled) Error() string {
	if e.Request == "" && len(e.Broken) > 0 {
		return fmt.Sprintf("%s is installed and cannot be run: %s", e.Broken[0].Key, e.Broken[0].Fault())
	}
	if e.Request == "" {
		return "no Python is installed: uv has none, and there is none on PATH"
	}
	from := e.Step.Source
	if e.Step.File != "" {
		from = e.Step.File
		if e.Step.Line > 0 {
			from += fmt.Sprintf(":%d", e.Step.Line)
		}
	}
	if e.Program {
		return fmt.Sprintf("there is no Python %q, requested by %s", e.Request, from)
	}
	if len(e.Broken) > 0 {
		return fmt.Sprintf("%s, which satisfies %q, requested by %s, is installed and cannot be run: %s", e.Broken[0].Key, e.Request, from, e.Broken[0].Fault())
	}
	return fmt.Sprintf("no Python is installed that satisfies %q, requested by %s", e.Request, from)
}

// answer finds what satisfies a request together with the constraint.
func (r *resolver) answer(a ask) (Target, error) {
	if path := a.request.Path(); path != "" || a.request.Kind() == version.KindName {
		return r.named(a, path)
	}
	if t, ok := r.find(a.request); ok {
		return r.decide(a.step, t), nil
	}
	missing := r.notInstalled(a)
	if len(missing.Broken) > 0 {
		r.pass(a.step, "what satisfies it cannot be run")
		return Target{}, missing
	}
	r.pass(a.step, "nothing installed satisfies it")
	if r.Explicit != "" {
		// Where the selector or name by itself has no Python, installing what a file asks for would
		// not help.
		if _, ok := r.find(r.byName()); !ok {
			return Target{}, r.notInstalled(r.ownAsk())
		}
	}
	return Target{}, missing
}

// newest is the last resort: the newest managed CPython, then the first real Python on PATH.
func (r *resolver) newest() (Target, error) {
	request := r.byName()
	if t, ok := r.find(request); ok {
		source := "newest"
		if t.FromPath {
			source = "PATH"
		}
		t = r.decide(Step{Source: source, Value: r.Explicit}, t)
		if r.Explicit != "" {
			t.Request = request.String() // 3.12 and not python3.12
		}
		return t, nil
	}
	return Target{}, r.notInstalled(r.ownAsk())
}

// ownAsk is what the call itself asks for, by its selector or name.
func (r *resolver) ownAsk() ask {
	return ask{step: Step{Source: r.Explicit, Value: r.Explicit}, request: r.byName()}
}

// byName returns the constraint as a request. The name python3.13 leaves open whether the build is
// free-threaded, since in an environment it may be; without one, uv's rule for 3.13 counts.
func (r *resolver) byName() version.Request {
	request, err := version.Parse(r.Constraint.String())
	if err != nil {
		return r.Constraint
	}
	return request
}

func (r *resolver) notInstalled(a ask) *NotInstalled {
	e := &NotInstalled{Step: a.step, Request: a.request.String(), Foreign: a.foreign}
	if r.Explicit == "" && a.step.Source == "" {
		e.Request = ""
	}
	list := r.UV.Managed()
	slices.SortFunc(list, func(a, b uv.Managed) int { return version.Order(a.Interpreter, b.Interpreter) })
	for _, m := range list {
		if !m.Runnable() {
			if both(a.request.Matches(m.Interpreter), r.Constraint.Matches(m.Interpreter)) == version.Yes && m.Fault() != "" {
				e.Broken = append(e.Broken, m)
			}
			continue
		}
		// python3.14t is python +3.14t
		if name := strings.TrimPrefix(m.Executable(), "python"); !slices.Contains(e.Have, name) {
			e.Have = append(e.Have, name)
		}
	}
	return e
}

// named takes a program or environment that UV_PYTHON or the global pin names.
func (r *resolver) named(a ask, path string) (Target, error) {
	found, fromPath := "", false
	switch {
	case path == "":
		found, fromPath = r.Finder.Program(a.request.String())
	case isDir(path):
		found, _ = r.environmentPython(path)
	default:
		if abs := r.absolute(path); r.Finder.Runnable(abs) {
			found = abs
		}
	}
	if found == "" {
		r.pass(a.step, "no such Python")
		missing := r.notInstalled(a)
		missing.Program = true
		return Target{}, missing
	}
	found = r.absolute(found)
	return r.decide(a.step, Target{Path: found, Interpreter: r.identify(found), FromPath: fromPath}), nil
}

func (r *resolver) absolute(path string) string {
	if filepath.IsAbs(path) || r.Host.Dir == "" {
		return path
	}
	return filepath.Join(r.Host.Dir, path)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// find returns the interpreter that satisfies the request and the constraint: managed or from PATH,
// as uv's preference has it. What is unusual and not asked for, a prerelease or a debug build,
// answers only if nothing else does.
func (r *resolver) find(request version.Request) (Target, bool) {
	preference, _ := r.UV.FindPreference(r.env, r.Up)
	var order []func(version.Request) (Target, bool)
	switch preference {
	case uv.OnlyManaged:
		order = append(order, r.fromManaged)
	case uv.OnlySystem:
		order = append(order, r.fromPath)
	case uv.System1st:
		order = append(order, r.fromPath, r.fromManaged)
	default:
		order = append(order, r.fromManaged, r.fromPath)
	}
	var unusual *Target
	for _, look := range order {
		t, ok := look(request)
		switch {
		case !ok:
		case request.Asked(t.Interpreter):
			return t, true
		case unusual == nil:
			unusual = &t
		}
	}
	if unusual == nil {
		return Target{}, false
	}
	return *unusual, true
}

// fromManaged returns the managed interpreter that uv would choose.
func (r *resolver) fromManaged(request version.Request) (Target, bool) {
	var list []uv.Managed
	var interpreters []version.Interpreter
	for _, m := range r.UV.Managed() {
		if both(request.Matches(m.Interpreter), r.Constraint.Matches(m.Interpreter)) == version.Yes {
			list = append(list, m)
			interpreters = append(interpreters, m.Interpreter)
		}
	}
	for {
		i := version.Choose(request, interpreters)
		if i < 0 {
			// >=3.10 does not ask for PyPy, but the name pypy does
			i = version.Choose(r.byName(), interpreters)
		}
		if i < 0 {
			return Target{}, false
		}
		if m := list[i]; m.Runnable() {
			path := m.Path(request.NamesPatch() || r.Constraint.NamesPatch())
			return Target{Path: path, Interpreter: m.Interpreter, Managed: &m}, true
		}
		list, interpreters = slices.Delete(list, i, i+1), slices.Delete(interpreters, i, i+1)
	}
}

// fromPath returns the first Python on PATH that satisfies the request and the constraint, looking
// for the names that uv looks for. What is uv's own is left to fromManaged.
func (r *resolver) fromPath(request version.Request) (Target, bool) {
	for _, dir := range r.Finder.Dirs() {
		for name := range namesIn(dir, request) {
			path := filepath.Join(dir, name)
			if !r.Finder.Runnable(path) {
				continue
			}
			if _, managed := r.UV.Owner(path); managed {
				continue
			}
			found := r.identify(path)
			if found.Version.Parts > 0 && found.Version.Major < 3 {
				continue
			}
			match := both(request.Matches(found), r.Constraint.Matches(found))
			if match == version.Unknown || found.Version.Parts < 2 || isScript(path) {
				found = r.ask(path)
				match = both(request.Matches(found), r.Constraint.Matches(found))
			}
			// another implementation answers unasked under the bare names only, as in uv
			bare := name == "python" || name == "python3"
			if match == version.Yes && found.Version.Major >= 3 && (bare || found.Impl == "cpython" || request.Asked(found)) {
				return Target{Path: path, Interpreter: found, FromPath: true}, true
			}
		}
	}
	return Target{}, false
}

func both(a, b version.Match) version.Match {
	switch {
	case a == version.No || b == version.No:
		return version.No
	case a == version.Yes && b == version.Yes:
		return version.Yes
	}
	return version.Unknown
}

// namesIn returns the names to try in dir for a request: those that uv asks for, and, unless they
// have a minor in them, every python3.N that is there. Only who comes to those has dir read.
func namesIn(dir string, request version.Request) iter.Seq[string] {
	return func(yield func(string) bool) {
		names := version.Names(request)
		for _, name := range names {
			if !yield(name) {
				return
			}
		}
		if len(names) == 0 || strings.Contains(names[0], "3.") {
			return
		}
		// a FIFO would be waited for
		f, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY, 0)
		if err != nil {
			return
		}
		defer f.Close()
		all, _ := f.Readdirnames(-1)
		all = slices.DeleteFunc(all, func(name string) bool { return !version.MatchName(request, name) })
		slices.SortFunc(all, func(a, b string) int {
			ia, _ := fromName(a)
			ib, _ := fromName(b)
			return version.Order(ia, ib)
		})
		for _, name := range all {
			if !yield(name) {
				return
			}
		}
	}
}
