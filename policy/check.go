package policy

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// check returns the mistakes of one file by itself: syntax, keys, types and values. A file without
// any holds known keys only, each once, at most two deep, with strings, booleans and flat lists of
// strings: nothing is left in it that the decoder could take differently or choke on.
func check(f File) Problems {
	c := checker{file: f, fields: new(Policy).fields(), first: map[string]int{}, dotted: map[string]bool{}}
	offset, err := walk(f.Data, c.visit)
	if err != nil {
		c.report(offset, "", err)
	}
	return c.problems
}

type checker struct {
	file     File
	fields   []field
	first    map[string]int  // offset at which a table or key was defined
	dotted   map[string]bool // tables that dotted keys made
	problems Problems
}

func (c *checker) report(offset int, key string, err error) {
	if len(c.problems) < maxProblems {
		c.problems = append(c.problems, problem(c.file, offset, key, err))
	}
}

func problem(f File, offset int, key string, err error) *Error {
	line, col := position(f.Data, offset)
	return &Error{File: f.Path, Line: line, Col: col, Key: key, Err: err}
}

// visit checks one header or key, and reports whether what is below it is worth checking.
func (c *checker) visit(n node) bool {
	if len(c.problems) == maxProblems {
		return false
	}
	top := n.path[0]
	if !slices.Contains(c.tables(), top.text) {
		c.report(top.offset, bare(top.text), c.unknownTop(n))
		return false
	}
	if len(n.path) == 1 {
		switch n.kind {
		case unstable.Table, unstable.InlineTable:
			return c.define(top.text, top.offset)
		case unstable.ArrayTable:
			c.report(top.offset, top.text, fmt.Errorf("want a table: write [%s]", top.text))
			return false
		}
		c.report(n.at, top.text, fmt.Errorf("want a table, not %s", c.describe(n.value)))
		return false
	}
	name := n.path[1]
	f := c.field(top.text, name.text)
	key := top.text + "." + bare(name.text)
	switch {
	case f == nil:
		c.report(name.offset, key, c.unknownKey(top.text, name.text))
		return false
	case n.value == nil, len(n.path) > 2:
		c.report(name.offset, key, fmt.Errorf("want %s, not a table", f.want()))
		return false
	}
	if c.within(top) && c.define(key, name.offset) {
		c.value(f, n)
	}
	return false
}

// within notes that a key stands in the table top. Below its header, or in its inline table, top
// is the very same place; elsewhere the key is a dotted one, which makes the table or adds to what
// other dotted keys made.
func (c *checker) within(top part) bool {
	first, ok := c.first[top.text]
	if ok && (first == top.offset || c.dotted[top.text]) {
		return true
	}
	c.dotted[top.text] = true
	return c.define(top.text, top.offset)
}

// define notes that a table or key is defined here: TOML has each once.
func (c *checker) define(key string, offset int) bool {
	first, again := c.first[key]
	if !again {
		c.first[key] = offset
		return true
	}
	line, _ := position(c.file.Data, first)
	c.report(offset, key, fmt.Errorf("defined twice, first on line %d", line))
	return false
}

func (c *checker) value(f *field, n node) {
	key := f.key
	switch {
	case f.flag != nil && n.kind == unstable.Bool:
	case f.word != nil && n.kind == unstable.String:
		if !slices.Contains(f.words, string(n.value.Data)) {
			c.report(n.at, key, fmt.Errorf("unknown %s %s, want %s", f.noun, quote(string(n.value.Data)), either(f.words)))
		}
	case f.list != nil && n.kind == unstable.Array:
		elements(c.file.Data, n, func(value *unstable.Node, offset int) bool {
			c.element(f, value, offset)
			return len(c.problems) < maxProblems
		})
	case f.list != nil && f.one && n.kind == unstable.String:
		c.element(f, n.value, n.at)
	default:
		c.report(n.at, key, fmt.Errorf("want %s, not %s%s", f.want(), c.describe(n.value), c.cure(f, n.value)))
	}
}

