package fix

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"uvshim/policy/nix"
	"uvshim/shim/host"
)

// A Builder realises attributes with the user's nix.
type Builder struct {
	Source  Source
	Nix     string // the program that Source takes: nix for a flake, nix-build for a path
	Env     host.Env
	Options []string // the user's, for nix
	Output  io.Writer
}

// Program returns the name of nix's program that builds from the source. nix-build does without
// experimental features, which may be disabled.
func (s Source) Program() string {
	if s.Path != "" {
		return "nix-build"
	}
	return "nix"
}

// Places are where nix may be besides PATH: NixOS, a user's profile, a multi-user installation.
func Places(home string) []string {
	places := []string{"/run/current-system/sw/bin", "/nix/var/nix/profiles/default/bin"}
	if home != "" {
		places = append(places, filepath.Join(home, ".nix-profile", "bin"))
	}
	return places
}

// Args returns the arguments of the call that realises an attribute and makes link, or link with an
// output's name appended, lead to it. It is the output that nix-ld's module takes of it, lib or else
// out (lib.getLib). What is no attribute path is an error.
func (b Builder) Args(attribute, link string) ([]string, error) {
	name, err := nix.Attribute(attribute)
	if err == nil && strings.ContainsAny(attribute, "/\"") {
		err = fmt.Errorf("%q cannot be the name of a directory", attribute)
	}
	if err != nil {
		return nil, err
	}
	// no configuration and overlays of the user's: the system has its own
	pkgs := "import (/. + " + nix.String(b.Source.Path) + ") { config = { }; overlays = [ ]; }"
	args := []string{"--out-link", link}
	if b.Source.Path == "" {
		pkgs = "(builtins.getFlake " + nix.String(b.Source.Flake) + ").legacyPackages.${builtins.currentSystem}"
		// a reference that is not locked may only be evaluated impurely
		args = append([]string{"build", "--extra-experimental-features", "nix-command flakes", "--impure"}, args...)
	}
	expression := "let pkgs = " + pkgs + "; getLib = x: if x.outputSpecified or false then x else x.lib or x.out or x; in getLib (with pkgs; " + name + ")"
	return append(append(args, b.Options...), flagOf(b.Source), expression), nil
}

func flagOf(s Source) string {
	if s.Path != "" {
		return "-E"
	}
	return "--expr"
}

// Build realises an attribute and returns the directories of libraries of it that have the sonames
// or, where subdir is set, of whose children some do. Its links, which keep it from being collected,
// are in dir. What nix says goes to the output.
func (b Builder) Build(w Want, dir string) ([]string, error) {
	args, err := b.Args(w.Attribute, filepath.Join(dir, "result"))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	cmd := exec.Command(b.Nix, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = b.Env, b.Output, b.Output
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s could not build it: %w", filepath.Base(b.Nix), err)
	}
	return libraryDirs(dir, w)
}

// libraryDirs returns the directories with what is wanted, below the links in dir.
func libraryDirs(dir string, w Want) ([]string, error) {
	links, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var dirs []string
	lacking := slices.Clone(w.Sonames)
	take := func(lib string) {
		before := len(lacking)
		lacking = slices.DeleteFunc(lacking, func(soname string) bool {
			_, err := os.Stat(filepath.Join(lib, soname))
			return err == nil
		})
		if len(lacking) < before {
			dirs = append(dirs, lib)
		}
	}
	for _, link := range links {
		lib := filepath.Join(dir, link.Name(), "lib")
		take(lib)
		if !w.Subdir {
			continue
		}
		children, err := os.ReadDir(lib)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, child := range children {
			take(filepath.Join(lib, child.Name()))
		}
	}
	if len(lacking) > 0 {
		return nil, fmt.Errorf("it has no %s", strings.Join(lacking, ", "))
	}
	return dirs, nil
}

// minor returns N of the version 2.N.
func minor(version string) (int, bool) {
	text, ok := strings.CutPrefix(version, "2.")
	n, err := strconv.Atoi(text)
	return n, ok && err == nil
}
