package shim

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"

	"uvshim/policy"
	"uvshim/shim/say"
)

// A command is one word after shim.
type command struct {
	name  string
	args  string   // what follows, for the usage line
	short string   // one line for the list of commands
	long  string   // the rest of --help, with an example
	words []string // what its first argument may be, for completion; nil: not a fixed set
	files bool     // its arguments are files, for completion
	setup func(p *program, flags *flag.FlagSet) func(args []string) int
}

// commands are in the order in which help lists them.
func commands() []command {
	return []command{doctorCommand(), checkCommand(), whichCommand(), historyCommand(), initCommand(), declareCommand(), exportCommand(), syncCommand(), fixCommand(), envCommand(), linkCommand(), completionsCommand(), versionCommand(), helpCommand()}
}

func findCommand(name string) (command, bool) {
	for _, c := range commands() {
		if c.name == name {
			return c, true
		}
	}
	return command{}, false
}

// command runs the management command.
func (p *program) command() int {
	args := p.call.Args
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, p.overview())
		return exitUsage
	}
	name, args := args[0], args[1:]
	switch name {
	case "-h", "--help":
		name = "help"
	case "-V", "--version":
		name = "version"
	}
	c, ok := findCommand(name)
	if !ok {
		near := nearest(name, commandNames())
		switch name {
		case "undeclare", "remove", "rm", "uninstall":
			near = "shim declare --remove"
		}
		return p.usage("unknown command "+say.Quote(name), "shim help", near)
	}
	return p.run(c, args)
}

// run parses the command's options, which may stand anywhere among its arguments, and runs it.
func (p *program) run(c command, args []string) int {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	do := c.setup(p, flags)
	var words []string
	for {
		err := flags.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			p.out.print(c.help())
			return exitOK
		}
		if err != nil {
			return p.badFlag(c, flags, args, err)
		}
		rest := flags.Args()
		if len(rest) > 0 && len(args) > len(rest) && args[len(args)-len(rest)-1] == "--" {
			words = append(words, rest...)
			break
		}
		if len(rest) == 0 {
			break
		}
		words, args = append(words, rest[0]), rest[1:]
	}
	return do(words)
}

func (p *program) badFlag(c command, flags *flag.FlagSet, args []string, err error) int {
	text, near := err.Error(), ""
	if name, ok := strings.CutPrefix(text, "flag needs an argument: "); ok {
		text = "--" + strings.TrimLeft(name, "-") + " wants a value"
	}
	if strings.HasPrefix(text, "invalid boolean value ") { // "…" for -NAME: parse error
		name, _, _ := strings.Cut(text[strings.LastIndex(text, " for -")+len(" for -"):], ":")
		text = "--" + name + " takes no value after a ="
	}
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: "); ok {
		var names []string
		flags.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
		name = strings.TrimLeft(name, "-")
		dashes := "--"
		if slices.ContainsFunc(args, func(arg string) bool { return arg == "-"+name || strings.HasPrefix(arg, "-"+name+"=") }) {
			dashes = "-"
		}
		text = "unknown option " + say.Quote(dashes+name)
		if near = policy.Nearest(name, names); near != "" {
			near = "--" + near
		}
	}
	return p.usage(text, "shim "+c.name+" --help", near)
}

// usage says what is wrong with a command line, with the nearest right word if there is one.
func (p *program) usage(what, see, near string) int {
	p.say.Error("%s", what)
	if near != "" {
		p.say.Hint("did you mean %s?", near)
	} else {
		p.say.Hint("see %s", see)
	}
	return exitUsage
}

// nearest returns the one word that name begins, or is probably a slip of; "" if there is none.
func nearest(name string, words []string) string {
	begun := slices.DeleteFunc(slices.Clone(words), func(word string) bool { return !strings.HasPrefix(word, name) })
	if len(name) > 1 && len(begun) == 1 {
		return begun[0]
	}
	return policy.Nearest(name, words)
}

// either is "a, b or c".
func either(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// extra refuses arguments that a command does not take.
func (p *program) extra(command string, args []string) int {
	return p.usage(fmt.Sprintf("%s takes no argument %s", command, say.Quote(args[0])), "shim "+command+" --help", "")
}

func commandNames() []string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return names
}

func (p *program) overview() string {
	var b strings.Builder
	b.WriteString(`shim runs the Python that you declared, under the names python, uv and pip.

usage: shim COMMAND [ARGUMENT…]

`)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, c := range commands() {
		args, _, _ := strings.Cut(c.args, "[--") // the options are for its own help
		fmt.Fprintf(w, "  %s\t%s\n", strings.TrimSpace(c.name+" "+args), c.short)
	}
	w.Flush()
	b.WriteString(`
shim help COMMAND or shim COMMAND --help tells more; shim help TOPIC is about

` + topicList() + `
environment:
  SHIM_DISABLE=1   python and uv go straight to the next real program
  SHIM_DEBUG=1     they tell on standard error what they decide, and why
  SHIM_POLICY=FILE take this policy and no other
  SHIM_LOCK=FILE   keep the lock there

exit codes: 0 fine, 1 a check failed, 2 usage or broken input,
126 found but not run, 127 not found; otherwise the real program's.
`)
	return b.String()
}

// help returns the text of shim COMMAND --help.
func (c command) help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nusage: %s\n\n%s", c.short, strings.TrimSpace("shim "+c.name+" "+c.args), strings.TrimLeft(c.long, "\n"))
	return b.String()
}

// release is this program's version, and may be set by the linker.
var release = "0.1.0"

func versionCommand() command {
	return command{
		name:  "version",
		short: "print shim's version",
		long: `
With the revision that it was built from and that one's day, where the build could know them. A plus
sign says that the files were other ones than the revision's.

example: shim version
`,
		setup: func(p *program, _ *flag.FlagSet) func([]string) int {
			return func(args []string) int {
				if len(args) > 0 {
					return p.extra("version", args)
				}
				var settings []debug.BuildSetting
				if info, ok := debug.ReadBuildInfo(); ok {
					settings = info.Settings
				}
				p.out.println("shim " + release + revision(settings))
				return exitOK
			}
		},
	}
}

// revision returns what go build noted of a checkout (go help buildvcs) as it stands behind the version:
// " (427aaab1c2d3, 2026-11-20)", or "".
func revision(settings []debug.BuildSetting) string {
	value := map[string]string{}
	for _, s := range settings {
		value[s.Key] = s.Value
	}
	text := value["vcs.revision"]
	if text == "" {
		return ""
	}
	text = text[:min(12, len(text))]
	if value["vcs.modified"] == "true" {
		text += "+"
	}
	if day, _, ok := strings.Cut(value["vcs.time"], "T"); ok {
		text += ", " + day
	}
	return " (" + text + ")"
}

// tilde returns path with the home directory as ~, as tables and results for people show it.
func (p *program) tilde(path string) string { return say.Tilde(path, p.dirs.Home) }

// word returns path as one word of a command to paste.
func (p *program) word(path string) string { return say.Word(say.ShellPath(path, p.dirs.Home)) }
