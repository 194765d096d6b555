package nix

import (
	"strconv"

	"uvshim/policy"
)

// HomeManager returns the policy as a module of Home Manager. What programs.uv has an option for
// stands there, under the names and with the types that home-manager#9507 gave it; what else is not
// as in policy.Default stands in programs.shim.settings.
func HomeManager(p policy.Policy) string {
	var w writer
	w.comment("The policy of shim, as `shim export home-manager` prints it.")
	w.block("{", "}", func() {
		w.block("programs.uv = {", "};", func() {
			w.line("enable = true;")
			if len(p.Python.Versions) > 0 || p.Python.Prune {
				w.block("python = {", "};", func() {
					w.list("versions = ", quotedAll(p.Python.Versions), ";")
					if managedDefault(p) {
						w.list("default = ", quotedAll(p.Python.Default), ";")
					}
					w.prune(p.Python.Prune)
				})
			}
			if len(p.Tool.Packages) > 0 || p.Tool.Prune {
				w.block("tool = {", "};", func() {
					w.list("packages = ", quotedAll(p.Tool.Packages), ";")
					w.prune(p.Tool.Prune)
				})
			}
		})
		tables := settings(p)
		if len(tables) == 0 {
			return
		}
		w.line("")
		w.comment("What programs.uv has no option for. The module is homeModules.default of shim's flake.")
		w.block("programs.shim = {", "};", func() {
			w.line("enable = true;")
			w.block("settings = {", "};", func() {
				for _, t := range tables {
					w.block(t.name+" = {", "};", func() {
						for _, k := range t.keys {
							if k.list != nil {
								w.list(k.name+" = ", k.list, ";")
							} else {
								w.line("%s = %s;", k.name, k.value)
							}
						}
					})
				}
			})
		})
	})
	return w.String()
}

func (w *writer) prune(prune bool) {
	if prune {
		w.line("prune = true;")
	}
}

// managedDefault reports whether the defaults can stand in programs.uv, which wants each of them in
// its versions.
func managedDefault(p policy.Policy) bool {
	return len(p.Python.Default) > 0 && len(p.Python.Versions) > 0
}

// A table is one of policy.toml's with keys that have expressions for values: a list's elements, or
// a value.
type table struct {
	name string
	keys []key
}

type key struct {
	name  string
	list  []string
	value string
}

// settings returns what programs.uv has no place for, without what is the default.
func settings(p policy.Policy) []table {
	d := policy.Default()
	var all []table
	add := func(name string, keys ...key) {
		t := table{name: name}
		for _, k := range keys {
			if k.list != nil || k.value != "" {
				t.keys = append(t.keys, k)
			}
		}
		if t.keys != nil {
			all = append(all, t)
		}
	}
	var defaults []string
	if !managedDefault(p) {
		defaults = p.Python.Default
	}
	add("python",
		key{name: "default", list: quotedAll(defaults)},
		word("environment", p.Python.Environment, d.Python.Environment),
		flag("auto-install", p.Python.AutoInstall, d.Python.AutoInstall),
		word("undeclared", p.Python.Undeclared, d.Python.Undeclared))
	add("nix-ld", key{name: "libraries", list: quotedAll(p.NixLD.Libraries)})
	add("preflight",
		word("loader", p.Preflight.Loader, d.Preflight.Loader),
		word("libraries", p.Preflight.Libraries, d.Preflight.Libraries),
		key{name: "ignore", list: quotedAll(p.Preflight.Ignore)})
	add("uv", flag("supervise", p.UV.Supervise, d.UV.Supervise))
	add("pip", word("command", p.Pip.Command, d.Pip.Command))
	return all
}

func word[T ~string](name string, value, usual T) key {
	if value == usual {
		return key{}
	}
	return key{name: name, value: String(string(value))}
}

func flag(name string, value, usual bool) key {
	if value == usual {
		return key{}
	}
	return key{name: name, value: strconv.FormatBool(value)}
}
