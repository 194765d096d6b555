package shim

import (
	"os"
	"path/filepath"
	"testing"

	"uvshim/policy/version"
	"uvshim/shim/preflight"
)

func TestIsDeclared(t *testing.T) {
	for _, c := range []struct {
		key      string
		versions []string
		want     bool
	}{
		{"cpython-3.14.1-linux-x86_64-gnu", []string{"3.13", "3.14"}, true},
		{"cpython-3.14.1-linux-x86_64-gnu", []string{"3.14.0"}, false},
		{"cpython-3.14.1-linux-x86_64-gnu", []string{">=3.12"}, true},
		{"cpython-3.14.1+freethreaded-linux-x86_64-gnu", []string{"3.14"}, false},
		{"cpython-3.14.1+freethreaded-linux-x86_64-gnu", []string{"3.14t"}, true},
		{"pypy-3.11.13-linux-x86_64-gnu", []string{"3.11"}, false},
		{"pypy-3.11.13-linux-x86_64-gnu", []string{"pypy@3.11"}, true},
		{"cpython-3.14.1-linux-x86_64-gnu", []string{"not a version"}, false},
	} {
		i, err := version.ParseKey(c.key)
		if err != nil {
			t.Fatal(err)
		}
		if got := isDeclared(i, c.versions); got != c.want {
			t.Errorf("%s by %q: %v", c.key, c.versions, got)
		}
	}
	// Debian's python3.12, of which only the minor is known
	if system := (version.Interpreter{Impl: "cpython", Version: version.New(3, 12)}); !isDeclared(system, []string{"3.12"}) {
		t.Error("a system's Python is not declared by its minor")
	}
}

func TestUse_beside(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"own/.venv/bin", "bare", "other/bin"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("own", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, project, python string
		want                  bool
	}{
		{"its_own", "own", "own/.venv/bin/python", false},
		{"its_own_by_a_link", "own", "link/.venv/bin/python", false},
		{"second_in_the_project", "own", "own/env2/bin/python", false},
		{"active_elsewhere", "own", "other/bin/python", true},
		{"the_only_one", "bare", "other/bin/python", false},
		{"gone", "own", "gone/bin/python", false},
	} {
		u := use{project: filepath.Join(dir, row.project)}
		u.target.Path = filepath.Join(dir, row.python)
		if got := u.beside(); got != row.want {
			t.Errorf("%s: %t", row.name, got)
		}
		needs := u.with(preflight.Verdict{Outcome: preflight.OK, Needs: []string{"libz.so.1"}}).needs
		if (needs == nil) != row.want {
			t.Errorf("%s: recorded needs %q", row.name, needs)
		}
	}
}
