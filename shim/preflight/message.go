package preflight

import (
	"fmt"
	"slices"
	"strings"

	"uvshim/shim/nixld"
	"uvshim/shim/nixld/attribute"
	"uvshim/shim/say"
)

// Wording is what a message depends on besides the verdict.
type Wording struct {
	Dir       string   // the working directory: paths below it are shown from there
	Home      string   // the home directory, which is shown as ~
	Libraries []string // attributes that are declared already, to stand in the list to paste
	Now       string   // the command that helps at once; empty: none
}

// maxLines bounds the lines of one message that are about single findings.
const maxLines = 12

// Message returns what to warn of, for after "shim: warning: ": several lines, values escaped. It is
// empty where there is nothing to warn of: optional findings never warn.
func (v *Verdict) Message(w Wording) string {
	required := v.Required()
	switch v.Outcome {
	case NoLoader, StubLoader, Broken:
		return v.loaderMessage()
	case Unclear:
		if v.Partial {
			m := message{w: w}
			return m.path(v.Environment) + " may miss libraries: " + say.Word(v.Reason)
		}
	case NotApplicable:
		if v.Certain {
			return say.Word(v.Python) + " cannot start: " + say.Word(v.Reason) + fixLine("uv venv")
		}
	}
	if len(required) == 0 {
		return ""
	}
	m := message{v: v, w: w}
	subjects, users := m.group(required)
	if len(subjects) == 1 {
		m.one(required[0], users[subjects[0]])
	} else {
		m.many(required, subjects, users)
	}
	m.fixes(required)
	if v.Partial {
		m.line("besides", "%s", say.Word(v.Reason))
	}
	return strings.Join(m.lines, "\n")
}

type message struct {
	v     *Verdict
	w     Wording
	lines []string
	label string // of the last line
}

// line adds a line below the first. Of lines with one label only the first has it.
func (m *message) line(label, format string, args ...any) {
	shown := label
	if label == m.label {
		shown = ""
	}
	m.label = label
	m.lines = append(m.lines, fmt.Sprintf("  %-10s ", shown)+fmt.Sprintf(format, args...))
}

// group returns what is wrong, each thing once, and with whom.
func (m *message) group(all []Finding) (subjects []string, users map[string][]string) {
	users = map[string][]string{}
	for _, f := range all {
		subject := say.Word(f.Soname)
		switch {
		case f.Kind == MissingVersion:
			subject += " " + say.Word(f.SymbolVersion)
		case f.Kind != MissingSoname:
			subject = m.what(f)
		}
		if users[subject] == nil {
			subjects = append(subjects, subject)
		}
		if who := m.who(f); !slices.Contains(users[subject], who) {
			users[subject] = append(users[subject], who)
		}
	}
	return subjects, users
}

