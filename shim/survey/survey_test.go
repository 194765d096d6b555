package survey

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"uvshim/policy"
	"uvshim/policy/version"
	"uvshim/shim/sync"
	"uvshim/shim/uv"
)

const bin = "/home/u/.local/bin/"

// managed returns interpreters as sync.Read has them, the newest first. "!" before a key is one whose
// program is gone. "3.14.1" stands for CPython's key.
func managed(t *testing.T, keys ...string) []sync.Managed {
	t.Helper()
	var out []sync.Managed
	for _, text := range keys {
		key := keyOf(strings.TrimPrefix(text, "!"))
		i, err := version.ParseKey(key)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, sync.Managed{Managed: uv.Managed{Interpreter: i, Key: key, Dir: "/python/" + key}, Runs: text[0] != '!'})
	}
	slices.SortFunc(out, func(a, b sync.Managed) int { return version.Order(a.Interpreter, b.Interpreter) })
	return out
}

func keyOf(text string) string {
	switch {
	case text == "" || strings.Count(text, "-") == 4:
		return text
	case strings.HasPrefix(text, "pypy"):
		return text + "-linux-x86_64-gnu"
	}
	return "cpython-" + text + "-linux-x86_64-gnu"
}

// links returns uv's links for defaults: "python=3.14.1" leads to that.
func links(all ...string) []sync.Link {
	var out []sync.Link
	for _, name := range []string{"python", "python3", "pypy", "pypy3"} {
		link := sync.Link{Name: name, Path: bin + name}
		for _, text := range all {
			if of, key, _ := strings.Cut(text, "="); of == name || of+"3" == name {
				link.Key, link.Foreign = keyOf(key), key == ""
			}
		}
		out = append(out, link)
	}
	return out
}

// to returns a link through the minor-version link, toPatch one to just the patch.
func to(name, key string) Program      { return Program{bin + name, keyOf(key), false} }
func toPatch(name, key string) Program { return Program{bin + name, keyOf(key), true} }

type list []string

type kinds []sync.Kind

