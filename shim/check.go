package shim

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"uvshim/policy"
	"uvshim/policy/version"
	"uvshim/shim/elfdeps"
	"uvshim/shim/host"
	"uvshim/shim/nixld"
	"uvshim/shim/nixld/attribute"
	"uvshim/shim/preflight"
	"uvshim/shim/resolve"
	"uvshim/shim/say"
	"uvshim/shim/uv"
)

func checkCommand() command {
	return command{
		name:  "check",
		args:  "[PATH…] [--json] [--all] [--tree] [--system DIR]",
		short: "whether the libraries of this system cover an environment",
		files: true,
		long: `
Says what the dynamic loader would say, without running anything: is nix-ld there, and does every
shared library and symbol version that a Python and its packages need come from somewhere. PATH is
an environment, a project, a directory of modules, a shared object or a .whl; without one it is the
project's environment here, or else the Python that answers here.

  --all         also what is optional: plugins, and what nothing importable reaches
  --tree        who needs whom, and where the loader finds it
  --json        for programs
  --system DIR  on another system than the running one:
                a NixOS generation that is not active, such as ./result: /etc, nix-ld and its
                libraries are that generation's, and PATH means the same files as always;
                any other DIR is a root, a whole file system such as /mnt: PATH has to be named,
                as it is called inside (/home/me/demo, not /mnt/home/me/demo), and so is every
                link on the way

Exit codes: 0 covered, 1 something required is missing, 2 a PATH cannot be looked at.

example: shim check .venv
         shim check --system ./result ~/src/demo
`,
		setup: func(p *program, flags *flag.FlagSet) func([]string) int {
			var c check
			flags.BoolVar(&c.json, "json", false, "")
			flags.BoolVar(&c.all, "all", false, "")
			flags.BoolVar(&c.tree, "tree", false, "")
			flags.StringVar(&c.system, "system", "", "")
			return func(args []string) int {
				c.program = p
				return c.run(args)
			}
		},
	}
}

// A check is one run of shim check.
type check struct {
	*program
	json, all, tree bool
	system          string
	world           *nixld.System
	declared        policy.Policy
	root            bool // world is a root: paths are names inside it, and the environment is a stranger
}

// A checked is one target and what was found out about it.
type checked struct {
	path    string
	verdict preflight.Verdict
	tree    []preflight.Node
	err     error
}

func (c *check) run(args []string) int {
	c.world, c.declared = nixld.Running(), c.policy()
	if c.system == "" {
		c.host.Env = c.provide(c.host.Env)
	} else {
		world, err := nixld.At(c.absolute(c.system))
		if err != nil {
			c.say.Error("--system %s: %v", say.Quote(c.system), unwrapPath(err))
			return exitUsage
		}
		defer world.Close()
		c.world, c.root = world, !world.Generation()
	}
	if c.root {
		c.say.Home = ""
	}
	if c.root && len(args) == 0 {
		return c.usage("--system "+say.Quote(c.system)+" is a root, where this directory means nothing: name a PATH inside", "shim check --help", "")
	}
	done := c.progress()
	var all []checked
	for _, arg := range args {
		all = append(all, c.target(c.named(arg)))
	}
	if len(args) == 0 {
		all = append(all, c.here())
	}
	done()
	code := exitOK
	for _, t := range all {
		switch {
		case errors.Is(t.err, errLost):
			c.say.Error("%s was made from a Python that is not there any more: %v", say.Quote(c.shown(t.path)), t.err)
			if c.system == "" {
				c.say.Hint("to make it anew: %s", say.Word(uv.Renew(filepath.Dir(t.path), c.dirs.Home)))
			}
			code = exitUsage
		case t.err != nil:
			c.say.Error("%s: %v", say.Quote(c.shown(t.path)), unwrapPath(t.err))
			if inside, ok := strings.CutPrefix(t.path, c.world.Dir()+"/"); ok && c.root {
				c.say.Hint("with --system PATH is what it is called inside: %s", say.Quote("/"+inside))
			}
			code = exitUsage
		case !t.verdict.Covered() || !loaderWorks(t.verdict):
			code = max(code, exitFailed)
		}
	}
	if c.json {
		c.out.json(checkJSON(all))
	} else {
		c.print(all, len(args) == 0 && c.system == "")
	}
	return code
}

