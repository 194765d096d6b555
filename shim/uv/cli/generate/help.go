package main

import "strings"

// apply adds to the command what its help tells: the variables, and where a program begins.
func (c *command) apply(help string) {
	for line := range strings.Lines(help) {
		if usage, ok := strings.CutPrefix(line, "Usage: "); ok {
			switch {
			case c.form == "group":
			case strings.HasSuffix(strings.TrimSpace(usage), " [COMMAND]"):
				c.form = "program" // a command within the command: clap's external subcommand
			case strings.Contains(usage, "[-- <"):
				c.form = "last"
			}
			break
		}
	}
	if _, arguments, ok := strings.Cut(help, "\nArguments:\n"); ok {
		arguments, _, _ = strings.Cut(arguments, "\n\n")
		c.env = variable(arguments)
	}
	for name, text := range blocks(help) {
		if o := c.option(name); o != nil {
			o.env = variable(text)
		}
	}
	for _, o := range c.options {
		if o.env == "" { // hidden ones have no help, but completion repeats the first line of it
			o.env = variable(o.text)
		}
		if o.env == "" {
			o.env = hiddenVariables[o.name]
		}
	}
}

// blocks cuts a help text into the descriptions of its options, by long name.
func blocks(help string) map[string]string {
	out := map[string]string{}
	var name string
	for line := range strings.Lines(help) {
		text := strings.TrimLeft(line, " ")
		indent := len(line) - len(text)
		switch {
		case indent == 0 && text != "\n":
			name = ""
		case (indent == 2 || indent == 6) && strings.HasPrefix(text, "-"):
			_, long, ok := strings.Cut(text, "--")
			end := strings.IndexFunc(long, func(r rune) bool {
				return r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
			})
			if name = ""; ok && end > 0 {
				name = long[:end]
			}
		}
		if name != "" {
			out[name] += " " + strings.TrimSpace(text)
		}
	}
	return out
}

// variable returns the NAME of an "[env: NAME=]" in a description. One that is quoted,
// "NAME=value", stands for the option only with that value, and is left out.
func variable(text string) string {
	_, rest, ok := strings.Cut(strings.Join(strings.Fields(text), " "), "[env: ")
	name, _, closed := strings.Cut(rest, "]")
	if !ok || !closed || strings.Contains(name, `"`) {
		return ""
	}
	name, _, _ = strings.Cut(name, "=")
	return strings.Trim(name, "`")
}
