package policy

import (
	"fmt"
	"reflect"
	"slices"
)

// A Change is a policy file with an entry more, or less.
type Change struct {
	Data  []byte   // the whole file; nil where the entry is in the policy already
	After Loaded   // the policy with the entry
	List  []string // the key's list in it
	Path  string   // the file that has the entry, and its line there
	Line  int

	First      bool     // the key had no list that counts, or an empty one
	Copied     []string // what had to come along, so that it still counts
	CopiedFrom string   // where it stood: the file whose list this one replaces, or "python.default"

	Removed   string // the entry that is taken out; Path and Line are where it stood
	Undefault bool   // it was the default as well, and is not any more
}

// Declare adds text to the list of key, "python.versions" or "tool.packages", or makes it the
// implementation's default in "python.default". It changes the last of the files, which may be
// empty, and nothing in it but that list: all comments, the order and the layout stay.
//
// Lists replace lists. So where a lower file has the list that counts so far, the new list has its
// elements too; and the first list of versions has the defaults, each of which is to be in it.
//
// An error says what is wrong with text, or with the policy that would come out of it.
func (l Loaded) Declare(key, text string) (Change, error) {
	now := l.Policy
	f, err := now.listOf(key, text)
	if err != nil {
		return Change{}, err
	}
	if err := l.clash(key, text, *f.list); err != nil {
		return Change{}, err
	}
	c := Change{List: append(slices.Clip(*f.list), text), First: len(*f.list) == 0}
	file := l.Files[len(l.Files)-1]
	source, _, set := l.source(key)
	at, replace := len(c.List)-1, false
	switch {
	case slices.Contains(*f.list, text):
		c.After, c.List = l, *f.list
		c.Path, c.Line = l.line(key, slices.Index(c.List, text))
		return c, nil
	case key == "python.default":
		if i := slices.IndexFunc(*f.list, sameImplementation(text)); i >= 0 {
			c.List = slices.Clone(*f.list)
			c.List[i], at, replace = text, i, true
		}
	case key == "python.versions" && len(*f.list) == 0 && len(now.Python.Default) > 0:
		c.List, c.CopiedFrom = slices.Clone(now.Python.Default), "python.default"
		if at = slices.Index(c.List, text); at < 0 {
			at, c.List = len(c.List), append(c.List, text)
		}
	}
	if set && source.Path != file.Path && len(*f.list) > 0 {
		c.CopiedFrom = source.Path
	}
	if c.CopiedFrom != "" && len(c.List) > 1 {
		c.Copied = slices.Delete(slices.Clone(c.List), at, at+1)
	} else {
		c.CopiedFrom = ""
	}
	c.Data = file.Data
	switch _, own := find(file.Data, key); {
	case !own:
		c.Data = insertKey(file.Data, f, literals(c.List))
	case replace:
		c.Data = replaceElement(file.Data, key, at, text)
	default:
		for _, text := range c.List[len(*f.list):] {
			c.Data = appendElement(c.Data, key, text)
		}
	}
	if c.After, err = l.verify(key, c); err != nil {
		return Change{}, err
	}
	c.Path, c.Line = c.After.line(key, at)
	return c, nil
}

// listOf returns the field of key, if text can stand in its list.
func (p *Policy) listOf(key, text string) (*field, error) {
	fields := p.fields()
	i := slices.IndexFunc(fields, func(f field) bool { return f.key == key && f.list != nil })
	if i < 0 {
		return nil, fmt.Errorf("%s is no list", quote(key))
	}
	f := &fields[i]
	check := f.check
	if key == "tool.packages" {
		check = checkRequirement
	}
	if err := checkText(text); err != nil && text != "" { // of which check says what is wanted
		return nil, err
	}
	return f, check(text)
}

func sameImplementation(text string) func(string) bool {
	return func(other string) bool { return implementationOf(other) == implementationOf(text) }
}

// clash refuses a second requirement for the same package: uv would install one over the other.
func (l Loaded) clash(key, text string, list []string) error {
	name, ok := Name(text)
	if key != "tool.packages" || !ok || slices.Contains(list, text) {
		return nil
	}
	for i, other := range list {
		if declared, _ := Name(other); declared == name {
			path, line := l.line(key, i)
			return fmt.Errorf("%s is declared as %s (%s:%d): change that line", name, quote(other), path, line)
		}
	}
	return nil
}

// line returns file and line of an element of a list that counts.
func (l Loaded) line(key string, index int) (path string, line int) {
	f, p, _ := l.source(key)
	offset, _ := p.offset(index)
	line, _ = position(f.Data, offset)
	return f.Path, line
}

// verify reads the changed file again. It has to say what it said before and the new list, and
// nothing else.
func (l Loaded) verify(key string, c Change) (Loaded, error) {
	last := len(l.Files) - 1
	files := slices.Clone(l.Files)
	files[last].Data = c.Data
	after, err := Load(files...)
	if err != nil {
		return after, err
	}
	was, is := Default(), Default()
	decode(l.Files[last], &was)
	decode(files[last], &is)
	for _, f := range was.fields() {
		if f.key == key {
			*f.list = c.List
		}
	}
	if !reflect.DeepEqual(was, is) {
		return after, fmt.Errorf("cannot change %s in %s without changing something else: edit it by hand", key, l.Files[last].Path)
	}
	return after, nil
}
