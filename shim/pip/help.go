package pip

import (
	"path/filepath"
	"strings"

	"uvshim/shim/host"
	"uvshim/shim/say"
)

// version answers --version in pip's own form, which programs take apart: pip VERSION from
// DIRECTORY (python 3.N). The version says that it is no pip: the smallest there is, with a label.
func (c Call) version() Answer {
	text := "pip 0+shim, which is uv pip; no environment is active"
	if c.Environment != "" {
		text = "pip 0+shim from " + say.Word(c.Environment)
		if minor := c.minor(); minor != "" {
			text += "/lib/python" + minor + "/site-packages (python " + minor + ")"
		}
	}
	return Answer{Kind: Say, Text: text + "\n"}
}

// minor is the minor version of the environment's Python, as its pyvenv.cfg or its directories have
// it; "" if they do not say.
func (c Call) minor() string {
	if data, err := host.ReadFile(filepath.Join(c.Environment, "pyvenv.cfg"), maxFile); err == nil {
		for line := range strings.Lines(string(data)) {
			key, value, _ := strings.Cut(line, "=")
			switch strings.TrimSpace(key) {
			case "version", "version_info":
				if parts := strings.SplitN(strings.TrimSpace(value), ".", 3); len(parts) > 1 && digits(parts[0]) && digits(parts[1]) {
					return parts[0] + "." + parts[1]
				}
			}
		}
	}
	dirs, _ := filepath.Glob(filepath.Join(globQuote(c.Environment), "lib", "python3.*", "site-packages"))
	for _, dir := range dirs {
		minor := strings.TrimPrefix(filepath.Base(filepath.Dir(dir)), "python")
		if digits(strings.TrimPrefix(minor, "3.")) {
			return minor
		}
	}
	return ""
}

func digits(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func overview(name string) string {
	var b strings.Builder
	b.WriteString("There is no pip here: shim has uv do it, as uv pip, in the active or the project's environment.\n\n")
	b.WriteString("usage: " + name + " COMMAND [OPTIONS]\n\n")
	for _, c := range commands() {
		b.WriteString("  " + c.name + strings.Repeat(" ", 11-len(c.name)) + c.short + "\n")
	}
	b.WriteString("\nNot of uv pip:\n\n")
	for _, o := range others() {
		b.WriteString("  " + o.name + strings.Repeat(" ", 11-len(o.name)) + o.way + "\n")
	}
	b.WriteString(`
uv reads neither PIP_ variables nor pip.conf. Where these name an index, constraints or hashes that
uv does not use as well, a call is refused and says which UV_ variable to set.
`)
	b.WriteString("\n" + name + " COMMAND --help tells more. In a project, uv add NAME is what records a package.\n")
	return b.String()
}

// help is the text of pip COMMAND --help.
func (c command) help(name string) string {
	var b strings.Builder
	b.WriteString(c.short + "\n\nusage: " + name + " " + c.name + " " + c.args + "\n")
	part := func(title string, want func(option) bool, way bool) {
		titled := false
		for _, o := range c.options() {
			if !want(o) {
				continue
			}
			if !titled {
				b.WriteString("\n" + title + "\n\n")
				titled = true
			}
			text := "--" + o.name()
			if o.short != "" {
				text = "-" + o.short + ", " + text
			}
			if o.valued() {
				text += " VALUE"
			}
			if way {
				text += strings.Repeat(" ", max(1, 28-len(text))) + o.as
			}
			b.WriteString("  " + text + "\n")
		}
	}
	part("as with pip:", func(o option) bool { return o.does != drop && o.does != unable }, false)
	part("taken and without effect:", func(o option) bool { return o.does == drop }, false)
	part("refused, with uv's way:", func(o option) bool { return o.does == unable }, true)
	switch c.name {
	case "install":
		b.WriteString("\nWith --upgrade, what is named is upgraded, and the rest where it must; uv pip install --upgrade\nwould upgrade all of it. Nothing is compiled to bytecode unless --compile asks for it.\n")
	case "uninstall":
		b.WriteString("\nNothing is asked before, with or without --yes.\n")
	}
	b.WriteString("\nuv help pip " + c.name + " tells what uv can do besides.\n")
	return b.String()
}

// nowhere refuses a call outside any environment, with what was probably meant.
func (j *job) nowhere() Answer {
	var names, all []string
	for _, w := range j.words {
		names = append(names, say.ShellWord(masked(w)))
	}
	all = names
	for _, g := range j.all {
		if g.name() == "requirement" || g.name() == "editable" {
			all = append(all, "-"+g.short, say.ShellWord(masked(g.value)))
		}
	}
	again := strings.TrimSpace(strings.Join(append([]string{j.Name, j.cmd.name}, all...), " "))
	var hints []string
	add := func(what string, words []string, way string) {
		if len(words) > 0 {
			hints = append(hints, what+": "+way+" "+strings.Join(words, " "))
		}
	}
	switch j.cmd.name {
	case "install":
		add("for a project, from its directory", all, "uv add")
		hints = append(hints, "to try something out: uv venv, then "+again+" again")
		add("for a program to have everywhere", names, "uv tool install")
	case "uninstall":
		add("from a project, in its directory", names, "uv remove")
		hints = append(hints, "from an environment: activate it, then "+again+" again")
		add("a program", names, "uv tool uninstall")
	default:
		hints = append(hints, "of an environment: activate it, then "+again+" again",
			"of a project, in its directory: uv tree", "of programs: uv tool list")
	}
	return refuse(hints, "no environment is active, and there is none of a project here: %s %s has nowhere to work", j.Name, j.cmd.name)
}