// few joins names, and only counts those beyond the third.
func few(names []string) string {
	if more := len(names) - 3; more > 0 {
		names = append(names[:3:3], fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// one is about one thing that is wrong; f is the first finding of it.
func (m *message) one(f Finding, users []string) {
	need := " needs "
	if len(users) > 1 {
		need = " need "
	}
	switch f.Kind {
	case MissingSoname:
		m.lines = append(m.lines, few(users)+need+say.Word(f.Soname)+", which "+m.provider())
	case MissingVersion:
		m.lines = append(m.lines, few(users)+need+say.Word(f.SymbolVersion)+" of "+say.Word(f.Soname)+", which "+say.Word(f.Path)+" does not have")
	default:
		m.lines = append(m.lines, few(users)+": "+m.what(f))
	}
	if f.File != "" && f.Kind != ForeignPath {
		m.line("needed by", "%s", m.path(f.File))
	}
}

// many is about several things, with a line for each.
func (m *message) many(all []Finding, subjects []string, users map[string][]string) {
	who := m.path(m.v.Environment)
	same := func(f Finding) bool { return m.who(f) == m.who(all[0]) }
	if !slices.ContainsFunc(all, func(f Finding) bool { return !same(f) }) {
		who = m.who(all[0])
	}
	head := fmt.Sprintf("%s needs %d libraries that %s", who, len(subjects), m.provider())
	if slices.ContainsFunc(all, func(f Finding) bool { return f.Kind != MissingSoname }) {
		head = fmt.Sprintf("%s cannot work as it is, for %d reasons", who, len(subjects))
	}
	m.lines = append(m.lines, head)
	for i, subject := range subjects {
		if i == maxLines {
			m.line("missing", "and %d more", len(subjects)-maxLines)
			break
		}
		m.line("missing", "%s: %s", subject, few(users[subject]))
	}
}

// who names what a finding is about.
func (m *message) who(f Finding) string {
	switch {
	case f.Kind == ForeignPath:
		return "PYTHONPATH"
	case f.Distribution != "" && f.DistVersion != "":
		return say.Word(f.Distribution + " " + f.DistVersion)
	case f.Distribution != "":
		return say.Word(f.Distribution)
	case f.Module != "":
		return m.path(f.Module)
	}
	return m.path(m.v.Python)
}

// what says what is wrong where it is not a plain want of a library.
func (m *message) what(f Finding) string {
	switch f.Kind {
	case ForeignPath:
		return say.Word(f.File) + " is for another Python than " + say.Word(m.v.Version)
	case ForeignLibc:
		return say.Word(f.Path) + " would be loaded, which is not the loader's own libc.so.6"
	case ExecStack:
		return "an executable stack is asked for, which this glibc refuses"
	case Shadowed:
		return say.Word(f.SymbolVersion) + " of " + say.Word(f.Soname) + ": " + say.Word(f.Note)
	case BadFile:
		return say.Word(f.Detail)
	}
	return say.Word(f.Soname)
}

func (m *message) provider() string {
	switch {
	case m.v.NixLD:
		return "nix-ld does not provide"
	case m.v.Outcome == NotApplicable:
		return "it does not find: its Python was built by Nix and does not use nix-ld"
	}
	return "this system does not have"
}

// fixes says what helps, each thing once.
func (m *message) fixes(all []Finding) {
	listed := slices.Clone(m.w.Libraries)
	news := false
	var sentences []string
	sentence := func(text string) {
		if text != "" && !slices.Contains(sentences, text) {
			sentences = append(sentences, text)
		}
	}
	for _, f := range all {
		switch {
		case m.v.Outcome == NotApplicable && f.Kind != ForeignPath:
			sentence("uv venv --managed-python   # a Python that uv manages")
		case f.Kind == ForeignPath:
			sentence("unset PYTHONPATH   # which a Nix shell has set")
		case f.Kind == ForeignLibc:
			sentence("take glibc out of LD_LIBRARY_PATH and nix-ld's libraries: it comes with the loader")
		case f.Kind == Shadowed:
			sentence("take " + say.Word(f.Path) + " off the library path")
		case f.Kind == ExecStack:
			sentence(say.Word(f.Note))
		case f.Kind != MissingSoname && f.Kind != MissingVersion:
		case f.Kind == MissingVersion && f.AttributeKind == attribute.Glibc:
			sentence("this glibc is older than the wheel asks for: use a newer system, or an older wheel")
		case f.AttributeKind == attribute.Driver:
			sentence(m.driver(f))
		case !m.v.NixLD && !m.v.NixOS:
			sentence("install the package of your distribution that has " + say.Word(f.Soname))
		case f.Listable() || f.AttributeKind == attribute.Subdir && f.Attribute != "":
			news = true
			if !slices.Contains(listed, f.Attribute) {
				listed = append(listed, f.Attribute)
			}
			if f.Note != "" && (f.AttributeKind == attribute.Subdir || len(all) == 1) {
				sentence(say.Word(f.Soname + ": " + f.Note))
			}
		case f.AttributeKind == attribute.Unknown:
			sentence(m.unknown(f))
		default:
			sentence(say.Word(f.Soname + ": " + f.Note))
		}
	}
	if news {
		m.line("fix", "in configuration.nix, then nixos-rebuild switch:")
		m.lines = append(m.lines, "               programs.nix-ld.libraries = with pkgs; [ "+say.Word(strings.Join(listed, " "))+" ];")
	}
	if news && m.v.Override != "" {
		m.line("but", "here the variable %s stands in place of the system's list", say.Quote(m.v.Override))
	}
	for i, text := range sentences {
		if i == maxLines {
			break
		}
		m.line("fix", "%s", text)
	}
	if news && m.w.Now != "" {
		m.line("or now", "%s", m.w.Now)
	}
}

// unknown says how to find the package of a library that is in no table.
func (m *message) unknown(f Finding) string {
	const search = "nix-locate -w "
	if strings.HasPrefix(f.Note, search) {
		return say.Word(search + say.ShellWord("lib/"+f.Soname) + "   # finds the package of " + f.Soname)
	}
	return "find the package of " + say.Word(f.Soname) + ": " + say.Word(f.Note)
}

// driver says how a library of the graphics driver gets on the library path: no package has the
// one that matches the kernel's module.
func (m *message) driver(f Finding) string {
	dir := "/run/opengl-driver/lib"
	if f.Path != "" {
		dir = strings.TrimSuffix(f.Path, "/"+f.Soname)
	} else if len(m.v.Drivers) > 0 {
		dir = m.v.Drivers[0]
	}
	const hasIt = "   # the graphics driver has it"
	name := m.v.Variable
	if name == "" {
		return "export LD_LIBRARY_PATH=" + say.Word(say.ShellWord(dir)) + hasIt
	}
	return "export " + name + "=\"${" + name + "-" + nixld.DefaultLibraryPath + "}:" + say.Word(dir) + "\"" + hasIt
}

// path shows a path, from the working directory if it is below that.
func (m *message) path(name string) string {
	switch {
	case below(name, m.w.Dir):
		name = name[len(m.w.Dir)+1:]
	case m.w.Home != "/" && below(name, m.w.Home):
		name = "~" + name[len(m.w.Home):]
	}
	return say.Word(name)
}

func (v *Verdict) loaderMessage() string {
	text := say.Word(v.Python) + " cannot start: " + say.Word(v.Reason)
	if !v.Certain {
		text = say.Word(v.Python) + " may not start: " + say.Word(v.Reason)
	}
	switch {
	case v.Outcome == Broken:
		return text + fixLine("unset NIX_LD NIX_LD_LIBRARY_PATH   # or log in anew")
	case v.NixOS:
		return text + "\n  fix        in configuration.nix, then nixos-rebuild switch:\n               programs.nix-ld.enable = true;"
	}
	return text
}

func fixLine(text string) string { return "\n  fix        " + text }