func TestDraft_pythons(t *testing.T) {
	home := sync.HomeManager{File: "activate", Versions: []string{"3.14", ">=3.12", "pypy3.11"}, Default: []string{"3.14"}, PrunePython: true}
	for _, c := range []struct {
		name     string
		pythons  list
		programs []Program
		links    list
		pin      string
		home     sync.HomeManager
		versions list
		defaults list
		comments list  // in the text
		syncs    kinds // the steps that sync is left with
	}{
		{name: "nothing", comments: list{`# versions = ["3.14", "3.13"]  # what uv is to install`, `# default = ["3.14"]  # what a bare python is`}},
		{name: "minor_linked", pythons: list{"3.14.1"}, programs: []Program{to("python3.14", "3.14.1")}, versions: list{"3.14"},
			comments: list{"by ~/.local/bin/python3.14", `# default = ["3.14"]`}},
		{name: "minor_without_links", pythons: list{"3.14.1"}, versions: list{"3.14"}, comments: list{"to which no link"}},
		{name: "patch_linked", pythons: list{"3.14.0"}, programs: []Program{toPatch("python3.14", "3.14.0")}, versions: list{"3.14.0"},
			comments: list{"~/.local/bin/python3.14 leads to just this patch", `# default = ["3.14.0"]`}},
		{name: "two_patches_by_name", pythons: list{"3.14.0", "3.14.1"}, programs: []Program{toPatch("python3.14", "3.14.1")}, versions: list{"3.14.1", "3.14.0"}},
		{name: "older_patch_linked", pythons: list{"3.14.0", "3.14.1"}, programs: []Program{toPatch("python3.14", "3.14.0")}, versions: list{"3.14.1", "3.14.0"}},
		{name: "upgraded", pythons: list{"3.14.0", "3.14.1"}, programs: []Program{to("python3.14", "3.14.1")}, versions: list{"3.14"},
			comments: list{"# cpython-3.14.0-linux-x86_64-gnu is there too"}},
		{name: "default_follows_and_patch_by_name", pythons: list{"3.14.1"}, programs: []Program{to("python", "3.14.1"), toPatch("python3.14", "3.14.1")},
			links: list{"python=3.14.1"}, pin: "3.14", versions: list{"3.14"}, defaults: list{"3.14"}},
		{name: "variants", pythons: list{"3.14.1", "3.14.0+freethreaded", "3.13.2+debug", "3.13.2+freethreaded+debug"}, versions: list{"3.14", "3.14t", "3.13d", "3.13td"}},
		{name: "freethreaded_newer_than_plain", pythons: list{"3.14.0", "3.14.1+freethreaded"}, versions: list{"3.14t", "3.14"}},
		{name: "freethreaded_alone", pythons: list{"3.14.1+freethreaded"}, programs: []Program{to("python3.14t", "3.14.1+freethreaded")}, versions: list{"3.14t"},
			comments: list{`# default = ["3.14"]`}},
		{name: "other_implementations", pythons: list{"3.13.1", "pypy-3.11.13", "graalpy-3.12.0-linux-x86_64-gnu"}, programs: []Program{to("pypy3.11", "pypy-3.11.13")},
			versions: list{"3.13", "pypy@3.11", "graalpy@3.12"}, comments: list{`# default = ["3.13"]`}},
		{name: "prerelease", pythons: list{"3.15.0a1", "3.14.1"}, versions: list{"3.15", "3.14"}, comments: list{`# default = ["3.14"]`}},
		{name: "other_libc", pythons: list{"3.14.1", "cpython-3.14.1-linux-x86_64-musl"}, versions: list{"3.14", "cpython-3.14-linux-x86_64-musl"}},
		{name: "level_that_no_request_brings", pythons: list{"3.14.1", "cpython-3.14.1-linux-x86_64_v3-gnu"}, versions: list{"3.14"},
			comments: list{"# cpython-3.14.1-linux-x86_64_v3-gnu is what no request brings"}},
		{name: "damaged", pythons: list{"!3.13.8"}, versions: list{"3.13"}, comments: list{"is damaged: shim sync installs it anew"}, syncs: kinds{sync.InstallPython}},
		{name: "damaged_beside_one_that_runs", pythons: list{"!3.13.8", "3.13.7"}, versions: list{"3.13"}, comments: list{"# cpython-3.13.8-linux-x86_64-gnu is damaged: not declared"}},

		{name: "default_by_link", pythons: list{"3.14.1", "3.13.8"}, links: list{"python=3.13.8"}, versions: list{"3.14", "3.13"}, defaults: list{"3.13"},
			comments: list{"~/.local/bin/python leads to it"}, syncs: kinds{sync.SetPin}},
		{name: "default_by_patch", pythons: list{"3.14.0"}, programs: []Program{toPatch("python", "3.14.0")}, links: list{"python=3.14.0"}, pin: "3.14.0",
			versions: list{"3.14.0"}, defaults: list{"3.14.0"}},
		{name: "foreign_link", pythons: list{"3.14.1"}, links: list{"python="}, versions: list{"3.14"}},
		{name: "link_and_pin_agree", pythons: list{"3.14.1"}, links: list{"python=3.14.1"}, pin: "3.14", versions: list{"3.14"}, defaults: list{"3.14"}},
		{name: "link_before_pin", pythons: list{"3.14.1", "3.13.8"}, links: list{"python=3.14.1"}, pin: "3.13", versions: list{"3.14", "3.13"}, defaults: list{"3.14"},
			comments: list{`# uv's global pin, ~/.config/uv/.python-version, says "3.13"`}},
		{name: "pin_alone", pythons: list{"3.14.1", "3.13.8"}, pin: "3.13", versions: list{"3.14", "3.13"}, defaults: list{"3.13"}, syncs: kinds{sync.LinkDefault}},
		{name: "pin_of_a_patch", pythons: list{"3.14.1"}, links: list{}, pin: "3.14.1", versions: list{"3.14", "3.14.1"}, defaults: list{"3.14.1"}, syncs: kinds{sync.LinkDefault}},
		{name: "pin_with_comment", pythons: list{"3.14.1"}, links: list{"python="}, pin: "# mine\n3.14\n3.13", versions: list{"3.14"}, defaults: list{"3.14"}},
		{name: "pin_that_nothing_satisfies", pythons: list{"3.14.1"}, pin: "3.11", versions: list{"3.14"},
			comments: list{`says "3.11", which no Python of uv's here satisfies`, `# default = ["3.14"]`}},
		{name: "pin_of_a_path", pythons: list{"3.14.1"}, pin: "/usr/bin/python3", versions: list{"3.14"}, comments: list{"cannot be declared: "}},
		{name: "pin_before_3.6", pythons: list{"3.14.1"}, pin: "2.7", versions: list{"3.14"}, comments: list{"cannot be declared: "}},
		{name: "pin_of_a_name", pythons: list{"3.14.1"}, pin: "latest", versions: list{"3.14"}},
		{name: "pypy_beside_cpython", pythons: list{"3.14.1", "pypy-3.11.13"}, links: list{"python=3.14.1", "pypy=pypy-3.11.13"}, pin: "3.14",
			versions: list{"3.14", "pypy@3.11"}, defaults: list{"3.14", "pypy@3.11"}},
		{name: "pypy_link_alone_is_no_python", pythons: list{"3.14.1", "pypy-3.11.13"}, links: list{"pypy=pypy-3.11.13"}, versions: list{"3.14", "pypy@3.11"}},

		{name: "home_manager", pythons: list{"3.14.1", "3.13.8", "pypy-3.11.13"}, home: home, versions: list{"3.14", ">=3.12", "pypy3.11"}, defaults: list{"3.14"},
			links: list{"python=3.14.1"}, pin: "3.14", comments: list{"# Home Manager's programs.uv.python.versions", "prune = true  # Home Manager's"}},
		{name: "home_manager_twice_the_same", pythons: list{"3.14.1"}, home: sync.HomeManager{Versions: []string{"3.14", ">=3.12"}}, links: list{"python=3.14.1"}, pin: "3.14",
			versions: list{"3.14", ">=3.12"}, defaults: list{"3.14"}},
		{name: "home_manager_range_and_prerelease", pythons: list{"3.15.0a1", "3.14.1"}, home: sync.HomeManager{Versions: []string{">=3.12"}}, versions: list{">=3.12", "3.15"}},
		{name: "home_manager_prerelease", pythons: list{"3.15.0a1"}, home: sync.HomeManager{Versions: []string{"3.15"}}, versions: list{"3.15"}},
		{name: "home_manager_before_link", pythons: list{"3.14.1", "3.13.8"}, home: sync.HomeManager{Versions: []string{"3.14", "3.13"}, Default: []string{"3.13"}},
			links: list{"python=3.14.1"}, pin: "3.13", versions: list{"3.14", "3.13"}, defaults: list{"3.13"}},
		{name: "home_manager_and_more", pythons: list{"3.14.1", "3.11.9", "3.14.1+freethreaded"}, home: sync.HomeManager{Versions: []string{"3.14"}}, versions: list{"3.14", "3.11"},
			comments: list{"# prune = true"}},
		{name: "home_manager_says_what_no_policy_can", home: sync.HomeManager{Versions: []string{"3.14", "latest", "\xff"}, Default: []string{"latest", "3.14", "3.13"}},
			versions: list{"3.14"}, defaults: list{"3.14"}, comments: list{"what cannot be declared: "}},
		{name: "home_manager_two_defaults", home: sync.HomeManager{Versions: []string{"3.14", "3.13"}, Default: []string{"3.13", "3.14"}},
			versions: list{"3.14", "3.13"}, defaults: list{"3.13"}, pin: "3.13"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := found(managed(t, c.pythons...))
			f.Programs, f.Links, f.Home = c.programs, links(c.links...), c.home
			f.Pin = sync.Pin{Path: "/home/u/.config/uv/.python-version", Text: c.pin, Ours: c.pin == ""}
			d := f.Draft()
			p := d.load(t)
			equal(t, "versions", p.Python.Versions, c.versions)
			equal(t, "default", p.Python.Default, c.defaults)
			for _, text := range c.comments {
				if !strings.Contains(d.Text(), text) {
					t.Errorf("no %q in\n%s", text, d.Text())
				}
			}
			f.leaves(t, p, c.syncs)
		})
	}
}

