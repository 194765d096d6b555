package pip

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"uvshim/shim/say"
)

// A setting is one key of a configuration file.
type setting struct {
	section, key, value string
	line                int // 1 for the first
}

// readINI reads a file as Python's RawConfigParser does in its strict mode, with pip's rules for
// the names of keys. What stands in [DEFAULT] is repeated in each other section, before what that
// has of its own. What Python refuses is an error: pip does not run with such a file.
func readINI(data []byte) ([]setting, error) {
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return nil, errors.New("it is not text")
	}
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data))
	var (
		all      []setting // of [DEFAULT] too
		sections []string  // in order, without DEFAULT
		section  string
		started  bool       // a section is open
		option   bool       // the last setting may be continued
		indent   int        // of the line that it began with
		values   [][]string // the lines of each setting's value
		seen     = map[[2]string]bool{}
	)
	n := 0
	for line := range strings.Lines(text) {
		n++
		bare := strip(line)
		if bare == "" || bare[0] == '#' || bare[0] == ';' {
			// an empty line may be one of a value; a comment is not there
			if bare == "" && option {
				values[len(values)-1] = append(values[len(values)-1], "")
			}
			continue
		}
		depth := utf8.RuneCountInString(line) - utf8.RuneCountInString(stripLeft(line))
		if option && depth > indent {
			values[len(values)-1] = append(values[len(values)-1], bare)
			continue
		}
		indent = depth
		if end := strings.LastIndexByte(bare, ']'); bare[0] == '[' && end > 1 {
			section, started, option = bare[1:end], true, false
			if section == "DEFAULT" {
				continue
			}
			if seen[[2]string{section}] {
				return nil, fmt.Errorf("line %d: section %s is there twice", n, say.Quote(section))
			}
			seen[[2]string{section}] = true
			sections = append(sections, section)
			continue
		}
		if !started {
			return nil, fmt.Errorf("line %d: no section has begun, such as [global]", n)
		}
		i := strings.IndexAny(bare, "=:")
		if i < 0 {
			return nil, fmt.Errorf("line %d: neither a section nor a key and a value", n)
		}
		key := normal(strip(bare[:i]))
		if key == "" {
			return nil, fmt.Errorf("line %d: a value without a key", n)
		}
		id := [2]string{section, "=" + key}
		if seen[id] {
			return nil, fmt.Errorf("line %d: %s is there twice", n, say.Quote(key))
		}
		seen[id] = true
		all = append(all, setting{section: section, key: key, line: n})
		values = append(values, []string{strip(bare[i+1:])})
		option = true
	}
	var defaults, own []setting
	for i, s := range all {
		s.value = stripRight(strings.Join(values[i], "\n"))
		if s.section == "DEFAULT" {
			defaults = append(defaults, s)
		} else {
			own = append(own, s)
		}
	}
	if len(defaults) == 0 {
		return own, nil
	}
	var out []setting
	for _, name := range sections {
		for _, s := range defaults {
			s.section = name
			out = append(out, s)
		}
	}
	return append(out, own...), nil
}

// normal is the name of an option as pip compares it (configuration.py, _normalize_name).
func normal(name string) string {
	return strings.TrimPrefix(strings.ReplaceAll(strings.ToLower(name), "_", "-"), "--")
}

// Python's str.strip takes four more characters for white space than unicode.IsSpace.
func blank(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

func strip(text string) string      { return strings.TrimFunc(text, blank) }
func stripLeft(text string) string  { return strings.TrimLeftFunc(text, blank) }
func stripRight(text string) string { return strings.TrimRightFunc(text, blank) }
