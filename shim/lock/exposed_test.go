package lock

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"uvshim/shim/host"
)

// Where others can write what leads to the records, nothing is written, folded or read.
func TestExposed(t *testing.T) {
	for name, open := range map[string]func(s Store) string{
		"pending":        func(s Store) string { return s.Pending },
		"parent":         func(s Store) string { return filepath.Dir(s.Pending) },
		"above":          func(s Store) string { return filepath.Dir(filepath.Dir(s.Pending)) },
		"lock_elsewhere": func(s Store) string { return filepath.Dir(s.Path) },
	} {
		t.Run(name, func(t *testing.T) {
			s := testStore(t)
			if name == "lock_elsewhere" {
				away := filepath.Join(t.TempDir(), "shim.lock")
				if err := os.MkdirAll(filepath.Dir(s.Path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(away, s.Path); err != nil {
					t.Fatal(err)
				}
				pending := s.Pending
				s = Store{Path: away, Pending: pending, host: s.host, flock: s.flock}
			}
			note(t, s, used("/a"))
			quiet(t, s.Fold(0))
			note(t, s, used("/b"))
			dir := open(s)
			if err := os.Chmod(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			var exposed *ExposedError
			if _, err := s.Note(used("/c")); name != "lock_elsewhere" && (!errors.As(err, &exposed) || exposed.Dir != dir) {
				t.Errorf("noted: %v", err)
			}
			if errs := s.Fold(0); len(errs) != 1 || !errors.As(errs[0], &exposed) || exposed.Dir != dir {
				t.Errorf("folded: %v", errs)
			}
			l, errs := s.Read(0)
			if len(errs) != 1 || !errors.As(errs[0], &exposed) || len(paths(l)) != 0 {
				t.Errorf("read %q, %v", paths(l), errs)
			}
			if err := os.Chmod(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if l, errs := s.Read(0); len(errs) != 0 || len(paths(l)) < 2 {
				t.Errorf("closed again: read %q, %v", paths(l), errs)
			}
		})
	}
}

// A record or a lock of another user's is not believed, wherever it lies.
func TestForeign(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	const stranger = 54321
	s := testStore(t)
	id := note(t, s, used("/a"))
	if err := os.Chown(filepath.Join(s.Pending, id+suffix), stranger, stranger); err != nil {
		t.Fatal(err)
	}
	note(t, s, used("/b"))
	l, errs := s.Read(0)
	if len(errs) != 1 || !errors.Is(errs[0], host.ErrForeign) || len(paths(l)) != 1 || paths(l)[0] != "/b" {
		t.Errorf("a record: read %q, %v", paths(l), errs)
	}
	if err := os.Remove(filepath.Join(s.Pending, id+suffix)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(s.Path, stranger, stranger); err != nil {
		t.Fatal(err)
	}
	if l, errs := s.Read(0); len(errs) != 1 || !errors.Is(errs[0], host.ErrForeign) || len(paths(l)) != 0 {
		t.Errorf("a lock: read %q, %v", paths(l), errs)
	}
}
