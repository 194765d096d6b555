// Package provided knows what shim fix has provided to this user: directories of libraries that are
// appended to nix-ld's library path of what runs through shim. They stand in one small file,
// because every call reads it.
package provided

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"uvshim/shim/elfdeps"
	"uvshim/shim/host"
	"uvshim/shim/nixld"
)

// Driver is the name in the list of the graphics driver's libraries, which no attribute brings.
const Driver = "driver"

// A Library is one directory.
type Library struct {
	Attribute string // of nixpkgs, or Driver
	Dir       string // absolute; below Dir it is reached through the link that keeps it from being collected
	Since     string // the day it was provided, as 2026-11-22
	Idle      string // the day it was first seen not to be needed any more; empty: it is
}

// A List is what is provided, in the order in which it is appended. Directories that are gone may be
// in it.
type List []Library

// Dir returns the directory below a data directory that has the list and, for each attribute, the
// links to its store paths.
func Dir(data string) string { return filepath.Join(data, "shim", "libraries") }

const (
	name   = "list"
	schema = "shim libraries 1"
	limit  = 1 << 20 // bytes that are read of a list
)

// File returns the path of the list below a data directory.
func File(data string) string { return filepath.Join(Dir(data), name) }

// Load returns the list below a data directory. One that is not there, another user's, or one that others can write, is
// empty: under sudo, root must not load what the user put there. A damaged list, or one of another schema,
// is an error.
func Load(h host.Host, data string) (List, error) {
	if data == "" {
		return nil, nil
	}
	text, err := h.ReadOwn(File(data), limit)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, host.ErrForeign) || err == nil && !h.Alone(Dir(data)) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading what shim fix has provided: %w", err)
	}
	return parse(string(text))
}

// ErrDamaged is returned for a list that cannot be understood.
var ErrDamaged = errors.New("the list is damaged, or another version's")

var errDamaged = fmt.Errorf("reading what shim fix has provided: %w", ErrDamaged)

func parse(text string) (List, error) {
	first, rest, _ := strings.Cut(text, "\n")
	if first != schema {
		return nil, errDamaged
	}
	var l List
	for line := range strings.Lines(rest) {
		field := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(field) < 4 || field[0] == "" || !Fits(field[1]) {
			return nil, errDamaged
		}
		l = append(l, Library{field[0], field[1], field[2], field[3]})
	}
	return l, nil
}

// Save replaces the list below a data directory, whose directory is there.
func (l List) Save(data string) error {
	var b strings.Builder
	b.WriteString(schema + "\n")
	for _, x := range l {
		if !Fits(x.Dir) {
			return fmt.Errorf("%q cannot stand in a library path", x.Dir)
		}
		b.WriteString(x.Attribute + "\t" + x.Dir + "\t" + x.Since + "\t" + x.Idle + "\n")
	}
	return host.WriteFile(File(data), []byte(b.String()), 0o600)
}

// Fits reports whether a directory can stand in a library path, which the loader splits at colons
// and semicolons and in which it replaces $ORIGIN and its kind, and in the list.
func Fits(dir string) bool {
	return filepath.IsAbs(dir) && !strings.ContainsAny(dir, ":;$\t\n\x00")
}

// Dirs returns the directories that are there.
func (l List) Dirs() []string {
	var dirs []string
	for _, x := range l {
		if x.There() && !slices.Contains(dirs, x.Dir) {
			dirs = append(dirs, x.Dir)
		}
	}
	return dirs
}

// There reports whether the directory is there. It is not when its links were removed by hand, and
// what they led to was collected.
func (x Library) There() bool {
	var st unix.Stat_t
	return unix.Stat(x.Dir, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}

// Gone returns the libraries whose directories are gone.
func (l List) Gone() List {
	return slices.DeleteFunc(slices.Clone(l), Library.There)
}

// Attributes returns the attributes, the driver not among them, sorted and each once.
func (l List) Attributes() []string {
	var out []string
	for _, x := range l {
		if x.Attribute != Driver {
			out = append(out, x.Attribute)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Has reports whether the list has something of that name that is there.
func (l List) Has(attribute string) bool {
	return slices.ContainsFunc(l, func(x Library) bool { return x.Attribute == attribute && x.There() })
}

// Extend returns env as it is for what runs through shim: with the directories that are there, and
// are not yet in it, at the end of nix-ld's library path. The loader is the one of foreign programs;
// where it is no nix-ld, nothing is appended.
func (l List) Extend(env host.Env, loader nixld.Loader) host.Env {
	if len(l) == 0 || loader.Kind != nixld.NixLD {
		return env
	}
	settings := nixld.Environment(env, loader)
	have := elfdeps.SplitPath(settings.Library.Value)
	added := slices.DeleteFunc(l.Dirs(), func(dir string) bool { return slices.Contains(have, dir) })
	if len(added) == 0 {
		return env
	}
	variable, value := settings.Extend(added)
	return env.With(variable, value)
}

// Without returns env as it would be had nothing been appended.
func (l List) Without(env host.Env, loader nixld.Loader) host.Env {
	if len(l) == 0 || loader.Kind != nixld.NixLD {
		return env
	}
	library := nixld.Environment(env, loader).Library
	have := elfdeps.SplitPath(library.Value)
	kept := slices.DeleteFunc(slices.Clone(have), func(dir string) bool {
		return slices.ContainsFunc(l, func(x Library) bool { return x.Dir == dir })
	})
	if len(kept) == len(have) {
		return env
	}
	return env.With(library.Name, strings.Join(kept, ":"))
}

// Clean removes the directories of links that the list does not name: an interrupted shim fix leaves
// them. It must not run beside one.
func (l List) Clean(data string) error {
	entries, err := os.ReadDir(Dir(data))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if e.IsDir() && !slices.ContainsFunc(l, func(x Library) bool { return x.Attribute == e.Name() }) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(Dir(data), e.Name())))
		}
	}
	return err
}
