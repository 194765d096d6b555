// Package shim is the program: what happens from a call of python or uv until the real program
// runs, and the shim command itself.
package shim

import (
	"errors"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"uvshim/policy"
	"uvshim/shim/host"
	"uvshim/shim/intercept"
	"uvshim/shim/launch"
	"uvshim/shim/remember"
	"uvshim/shim/resolve"
	"uvshim/shim/say"
	"uvshim/shim/uv"
)

// The exit codes, which scripts may rely on.
const (
	exitOK       = 0
	exitFailed   = 1   // a check failed
	exitUsage    = 2   // usage, or broken input
	exitNotRun   = 126 // found but not run
	exitNotFound = 127
)

// A program is one call of shim and what it works with.
type program struct {
	host   host.Host
	call   intercept.Call
	typed  []string // the call as it came
	dirs   host.Dirs
	uv     uv.Dirs
	up     *uv.Upward
	facts  remember.Store
	finder *host.Finder
	say    say.Speaker
	out    *output
}

// Main runs the program and returns its exit code; where a real program runs in its place, it does
// not return.
func Main() int {
	h := host.Current()
	call, err := intercept.Parse(h.Args, h.Env, host.Executed, host.Self)
	dirs, facts := h.Dirs(), remember.Open(h)
	p := &program{
		host:   h,
		call:   call,
		typed:  append([]string{call.Name}, call.Args...),
		dirs:   dirs,
		uv:     uv.Locate(h.Env, dirs, h.Dir),
		up:     uv.Look(facts, h.Dir),
		facts:  facts,
		finder: host.NewFinder(h.Env.Get("PATH")),
		out:    &output{file: os.Stdout},
		say: say.Speaker{W: os.Stderr, Home: dirs.Home, Color: func() bool {
			return h.Env.Get("NO_COLOR") == "" && host.Terminal(os.Stderr)
		}},
	}
	if err != nil {
		p.say.Error("%v", err)
		p.say.Hint("a selector is a version: python +3.12, python +pypy@3.11; for a file of that name, python ./%s", say.Word(call.Args[0]))
		return exitUsage
	}
	switch {
	case call.Tool == intercept.Shim:
		host.AllProcessors()
		return p.end(p.command())
	case h.Env.Get(host.Asking) != "":
		return exitNotFound
	case call.Disabled:
		return p.bypass()
	case call.Tool == intercept.Python:
		return p.python()
	case call.Tool == intercept.Pip:
		return p.end(p.pip())
	default:
		return p.realUV()
	}
}

// python is the way of a call of python: policy, resolve, preflight, record, exec.
func (p *program) python() int {
	host.Roomy()
	p.host.Env = p.provide(p.host.Env)
	declared := p.policy()
	target, err := p.resolve(declared)
	if err != nil {
		return p.notInstalled(err, declared)
	}
	if !p.call.Probe {
		for _, text := range p.warnings(target) {
			p.warnOnce("", "%s", text)
		}
		judged := p.preflight(target.Path, declared, false)
		if judged.refusal != exitOK {
			return judged.refusal
		}
		p.record(p.used(target, declared).with(judged.seen))
	}
	return p.exec(launch.Plan{Path: target.Path, Args: p.call.Args, Env: p.host.Env}, target.FromPath)
}

// warnings returns what a resolved Python is to be warned of here.
func (p *program) warnings(t resolve.Target) []string {
	if len(t.Told) > 0 && host.Terminal(os.Stderr) {
		return append(slices.Clip(t.Warnings), t.Told...)
	}
	return t.Warnings
}

// uvBusy bounds the wait for uv to finish what it does to the interpreters.
const uvBusy = 10 * time.Second

// exec runs the plan in place of this process, and says why where that fails. fromPath tells that
// the program was found on PATH, where version managers may send us round in circles.
func (p *program) exec(plan launch.Plan, fromPath bool) int {
	plan, ok := p.ready("exec", plan, fromPath)
	if !ok {
		return exitNotRun
	}
	host.AsStarted()
	return p.notRun(plan, plan.Exec())
}

// notRun says why a program did not run.
func (p *program) notRun(plan launch.Plan, err error) int {
	p.say.Error("cannot run %s: %v", say.Quote(plan.Path), err)
	switch m, managed := p.uv.Owner(plan.Path); {
	case errors.Is(err, unix.E2BIG):
		p.say.Hint("a file of arguments, xargs, or a higher ulimit -s helps")
	case managed && (errors.Is(err, unix.ENOEXEC) || errors.Is(err, unix.EACCES)):
		p.sayReinstall(m)
	}
	return exitNotRun
}

// ready returns the plan with what must be in its environment, and false for a program that leads
// back to us. how is the debug output's word for the way it runs.
func (p *program) ready(how string, plan launch.Plan, fromPath bool) (launch.Plan, bool) {
	plan.Plain = p.host.Env
	if fromPath {
		env, ok := launch.Hop(plan.Env, p.host.PID, os.Getppid(), launch.Now())
		if !ok {
			p.say.Error("%q is a loop: %q on PATH leads back to shim", p.call.Name, plan.Path)
			p.say.Hint("take the other version manager's shims off PATH, or set SHIM_DISABLE=1 for it")
			return plan, false
		}
		plan.Env = env
	}
	if p.call.Debug {
		for _, line := range launch.Diff(p.host.Env, plan.Env) {
			p.say.Debug("env %s", say.Word(line))
		}
		p.say.Debug("%s %s", how, say.Quote(plan.Path))
	}
	return plan, true
}

// policy returns what the user declared. A broken policy costs a warning, and the last good one
// counts, or none.
func (p *program) policy() policy.Policy {
	declared, err := loadPolicy(p.host, p.dirs, p.facts)
	switch {
	case err == nil || p.call.Probe:
	case p.call.Tool == intercept.Shim:
		p.say.Warning("%v", err) // who asks is to hear it each time
	default:
		p.warnOnce(policyIdentity(policyFiles(p.host, p.dirs)), "%v", err)
	}
	return declared
}

// warnOnce prints a warning that would come with every call only once for each text and identity
// of what it is about: once on a terminal and once where standard error is none. Where no claim to
// having printed it can be kept, it is printed on a terminal and not elsewhere. It reports whether
// it printed.
func (p *program) warnOnce(identity, format string, args ...any) bool {
	tty := host.Terminal(os.Stderr)
	first, err := p.facts.Claim(identity+"\n"+say.Sprintf(format, args...), tty)
	if err != nil {
		first = tty
	}
	if first {
		p.say.Warning(format, args...)
	}
	return first
}
