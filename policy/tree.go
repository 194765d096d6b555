package policy

import (
	"bytes"
	"errors"
	"slices"

	"github.com/pelletier/go-toml/v2/unstable"
)

// A part is one piece of a dotted key.
type part struct {
	text   string
	offset int
}

// A node is a table's header, or a key with its value.
type node struct {
	path  []part // from the root, the header included; never empty
	kind  unstable.Kind
	value *unstable.Node // nil for a header
	at    int            // where the value begins
}

// walk calls visit for each header and each key of the document, in order. Where visit returns
// false for a header or an inline table, what is below it is not visited. Inline tables are
// entered at the top level only, no policy has them elsewhere. The error is that of the TOML's
// syntax, after all that came before it was visited, with its offset.
//
// The syntax tree knows no duplicates and takes any number and date for valid.
func walk(data []byte, visit func(node) bool) (offset int, err error) {
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		// one of the two TOML libraries skips it, the other does not
		return 0, errors.New("the file begins with a byte order mark: save it without one")
	}
	var p unstable.Parser
	p.Reset(data)
	var table []part
	enter := true
	for p.NextExpression() {
		e := p.Expression()
		if e.Kind != unstable.KeyValue {
			table = parts(e.Key())
			enter = visit(node{path: table, kind: e.Kind})
		} else if enter {
			walkKey(data, table, e, visit)
		}
	}
	err = p.Error()
	var syntax *unstable.ParserError
	if errors.As(err, &syntax) {
		// the highlight is a slice of data, which tells its offset
		offset = min(max(cap(data)-cap(syntax.Highlight), 0), len(data))
		return offset, errors.New(syntax.Message)
	}
	return 0, err
}

func walkKey(data []byte, table []part, e *unstable.Node, visit func(node) bool) {
	path := slices.Concat(table, parts(e.Key()))
	n := node{path: path, kind: e.Value().Kind, value: e.Value(), at: valueOffset(data, e)}
	if !visit(n) || n.kind != unstable.InlineTable || len(path) > 1 {
		return
	}
	children := n.value.Children()
	for children.Next() {
		walkKey(data, path, children.Node(), visit)
	}
}

func parts(keys unstable.Iterator) []part {
	var list []part
	for keys.Next() {
		key := keys.Node()
		list = append(list, part{string(key.Data), int(key.Raw.Offset)})
	}
	return list
}

// valueOffset finds the value of a key: arrays have no position of their own in the tree.
func valueOffset(data []byte, e *unstable.Node) int {
	end := 0
	keys := e.Key()
	for keys.Next() {
		raw := keys.Node().Raw
		end = int(raw.Offset + raw.Length)
	}
	for end < len(data) && (data[end] == ' ' || data[end] == '\t' || data[end] == '=') {
		end++
	}
	return end
}

// elements calls visit for each element of the array n with its offset, until visit returns false
// or after an element that is an array or table: where such a one ends, the tree does not say.
func elements(data []byte, n node, visit func(value *unstable.Node, offset int) bool) {
	from := n.at + 1
	children := n.value.Children()
	for children.Next() {
		value := children.Node()
		if value.Kind == unstable.Array {
			visit(value, skipSpace(data, from))
			return
		}
		if !visit(value, int(value.Raw.Offset)) {
			return
		}
		from = int(value.Raw.Offset + value.Raw.Length)
		if value.Kind == unstable.InlineTable {
			return
		}
	}
}

// skipSpace returns the offset of the next value of an array.
func skipSpace(data []byte, from int) int {
	for from < len(data) {
		switch data[from] {
		case ' ', '\t', '\r', '\n', ',':
			from++
		case '#':
			for from < len(data) && data[from] != '\n' {
				from++
			}
		default:
			return from
		}
	}
	return from
}

// position returns line and column of an offset, both from 1, columns in bytes.
func position(data []byte, offset int) (line, col int) {
	before := data[:offset]
	return bytes.Count(before, []byte("\n")) + 1, offset - bytes.LastIndexByte(before, '\n')
}

// A place is where a key's value and the elements of its list begin, as offsets. A lone string that
// stands for a list is its own element.
type place struct {
	value    int
	elements []int
}

// find returns the place of key in data. It is false if data does not have it.
func find(data []byte, key string) (p place, ok bool) {
	walk(data, func(n node) bool {
		if len(n.path) != 2 || n.value == nil || n.path[0].text+"."+n.path[1].text != key {
			return true
		}
		p, ok = place{value: n.at}, true
		switch n.kind {
		case unstable.String:
			p.elements = []int{n.at}
		case unstable.Array:
			elements(data, n, func(_ *unstable.Node, at int) bool {
				p.elements = append(p.elements, at)
				return true
			})
		}
		return true
	})
	return p, ok
}

// offset returns the offset of the element of that index, or of the value for a negative index.
func (p place) offset(index int) (offset int, ok bool) {
	switch {
	case index < 0:
		return p.value, true
	case index < len(p.elements):
		return p.elements[index], true
	}
	return 0, false
}

// Where returns the position of the value of key ("python.default") in f, or with an index from 0
// of that element of its list. It is false if f does not have it. The file is parsed at each call:
// this is for trails and reports.
func Where(f File, key string, index int) (line, col int, ok bool) {
	p, ok := find(f.Data, key)
	if !ok {
		return 0, 0, false
	}
	offset, ok := p.offset(index)
	if !ok {
		return 0, 0, false
	}
	line, col = position(f.Data, offset)
	return line, col, true
}
