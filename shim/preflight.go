package shim

import (
	"os"
	"slices"
	"strings"
	"time"

	"uvshim/policy"
	"uvshim/shim/host"
	"uvshim/shim/intercept"
	"uvshim/shim/nixld"
	"uvshim/shim/preflight"
	"uvshim/shim/resolve"
)

// How long a call may look at an environment that nothing is remembered of. On a terminal somebody
// waits, and gets the warning before the crash; elsewhere a program does. The next call goes on
// where this one stopped.
const (
	scanOnTerminal = 2 * time.Second
	scanElsewhere  = 300 * time.Millisecond
)

// preflight looks, before it runs, at whether the Python at path and its environment can work here,
// and warns. It refuses, with an exit code, what the policy's strict modes refuse: a Python that
// certainly cannot start; and, where a project's environment is about to be used (inProject), one
// whose libraries are missing. A bare python is never refused for its libraries: -V must answer.
// What it returns is for the record, and empty where nobody has seen what an environment needs.
func (p *program) preflight(path string, declared policy.Policy, inProject bool) (seen preflight.Verdict, refusal int) {
	modes := declared.Preflight
	if modes.Loader == policy.Off && modes.Libraries == policy.Off {
		return seen, exitOK
	}
	v, ok := p.verdict(preflight.Request{
		System: nixld.Running(), Env: p.host.Env, Python: path, Dir: p.host.Dir, Memory: preflight.OpenMemory(p.facts),
	})
	if !ok {
		return seen, exitOK
	}
	v = v.Without(modes.Ignore)
	// An interpreter's own modules are not what the project needs that it is called in, and of an
	// environment whose loader does not work nobody has looked at the libraries.
	if v.Virtual && (v.Outcome == preflight.OK || aboutLibraries(v)) {
		seen = v
	}
	text := v.Message(preflight.Wording{Dir: p.host.Dir, Libraries: declared.NixLD.Libraries})
	if text == "" {
		return seen, exitOK
	}
	key, mode := "loader", modes.Loader
	if aboutLibraries(v) {
		key, mode = "libraries", modes.Libraries
	}
	refused := mode == policy.Strict && (v.Certain || inProject && aboutLibraries(v))
	switch {
	case mode == policy.Off:
	case refused:
		p.say.Error("%s", text)
		p.say.Hint("refused as the policy says, preflight.%s = %q; SHIM_DISABLE=1 runs it nevertheless", key, mode)
		return seen, exitNotRun
	default:
		p.warnOnce(v.Identity(), "%s", text)
	}
	return seen, exitOK
}

// verdict returns the remembered verdict or makes one, within the time that there is.
func (p *program) verdict(r preflight.Request) (preflight.Verdict, bool) {
	if v, _, ok := r.Memory.Load(r); ok {
		return v, true
	}
	limit := scanElsewhere
	if host.Terminal(os.Stderr) {
		limit = scanOnTerminal
	}
	r.Stop = time.Now().Add(limit)
	v, _, ok := preflight.Run(r, "")
	return v, ok
}

// aboutLibraries tells a verdict on what is installed from one on the loader.
func aboutLibraries(v preflight.Verdict) bool {
	switch v.Outcome {
	case preflight.NotCovered, preflight.ForeignPython:
		return true
	case preflight.NotApplicable:
		return !v.Certain
	}
	return false
}

// runEnvironment returns the Python in the project's environment that a `uv run` is about to use,
// and false for other calls, where there is no complete environment yet, and where an option may
// lead to another one.
func (p *program) runEnvironment(declared policy.Policy) (resolve.Target, bool) {
	if p.call.Tool != intercept.UV || len(p.call.Args) == 0 || p.call.Args[0] != "run" {
		return resolve.Target{}, false
	}
	harmless := []string{"-q", "--quiet", "-v", "--verbose", "--offline", "--frozen", "--locked", "--no-sync", "--no-progress", "--"}
	for _, arg := range p.call.Args[1:] {
		if !strings.HasPrefix(arg, "-") {
			break
		}
		if !slices.Contains(harmless, arg) {
			return resolve.Target{}, false
		}
	}
	return resolve.ProjectEnvironment(p.question(declared))
}
