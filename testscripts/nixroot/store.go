package nixroot

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"uvshim/testscripts/parts"
)

// schema is part of every store path's hash: it grows with every change to how they are made.
const schema = 2

// A store makes store paths and keeps them in the cache of the tests, from which roots are laid.
// A store path is known by its name, HASH-NAME.
type store struct {
	made map[string]string   // attribute or program to name
	dirs map[string]string   // name to its directory in the cache, which has out and refs
	refs map[string][]string // name to the names that it refers to
	base string              // of dirs
}

func newStore() *store {
	return &store{made: map[string]string{}, dirs: map[string]string{}, refs: map[string][]string{}}
}

// add returns the name of the store path called name that is made from inputs. One that is not in
// the cache is made: fill puts it at out, a file or a directory, and returns what it refers to.
func (s *store) add(name string, inputs []string, fill func(out, full string) (refs []string, err error)) (string, error) {
	full := hash(append([]string{name}, inputs...)...) + "-" + name
	dir, err := parts.Cached("nixroot-store-"+full, func(tmp, _ string) error {
		out := filepath.Join(tmp, "out")
		refs, err := fill(out, full)
		if err != nil {
			return fmt.Errorf("making %s: %w", full, err)
		}
		if err := readOnly(out); err != nil {
			return err
		}
		slices.Sort(refs)
		return os.WriteFile(filepath.Join(tmp, "refs"), []byte(strings.Join(slices.Compact(refs), "\n")), 0o644)
	})
	if err != nil {
		return "", err
	}
	s.base = filepath.Dir(dir)
	return full, s.load(full)
}

// load reads a store path's references from the cache.
func (s *store) load(full string) error {
	if s.dirs[full] != "" {
		return nil
	}
	dir := filepath.Join(s.base, "nixroot-store-"+full)
	refs, err := os.ReadFile(filepath.Join(dir, "refs"))
	if err != nil {
		return fmt.Errorf("the cache of the tests has lost a store path: %w", err)
	}
	s.dirs[full], s.refs[full] = dir, strings.Fields(string(refs))
	return nil
}

// out returns the place of a store path in the cache.
func (s *store) out(full string) string { return filepath.Join(s.dirs[full], "out") }

// closure returns names and all that they refer to.
func (s *store) closure(names ...string) ([]string, error) {
	var out []string
	seen := map[string]bool{}
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		if err := s.load(name); err != nil {
			return nil, err
		}
		out = append(out, name)
		names = append(names, s.refs[name]...)
	}
	return out, nil
}

// lay puts the closure of names below dir, a root's /nix/store.
func (s *store) lay(dir string, names ...string) error {
	all, err := s.closure(names...)
	if err != nil {
		return err
	}
	for _, name := range all {
		to := filepath.Join(dir, name)
		if _, err := os.Lstat(to); err == nil {
			continue
		}
		if err := linkTree(s.out(name), to); err != nil {
			return err
		}
	}
	return nil
}

// hash returns the first part of a store path's name: 32 letters of Nix's alphabet, which stand
// for what the path is made from.
func hash(inputs ...string) string {
	const letters = "0123456789abcdfghijklmnpqrsvwxyz"
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %q", schema, inputs))
	var text [32]byte
	for i := range text {
		text[i] = letters[sum[i]%32]
	}
	return string(text[:])
}

// linkTree makes to a tree of hard links to the files of from, or of copies where that spans file
// systems. The files belong to every root that was made from them.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := to + strings.TrimPrefix(path, from)
		switch {
		case d.IsDir():
			return os.Mkdir(target, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			text, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(text, target)
		}
		if os.Link(path, target) == nil {
			return nil
		}
		return copyFile(path, target)
	})
}

// copyFile copies a file with its mode and its time, by which Python knows its .pyc files.
func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, data, info.Mode().Perm()); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// readOnly takes away the right to write the files at path, since all roots share them.
func readOnly(path string) error {
	return filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.Chmod(path, info.Mode().Perm()&0o555)
	})
}

// A lacking error is of a part that the machine does not have.
type lacking struct{ error }

func (l lacking) Unwrap() error { return l.error }

func lack(err error) error { return lacking{err} }

// isLacking reports whether a test cannot run for want of a part, and has found nothing wrong.
func isLacking(err error) bool {
	var l lacking
	return errors.As(err, &l)
}
