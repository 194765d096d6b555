package nix

import (
	"fmt"
	"strings"
)

// Attribute returns the expression for an attribute of nixpkgs that is to stand below `with pkgs;`,
// such as stdenv.cc.cc.lib. What is no attribute path, as the policy writes those, is an error; what
// is one but would mean something else where it stands is spelt so that it does not: the first part
// of "a".b would be a string, and with never hides a name that Nix has itself.
func Attribute(path string) (string, error) {
	var parts []string
	for rest, more := path, true; more; {
		name, length := part(rest)
		if length == 0 || length < len(rest) && rest[length] != '.' {
			return "", fmt.Errorf("%s is not an attribute, want one such as stdenv.cc.cc.lib", String(path))
		}
		if keyword(name) || !identifier(name) {
			name = String(name)
		}
		parts = append(parts, name)
		if more = length < len(rest); more {
			rest = rest[length+1:]
		}
	}
	if first := parts[0]; first[0] == '"' || global(first) {
		parts = append([]string{"pkgs"}, parts...)
	}
	return strings.Join(parts, "."), nil
}

// part returns the name that text begins with, and how many bytes it takes: an identifier, or a
// name in double quotes that means just what it says. 0 bytes: neither.
func part(text string) (name string, length int) {
	if inner, ok := strings.CutPrefix(text, `"`); ok {
		end := strings.IndexAny(inner, "\"\\$")
		if end < 1 || inner[end] != '"' || visible(inner[:end]) != inner[:end] {
			return "", 0
		}
		return inner[:end], end + 2
	}
	name, _, _ = strings.Cut(text, ".")
	if !identifier(name) {
		return "", 0
	}
	return name, len(name)
}

// identifier is [a-zA-Z_][a-zA-Z0-9_'-]* (nix: src/libexpr/lexer.l, ID).
func identifier(name string) bool {
	for i, r := range name {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '_'
		if !letter && (i == 0 || !('0' <= r && r <= '9' || r == '-' || r == '\'')) {
			return false
		}
	}
	return name != ""
}

// keyword reports whether Nix reads name as something else than an identifier.
func keyword(name string) bool {
	switch name {
	case "assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with":
		return true
	}
	return false
}

// global reports whether Nix has the name itself, without `builtins.` before it (nix: src/libexpr,
// the primops whose names have no underscores, and their kind).
func global(name string) bool {
	switch name {
	case "abort", "baseNameOf", "break", "builtins", "derivation", "derivationStrict", "dirOf", "false",
		"fetchGit", "fetchMercurial", "fetchTarball", "fetchTree", "fromTOML", "import", "isNull", "map",
		"null", "placeholder", "removeAttrs", "scopedImport", "throw", "toString", "true":
		return true
	case "forAll", "nixpkgs", "systems": // of the flake that Flake writes
		return true
	}
	return strings.HasPrefix(name, "__")
}
