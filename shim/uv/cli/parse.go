package cli

import (
	"slices"
	"strings"
)

// Parse understands the arguments of tool, "uv" or "uvx". The rules are those of clap, which uv is
// built with, as uv sets it up: options in any order, of a command and of every command; no
// abbreviations; values behind "=", behind a letter or in the next word, which must not look like an
// option; what follows "--" is no option; and of run and tool run all from the first word on
// is the program's. A line with a word that uv would refuse is not Known, and neither is one with a
// command or an option of a newer uv. What uv finds out later, options that exclude one another, a
// word that is missing or a value that is wrong, is not looked for.
func Parse(tool string, args []string) Line {
	var l Line
	if tool == "uvx" {
		l.enter("tool")
		l.enter("uvx") // as the real uvx calls uv
	}
	l.Known = l.parse(args)
	l.judge()
	return l
}

// enter goes on to the command that word names below the present one.
func (l *Line) enter(word string) bool {
	next, ok := below(l.table, word)
	if ok {
		l.table, l.level = next, len(l.Options)
		l.Command = commands[next].path
	}
	return ok
}

// parse reads the words, and reports whether it understood them all. It stops where uv does: at a
// word that it does not know, and at --help and --version, whatever follows.
func (l *Line) parse(args []string) bool {
	rest := false // behind "--"
	for i := 0; i < len(args); i++ {
		c, word := &commands[l.table], args[i]
		switch {
		case !rest && c.form == group && l.enter(word): // before all others: one alias has dashes
		case !rest && word == "--":
			rest = true
		case !rest && strings.HasPrefix(word, "--"):
			used, ok := l.long(word[2:], args[i+1:])
			if !ok {
				return false
			}
			i += used
		case !rest && len(word) > 1 && word[0] == '-':
			used, ok := l.short(word[1:], args[i+1:])
			if !ok {
				return false
			}
			i += used
		case c.form == program:
			l.Program = args[i:]
			return true
		case c.form == group, c.form == last && !rest, c.words != many && len(l.Words) == c.words:
			return false
		default:
			l.Words = append(l.Words, word)
		}
		if l.asked {
			return true
		}
	}
	return true
}

// ends reports whether uv ends at a flag, with its help or its version.
func (s spec) ends() bool { return s.name() == "help" || s.name() == "version" }

// long reads an option with two dashes, and returns how many of the words behind it are its value.
func (l *Line) long(word string, next []string) (used int, ok bool) {
	name, value, attached := strings.Cut(word, "=")
	s, ok := lookup(l.table, name)
	if !ok || len(name) < 2 {
		return 0, false
	}
	return l.take(s, value, attached, next)
}

// short reads letters behind one dash, of which the last may take a value.
func (l *Line) short(letters string, next []string) (used int, ok bool) {
	for letters != "" {
		s, ok := lookup(l.table, letters[:1])
		if !ok {
			return 0, false
		}
		letters = letters[1:]
		if s.value {
			value, attached := letters, letters != ""
			return l.take(s, strings.TrimPrefix(value, "="), attached, next)
		}
		if _, ok := l.take(s, "", false, nil); !ok {
			return 0, false
		}
		if l.asked {
			return 0, true
		}
	}
	return 0, true
}

// take adds an option, with its value from the word itself or from the next one.
func (l *Line) take(s spec, value string, attached bool, next []string) (used int, ok bool) {
	name := s.name()
	switch {
	case !s.value && attached:
		return 0, false
	case !s.value:
		here := slices.DeleteFunc(l.Options[l.level:], func(o Option) bool { return opposite(o.Name, name) && !o.HasValue })
		l.Options = append(l.Options[:l.level+len(here)], Option{Name: name})
		l.asked = s.ends()
		return 0, true
	case attached:
	case len(next) == 0 || len(next[0]) > 1 && next[0][0] == '-':
		return 0, false // a value that looks like an option must be attached
	default:
		value, used = next[0], 1
	}
	l.Options = append(l.Options, Option{Name: name, Value: value, HasValue: true})
	return used, true
}

// opposite reports whether one flag takes back the other, the later one being uv's choice
// (overrides_with in uv-cli/src/lib.rs). --no-seed is virtualenv's, and does nothing.
func opposite(a, b string) bool {
	switch {
	case negates(a, b), negates(b, a):
		return a != "no-seed" && b != "no-seed"
	case a == "exact", a == "clear":
		return b == "inexact" || b == "allow-existing"
	case b == "exact", b == "clear":
		return a == "inexact" || a == "allow-existing"
	}
	return false
}

// negates reports whether name is "no-" and flag.
func negates(name, flag string) bool {
	return len(name) == len(flag)+3 && name[:3] == "no-" && name[3:] == flag
}

func given(options []Option, name string) bool {
	return slices.ContainsFunc(options, func(o Option) bool { return o.Name == name })
}

func opposed(options []Option, name string) bool {
	return slices.ContainsFunc(options, func(o Option) bool { return !o.HasValue && opposite(o.Name, name) })
}

// yes reports whether a variable's value sets its flag (clap's BoolishValueParser, and the same words
// in uv-static/src/lib.rs).
func yes(value string) bool {
	for _, word := range [...]string{"1", "true", "t", "yes", "y", "on"} {
		if strings.EqualFold(value, word) {
			return true
		}
	}
	return false
}
