package shim

import (
	"path/filepath"
	"slices"
	"strings"

	"uvshim/shim/launch"
	"uvshim/shim/resolve"
	"uvshim/shim/uv"
	"uvshim/shim/uv/cli"
)

// tailSize is how much of the end of what uv says is kept to explain a failed build, in bytes.
const tailSize = 64 << 10

// supervise runs uv as a child, then tells what came of it and records that.
func (p *program) supervise(c uvCall, before judgement) int {
	plan, ok := p.ready("supervise", c.plan, true)
	if !ok {
		return exitNotRun
	}
	var how launch.Supervision
	if mayBuild(c.line.Command) {
		how.Tail = tailSize
	}
	was := p.inventory(c)
	out, err := plan.Supervise(how)
	if err != nil {
		return p.notRun(plan, err)
	}
	p.up = uv.Look(p.facts, p.host.Dir) // uv may have made a project
	c.place = resolve.ForUV(p.question(c.declared), c.line)
	if c.line.Class == cli.Run {
		p.afterRun(c, before, was, out)
	} else {
		p.afterChange(c, before, was, out)
	}
	return out.Repeat()
}

// mayBuild reports whether the command may build packages, whose failure is explained by what uv
// prints. The standard error of a program that uv runs is left alone.
func mayBuild(command string) bool {
	switch command {
	case "add", "remove", "sync", "pip install", "pip sync", "tool install", "tool upgrade", "venv":
		return true
	}
	return false
}

// afterRun records the environment that a program ran in and, where the program failed and its
// environment lacks something, says so. A success prints nothing.
func (p *program) afterRun(c uvCall, before judgement, was inventory, out launch.Outcome) {
	if c.place.Python != "" {
		p.record(p.usedAt(c).with(p.judge(c.place.Python, c.declared, scanOnTerminal).seen))
	}
	if r, changed := p.pythonsSince(c, was); changed {
		p.note(r)
		p.relink()
	}
	if out.Code() == 0 {
		c.place.Settled(p.facts)
		return
	}
	if interrupted(out) || before.told {
		return
	}
	pythons := p.ranIn(c)
	if out.Exit == uvFailed && !p.started(c, pythons) {
		return
	}
	for _, python := range pythons {
		if j := p.judge(python, c.declared, scanAfter); j.text != "" {
			p.tell(j)
			return
		}
	}
}

// uvFailed is uv's exit status for what went wrong with uv itself. A program may have it as well.
const uvFailed = 2

// started reports whether there was a program for uv to run, by the name that the call has for it. A
// failure to find one has nothing to do with libraries.
func (p *program) started(c uvCall, pythons []string) bool {
	if len(c.line.Program) == 0 || c.line.Has("module") {
		return true
	}
	name, _, _ := strings.Cut(c.line.Program[0], "@")
	if strings.ContainsRune(name, '/') || strings.HasSuffix(name, ".py") {
		return true
	}
	if _, ok := p.finder.Program(name); ok {
		return true
	}
	return slices.ContainsFunc(pythons, func(python string) bool {
		return p.finder.Runnable(filepath.Join(filepath.Dir(python), name))
	})
}

// interrupted reports an end that the user or the system asked for, where nothing is to be
// explained.
func interrupted(out launch.Outcome) bool {
	switch out.Code() {
	case 128 + 1, 128 + 2, 128 + 9, 128 + 13, 128 + 15: // SIGHUP, SIGINT, SIGKILL, SIGPIPE, SIGTERM
		return true
	}
	return false
}
