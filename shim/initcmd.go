package shim

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"uvshim/policy"
	"uvshim/shim/host"
	"uvshim/shim/nixld"
	"uvshim/shim/provided"
	"uvshim/shim/say"
	"uvshim/shim/survey"
	"uvshim/shim/sync"
)

func initCommand() command {
	return command{
		name:  "init",
		args:  "[--print]",
		short: "write a policy from what this machine has",
		long: `
Declares in your policy.toml what is here already: the Pythons and tools that uv has installed, with
the requirements of their receipts, the default by uv's links or its global pin, what the active
generation of Home Manager has programs.uv install, and the libraries that nix-ld was given beyond its
own list. Each line says where it comes from; what a policy has no word for is a comment. Nothing is
installed or removed, and a policy that is there is never overwritten, but for one that init wrote when
there was no Python and no tool, and that is as it was.

A minor, such as 3.14, is declared where uv keeps it up to date; a patch, such as 3.14.0, where uv's
link leads to just that.

  --print   print it in place of writing it

example: shim init
         shim sync --dry-run
`,
		setup: func(p *program, flags *flag.FlagSet) func([]string) int {
			toPrint := flags.Bool("print", false, "")
			return func(args []string) int {
				if len(args) > 0 {
					return p.extra("init", args)
				}
				return p.initPolicy(*toPrint)
			}
		},
	}
}

func (p *program) initPolicy(toPrint bool) int {
	files := policyFiles(p.host, p.dirs)
	file := files[len(files)-1]
	draft := p.survey().Draft()
	text, empty := draft.Text(), draft.Empty().Text()
	if !toPrint {
		for _, f := range files {
			if _, err := os.Lstat(f); !errors.Is(err, fs.ErrNotExist) && (f != file || text == empty || !untouched(f, empty)) {
				return p.policyThere(f)
			}
		}
		if p.dirs.Home == "" && p.host.Env.Get("SHIM_POLICY") == "" {
			p.say.Error("no place for your policy: HOME is not set")
			return exitUsage
		}
	}
	if _, err := policy.Load(policy.File{Path: file, Data: []byte(text)}); err != nil {
		p.say.Error("what was found makes no policy: %v", err)
		return exitFailed
	}
	if toPrint {
		p.out.print(text)
		return exitOK
	}
	err := p.writePolicy(file, text, empty)
	if errors.Is(err, fs.ErrExist) {
		return p.policyThere(file)
	}
	if err != nil {
		p.say.Error("cannot write %s: %v", say.Quote(p.tilde(file)), unwrapPath(err))
		return exitFailed
	}
	pythons, tools, libraries := draft.Declared()
	p.out.printf("wrote %s, which declares %s\n", say.Word(p.tilde(file)), declares(pythons, tools, libraries))
	if pythons+tools+libraries == 0 {
		p.say.Hint("next: shim declare python 3.14 --default, then shim sync")
	} else {
		p.say.Hint("next: read it, then shim sync --dry-run shows what a sync would do")
	}
	return exitOK
}

// declares counts what a policy declares.
func declares(pythons, tools, libraries int) string {
	var parts []string
	for _, x := range []struct {
		n         int
		one, many string
	}{{pythons, "Python", "Pythons"}, {tools, "tool", "tools"}, {libraries, "library attribute", "library attributes"}} {
		switch {
		case x.n == 1:
			parts = append(parts, "1 "+x.one)
		case x.n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", x.n, x.many))
		}
	}
	if parts == nil {
		return "nothing yet"
	}
	return strings.Join(parts, ", ")
}

func (p *program) policyThere(file string) int {
	p.say.Error("there is a policy: %s", say.Quote(p.tilde(file)))
	p.say.Hint("shim declare adds to it; shim init --print shows what init would write")
	return exitUsage
}

// survey looks at this machine, without what shim fix has added to the environment of this call.
func (p *program) survey() survey.Found {
	system, env := nixld.Running(), p.host.Env
	list, err := provided.Load(p.host, p.dirs.Data)
	if err != nil {
		p.say.Warning("%v", err)
	}
	interp, machine := nixld.NativeInterp()
	found := survey.Read(sync.Place{Host: p.host, Base: p.dirs, UV: p.uv, Facts: p.facts}, system, list.Without(env, nixld.Inspect(system, interp, machine)))
	found.Provided = list.Attributes()
	found.Short = p.tilde
	return found
}

// untouched reports whether a file is as init writes it where nothing is found.
func untouched(file, empty string) bool {
	data, err := host.ReadFile(file, int64(len(empty)))
	return err == nil && string(data) == empty
}

// writePolicy writes a policy where none is, or only an empty one, with the directory locked as shim
// declare does. The error is fs.ErrExist for another that is there now.
func (p *program) writePolicy(file, text, empty string) error {
	real, err := behindLinks(file)
	if err != nil {
		return err
	}
	dir := filepath.Dir(real)
	switch {
	case strings.HasPrefix(real, nixStore):
		return errors.New("it would be in the Nix store: write it with programs.shim.settings")
	case !p.host.Owns(dir):
		return errors.New("its directory belongs to another user")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	lock, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	_ = unix.Flock(int(lock.Fd()), unix.LOCK_EX) // a file system without locks has to do without
	if _, err := os.Lstat(real); err == nil && !untouched(real, empty) {
		return fs.ErrExist
	}
	return host.WriteFile(real, []byte(text), 0o644)
}
