package policy

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Each row is a file, then what it is with one entry less.
func TestRemove_layout(t *testing.T) {
	for name, row := range map[string]struct{ key, text, before, after string }{
		"first":           {"python.versions", "3.14", "[python]\nversions = [\"3.14\", \"3.13\"] # c\n", "[python]\nversions = [\"3.13\"] # c\n"},
		"middle":          {"python.versions", "3.13", "[python]\nversions = ['3.14','3.13','3.12']\n", "[python]\nversions = ['3.14','3.12']\n"},
		"last":            {"python.versions", "3.13", "[python]\nversions = [\"3.14\", \"3.13\" ]\n", "[python]\nversions = [\"3.14\" ]\n"},
		"last_with_comma": {"python.versions", "3.13", "[python]\nversions = [\"3.14\", \"3.13\", ]\n", "[python]\nversions = [\"3.14\", ]\n"},
		"only":            {"python.versions", "3.14", "[python]\nversions = [ \"3.14\" ]\n", "[python]\nversions = [ ]\n"},
		"only_with_comma": {"python.versions", "3.14", "[python]\nversions = [\"3.14\",]\n", "[python]\nversions = []\n"},
		"line_first":      {"tool.packages", "a", "[tool]\npackages = [\n  \"a\",\n  \"b\",\n]\n", "[tool]\npackages = [\n  \"b\",\n]\n"},
		"line_last":       {"tool.packages", "b", "[tool]\npackages = [\n  \"a\",\n  \"b\"\n]\n", "[tool]\npackages = [\n  \"a\"\n]\n"},
		"line_CRLF":       {"tool.packages", "b", "[tool]\r\npackages = [\r\n  \"a\",\r\n  \"b\",\r\n]\r\n", "[tool]\r\npackages = [\r\n  \"a\",\r\n]\r\n"},
		"comment_stays":   {"tool.packages", "a", "[tool]\npackages = [\n  \"a\", # , why\n  # \"x\",\n  \"b\",\n]\n", "[tool]\npackages = [\n  # , why\n  # \"x\",\n  \"b\",\n]\n"},
		"comment_between": {"tool.packages", "b", "[tool]\npackages = [\n  \"a\", # a\n  \"b\" # b\n]\n", "[tool]\npackages = [\n  \"a\" # a\n  # b\n]\n"},
		"comma_below":     {"tool.packages", "a", "[tool]\npackages = [\n  \"a\" # a\n  , \"b\"]\n", "[tool]\npackages = [\n  # a\n   \"b\"]\n"},
		"by_name":         {"tool.packages", "Ruff", "[tool]\npackages = [\"a\", \"ruff>=0.14\"]\n", "[tool]\npackages = [\"a\"]\n"},
		"default_as_well": {"python.versions", "3.13", "[python]\nversions = [\"3.14\", \"3.13\"]\ndefault = [\"3.13\"]\n", "[python]\nversions = [\"3.14\"]\ndefault = []\n"},
		"default_string":  {"python.versions", "3.13", "python = { versions = ['3.13'], default = '3.13' }\n", "python = { versions = [], default = [] }\n"},
		"another_default": {"python.versions", "3.13", "[python]\nversions = [\"3.14\", \"3.13\"]\ndefault = \"3.14\"\n", "[python]\nversions = [\"3.14\"]\ndefault = \"3.14\"\n"},
	} {
		loaded, err := Load(File{"policy.toml", []byte(row.before)})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c, err := loaded.Remove(row.key, row.text)
		if err != nil || string(c.Data) != row.after {
			t.Errorf("%s: %v, got\n%s\nwant\n%s", name, err, c.Data, row.after)
		}
		if c.Undefault != strings.HasPrefix(name, "default_") {
			t.Errorf("%s: the default is said to go: %v", name, c.Undefault)
		}
	}
}

func TestRemove_refused(t *testing.T) {
	for name, row := range map[string]struct{ before, key, text, want string }{
		"nothing":   {"", "python.versions", "3.14", `"3.14" is not in python.versions, which lists nothing`},
		"not_there": {"[python]\nversions = [\"3.14\", \"3.13\"]\n", "python.versions", "3.12", `"3.12" is not in python.versions, which has "3.14", "3.13"`},
		"key":       {"", "python.prune", "true", `"python.prune" is no list`},
	} {
		loaded, err := Load(File{"policy.toml", []byte(row.before)})
		if err != nil {
			t.Fatal(err)
		}
		if c, err := loaded.Remove(row.key, row.text); err == nil || err.Error() != row.want || c.Data != nil {
			t.Errorf("%s: %v, want %s", name, err, row.want)
		}
	}
}

// What is declared for all users is taken out by a list of one's own.
func TestRemove_layers(t *testing.T) {
	system := File{"system", []byte("[python]\nversions = [\"3.14\", \"3.13\"]\n")}
	loaded, err := Load(system, File{"own", []byte("[uv]\nsupervise = false\n")})
	if err != nil {
		t.Fatal(err)
	}
	c, err := loaded.Remove("python.versions", "3.14")
	const want = "[uv]\nsupervise = false\n\n[python]\nversions = [\"3.13\"]\n"
	if err != nil || string(c.Data) != want || c.Path != "system" || c.Line != 2 || c.CopiedFrom != "system" || !slices.Equal(c.Copied, []string{"3.13"}) {
		t.Errorf("%+v, %v\n%s", c, err, c.Data)
	}
}

// removed holds the promises of Remove for each element of a list of a policy of one file: the same
// policy without it, and every comment.
func removed(t *testing.T, loaded Loaded, key string) {
	t.Helper()
	policy := loaded.Policy
	for _, field := range policy.fields() {
		if field.key != key || field.list == nil {
			continue
		}
		for _, text := range slices.Clone(*field.list) {
			c, err := loaded.Remove(key, text)
			if err != nil {
				t.Fatalf("%s %q: %v\n%s", key, text, err, loaded.Files[0].Data)
			}
			after, err := Load(File{"p", c.Data})
			if err != nil {
				t.Fatalf("%v\n%s", err, c.Data)
			}
			want := loaded.Policy
			if c.Undefault {
				want.Python.Default = slices.DeleteFunc(slices.Clone(want.Python.Default), func(s string) bool { return s == text })
				if len(want.Python.Default) == 0 {
					want.Python.Default = nil
				}
			}
			for _, f := range want.fields() {
				if f.key == key {
					*f.list = c.List
				}
			}
			if !reflect.DeepEqual(after.Policy, want) {
				t.Errorf("without %q: got %+v, want %+v", text, after.Policy, want)
			}
			before, now := comments(string(loaded.Files[0].Data)), comments(string(c.Data))
			if !slices.Equal(before, now) {
				t.Errorf("comments were %q, and are %q", before, now)
			}
		}
	}
}
