package nixld

import (
	"errors"
	"io/fs"
	"strings"
)

// A Release is what a system calls itself.
type Release struct {
	ID      string // os-release(5): "nixos", "debian"; empty if unknown
	Version string // VERSION_ID, such as "25.11"; empty if there is none
	NixOS   bool
}

// ReadRelease reads the system's os-release(5). A system without one is no error.
func ReadRelease(sys FS) (Release, error) {
	text, err := readAll(sys, "/etc/os-release", maxText)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = readAll(sys, "/usr/lib/os-release", maxText)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	var r Release
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		switch {
		case !ok:
		case name == "ID":
			r.ID = unquote(value)
		case name == "VERSION_ID":
			r.Version = unquote(value)
		}
	}
	_, missing := sys.Lstat("/etc/NIXOS")
	r.NixOS = r.ID == "nixos" || missing == nil
	return r, err
}

// Nixpkgs returns the release of nixpkgs that the system's configuration is made with, such as
// "25.11", or "" if the system is not NixOS: another distribution's 22.04 is no nixpkgs.
func (r Release) Nixpkgs() string {
	if !r.NixOS {
		return ""
	}
	return r.Version
}

// unquote returns a shell word of one part without its quotes and, in double quotes, backslashes.
func unquote(word string) string {
	if len(word) < 2 || word[0] != word[len(word)-1] || word[0] != '"' && word[0] != '\'' {
		return word
	}
	inner := word[1 : len(word)-1]
	if word[0] == '\'' {
		return inner
	}
	var b strings.Builder
	for i := 0; i < len(inner); i++ {
		if inner[i] == '\\' && i+1 < len(inner) && strings.IndexByte("\"\\$`", inner[i+1]) >= 0 {
			i++
		}
		b.WriteByte(inner[i])
	}
	return b.String()
}
