package shim

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"uvshim/policy"
	"uvshim/shim/elfdeps"
	"uvshim/shim/fix"
	"uvshim/shim/host"
	"uvshim/shim/lock"
	"uvshim/shim/nixld"
	"uvshim/shim/preflight"
	"uvshim/shim/provided"
	"uvshim/shim/say"
	"uvshim/shim/uv"
)

func fixCommand() command {
	return command{
		name:  "fix",
		args:  "[--dry-run] [--all] [--option NAME VALUE] [--list] [--undo [ATTRIBUTE]] [-- NIX-OPTION…]",
		short: "provide missing libraries to you now, without a rebuild",
		long: `
Has your own nix build or download what the environment here lacks, or outside any project what all
recorded projects and tools lack, from the nixpkgs that this system was made with. What python, uv
and uvx run from then on finds it: its directories are appended to NIX_LD_LIBRARY_PATH, which
programs of Nix do not look at. Nothing else changes, and no other user.

It is for now: the line for configuration.nix, which is for good, is printed as well. What does not
run through shim, an activated environment's python, IDEs, services, gets it from shim env.

  --dry-run            print what would be built and appended, and do nothing
  --all                for all recorded projects and tools, wherever this is called
  --list               what is provided, for whom, and since when nothing needs it
  --undo [ATTRIBUTE]   take it back, or only the one
  --option NAME VALUE  an option for nix; what stands after -- is handed to it as well

Exit codes: 0 nothing is missing any more, 1 something is, 2 usage or a broken policy.

example: shim fix --dry-run
         shim fix -- --cores 2
`,
		setup: func(p *program, flags *flag.FlagSet) func([]string) int {
			var o fixOptions
			flags.BoolVar(&o.dryRun, "dry-run", false, "")
			flags.BoolVar(&o.all, "all", false, "")
			flags.BoolVar(&o.list, "list", false, "")
			flags.BoolVar(&o.undo, "undo", false, "")
			flags.Func("option", "", func(name string) error {
				o.names = append(o.names, name)
				return nil
			})
			return func(words []string) int {
				words, ok := o.take(words, p.call.Args)
				switch {
				case !ok:
					return p.usage("--option wants a name and a value", "shim fix --help", "")
				case o.undo && (o.dryRun || o.list || o.all || o.nix != nil), o.list && (o.dryRun || o.nix != nil):
					return p.usage("these options do not go together", "shim fix --help", "")
				case o.undo && len(words) <= 1:
					return p.unfix(words)
				case len(words) > 0:
					return p.extra("fix", words)
				}
				f, code := p.fixing()
				switch {
				case code != exitOK:
					return code
				case o.list:
					return f.tellList()
				}
				return f.run(o)
			}
		},
	}
}

type fixOptions struct {
	dryRun, all, list, undo bool
	names                   []string // of --option, whose values come as words
	nix                     []string // options for nix
}

// take sorts the words of the command line into the values of --option and what follows --, and
// returns the others.
func (o *fixOptions) take(words, line []string) (rest []string, ok bool) {
	var after []string
	if i := slices.Index(line, "--"); i >= 0 {
		after = line[i+1:]
		words = words[:len(words)-len(after)]
	}
	if len(words) < len(o.names) {
		return nil, false
	}
	for i, name := range o.names {
		o.nix = append(o.nix, "--option", name, words[i])
	}
	o.nix = append(o.nix, after...)
	return words[len(o.names):], true
}

// A fixing is one run of shim fix.
type fixing struct {
	*program
	declared policy.Policy
	release  nixld.Release
	state    nixld.State // of foreign programs, without what is provided
	plain    host.Env    // the environment without what is provided
	list     provided.List
	said     []string // the Pythons that shim fix was said to help and that lacked something
}

// fixing looks at what there is.
func (p *program) fixing() (*fixing, int) {
	f := &fixing{program: p}
	if p.dirs.Data == "" {
		p.say.Error("no place for libraries: HOME is not set")
		return f, exitUsage
	}
	loaded, err := readPolicy(policyFiles(p.host, p.dirs))
	if err != nil {
		return f, p.badPolicy(err)
	}
	f.declared = loaded.Policy
	f.release, _ = nixld.ReadRelease(nixld.Running())
	f.load()
	interp, machine := nixld.NativeInterp()
	f.state = nixld.Examine(nixld.Running(), f.plain, interp, machine)
	return f, exitOK
}

