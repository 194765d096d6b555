package nixld

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"uvshim/shim/host"
)

// loaderLinks returns the links below /lib and /lib64 that the tmpfiles rules in dir make
// (nixpkgs nixos/modules/config/ldso.nix; the format: tmpfiles.d(5)). A generation without that
// directory, as system.etc.overlay.enable makes them, does not tell its loader: an error.
func loaderLinks(dir string) (map[string]string, error) {
	links := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".conf") {
			continue
		}
		text, err := readAll(Running(), filepath.Join(dir, entry.Name()), maxText)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			// type path mode user group age argument
			field := strings.Fields(line)
			if len(field) < 7 || strings.TrimRight(field[0], "+!?-=~^$") != "L" {
				continue
			}
			path := filepath.Clean(field[1])
			if dir := filepath.Dir(path); dir == "/lib" || dir == "/lib64" {
				links[path] = field[6]
			}
		}
	}
	return links, nil
}

// A link is one of a generation's own links, as Lstat tells of it.
type link struct{ name string }

func (l link) Name() string     { return l.name }
func (link) Size() int64        { return 0 }
func (link) Mode() fs.FileMode  { return fs.ModeSymlink | 0o777 }
func (link) ModTime() time.Time { return time.Time{} }
func (link) IsDir() bool        { return false }
func (link) Sys() any           { return nil }

// Environ returns env as a login on s would have it, as far as the loader goes. On the running
// system that is env itself. Elsewhere its NIX_LD* are replaced by those of /etc/set-environment,
// or where that has none /etc/pam/environment (nixpkgs nixos/modules/config/shells-environment.nix
// and system-environment.nix); in a root, where env is a stranger, LD_LIBRARY_PATH and LD_PRELOAD
// go as well.
func (s *System) Environ(env host.Env) (host.Env, error) {
	if s.Running() {
		return env, nil
	}
	out := slices.DeleteFunc(slices.Clone(env), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return isNixLD(name) || s.isRoot() && (name == "LD_LIBRARY_PATH" || name == "LD_PRELOAD")
	})
	var errs []error
	for _, file := range []struct {
		path  string
		parse func(line string) (name, value string, ok bool)
	}{{"/etc/pam/environment", pamLine}, {"/etc/set-environment", shellLine}} {
		text, err := readAll(s, file.path, maxText)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
		for line := range strings.Lines(string(text)) {
			if name, value, ok := file.parse(strings.TrimSpace(line)); ok && isNixLD(name) {
				out = out.With(name, os.Expand(value, env.Get))
			}
		}
	}
	return out, errors.Join(errs...)
}

func isNixLD(name string) bool { return name == "NIX_LD" || strings.HasPrefix(name, "NIX_LD_") }

// shellLine reads `export NAME="value"`.
func shellLine(line string) (name, value string, ok bool) {
	line, ok = strings.CutPrefix(line, "export ")
	if !ok {
		return "", "", false
	}
	name, value, ok = strings.Cut(strings.TrimSpace(line), "=")
	return name, unquote(value), ok
}

// pamLine reads `NAME DEFAULT="value"` (pam_env.conf(5)).
func pamLine(line string) (name, value string, ok bool) {
	field := strings.Fields(line)
	if len(field) < 2 {
		return "", "", false
	}
	value, ok = strings.CutPrefix(field[1], "DEFAULT=")
	return field[0], strings.ReplaceAll(unquote(value), "@{", "${"), ok
}
