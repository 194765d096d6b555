package policy

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// The edits work on a file that check found nothing in: every key is at most two deep and stands
// once, and its value is a string, a boolean or a flat list of strings.

// A span is a range of bytes of a file.
type span struct{ from, to int }

// spans returns where the value of a list's key stands, and its elements. A lone string is its own
// element.
func spans(data []byte, key string) (value span, elems []span) {
	walk(data, func(n node) bool {
		if len(n.path) != 2 || n.value == nil || n.path[0].text+"."+n.path[1].text != key {
			return true
		}
		value = span{n.at, valueEnd(data, n)}
		if n.kind == unstable.String {
			elems = []span{value}
		} else {
			elements(data, n, func(v *unstable.Node, at int) bool {
				elems = append(elems, span{at, at + int(v.Raw.Length)})
				return true
			})
		}
		return true
	})
	return value, elems
}

// valueEnd returns the offset behind a value.
func valueEnd(data []byte, n node) int {
	switch n.kind {
	case unstable.Array:
		from := n.at + 1
		elements(data, n, func(v *unstable.Node, at int) bool {
			from = at + int(v.Raw.Length)
			return true
		})
		return skipSpace(data, from) + len("]")
	case unstable.String:
		return n.at + int(n.value.Raw.Length)
	}
	return n.at + len(n.value.Data)
}

// appendElement adds text to the end of key's list, in the way the list is laid out.
func appendElement(data []byte, key, text string) []byte {
	list, elems := spans(data, key)
	if data[list.from] != '[' { // a lone string
		return splice(data, edit{list.from, list.from, "["}, edit{list.to, list.to, ", " + literal(text, data[list.from]) + "]"})
	}
	end := list.to - 1
	if len(elems) == 0 {
		inner := data[list.from+1 : end]
		if bytes.IndexByte(inner, '\n') < 0 {
			return splice(data, edit{end, end, literal(text, '"') + string(inner)})
		}
		line := lineStart(data, end) // nothing but blanks stands before the ]
		indent := indentAt(data, line) + "  "
		if comment := lineStart(data, len(bytes.TrimRight(data[:line], " \t\r\n"))); comment > list.from {
			indent = indentAt(data, comment)
		}
		return splice(data, edit{line, line, indent + literal(text, '"') + "," + lineBreak(inner)})
	}
	last := elems[len(elems)-1]
	entry := literal(text, data[last.from])
	from, comma := last.to, bytes.IndexByte(withoutComments(data[last.to:end]), ',')
	if comma >= 0 {
		from += comma + 1
	}
	if bytes.IndexByte(data[from:end], '\n') >= 0 {
		// a line of its own, behind the comment that the last element may have
		edits := []edit{{last.to, last.to, ","}}
		if comma >= 0 {
			edits, entry = nil, entry+","
		}
		at := lineEnd(data, from)
		return splice(data, append(edits, edit{at, at, lineBreak(data[from:end]) + elementIndent(data, list, last) + entry})...)
	}
	return splice(data, edit{last.to, last.to, separator(data, list, elems) + entry})
}

// separator returns what stands between the last two elements of a list.
func separator(data []byte, list span, elems []span) string {
	last := len(elems) - 1
	gap := data[list.from+1 : elems[0].from]
	if last > 0 {
		gap = data[elems[last-1].to:elems[last].from]
	}
	switch {
	case bytes.IndexByte(gap, '\n') >= 0:
		return "," + lineBreak(gap) + elementIndent(data, list, elems[last])
	case last > 0:
		return string(gap)
	}
	return ", "
}

// elementIndent returns the blanks before the line of an element. On the line of the list itself
// there are none to go by, and it is two more than that line has.
func elementIndent(data []byte, list, element span) string {
	line := lineStart(data, element.from)
	if line <= list.from {
		return indentAt(data, line) + "  "
	}
	return indentAt(data, line)
}

// replaceElement puts text in the place of an element of key's list.
func replaceElement(data []byte, key string, index int, text string) []byte {
	_, elems := spans(data, key)
	e := elems[index]
	return splice(data, edit{e.from, e.to, literal(text, data[e.from])})
}

