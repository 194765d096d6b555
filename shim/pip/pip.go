// Package pip says what becomes of a call of pip where no real pip answers it: the call of `uv pip`
// that does the same, an answer to print, or a refusal that names uv's way.
//
// It promises one thing above all: nothing is installed from another index, with fewer constraints
// or with fewer hashes than pip itself would have used. uv reads neither PIP_ variables nor
// pip.conf, so what those say is compared with what uv would do, and a difference is refused.
package pip

import (
	"slices"
	"strings"

	"uvshim/policy"
	"uvshim/shim/host"
	"uvshim/shim/say"
)

// A Call is a call of pip.
type Call struct {
	Name        string   // pip or pip3
	Args        []string // behind the name
	Env         host.Env
	Dirs        host.Dirs
	Dir         string // the working directory, "" if it is not known
	Etc         string // where the system's configuration lies; "" is /etc
	Environment string // the active or the project's environment, "" for none
	Project     bool   // Environment is the project's, and not active
}

// A Kind tells what is to be done for a call.
type Kind int

// The kinds of an answer.
const (
	Refuse Kind = iota // say Error and Hints, exit 2
	Say                // print Text, exit 0
	UV                 // run uv with Args and Env
)

// An Answer is what becomes of a call. Error and Hints may hold text from outside with control
// characters in it: they are to go through say.Clean, as a Speaker does.
type Answer struct {
	Kind  Kind
	Args  []string // of uv: pip install …
	Env   host.Env // of uv, instead of the call's
	Text  string
	Error string
	Hints []string
}

func refuse(hints []string, format string, args ...any) Answer {
	return Answer{Kind: Refuse, Error: say.Sprintf(format, args...), Hints: hints}
}

// Translate returns the answer to a call. It reads pip's and uv's configuration and the call's
// requirements files, and changes nothing.
func Translate(c Call) Answer {
	if c.Etc == "" {
		c.Etc = "/etc"
	}
	// pip's main parser takes the general options and stops at the first other word
	before, words, err := parse(general(), c.Args, false)
	switch {
	case asked(before, "help"):
		return Answer{Kind: Say, Text: overview(c.Name)}
	case err != nil:
		return c.badOption(err, "")
	case asked(before, "version"):
		return c.version()
	case len(words) == 0:
		return Answer{Kind: Say, Text: overview(c.Name)}
	}
	name := words[0]
	if name == "help" {
		return c.help(words[1:])
	}
	cmd, ok := find(name)
	if !ok {
		return c.otherCommand(name)
	}
	// What follows for the command is all that was given but its name, as pip does it: the general
	// options count wherever they stand.
	at := slices.Index(c.Args, name)
	args := slices.Concat(c.Args[:at], c.Args[at+1:])
	given, words, err := parse(cmd.options(), args, true)
	switch {
	case asked(given, "help"):
		return Answer{Kind: Say, Text: cmd.help(c.Name)}
	case err != nil:
		return c.badOption(err, name)
	case asked(given, "version"):
		return c.version()
	}
	return c.command(cmd, given, words)
}

// help answers `pip help COMMAND`.
func (c Call) help(words []string) Answer {
	if len(words) == 0 {
		return Answer{Kind: Say, Text: overview(c.Name)}
	}
	cmd, ok := find(words[0])
	if !ok {
		return c.otherCommand(words[0])
	}
	return Answer{Kind: Say, Text: cmd.help(c.Name)}
}

// otherCommand refuses what is not one of the six commands.
func (c Call) otherCommand(name string) Answer {
	for _, o := range others() {
		if o.name == name {
			return refuse([]string{o.way}, "uv pip has no %s", name)
		}
	}
	hint := "see " + c.Name + " help"
	var names []string
	for _, cmd := range commands() {
		names = append(names, cmd.name)
	}
	if near := policy.Nearest(name, names); near != "" {
		hint = "did you mean " + c.Name + " " + near + "?"
	}
	return refuse([]string{hint}, "unknown command %s", say.Quote(name))
}

func (c Call) badOption(err error, command string) Answer {
	see := strings.TrimSpace(c.Name + " " + command)
	return refuse([]string{"see " + see + " --help"}, "%s: %v", see, err)
}