// load reads the list. A damaged one is as good as none: it is written anew.
func (f *fixing) load() {
	list, err := provided.Load(f.host, f.dirs.Data)
	if err != nil {
		f.say.Warning("%v", err)
	}
	f.list, f.plain = list, list.Without(f.host.Env, f.loader())
}

// targets looks at the environment here or, with all or where there is none, at all that are
// recorded, with what list provides; and at those that a warning has sent the user here for. What
// cannot be looked at is said.
func (f *fixing) targets(list provided.List, all bool) []fix.Target {
	p := *f.program
	p.host.Env = list.Extend(f.plain, f.loader())
	c := &check{program: &p, world: nixld.Running(), declared: f.declared}
	var out []fix.Target
	add := func(name string, t checked) {
		known := func(o fix.Target) bool {
			return o.Verdict.Python == t.verdict.Python || o.Verdict.Virtual && o.Verdict.Environment == t.verdict.Environment
		}
		if t.err != nil {
			f.say.Warning("%s cannot be looked at: %v", say.Quote(name), unwrapPath(t.err))
		} else if !slices.ContainsFunc(out, known) {
			out = append(out, fix.Target{Name: name, Verdict: t.verdict})
		}
	}
	tools := p.uv.Tools()
	inside := p.up.ProjectDir() != "" || p.host.Env.Get("VIRTUAL_ENV") != ""
	if inside {
		here := c.here()
		add(p.tilde(strings.TrimSuffix(here.path, "/.venv")), here)
	}
	for _, python := range p.saidFixable() {
		dir := filepath.Dir(filepath.Dir(python))
		t := c.look(dir, preflight.Request{Python: python})
		lacks := t.err == nil && t.verdict.Virtual && len(t.verdict.Required()) > 0
		if lacks && !slices.Contains(f.said, python) {
			f.said = append(f.said, python)
		}
		if slices.Contains(f.said, python) {
			name := p.tilde(strings.TrimSuffix(dir, "/.venv"))
			if i := slices.IndexFunc(tools, func(t uv.Tool) bool { return t.Dir == dir }); i >= 0 {
				name = "tool " + tools[i].Name
			}
			add(name, t)
		}
	}
	if inside && !all {
		return out
	}
	l, _ := p.readLock()
	for _, project := range onePerPath(l.Project) {
		for _, dir := range []string{project.Path, filepath.Join(project.Path, ".venv")} {
			if _, err := os.Stat(filepath.Join(dir, "pyvenv.cfg")); err == nil {
				add(p.tilde(project.Path), c.target(dir))
			}
		}
	}
	for _, t := range tools {
		if t.Broken == nil {
			add("tool "+t.Name, c.target(t.Dir))
		}
	}
	return out
}

// run provides what is missing.
func (f *fixing) run(o fixOptions) int {
	targets := f.targets(f.list, o.all)
	plan := fix.Make(targets)
	if o.dryRun || len(plan.Wants) == 0 && plan.Driver == nil {
		return f.planned(targets, plan, o)
	}
	if why := f.notOurs(provided.Dir(f.dirs.Data)); why != "" {
		f.say.Error("%s", why)
		return exitFailed
	}
	if !provided.Fits(provided.Dir(f.dirs.Data)) {
		f.say.Error("%s cannot stand in a library path", say.Quote(f.dirs.Data))
		return exitFailed
	}
	release, err := fix.Hold(f.dirs.Data, func() { f.say.Hint("another shim fix is at work; waiting for it") })
	if err != nil {
		f.say.Error("cannot keep libraries: %v", err)
		return exitFailed
	}
	defer release()
	was := f.list
	if f.load(); !slices.Equal(was, f.list) {
		targets = f.targets(f.list, o.all)
		plan = fix.Make(targets)
	}
	if err := f.list.Clean(f.dirs.Data); err != nil {
		f.say.Warning("%v", err)
	}
	list, news, failed := f.build(plan, o)
	now := f.targets(list, o.all)
	if r, worse := fix.Worse(targets, now); worse {
		f.say.Error("not provided, as with it %s would lack %s: %s", say.Word(r.For[0]), say.Word(r.What), say.Word(r.Why))
		f.clean()
		return exitFailed
	}
	if len(news) > 0 {
		if err := list.Save(f.dirs.Data); err != nil {
			f.say.Error("cannot keep the list of libraries: %v", err)
			f.clean()
			return exitFailed
		}
		f.list = list
	}
	for _, x := range news {
		f.out.printf("provided   %s\n             %s\n", x.Attribute, say.Word(f.tilde(x.Dir)))
	}
	return f.tellOutcome(targets, now, failed)
}

