package uv

import (
	"path"
	"path/filepath"
	"strings"
)

// matchAny reports whether name, relative to the workspace root, matches one of the globs. With
// literal separators a * stays within one path component: so uv matches members, while a * in
// exclude crosses slashes (uv-workspace, is_included_in_workspace and is_excluded_from_workspace).
func matchAny(globs []string, name string, literal bool) bool {
	for _, g := range globs {
		if matchGlob(path.Clean(g), filepath.ToSlash(name), literal) {
			return true
		}
	}
	return false
}

// matchGlob matches one glob of ?, *, ** and [set]. A malformed one matches nothing.
func matchGlob(glob, name string, literal bool) bool {
	if !literal {
		// path.Match knows no slash that is not special: hide it
		hide := func(s string) string { return strings.ReplaceAll(s, "/", "\x00") }
		ok, err := path.Match(hide(strings.ReplaceAll(glob, "**", "*")), hide(name))
		return ok && err == nil
	}
	return matchParts(strings.Split(glob, "/"), strings.Split(name, "/"))
}

// matchParts follows which prefixes of name the globs so far can match, so that no number of **
// makes it slow.
func matchParts(globs, name []string) bool {
	reached := make([]bool, len(name)+1)
	reached[0] = true
	for _, g := range globs {
		next := make([]bool, len(name)+1)
		for i, ok := range reached {
			switch {
			case !ok && (g != "**" || i == 0 || !next[i-1]):
			case g == "**":
				next[i] = true
			case i < len(name):
				if m, err := path.Match(g, name[i]); m && err == nil {
					next[i+1] = true
				}
			}
		}
		reached = next
	}
	return reached[len(name)]
}
