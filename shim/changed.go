package shim

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"uvshim/policy/version"
	"uvshim/shim/builds"
	"uvshim/shim/host"
	"uvshim/shim/launch"
	"uvshim/shim/link"
	"uvshim/shim/lock"
	"uvshim/shim/preflight"
	"uvshim/shim/redact"
	"uvshim/shim/uv"
)

// An inventory is what uv has installed at one time.
type inventory struct {
	pythons []uv.Managed
	builds  []string  // of each
	tools   []uv.Tool // only where the call is about tools
}

func (p *program) inventory(c uvCall) inventory {
	now := inventory{pythons: p.uv.Managed(), tools: p.toolsOf(c)}
	for _, m := range now.pythons {
		now.builds = append(now.builds, m.Build())
	}
	return now
}

// toolsOf returns the tools, where the call is about those.
func (p *program) toolsOf(c uvCall) []uv.Tool {
	if strings.HasPrefix(c.line.Command, "tool ") && c.line.Command != "tool run" {
		return p.uv.Tools()
	}
	return nil
}

// afterChange looks at what uv has changed, says what is missing now, and records all of it with
// the command.
func (p *program) afterChange(c uvCall, before judgement, was inventory, out launch.Outcome) {
	r, relink := p.pythonsSince(c, was)
	r.Change = &lock.Change{Directory: p.host.Dir, Argv: p.typed, Exit: out.Code()}
	if out.Code() != 0 {
		p.explainBuild(out)
	} else {
		p.environmentSince(c, before, &r)
		p.toolsSince(c, was, &r)
	}
	r.UV, r.NixLD = p.system()
	p.note(r)
	if relink {
		p.relink()
	}
}

// explainBuild says what a failed build lacked.
func (p *program) explainBuild(out launch.Outcome) {
	problem, ok := builds.Find(string(out.Tail))
	if !ok {
		return
	}
	p.say.Hint("%s", problem.Message(commandLine(redact.Args(p.typed)), onNixOS()))
}

// environmentSince looks at the environment that was changed and adds it to the record. Of what was
// missing before nothing is said.
func (p *program) environmentSince(c uvCall, before judgement, r *lock.Record) {
	if c.place.Python == "" || len(c.place.Environments) > 0 {
		return
	}
	now := p.judge(c.place.Python, c.declared, scanAfter)
	if worse(before.verdict, now.verdict) && now.text != "" {
		p.tell(now)
	}
	if c.line.Command == "sync" {
		c.place.Settled(p.facts)
	}
	used := p.usedAt(c).with(now.seen)
	if used.project == "" {
		return
	}
	r.Python = append(r.Python, used.entry().Python...)
	r.Project = used.entry().Project
}

// worse reports whether something is wrong now that was not before.
func worse(before, now preflight.Verdict) bool {
	if now.Outcome != before.Outcome {
		return true
	}
	known := before.Required()
	return slices.ContainsFunc(now.Required(), func(f preflight.Finding) bool {
		return !slices.ContainsFunc(known, func(g preflight.Finding) bool {
			return f.Kind == g.Kind && f.Soname == g.Soname && f.SymbolVersion == g.SymbolVersion && f.Distribution == g.Distribution
		})
	})
}

// toolsSince compares the tools with those that were there, adds the difference to the record, says
// what a new one lacks, and whether it can be called by its name.
func (p *program) toolsSince(c uvCall, was inventory, r *lock.Record) {
	now := p.toolsOf(c)
	for _, t := range was.tools {
		if !slices.ContainsFunc(now, func(n uv.Tool) bool { return n.Name == t.Name }) {
			r.RemovedTools = append(r.RemovedTools, t.Name)
		}
	}
	for _, t := range now {
		if slices.ContainsFunc(was.tools, func(o uv.Tool) bool { return same(o, t) }) {
			continue
		}
		r.Tool = append(r.Tool, lock.Tool{Name: t.Name, Request: t.Request, Version: t.Version, Python: t.Wanted(), Resolved: t.Resolved})
		if j := p.judge(t.Exe(), c.declared, scanAfter); j.text != "" {
			p.tell(j)
		}
		p.reachable(t)
	}
}

func same(a, b uv.Tool) bool {
	return a.Name == b.Name && a.Request == b.Request && a.Version == b.Version && a.PythonVer == b.PythonVer && slices.Equal(a.Resolved, b.Resolved)
}

// reachable says where a tool's programs cannot be called by their names, before the shell says
// "command not found". Elsewhere than on NixOS uv's own warning tells what to do.
func (p *program) reachable(t uv.Tool) {
	if len(t.Entrypoints) == 0 || !onNixOS() {
		return
	}
	name, dir := t.Entrypoints[0].Name, filepath.Dir(t.Entrypoints[0].Path)
	if !slices.Contains(filepath.SplitList(p.host.Env.Get("PATH")), dir) {
		p.say.Hint("%s is in %s, which is not on PATH\n  fix        in configuration.nix, then nixos-rebuild switch and a new login:\n               environment.localBinInPath = true;", name, p.tilde(dir))
	}
}

// onNixOS reports whether this machine is NixOS.
func onNixOS() bool {
	_, err := os.Stat("/etc/NIXOS")
	return err == nil
}

// pythonsSince returns what came and went of uv's interpreters as a record, and whether anything
// did.
func (p *program) pythonsSince(c uvCall, was inventory) (r lock.Record, changed bool) {
	now := p.inventory(uvCall{})
	for i, m := range now.pythons {
		at := slices.IndexFunc(was.pythons, func(o uv.Managed) bool { return o.Key == m.Key })
		if at >= 0 && was.builds[at] == now.builds[i] {
			continue
		}
		r.Python = append(r.Python, lock.Python{
			Key: m.Key, Build: now.builds[i], Request: requestFor(c, m.Interpreter),
			Declared: isDeclared(m.Interpreter, c.declared.Python.Versions),
		})
	}
	for _, m := range was.pythons {
		if !slices.ContainsFunc(now.pythons, func(n uv.Managed) bool { return n.Key == m.Key }) {
			r.RemovedPythons = append(r.RemovedPythons, m.Key)
		}
	}
	return r, len(r.Python)+len(r.RemovedPythons) > 0
}

// requestFor returns which of the call's requests brought the interpreter.
func requestFor(c uvCall, i version.Interpreter) string {
	if c.line.Command != "python install" && c.line.Command != "python upgrade" {
		text, _ := c.line.Value("python")
		return text
	}
	for _, word := range c.line.Words {
		if request, err := version.Parse(word); err == nil && request.Matches(i) == version.Yes {
			return word
		}
	}
	return ""
}

// relink makes the shims of interpreters that came and takes away those of others that went, if
// there is a shim directory.
func (p *program) relink() {
	dir := link.Dir(p.dirs.Data)
	if _, err := os.Lstat(filepath.Join(dir, host.Marker)); err != nil || !p.host.Owns(dir) {
		return
	}
	if _, err := p.makeLinks(); err != nil {
		p.warnOnce("", "cannot make the shims: %v", err)
	}
}
