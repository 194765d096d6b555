package shim

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"uvshim/policy"
	"uvshim/shim/lock"
)

func linux(version string) string { return "cpython-" + version + "-linux-x86_64-gnu" }

func TestStandsFor(t *testing.T) {
	for _, c := range []struct {
		name, request string
		python        lock.Python
		want          bool
	}{
		{"minor", "3.14", lock.Python{Key: linux("3.14.1")}, true},
		{"other_minor", "3.13", lock.Python{Key: linux("3.14.1")}, false},
		{"range", ">=3.12", lock.Python{Key: linux("3.14.1")}, true},
		{"variant_not_asked_for", "3.14", lock.Python{Key: linux("3.14.1+freethreaded")}, false},
		{"variant", "3.14t", lock.Python{Key: linux("3.14.1+freethreaded")}, true},
		{"prerelease", "3.15", lock.Python{Key: linux("3.15.0a1")}, true},
		{"pypy_key", "pypy", lock.Python{Key: "pypy-3.11.13-linux-x86_64-gnu"}, true},
		{"pypy_key_by_version", "3.11", lock.Python{Key: "pypy-3.11.13-linux-x86_64-gnu"}, false},
		{"path", "3.11", lock.Python{Path: "/usr/bin/python3.11", Version: "3.11.2"}, true},
		{"path_other_version", "3.12", lock.Python{Path: "/usr/bin/python3.11", Version: "3.11.2"}, false},
		{"path_cpython", "cpython@3.11", lock.Python{Path: "/usr/bin/python3.11", Version: "3.11.2"}, true},
		{"path_pypy", "pypy@3.11", lock.Python{Path: "/opt/bin/pypy3.11", Version: "3.11.2"}, true},
		{"path_no_pypy", "pypy@3.11", lock.Python{Path: "/opt/bin/python3.11", Version: "3.11.2"}, false},
		{"path_unknown_version", "3.11", lock.Python{Path: "/opt/bin/python3", Version: "?"}, false},
		{"no_request", "-", lock.Python{Key: linux("3.14.1")}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := standsFor(c.request, c.python); got != c.want {
				t.Errorf("%s stands for %+v: %v", c.request, c.python, got)
			}
		})
	}
}

func TestOfPython(t *testing.T) {
	l := lock.Lock{
		Python: []lock.Python{{Key: linux("3.14.1")}, {Path: "/usr/bin/python3.12", Version: "3.12"}},
		Project: []lock.Project{{Path: "/a", Python: linux("3.14.1")}, {Path: "/b", Python: "/usr/bin/python3.12"},
			{Path: "/removed", Python: linux("3.12.9")}, {Path: "/gone", Python: "/opt/bin/python3.12"}},
	}
	for request, want := range map[string]string{"3.14": "1 /a", "3.12": "1 /b /removed", "3.13": "0"} {
		got := ofPython(l, func(x lock.Python) bool { return standsFor(request, x) })
		is := fmt.Sprint(len(got.Python))
		for _, x := range got.Project {
			is += " " + x.Path
		}
		if is != want {
			t.Errorf("%s: %s, want %s", request, is, want)
		}
	}
}

func TestOfProject(t *testing.T) {
	l := lock.Lock{
		Python:  []lock.Python{{Key: "a"}, {Key: "b"}, {Path: "/c"}},
		Tool:    []lock.Tool{{Name: "t"}},
		Project: []lock.Project{{Path: "/p", Python: "a"}, {Path: "/p", Python: "/c"}, {Path: "/p/nested", Python: "b"}, {Path: "/pq", Python: "b"}},
	}
	for _, dir := range []string{"/p", "/p/src/deep", "/p/nested", "/p/nested/x", "/pq", "/", "relative", ""} {
		l.Change = append(l.Change, lock.Change{Directory: dir})
	}
	for _, c := range []struct{ dir, pythons, projects, changes string }{
		{"/p", "a /c", "2", "/p /p/src/deep"},
		{"/p/nested", "b", "1", "/p/nested /p/nested/x"},
		{"/none", "", "0", ""},
		{"/", "", "0", "/"},
	} {
		got := ofProject(l, c.dir)
		var pythons, changes []string
		for _, x := range got.Python {
			pythons = append(pythons, x.ID())
		}
		for _, x := range got.Change {
			changes = append(changes, x.Directory)
		}
		if strings.Join(pythons, " ") != c.pythons || string(rune('0'+len(got.Project))) != c.projects || strings.Join(changes, " ") != c.changes || got.Tool != nil {
			t.Errorf("%s: Pythons %q, %d projects, changes %q", c.dir, pythons, len(got.Project), changes)
		}
	}
}

