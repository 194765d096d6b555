package nix

import (
	"fmt"
	"slices"
	"strings"
)

// A Library is an attribute of nixpkgs, and why it is needed: a line for each reason, such as
// "~/src/demo: libstdc++.so.6".
type Library struct {
	Attribute string
	Why       []string
}

// mostReasons bounds the comment of one attribute.
const mostReasons = 5

// NixOS returns a module for configuration.nix with what uv and the Pythons it manages need of a
// NixOS: uv itself, ~/.local/bin on PATH, and nix-ld with the libraries. Libraries come out sorted,
// each once. One that is no attribute path is an error.
func NixOS(libraries []Library) (string, error) {
	wanted, err := expressions(libraries)
	if err != nil {
		return "", err
	}
	var w writer
	w.comment("What uv, its Pythons and their wheels need of NixOS, as `shim export nixos` prints it.")
	w.line("{ pkgs, ... }:")
	w.block("{", "}", func() {
		w.block("environment = {", "};", func() {
			w.line("localBinInPath = true;")
			w.line("systemPackages = with pkgs; [ uv ];")
		})
		w.block("programs.nix-ld = {", "};", func() {
			w.line("enable = true;")
			w.comment("nixpkgs adds a list of its own to this one: zlib zstd stdenv.cc.cc curl openssl attr libssh")
			w.comment("bzip2 libxml2 acl libsodium util-linux xz systemd. What is needed is named all the same.")
			w.libraries("libraries = ", wanted, ";")
		})
	})
	return w.String(), nil
}

// A Project is what Flake writes a development shell for.
type Project struct {
	Name      string
	Libraries []Library
	Driver    bool // it needs a library of the graphics driver, which no package has
}

// Flake returns a flake.nix with a development shell for the project: uv, which takes the Python
// that the project asks for, and nix-ld's variables with the project's libraries. They stand in
// place of the system's list, so that all that the project needs has to be in p. A library that is
// no attribute path is an error.
func Flake(p Project) (string, error) {
	wanted, err := expressions(p.Libraries)
	if err != nil {
		return "", err
	}
	var w writer
	w.comment("A development shell with uv, as `shim export flake` prints it: nix develop")
	w.block("{", "}", func() {
		w.line("description = %s;", String(p.Name))
		w.line("")
		w.line(`inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";`)
		w.line("")
		w.line("outputs =")
		w.depth++
		w.line("{ nixpkgs, ... }:")
		w.block("let", "in", func() {
			w.list("systems = ", []string{`"aarch64-linux"`, `"x86_64-linux"`}, ";")
			w.line("forAll = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});")
		})
		w.block("{", "};", func() {
			w.block("devShells = forAll (pkgs: {", "});", func() {
				w.block("default = pkgs.mkShell {", "};", func() { w.shell(wanted, p.Driver) })
			})
		})
		w.depth--
	})
	return w.String(), nil
}

// shell writes the attributes of a mkShell.
func (w *writer) shell(wanted []expression, driver bool) {
	w.comment("no python: the wheels of one that Nix built do not use nix-ld. uv brings the Python that")
	w.comment("the project's .python-version or requires-python asks for")
	w.line("packages = with pkgs; [ uv ];")
	if len(wanted) == 0 && !driver {
		return
	}
	w.line("")
	w.comment("in place of the system's nix-ld libraries, with the loader that they were built for")
	w.line("NIX_LD = pkgs.stdenv.cc.bintools.dynamicLinker;")
	if driver {
		wanted = append(wanted, expression{
			text: `"/run/opengl-driver"`,
			why:  []string{"the graphics driver's libraries, which have to match the kernel's module"},
		})
	}
	w.libraries("NIX_LD_LIBRARY_PATH = pkgs.lib.makeLibraryPath (", wanted, ");")
}

// libraries writes "head with pkgs; [ … ]tail", each library below its reasons.
func (w *writer) libraries(head string, wanted []expression, tail string) {
	if len(wanted) == 0 {
		w.line("%swith pkgs; [ ]%s", head, tail)
		return
	}
	w.block(head+"with pkgs; [", "]"+tail, func() {
		for _, e := range wanted {
			why := e.why
			if more := len(why) - mostReasons; more > 0 {
				why = append(slices.Clone(why[:mostReasons]), fmt.Sprintf("and %d more", more))
			}
			for _, reason := range why {
				w.comment("%s", reason)
			}
			w.line("%s", e.text)
		}
	})
}

// An expression is a library as it stands below `with pkgs;`.
type expression struct {
	text string
	why  []string
}

// expressions returns the libraries sorted, each once, with the reasons of all its mentions in
// their order. x and x.lib are one: nix-ld and makeLibraryPath take the output lib of either
// (lib.getLib), and the first mention tells how it is written.
func expressions(libraries []Library) ([]expression, error) {
	var all []expression
	place := map[string]int{}
	for _, l := range libraries {
		text, err := Attribute(l.Attribute)
		if err != nil {
			return nil, err
		}
		same := strings.TrimSuffix(text, ".lib")
		i, seen := place[same]
		if !seen {
			i = len(all)
			place[same] = i
			all = append(all, expression{text: text})
		}
		for _, reason := range l.Why {
			if !slices.Contains(all[i].why, reason) {
				all[i].why = append(all[i].why, reason)
			}
		}
	}
	slices.SortFunc(all, func(a, b expression) int { return strings.Compare(a.text, b.text) })
	return all, nil
}
