package shim

import (
	"flag"
	"path/filepath"
	"slices"
	"strings"

	"uvshim/shim/elfdeps"
	"uvshim/shim/nixld"
	"uvshim/shim/provided"
	"uvshim/shim/say"
)

func envCommand() command {
	return command{
		name:  "env",
		args:  "[bash|zsh|fish|systemd|direnv]",
		short: "NIX_LD_LIBRARY_PATH for what does not run through shim",
		long: `
Prints what makes an environment's own python, an IDE, a service or a cron job find what shim fix has
provided: NIX_LD_LIBRARY_PATH as shim sets it for what it runs. Without an argument it is for the
shell that SHELL names. Programs of Nix do not look at this variable.

  bash, zsh  to evaluate: eval "$(shim env bash)"
  fish       to evaluate: shim env fish | source
  systemd    for services of the user: mkdir -p ~/.config/environment.d
             shim env systemd > ~/.config/environment.d/60-shim.conf
  direnv     a function for .envrc, which also checks the project's environment:
             mkdir -p ~/.config/direnv/lib
             shim env direnv > ~/.config/direnv/lib/shim.sh
             then in .envrc: use shim

It prints nothing where nothing is provided.

example: eval "$(shim env)"
`,
		words: []string{"bash", "zsh", "fish", "systemd", "direnv"},
		setup: func(p *program, _ *flag.FlagSet) func([]string) int {
			return func(args []string) int {
				if len(args) > 1 {
					return p.extra("env "+args[0], args[1:])
				}
				return p.env(args)
			}
		},
	}
}

func (p *program) env(args []string) int {
	syntax := filepath.Base(p.host.Env.Get("SHELL"))
	if len(args) > 0 {
		syntax = args[0]
	}
	var line func(name, value string) string
	switch syntax {
	case "direnv":
		p.out.print(direnvFunction(provided.File(p.dirs.Data)))
		return exitOK
	case "bash", "zsh":
		line = func(name, value string) string { return "export " + name + "=" + say.ShellQuote(value) }
	case "fish":
		line = func(name, value string) string { return "set -gx " + name + " " + fishQuote(value) }
	case "systemd":
		line = func(name, value string) string { return name + "=" + systemdQuote(value) }
	default:
		if len(args) > 0 {
			return p.usage("unknown shell "+say.Quote(syntax)+", want "+either(envCommand().words), "shim env --help", nearest(syntax, envCommand().words))
		}
		return p.usage("SHELL is "+say.Quote(p.host.Env.Get("SHELL"))+": say for which shell, "+either(envCommand().words), "shim env --help", "")
	}
	name, value, why := p.libraryPath()
	if why != "" {
		p.say.Hint("there is nothing to set: %s", why)
		return exitOK
	}
	p.out.println(line(name, value))
	return exitOK
}

// libraryPath returns the variable and the value that make a program find what is provided, or why
// there is nothing to set.
func (p *program) libraryPath() (name, value, why string) {
	list, err := provided.Load(p.host, p.dirs.Data)
	if err != nil {
		p.say.Warning("%v", err)
	}
	loader := p.loader()
	dirs := list.Dirs()
	switch {
	case loader.Kind != nixld.NixLD:
		return "", "", "nix-ld is not in use here"
	case len(dirs) == 0 && len(list) > 0:
		return "", "", "what shim fix has provided is gone; shim fix builds it again"
	case len(dirs) == 0:
		return "", "", "shim fix has provided nothing"
	}
	library := nixld.Environment(list.Extend(p.host.Env, loader), loader).Library
	// once for each: a shell may have evaluated this before
	path := elfdeps.SplitPath(library.Value)
	path = slices.DeleteFunc(path, func(dir string) bool { return slices.Contains(dirs, dir) })
	return library.Name, strings.Join(append(path, dirs...), ":"), ""
}

// systemdQuote returns a value as environment.d(5) has it: in double quotes, in which a backslash
// escapes these and itself, and with $$ for a dollar sign, as $NAME would be replaced.
func systemdQuote(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n\"'\\`$#;", r) }) {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", "$", "$$").Replace(text) + `"`
}

// direnvFunction returns the function for direnv's library. list is the file that tells what is
// provided.
func direnvFunction(list string) string {
	return `# use shim, in .envrc: what shim fix has provided, and a check of the project's environment.
use_shim() {
  watch_file ` + say.ShellQuote(list) + ` pyproject.toml uv.lock .python-version .venv/pyvenv.cfg
  eval "$(shim env bash 2>/dev/null)"
  local told
  told=$(shim check 2>&1) || printf '%s\n' "$told" >&2
}
`
}
