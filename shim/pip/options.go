package pip

import (
	"fmt"
	"slices"
	"strings"

	"uvshim/policy"
	"uvshim/shim/say"
)

// A taking tells what an option takes, and so what an entry of a configuration file or a variable
// means for it (pip, cli/parser.py).
type taking int

const (
	flag   taking = iota // nothing; it turns its dest on
	off                  // nothing; it turns its dest off
	count                // nothing, and it may be repeated
	one                  // a value, the last one counts
	list                 // a value each time; a configured one is split at white space, and replaced as a whole
	gather               // a value each time; configured ones add up
)

// A doing tells what becomes of an option.
type doing int

const (
	pass     doing = iota // uv's option as does it
	drop                  // it changes nothing that uv does
	unable                // uv cannot
	own                   // has code of its own
	answered              // help and version
)

// An option is one of pip's, of whatever version of pip.
type option struct {
	short string   // one letter, or ""
	names []string // without dashes; the first is the one to speak of
	dest  string   // what it sets, where options share that; "" is its name
	takes taking
	does  doing
	as    string // uv's words for it; of one that uv is unable to do, the way to do it
	mild  bool   // where a configuration sets it, it is passed over
}

func (o option) name() string { return o.names[0] }

func (o option) target() string {
	if o.dest != "" {
		return o.dest
	}
	return o.name()
}

func (o option) valued() bool { return o.takes >= one }

// A given is an option of a call or a configuration.
type given struct {
	option
	on    bool   // of a flag: what its dest becomes
	value string // of the others
	from  string // PIP_X or file:line; "" for the command line
	file  string // the requirements file that it is in
}

func asked(all []given, name string) bool {
	return slices.ContainsFunc(all, func(g given) bool { return g.name() == name })
}

// parse takes options from args by the rules of Python's optparse: long options may be shortened
// while they are unambiguous, short ones bundled, and -- ends them. Without mixed, the first word
// ends them as well. An asked for help ends it at once.
func parse(options []option, args []string, mixed bool) (all []given, words []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			return all, append(words, args...), nil
		case strings.HasPrefix(arg, "--"):
			name, value, attached := strings.Cut(arg[2:], "=")
			o, err := long(options, name)
			if err != nil {
				return all, words, err
			}
			if !o.valued() {
				if attached {
					return all, words, fmt.Errorf("--%s takes no value", o.name())
				}
				all = append(all, given{option: o, on: o.takes != off})
			} else {
				if !attached {
					if len(args) == 0 {
						return all, words, fmt.Errorf("--%s wants a value", o.name())
					}
					value, args = args[0], args[1:]
				}
				all = append(all, given{option: o, value: value})
			}
		case len(arg) > 1 && arg[0] == '-':
			for rest := arg[1:]; rest != ""; {
				o, ok := short(options, rest[:1])
				if !ok {
					return all, words, fmt.Errorf("unknown option %s", say.Quote("-"+firstRune(rest)))
				}
				rest = rest[1:]
				if !o.valued() {
					all = append(all, given{option: o, on: o.takes != off})
					if o.name() == "help" {
						return all, words, nil
					}
					continue
				}
				if rest == "" {
					if len(args) == 0 {
						return all, words, fmt.Errorf("-%s wants a value", o.short)
					}
					rest, args = args[0], args[1:]
				}
				all = append(all, given{option: o, value: rest})
				rest = ""
			}
		default:
			if !mixed {
				return all, append([]string{arg}, args...), nil
			}
			words = append(words, arg)
		}
		if asked(all, "help") {
			return all, words, nil
		}
	}
	return all, words, nil
}

func firstRune(text string) string {
	for _, r := range text {
		return string(r)
	}
	return ""
}

// exact returns the option of exactly that long name.
func exact(options []option, name string) (option, bool) {
	i := slices.IndexFunc(options, func(o option) bool { return slices.Contains(o.names, name) })
	if i < 0 {
		return option{}, false
	}
	return options[i], true
}

func long(options []option, name string) (option, error) {
	if o, ok := exact(options, name); ok {
		return o, nil
	}
	var names, fit []string
	for _, o := range options {
		for _, n := range o.names {
			names = append(names, n)
			if strings.HasPrefix(n, name) {
				fit = append(fit, "--"+n)
			}
		}
	}
	switch len(fit) {
	case 1:
		o, _ := exact(options, fit[0][2:])
		return o, nil
	case 0:
		if near := policy.Nearest(name, names); near != "" {
			return option{}, fmt.Errorf("unknown option %s, did you mean --%s?", say.Quote("--"+name), near)
		}
		return option{}, fmt.Errorf("unknown option %s", say.Quote("--"+name))
	}
	slices.Sort(fit)
	return option{}, fmt.Errorf("%s may be %s", say.Quote("--"+name), strings.Join(fit, ", "))
}

func short(options []option, letter string) (option, bool) {
	i := slices.IndexFunc(options, func(o option) bool { return o.short != "" && o.short == letter })
	if i < 0 {
		return option{}, false
	}
	return options[i], true
}

// merge lays what is given over what is before it: pip's command line over its configuration. A
// value replaces the one before, the values of a list stay.
func merge(before, after []given) []given {
	var out []given
	for _, g := range slices.Concat(before, after) {
		if g.takes != list && g.takes != gather && g.takes != count {
			out = slices.DeleteFunc(out, func(o given) bool { return o.target() == g.target() })
		}
		out = append(out, g)
	}
	return out
}

// A command is one of pip's that uv has as well.
type command struct {
	name    string
	args    string // for its usage line
	short   string
	wants   string // what at least one of must be given: "" for nothing
	network bool   // asks an index whatever the options
	table   func() []option
}

func find(name string) (command, bool) {
	for _, c := range commands() {
		if c.name == name {
			return c, true
		}
	}
	return command{}, false
}

// options are the command's own and the general ones.
func (c command) options() []option { return append(c.table(), general()...) }
