package uv

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
	"uvshim/shim/remember"
)

// The digests are those that the real uv made.
func TestScriptEnvironment(t *testing.T) {
	for _, c := range []struct{ name, path, want string }{
		{"plain", "/tmp/place/p/s.py", "s-eadc0d081a95db3b"},
		{"dots_count", "/tmp/place/p/../p/s.py", "s-060ee5eb9d8ca50c"},
		{"single_dots_do_not", "/tmp/./place//p/s.py", "s-eadc0d081a95db3b"},
		{"long", "/tmp/place/a-rather-long-directory-name/Az09_Z.x.py", "az09-z-x-e6b4ff80bbc24e5b"},
		{"hidden", "/tmp/place/a-rather-long-directory-name/.hid", "-hid-116e7b882aa58b9d"},
		{"no_letters", "/tmp/place/a-rather-long-directory-name/_.py", "1b9229b7fd303230"},
	} {
		if got := ScriptEnvironment("/c", c.path); got != "/c/environments-v2/"+c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	for _, c := range []struct{ stem, want string }{
		{"foo-_bar_baz_", "foo-bar-baz"},
		{"_+-_", ""},
		{"Ab.C", "ab-c"},
		{strings.Repeat("a", 300), strings.Repeat("a", 100)},
	} {
		if got := cacheName(c.stem); got != c.want {
			t.Errorf("cacheName(%s): %s, want %s", c.stem, got, c.want)
		}
	}
	// names that are no text have no part in it
	if got := filepath.Base(ScriptEnvironment("/c", "/a/\xff.py")); strings.Contains(got, "-") {
		t.Errorf("not UTF-8: %s", got)
	}
}

func TestInCache(t *testing.T) {
	for _, c := range []struct {
		cache, dir string
		want       bool
	}{
		{"/c", "/c/environments-v2/x", true}, {"/c", "/c/environments-v2x/x", false}, {"/c", "/d/environments-v2/x", false},
		{"", "/environments-v2/x", false}, {"", "environments-v2/x", false},
	} {
		if InCache(c.cache, c.dir) != c.want {
			t.Errorf("%s in the cache %q: %t", c.dir, c.cache, !c.want)
		}
	}
}

func TestRedirected(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name, text, want string
		bad              bool
	}{
		{name: "relative", text: "x/y\n", want: dir + "/x/y"},
		{name: "up", text: "../x", want: filepath.Dir(dir) + "/x"},
		{name: "absolute", text: "/x/y\r\n", want: "/x/y"},
		{name: "second_line_is_part_of_it", text: "a\nb\n", want: dir + "/a\nb"},
		{name: "empty", text: "\n", bad: true},
		{name: "nothing", text: "", bad: true},
		{name: "nul", text: "a\x00b", bad: true},
		{name: "no_text", text: "\xff", bad: true},
		{name: "too_long", text: strings.Repeat("a", 5000), bad: true},
	} {
		path := filepath.Join(dir, c.name)
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := Redirected(path); got != c.want || (err != nil) != c.bad {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Redirected(fifo); err == nil {
		t.Error("a FIFO is a redirect")
	}
	for _, path := range []string{dir, filepath.Join(dir, "gone")} {
		if got, err := Redirected(path); got != path || err != nil {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
}

func TestLookAlong(t *testing.T) {
	up := LookAlong(remember.Store{}, "/a/b/../c")
	if want := []string{"/a/b/../c", "/a/b/..", "/a/b", "/a", "/"}; !slices.Equal(up.Dirs(), want) {
		t.Errorf("got %q, want %q", up.Dirs(), want)
	}
	if sub, ok := up.From("/a"); !ok || !slices.Equal(sub.Dirs(), []string{"/a", "/"}) {
		t.Errorf("from /a: %v", ok)
	}
	if _, ok := up.From("/z"); ok {
		t.Error("from a directory that is not in it")
	}
}

func TestReadScript(t *testing.T) {
	const head, tail = "# /// script\n", "# ///\n"
	for _, c := range []struct {
		name, text string
		want       Script
		bad        bool
	}{
		{name: "none", text: "print()\n"},
		{name: "empty", text: ""},
		{name: "block", text: head + "# dependencies = []\n" + tail, want: Script{Metadata: true}},
		{name: "below_a_shebang", text: "#!/usr/bin/env -S uv run\n" + head + tail, want: Script{Metadata: true}},
		{name: "requires", text: head + "# requires-python = '>=3.12'\n" + tail, want: Script{Metadata: true, Requires: ">=3.12"}},
		{name: "cache", text: head + "# [tool.uv]\n# cache-dir = 'x'\n" + tail, want: Script{Metadata: true, Settings: true}},
		{name: "other_settings", text: head + "# [tool.uv]\n# prerelease = 'allow'\n" + tail, want: Script{Metadata: true}},
		{name: "line_ends", text: strings.ReplaceAll(head+"# dependencies = []\n"+tail, "\n", "\r\n"), want: Script{Metadata: true}},
		{name: "bare_comment", text: head + "#\n" + tail, want: Script{Metadata: true}},
		{name: "within_a_line", text: "x = '# /// script'\n"},
		{name: "other_type", text: "# /// scripted\n" + tail},
		{name: "ends_at_the_last_mark", text: head + "# a = '''\n# ///\n# '''\n" + tail, want: Script{Metadata: true}},
		{name: "no_end", text: head + "# dependencies = []\nprint()\n" + tail, bad: true},
		{name: "no_toml", text: head + "# dependencies = [\n" + tail, bad: true},
		{name: "nested", text: head + "# a = " + strings.Repeat("[", 100000) + "\n" + tail, bad: true},
		{name: "no_text", text: head + "# a = '\xff'\n" + tail, bad: true},
		{name: "too_long", text: strings.Repeat("\n", maxScript+1), bad: true},
	} {
		path := filepath.Join(t.TempDir(), "x.py")
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadScript(remember.Store{}, path); got != c.want || (err != nil) != c.bad {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}

func TestFindSettings(t *testing.T) {
	root := tree(t, `
-- config/uv.toml --
cache-dir = "/user"
python-preference = "system"
-- p/uv.toml --
cache-dir = "/project"
[pip]
python = "3.12"
target = "t"
-- q/pyproject.toml --
[tool.uv]
index-url = "https://localhost"
no-cache = true
preview-features = ["x"]
[tool.uv.pip]
system = true
-- r/uv.toml --
preview = true
-- s/uv.toml --
cache-dir = 3
pip = 4
-- t/uv.toml --
[
-- u/uv.toml --
preview-features = false
`)
	d := Dirs{Config: filepath.Join(root, "config")}
	env := host.Env{"UV_NO_SYSTEM_CONFIG=1"}
	for _, c := range []struct {
		dir  string
		env  host.Env
		want Settings
	}{
		{"p", nil, Settings{CacheDir: "/project", Python: "3.12", Target: "t"}},
		{"p/below", nil, Settings{CacheDir: "/project", Python: "3.12", Target: "t"}},
		{"q", nil, Settings{CacheDir: "/user", NoCache: true, Preview: true, System: true, Resolver: true}},
		{"r", nil, Settings{CacheDir: "/user", Preview: true}},
		{"s", nil, Settings{CacheDir: "/user"}},
		{"t", nil, Settings{CacheDir: "/user"}},
		{"u", nil, Settings{CacheDir: "/user"}},
		{"p", host.Env{"UV_NO_CONFIG=1"}, Settings{}},
		{"p", host.Env{"UV_CONFIG_FILE=" + root + "/r/uv.toml"}, Settings{Preview: true}},
	} {
		up := Look(remember.Store{}, filepath.Join(root, c.dir))
		if got := d.FindSettings(append(c.env, env...), up, false); got != c.want {
			t.Errorf("%s %v: %+v, want %+v", c.dir, c.env, got, c.want)
		}
	}
	if got := d.FindSettings(env, Look(remember.Store{}, filepath.Join(root, "q")), true); got != (Settings{CacheDir: "/user"}) {
		t.Errorf("for tools: %+v", got)
	}
}

func TestCacheDir(t *testing.T) {
	for _, c := range []struct {
		env  host.Env
		want string
	}{
		{host.Env{"HOME=/h"}, "/h/.cache/uv"},
		{host.Env{"HOME=/h", "XDG_CACHE_HOME=/x"}, "/x/uv"},
		{host.Env{"HOME=/h", "UV_CACHE_DIR=c"}, "/cwd/c"},
		{host.Env{"HOME=/h", "UV_CACHE_DIR=/c", "UV_NO_CACHE=1"}, ""},
		{host.Env{"HOME=relative"}, ""},
	} {
		if got := CacheDir(c.env, host.Host{Env: c.env}.Dirs(), "/cwd"); got != c.want {
			t.Errorf("%v: %q, want %q", c.env, got, c.want)
		}
	}
}
