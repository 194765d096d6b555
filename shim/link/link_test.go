package link

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"uvshim/policy/version"
	"uvshim/shim/host"
)

func TestNames(t *testing.T) {
	var list []version.Interpreter
	for _, key := range []string{
		"cpython-3.14.1-linux-x86_64-gnu", "cpython-3.14.0-linux-x86_64-gnu", "cpython-3.14.1+freethreaded-linux-x86_64-gnu",
		"cpython-3.14.1+debug-linux-x86_64-gnu", "pypy-3.11.13-linux-x86_64-gnu",
	} {
		i, err := version.ParseKey(key)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, i)
	}
	want := "pip pip3 pypy pypy3 pypy3.11 python python3 python3.14 python3.14t uv uvx"
	if got := strings.Join(Names(list), " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := strings.Join(Names(nil), " "); got != "pip pip3 python python3 uv uvx" {
		t.Errorf("without interpreters: %s", got)
	}
}

func program(t *testing.T, text string) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestMake(t *testing.T) {
	data := t.TempDir()
	one, two := program(t, "one"), program(t, "two")
	run := func(p *os.File, names ...string) Result {
		t.Helper()
		r, err := Make(data, p, names)
		if err != nil {
			t.Fatal(err)
		}
		base, err := os.Lstat(filepath.Join(r.Dir, Program))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			info, err := os.Lstat(filepath.Join(r.Dir, name))
			if err != nil || !os.SameFile(info, base) || info.Mode() != 0o755 {
				t.Errorf("%s is no hard link to the program: %v, %v", name, info, err)
			}
		}
		if _, err := os.Stat(filepath.Join(r.Dir, host.Marker)); err != nil {
			t.Error(err)
		}
		entries, _ := os.ReadDir(r.Dir)
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), temporary) {
				t.Errorf("%s is left behind", e.Name())
			}
		}
		return r
	}
	if r := run(one, "python", "uv"); !slices.Equal(r.Made, []string{"shim", "python", "uv"}) {
		t.Errorf("first: %+v", r)
	}
	if r := run(one, "python", "uv"); len(r.Made) > 0 || !slices.Equal(r.Kept, []string{"shim", "python", "uv"}) {
		t.Errorf("again: %+v", r)
	}
	if r := run(one, "python", "uv", "python3.12"); !slices.Equal(r.Made, []string{"python3.12"}) {
		t.Errorf("one more: %+v", r)
	}
	if r := run(two, "python", "uv"); !slices.Equal(r.Made, []string{"shim", "python", "uv"}) || !slices.Equal(r.Removed, []string{"python3.12"}) {
		t.Errorf("new program, one less: %+v", r)
	}
	if got, _ := os.ReadFile(filepath.Join(Dir(data), "python")); string(got) != "two" {
		t.Errorf("python is %q", got)
	}

	// what an earlier way of linking, an interruption and the user may have left
	dir := Dir(data)
	for _, name := range []string{"python", "uv"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/nowhere", filepath.Join(dir, "python")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{temporary + "123", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if r := run(two, "python", "uv"); !slices.Equal(r.Made, []string{"python", "uv"}) {
		t.Errorf("mended: %+v", r)
	}
	if _, err := os.Stat(filepath.Join(dir, "notes.txt")); err != nil {
		t.Error("the user's file is gone")
	}
	for name, text := range map[string][]byte{"env.sh": envSh, "env.fish": envFish} {
		if got, _ := os.ReadFile(filepath.Join(data, "shim", name)); string(got) != string(text) || len(text) == 0 {
			t.Errorf("%s is %d bytes, want %d", name, len(got), len(text))
		}
	}

	if err := os.Remove(filepath.Join(dir, "uv")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "uv"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Make(data, two, []string{"uv"}); err == nil {
		t.Error("a directory of a shim's name was replaced")
	}
}
