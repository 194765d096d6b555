package main

import (
	"fmt"
	"strings"
)

// Hidden aliases are in no help and in no completion. These are candidates, from uv-cli/src/lib.rs
// of uv 0.13.9; what goes into the table is what the uv that is asked confirms.
var optionAliases = map[string][]string{
	"all-arches":              {"all_architectures"},
	"all-packages":            {"all"},
	"allow-insecure-host":     {"trusted-host"},
	"app":                     {"application"},
	"build-constraints":       {"build-constraint"},
	"compile-bytecode":        {"compile"},
	"config-setting":          {"config-settings"},
	"config-settings-package": {"config-setting-package"},
	"config-setting-package":  {"config-settings-package"},
	"constraints":             {"constraint"},
	"excludes":                {"exclude"},
	"human":                   {"human-readable"},
	"inexact":                 {"no-exact"},
	"invert":                  {"reverse"},
	"lib":                     {"library"},
	"no-cache":                {"no-cache-dir"},
	"no-compile-bytecode":     {"no-compile"},
	"no-emit-local":           {"no-install-local"},
	"no-emit-package":         {"no-install-package", "unsafe-package"},
	"no-emit-project":         {"no-install-project"},
	"no-emit-workspace":       {"no-install-workspace"},
	"no-project":              {"no-workspace", "no_workspace"},
	"no-workspace":            {"no-project"},
	"only-emit-local":         {"only-install-local"},
	"only-emit-package":       {"only-install-package"},
	"only-emit-project":       {"only-install-project"},
	"only-emit-workspace":     {"only-install-workspace"},
	"overrides":               {"override"},
	"preview-features":        {"preview-feature"},
	"raw":                     {"raw-sources"},
	"reinstall":               {"force-reinstall"},
	"requirements":            {"requirement"},
}

var commandAliases = map[string][]string{
	"cache clean":               {"clear"},
	"generate-shell-completion": {"--generate-shell-completion"},
	"pip list":                  {"ls"},
	"python list":               {"ls"},
	"python update-shell":       {"ensurepath"},
	"tool list":                 {"ls"},
	"tool update-shell":         {"ensurepath"},
	"tool upgrade":              {"update"},
	"venv":                      {"virtualenv", "v"},
}

// hiddenVariables are those of hidden options, which have no help (uv-cli/src/lib.rs).
var hiddenVariables = map[string]string{
	"keyring-provider":    "UV_KEYRING_PROVIDER",
	"max-recursion-depth": "UV_RUN_MAX_RECURSION_DEPTH",
	"preview-features":    "UV_PREVIEW_FEATURES",
	"python-preference":   "UV_PYTHON_PREFERENCE",
}

// confirm adds the aliases that uv knows. For an option its own words tell which one it takes the
// alias for, and cost nothing: it is refused for a value too many or too few.
func (u uv) confirm(c *command) error {
	words := strings.Fields(c.path)
	for _, o := range c.options {
		for _, alias := range optionAliases[o.name] {
			args, answer := append(words[:len(words):len(words)], "--"+alias+"=x"), "for '--"+o.name+"' found; no more were expected"
			if o.value {
				args, answer = append(words[:len(words):len(words)], "--"+alias), "required for '--"+o.name+" <"
			}
			out, refused, err := u.ask(args...)
			if err != nil {
				return err
			}
			if !refused {
				return fmt.Errorf("uv %s was not refused", strings.Join(args, " "))
			}
			out = strings.ReplaceAll(out, "'-"+o.short+", --", "'--")
			if strings.Contains(out, answer) {
				o.aliases = append(o.aliases, alias)
			}
		}
	}
	for _, alias := range commandAliases[c.path] {
		want, _, err := u.ask(append(words[:len(words):len(words)], "--help")...)
		if err != nil {
			return err
		}
		got, refused, err := u.ask(append(words[:len(words)-1:len(words)-1], alias, "--help")...)
		if err != nil {
			return err
		}
		if !refused && got == want {
			c.aliases = append(c.aliases, alias)
		}
	}
	return nil
}
