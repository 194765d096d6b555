package resolve

import (
	"os"
	"strings"
	"testing"

	"uvshim/policy/version"
)

func (w world) resolver(t *testing.T) *resolver {
	t.Helper()
	q := w.question(t, "python", nil)
	return &resolver{Question: q, env: q.Host.Env}
}

func told(i version.Interpreter) string {
	return strings.TrimSpace(i.Impl + " " + i.Version.String() + " " + i.Variant)
}

// What is known of a Python that is not run.
func TestIdentify(t *testing.T) {
	const venv = "program opt/it\nlink venv/bin/python /opt/it\n-- venv/pyvenv.cfg --\nhome = /opt\n"
	for _, c := range []struct{ name, world, path, want string }{
		{"managed", py314 + "link bin/x /" + minor314 + "\n", "bin/x", "cpython 3.14.1"},
		{"config_of_uv", venv + "version_info = 3.12.11\n", "venv/bin/python", "cpython 3.12.11"},
		{"config_of_venv", venv + "version = 3.12.1\n", "venv/bin/python", "cpython 3.12.1"},
		{"config_of_another_implementation", venv + "implementation = PyPy\nversion_info = 3.11.13\n", "venv/bin/python", "pypy 3.11.13"},
		{"config_without_blanks", venv + "Version_Info=3.12.11\n", "venv/bin/python", "cpython 3.12.11"},
		{"config_without_version", venv, "venv/bin/python", ""},
		{"config_with_no_version", venv + "version = x\n", "venv/bin/python", ""},
		{"config_before_name", "program opt/python3.11\nlink venv/bin/python /opt/python3.11\n-- venv/pyvenv.cfg --\nversion_info = 3.12.11\n", "venv/bin/python", "cpython 3.12.11"},
		{"name", "program bin/python3.12\n", "bin/python3.12", "cpython 3.12"},
		{"name_free_threaded", "program bin/python3.14t\n", "bin/python3.14t", "cpython 3.14 freethreaded"},
		{"name_pypy", "program bin/pypy3.10\n", "bin/pypy3.10", "pypy 3.10"},
		{"name_other", "program bin/snake3.12\n", "bin/snake3.12", ""},
		{"name_without_minor", "program bin/python3\n", "bin/python3", ""},
		{"name_of_target", "program opt/python3.11\nlink bin/python /opt/python3.11\n", "bin/python", "cpython 3.11"},
		{"name_of_target_before_its_own", "program opt/pypy3.10\nlink bin/python3.10 /opt/pypy3.10\n", "bin/python3.10", "pypy 3.10"},
		{"name_of_link", "program opt/it\nlink bin/python3.11 /opt/it\n", "bin/python3.11", "cpython 3.11"},
		{"name_of_link_that_leads_nowhere", "link bin/python3.11 /gone\n", "bin/python3.11", "cpython 3.11"},
	} {
		w := makeWorld(t, c.world)
		if got := told(w.resolver(t).identify(w.path(c.path))); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// How a Python is asked: with a shim told that it is a question, in the working directory, each
// time if it is a script.
func TestAsk(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"answers", "printf 'shim cpython 3.12.7 \\n'", "cpython 3.12.7"},
		{"arguments", "[ \"$1$2$3\" = -I-S-c ] && printf 'shim cpython 3.12.7 \\n'", "cpython 3.12.7"},
		{"variable", "[ \"$SHIM_ASKING\" = 1 ] && printf 'shim cpython 3.12.7 \\n'", "cpython 3.12.7"},
		{"directory", "[ -e here ] && printf 'shim cpython 3.12.7 \\n'", "cpython 3.12.7"},
		{"fails", "printf 'shim cpython 3.12.7 \\n'; exit 1", ""},
		{"no_version", "printf 'shim cpython x \\n'", ""},
		{"twice", "n=1; [ -e \"$0.asked\" ] && n=2; : >\"$0.asked\"; printf 'shim cpython 3.12.%d \\n' $n", "cpython 3.12.2"},
	} {
		w := makeWorld(t, "mode bin/python 755\n-- bin/python --\n#!/bin/sh\n"+c.script+"\n-- work/here --\n")
		r := w.resolver(t)
		if c.name == "twice" {
			r.ask(w.path("bin/python"))
		}
		if got := told(r.ask(w.path("bin/python"))); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestIsScript(t *testing.T) {
	for text, want := range map[string]bool{"#!/bin/sh\n": true, "#!": true, "#": false, "": false, "\x7fELF": false} {
		file := t.TempDir() + "/x"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if isScript(file) != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
	if isScript(t.TempDir() + "/gone") {
		t.Error("what is not there is a script")
	}
}

// What answers where the sources are not asked.
func TestAnyManagedProject(t *testing.T) {
	const project = "-- work/pyproject.toml --\n[project]\nname = 'x'\n"
	any := func(q Question) (string, error) { got, err := Any(q); return got.Path, err }
	managed := func(q Question) (string, error) { got, err := Managed(q); return got.Path, err }
	environment := func(q Question) (string, error) {
		t.Chdir(q.Host.Dir) // where no project is, its .venv is not one's either
		got, ok := ProjectEnvironment(q)
		if ok != (got.Path != "") || ok && got.Environment != q.Host.Dir+"/.venv" {
			t.Errorf("%t, environment %s", ok, got.Environment)
		}
		return got.Path, nil
	}
	for _, c := range []struct {
		name  string
		ask   func(Question) (string, error)
		world string
		call  string
		want  string
		err   string
	}{
		{name: "any_managed", ask: any, world: py313 + "program bin/python3.12\n", call: "python3.12", want: minor313},
		{name: "any_on_path", ask: any, world: "program bin/python3.11\n", call: "python3.12", want: "bin/python3.11"},
		{name: "any_none", ask: any, call: "python3.12", err: "no Python is installed: uv has none, and there is none on PATH"},
		{name: "managed", ask: managed, world: all + "program bin/python3.12\n-- work/.python-version --\n3.13\n", call: "python3.12", want: minor312},
		{name: "managed_none", ask: managed, world: py313 + "program bin/python3.12\n", call: "python3.12", err: `no Python is installed that satisfies "3.12", requested by python3.12`},
		{name: "environment", ask: environment, world: all + "link work/.venv/bin/python /" + minor312 + "\nlink work/.venv/bin/python3.12 python\n" + project, call: "python3.12", want: "work/.venv/bin/python"},
		{name: "environment_of_no_project", ask: environment, world: all + "link work/.venv/bin/python /" + minor312 + "\n", call: "python"},
		{name: "environment_none", ask: environment, world: all + project, call: "python"},
	} {
		w := makeWorld(t, c.world)
		got, err := c.ask(w.question(t, c.call, nil))
		if c.want != "" {
			c.want = w.path(c.want)
		}
		if got != c.want || (err != nil) != (c.err != "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: %q, %v; want %q, %q", c.name, got, err, c.want, c.err)
		}
	}
}

func TestStep_String(t *testing.T) {
	for _, c := range []struct {
		step Step
		want string
	}{
		{Step{Source: "newest"}, "newest"},
		{Step{Source: "newest", Value: "newest", Decided: true}, "newest: answers"},
		{Step{Source: "newest", Value: "3.12", Decided: true}, "newest 3.12: answers"},
		{Step{Source: "pin", Value: "3.12", File: "/f", Line: 2, Decided: true}, "pin 3.12 (/f:2): answers"},
		{Step{Source: "pin", File: "/f", Reason: "too old"}, "pin (/f): passed over, too old"},
		{Step{Source: "pin", Line: 2}, "pin"},
	} {
		if got := c.step.String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
