package shim

import (
	"errors"
	"flag"
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
	if why := p.notOurs(link.Dir(p.dirs.Data)); why != "" {
		p.say.Error("cannot make the shims: %s", why)
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
	if why := p.notOurs(link.Dir(p.dirs.Data)); why != "" {
		return link.Result{}, errors.New(why)
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

// notOurs returns why nothing is made in dir, "" where the user may: what is put into another's
// directory is run by its owner.
func (p *program) notOurs(dir string) string {
	if p.host.Owns(dir) {
		return ""
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return say.Quote(p.tilde(dir)) + " is not a directory"
	}
	return say.Quote(p.tilde(dir)) + " belongs to another user"
}
