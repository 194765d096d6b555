// Package policy is what the user declares in policy.toml: which Pythons and tools there are to
// be, what a bare python is, and how strict the check before a start is.
//
// Load reads the layers of a policy and answers with all their mistakes, each with file, line and
// column. Compact and ParseCompact are the same policy in a form that costs a warm call next to
// nothing.
package policy

import "strings"

// A Policy is all that policy.toml can say. An empty list is nil. The zero value is no valid
// policy; begin with Default.
type Policy struct {
	Python    Python    `toml:"python"`
	Tool      Tool      `toml:"tool"`
	NixLD     NixLD     `toml:"nix-ld"`
	Preflight Preflight `toml:"preflight"`
	UV        UV        `toml:"uv"`
	Pip       Pip       `toml:"pip"`
}

// Python is the table [python]. Versions, Default and Prune mean what they do in Home Manager's
// programs.uv.python: requests are passed to uv verbatim, and every default is also in versions,
// spelled the same.
type Python struct {
	Versions    []string    `toml:"versions"`    // requests that `uv python install` is to have installed
	Default     OneOrMore   `toml:"default"`     // what a bare python is: a request per implementation
	Prune       bool        `toml:"prune"`       // managed Pythons that are not listed are removed
	Environment Environment `toml:"environment"` // whether the nearest project's environment answers unactivated
	AutoInstall bool        `toml:"auto-install"`
	Undeclared  Undeclared  `toml:"undeclared"` // installing what is not in Versions, if that has any
}

// Tool is the table [tool], with the meaning of Home Manager's programs.uv.tool.
type Tool struct {
	Packages []string `toml:"packages"` // PEP 508 requirements, verbatim to `uv tool install`
	Prune    bool     `toml:"prune"`
}

// NixLD is the table [nix-ld].
type NixLD struct {
	Libraries []string `toml:"libraries"` // attributes that programs.nix-ld.libraries is to have
}

// Preflight is the table [preflight].
type Preflight struct {
	Loader    Mode     `toml:"loader"`
	Libraries Mode     `toml:"libraries"`
	Ignore    []string `toml:"ignore"` // sonames not to speak of
}

// UV is the table [uv].
type UV struct {
	Supervise bool `toml:"supervise"` // false: uv is always exec'd, and nothing it does is recorded
}

// Pip is the table [pip].
type Pip struct {
	Command PipCommand `toml:"command"`
}

// Environment says which environments a bare python looks for.
type Environment string

// Active is the activated environment only; Project is the nearest project's as well.
const (
	Active  Environment = "active"
	Project Environment = "project"
)

// Undeclared says what happens when a Python is to be installed that the policy does not list.
type Undeclared string

// The answers to an undeclared Python.
const (
	AllowUndeclared Undeclared = "allow"
	WarnUndeclared  Undeclared = "warn"
	DenyUndeclared  Undeclared = "deny"
)

// Mode says how much a finding of preflight weighs.
type Mode string

// Off does not look, Warn speaks and goes on, Strict refuses to start.
const (
	Off    Mode = "off"
	Warn   Mode = "warn"
	Strict Mode = "strict"
)

// PipCommand says what the name pip stands for where no real pip answers.
type PipCommand string

// PipUV turns pip into `uv pip`; PipOff leaves the name alone.
const (
	PipUV  PipCommand = "uv"
	PipOff PipCommand = "off"
)

// Default returns the policy of a machine without a policy.toml.
func Default() Policy {
	return Policy{
		Python:    Python{Environment: Active, Undeclared: WarnUndeclared},
		Preflight: Preflight{Loader: Strict, Libraries: Warn},
		UV:        UV{Supervise: true},
		Pip:       Pip{Command: PipUV},
	}
}

// A field is one key of the policy and the place of its value. Exactly one of list, flag and word
// is set.
type field struct {
	key   string // "python.default"
	list  *[]string
	flag  *bool
	word  *string
	one   bool                    // list: a lone string stands for a list of one
	check func(text string) error // list: is this an element
	noun  string                  // word: what it is called
	words []string                // word: what it may be
}

func (f *field) table() string {
	table, _, _ := strings.Cut(f.key, ".")
	return table
}

func (f *field) name() string {
	_, name, _ := strings.Cut(f.key, ".")
	return name
}

// fields returns every key there is, with its place in p: the one list that reading, checking and
// the compact form go by.
func (p *Policy) fields() []field {
	modes := []string{string(Off), string(Warn), string(Strict)}
	return []field{
		{key: "python.versions", list: &p.Python.Versions, check: checkRequest},
		{key: "python.default", list: (*[]string)(&p.Python.Default), check: checkRequest, one: true},
		{key: "python.prune", flag: &p.Python.Prune},
		{key: "python.environment", word: (*string)(&p.Python.Environment), noun: "environment",
			words: []string{string(Active), string(Project)}},
		{key: "python.auto-install", flag: &p.Python.AutoInstall},
		{key: "python.undeclared", word: (*string)(&p.Python.Undeclared), noun: "answer",
			words: []string{string(AllowUndeclared), string(WarnUndeclared), string(DenyUndeclared)}},
		{key: "tool.packages", list: &p.Tool.Packages, check: checkPackage},
		{key: "tool.prune", flag: &p.Tool.Prune},
		{key: "nix-ld.libraries", list: &p.NixLD.Libraries, check: checkAttribute},
		{key: "preflight.loader", word: (*string)(&p.Preflight.Loader), noun: "mode", words: modes},
		{key: "preflight.libraries", word: (*string)(&p.Preflight.Libraries), noun: "mode", words: modes},
		{key: "preflight.ignore", list: &p.Preflight.Ignore, check: checkSoname},
		{key: "uv.supervise", flag: &p.UV.Supervise},
		{key: "pip.command", word: (*string)(&p.Pip.Command), noun: "command",
			words: []string{string(PipUV), string(PipOff)}},
	}
}

// OneOrMore is a list of strings that may be written as a lone string, as Home Manager's
// programs.uv.python.default may.
type OneOrMore []string

// UnmarshalTOML takes a string or a list of strings.
func (o *OneOrMore) UnmarshalTOML(value any) error {
	switch value := value.(type) {
	case string:
		*o = OneOrMore{value}
		return nil
	case []any:
		list := make(OneOrMore, len(value))
		for i, element := range value {
			text, ok := element.(string)
			if !ok {
				return errNotStrings
			}
			list[i] = text
		}
		*o = list
		return nil
	}
	return errNotStrings
}