func (c *check) absolute(path string) string {
	if filepath.IsAbs(path) || c.host.Dir == "" {
		return filepath.Clean(path)
	}
	return filepath.Join(c.host.Dir, path)
}

// named returns the path that an argument stands for. Inside a root it begins at the top: the
// directory we are in is none of the root's.
func (c *check) named(arg string) string {
	if c.root {
		return filepath.Join("/", arg)
	}
	return c.absolute(arg)
}

// shown returns a path as it is told. The user's home is not a root's.
func (c *check) shown(path string) string {
	if c.root {
		return path
	}
	return c.tilde(path)
}

// progress says on a terminal that the work goes on, once it takes longer than half a second. The
// function it returns takes the line back.
func (c *check) progress() func() {
	if c.json || !host.Terminal(os.Stderr) {
		return func() {}
	}
	shown := make(chan bool, 1)
	timer := time.AfterFunc(500*time.Millisecond, func() {
		fmt.Fprint(os.Stderr, "shim: looking at the libraries…")
		shown <- true
	})
	return func() {
		if !timer.Stop() {
			<-shown
			fmt.Fprint(os.Stderr, "\r\x1b[K")
		}
	}
}

// here checks the environment that python or uv run would use in the working directory.
func (c *check) here() checked {
	target, err := c.answering()
	if t, lost := c.lost(target.Environment); lost {
		return t
	}
	if err != nil {
		return checked{path: c.host.Dir, err: err}
	}
	path := target.Path
	if target.Environment != "" {
		path = target.Environment
	}
	return c.look(path, preflight.Request{Python: target.Path})
}

// answering returns the Python of the project's environment here, or else the one that answers.
func (c *check) answering() (resolve.Target, error) {
	c.call.Name = "python"
	c.call.Constraint, _ = version.FromName("python")
	q := c.question(c.declared)
	target, ok := resolve.ProjectEnvironment(q)
	if _, lost := c.lost(target.Environment); ok || lost {
		return target, nil
	}
	return resolve.Python(q)
}

// errLost is why an environment cannot be looked at whose bin/python leads nowhere.
var errLost = errors.New("its interpreter is not there")

// lost reports whether dir is an environment without the interpreter that it was made from.
func (c *check) lost(dir string) (checked, bool) {
	if dir == "" {
		return checked{}, false
	}
	_, err := c.world.Stat(filepath.Join(dir, "pyvenv.cfg"))
	_, none := c.world.Stat(filepath.Join(dir, "bin", "python"))
	return checked{path: dir, err: errLost}, err == nil && errors.Is(none, fs.ErrNotExist)
}

// target checks what path is.
func (c *check) target(path string) checked {
	info, err := c.world.Stat(path)
	switch {
	case err != nil:
		return checked{path: path, err: err}
	case strings.HasSuffix(path, ".whl") && info.Mode().IsRegular():
		return c.wheel(path)
	case info.Mode().IsRegular():
		if _, python := version.FromName(filepath.Base(path)); python {
			return c.look(path, preflight.Request{Python: path})
		}
		return c.files(path)
	case !info.IsDir():
		return checked{path: path, err: errors.New("neither a file nor a directory")}
	}
	for _, dir := range []string{path, filepath.Join(path, ".venv")} {
		if t, lost := c.lost(dir); lost {
			return t
		}
		if _, err := c.world.Stat(filepath.Join(dir, "pyvenv.cfg")); err == nil {
			return c.look(dir, preflight.Request{Python: filepath.Join(dir, "bin", "python")})
		}
	}
	if _, err := c.world.Stat(filepath.Join(path, "bin", "python3")); err == nil {
		return c.look(path, preflight.Request{Python: filepath.Join(path, "bin", "python3")})
	}
	return c.files(path)
}

// files checks shared objects.
func (c *check) files(path string) checked {
	if err := c.loadable(path); err != nil {
		return checked{path: path, err: err}
	}
	python, err := c.interpreter(path)
	if err != nil {
		return checked{path: path, err: err}
	}
	return c.look(path, preflight.Request{Python: python, Paths: []string{path}})
}

// loadable returns why no Python could load the file at path, whatever the libraries.
func (c *check) loadable(path string) error {
	info, err := c.world.Stat(path)
	if err != nil || info.IsDir() {
		return err
	}
	f, err := c.world.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	facts, err := elfdeps.Read(f, info.Size())
	switch {
	case facts.Class == 0:
		return errors.New("not a shared object")
	case err != nil:
		return nil // a damaged one: what the loader says of it is the answer
	case facts.Type == elfdeps.TypeExec || facts.Has(elfdeps.PIE):
		return errors.New("a program and not a shared object; of programs only a python can be checked")
	}
	return nil
}