func found(pythons []sync.Managed) Found {
	return Found{
		Machine: sync.Machine{Pythons: pythons, Base: "/home/u"},
		Short:   func(path string) string { return strings.Replace(path, "/home/u/", "~/", 1) },
	}
}

// load returns the policy that the text is, twice the same.
func (d Draft) load(t *testing.T) policy.Policy {
	t.Helper()
	loaded, err := policy.Load(policy.File{Path: "p", Data: []byte(d.Text())})
	if err != nil {
		t.Fatalf("%v\n%s", err, d.Text())
	}
	if !slices.Equal(texts(d.Versions), loaded.Python.Versions) || !slices.Equal(texts(d.Default), loaded.Python.Default) ||
		!slices.Equal(texts(d.Packages), loaded.Tool.Packages) || !slices.Equal(texts(d.Libraries), loaded.NixLD.Libraries) {
		t.Errorf("the draft %+v says\n%s", d, d.Text())
	}
	for line := range strings.Lines(d.Text()) {
		if strings.TrimSpace(line) != "" && !strings.Contains(line, "#") && strings.ContainsAny(line, `"`) {
			t.Errorf("where does that come from? %s", line)
		}
	}
	return loaded.Policy
}

// leaves fails the test unless a sync of the policy has just those steps left to do here.
func (f Found) leaves(t *testing.T, p policy.Policy, want kinds) {
	t.Helper()
	var got kinds
	for _, s := range sync.Make(sync.Wish{Policy: p}, f.Machine).Steps {
		got = append(got, s.Kind)
		if !slices.Contains(want, s.Kind) {
			t.Errorf("sync would: %s", s)
		}
	}
	if len(got) != len(want) {
		t.Errorf("sync has steps %v, want %v", got, want)
	}
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestDraft_tools(t *testing.T) {
	for _, c := range []struct {
		name     string
		tools    []uv.Tool
		home     sync.HomeManager
		want     list
		comments list
		syncs    kinds
	}{
		{name: "none", comments: list{`# packages = ["ruff"]`}},
		{name: "verbatim", tools: []uv.Tool{{Name: "httpie", Request: "httpie[http2]>=3,<4", Version: "3.2"}, {Name: "ruff", Request: "ruff>=0.14"}},
			want: list{"httpie[http2]>=3,<4", "ruff>=0.14"}, comments: list{"# uv's tool httpie 3.2\n", "# uv's tool ruff\n"}},
		{name: "git", tools: []uv.Tool{{Name: "x", Request: "x @ git+https://example.org/x@v1"}}, want: list{"x @ git+https://example.org/x@v1"}},
		{name: "of_this_machine", tools: []uv.Tool{{Name: "x", Request: "x @ file:///home/u/x"}}, want: list{"x @ file:///home/u/x"}, comments: list{"from this machine"}},
		{name: "with", tools: []uv.Tool{{Name: "nox", Request: "nox", With: []string{"a>1", "b"}, Constraints: []string{"c<2"}, Python: "3.12"}},
			want: list{"nox"}, comments: list{"what cannot be declared: --with a>1, --with b, --constraint c<2, --python 3.12"}},
		{name: "password", tools: []uv.Tool{{Name: "x", Request: "x @ git+https://me:hunter2@example.org/x", With: []string{"y"}}, {Name: "z", Request: "z", With: []string{"w @ https://me:hunter2@example.org/w"}}},
			want: list{"z"}, comments: list{"is not declared, for its password", "--with w @ https://***@"}},
		{name: "receipt_gone", tools: []uv.Tool{{Name: "x", Broken: errors.New("its receipt is gone\nand more")}}, comments: list{"# x is not declared: its receipt is gone\n"}},
		{name: "broken", tools: []uv.Tool{{Name: "x", Request: "x", Broken: errors.New("its Python is gone")}}, want: list{"x"}, syncs: kinds{sync.InstallTool},
			comments: list{"shim sync installs it anew: its Python is gone"}},
		{name: "no_requirement", tools: []uv.Tool{{Name: "x", Request: "--index-url"}}, comments: list{"is an option"}},
		{name: "control_characters", tools: []uv.Tool{{Name: "x", Request: "x", Version: "1\x1b[31m\n2"}}, want: list{"x"}, comments: list{`1\x1b[31m\n2`}},
		{name: "home_manager", home: sync.HomeManager{Packages: []string{"black==24.1.0", "git+https://example.org/x"}, PruneTool: true},
			tools: []uv.Tool{{Name: "black", Request: "black==24.1.0"}, {Name: "ruff", Request: "ruff"}, {Name: "x", Request: "x @ git+https://example.org/x"}},
			want:  list{"black==24.1.0", "git+https://example.org/x", "ruff"}, comments: list{"# Home Manager's programs.uv.tool.packages", "prune = true  # Home Manager's"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := found(nil)
			f.Tools, f.Home = c.tools, c.home
			d := f.Draft()
			p := d.load(t)
			equal(t, "packages", p.Tool.Packages, c.want)
			for _, text := range c.comments {
				if !strings.Contains(d.Text(), text) {
					t.Errorf("no %q in\n%s", text, d.Text())
				}
			}
			if strings.Contains(d.Text(), "hunter2") {
				t.Errorf("it has the password:\n%s", d.Text())
			}
			f.leaves(t, p, c.syncs)
		})
	}
}

func TestDraft_libraries(t *testing.T) {
	own, listed := attributesOf([]string{"libz.so.1", "libz.so", "libstdc++.so.6", "libquadmath.so.0", "libgcc_s.so.1", "libGL.so.1", "libglib-2.0.so.0", "libgobject-2.0.so.0",
		"libgio-2.0.so.0", "libgthread-2.0.so.0", "libc.so.6", "libcuda.so.1", "libpython3.12.so.1.0", "libnever-heard-of.so.3", "libX11.so.6", "libz.so.1"}, "25.05")
	equal(t, "own", own, list{"stdenv.cc.cc.lib", "zlib"})
	f := found(nil)
	f.Libraries = Libraries{Dirs: list{"/lib"}, Own: own, Listed: listed}
	f.Provided = list{"glib", "portaudio", "zlib"}
	d := f.Draft()
	p := d.load(t)
	equal(t, "libraries", p.NixLD.Libraries, list{"glib", "libGL", "xorg.libX11", "portaudio"})
	for _, text := range []string{"nix-ld has libgio-2.0.so.0, libglib-2.0.so.0, libgobject-2.0.so.0, 1 more", "# provided by shim fix",
		"# nix-ld's own list has, and need not be told: stdenv.cc.cc.lib zlib"} {
		if !strings.Contains(d.Text(), text) {
			t.Errorf("no %q in\n%s", text, d.Text())
		}
	}
	if _, listed := attributesOf(list{"libgfortran.so.5", "libquadmath.so.0"}, ""); len(listed["gfortran.cc.lib"]) != 1 {
		t.Errorf("gfortran: %q", listed)
	}
	for _, c := range []struct{ names, own, listed list }{
		{list{"libxml2.so.2"}, list{"libxml2"}, nil},
		{list{"libxml2.so.2", "libxml2.so.16"}, list{"libxml2"}, list{"libxml2_13"}},
	} {
		own, listed := attributesOf(c.names, "")
		equal(t, "own", own, c.own)
		equal(t, "listed", slices.Sorted(maps.Keys(listed)), c.listed)
	}
	f.Libraries.Listed, f.Provided = nil, nil
	if text := f.Draft().Text(); !strings.Contains(text, "# nix-ld has no library") || len(f.Draft().load(t).NixLD.Libraries) > 0 {
		t.Errorf("nix-ld's own list alone:\n%s", text)
	}
	f.Libraries.Own = nil
	if text := f.Draft().Text(); !strings.Contains(text, "# nix-ld has no library that shim knows.\n") {
		t.Errorf("nix-ld with nothing:\n%s", text)
	}
	if text := found(nil).Draft().Text(); strings.Contains(text, "nix-ld") {
		t.Errorf("without nix-ld:\n%s", text)
	}
}

// uv's links tell by what they lead through whether a patch was asked for.
func TestPrograms(t *testing.T) {
	home := t.TempDir()
	d := uv.Dirs{Python: filepath.Join(home, "python"), Bin: filepath.Join(home, "bin")}
	for _, key := range []string{"3.14.1", "3.13.8", "pypy-3.11.13"} {
		dir := filepath.Join(d.Python, keyOf(key), "bin")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"python3.14", "python3.13", "pypy3.11"} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Mkdir(d.Bin, 0o755); err != nil {
		t.Fatal(err)
	}
	minor := filepath.Join(d.Python, "cpython-3.14-linux-x86_64-gnu")
	for link, target := range map[string]string{
		minor:                              filepath.Join(d.Python, keyOf("3.14.1")),
		filepath.Join(d.Bin, "python3.14"): minor + "/bin/python3.14",
		filepath.Join(d.Bin, "python"):     minor + "/bin/python3.14",
		filepath.Join(d.Bin, "python3.13"): filepath.Join(d.Python, keyOf("3.13.8"), "bin/python3.13"),
		filepath.Join(d.Bin, "pypy3.11"):   filepath.Join(d.Python, keyOf("pypy-3.11.13"), "bin/pypy3.11"),
		filepath.Join(d.Bin, "python3"):    os.Args[0], // another's
		filepath.Join(d.Bin, "pypy"):       filepath.Join(d.Python, "gone"),
	} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, p := range programs(d) {
		word := filepath.Base(p.Path) + "=" + p.Key
		if p.Patch {
			word += " just this patch"
		}
		got = append(got, word)
	}
	equal(t, "programs", got, list{"pypy3.11=" + keyOf("pypy-3.11.13"), "python=" + keyOf("3.14.1"), "python3.13=" + keyOf("3.13.8") + " just this patch", "python3.14=" + keyOf("3.14.1")})
	t.Chdir(d.Bin)
	if got := programs(uv.Dirs{Python: d.Python}); got != nil {
		t.Errorf("without a directory of programs: %v", got)
	}
}

// What shim declare adds to a policy without Pythons and tools makes no comment in it untrue, and the
// comments all stay.
func TestText_declared(t *testing.T) {
	empty := found(nil).Draft().Text()
	loaded, err := policy.Load(policy.File{Path: "p", Data: []byte(empty)})
	for _, e := range [][2]string{{"python.versions", "3.12"}, {"python.default", "3.12"}, {"tool.packages", "black"}} {
		if err == nil {
			var c policy.Change
			c, err = loaded.Declare(e[0], e[1])
			loaded = c.After
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	text := string(loaded.Files[0].Data)
	for line := range strings.Lines(empty) {
		if !strings.Contains(text, line) {
			t.Errorf("%q is not in\n%s", line, text)
		}
	}
	for _, untrue := range []string{"was found.", "No Python", "No tool", "othing", "yet"} {
		if strings.Contains(text, untrue) {
			t.Errorf("%q in\n%s", untrue, text)
		}
	}
}
