package uv

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sys/unix"

	"uvshim/shim/host"
	"uvshim/shim/remember"
)

func tree(t *testing.T, text string) string {
	t.Helper()
	root := t.TempDir()
	for _, f := range txtar.Parse([]byte(text)).Files {
		path := filepath.Join(root, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestLocate(t *testing.T) {
	for _, c := range []struct {
		name        string
		env         host.Env
		python, bin string
	}{
		{"home", host.Env{"HOME=/h"}, "/h/.local/share/uv/python", "/h/.local/bin"},
		{"xdg", host.Env{"HOME=/h", "XDG_DATA_HOME=/d"}, "/d/uv/python", "/bin"},
		{"xdg_relative_is_ignored", host.Env{"HOME=/h", "XDG_DATA_HOME=d"}, "/h/.local/share/uv/python", "/h/.local/bin"},
		{"install_dir", host.Env{"HOME=/h", "UV_PYTHON_INSTALL_DIR=/p"}, "/p", "/h/.local/bin"},
		{"install_dir_relative", host.Env{"HOME=/h", "UV_PYTHON_INSTALL_DIR=p"}, "/cwd/p", "/h/.local/bin"},
		{"bin_dir", host.Env{"HOME=/h", "XDG_BIN_HOME=/x", "UV_PYTHON_BIN_DIR=/b"}, "/h/.local/share/uv/python", "/b"},
		{"xdg_bin_home", host.Env{"HOME=/h", "XDG_BIN_HOME=/x"}, "/h/.local/share/uv/python", "/x"},
	} {
		h := host.Host{Env: c.env}
		d := Locate(c.env, h.Dirs(), "/cwd")
		if d.Python != c.python || filepath.Clean(d.Bin) != c.bin || d.Config != "/h/.config/uv" {
			t.Errorf("%s: %+v", c.name, d)
		}
	}
	if d := Locate(nil, host.Dirs{}, "/cwd"); d != (Dirs{}) {
		t.Errorf("where nothing is known: %+v", d)
	}
}

func TestManaged(t *testing.T) {
	root := tree(t, `
-- cpython-3.12.11-linux-x86_64-gnu/bin/python3.12 --
-- cpython-3.12.11-linux-x86_64-gnu/BUILD --
20260814
-- cpython-3.12.12-linux-x86_64-gnu/bin/python3.12 --
-- .temp/x --
-- notakey/bin/python --
-- .lock --
`)
	link := filepath.Join(root, "cpython-3.12-linux-x86_64-gnu")
	if err := os.Symlink(filepath.Join(root, "cpython-3.12.12-linux-x86_64-gnu"), link); err != nil {
		t.Fatal(err)
	}
	d := Dirs{Python: root}
	found := map[string]Managed{}
	for _, m := range d.Managed() {
		found[m.Key] = m
	}
	if len(found) != 2 {
		t.Fatalf("found %v", found)
	}
	old, current := found["cpython-3.12.11-linux-x86_64-gnu"], found["cpython-3.12.12-linux-x86_64-gnu"]
	for _, c := range []struct{ name, got, want string }{
		{"through_minor_link", current.Path(false), link + "/bin/python3.12"},
		{"patch_asked_for", current.Path(true), current.Dir + "/bin/python3.12"},
		{"link_leads_elsewhere", old.Path(false), old.Dir + "/bin/python3.12"},
		{"build", old.Build(), "20260814"},
		{"no_build", current.Build(), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
	if m, ok := d.Owner(link + "/bin/python3.12"); !ok || m.Key != current.Key {
		t.Errorf("owner of the link's Python: %+v, %v", m, ok)
	}
	if m, ok := d.Owner("/bin/sh"); ok {
		t.Errorf("owner of /bin/sh: %+v", m)
	}
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if got := current.Path(false); got != current.Dir+"/bin/python3.12" {
		t.Errorf("without a link: %q", got)
	}
}

func TestBusy(t *testing.T) {
	d := Dirs{Python: tree(t, "-- .lock --\n")}
	if d.Busy() {
		t.Error("busy without a lock held")
	}
	f, err := os.Open(filepath.Join(d.Python, ".lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if !d.Busy() {
		t.Error("not busy while uv holds its lock")
	}
	if (Dirs{Python: t.TempDir()}).Busy() {
		t.Error("busy without a lock file")
	}
}

func TestUpward_Project(t *testing.T) {
	root := tree(t, `
-- plain/pyproject.toml --
[project]
requires-python = ">=3.12"
-- plain/deep/er/x --
-- tools/pyproject.toml --
[tool.ruff]
-- ws/pyproject.toml --
[tool.uv.workspace]
members = ["./libs/*", "apps/**"]
exclude = ["libs/old*"]
-- ws/libs/a/pyproject.toml --
[project]
-- ws/libs/a/b/pyproject.toml --
[project]
-- ws/libs/old-x/pyproject.toml --
[project]
-- ws/apps/x/y/pyproject.toml --
[project]
-- ws/other/pyproject.toml --
[project]
-- ws/libs/a/nested/pyproject.toml --
[tool.x]
-- unmanaged/pyproject.toml --
[project]
[tool.uv]
managed = false
-- broken/pyproject.toml --
[project
-- none/x --
`)
	facts := remember.Store{}
	for _, c := range []struct{ name, dir, root, workspace, requires string }{
		{"plain", "plain", "plain", "plain", ">=3.12"},
		{"from_below", "plain/deep/er", "plain", "plain", ">=3.12"},
		{"without_project_table", "tools", "tools", "tools", ""},
		{"workspace_root", "ws", "ws", "ws", ""},
		{"member", "ws/libs/a", "ws/libs/a", "ws", ""},
		{"star_does_not_cross_slashes", "ws/libs/a/b", "ws/libs/a/b", "ws/libs/a/b", ""},
		{"double_star_does", "ws/apps/x/y", "ws/apps/x/y", "ws", ""},
		{"excluded", "ws/libs/old-x", "ws/libs/old-x", "ws/libs/old-x", ""},
		{"not_a_member", "ws/other", "ws/other", "ws/other", ""},
		{"nearest_without_project_is_its_own_root", "ws/libs/a/nested", "ws/libs/a/nested", "ws/libs/a/nested", ""},
	} {
		p, ok := Look(facts, filepath.Join(root, c.dir)).Project()
		if !ok || p.Root != filepath.Join(root, c.root) || p.Workspace != filepath.Join(root, c.workspace) || p.Requires != c.requires || p.Broken != nil {
			t.Errorf("%s: %+v, %v", c.name, p, ok)
		}
	}
	for _, dir := range []string{"unmanaged", "none"} {
		if p, ok := Look(facts, filepath.Join(root, dir)).Project(); ok {
			t.Errorf("%s: %+v", dir, p)
		}
	}
	if p, ok := Look(facts, filepath.Join(root, "broken")).Project(); !ok || p.Broken == nil {
		t.Errorf("broken: %+v, %v", p, ok)
	}
}

func TestPyproject_pack(t *testing.T) {
	p := pyproject{project: true, workspace: true, requires: ">=3.12\n", preference: "system", members: []string{"a=b", ""}, exclude: []string{"x"}}
	if got := unpackPyproject(string(p.pack())); got.requires != p.requires || got.preference != p.preference ||
		strings.Join(got.members, ",") != "a=b," || strings.Join(got.exclude, ",") != "x" || !got.project || got.uv || !got.workspace || got.unmanaged {
		t.Errorf("got %+v", got)
	}
}

func TestMatchGlob(t *testing.T) {
	for _, c := range []struct {
		glob, name string
		literal    bool
		want       bool
	}{
		{"a/*", "a/b", true, true},
		{"a/*", "a/b/c", true, false},
		{"a/*", "a/b/c", false, true},
		{"**", "a/b/c", true, true},
		{"**/c", "c", true, true},
		{"**/c", "a/b/c", true, true},
		{"a/**/c", "a/c", true, true},
		{"a/**/c", "a/b/b/c", true, true},
		{"a/**/c", "b/c", true, false},
		{"a/[bc]", "a/c", true, true},
		{"a/?", "a/bb", true, false},
		{"[", "[", true, false},
		{strings.Repeat("**/", 40) + "x", strings.Repeat("a/", 40) + "y", true, false},
	} {
		if got := matchGlob(c.glob, c.name, c.literal); got != c.want {
			t.Errorf("%q matches %q (literal %v): %v", c.glob, c.name, c.literal, got)
		}
	}
}

func TestUpward_ProjectDir(t *testing.T) {
	root := tree(t, "-- a/pyproject.toml --\n-- b/uv.lock --\n-- c/.python-version --\n-- d/.venv/x --\n-- d/e/f/x --\n")
	for dir, want := range map[string]string{"a": "a", "b": "b", "c": "c", "d": "d", "d/e/f": "d"} {
		if got := Look(remember.Store{}, filepath.Join(root, dir)).ProjectDir(); got != filepath.Join(root, want) {
			t.Errorf("%s: %s", dir, got)
		}
	}
	if got := Look(remember.Store{}, "").ProjectDir(); got != "" {
		t.Errorf("no directory: %s", got)
	}
}

func TestBoolish(t *testing.T) {
	for _, v := range []string{"1", "true", "TRUE", "yes", "on", "t", "y"} {
		if !Boolish(v) {
			t.Errorf("%q is not true", v)
		}
	}
	for _, v := range []string{"", "0", "false", "no", "off", "2"} {
		if Boolish(v) {
			t.Errorf("%q is true", v)
		}
	}
}

func TestUpward_Has(t *testing.T) {
	root := tree(t, "-- a/uv.lock --\n-- a/pyproject.toml --\n-- a/.venv/x --\n-- a/b/setup.py --\n-- other/uv.lock --\n")
	a, b := filepath.Join(root, "a"), filepath.Join(root, "a", "b")
	if err := unix.Mkfifo(filepath.Join(b, ".python-version"), 0o600); err != nil {
		t.Fatal(err)
	}
	u := Look(remember.Store{}, b)
	has := func(dir, name string, want, file bool) {
		t.Helper()
		if got, regular := u.Has(dir, name), u.hasFile(dir, name); got != want || regular != file {
			t.Errorf("%s/%s: %v, as a file %v", dir, name, got, regular)
		}
	}
	for range 2 {
		has(a, "uv.lock", true, true)
		has(b, "uv.lock", false, false)
		has(a, "pyproject.toml", true, true)
		has(b, "pyproject.toml", false, false)
		has(a, ".venv", false, false)
		has(b, ".python-version", true, false)
	}
	// a name that no rule looks for, and a directory that is not on the way
	has(b, "setup.py", true, true)
	has(b, "setup.cfg", false, false)
	has(filepath.Join(root, "other"), "uv.lock", true, true)
	has(filepath.Join(root, "other"), "uv.toml", false, false)

	// what was looked for once is not looked for again, be it there or not
	for _, name := range []string{"uv.lock", "pyproject.toml"} {
		if err := os.Rename(filepath.Join(a, name), filepath.Join(b, name)); err != nil {
			t.Fatal(err)
		}
		has(a, name, true, true)
		has(b, name, false, false)
	}
	for dir, want := range map[string]string{"/": "/x", "/a": "/a/x"} {
		if got := join(dir, "x"); got != want {
			t.Errorf("join %s: %s", dir, got)
		}
	}
}
