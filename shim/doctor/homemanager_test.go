package doctor

import (
	"slices"
	"strings"
	"testing"

	"uvshim/shim/sync"
)

const activate = "home/.local/state/home-manager/gcroots/current-home/activate"

// generation is one of Home Manager's whose activation has these calls of uv.
func (w *world) generation(calls ...string) {
	w.file(activate, "#!/bin/bash\nset -eu\nrun /nix/store/x-uv/bin/uv "+strings.Join(calls, "\nrun /nix/store/x-uv/bin/uv ")+"\n")
}

const (
	pruning     = `python uninstall $VERBOSE_ARG "$uvKey"`
	pruningTool = `tool uninstall "$uvTool"`
)

func TestHomeManager(t *testing.T) {
	table(t, "home-manager", []row{
		{"none", func(w *world) { w.policy("[python]\nversions = [\"3.14\"]\nprune = true\n") }, "skipped: there is no Home Manager\n"},
		{"manages_nothing", func(w *world) {
			w.policy("[python]\nversions = [\"3.14\"]\nprune = true\n")
			w.file(activate, "#!/bin/bash\nrun nix profile install uv\n")
		}, "ok: Home Manager's programs.uv manages no Pythons and no tools\n"},
		{"equal_in_other_words", func(w *world) {
			w.policy("[python]\nversions = [\"3.13\", \"cpython@3.14\"]\ndefault = \"3.13\"\nprune = true\n[tool]\npackages = [\"Ruff\", \"httpie >= 3\"]\n")
			w.generation("python install --default --upgrade 3.13", "python install --upgrade 3.14", pruning, "tool install ruff", "tool install 'httpie>=3'")
		}, "ok: the policy says the same as Home Manager's programs.uv\n"},
		{"tools_are_shims", func(w *world) {
			w.policy("[python]\nversions = [\"3.13\"]\ndefault = \"3.13\"\n[tool]\npackages = [\"ruff\"]\nprune = true\n")
			w.generation("python install --upgrade 3.13") // and no default, which is shim's
		}, "ok: the policy says the same as Home Manager's programs.uv\n"},
		{"pythons_are_shims", func(w *world) {
			w.policy("[python]\nversions = [\"3.13\"]\nprune = true\n[tool]\npackages = [\"ruff\"]\n")
			w.generation("tool install ruff")
		}, "ok: the policy says the same as Home Manager's programs.uv\n"},
		{"pruning_left_to_it", func(w *world) {
			w.policy("[python]\nversions = [\"3.13\"]\n[tool]\npackages = [\"ruff\"]\n")
			w.generation("python install 3.13", pruning, "tool install ruff", pruningTool)
		}, "ok: the policy says the same as Home Manager's programs.uv\n"},
		{"versions", func(w *world) {
			w.policy("[python]\nversions = [\"3.14\", \"3.12\"]\n")
			w.generation("python install --upgrade 3.14 pypy@3.11")
		}, `
warning: the policy and Home Manager's programs.uv have other Pythons: only the policy has 3.12; only Home Manager has pypy@3.11
  ~/.config/shim/policy.toml:2: python.versions = 3.14, 3.12
  ~/.local/state/home-manager/gcroots/current-home/activate: programs.uv.python.versions = 3.14, pypy@3.11
  > shim declare python pypy@3.11
  > in home.nix, then home-manager switch:
  >   programs.uv.python.versions = [ "3.14" "3.12" "pypy@3.11" ];
`},
		{"one_of_what_is_asked_for", func(w *world) {
			w.policy("[python]\nversions = [\"3.14.1\"]\n")
			w.generation("python install --upgrade 3.14")
		}, `
warning: the policy and Home Manager's programs.uv have other Pythons: only the policy has 3.14.1; only Home Manager has 3.14
  ~/.config/shim/policy.toml:2: python.versions = 3.14.1
  ~/.local/state/home-manager/gcroots/current-home/activate: programs.uv.python.versions = 3.14
  > shim declare python 3.14
  > in home.nix, then home-manager switch:
  >   programs.uv.python.versions = [ "3.14.1" "3.14" ];
`},
		{"default", func(w *world) {
			w.policy("[python]\nversions = [\"3.14\", \"3.13\", \"pypy@3.11\"]\ndefault = \"3.14\"\n")
			w.generation("python install --default --upgrade 3.13", "python install --default pypy@3.11", "python install --upgrade 3.14")
		}, `
warning: the policy and Home Manager's programs.uv have other defaults: only the policy has 3.14; only Home Manager has 3.13, pypy@3.11
  ~/.config/shim/policy.toml:3: python.default = 3.14
  ~/.local/state/home-manager/gcroots/current-home/activate: programs.uv.python.default = 3.13, pypy@3.11
  > shim declare python pypy@3.11 --default
  > in home.nix, then home-manager switch:
  >   programs.uv.python.default = [ "3.14" "pypy@3.11" ];
`},
		{"default_alone", func(w *world) {
			w.policy("[python]\ndefault = \"3.14\"\n")
			w.generation("python install --default --upgrade 3.14")
		}, "ok: the policy says the same as Home Manager's programs.uv\n"},
		{"default_of_theirs_alone", func(w *world) {
			w.policy("[python]\nversions = [\"3.14\"]\n")
			w.generation("python install --default --upgrade 3.14")
		}, `
warning: the policy and Home Manager's programs.uv have other defaults: only Home Manager has 3.14
  ~/.config/shim/policy.toml: no python.default
  ~/.local/state/home-manager/gcroots/current-home/activate: programs.uv.python.default = 3.14
  > shim declare python 3.14 --default
`},
		{"policy_does_not_speak_of_it", func(w *world) {
			w.generation("python install --default --upgrade 3.13", "tool install 'httpie>=3'")
		}, `
info: the policy and Home Manager's programs.uv have other Pythons: only Home Manager has 3.13
  ~/.config/shim/policy.toml: no python.versions
  ~/.local/state/home-manager/gcroots/current-home/activate: programs.uv.python.versions = 3.13
  > shim declare python 3.13
info: the policy and Home Manager's programs.uv have other defaults: only Home Manager has 3.13
  ~/.config/shim/policy.toml: no python.default
  ~/.local/state/home-manager/gcroots/current-home/activate: programs.uv.python.default = 3.13
  > shim declare python 3.13 --default
info: the policy and Home Manager's programs.uv have other tools: only Home Manager has httpie>=3
  ~/.config/shim/policy.toml: no tool.packages
  ~/.local/state/home-manager/gcroots/current-home/activate: programs.uv.tool.packages = httpie>=3
  > shim declare tool 'httpie>=3'
`},
		{"tools", func(w *world) {
			w.policy("[tool]\npackages = [\"ruff==0.14\"]\n")
			w.generation("tool install ruff")
		}, `
warning: the policy and Home Manager's programs.uv have other tools: only the policy has ruff==0.14; only Home Manager has ruff
  ~/.config/shim/policy.toml:2: tool.packages = ruff==0.14
  ~/.local/state/home-manager/gcroots/current-home/activate: programs.uv.tool.packages = ruff
  > shim declare tool ruff
  > in home.nix, then home-manager switch:
  >   programs.uv.tool.packages = [ "ruff==0.14" "ruff" ];
`},
		{"nobody_prunes", func(w *world) {
			w.policy("[python]\nversions = [\"3.14\"]\nprune = true\n[tool]\npackages = [\"ruff\"]\nprune = true\n")
			w.generation("python install 3.14", "tool install ruff")
		}, `
warning: the policy has Pythons removed that are not listed, and nothing removes them: they are left to Home Manager's programs.uv
  ~/.config/shim/policy.toml:3: python.prune = true
  ~/.local/state/home-manager/gcroots/current-home/activate: programs.uv.python.prune = false
  > in home.nix, then home-manager switch:
  >   programs.uv.python.prune = true;
warning: the policy has tools removed that are not listed, and nothing removes them: they are left to Home Manager's programs.uv
  ~/.config/shim/policy.toml:6: tool.prune = true
  ~/.local/state/home-manager/gcroots/current-home/activate: programs.uv.tool.prune = false
  > in home.nix, then home-manager switch:
  >   programs.uv.tool.prune = true;
`},
		{"kept_and_pruned", func(w *world) {
			w.policy("[python]\nversions = [\"3.14\"]\nprune = false\n[tool]\npackages = [\"ruff\"]\nprune = false\n")
			w.generation("python install 3.14", pruning, "tool install ruff", pruningTool)
		}, `
warning: the policy has Pythons kept that are not listed, and Home Manager's programs.uv removes them
  ~/.config/shim/policy.toml:3: python.prune = false
  ~/.local/state/home-manager/gcroots/current-home/activate: programs.uv.python.prune = true
  > in home.nix, then home-manager switch:
  >   programs.uv.python.prune = false;
warning: the policy has tools kept that are not listed, and Home Manager's programs.uv removes them
  ~/.config/shim/policy.toml:6: tool.prune = false
  ~/.local/state/home-manager/gcroots/current-home/activate: programs.uv.tool.prune = true
  > in home.nix, then home-manager switch:
  >   programs.uv.tool.prune = false;
`},
		{"broken_policy", func(w *world) { w.policy("[python]\nversion = 1\n"); w.generation("python install 3.14") },
			"skipped: what is declared cannot be read\n"},
		{"collected_as_garbage", func(w *world) {
			w.link("home/.local/state/home-manager/gcroots/current-home", "/nix/store/0-home-manager-generation")
		}, `
warning: the active generation of Home Manager cannot be read, and shim sync removes nothing while what it declares is not known
  ~/.local/state/home-manager/gcroots/current-home/activate: no such file or directory
  > home-manager switch   # or nixos-rebuild switch, where it is a part of the system
`},
		{"other_link_leads_somewhere", func(w *world) {
			w.link("home/.local/state/home-manager/gcroots/current-home", "/nix/store/0-home-manager-generation")
			w.file("home/.local/state/nix/profiles/home-manager/activate", "#!/bin/bash\nuv python install 3.14\n")
			w.policy("[python]\nversions = [\"3.14\"]\n")
		}, "ok: the policy says the same as Home Manager's programs.uv\n"},
		{"no_file", func(w *world) { w.mode(activate, 0o755) }, `
warning: the active generation of Home Manager cannot be read, and shim sync removes nothing while what it declares is not known
  ~/.local/state/home-manager/gcroots/current-home/activate: not a regular file
  > home-manager switch   # or nixos-rebuild switch, where it is a part of the system
`},
		{"too_large", func(w *world) { w.file(activate, strings.Repeat("uv python install 3.14\n", 1<<18)) }, `
warning: the active generation of Home Manager cannot be read, and shim sync removes nothing while what it declares is not known
  ...
  > home-manager switch   # or nixos-rebuild switch, where it is a part of the system
`},
		{"crafted", func(w *world) {
			w.policy("[tool]\npackages = [\"ruff\"]\n")
			w.generation("tool install ruff 'x;reboot' '\x1b[31m' $(reboot)", "python install '", "python install --default", "uv")
		}, `
warning: the policy and Home Manager's programs.uv have other tools: only Home Manager has x;reboot, \x1b[31m
  ~/.config/shim/policy.toml:2: tool.packages = ruff
  ~/.local/state/home-manager/gcroots/current-home/activate: programs.uv.tool.packages = ruff, x;reboot, ` + "\x1b[31m" + `
  > shim declare tool 'x;reboot'
  > shim declare tool $'\x1b[31m'
`},
	})
}

