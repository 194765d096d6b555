package shim

import (
	"path/filepath"
	"strings"

	"uvshim/policy"
	"uvshim/shim/intercept"
	"uvshim/shim/launch"
	"uvshim/shim/pip"
	"uvshim/shim/resolve"
	"uvshim/shim/uv/cli"
)

// pip is the way of a call of pip: the real one of what the user activated, or else uv's.
func (p *program) pip() int {
	if path, ok := p.activePip(); ok {
		p.host.Env = p.provide(p.host.Env)
		return p.exec(launch.Plan{Path: path, Args: p.call.Args, Env: p.host.Env}, false)
	}
	declared := p.policy()
	if declared.Pip.Command == policy.PipOff {
		return p.bypass()
	}
	place := p.pipPlace(declared)
	answer := pip.Translate(pip.Call{
		Name: p.call.Name, Args: p.call.Args, Env: p.host.Env, Dirs: p.dirs, Dir: p.host.Dir,
		Environment: place.Environment, Project: place.Kind != resolve.PlaceActive,
	})
	switch answer.Kind {
	case pip.Say:
		p.out.print(answer.Text)
		return exitOK
	case pip.UV:
		if _, ok := p.findUV("uv"); !ok {
			return p.noUV()
		}
		p.call.Tool, p.call.Name, p.call.Args = intercept.UV, "uv", answer.Args
		if answer.Env != nil {
			p.host.Env = answer.Env
		}
		return p.realUV()
	}
	p.say.Error("%s", answer.Error)
	for _, hint := range answer.Hints {
		p.say.Hint("%s", hint)
	}
	return exitUsage
}

// pipPlace returns the environment that a pip install is for.
func (p *program) pipPlace(declared policy.Policy) resolve.Place {
	q := p.question(declared)
	// pip belongs to an environment, whatever uv is told to take for its own calls
	q.Host.Env = q.Host.Env.Without("UV_PYTHON").Without("UV_SYSTEM_PYTHON")
	return resolve.ForUV(q, cli.Parse("uv", []string{"pip", "install"}).With(q.Host.Env))
}

// activePip returns the real pip of the environment or the Nix shell that the user activated.
func (p *program) activePip() (string, bool) {
	for _, name := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
		if dir := p.host.Env.Get(name); filepath.IsAbs(dir) {
			path := filepath.Join(dir, "bin", p.call.Name)
			return path, p.finder.Runnable(path)
		}
	}
	if p.host.Env.Get("IN_NIX_SHELL") == "" && p.host.Env.Get("DIRENV_DIR") == "" {
		return "", false
	}
	for _, dir := range p.finder.Dirs() {
		if path := filepath.Join(dir, p.call.Name); strings.HasPrefix(dir, "/nix/store/") && p.finder.Runnable(path) {
			return path, true
		}
	}
	return "", false
}

// noPip says that there is no pip where the policy wants uv not to stand in for it.
func (p *program) noPip() int {
	p.say.Error("%s is not installed: there is none on PATH besides this shim, and the policy has pip.command = \"off\"", p.call.Name)
	p.say.Hint("uv pip does what pip does, in an environment: uv venv, then uv pip install")
	return exitNotFound
}
