package preflight

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"uvshim/policy/version"
	"uvshim/shim/elfdeps"
	"uvshim/shim/host"
	"uvshim/shim/nixld"
	"uvshim/shim/uv"
)

// dirs is where e imports from, one "source path" each.
func (e *Environment) dirs() []string {
	names := [...]string{"stdlib", "site", "pth", "PYTHONPATH", "user", "given"}
	var out []string
	for _, dir := range e.Dirs {
		out = append(out, names[dir.Source]+" "+dir.Path)
	}
	return out
}

func TestFind(t *testing.T) {
	python := program.String()
	install := func(prefix, name, lib string) tree {
		return tree{
			prefix + "/bin/" + name:                     python,
			prefix + "/lib/" + lib + "/os.py":           "",
			prefix + "/lib/" + lib + "/x.so":            "",
			prefix + "/lib/" + lib + "/lib-dynload/x":   "",
			prefix + "/lib/" + lib + "/site-packages/x": "",
		}
	}
	rows := []struct {
		name    string
		files   tree
		python  string
		env     host.Env
		version string
		variant string
		impl    string
		dirs    []string
		foreign []string
		notes   string
	}{
		{name: "venv_of_managed", files: install("/m", "python3.13", "python3.13").with(tree{
			"/p/.venv/bin/python": "-> /m/bin/python3.13", "/p/.venv/pyvenv.cfg": "home = /m/bin\nversion_info=3.13.0\n",
			"/p/.venv/lib/python3.13/site-packages/x": "", "/p/.venv/lib64": "-> lib",
		}), python: "/p/.venv/bin/python", version: "3.13",
			dirs: []string{"stdlib /m/lib/python3.13/lib-dynload", "site /p/.venv/lib/python3.13/site-packages"}},
		{name: "venv_lib64_apart", files: install("/m", "python3.13", "python3.13").with(tree{
			"/v/bin/python": "-> /m/bin/python3.13", "/v/pyvenv.cfg": "home = /m/bin\n",
			"/v/lib/python3.13/site-packages/x": "", "/v/lib64/python3.13/site-packages/x": "",
		}), python: "/v/bin/python", version: "3.13",
			dirs: []string{"stdlib /m/lib/python3.13/lib-dynload", "site /v/lib/python3.13/site-packages", "site /v/lib64/python3.13/site-packages"}},
		{name: "venv_upgraded", files: install("/m-3.14.2", "python3.14", "python3.14").with(tree{
			"/m": "-> m-3.14.2", "/v/bin/python": "-> /m/bin/python3.14", "/v/pyvenv.cfg": "home = /m/bin\nversion_info = 3.14.0\n",
		}), python: "/v/bin/python", version: "3.14", dirs: []string{"stdlib /m/lib/python3.14/lib-dynload"}},
		{name: "venv_copied_binary", files: install("/m", "python3.13", "python3.13").with(tree{
			"/v/bin/python": python, "/v/pyvenv.cfg": "home = /m/bin\nversion = 3.13.1\n", "/v/lib/python3.13/site-packages/x": "",
		}), python: "/v/bin/python", version: "3.13",
			dirs: []string{"stdlib /m/lib/python3.13/lib-dynload", "site /v/lib/python3.13/site-packages"}},
		{name: "venv_system_site", files: install("/m", "python3.13", "python3.13").with(tree{
			"/v/bin/python": "-> /m/bin/python3.13", "/v/pyvenv.cfg": "home = /m/bin\ninclude-system-site-packages = true\n",
			"/v/lib/python3.13/site-packages/x": "", "/h/.local/lib/python3.13/site-packages/x": "",
		}), python: "/v/bin/python", env: host.Env{"HOME=/h"}, version: "3.13",
			dirs: []string{"stdlib /m/lib/python3.13/lib-dynload", "user /h/.local/lib/python3.13/site-packages",
				"site /v/lib/python3.13/site-packages", "site /m/lib/python3.13/site-packages"}},
		{name: "venv_no_user_site", files: install("/m", "python3.13", "python3.13").with(tree{
			"/v/bin/python": "-> /m/bin/python3.13", "/v/pyvenv.cfg": "home = /m/bin\n", "/h/.local/lib/python3.13/site-packages/x": "",
		}), python: "/v/bin/python", env: host.Env{"HOME=/h"}, version: "3.13", dirs: []string{"stdlib /m/lib/python3.13/lib-dynload"}},
		{name: "managed_itself", files: install("/m", "python3.13", "python3.13").with(tree{"/h/.local/lib/python3.13/site-packages/x": ""}),
			python: "/m/bin/python3.13", env: host.Env{"HOME=/h", "PYTHONNOUSERSITE=1"}, version: "3.13",
			dirs: []string{"stdlib /m/lib/python3.13/lib-dynload", "site /m/lib/python3.13/site-packages"}},
		{name: "managed_user_base", files: install("/m", "python3.13", "python3.13").with(tree{"/b/lib/python3.13/site-packages/x": ""}),
			python: "/m/bin/python3.13", env: host.Env{"PYTHONUSERBASE=/b"}, version: "3.13",
			dirs: []string{"stdlib /m/lib/python3.13/lib-dynload", "user /b/lib/python3.13/site-packages", "site /m/lib/python3.13/site-packages"}},
		{name: "free_threaded", files: install("/m", "python3.14t", "python3.14t").with(tree{
			"/v/bin/python": "-> /m/bin/python3.14t", "/v/pyvenv.cfg": "home = /m/bin\nversion_info = 3.14.0\n", "/v/lib/python3.14t/site-packages/x": "",
		}), python: "/v/bin/python", version: "3.14", variant: "freethreaded",
			dirs: []string{"stdlib /m/lib/python3.14t/lib-dynload", "site /v/lib/python3.14t/site-packages"}},
		{name: "free_threaded_copied", files: install("/m", "python3.14t", "python3.14t").with(tree{
			"/v/bin/python": python, "/v/pyvenv.cfg": "home = /m/bin\nversion_info = 3.14.0\n", "/v/lib/python3.14t/site-packages/x": "",
		}), python: "/v/bin/python", version: "3.14", variant: "freethreaded",
			dirs: []string{"stdlib /m/lib/python3.14t/lib-dynload", "site /v/lib/python3.14t/site-packages"}},
		{name: "debug", files: install("/m", "python3.14d", "python3.14"), python: "/m/bin/python3.14d", version: "3.14", variant: "debug",
			dirs: []string{"stdlib /m/lib/python3.14/lib-dynload", "site /m/lib/python3.14/site-packages"}},
		{name: "debian", files: install("/usr", "python3.11", "python3.11").with(tree{
			"/usr/bin/python3": "-> python3.11", "/usr/lib/python3/dist-packages/x": "", "/usr/local/lib/python3.11/dist-packages/x": "",
		}), python: "/usr/bin/python3", version: "3.11",
			dirs: []string{"stdlib /usr/lib/python3.11/lib-dynload", "site /usr/local/lib/python3.11/dist-packages",
				"site /usr/lib/python3/dist-packages", "site /usr/lib/python3.11/site-packages"}},
		{name: "fedora_lib64", files: tree{"/usr/bin/python3.13": python, "/usr/lib64/python3.13/os.py": "",
			"/usr/lib64/python3.13/lib-dynload/x": "", "/usr/lib/python3.13/site-packages/x": "", "/usr/lib64/python3.13/site-packages/x": ""},
			python: "/usr/bin/python3.13", version: "3.13",
			dirs: []string{"stdlib /usr/lib64/python3.13/lib-dynload", "site /usr/lib/python3.13/site-packages", "site /usr/lib64/python3.13/site-packages"}},
		{name: "no_version_in_name", files: install("/o", "python", "python3.12"), python: "/o/bin/python", version: "3.12",
			dirs: []string{"stdlib /o/lib/python3.12/lib-dynload", "site /o/lib/python3.12/site-packages"}},
		{name: "pypy", files: install("/m", "pypy3.11", "pypy3.11").with(tree{
			"/v/bin/python": "-> /m/bin/pypy3.11", "/v/pyvenv.cfg": "home = /m/bin\nimplementation = PyPy\nversion_info = 3.11.13\n",
			"/v/lib/pypy3.11/site-packages/x": "",
		}), python: "/v/bin/python", version: "3.11", impl: "pypy",
			dirs: []string{"stdlib /m/lib/pypy3.11", "site /v/lib/pypy3.11/site-packages"}},
		{name: "graalpy", files: install("/m", "graalpy", "python3.12").with(tree{
			"/v/bin/python": "-> /m/bin/graalpy", "/v/pyvenv.cfg": "home = /m/bin\nimplementation = GraalVM\nversion_info = 3.12.8\n",
			"/v/lib/python3.12/site-packages/x": "",
		}), python: "/v/bin/python", version: "3.12", impl: "graalpy",
			dirs: []string{"stdlib /m/lib/python3.12/lib-dynload", "site /v/lib/python3.12/site-packages"}},
		{name: "pythonpath", files: install("/m", "python3.13", "python3.13"), python: "/m/bin/python3.13",
			env:     host.Env{"PYTHONPATH=:rel:/pp/:/nix/store/a-python3.12-x/lib/python3.12/site-packages:/nix/store/b/lib/python3.13/site-packages"},
			version: "3.13",
			dirs: []string{"PYTHONPATH /pp", "PYTHONPATH /nix/store/b/lib/python3.13/site-packages",
				"stdlib /m/lib/python3.13/lib-dynload", "site /m/lib/python3.13/site-packages"},
			foreign: []string{"/nix/store/a-python3.12-x/lib/python3.12/site-packages"}, notes: "rel in PYTHONPATH"},
		{name: "pythonpath_password", files: install("/m", "python3.13", "python3.13"), python: "/m/bin/python3.13",
			env:     host.Env{"PYTHONPATH=https://me:hunter2@h/x"},
			version: "3.13",
			dirs:    []string{"PYTHONPATH /me", "stdlib /m/lib/python3.13/lib-dynload", "site /m/lib/python3.13/site-packages"},
			notes:   "what in PYTHONPATH is relative"},
		{name: "pth", files: install("/m", "python3.13", "python3.13").with(tree{
			"/m/lib/python3.13/site-packages/a.pth":            "\ufeff/src\r\n# comment\nrel/dir  \n\nimport os; x\nimport\ty\n/gone\n/src\n",
			"/m/lib/python3.13/site-packages/.hidden.pth":      "/hidden\n",
			"/m/lib/python3.13/site-packages/__editable__.pth": "import __editable___x_finder\n",
			"/m/lib/python3.13/site-packages/import\ty/x":      "",
			"/m/lib/python3.13/site-packages/rel/dir/x":        "", "/src/x": "", "/hidden/x": "", "/src/b.pth": "/hidden\n",
		}), python: "/m/bin/python3.13", version: "3.13",
			dirs: []string{"stdlib /m/lib/python3.13/lib-dynload", "site /m/lib/python3.13/site-packages",
				"pth /src", "pth /m/lib/python3.13/site-packages/rel/dir"}, notes: "__editable__.pth imports through code"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			e, err := Find(row.files.root(t), row.env, row.python)
			if err != nil {
				t.Fatal(err)
			}
			if row.impl == "" {
				row.impl = "cpython"
			}
			i := e.Interpreter
			if v := version.New(i.Version.Major, i.Version.Minor).String(); v != row.version || i.Variant != row.variant || i.Impl != row.impl {
				t.Errorf("it is %+v", i)
			}
			if !slices.Equal(e.dirs(), row.dirs) {
				t.Errorf("got  %q\nwant %q", e.dirs(), row.dirs)
			}
			if !slices.Equal(e.Foreign, row.foreign) || !strings.Contains(strings.Join(e.Notes, "\n"), row.notes) || row.notes == "" && len(e.Notes) > 0 || strings.Contains(strings.Join(e.Notes, "\n"), "hunter2") {
				t.Errorf("foreign %q, notes %q", e.Foreign, e.Notes)
			}
			if e.Interp != ldso || e.Machine != elfdeps.MachineX86_64 {
				t.Errorf("loader %q, machine %d", e.Interp, e.Machine)
			}
		})
	}
}

