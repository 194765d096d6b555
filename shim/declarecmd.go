package shim

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"uvshim/policy"
	"uvshim/policy/nix"
	"uvshim/policy/version"
	"uvshim/shim/host"
	"uvshim/shim/say"
	"uvshim/shim/sync"
	"uvshim/shim/uv"
)

func declareCommand() command {
	return command{
		name:  "declare",
		args:  "python|tool REQUEST… [--default] [--remove]",
		short: "add a Python or a tool to the policy, or remove it",
		words: []string{"python", "tool"},
		long: `
Adds REQUEST to python.versions or tool.packages in your policy.toml, as you would write it there:
a version for uv python install, a package for uv tool install. Comments, order and layout stay.
Nothing is installed: shim sync does that. What is declared already is left as it is.

  --default   a bare python is this REQUEST from now on, in place of the implementation's default
  --remove    take REQUEST out of the list, and out of python.default; of a tool the name is enough.
              What is installed stays, unless the policy says prune: then shim sync removes it

Where the list that counts is that of all users, /etc/shim/policy.toml, your list begins as a copy
of it. A policy that Nix wrote is not changed; the line for your configuration is printed instead.

example: shim declare python 3.14 --default
         shim declare tool ruff 'httpie>=3'
         shim declare --remove python 3.12
`,
		setup: func(p *program, flags *flag.FlagSet) func([]string) int {
			asDefault := flags.Bool("default", false, "")
			remove := flags.Bool("remove", false, "")
			return func(args []string) int { return p.declare(args, *asDefault, *remove) }
		},
	}
}

// An entry is one element for one list of the policy, or to be taken out of it.
type entry struct {
	key, text string
	remove    bool
}

// change makes the change to a policy.
func (e entry) change(l policy.Loaded) (policy.Change, error) {
	if e.remove {
		return l.Remove(e.key, e.text)
	}
	return l.Declare(e.key, e.text)
}

func (p *program) declare(args []string, asDefault, remove bool) int {
	const help = "shim declare --help"
	if len(args) == 0 {
		return p.usage("declare needs to be told what: python or tool", help, "")
	}
	key, ok := map[string]string{"python": "python.versions", "tool": "tool.packages"}[args[0]]
	switch requests := len(args) - 1; {
	case !ok:
		return p.usage("declare knows python and tool, not "+say.Quote(args[0]), help, policy.Nearest(args[0], []string{"python", "tool"}))
	case requests == 0:
		return p.usage("declare "+args[0]+" needs a REQUEST", help, "")
	case asDefault && remove:
		return p.usage("--default and --remove are two wishes: --remove takes the default away as well", help, "")
	case asDefault && (args[0] != "python" || requests > 1):
		return p.usage("--default is for one Python", help, "")
	}
	var entries []entry
	for _, text := range args[1:] {
		entries = append(entries, entry{key, text, remove})
	}
	if asDefault {
		entries = append(entries, entry{key: "python.default", text: args[1]})
	}
	files := policyFiles(p.host, p.dirs)
	file := files[len(files)-1]
	if file == systemPolicy && p.host.Env.Get("SHIM_POLICY") == "" {
		p.say.Error("no place for your policy: HOME is not set")
		return exitUsage
	}
	changes, err := p.changes(files, entries)
	if err != nil {
		return p.badPolicy(err)
	}
	if slices.ContainsFunc(changes, added) {
		real, err := behindLinks(file)
		if err == nil && strings.HasPrefix(real, nixStore) {
			p.declareInNix(file, changes, entries)
			return exitFailed
		}
		if err == nil {
			changes, err = p.writeChanges(files, real, entries)
		}
		if err != nil {
			p.say.Error("cannot write %s: %v", say.Quote(p.tilde(file)), unwrapPath(err))
			return exitFailed
		}
	}
	if remove {
		p.tellRemoved(changes, entries)
	} else {
		p.tellChanges(changes, entries)
	}
	return exitOK
}

func added(c policy.Change) bool { return c.Data != nil }

// changes returns what becomes of the policy with each of the entries, one after another. The last
// of the files need not exist.
func (p *program) changes(files []string, entries []entry) ([]policy.Change, error) {
	file := files[len(files)-1]
	loaded, err := readPolicy(files)
	if len(files) == 1 && errors.Is(err, fs.ErrNotExist) {
		loaded, err = policy.Load()
	}
	if err != nil {
		return nil, err
	}
	if n := len(loaded.Files); n == 0 || loaded.Files[n-1].Path != file {
		loaded.Files = append(loaded.Files, policy.File{Path: file})
	}
	var changes []policy.Change
	for _, e := range entries {
		c, err := e.change(loaded)
		if err != nil {
			return nil, err
		}
		changes, loaded = append(changes, c), c.After
	}
	return changes, nil
}

// writeChanges makes the changes to what the file has once no other call is changing it, and writes
// it. real is the file behind all links.
func (p *program) writeChanges(files []string, real string, entries []entry) ([]policy.Change, error) {
	dir, mode := filepath.Dir(real), fs.FileMode(0o644)
	foreign := !p.host.Owns(dir)
	if info, err := os.Stat(real); err == nil {
		st, ok := info.Sys().(*syscall.Stat_t)
		mode, foreign = info.Mode().Perm(), foreign || !ok || int(st.Uid) != p.host.UID
	}
	if foreign {
		return nil, errors.New("it belongs to another user")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	lock, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	_ = unix.Flock(int(lock.Fd()), unix.LOCK_EX) // a file system without locks has to do without
	changes, err := p.changes(files, entries)
	if err != nil || !slices.ContainsFunc(changes, added) {
		return changes, err
	}
	after := changes[len(changes)-1].After.Files
	return changes, host.WriteFile(real, after[len(after)-1].Data, mode)
}

const nixStore = "/nix/store/"

// behindLinks returns the path that a file has, or will have, with all links followed. Of a link
// that leads nowhere it is an error, except into the Nix store, from where garbage collection takes
// things.
func behindLinks(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return real, err
	}
	if target, err := os.Readlink(path); err == nil {
		if strings.HasPrefix(target, nixStore) {
			return target, nil
		}
		return "", fmt.Errorf("%s is a link to %s, which is not there", say.Quote(path), say.Quote(target))
	}
	dir, err := behindLinks(filepath.Dir(path))
	return filepath.Join(dir, filepath.Base(path)), err
}

