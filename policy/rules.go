package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// rules returns what is wrong in the policy as a whole. These are the assertions of Home Manager's
// programs.uv (no duplicates in versions, default and packages; every default spelled identically
// in versions), and that a bare name can mean one Python only.
func (l Loaded) rules() Problems {
	versions, problems := l.distinct("python.versions", l.Python.Versions)
	_, twice := l.distinct("tool.packages", l.Tool.Packages)
	problems = slices.Concat(problems, l.defaults(versions), twice)
	layer := func(e *Error) int {
		return slices.IndexFunc(l.Files, func(f File) bool { return f.Path == e.File })
	}
	slices.SortStableFunc(problems, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(layer(a), layer(b)), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return problems
}

// distinct returns the elements of a list as a set, and a mistake for each that comes again.
func (l Loaded) distinct(key string, list []string) (map[string]bool, Problems) {
	r := reporter{loaded: l, key: key}
	seen := make(map[string]bool, len(list))
	for i, text := range list {
		if seen[text] {
			r.report(i, fmt.Errorf("%s is listed twice", quote(text)))
		}
		seen[text] = true
	}
	return seen, r.problems
}

// defaults holds python.default against the versions, if there are any, and against itself.
func (l Loaded) defaults(versions map[string]bool) Problems {
	r := reporter{loaded: l, key: "python.default"}
	seen := map[string]bool{}
	first := map[string]string{} // implementation: its default
	for i, text := range l.Python.Default {
		implementation := implementationOf(text)
		before, second := first[implementation]
		switch {
		case seen[text]:
			r.report(i, fmt.Errorf("%s is listed twice", quote(text)))
		case second:
			r.report(i, fmt.Errorf("%s is a second default for %s, after %s", quote(text), implementation, quote(before)))
		case len(versions) > 0 && !versions[text]:
			path, line := l.Source("python.versions")
			r.report(i, fmt.Errorf("%s is not in python.versions (%s:%d)", quote(text), path, line))
		}
		seen[text] = true
		if !second {
			first[implementation] = text
		}
	}
	return r.problems
}

// A reporter collects the mistakes in the list of one key. Where the list stands is looked up once.
type reporter struct {
	loaded   Loaded
	key      string
	file     File
	place    place
	problems Problems
}

func (r *reporter) report(index int, err error) {
	if len(r.problems) == maxProblems {
		return
	}
	if r.problems == nil {
		r.file, r.place, _ = r.loaded.source(r.key)
	}
	offset, _ := r.place.offset(index)
	r.problems = append(r.problems, problem(r.file, offset, r.key, err))
}

// checkText refuses what no argument of a program, and no line of a message, can hold.
func checkText(text string) error {
	if text == "" {
		return errors.New("an empty string")
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Errorf("%s has a control character", quote(text))
	}
	return nil
}

// checkPackage takes any requirement, uv reads those, but nothing that uv would read as an option.
func checkPackage(text string) error {
	if strings.HasPrefix(text, "-") {
		return fmt.Errorf("%s is an option, want a package", quote(text))
	}
	return nil
}

// checkAttribute takes a dotted attribute path as Nix has it, its parts identifiers or quoted.
func checkAttribute(text string) error {
	for rest, more := text, true; more; {
		n := identifier(rest)
		if n == 0 || n < len(rest) && rest[n] != '.' {
			return fmt.Errorf("%s is not an attribute, want one such as stdenv.cc.cc.lib", quote(text))
		}
		if more = n < len(rest); more {
			rest = rest[n+1:]
		}
	}
	return nil
}

// identifier returns the length of the identifier of Nix that text begins with, or 0. A quoted one
// is taken if it means just what it says: no escapes, no ${}.
func identifier(text string) int {
	if inner, ok := strings.CutPrefix(text, `"`); ok {
		end := strings.IndexAny(inner, "\"\\$")
		if end < 1 || inner[end] != '"' {
			return 0
		}
		return end + 2
	}
	n := strings.IndexFunc(text, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_-'", r))
	})
	if n < 0 {
		n = len(text)
	}
	if n > 0 && strings.IndexByte("0123456789-'", text[0]) >= 0 {
		return 0
	}
	return n
}

// checkSoname refuses a path: sonames are compared whole, so that it would never match.
func checkSoname(text string) error {
	if strings.Contains(text, "/") {
		return fmt.Errorf("%s is a path, want a soname such as libz.so.1", quote(text))
	}
	return nil
}
