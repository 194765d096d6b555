package shim

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"

	"uvshim/policy"
	"uvshim/shim/host"
	"uvshim/shim/intercept"
	"uvshim/shim/resolve"
	"uvshim/shim/say"
)

func whichCommand() command {
	return command{
		name:  "which",
		args:  "[NAME [+VERSION]] [--why] [--json]",
		short: "the real program that NAME would run here, and why",
		long: `
NAME is python, if not given, or any other name of a shim: python3, python3.12, pypy, uv, uvx, pip.

  --why    also each source that was asked, in order, and what came of it
  --json   the same for programs

example: shim which python3.13 --why
`,
		words: []string{"python", "python3", "uv", "uvx", "pip"},
		setup: func(p *program, flags *flag.FlagSet) func([]string) int {
			why := flags.Bool("why", false, "")
			asJSON := flags.Bool("json", false, "")
			return func(args []string) int { return p.which(args, *why, *asJSON) }
		},
	}
}

// A whichAnswer is the JSON of shim which.
type whichAnswer struct {
	Version       int         `json:"version"`
	Name          string      `json:"name"`
	Path          string      `json:"path"`
	Argv0         string      `json:"argv0"`
	Request       string      `json:"request"`
	PythonVersion string      `json:"python-version"`
	Source        string      `json:"source"`
	Trail         []whichStep `json:"trail"`
}