// insertKey adds the key of f with a value, behind the last key of its table, be that a header's, an
// inline one, or made by dotted keys. Without one it adds the table to the end of the file.
func insertKey(data []byte, f *field, value string) []byte {
	var header, inline, last *node
	end := 0 // of the last key's value
	walk(data, func(n node) bool {
		switch {
		case n.path[0].text != f.table():
		case n.value == nil:
			header = &n
		case len(n.path) == 1:
			inline = &n
		default:
			last, end = &n, valueEnd(data, n)
		}
		return true
	})
	pair := f.name() + " = " + value
	switch {
	case inline != nil && last != nil:
		return splice(data, edit{end, end, ", " + pair})
	case inline != nil:
		from := inline.at + 1
		to := skipBlank(data, from)
		if data[to] == '}' {
			return splice(data, edit{from, to, " " + pair + " "})
		}
		return splice(data, edit{from, from, " " + pair})
	case last != nil:
		if header == nil {
			pair = f.table() + "." + pair
		}
		at, line := lineEnd(data, end), lineStart(data, last.path[1].offset)
		return splice(data, edit{at, at, lineBreak(data) + indentAt(data, line) + pair})
	case header != nil:
		at, line := lineEnd(data, header.path[0].offset), lineStart(data, header.path[0].offset)
		return splice(data, edit{at, at, lineBreak(data) + indentAt(data, line) + pair})
	}
	eol := lineBreak(data)
	table := "[" + f.table() + "]" + eol + pair
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return []byte(string(data) + table + eol)
	case data[len(data)-1] != '\n':
		return []byte(string(data) + eol + eol + table)
	}
	return []byte(string(data) + eol + table + eol)
}

// An edit replaces a range of bytes.
type edit struct {
	from, to int
	text     string
}

// splice returns data with the edits made, which are in order and apart.
func splice(data []byte, edits ...edit) []byte {
	var out []byte
	at := 0
	for _, e := range edits {
		out = append(append(out, data[at:e.from]...), e.text...)
		at = e.to
	}
	return append(out, data[at:]...)
}

// literal returns text as TOML: in quotes like those of the neighbour, if it can stand in them.
func literal(text string, like byte) string {
	if like == '\'' && !strings.Contains(text, "'") {
		return "'" + text + "'"
	}
	// of valid UTF-8 without control characters, Go escapes nothing that TOML has another way for
	return strconv.Quote(text)
}

// literals returns a list as TOML on one line.
func literals(list []string) string {
	texts := make([]string, len(list))
	for i, text := range list {
		texts[i] = literal(text, '"')
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// withoutComments returns what stands between the elements of a list with its comments blanked.
func withoutComments(gap []byte) []byte {
	gap = slices.Clone(gap)
	for at := 0; at < len(gap); at++ {
		if gap[at] == '#' {
			for ; at < len(gap) && gap[at] != '\n'; at++ {
				gap[at] = ' '
			}
		}
	}
	return gap
}

// lineBreak returns how the lines of text end.
func lineBreak(text []byte) string {
	if n := bytes.IndexByte(text, '\n'); n > 0 && text[n-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// lineStart returns the offset at which the line of an offset begins.
func lineStart(data []byte, at int) int {
	return bytes.LastIndexByte(data[:at], '\n') + 1
}

// lineEnd returns the offset of the line break that ends the line of an offset, or of the file's end.
func lineEnd(data []byte, at int) int {
	n := bytes.IndexByte(data[at:], '\n')
	if n < 0 {
		return len(data)
	}
	if at+n > 0 && data[at+n-1] == '\r' {
		n--
	}
	return at + n
}

// indentAt returns the blanks that a line begins with.
func indentAt(data []byte, line int) string {
	return string(data[line:skipBlank(data, line)])
}

// skipBlank returns the offset of the first byte from an offset on that is no blank.
func skipBlank(data []byte, at int) int {
	for at < len(data) && (data[at] == ' ' || data[at] == '\t') {
		at++
	}
	return at
}
