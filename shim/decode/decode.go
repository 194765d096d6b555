// Package decode reads TOML that others wrote.
package decode

import (
	"errors"

	"github.com/BurntSushi/toml"
)

const (
	maxDepth = 64 // of arrays and tables in one another, and of names in a key with all above it
	// The decoder makes the full name of a key anew for each name in it. So many bytes of such names may
	// one text cost, and so many more for each of its own bytes: a header with a long name and many keys
	// below it would else take all memory.
	maxNames     = 4 << 20
	namesForByte = 8
	maxParts     = 20_000 // keys, tables and elements of arrays in what is no record of ours
)

var (
	errDeep = errors.New("nested too deeply")
	errLong = errors.New("too much in it")
)

// TOML decodes text into v, as toml.Unmarshal does. Text that is nested deeply is an error: the
// decoder recurses, and what overflows its stack is no panic but the end of the program. So is text
// that would keep the decoder busy for more than some tenths of a second.
func TOML(text []byte, v any) error { return bounded(text, v, maxParts) }

// Records is TOML for a text of our own, which may be of any length.
func Records(text []byte, v any) error { return bounded(text, v, len(text)) }

func bounded(text []byte, v any, parts int) error {
	if err := check(text, parts); err != nil {
		return err
	}
	return toml.Unmarshal(text, v)
}

// A key is the size of a key with all that it stands below.
type key struct{ names, bytes int }

func (k key) below(above key) key { return key{above.names + k.names, above.bytes + k.bytes} }

// A value is an array or inline table that is being read.
type value struct {
	key   key
	table bool
}

// check refuses text that would cost the decoder its stack, or time or memory beyond what text of that
// length is worth. It follows TOML only as far as to know what is a key and what stands in strings and
// comments; in text that is not TOML it knows as much as the decoder gets to see.
func check(text []byte, parts int) error {
	var (
		table  key     // the header that is in force
		open   []value // what is being read, the innermost last
		k      = key{names: 1}
		reads  = true // k, rather than a value
		header bool   // of a table, not a key
		fresh  = true // nothing was on this line yet
	)
	names := maxNames + namesForByte*len(text)
	above := func() key {
		if len(open) > 0 {
			return open[len(open)-1].key
		}
		return table
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == ' ', c == '\t', c == '\r':
			continue
		case c == '"', c == '\'':
			end := stringEnd(text, i)
			k.bytes += end - i
			i = end
		case c == '#':
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
			continue
		case c == '\n' && header, c == '=' && reads && !header:
			if header {
				table, header = k, false
			}
			full := table
			if c == '=' {
				k = k.below(above())
				full = k
			}
			parts, names, reads = parts-1, names-full.names*full.bytes, false
			if full.names > maxDepth {
				return errDeep
			}
		case header && (c == '[' || c == ']'):
		case c == '[' && fresh && len(open) == 0:
			header = true
		case c == '[', c == '{':
			if len(open) > 0 && !open[len(open)-1].table {
				k = above() // an element has its array's key
			}
			open = append(open, value{key: k, table: c == '{'})
			parts, k, reads = parts-1, key{names: 1}, c == '{'
		case c == ']', c == '}':
			open = open[:max(len(open)-1, 0)]
		case c == ',' && len(open) > 0:
			parts, k, reads = parts-1, key{names: 1}, open[len(open)-1].table
		case c == '.':
			k.names++
			k.bytes++
		default:
			k.bytes++
		}
		if fresh = c == '\n'; fresh && len(open) == 0 {
			k, reads = key{names: 1}, true
		}
		if len(open) > maxDepth || reads && k.names > maxDepth {
			return errDeep
		}
		if parts < 0 || names < 0 {
			return errLong
		}
	}
	return nil
}

// stringEnd returns the index of the last byte of the string that begins at i.
func stringEnd(text []byte, i int) int {
	quote := text[i]
	triple := i+2 < len(text) && text[i+1] == quote && text[i+2] == quote
	if triple {
		i += 2
	}
	for i++; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] == '\n' && !triple:
			return i // an error that the decoder will find
		case text[i] != quote:
		case !triple:
			return i
		case i+2 < len(text) && text[i+1] == quote && text[i+2] == quote:
			// up to two more quotes belong to the text, and end the string all the same
			for i += 2; i+1 < len(text) && text[i+1] == quote; {
				i++
			}
			return i
		}
	}
	return i
}