// declareInNix says what to write where the policy is written by Nix.
func (p *program) declareInNix(file string, changes []policy.Change, entries []entry) {
	lists := map[string][]string{}
	var keys []string
	for i, c := range changes {
		if key := entries[i].key; added(c) {
			lists[key], keys = c.List, append(keys, key)
		}
		if c.Undefault {
			lists["python.default"], keys = c.After.Python.Default, append(keys, "python.default")
		}
	}
	slices.Sort(keys)
	text := "in the configuration that writes it (the same under programs.uv, if it takes the list from there):"
	for _, key := range slices.Compact(keys) {
		text += "\n  " + nix.List("programs.shim.settings."+key, lists[key])
	}
	p.say.Error("%s is in the Nix store, where nothing can be changed", say.Quote(p.tilde(file)))
	p.say.Hint("%s", text)
}

// tellChanges says what was added and where, what that means, and what is left to do.
func (p *program) tellChanges(changes []policy.Change, entries []entry) {
	after := changes[len(changes)-1].After
	install := false
	for i, c := range changes {
		e := entries[i]
		// asked again: a later entry may have moved the line
		now, err := after.Declare(e.key, e.text)
		if err != nil {
			now = c
		}
		what, place := "declared", say.Word(fmt.Sprintf("%s:%d", p.tilde(now.Path), now.Line))
		if e.key == "python.default" {
			what = "a bare python is now"
		}
		if !added(c) {
			p.out.printf("%s is in %s already: %s\n", say.Quote(e.text), e.key, place)
		} else {
			p.out.printf("%s %s: %s\n", what, say.Quote(e.text), place)
			p.tellMeaning(c, e, after.Policy)
		}
		install = install || e.key == "tool.packages" && !p.installedTool(e.text) || e.key == "python.versions" && !p.installed(e.text)
	}
	if install {
		p.say.Hint("to install it: shim sync")
	}
}

// tellRemoved says what was taken out and from where, and what becomes of what is installed.
func (p *program) tellRemoved(changes []policy.Change, entries []entry) {
	declared := changes[len(changes)-1].After.Policy
	for i, c := range changes {
		e := entries[i]
		p.out.printf("removed %s: %s\n", say.Quote(c.Removed), say.Word(fmt.Sprintf("%s:%d", p.tilde(c.Path), c.Line)))
		if len(c.Copied) > 0 {
			p.say.Hint("your %s has %s, from %s", e.key, strings.Join(quoteAll(c.Copied), ", "), say.Word(c.CopiedFrom))
		}
		if c.Undefault {
			p.say.Hint("it was the default, and is not any more: shim which python --why tells what a bare python is now")
		}
		prune, uninstall := declared.Tool.Prune, []string{"uv", "tool", "uninstall"}
		if e.key == "python.versions" {
			prune, uninstall = declared.Python.Prune, []string{"uv", "python", "uninstall"}
		}
		name, named := policy.Name(c.Removed)
		switch {
		case e.key == "python.versions" && !p.installed(c.Removed), e.key == "tool.packages" && !p.installedTool(c.Removed):
		case prune && (len(c.List) > 0 || e.key == "tool.packages"):
			p.say.Hint("it is installed, and the next shim sync removes it unless something else that is listed stands for it (prune = true)")
		case e.key == "python.versions":
			p.say.Hint("it stays installed; to remove it: %s", commandLine(append(uninstall, c.Removed)))
		case named:
			p.say.Hint("it stays installed; to remove it: %s", commandLine(append(uninstall, name)))
		}
	}
}

// tellMeaning says what else an added entry changes.
func (p *program) tellMeaning(c policy.Change, e entry, declared policy.Policy) {
	if len(c.Copied) > 0 {
		p.say.Hint("your %s has %s as well, from %s", e.key, strings.Join(quoteAll(c.Copied), ", "), say.Word(c.CopiedFrom))
	}
	if !c.First || e.key == "python.default" {
		return
	}
	if declared.Python.Undeclared != policy.AllowUndeclared {
		p.say.Hint("it is the first in %s: what is not listed there is undeclared from now on (python.undeclared = %q)", e.key, declared.Python.Undeclared)
	}
	if e.key == "python.versions" && declared.Python.Prune || e.key == "tool.packages" && declared.Tool.Prune {
		p.say.Hint("and shim sync will remove what is not listed (prune = true)")
	}
}

func quoteAll(texts []string) []string {
	var quoted []string
	for _, text := range texts {
		quoted = append(quoted, say.Quote(text))
	}
	return quoted
}

// installedTool reports whether the tool that a requirement asks for is there, installed with just that.
func (p *program) installedTool(text string) bool {
	return slices.ContainsFunc(p.uv.Tools(), func(t uv.Tool) bool {
		return t.Broken == nil && sync.Same(text, t.Request, p.host.Dir)
	})
}

// installed reports whether a managed Python satisfies the request.
func (p *program) installed(text string) bool {
	request, err := version.Parse(text)
	return err == nil && slices.ContainsFunc(p.uv.Managed(), func(m uv.Managed) bool {
		return request.Matches(m.Interpreter) == version.Yes
	})
}