func TestFind_fails(t *testing.T) {
	for name, files := range map[string]tree{
		"missing": {"/x": ""}, "script": {"/bin/python": "#!/bin/sh\n"}, "directory": {"/bin/python": "dir"}, "loop": {"/bin/python": "-> python"},
	} {
		if _, err := Find(files.root(t), nil, "/bin/python"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestModuleName(t *testing.T) {
	env := func(impl, text, variant string) *Environment {
		v, err := version.ParseVersion(text)
		if err != nil {
			t.Fatal(err)
		}
		return &Environment{Interpreter: version.Interpreter{Impl: impl, Version: v, Variant: variant}, Machine: elfdeps.MachineX86_64, Interp: ldso}
	}
	c313, t314, d314 := env("cpython", "3.13.1", ""), env("cpython", "3.14", "freethreaded"), env("cpython", "3.14", "debug")
	pypy, graal, c37 := env("pypy", "3.11", ""), env("graalpy", "3.12", ""), env("cpython", "3.7", "")
	musl := env("cpython", "3.13", "")
	musl.Interp = "/lib/ld-musl-x86_64.so.1"
	rows := []struct {
		e    *Environment
		file string
		want string // "module tagged", "" for none
	}{
		{c313, "_a.cpython-313-x86_64-linux-gnu.so", "_a true"},
		{c313, "_a.cpython-313t-x86_64-linux-gnu.so", ""},
		{c313, "_a.cpython-312-x86_64-linux-gnu.so", ""},
		{c313, "_a.cpython-313-x86_64-linux-musl.so", ""},
		{musl, "_a.cpython-313-x86_64-linux-musl.so", "_a true"},
		{c313, "_a.cpython-313-aarch64-linux-gnu.so", ""},
		{c313, "a.abi3.so", "a true"},
		{c313, "a.so", "a false"},
		{c313, "a.so.1", ""},
		{c313, "libfoo-1.so", ""},
		{c313, "1a.so", ""},
		{c313, "a.b.so", ""},
		{c313, ".so", ""},
		{c313, "é.so", "é false"},
		{t314, "a.cpython-314t-x86_64-linux-gnu.so", "a true"},
		{t314, "a.cpython-314-x86_64-linux-gnu.so", ""},
		{t314, "a.abi3.so", ""},
		{t314, "a.abi3t.so", "a true"},
		{t314, "a.so", "a false"},
		{d314, "a.cpython-314d-x86_64-linux-gnu.so", "a true"},
		{d314, "a.cpython-314-x86_64-linux-gnu.so", "a true"},
		{c37, "a.cpython-37m-x86_64-linux-gnu.so", "a true"},
		{pypy, "a.pypy311-pp73-x86_64-linux-gnu.so", "a true"},
		{pypy, "a.pypy310-pp73-x86_64-linux-gnu.so", ""},
		{pypy, "a.so", ""},
		{graal, "a.graalpy250-312-native-x86_64-linux.so", "a true"},
		{graal, "a.so", "a false"},
	}
	for _, row := range rows {
		got := ""
		if name, tagged, ok := moduleName(row.file, row.e.suffixes()); ok {
			got = fmt.Sprintf("%s %v", name, tagged)
		}
		if got != row.want {
			t.Errorf("%+v: %s: %q, want %q", row.e.Interpreter, row.file, got, row.want)
		}
	}
}

func TestRecorded(t *testing.T) {
	record := []byte("a/b.py,sha256=x,1\nxa/c.so,,\n\"a/d,\"\"e.so\",,\n../../../bin/x,,\na/f.so,,\r\n")
	for rel, want := range map[string]bool{
		"a/b.py": true, "b.py": false, "a/c.so": false, "xa/c.so": true, `a/d,"e.so`: true, "a/f.so": true, "a/b": false, "": false,
	} {
		if got := recorded(record, rel); got != want {
			t.Errorf("%q: %v", rel, got)
		}
	}
	all := recordedFiles(record, 100, func(string) bool { return true })
	if !slices.Equal(all, []string{"a/b.py", "xa/c.so", `a/d,"e.so`, "a/f.so"}) {
		t.Errorf("files: %q", all)
	}
	if n := len(recordedFiles(record, 2, func(string) bool { return true })); n != 2 {
		t.Errorf("%d files over the limit", n)
	}
}

func TestDists(t *testing.T) {
	files := metadata("Some-Name", "1.2", "", "some_name/a.so").with(metadata("unlike", "3", "", "top/b.so")).with(tree{
		site + "/Old_Egg-0.5-py3.13.egg-info/top_level.txt": "eggy\nother\n",
		site + "/Old_Egg-0.5-py3.13.egg-info/PKG-INFO":      "Name: Old.Egg\n",
		site + "/plain-7.egg-info":                          "Name: Plain\nVersion: 7\n",
		site + "/some_name/a.so":                            "", site + "/top/b.so": "", site + "/eggy/c.so": "", site + "/plain/d.so": "", site + "/nobody/e.so": "",
	})
	sys := nixos().with(files).root(t)
	w := newWalker(sys, false, nil, 1, func() bool { return false }, usualBounds())
	w.walk([]Dir{{site, Site}})
	d := newDists(sys.ELF(), w.dists, usualBounds())
	for file, want := range map[string]string{
		"some_name/a.so": "Some-Name 1.2", "top/b.so": "unlike 3", "eggy/c.so": "Old.Egg 0.5", "plain/d.so": "Plain 7", "nobody/e.so": "",
	} {
		got := ""
		if owner := d.of(site + "/" + file); owner != nil {
			d.load(owner)
			got = owner.name + " " + owner.version
		}
		if got != want {
			t.Errorf("%s is of %q, want %q", file, got, want)
		}
	}
}

// The kernel's way and the portable one list the same.
func TestWalk_running(t *testing.T) {
	dir := t.TempDir()
	tree{
		"/a/b.so": "", "/a/c.so.1": "", "/a/d.py": "", "/__pycache__/e.so": "", "/.git/f.so": "", "/x-1.dist-info/RECORD": "",
		"/y.egg-info": "", "/link": "-> a", "/loop": "-> .", "/a.libs/g.so": "", "/gone.so": "-> nowhere", "/h.so": "-> a/b.so", "/a/.so.d/x": "",
	}.in(t, dir)
	list := func(fast bool) (files, dists []string) {
		w := newWalker(nixld.Running(), fast, []string{".so"}, 3, func() bool { return false }, usualBounds())
		w.walk([]Dir{{dir, Site}})
		for _, f := range w.files {
			files = append(files, strings.TrimPrefix(f.path, dir)+" "+f.module)
		}
		for _, d := range w.dists {
			dists = append(dists, strings.TrimPrefix(d, dir))
		}
		return files, dists
	}
	want := []string{"/a.libs/g.so ", "/a/b.so b", "/a/c.so.1 ", "/h.so h", "/link/b.so b", "/link/c.so.1 "}
	for _, fast := range []bool{true, false} {
		files, dists := list(fast)
		if !slices.Equal(files, want) || !slices.Equal(dists, []string{"/x-1.dist-info", "/y.egg-info"}) {
			t.Errorf("fast %v: %q %q", fast, files, dists)
		}
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte("a/b.py,sha256=x,1\n\"a,b\",,\n"), "a/b.py")
	f.Add([]byte("\"\"\"\n\",\n../x,"), "../x")
	f.Fuzz(func(t *testing.T, record []byte, rel string) {
		recorded(record, rel)
		for _, file := range recordedFiles(record, 10, func(string) bool { return true }) {
			if !local(file) {
				t.Errorf("%q leads out", file)
			}
		}
		headers(record, "Name")
	})
}

func FuzzConfig(f *testing.F) {
	f.Add("home = /usr/bin\nversion_info = 3.13.0.final.0\nimplementation = CPython\n", "python3.13t")
	f.Add("version = 3\nVERSION_INFO=..\n=\n", "pypy3.11d")
	f.Fuzz(func(t *testing.T, text, name string) {
		i := identify("/x/"+name, uv.ParseVenvConfig(text))
		if i.Version.Parts >= 2 && libName(i) == "" {
			t.Error("no name")
		}
		(&Environment{Interpreter: i}).suffixes()
	})
}

func FuzzPth(f *testing.F) {
	f.Add("# c\n/src\nimport x\nrel \r\n\ufeff")
	f.Fuzz(func(t *testing.T, text string) {
		dirs, _ := parsePth(text)
		for _, dir := range dirs {
			if strings.TrimSpace(dir) == "" || strings.ContainsAny(dir, "\n\r\x00") {
				t.Errorf("%q is no directory", dir)
			}
		}
	})
}