// What Nix wrote is not for shim declare to change.
func TestHomeManager_policyInTheStore(t *testing.T) {
	w := newWorld(t)
	w.policy("[python]\nversions = [\"3.14\"]\nprune = false\n[tool]\npackages = [\"ruff\"]\nprune = true\n")
	m := w.machine()
	home := sync.HomeManager{File: "/a", Versions: []string{"3.13"}, Packages: []string{"ruff"}, PrunePython: true}
	var results []Result
	for _, f := range m.beside(home, func(file string) bool { return strings.HasSuffix(file, "/policy.toml") }) {
		results = append(results, Result{"", m.private(f)})
	}
	want := `
warning: the policy and Home Manager's programs.uv have other Pythons: only the policy has 3.14; only Home Manager has 3.13
  ~/.config/shim/policy.toml:2: python.versions = 3.14
  /a: programs.uv.python.versions = 3.13
  > in home.nix, then home-manager switch:
  >   programs.uv.python.versions = [ "3.14" "3.13" ];
  >   # and no programs.shim.settings.python.versions, which is then taken from there
warning: the policy has tools removed that are not listed, and nothing removes them: they are left to Home Manager's programs.uv
  ~/.config/shim/policy.toml:6: tool.prune = true
  /a: programs.uv.tool.prune = false
  > in home.nix, then home-manager switch:
  >   programs.uv.tool.prune = true;
  >   # and no programs.shim.settings.tool.prune
`
	if got := w.show(results); got != want[1:] {
		t.Errorf("got\n%s", got)
	}
	if slices.ContainsFunc(results, func(r Result) bool { return strings.Contains(r.Fix, "shim declare") }) {
		t.Error("shim declare changes nothing there")
	}
}
