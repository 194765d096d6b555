package cli

import (
	"fmt"
	"strings"
)

// fields splits a command line at blanks; ” are an empty word, and quotes go.
func fields(line string) []string {
	words := strings.Fields(line)
	for i := range words {
		words[i] = strings.Trim(words[i], "'")
	}
	return words
}

// show writes a line down as the tests expect it.
func show(l Line) string {
	if !l.Known {
		return "unknown"
	}
	out := [...]string{Through: "through", Run: "run", Change: "change"}[l.Class]
	if l.DryRun {
		out += " dry"
	}
	out += ": " + l.Command
	for _, o := range l.Options {
		out += " --" + o.Name
		if o.HasValue {
			out += fmt.Sprintf("=%q", o.Value)
		}
		if o.Env != "" {
			out += "@" + o.Env
		}
	}
	if l.Words != nil {
		out += fmt.Sprintf(" words %q", l.Words)
	}
	if l.Program != nil {
		out += fmt.Sprintf(" program %q", l.Program)
	}
	return strings.ReplaceAll(out, `"`, "'")
}
