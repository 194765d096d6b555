package shim

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
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
		return p.usage("no shim has the name "+say.Quote(args[0]), "shim which --help", "")
	}
	declared := p.policy()
	q := p.question(declared)
	q.DefaultPos = p.defaultPos
	target, err := resolve.Python(q)
	for _, warning := range target.Warnings {
		p.say.Warning("%s", warning)
	}
	var missing *resolve.NotInstalled
	if err != nil && !errors.As(err, &missing) {
		p.say.Error("%v", err)
		return exitNotFound
	}
	if asJSON {
		p.printJSON(answerJSON(call.Name, target))
	} else {
		p.printAnswer(target, why)
	}
	p.sayBypassed(call.Name, target.Path)
	if err != nil {
		return p.notInstalled(err)
	}
	return exitOK
}

// sayBypassed says where this shell has another program of the name before the shims, or has no
// shims: what was answered is then not what runs.
func (p *program) sayBypassed(name, answer string) {
	for _, dir := range filepath.SplitList(p.host.Env.Get("PATH")) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
			continue
		}
		if _, err := os.Lstat(filepath.Join(dir, host.Marker)); err != nil && path != answer {
			p.say.Hint("in this shell %s is %s, which stands before the shims on PATH; a new shell, or install.sh again, mends that", name, say.Quote(p.tilde(path)))
		}
		return
	}
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
		fmt.Println(say.Word(t.Path))
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
		fmt.Printf("  %s, %s\n", strings.TrimSpace(version), kind)
	}
	for _, step := range t.Trail {
		step.File = p.tilde(step.File)
		fmt.Printf("  %s\n", say.Word(step.String()))
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
	step := resolve.Step{Source: "pip.command", Value: "uv pip", Decided: true}
	return resolve.Target{Path: path, Source: step.Source, Trail: []resolve.Step{step}}, ok
}

// printProgram prints what is no Python, or in JSON that there is none.
func (p *program) printProgram(t resolve.Target, ok, why, asJSON bool) {
	if !ok {
		t = resolve.Target{}
	}
	switch {
	case asJSON:
		p.printJSON(answerJSON(p.call.Name, t))
	case ok:
		fmt.Println(say.Word(t.Path))
		for _, step := range t.Trail {
			if why {
				fmt.Printf("  %s\n", say.Word(step.String()))
			}
		}
	}
}

// printJSON prints the result of a command. Half a result is none, whatever the command would say of
// it: where it cannot be written, on a full disk say, the command has failed.
func (p *program) printJSON(v any) {
	e := json.NewEncoder(os.Stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		p.say.Error("%v", err)
		p.unprinted = true
	}
}
