package shim

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"uvshim/policy/version"
	"uvshim/shim/host"
	"uvshim/shim/link"
	"uvshim/shim/lock"
	"uvshim/shim/say"
)

func linkCommand() command {
	return command{
		name:  "link",
		short: "(re)create the shims",
		long: `
Puts this program into the shim directory under the names python, python3, uv, uvx, pip and pip3,
and python3.N for each Python that uv has installed, and removes the shims of Pythons that are gone.
Run it after an upgrade of shim. Where the uv of the shims installs a Python, it is done already. A
shim.lock that makes no sense is set aside, and a new one begun.

example: shim link
`,
		setup: func(p *program, _ *flag.FlagSet) func([]string) int {
			return func(args []string) int {
				if len(args) > 0 {
					return p.extra("link", args)
				}
				return p.link()
			}
		},
	}
}

func (p *program) link() int {
	if p.dirs.Data == "" {
		p.say.Error("no place for the shims: HOME is not set")
		return exitUsage
	}
	if _, gone := p.homeless(); gone && p.host.Env.Get("XDG_DATA_HOME") == "" {
		p.say.Error("no place for the shims: the home directory is not there")
		return exitUsage
	}
	if dir := link.Dir(p.dirs.Data); !p.host.Owns(dir) {
		p.say.Error("%s belongs to another user, who would then run what you put there", say.Quote(dir))
		return exitFailed
	}
	r, err := p.makeLinks()
	if err != nil {
		p.say.Error("cannot make the shims: %v", err)
		return exitFailed
	}
	dir := say.Word(p.tilde(r.Dir))
	switch {
	case len(r.Made) > 0:
		p.out.printf("made %s in %s\n", strings.Join(r.Made, ", "), dir)
	case len(r.Removed) == 0:
		p.out.printf("all shims in %s are up to date\n", dir)
	}
	if len(r.Removed) > 0 {
		p.out.printf("removed %s: no such Python is installed\n", strings.Join(r.Removed, ", "))
	}
	p.mendLock()
	p.recordSystem()
	return exitOK
}

// mendLock sets a lock aside that makes no sense, as the next record would: under the lock's guard, and
// only if it is still so.
func (p *program) mendLock() {
	for _, err := range lock.Open(p.host).Edit(foldWait, func(*lock.Lock) {}) {
		var foreign *lock.NotOwnedError
		none := errors.Is(err, fs.ErrNotExist) // not even its directory: nothing to mend
		if !none && !errors.As(err, &foreign) && !errors.Is(err, lock.ErrNoPlace) && !errors.Is(err, lock.ErrBusy) {
			p.say.Warning("%s", say.Word(err.Error()))
		}
	}
}

// makeLinks brings the shims up to date with this program and with uv's interpreters.
func (p *program) makeLinks() (link.Result, error) {
	if dir := link.Dir(p.dirs.Data); !p.host.Owns(dir) {
		return link.Result{}, fmt.Errorf("%s belongs to another user", say.Quote(dir))
	}
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		self, err = os.Open(host.Executed())
	}
	if err != nil {
		return link.Result{}, err
	}
	defer self.Close()
	var interpreters []version.Interpreter
	for _, m := range p.uv.Managed() {
		interpreters = append(interpreters, m.Interpreter)
	}
	return link.Make(p.dirs.Data, self, link.Names(interpreters))
}
