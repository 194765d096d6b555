package shim

import (
	"testing"

	"uvshim/policy/version"
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
