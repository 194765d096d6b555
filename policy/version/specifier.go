package version

import (
	"fmt"
	"strings"
	"unicode"
)

// A spec is one PEP 440 specifier, such as ">=3.12" or "!=3.14.*".
type spec struct {
	op   string // "==" "===" "!=" "~=" "<" "<=" ">" ">="
	star bool   // only with == and !=
	v    pep
}

// A tooMany is the one error of parseSpecs that is not uv's.
type tooMany int

func (n tooMany) Error() string {
	return fmt.Sprintf("%d specifiers in one request; at most %d are read", int(n), maxSpecs)
}

// parseSpecs reads specifiers separated by commas. It returns nothing when one of them is none.
func parseSpecs(text string) ([]spec, error) {
	if n := strings.Count(text, ",") + 1; n > maxSpecs {
		return nil, tooMany(n)
	}
	var specs []spec
	for part := range strings.SplitSeq(text, ",") {
		s, ok := parseSpec(part)
		if !ok {
			return nil, nil
		}
		specs = append(specs, s)
	}
	return specs, nil
}

func parseSpec(text string) (spec, bool) {
	text = strings.TrimFunc(text, unicode.IsSpace)
	rest := strings.TrimLeft(text, "=!~<>")
	s := spec{op: text[:len(text)-len(rest)]}
	switch s.op {
	case "==", "===", "!=", "~=", "<", "<=", ">", ">=":
	default:
		return s, false
	}
	rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
	var ok bool
	if s.v, s.star, ok = parsePattern(rest); !ok {
		return s, false
	}
	equality := s.op == "==" || s.op == "!="
	switch {
	case s.star && !equality:
		return s, false
	case s.v.local != "" && (s.star || !equality && s.op != "==="):
		return s, false
	case s.op == "~=" && len(s.v.release) < 2:
		return s, false
	}
	return s, true
}

// admits is uv's VersionSpecifier::contains for the versions that interpreters have, which know
// neither epoch nor post, development or local parts.
func (s spec) admits(v pep) bool {
	switch s.op {
	case "==", "===":
		if s.star {
			return s.prefix(v, len(s.v.release))
		}
		return v.compare(s.v) == 0
	case "!=":
		if s.star {
			return !s.prefix(v, len(s.v.release))
		}
		return v.compare(s.v) != 0
	case "~=":
		// uv pads nothing here: parts that the interpreter has not are not compared
		return s.prefix(v, min(len(s.v.release)-1, len(v.release))) && v.compare(s.v) >= 0
	case "<":
		// "<3.15" does not let 3.15.0a1 in, as PEP 440 demands
		if !s.v.prerelease() && v.prerelease() {
			first := s.v
			first.dev = number{true, 0}
			if v.compare(first) >= 0 {
				return false
			}
		}
		return v.compare(s.v) < 0
	case "<=":
		return v.compare(s.v) <= 0
	case ">":
		return v.compare(s.v) > 0
	default:
		return v.compare(s.v) >= 0
	}
}

// prefix reports whether the first n parts of the release are the specifier's.
func (s spec) prefix(v pep, n int) bool {
	if s.v.epoch != v.epoch {
		return false
	}
	for i := range n {
		if s.v.part(i) != v.part(i) {
			return false
		}
	}
	return true
}

func (s spec) String() string {
	if s.star {
		return s.op + s.v.String() + ".*"
	}
	return s.op + s.v.String()
}
