package shim

import (
	"fmt"
	"slices"
	"strings"

	"uvshim/shim/preflight"
	"uvshim/shim/say"
)

// print writes the results for people. fixable tells that they are of what shim fix looks at as well.
func (c *check) print(all []checked, fixable bool) {
	for _, t := range all {
		if t.err != nil {
			continue
		}
		v, path := t.verdict, say.Word(c.shown(t.path))
		wording := c.wording(&v, c.declared)
		if !fixable {
			wording.Now = ""
		}
		if c.root {
			wording.Dir = ""
		}
		message := v.Message(wording)
		switch {
		case message != "":
			c.out.printf("%s\n%s\n", path, indent(say.Clean(say.Tildes(message, c.say.Home))))
		case v.Outcome == preflight.NotApplicable:
			c.out.printf("%s\n  not applicable: %s\n", path, say.Word(v.Reason))
		case v.Outcome == preflight.Unclear:
			c.out.printf("%s\n  the loader is not known: %s\n", path, say.Word(v.Reason))
		default:
			c.out.printf("%s %s\n", path, from(v))
		}
		if names := c.fromFix(v.Needs); c.system == "" && len(names) > 0 && v.NixLD {
			c.say.Hint("%s comes from shim fix, which reaches what runs through shim; for all else there is shim env", say.Word(strings.Join(names, ", ")))
		}
		if c.all {
			for _, f := range v.Findings {
				if f.Severity == preflight.Optional {
					c.out.printf("  optional   %s\n", say.Word(describe(f)))
				}
			}
		}
		for _, note := range v.Notes {
			c.say.Hint("%s", say.Word(note))
		}
		c.printTree(t.tree)
	}
}

// from tells what something covered takes from the system.
func from(v preflight.Verdict) string {
	switch {
	case v.Files == 0:
		return "has no shared objects: nothing to check"
	case len(v.Needs) == 0:
		return "is covered: it needs nothing but glibc"
	}
	return "is covered: it needs " + say.Word(strings.Join(v.Needs, ", "))
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(text, "\n", "\n  ")
}

func (c *check) printTree(nodes []preflight.Node) {
	for _, n := range nodes {
		where := n.Path
		if where == "" {
			where = "not found"
		}
		line := fmt.Sprintf("  %s%s => %s", strings.Repeat("  ", n.Depth), n.Name, c.shown(where))
		if n.Name == n.Path {
			line = "  " + c.shown(n.Path) // a module, which nothing had to find
		}
		if n.How != "" {
			line += " (" + n.How + ")"
		}
		c.out.println(say.Word(line))
	}
}

// A checkTarget is one target in the JSON of shim check.
type checkTarget struct {
	Path     string         `json:"path"`
	Error    string         `json:"error,omitempty"`
	Covered  bool           `json:"covered"`
	Outcome  string         `json:"outcome"`
	Reason   string         `json:"reason"`
	Needs    []string       `json:"needs"`
	Findings []checkFinding `json:"findings"`
	Notes    []string       `json:"notes"`
	Tree     []checkNode    `json:"tree,omitempty"`
}

type checkFinding struct {
	Kind          string `json:"kind"`
	Severity      string `json:"severity"`
	Soname        string `json:"soname"`
	SymbolVersion string `json:"symbol-version"`
	Attribute     string `json:"attribute"`
	AttributeKind string `json:"attribute-kind"`
	Note          string `json:"note"`
	Distribution  string `json:"distribution"`
	Version       string `json:"distribution-version"`
	File          string `json:"file"`
	Module        string `json:"module"`
	Found         string `json:"found"`
	Detail        string `json:"detail"`
}

type checkNode struct {
	Name  string `json:"name"`
	Path  string `json:"path"`
	How   string `json:"how"`
	Depth int    `json:"depth"`
}

// checkJSON returns the JSON of shim check: version, targets in the order asked for, and the
// attributes that cure all of them.
func checkJSON(all []checked) map[string]any {
	targets, attributes := []checkTarget{}, []string{}
	for _, t := range all {
		v := t.verdict
		out := checkTarget{
			Path: text(t.path), Covered: t.err == nil && v.Covered() && loaderWorks(v), Outcome: string(v.Outcome),
			Reason: text(v.Reason), Needs: list(v.Needs), Findings: []checkFinding{}, Notes: list(v.Notes),
		}
		if t.err != nil {
			out.Error, out.Outcome = text(t.err.Error()), "unreadable"
		}
		for _, f := range v.Findings {
			out.Findings = append(out.Findings, checkFinding{
				string(f.Kind), string(f.Severity), text(f.Soname), text(f.SymbolVersion), f.Attribute, string(f.AttributeKind),
				text(f.Note), text(f.Distribution), text(f.DistVersion), text(f.File), text(f.Module), text(f.Path), text(f.Detail)})
		}
		for _, n := range t.tree {
			out.Tree = append(out.Tree, checkNode{text(n.Name), text(n.Path), n.How, n.Depth})
		}
		targets = append(targets, out)
		attributes = append(attributes, v.Attributes()...)
	}
	slices.Sort(attributes)
	return map[string]any{"version": 1, "targets": targets, "attributes": append([]string{}, slices.Compact(attributes)...)}
}

// describe returns an optional finding as a line.
func describe(f preflight.Finding) string {
	what := f.Soname
	if f.SymbolVersion != "" {
		what += " " + f.SymbolVersion
	}
	line := strings.TrimSpace(string(f.Kind) + " " + what)
	if f.Distribution != "" {
		line += " of " + f.Distribution
	}
	if f.File != "" {
		line += ", " + f.File
	}
	if f.Note != "" {
		line += ": " + f.Note
	}
	return line
}
