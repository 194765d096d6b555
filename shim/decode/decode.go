// Package decode reads TOML that others wrote.
package decode

import (
	"errors"

	"github.com/BurntSushi/toml"
)

const maxDepth = 64 // of arrays and tables in one another, and of names in a dotted key

var errDeep = errors.New("nested too deeply")

// TOML decodes text into v, as toml.Unmarshal does. Text that is nested deeply is an error: the
// decoder recurses, and what overflows its stack is no panic but the end of the program.
func TOML(text []byte, v any) error {
	if err := shallow(text); err != nil {
		return err
	}
	return toml.Unmarshal(text, v)
}

// shallow refuses text whose nesting would cost the decoder, which recurses, its stack, or, with
// dotted keys, time that grows with the square of their length. It follows TOML only as far as to
// know what stands in strings and comments; text that is not TOML may pass.
func shallow(text []byte) error {
	depth, dots := 0, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"', '\'':
			i = stringEnd(text, i)
		case '#':
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		case '[', '{':
			depth, dots = depth+1, 0
		case ']', '}':
			depth, dots = max(depth-1, 0), 0
		case '=', ',', '\n':
			dots = 0
		case '.':
			dots++
		}
		if depth > maxDepth || dots > maxDepth {
			return errDeep
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
