package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var errNotStrings = errors.New("want a string or a list of strings")

// maxProblems is how many mistakes of one file are told. A file with more is not one that a person
// wrote.
const maxProblems = 20

// An Error is one mistake in a policy file.
type Error struct {
	File      string // as the caller of Load named it
	Line, Col int    // from 1; columns count bytes
	Key       string // "python.default"; empty for a mistake in the TOML itself
	Err       error
}

// Error returns file:line:column: key: what is wrong.
func (e *Error) Error() string {
	place := fmt.Sprintf("%s:%d:%d: ", e.File, e.Line, e.Col)
	if e.Key != "" {
		place += e.Key + ": "
	}
	return place + e.Err.Error()
}

// Unwrap returns what is wrong without the place.
func (e *Error) Unwrap() error { return e.Err }

// Problems are all mistakes that one Load found, by file in the order of the layers and then by
// position, at most 20 of a file or of a list. There is at least one.
type Problems []*Error

// Error returns the first mistake, on one line, and how many follow it.
func (p Problems) Error() string {
	text := p[0].Error()
	if len(p) > 1 {
		text += fmt.Sprintf(" (and %d more)", len(p)-1)
	}
	return text
}

// Unwrap returns each mistake; errors.As with an *Error finds the first.
func (p Problems) Unwrap() []error {
	errs := make([]error, len(p))
	for i, e := range p {
		errs[i] = e
	}
	return errs
}

// quote is text in quotes, short enough for a message.
func quote(text string) string { return strconv.Quote(clip(text)) }

func clip(text string) string {
	const most = 80
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// either is "a", "a or b", "a, b or c".
func either(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

func quoteAll(words []string) []string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = strconv.Quote(word)
	}
	return quoted
}
