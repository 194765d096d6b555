package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"uvshim/policy/version"
)

// checkRequirement takes what can be declared as a tool: a requirement, a URL or an absolute path. A
// relative path means something else in each directory.
func checkRequirement(text string) error {
	switch name, ok := named(text); {
	case !utf8.ValidString(text):
		return fmt.Errorf("%s is not UTF-8", quote(text))
	case text != strings.TrimSpace(text):
		return fmt.Errorf("%s has blanks around it", quote(text))
	case interpreter(text), ok && strings.EqualFold(name, "python"):
		return fmt.Errorf("%s is a Python, not a tool", quote(text))
	case ok:
		return checkConstraint(text, text[len(name):])
	case !unnamed(text):
		return fmt.Errorf("%s is no package, want one such as ruff or ruff==0.14", quote(text))
	case strings.Contains(text, "://"):
		return checkURL(text, text)
	case !strings.HasPrefix(text, "/"):
		return fmt.Errorf("%s is a relative path, want an absolute one", quote(text))
	}
	return nil
}

// checkURL takes a URL, in which no blank can stand, and a marker behind " ;".
func checkURL(text, url string) error {
	_, rest, blank := strings.Cut(url, " ")
	if rest = strings.TrimSpace(rest); !blank || rest == "" {
		return nil
	}
	condition, ok := strings.CutPrefix(rest, ";")
	if condition == "" || !ok {
		return fmt.Errorf("%s has %s behind the URL, want nothing or a marker", quote(text), quote(rest))
	}
	return checkMarker(condition)
}

// interpreter reports whether uv takes the name of a tool for an interpreter (uv-python-types,
// try_from_tool_name), which `uv tool install` refuses.
func interpreter(text string) bool {
	r, err := version.Parse(text)
	if err != nil {
		return false
	}
	prefix := r.Implementation()
	switch r.Kind() {
	case version.KindVersion:
		prefix = "python"
	case version.KindImplementation:
	default:
		return false
	}
	return strings.HasPrefix(strings.ToLower(text), prefix)
}

// checkConstraint takes what may stand behind a package's name (PEP 508): extras, then a version
// with "@", a URL with "@" or specifiers, then a marker.
func checkConstraint(text, rest string) error {
	rest = strings.TrimSpace(rest)
	if extras, ok := strings.CutPrefix(rest, "["); ok {
		extras, rest, _ = strings.Cut(extras, "]")
		for extra := range strings.SplitSeq(extras, ",") {
			if extra = strings.TrimSpace(extra); !validName(extra) {
				return fmt.Errorf("%s has %s for an extra", quote(text), quote(extra))
			}
		}
		rest = strings.TrimSpace(rest)
	}
	if target, ok := strings.CutPrefix(rest, "@"); ok {
		target = strings.TrimSpace(target)
		if strings.Contains(target, "://") {
			return checkURL(text, target)
		}
		if target == "latest" || checkVersion(target) == nil {
			return nil
		}
		return fmt.Errorf("%s has %s behind the @, want latest, a version or a URL", quote(text), quote(target))
	}
	rest, condition, has := strings.Cut(rest, ";")
	if has {
		if err := checkMarker(condition); err != nil {
			return err
		}
	}
	if rest = strings.TrimSpace(rest); rest == "" {
		return nil
	}
	if inner, ok := strings.CutPrefix(rest, "("); ok {
		if rest, ok = strings.CutSuffix(inner, ")"); !ok {
			return fmt.Errorf("%s has no ) for its (", quote(text))
		}
	}
	for specifier := range strings.SplitSeq(rest, ",") {
		specifier = strings.TrimSpace(specifier)
		number := strings.TrimLeft(specifier, "=!~<>")
		switch operator := specifier[:len(specifier)-len(number)]; operator {
		case "==", "!=", "<=", ">=", "~=", "===", "<", ">":
		default:
			return fmt.Errorf("%s has %s for a constraint, want one such as >=1.0", quote(text), quote(specifier))
		}
		if err := checkVersion(strings.TrimSuffix(strings.TrimSpace(number), ".*")); err != nil {
			return fmt.Errorf("%s: %w", quote(text), err)
		}
	}
	return nil
}

// checkVersion takes what looks like a version of PEP 440. Whether it is one, uv knows.
func checkVersion(text string) error {
	number := strings.TrimPrefix(strings.ToLower(text), "v")
	if number == "" || number[0] < '0' || number[0] > '9' {
		return fmt.Errorf("%s is no version", quote(text))
	}
	for i := range len(number) {
		if !alphanumeric(number[i]) && strings.IndexByte("._-+!", number[i]) < 0 {
			return fmt.Errorf("%s is no version", quote(text))
		}
	}
	return nil
}
