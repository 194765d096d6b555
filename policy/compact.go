package policy

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// compactHead begins the compact form. Its number changes with the keys and their values, so that
// another version's form is never read.
const compactHead = "shim policy 1 "

// Compact returns the policy in a form for ParseCompact: a line with the format's number and a
// checksum, then a line for each key, strings as Go quotes them. It keeps every string, whatever
// its bytes.
func (p Policy) Compact() []byte {
	var body []byte
	for _, f := range p.fields() {
		body = append(body, f.key...)
		switch {
		case f.flag != nil:
			body = append(body, ' ')
			body = strconv.AppendBool(body, *f.flag)
		case f.word != nil:
			body = append(body, ' ')
			body = append(body, *f.word...)
		default:
			for _, text := range *f.list {
				body = append(body, ' ')
				body = strconv.AppendQuote(body, text)
			}
		}
		body = append(body, '\n')
	}
	head := append([]byte(compactHead), checksum(body)...)
	return append(append(head, '\n'), body...)
}

var (
	errCompactVersion = errors.New("reading compact policy: another version's")
	errCompactDamaged = errors.New("reading compact policy: damaged")
)

// ParseCompact returns the policy that Compact wrote. Anything else, of another version or with a
// byte changed, is an error, and the policy then Default.
func ParseCompact(data []byte) (Policy, error) {
	sum, found := bytes.CutPrefix(data, []byte(compactHead))
	if !found {
		return Default(), errCompactVersion
	}
	sum, body, _ := bytes.Cut(sum, []byte("\n"))
	if !bytes.Equal(sum, checksum(body)) {
		return Default(), errCompactDamaged
	}
	var p Policy
	rest := string(body)
	for _, f := range p.fields() {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		value, ok := strings.CutPrefix(line, f.key)
		if !ok || !f.parse(value) {
			return Default(), fmt.Errorf("%w at %s", errCompactDamaged, f.key)
		}
	}
	if rest != "" {
		return Default(), errCompactDamaged
	}
	return p, nil
}

// parse sets f from what follows its key.
func (f *field) parse(value string) bool {
	switch {
	case f.flag != nil:
		*f.flag = value == " true"
		return *f.flag || value == " false"
	case f.word != nil:
		if value == "" || value[0] != ' ' {
			return false
		}
		*f.word = value[1:]
		return slices.Contains(f.words, *f.word)
	}
	for value != "" {
		if value[0] != ' ' {
			return false
		}
		quoted, err := strconv.QuotedPrefix(value[1:])
		if err != nil {
			return false
		}
		text, err := strconv.Unquote(quoted)
		if err != nil {
			return false
		}
		*f.list = append(*f.list, text)
		value = value[1+len(quoted):]
	}
	return true
}

// checksum is FNV-1a of 64 bits, in hexadecimal.
func checksum(data []byte) []byte {
	sum := uint64(14695981039346656037)
	for _, b := range data {
		sum = (sum ^ uint64(b)) * 1099511628211
	}
	return strconv.AppendUint(nil, sum, 16)
}