func TestUndeclaredIn(t *testing.T) {
	l := lock.Lock{
		Python:  []lock.Python{{Key: linux("3.13.8"), Declared: true}, {Key: linux("3.14.1")}, {Path: "/usr/bin/python3", Version: "3.11.2"}},
		Project: []lock.Project{{Path: "/a", Python: linux("3.13.8")}, {Path: "/b", Python: linux("3.14.1")}},
		Tool:    []lock.Tool{{Name: "black", Request: "black"}, {Name: "ruff", Request: "ruff<1"}, {Name: "x", Request: "git+https://example.org/x"}},
	}
	of := func(versions, packages []string) string {
		p := policy.Default()
		p.Python.Versions, p.Tool.Packages = versions, packages
		got := undeclaredIn(l, p)
		var out []string
		for _, x := range got.Python {
			out = append(out, x.ID())
			if x.Declared {
				t.Errorf("%s is declared, as the lock has it", x.ID())
			}
		}
		for _, x := range got.Project {
			out = append(out, x.Path)
		}
		for _, x := range got.Tool {
			out = append(out, x.Name)
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct {
		name               string
		versions, packages []string
		want               string
	}{
		{"nothing_declared", nil, nil, ""},
		{"versions", []string{"3.14"}, nil, linux("3.13.8") + " /usr/bin/python3 /a"},
		{"path_declared", []string{">=3.10"}, nil, ""},
		{"packages", nil, []string{"ruff>=0.14", "git+https://example.org/x"}, "black"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := of(c.versions, c.packages); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	if !l.Python[0].Declared {
		t.Error("the lock was changed")
	}
}

func TestUnusedSince(t *testing.T) {
	l := lock.Lock{Python: []lock.Python{
		{Key: linux("3.12.11"), LastUsed: "2026-03-01"},
		{Key: linux("3.12.12"), LastUsed: "2026-01-01"},
		{Key: linux("3.13.8"), LastUsed: "2026-06-01"},
		{Key: linux("3.14.1"), LastUsed: "2026-06-02", Declared: true},
		{Path: "/usr/bin/python3.9", Version: "3.9.2", LastUsed: "2026-01-01", Declared: true},
	}}
	for _, c := range []struct {
		name               string
		versions, defaults []string
		since              lock.Day
		requests, others   string
	}{
		{"the_latest_of_a_request_counts", []string{"3.12", "3.13"}, nil, "2026-03-02", "3.12=" + linux("3.12.11") + "@2026-03-01", "/usr/bin/python3.9"},
		{"used_on_the_very_day", []string{"3.12", "3.13"}, nil, "2026-03-01", "", "/usr/bin/python3.9"},
		{"never_used", []string{"3.10", "3.12"}, nil, "2026-01-01", "3.10=@", ""},
		{"range", []string{">=3.12"}, nil, "2026-06-02", "", "/usr/bin/python3.9"},
		{"undeclared", []string{"3.14"}, nil, "2026-06-02", "", strings.Join([]string{linux("3.12.11"), linux("3.12.12"), linux("3.13.8"), "/usr/bin/python3.9"}, " ")},
		{"default_stands_for_itself", nil, []string{"3.9"}, "2026-06-01", "3.9=/usr/bin/python3.9@2026-01-01", linux("3.12.11") + " " + linux("3.12.12")},
	} {
		t.Run(c.name, func(t *testing.T) {
			requests, others := unusedSince(l, policy.Python{Versions: c.versions, Default: c.defaults}, c.since)
			var got, ids []string
			for _, u := range requests {
				got = append(got, u.request+"="+u.python+"@"+string(u.last))
			}
			for _, x := range others {
				ids = append(ids, x.ID())
				if x.Declared {
					t.Errorf("%s is declared", x.ID())
				}
			}
			if strings.Join(got, " ") != c.requests || strings.Join(ids, " ") != c.others {
				t.Errorf("requests %q, want %q; others %q, want %q", got, c.requests, ids, c.others)
			}
		})
	}
	if !slices.ContainsFunc(l.Python, func(x lock.Python) bool { return x.Path != "" && x.Declared }) {
		t.Error("the lock was changed")
	}
}