// foreignPlatform returns the platform tag of a wheel that cannot be installed on this machine's
// glibc, and "" for one that can (PEP 425, PEP 600).
func foreignPlatform(wheel string) string {
	tags := strings.TrimSuffix(filepath.Base(wheel), ".whl")
	tags = tags[strings.LastIndexByte(tags, '-')+1:]
	machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	for tag := range strings.SplitSeq(tags, ".") {
		linux := strings.HasPrefix(tag, "manylinux") || strings.HasPrefix(tag, "linux_")
		if tag == "any" || linux && strings.HasSuffix(tag, "_"+machine) {
			return ""
		}
	}
	return tags
}

func (c *check) wheel(path string) checked {
	if tag := foreignPlatform(path); tag != "" {
		return checked{path: path, err: fmt.Errorf("it is for %s, and not for this system", say.Word(tag))}
	}
	python, err := c.interpreter(path)
	if err != nil {
		return checked{path: path, err: err}
	}
	verdict, err := preflight.Wheel(c.request(preflight.Request{Python: python}), path)
	verdict = verdict.Without(c.ignored())
	c.locate(&verdict)
	return checked{path: path, verdict: verdict, err: err}
}

// interpreter returns the Python that would load the file at path: that of the environment it lies
// in, or else the one that a check without PATH is about.
func (c *check) interpreter(path string) (string, error) {
	for dir := filepath.Dir(path); dir != "/" && dir != "."; dir = filepath.Dir(dir) {
		if _, err := c.world.Stat(filepath.Join(dir, "pyvenv.cfg")); err == nil {
			return filepath.Join(dir, "bin", "python"), nil
		}
	}
	if c.root {
		return "", errors.New("it lies in no environment, and which Python would load it is not known")
	}
	target, err := c.answering()
	return target.Path, err
}

// request completes a request.
func (c *check) request(r preflight.Request) preflight.Request {
	r.System, r.All = c.world, c.all
	if c.root {
		return r // nothing is to be learnt from it for this system, whose store paths it may have too
	}
	r.Env, r.Dir, r.Memory = c.host.Env, c.host.Dir, preflight.OpenMemory(c.facts)
	return r
}

func (c *check) look(path string, r preflight.Request) checked {
	r = c.request(r)
	t := checked{path: path}
	if t.verdict, t.err = preflight.Check(r); t.err == nil {
		_ = r.Memory.Save(r, t.verdict, "") // a call has not the time for what is very large
	}
	t.verdict = t.verdict.Without(c.ignored())
	c.locate(&t.verdict)
	if t.err == nil && c.tree && loaderWorks(t.verdict) && t.verdict.Outcome != preflight.Unclear {
		t.tree, t.err = preflight.Tree(r)
	}
	return t
}

// ignored returns the sonames that the policy wants nothing said of. With --all everything is said.
func (c *check) ignored() []string {
	if c.all {
		return nil
	}
	return c.declared.Preflight.Ignore
}

func loaderWorks(v preflight.Verdict) bool {
	switch v.Outcome {
	case preflight.NoLoader, preflight.StubLoader, preflight.Broken, preflight.Unclear:
		return false
	case preflight.NotApplicable:
		return !v.Certain
	}
	return true
}

// locate asks the user's nix-index for the sonames that the table does not know. No call of python
// does: it takes seconds.
func (c *check) locate(v *preflight.Verdict) {
	if !v.NixOS {
		return // elsewhere an attribute is of no use
	}
	answers := map[string]attribute.Answer{}
	for i := range v.Findings {
		f := &v.Findings[i]
		if f.AttributeKind != attribute.Unknown || f.Soname == "" {
			continue
		}
		a, asked := answers[f.Soname]
		if !asked {
			var err error
			if a, err = attribute.Locate(context.Background(), c.host.Env, f.Soname); err != nil {
				if !errors.Is(err, attribute.ErrNoLocate) {
					c.say.Warning("%v", err)
				}
				return
			}
			answers[f.Soname] = a
		}
		if a.Kind == attribute.Located {
			f.Attribute, f.AttributeKind, f.Note = a.Attribute, a.Kind, a.Note
		}
	}
}
