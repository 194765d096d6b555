package shim

import (
	"os"
	"time"

	"uvshim/policy"
	"uvshim/shim/host"
	"uvshim/shim/nixld"
	"uvshim/shim/preflight"
)

// How long a call may look at an environment that nothing is remembered of. On a terminal somebody
// waits, and gets the warning before the crash; elsewhere a program does. The next call goes on
// where this one stopped. After uv has changed an environment, uv itself took longer.
const (
	scanOnTerminal = 2 * time.Second
	scanElsewhere  = 300 * time.Millisecond
	scanAfter      = 10 * time.Second
)

// A judgement is what is known of a Python and its environment, and what becomes of that.
type judgement struct {
	verdict preflight.Verdict
	seen    preflight.Verdict // for the record; empty where nobody has seen what the environment needs
	text    string            // what is wrong, as a message; empty for nothing, and where the policy wants no word of it
	key     string            // of the policy, which the message falls under
	mode    policy.Mode
	told    bool // this call has printed it
	refusal int  // the exit code, where the policy's strict modes refuse
}

// preflight looks, before it runs, at whether the Python at path and its environment can work here,
// and warns. It refuses what the policy's strict modes refuse: a Python that certainly cannot
// start; and, where a project's environment is about to be used (inProject), one whose libraries
// are missing. A bare python is never refused for its libraries: -V must answer.
func (p *program) preflight(path string, declared policy.Policy, inProject bool) judgement {
	limit := scanElsewhere
	if host.Terminal(os.Stderr) {
		limit = scanOnTerminal
	}
	j := p.judge(path, declared, limit)
	switch {
	case j.text == "":
	case j.mode == policy.Strict && (j.verdict.Certain || inProject && aboutLibraries(j.verdict)):
		p.say.Error("%s", j.text)
		p.say.Hint("refused as %s, preflight.%s = %q; SHIM_DISABLE=1 runs it nevertheless", p.says("preflight."+j.key), j.key, j.mode)
		j.refusal = exitNotRun
	default:
		j.told = p.warnOnce(j.verdict.Identity(), "%s", j.text)
	}
	return j
}

// judge looks at the Python at path for at most limit, and says nothing.
func (p *program) judge(path string, declared policy.Policy, limit time.Duration) judgement {
	modes := declared.Preflight
	if modes.Loader == policy.Off && modes.Libraries == policy.Off {
		return judgement{}
	}
	v, ok := p.verdict(path, limit)
	if !ok {
		return judgement{}
	}
	return p.judged(v.Without(modes.Ignore), declared)
}

// judged returns what the policy makes of a verdict.
func (p *program) judged(v preflight.Verdict, declared policy.Policy) judgement {
	j := judgement{verdict: v, key: "loader", mode: declared.Preflight.Loader}
	if aboutLibraries(v) || v.Partial {
		j.key, j.mode = "libraries", declared.Preflight.Libraries
	}
	// An interpreter's own modules are not what the project needs that it is called in, and of an
	// environment whose loader does not work nobody has looked at the libraries.
	if v.Virtual && (v.Outcome == preflight.OK || aboutLibraries(v)) {
		j.seen = v
	}
	// of a good one there is nothing to say, and a warm call need not look for words
	if j.mode != policy.Off && v.Outcome != preflight.OK {
		j.text = v.Message(p.wording(&v, declared))
		p.fixable(&v)
	}
	return j
}

// tell prints what is wrong, whether or not it was printed before; calls after this one then do
// not.
func (p *program) tell(j judgement) {
	if !p.warnOnce(j.verdict.Identity(), "%s", j.text) {
		p.say.Warning("%s", j.text)
	}
}

// verdict returns the remembered verdict on the Python at path or makes one, within the limit. ok is
// false where another process is at it.
func (p *program) verdict(path string, limit time.Duration) (v preflight.Verdict, ok bool) {
	r := preflight.Request{
		System: nixld.Running(), Env: p.host.Env, Python: path, Dir: p.host.Dir, Memory: preflight.OpenMemory(p.facts),
	}
	if v, _, ok = r.Memory.Load(r); ok {
		return v, true
	}
	host.AllProcessors()
	r.Stop = time.Now().Add(limit)
	v, _, ok = preflight.Run(r, "")
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
