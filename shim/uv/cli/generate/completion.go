package main

import (
	"fmt"
	"strings"
)

// many is the number of words of a command that takes any.
const many = -1

// A command is one of uv's, as the table is to have it.
type command struct {
	path    string // "pip install"; "" for uv itself
	aliases []string
	form    string // the name of package cli's constant
	words   int    // how many it takes
	env     string // the variable that stands for them
	options []*option
}

// An option is one of a command's.
type option struct {
	name    string // without dashes; the letter, where it has no long name
	short   string // a letter, or ""
	aliases []string
	value   bool   // it takes one
	env     string // the variable that stands for it
	text    string // what completion says of it
}

func (c *command) option(name string) *option {
	for _, o := range c.options {
		if o.name == name {
			return o
		}
	}
	return nil
}

// completion reads the commands from uv's completions for zsh. Those come from clap_complete, whose
// lines for _arguments are
//
//	'(--other)*--index=[text]:INDEX:_default'   an option with a value, several times
//	'-p+[text]:PYTHON:'                         a short one, the long one on the next line
//	'--offline[text]'                           a flag
//	'::path -- text:'  '*::package -- text:'    a word, any number of words
//	":: :_uv__pip_commands"                     a command below
//
// each command's after a line "(name)" within the case of those above it.
func completion(text string) ([]*command, error) {
	root := &command{form: "leaf"}
	commands := []*command{root}
	at := root
	var above []string // the groups that the line stands in; "" for a case over states
	var entry string   // an entry over several lines
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if entry == "" && strings.HasPrefix(line, "_uv_commands()") {
			break // from here on come the descriptions
		}
		switch {
		case entry != "" || strings.HasPrefix(line, "'"):
			entry += line + " "
			if !strings.HasSuffix(line, `' \`) {
				continue
			}
			if err := at.read(entry); err != nil {
				return nil, err
			}
			entry = ""
		case strings.HasPrefix(line, `":: :`):
			at.form = "group"
		case strings.HasPrefix(line, "case $state in"):
			above = append(above, "")
		case strings.HasPrefix(line, "case $line["):
			above = append(above, at.path)
		case line == "esac":
			if len(above) == 0 {
				return nil, fmt.Errorf("completion: a case ends that did not begin")
			}
			above = above[:len(above)-1]
		case strings.HasPrefix(line, "(") && strings.HasSuffix(line, ")") && len(above) > 0:
			// a case over states repeats the name of the group that it is for
			if len(above)%2 == 0 {
				name := strings.Trim(line, "()")
				at = &command{path: strings.TrimSpace(above[len(above)-1] + " " + name), form: "leaf"}
				commands = append(commands, at)
			}
		}
	}
	if len(commands) < 10 || len(above) != 0 || entry != "" {
		return nil, fmt.Errorf("completion: not understood: %d commands, %d open cases, entry %q", len(commands), len(above), entry)
	}
	return commands, nil
}

// read adds what one entry says to the command.
func (c *command) read(entry string) error {
	entry = strings.TrimPrefix(entry, "'")
	if strings.HasPrefix(entry, "(") { // what excludes it
		_, entry, _ = strings.Cut(entry, ")")
	}
	several := strings.HasPrefix(entry, "*")
	entry = strings.TrimPrefix(entry, "*")
	if strings.HasPrefix(entry, ":") {
		c.words++
		if several {
			c.words = many
		}
		return nil
	}
	name, rest, ok := strings.Cut(entry, "[")
	text, after, closed := strings.Cut(strings.ReplaceAll(rest, `\]`, "\x00"), "]")
	if !ok || !closed || !strings.HasPrefix(name, "-") {
		return fmt.Errorf("completion of %q: entry %q", c.path, entry)
	}
	if strings.HasPrefix(after, "::") {
		return fmt.Errorf("completion of %q: %s may go without its value, which the table cannot say", c.path, name)
	}
	text = strings.NewReplacer("\x00", "]", `\:`, ":", `\[`, "[").Replace(text)
	o := &option{value: strings.HasPrefix(after, ":"), text: text}
	name = strings.TrimRight(name, "=+")
	last := len(c.options) - 1
	switch long, isLong := strings.CutPrefix(name, "--"); {
	case !isLong:
		o.name, o.short = name[1:], name[1:]
		c.options = append(c.options, o)
	case last >= 0 && c.options[last].name == c.options[last].short && c.options[last].text == text:
		c.options[last].name = long // the short one was the line before
	default:
		o.name = long
		c.options = append(c.options, o)
	}
	return nil
}
