package policy

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Remove takes text out of the list of key, "python.versions" or "tool.packages"; of a tool the name
// is enough. It changes the last of the files, and nothing in it but that list: all comments, the order
// and the layout stay. Where a lower file has the list that counts, the last gets what is left of it.
//
// A Python that is a default has to be in the versions, so that it is taken out of "python.default" as
// well, and Undefault is set. An error says that text is not in the list, or what is wrong with the policy
// that would come out of it.
func (l Loaded) Remove(key, text string) (Change, error) {
	now := l.Policy
	fields := now.fields()
	i := slices.IndexFunc(fields, func(f field) bool { return f.key == key && f.list != nil })
	if i < 0 {
		return Change{}, fmt.Errorf("%s is no list", quote(key))
	}
	f := &fields[i]
	at := slices.Index(*f.list, text)
	if name, ok := Name(text); at < 0 && ok && key == "tool.packages" && text == strings.TrimSpace(text) {
		at = slices.IndexFunc(*f.list, func(other string) bool { have, _ := Name(other); return have == name })
	}
	switch {
	case at < 0 && len(*f.list) == 0:
		return Change{}, fmt.Errorf("%s is not in %s, which lists nothing", quote(text), key)
	case at < 0:
		return Change{}, fmt.Errorf("%s is not in %s, which has %s", quote(text), key, strings.Join(quoteAll(*f.list), ", "))
	case key == "python.versions" && slices.Contains(now.Python.Default, text):
		c, err := l.Remove("python.default", text)
		if err == nil {
			c, err = c.After.Remove(key, text)
		}
		c.Undefault = true
		return c, err
	}
	c := Change{Removed: (*f.list)[at], List: slices.Delete(slices.Clone(*f.list), at, at+1)}
	if len(c.List) == 0 {
		c.List = nil
	}
	c.Path, c.Line = l.line(key, at)
	file := l.Files[len(l.Files)-1]
	if c.Path == file.Path {
		c.Data = removeElement(file.Data, key, at)
	} else {
		c.Copied, c.CopiedFrom = c.List, c.Path
		c.Data = insertKey(file.Data, f, literals(c.List))
	}
	var err error
	c.After, err = l.verify(key, c)
	return c, err
}

// removeElement takes an element out of key's list, and the line that it stood on if nothing is left
// there.
func removeElement(data []byte, key string, index int) []byte {
	list, elems := spans(data, key)
	e := elems[index]
	if data[list.from] != '[' { // a lone string
		return splice(data, edit{list.from, list.to, "[]"})
	}
	next, before := list.to-1, list.from+1
	if index+1 < len(elems) {
		next = elems[index+1].from
	}
	if index > 0 {
		before = elems[index-1].to
	}
	after := bytes.IndexByte(withoutComments(data[e.to:next]), ',')
	if ahead := bytes.IndexByte(withoutComments(data[before:e.from]), ','); after < 0 && ahead >= 0 {
		ahead += before
		if len(bytes.TrimSpace(data[ahead+1:e.from])) == 0 {
			return splice(data, edit{ahead, e.to, ""})
		}
		return splice(data, edit{ahead, ahead + 1, ""}, elementEdit(data, e))
	}
	if after < 0 {
		return splice(data, elementEdit(data, e))
	}
	comma := e.to + after
	if skipBlank(data, e.to) == comma {
		return splice(data, elementEdit(data, span{e.from, comma + 1}))
	}
	return splice(data, elementEdit(data, e), edit{comma, comma + 1, ""})
}

// elementEdit takes a range within one line away, and the blanks behind it, or the whole line.
func elementEdit(data []byte, s span) edit {
	line, to := lineStart(data, s.from), skipBlank(data, s.to)
	if skipBlank(data, line) < s.from || lineEnd(data, s.to) != to || to == len(data) {
		return edit{s.from, to, ""}
	}
	return edit{line, bytes.IndexByte(data[to:], '\n') + to + 1, ""}
}
