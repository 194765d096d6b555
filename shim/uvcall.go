package shim

import (
	"uvshim/policy"
	"uvshim/shim/host"
	"uvshim/shim/launch"
	"uvshim/shim/nixld"
	"uvshim/shim/preflight"
	"uvshim/shim/resolve"
	"uvshim/shim/say"
	"uvshim/shim/uv"
	"uvshim/shim/uv/cli"
)

// A uvCall is a call of uv or uvx that concerns an environment, the tools or the interpreters.
type uvCall struct {
	line     cli.Line
	place    resolve.Place
	declared policy.Policy
	plan     launch.Plan
}

// realUV is the way of a call of uv or uvx. What uv only looks at, and what we do not understand,
// goes straight through, and so does a program in an environment that is complete and covered. All
// else is supervised: a change, to see what is missing now and to record it; a run, to explain its
// failure.
func (p *program) realUV() int {
	p.host.Env = p.provide(p.host.Env)
	path, ok := p.findUV(p.call.Name)
	if !ok {
		return p.noUV()
	}
	plan := launch.Plan{Path: path, Args: p.call.Args, Env: launch.ForUV(p.host.Env, p.finder.Dirs())}
	line := cli.Parse(p.call.Name, p.call.Args).With(p.host.Env)
	if line.Class == cli.Through || line.DryRun {
		return p.exec(plan, true)
	}
	host.Roomy()
	declared := p.policy()
	c := uvCall{line: line, declared: declared, plan: plan, place: resolve.ForUV(p.question(declared), line)}
	p.debugPlace(c)
	if refusal := p.undeclared(c); refusal != exitOK {
		return refusal
	}
	before := p.before(c)
	if before.refusal != exitOK {
		return before.refusal
	}
	settled := c.place.Complete && (before.text == "" || before.told)
	if !declared.UV.Supervise || line.Class == cli.Run && settled {
		if line.Class == cli.Run {
			p.recordRun(c, before)
		}
		return p.exec(plan, true)
	}
	return p.supervise(c, before)
}

// before looks at what uv is about to use: the Python that is there, or whether one that uv
// installs could start at all. On a stub loader uv takes another Python without a word, or makes an
// environment that cannot run out of what its cache remembers.
func (p *program) before(c uvCall) judgement {
	switch {
	case c.line.Class == cli.Run && c.place.Python != "":
		return p.preflight(c.place.Python, c.declared, true)
	case c.place.Python != "":
		return p.judge(c.place.Python, c.declared, scanElsewhere)
	case !startsPython(c.line.Command) || c.declared.Preflight.Loader == policy.Off:
		return judgement{}
	}
	if preference, _ := p.uv.FindPreference(p.host.Env, p.up); preference == uv.OnlySystem {
		return judgement{}
	}
	v := preflight.Native(nixld.Running(), p.host.Env)
	// elsewhere than on NixOS uv may have Pythons for another loader
	if !v.Certain || !v.NixOS && v.Outcome != preflight.StubLoader {
		return judgement{}
	}
	j := p.judged(v, c.declared)
	j.told = p.warnOnce(v.Identity(), "%s", j.text)
	return j
}

// startsPython reports whether the command comes to use an interpreter that it finds or installs.
func startsPython(command string) bool {
	switch command {
	case "run", "add", "sync", "venv", "pip install", "pip sync", "tool run", "tool install", "tool upgrade", "python install", "python upgrade":
		return true
	}
	return false
}

// recordRun records the environment that a program runs in.
func (p *program) recordRun(c uvCall, j judgement) {
	if c.place.Python != "" {
		p.record(p.usedAt(c).with(j.seen))
	}
}

// usedAt returns the use of the Python of the call's environment.
func (p *program) usedAt(c uvCall) use {
	u := p.used(resolve.At(p.question(c.declared), c.place.Python), c.declared)
	switch c.place.Kind {
	case resolve.PlaceProject:
		u.project = c.place.Project
	case resolve.PlaceActive, resolve.PlaceFound, resolve.PlaceNamed:
	default:
		u.project = "" // a tool's or a script's environment says nothing of the directory
	}
	return u
}

func (p *program) debugPlace(c uvCall) {
	if !p.call.Debug {
		return
	}
	p.say.Debug("uv %s works on: %s %s", c.line.Command, c.place.Kind, say.Word(c.place.Environment))
	if c.place.Why != "" {
		p.say.Debug("%s", say.Word(c.place.Why))
	}
}
