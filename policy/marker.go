package policy

import (
	"fmt"
	"strings"
)

// checkMarker takes an environment marker (PEP 508): comparisons, joined by and and or, in parentheses
// or not. One side of each comparison is a variable.
func checkMarker(text string) error {
	m := marker{rest: strings.TrimSpace(text)}
	if m.or(); m.bad || m.rest != "" {
		return fmt.Errorf("%s behind the ; is no marker, want one such as python_version >= \"3.12\"", quote(text))
	}
	return nil
}

// maxMarker is how deep parentheses may be.
const maxMarker = 32

type marker struct {
	rest  string
	depth int
	bad   bool
}

func (m *marker) or() {
	for m.and(); m.word("or"); {
		m.and()
	}
}

func (m *marker) and() {
	for m.one(); m.word("and"); {
		m.one()
	}
}

func (m *marker) one() {
	if !m.take("(") {
		left := m.value()
		m.operator()
		if right := m.value(); left == right {
			m.bad = true
		}
		return
	}
	if m.depth++; m.depth > maxMarker {
		m.bad = true
		return
	}
	m.or()
	m.depth--
	m.bad = m.bad || !m.take(")")
}

// value takes a variable or a string in quotes, and reports whether it was a variable.
func (m *marker) value() bool {
	for _, q := range []string{"'", `"`} {
		if m.take(q) {
			_, rest, closed := strings.Cut(m.rest, q)
			m.rest, m.bad = strings.TrimSpace(rest), m.bad || !closed
			return false
		}
	}
	for _, name := range [...]string{
		"python_full_version", "python_version", "os_name", "os.name", "sys_platform", "sys.platform",
		"platform_machine", "platform.machine", "platform_python_implementation", "platform.python_implementation", "python_implementation",
		"platform_release", "platform_system", "platform_version", "platform.version",
		"implementation_name", "implementation_version", "extras", "extra", "dependency_groups",
	} {
		if m.word(name) {
			return true
		}
	}
	m.bad = true
	return true
}

func (m *marker) operator() {
	for _, operator := range [...]string{"===", "==", "!=", "<=", ">=", "~=", "<", ">"} {
		if m.take(operator) {
			return
		}
	}
	m.bad = m.bad || !m.word("in") && !(m.word("not") && m.word("in"))
}

// take takes a token.
func (m *marker) take(token string) bool {
	rest, ok := strings.CutPrefix(m.rest, token)
	if ok {
		m.rest = strings.TrimSpace(rest)
	}
	return ok
}

// word takes a word, which no letter of a name follows.
func (m *marker) word(word string) bool {
	rest, ok := strings.CutPrefix(m.rest, word)
	return ok && nameEnd(rest) == 0 && m.take(word)
}
