package survey

import (
	"errors"
	"strconv"
	"strings"

	"uvshim/policy"
	"uvshim/shim/say"
)

// Text returns the draft as policy.toml. Its comments say what stays true when shim declare, which keeps
// them, adds to it.
func (d Draft) Text() string {
	w := &writer{}
	w.line("# What is declared for Python on this machine; yours to edit. shim init wrote it from what it found.")
	w.line("")
	w.line("[python]")
	if len(texts(d.Versions)) == 0 {
		w.comments(d.Versions)
		w.line(`# versions = ["3.14", "3.13"]  # what uv is to install; shim declare python 3.14 adds one`)
	} else {
		w.list("versions", d.Versions)
	}
	switch {
	case len(texts(d.Default)) > 0:
		w.list("default", d.Default)
	default:
		w.comments(d.Default)
		newest := "3.14"
		if d.Newest != "" {
			newest = d.Newest
		}
		w.line("# default = [" + strconv.Quote(newest) + "]  # what a bare python is; without it, the newest")
	}
	w.prune(d.PrunePython, "Home Manager's programs.uv.python.prune", "Pythons")
	w.line("")
	w.line("[tool]")
	if len(texts(d.Packages)) == 0 {
		w.comments(d.Packages)
		w.line(`# packages = ["ruff"]  # the tools that uv is to install; shim declare tool ruff adds one`)
	} else {
		w.list("packages", d.Packages)
	}
	w.prune(d.PruneTool, "Home Manager's programs.uv.tool.prune", "tools")
	if !d.NixLD {
		return w.String()
	}
	w.line("")
	w.line("[nix-ld]")
	if len(texts(d.Libraries)) == 0 {
		w.comments(d.Libraries)
		beyond := " beyond those"
		if len(d.Libraries) == 0 {
			beyond = ""
		}
		w.line("# nix-ld has no library that shim knows" + beyond + ".")
	} else {
		w.list("libraries", d.Libraries)
	}
	return w.String()
}

type writer struct{ strings.Builder }

func (w *writer) line(text string) { w.WriteString(text + "\n") }

// comments writes lines that are comments.
func (w *writer) comments(lines []Line) {
	for _, l := range lines {
		w.line("# " + say.Word(l.Why))
	}
}

// list writes a key with a list, an element a line where there is more than one.
func (w *writer) list(key string, lines []Line) {
	if len(lines) == 1 {
		w.line(key + " = [" + strconv.Quote(lines[0].Text) + "]  # " + say.Word(lines[0].Why))
		return
	}
	width := 0
	for _, l := range lines {
		width = max(width, len(strconv.Quote(l.Text)))
	}
	w.line(key + " = [")
	for _, l := range lines {
		if l.Text == "" {
			w.line("    # " + say.Word(l.Why))
			continue
		}
		text := strconv.Quote(l.Text)
		w.line("    " + text + "," + strings.Repeat(" ", width-len(text)+2) + "# " + say.Word(l.Why))
	}
	w.line("]")
}

func (w *writer) prune(set bool, why, what string) {
	if set {
		w.line("prune = true  # " + why)
		return
	}
	w.line("# prune = true  # shim sync then removes " + what + " that are not listed")
}

// valid returns why text cannot stand in the list of a policy's key, nil if it can.
func valid(table, key, text string) error {
	_, err := policy.Load(policy.File{Data: []byte("[" + table + "]\n" + key + " = [" + strconv.Quote(text) + "]\n")})
	var first *policy.Error
	if errors.As(err, &first) {
		return first.Err
	}
	return err
}