type whichStep struct {
	Step    string `json:"step"`
	Value   string `json:"value"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Decided bool   `json:"decided"`
	Reason  string `json:"reason"`
}

func (p *program) which(args []string, why, asJSON bool) int {
	if len(args) == 0 {
		args = []string{"python"}
	}
	call, err := intercept.Parse(args, p.host.Env)
	if err != nil {
		return p.usage(err.Error(), "shim which --help", "")
	}
	if len(call.Args) > 0 {
		return p.extra("which", call.Args)
	}
	p.call.Name, p.call.Constraint, p.call.Explicit = call.Name, call.Constraint, call.Explicit
	switch call.Tool {
	case intercept.UV, intercept.UVX:
		path, ok := p.findUV(p.call.Name)
		p.printProgram(resolve.Target{Path: path, Source: "PATH"}, ok, why, asJSON)
		if !ok {
			return p.noUV()
		}
		return exitOK
	case intercept.Pip:
		target, ok := p.whichPip()
		p.printProgram(target, ok, why, asJSON)
		switch {
		case ok:
			return exitOK
		case target.Source == "PATH":
			return p.noPip()
		}
		return p.noUV()
	case intercept.Shim:
		return p.usage("no shim has the name "+say.Quote(args[0]), "shim which --help", nearest(args[0], whichCommand().words))
	}
	declared := p.policy()
	q := p.question(declared)
	q.DefaultPos = p.defaultPos
	target, err := resolve.Python(q)
	for _, warning := range p.warnings(target) {
		p.say.Warning("%s", warning)
	}
	var missing *resolve.NotInstalled
	if err != nil && !errors.As(err, &missing) {
		p.say.Error("%v", err)
		return exitNotFound
	}
	if asJSON {
		p.out.json(answerJSON(call.Name, target))
	} else {
		p.printAnswer(target, why)
	}
	p.sayBypassed(call, target)
	if err != nil {
		return p.notInstalled(err, declared)
	}
	return exitOK
}

// sayBypassed says where this shell has another program of the name before the shims, or has no
// shims: what was answered is then not what runs.
func (p *program) sayBypassed(call intercept.Call, answer resolve.Target) {
	for _, dir := range filepath.SplitList(p.host.Env.Get("PATH")) {
		path := filepath.Join(dir, call.Name)
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
			continue
		}
		_, none := os.Lstat(filepath.Join(dir, host.Marker))
		switch shown := say.Quote(p.tilde(path)); {
		case none == nil || path == answer.Path:
		case !p.environmentBin(dir):
			p.say.Hint("in this shell %s is %s, which stands before the shims on PATH; a new shell, or install.sh again, mends that", call.Name, shown)
		case strings.HasPrefix(call.Explicit, "+") && answer.Path != "":
			p.say.Hint("in this shell %s is %s, the environment's own, which takes %s for the name of a file: type %s", call.Name, shown, say.Word(call.Explicit), answer.Interpreter.Executable())
		default:
			p.say.Hint("in this shell %s is %s, the environment's own, and no shim", call.Name, shown)
		}
		return
	}
}

// environmentBin reports whether dir has the programs of an environment, which whoever put it before
// the shims wants to answer.
func (p *program) environmentBin(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, "..", "pyvenv.cfg"))
	return err == nil || p.host.Env.Get("CONDA_PREFIX") != "" && filepath.Clean(dir) == filepath.Join(p.host.Env.Get("CONDA_PREFIX"), "bin")
}

// defaultPos returns where the policy's default stands.
func (p *program) defaultPos() (string, int) {
	loaded, err := readPolicy(policyFiles(p.host, p.dirs))
	if err != nil {
		return "", 0
	}
	return loaded.Source("python.default")
}

func (p *program) printAnswer(t resolve.Target, why bool) {
	if t.Path != "" {
		p.out.println(say.Word(t.Path))
	}
	if !why {
		return
	}
	if t.Path != "" {
		kind := "not managed by uv"
		if _, ok := p.uv.Owner(t.Path); ok {
			kind = "managed by uv"
		}
		if t.Environment != "" {
			kind = "in the environment " + say.Word(p.tilde(t.Environment))
		}
		version := "Python " + t.Interpreter.Version.String()
		if t.Interpreter.Impl != "" && t.Interpreter.Impl != "cpython" {
			version = t.Interpreter.Impl + ", " + version
		}
		p.out.printf("  %s, %s\n", strings.TrimSpace(version), kind)
	}
	for _, step := range t.Trail {
		p.out.printf("  %s\n", say.Word(say.Tildes(step.String(), p.dirs.Home)))
	}
}

func answerJSON(name string, t resolve.Target) whichAnswer {
	a := whichAnswer{
		Version: 1, Name: name,
		Path: text(t.Path), Argv0: text(t.Path),
		Request: text(t.Request), PythonVersion: t.Interpreter.Version.String(),
		Source: t.Source, Trail: []whichStep{},
	}
	for _, s := range t.Trail {
		a.Trail = append(a.Trail, whichStep{
			s.Source, text(s.Value), text(s.File), s.Line, s.Decided, text(s.Reason)})
	}
	return a
}

// whichPip returns what a pip would run here: a pip, or the uv that stands in for it.
func (p *program) whichPip() (t resolve.Target, ok bool) {
	if path, ok := p.activePip(); ok {
		return resolve.Target{Path: path, Source: "environment"}, true
	}
	if p.policy().Pip.Command == policy.PipOff {
		path, ok := p.finder.Program(p.call.Name)
		return resolve.Target{Path: path, Source: "PATH"}, ok
	}
	path, ok := p.findUV("uv")
	t.Path, t.Source = path, "pip.command"
	for _, name := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
		if dir := p.host.Env.Get(name); dir != "" {
			t.Trail = append(t.Trail, resolve.Step{Source: name, Value: dir, Reason: "it has no " + p.call.Name + " that can be run"})
			break
		}
	}
	into := resolve.Step{Source: "environment", Value: p.pipPlace(p.policy()).Environment}
	if into.Value == "" {
		into.Reason = "none is active and no project is here, so that pip install is refused"
	}
	t.Trail = append(t.Trail, resolve.Step{Source: "pip.command", Value: "uv pip", Decided: true}, into)
	return t, ok
}

// printProgram prints what is no Python, or in JSON that there is none.
func (p *program) printProgram(t resolve.Target, ok, why, asJSON bool) {
	if !ok {
		t = resolve.Target{}
	}
	switch {
	case asJSON:
		p.out.json(answerJSON(p.call.Name, t))
	case ok:
		p.out.println(say.Word(t.Path))
		for _, step := range t.Trail {
			if why {
				p.out.printf("  %s\n", say.Word(say.Tildes(step.String(), p.dirs.Home)))
			}
		}
	}
}