// clean removes what was built and is not provided.
func (f *fixing) clean() {
	if err := f.list.Clean(f.dirs.Data); err != nil {
		f.say.Warning("%v", err)
	}
}

// build builds what the plan wants. It returns the list with what may be used, those that are new in
// it, and whether something failed.
func (f *fixing) build(plan fix.Plan, o fixOptions) (list, news provided.List, failed bool) {
	list = slices.DeleteFunc(slices.Clone(f.list), func(x provided.Library) bool { return !x.There() })
	today := string(lock.DayOf(time.Now()))
	if w := plan.Driver; w != nil {
		for _, dir := range f.driverDirs(*w) {
			news = append(news, provided.Library{Attribute: provided.Driver, Dir: dir, Since: today})
		}
	}
	b, ok := f.builder(plan, o)
	if !ok {
		return append(list, news...), news, true
	}
	files := elfdeps.NewFiles(nixld.Running().ELF(), nil)
	for _, w := range plan.Wants {
		fail := func(err error) {
			f.say.Error("%s is not provided: %v", say.Word(w.Attribute), err)
			failed = true
		}
		if list.Has(w.Attribute) {
			fail(fmt.Errorf("it is already, and has no %s", say.Word(strings.Join(w.Sonames, ", "))))
			continue
		}
		f.say.Hint("building %s with %s from %s (%s)", say.Word(w.Attribute), b.Source.Program(), say.Word(b.Source.String()), b.Source.From)
		dirs, err := b.Build(w, f.links(w))
		for _, dir := range dirs {
			if err == nil {
				err = fix.Fits(files, dir, f.state.Target.Version)
			}
		}
		if err != nil {
			fail(err)
			_ = os.RemoveAll(f.links(w))
			if exit := new(exec.ExitError); errors.As(err, &exit) {
				f.say.Hint("what nix says itself stands above; what is not in the store yet needs a network, and a multi-user nix its daemon")
			}
			continue
		}
		for _, dir := range dirs {
			news = append(news, provided.Library{Attribute: w.Attribute, Dir: dir, Since: today})
		}
	}
	return append(list, news...), news, failed
}

// links is the directory for the links to what an attribute is built to.
func (f *fixing) links(w fix.Want) string {
	return filepath.Join(provided.Dir(f.dirs.Data), w.Attribute)
}

// driverDirs returns the directories of the graphics driver that have the wanted libraries.
func (f *fixing) driverDirs(w fix.Want) []string {
	return slices.DeleteFunc(nixld.DriverDirs(nixld.Running()), func(dir string) bool {
		return !slices.ContainsFunc(w.Sonames, func(soname string) bool {
			_, err := os.Stat(filepath.Join(dir, soname))
			return err == nil
		})
	})
}

// builder returns what builds the wants of a plan, and false where there is no nix. Without wants
// none is needed.
func (f *fixing) builder(plan fix.Plan, o fixOptions) (fix.Builder, bool) {
	if len(plan.Wants) == 0 {
		return fix.Builder{}, true
	}
	source, skipped := fix.Find(nixld.Running(), f.host.Env, f.release)
	for _, text := range skipped {
		f.say.Hint("not from %s", say.Word(text))
	}
	b := fix.Builder{Source: source, Env: f.host.Env, Options: o.nix, Output: os.Stderr}
	var ok bool
	if b.Nix, ok = f.finder.Program(source.Program()); !ok {
		b.Nix, ok = host.NewFinder(strings.Join(fix.Places(f.dirs.Home), string(filepath.ListSeparator))).Program(source.Program())
	}
	if !ok {
		b.Nix = source.Program()
		f.say.Error("there is no %s, neither on PATH nor where Nix puts it", b.Nix)
	}
	return b, ok
}

// nixCall returns the call for a want as it can be pasted into a shell.
func nixCall(b fix.Builder, w fix.Want, dir string) (string, error) {
	args, err := b.Args(w.Attribute, filepath.Join(dir, "result"))
	words := []string{say.ShellWord(filepath.Base(b.Nix))}
	for _, arg := range args {
		words = append(words, say.ShellWord(arg))
	}
	return strings.Join(words, " "), err
}
