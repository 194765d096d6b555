package doctor

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"uvshim/shim/lock"
	"uvshim/shim/nixld"
	"uvshim/shim/preflight"
	"uvshim/shim/say"
	"uvshim/shim/uv"
)

// An environment is one that was recorded, or a tool's, and what is known of it on the system that is
// asked about.
type environment struct {
	project string // the directory, or "" for a tool
	tool    string // its name, or ""
	dir     string // of the environment
	gone    bool   // the project
	bare    bool   // a project without an environment
	verdict preflight.Verdict
	err     error
}

func (e environment) python() string { return filepath.Join(e.dir, "bin", "python") }

// lost reports whether the interpreter that the environment was made from is not there.
func (e environment) lost() bool {
	return e.err != nil && errors.Is(e.err, fs.ErrNotExist) && !e.gone || e.err == nil && e.verdict.Outcome == preflight.NotApplicable && e.verdict.Certain
}

// renew is the command that makes the environment anew.
func (m *Machine) renew(e environment) string {
	if e.tool != "" {
		return "uv tool install --force " + say.ShellWord(e.tool)
	}
	return uv.Renew(e.project, m.Dirs.Home)
}

// recorded returns the environments of the recorded projects and of the tools, each once, sorted.
func (m *Machine) recorded() []environment {
	var all []environment
	for _, p := range m.lock().Project {
		if len(all) > 0 && all[len(all)-1].project == p.Path {
			continue // the same directory with another Python
		}
		e := environment{project: p.Path}
		switch dir, err := projectEnvironment(p.Path); {
		case lock.Gone(p.Path):
			e.gone = true
		case err != nil:
			e.err = err
		case dir == "":
			e.bare = true
		default:
			e.dir = dir
		}
		all = append(all, e)
	}
	for _, t := range m.tools() {
		all = append(all, environment{tool: t.Name, dir: t.Dir})
	}
	return all
}

// projectEnvironment returns the environment of a project's directory: itself, .venv in it, or what a
// file .venv names (uv's redirect); "" if there is none.
func projectEnvironment(dir string) (string, error) {
	if exists(filepath.Join(dir, "pyvenv.cfg")) {
		return dir, nil
	}
	venv := filepath.Join(dir, ".venv")
	if _, err := os.Stat(venv); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	target, err := uv.Redirected(venv)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(target, "pyvenv.cfg")); err != nil {
		return "", err
	}
	return target, nil
}

// looked returns the recorded environments with what is known of them on the system asked about.
func (m *Machine) looked() []environment {
	return m.once.looked.get(func() []environment { return m.look(m.System, m.Fresh) })
}

// look looks at all recorded environments, some at a time.
func (m *Machine) look(system *nixld.System, fresh bool) []environment {
	all := m.recorded()
	stop := time.Now().Add(scanning / 3) // two of these are less than what the slowest check has
	turns := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wait sync.WaitGroup
	env := m.Host.Env
	if m.Ran != nil && m.Kind == Running {
		env = m.Ran
	}
	var mu sync.Mutex
	var fault any
	for i := range all {
		e := &all[i]
		if e.dir == "" {
			continue
		}
		wait.Add(1)
		turns <- struct{}{}
		go func() {
			defer wait.Done()
			defer func() { <-turns }()
			defer func() {
				if f := recover(); f != nil {
					mu.Lock()
					fault = f
					mu.Unlock()
				}
			}()
			e.verdict, e.err = m.verdict(preflight.Request{
				System: system, Env: env, Python: e.python(), Dir: m.Host.Dir, Memory: m.memory(), Stop: stop,
			}, fresh)
		}()
	}
	wait.Wait()
	if fault != nil {
		panic(fault) // of the check that asked
	}
	return all
}

// verdict returns the remembered verdict, or makes one and remembers it.
func (m *Machine) verdict(r preflight.Request, fresh bool) (preflight.Verdict, error) {
	if v, _, ok := r.Memory.Load(r); ok && !fresh && (v.Outcome != preflight.Unclear || v.Partial) {
		return v, nil
	}
	v, err := preflight.Check(r)
	if err == nil {
		_ = r.Memory.Save(r, v, "")
	}
	return v, err
}

// environments looks at what the recorded environments were made from: an interpreter that is gone, or
// one of Nix's, whose wheels nix-ld does not help.
func environments(m *Machine) []Finding {
	var lost, built, fixes, moves []string
	n := 0
	for _, e := range m.looked() {
		if e.dir == "" {
			continue
		}
		n++
		switch {
		case e.tool != "" && e.lost():
			// which the check of the tools tells
		case e.lost():
			why := "its interpreter is not there"
			if e.err == nil {
				why = e.verdict.Reason
			}
			lost, fixes = append(lost, e.dir+": "+why), append(fixes, m.renew(e))
		case e.err == nil && e.verdict.Outcome == preflight.NotApplicable:
			built = append(built, e.dir+": "+e.verdict.Python+" -> "+real(e.verdict.Python))
			moves = append(moves, strings.Replace(m.renew(e), "uv venv", "uv venv --managed-python", 1))
		}
	}
	var found []Finding
	if lost != nil {
		found = one(Error, strings.Join(fixes, "\n"), lost, "%s not there any more", many(lost, "environment was made from a Python that is", "environments were made from a Python that is"))
	}
	if built != nil {
		found = append(found, one(Warning, strings.Join(moves, "\n"), built,
			"%s made from a Python that Nix built: nix-ld has no part in it, and wheels that need a library do not work", many(built, "environment is", "environments are"))...)
	}
	switch {
	case found != nil:
		return found
	case n == 0 && m.lock().bad != nil:
		return skip("%s", noLock)
	case n == 0:
		return ok("none are recorded yet")
	}
	return ok("%d recorded, each with its interpreter", n)
}

// name returns how an environment is spoken of.
func (e environment) name() string {
	if e.tool != "" {
		return "tool " + e.tool
	}
	return e.project
}

func sorted(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for name := range set {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