func (c *checker) element(f *field, value *unstable.Node, offset int) {
	if value.Kind != unstable.String {
		c.report(offset, f.key, fmt.Errorf("want a string, not %s%s", c.describe(value), c.cureElement(value)))
		return
	}
	text := string(value.Data)
	err := checkText(text)
	if err == nil {
		err = f.check(text)
	}
	if err != nil {
		c.report(offset, f.key, err)
	}
}

// want is what f takes, in words.
func (f *field) want() string {
	switch {
	case f.flag != nil:
		return "true or false"
	case f.word != nil:
		return either(quoteAll(f.words))
	case f.one:
		return "a string or a list of strings"
	}
	return "a list of strings"
}

// describe is the value as the user wrote it, in words.
func (c *checker) describe(value *unstable.Node) string {
	switch value.Kind {
	case unstable.String:
		return "the string " + quote(string(value.Data))
	case unstable.Bool:
		return string(value.Data)
	case unstable.Integer, unstable.Float:
		return "the number " + clip(string(value.Data))
	case unstable.Array:
		return "a list"
	case unstable.InlineTable:
		return "a table"
	}
	return "the date " + clip(string(value.Data))
}

// cure says how a value of the wrong type was probably meant.
func (c *checker) cure(f *field, value *unstable.Node) string {
	text := clip(string(value.Data))
	switch number := value.Kind == unstable.Integer || value.Kind == unstable.Float; {
	case f.one && number:
		return c.cureElement(value)
	case f.list != nil && (number || value.Kind == unstable.String):
		return ": write [" + strconv.Quote(text) + "]"
	case f.flag != nil && value.Kind == unstable.String && (text == "true" || text == "false"):
		return ": leave out the quotes"
	}
	return ""
}

// cureElement is cure where a string was wanted. The number's own text is quoted, since the
// number 3.10 is 3.1.
func (c *checker) cureElement(value *unstable.Node) string {
	if value.Kind == unstable.Integer || value.Kind == unstable.Float {
		return ": quote it, as in " + quote(string(value.Data))
	}
	return ""
}

func (c *checker) tables() []string {
	var names []string
	for _, f := range c.fields {
		if !slices.Contains(names, f.table()) {
			names = append(names, f.table())
		}
	}
	return names
}

func (c *checker) field(table, name string) *field {
	for i := range c.fields {
		if f := &c.fields[i]; f.table() == table && f.name() == name {
			return f
		}
	}
	return nil
}

// unknownTop is the error for a first part that is no table: a table misspelt, or a key that
// stands outside its table.
func (c *checker) unknownTop(n node) error {
	name := n.path[0].text
	if len(n.path) == 1 && n.value != nil && n.kind != unstable.InlineTable {
		return c.unknownKey("", name)
	}
	if table := Nearest(name, c.tables()); table != "" {
		return fmt.Errorf("unknown table, did you mean [%s]", table)
	}
	return fmt.Errorf("unknown table, want %s", either(c.tables()))
}

// unknownKey is the error for a key that table does not have.
func (c *checker) unknownKey(table, name string) error {
	var here, all, homes []string
	for _, f := range c.fields {
		all = append(all, f.key)
		if f.table() == table {
			here = append(here, f.name())
		}
		if fold(f.name()) == fold(name) {
			homes = append(homes, "["+f.table()+"]")
		}
	}
	same := slices.ContainsFunc(here, func(k string) bool { return fold(k) == fold(name) })
	if !same && len(homes) > 0 {
		return fmt.Errorf("unknown key, it belongs in %s", either(homes))
	}
	if key := Nearest(name, here); key != "" {
		return fmt.Errorf("unknown key, did you mean %q", key)
	}
	for _, key := range all {
		if _, short, _ := strings.Cut(key, "."); Nearest(name, []string{short}) != "" {
			return fmt.Errorf("unknown key, did you mean %q", key)
		}
	}
	if table == "" {
		return errors.New("unknown key, and keys stand in a table such as [python]")
	}
	return fmt.Errorf("unknown key, want %s", either(here))
}

// bare is a key as TOML writes it.
func bare(name string) string {
	plain := name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
	})
	if plain {
		return clip(name)
	}
	return quote(name)
}
