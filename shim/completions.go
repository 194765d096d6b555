package shim

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"uvshim/shim/say"
)

func completionsCommand() command {
	return command{
		name:  "completions",
		args:  "bash|zsh|fish",
		short: "completions of the shim command for a shell",
		long: `
Prints a script for the shell. install.sh and the Nix package have put it where the shell looks; by
hand that is

  bash  d=~/.local/share/bash-completion/completions
        mkdir -p $d && shim completions bash > $d/shim
  zsh   shim completions zsh > DIR/_shim, with DIR in fpath before compinit runs
  fish  mkdir -p ~/.config/fish/completions
        shim completions fish > ~/.config/fish/completions/shim.fish

example: eval "$(shim completions bash)"
`,
		words: []string{"bash", "zsh", "fish"},
		setup: func(p *program, _ *flag.FlagSet) func([]string) int {
			return func(args []string) int {
				switch {
				case len(args) == 0:
					return p.usage("completions needs to be told for which shell: "+either(completionsCommand().words), "shim completions --help", "")
				case len(args) > 1:
					return p.extra("completions", args[1:])
				}
				shell := args[0]
				write, ok := map[string]func([]completion) string{
					"bash": bashCompletions, "zsh": zshCompletions, "fish": fishCompletions,
				}[shell]
				if !ok {
					return p.usage("no completions for the shell "+say.Quote(shell)+", want "+either(completionsCommand().words), "shim completions --help",
						nearest(shell, completionsCommand().words))
				}
				p.out.print(write(p.completions()))
				return exitOK
			}
		},
	}
}

// A completion is what a shell needs to know of a command.
type completion struct {
	name, short string
	words       []string // its first argument
	files       bool     // its arguments are files
	options     []string // with dashes
}

// completions reads them off the command table, so that they cannot fall behind it.
func (p *program) completions() []completion {
	var all []completion
	for _, c := range commands() {
		flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		c.setup(p, flags)
		options := []string{"--help"}
		flags.VisitAll(func(f *flag.Flag) { options = append(options, "--"+f.Name) })
		slices.Sort(options)
		words := c.words
		if c.name == "help" {
			words = helpWords()
		}
		all = append(all, completion{c.name, c.short, words, c.files, options})
	}
	return all
}

func bashCompletions(all []completion) string {
	var b strings.Builder
	b.WriteString(`# bash completion for shim
_shim() {
  local words options files cur="${COMP_WORDS[COMP_CWORD]}"
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "` + strings.Join(commandNames(), " ") + ` --help --version" -- "$cur"))
    return
  fi
  case "${COMP_WORDS[1]}" in
`)
	for _, c := range all {
		files := ""
		if c.files {
			files = "yes"
		}
		fmt.Fprintf(&b, "    %s) words=%q options=%q files=%s ;;\n", c.name, strings.Join(c.words, " "), strings.Join(c.options, " "), files)
	}
	b.WriteString(`  esac
  ((COMP_CWORD == 2)) || words=
  if [[ $cur == -* ]]; then
    words=$options
  elif [[ $files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    return
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _shim shim
`)
	return b.String()
}

func zshCompletions(all []completion) string {
	var b strings.Builder
	b.WriteString(`#compdef shim
_shim() {
  local -a commands
  commands=(
`)
	for _, c := range all {
		fmt.Fprintf(&b, "    %s\n", say.ShellQuote(c.name+":"+c.short))
	}
	b.WriteString(`  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  case "$words[2]" in
`)
	for _, c := range all {
		var args []string
		for _, o := range c.options {
			args = append(args, say.ShellQuote(o))
		}
		if len(c.words) > 0 {
			args = append(args, say.ShellQuote("1:what:("+strings.Join(c.words, " ")+")"))
		}
		if c.files {
			args = append(args, say.ShellQuote("*:file:_files"))
		}
		fmt.Fprintf(&b, "    %s) shift words; ((CURRENT--)); _arguments %s ;;\n", c.name, strings.Join(args, " "))
	}
	b.WriteString(`  esac
}
if [ "$funcstack[1]" = "_shim" ]; then _shim "$@"; else compdef _shim shim; fi
`)
	return b.String()
}

func fishCompletions(all []completion) string {
	var b strings.Builder
	b.WriteString("# fish completion for shim\ncomplete -c shim -f\n")
	for _, c := range all {
		fmt.Fprintf(&b, "complete -c shim -n __fish_use_subcommand -a %s -d %s\n", c.name, fishQuote(c.short))
		given := "'__fish_seen_subcommand_from " + c.name + "'"
		if len(c.words) > 0 {
			fmt.Fprintf(&b, "complete -c shim -n %s -a %s\n", given, fishQuote(strings.Join(c.words, " ")))
		}
		if c.files {
			fmt.Fprintf(&b, "complete -c shim -n %s -F\n", given)
		}
		for _, o := range c.options {
			fmt.Fprintf(&b, "complete -c shim -n %s -l %s\n", given, strings.TrimPrefix(o, "--"))
		}
	}
	return b.String()
}

func fishQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}
