package provided

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"uvshim/shim/elfdeps"
	"uvshim/shim/host"
	"uvshim/shim/nixld"
)

func here() host.Host { return host.Host{UID: os.Geteuid()} }

func mkdir(t *testing.T, dir string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestList(t *testing.T) {
	data := t.TempDir()
	if l, err := Load(here(), data); l != nil || err != nil {
		t.Errorf("without a list: %v, %v", l, err)
	}
	if l, err := Load(here(), ""); l != nil || err != nil {
		t.Errorf("without a home: %v, %v", l, err)
	}
	mkdir(t, Dir(data))
	want := List{{"zlib", "/some where/lib", "2026-11-22", ""}, {Driver, "/run/opengl-driver/lib", "2026-11-21", "2026-11-22"}}
	if err := want.Save(data); err != nil {
		t.Fatal(err)
	}
	if l, err := Load(here(), data); !slices.Equal(l, want) || err != nil {
		t.Errorf("got %v, %v", l, err)
	}
	if l, err := Load(host.Host{UID: os.Geteuid() + 1}, data); l != nil || err != nil {
		t.Errorf("another user is given %v, %v", l, err)
	}
	if err := os.Chmod(Dir(data), 0o777); err != nil {
		t.Fatal(err)
	}
	if l, err := Load(here(), data); l != nil || err != nil {
		t.Errorf("from a directory that everybody can write: %v, %v", l, err)
	}
	if err := os.Chmod(Dir(data), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := want.Attributes(); !slices.Equal(got, []string{"zlib"}) {
		t.Errorf("attributes %q", got)
	}
	for name, text := range map[string]string{
		"schema":   "shim libraries 2\nzlib\t/x\t\t\n",
		"empty":    "",
		"short":    schema + "\nzlib\t/x\n",
		"relative": schema + "\nzlib\tx\t\t\n",
		"colon":    schema + "\nzlib\t/x:/y\t\t\n",
		"origin":   schema + "\nzlib\t/$ORIGIN\t\t\n",
		"nameless": schema + "\n\t/x\t\t\n",
		"large":    schema + "\n" + strings.Repeat("a", limit),
	} {
		if err := os.WriteFile(File(data), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if l, err := Load(here(), data); l != nil || err == nil {
			t.Errorf("%s: %v, %v", name, l, err)
		}
	}
	if err := (List{{"zlib", "/a:b", "", ""}}).Save(data); err == nil {
		t.Error("a directory was kept that is two on a path")
	}
}

func TestExtend(t *testing.T) {
	dir := t.TempDir()
	a, b, gone := mkdir(t, dir+"/a"), mkdir(t, dir+"/b"), dir+"/gone"
	file := dir + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := List{{Attribute: "one", Dir: a}, {Attribute: "gone", Dir: gone}, {Attribute: "file", Dir: file}, {Attribute: "two", Dir: b}}
	ld := nixld.Loader{Kind: nixld.NixLD, Major: 2, Machine: elfdeps.MachineX86_64}
	old := ld
	old.Major = 1
	const name, system = "NIX_LD_LIBRARY_PATH", "NIX_LD_LIBRARY_PATH_x86_64_linux"
	added := a + ":" + b
	for _, row := range []struct {
		name      string
		loader    nixld.Loader
		env, want host.Env
	}{
		{"unset", ld, host.Env{"A=1"}, host.Env{"A=1", name + "=" + nixld.DefaultLibraryPath + ":" + added}},
		{"set", ld, host.Env{name + "=/x"}, host.Env{name + "=/x:" + added}},
		{"empty", ld, host.Env{name + "="}, host.Env{name + "=" + added}},
		{"system", ld, host.Env{name + "=/x", system + "=/y"}, host.Env{name + "=/x", system + "=/y:" + added}},
		{"system_empty", ld, host.Env{name + "=/x", system + "="}, host.Env{name + "=/x", system + "=" + added}},
		{"nested", ld, host.Env{name + "=/x:" + added}, host.Env{name + "=/x:" + added}},
		{"half", ld, host.Env{name + "=/x:" + a}, host.Env{name + "=/x:" + added}},
		{"user_path", ld, host.Env{"LD_LIBRARY_PATH=/u", name + "=/x"}, host.Env{"LD_LIBRARY_PATH=/u", name + "=/x:" + added}},
		{"nix_ld_1", old, host.Env{"A=1"}, host.Env{"A=1", name + "=" + added}},
		{"glibc", nixld.Loader{Kind: nixld.Glibc}, host.Env{name + "=/x"}, host.Env{name + "=/x"}},
		{"no_loader", nixld.Loader{}, host.Env{"LD_LIBRARY_PATH=/x"}, host.Env{"LD_LIBRARY_PATH=/x"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			before := slices.Clone(row.env)
			got := l.Extend(row.env, row.loader)
			if !slices.Equal(got, row.want) {
				t.Errorf("got %q, want %q", got, row.want)
			}
			if !slices.Equal(row.env, before) {
				t.Errorf("the environment that was given is now %q", row.env)
			}
			if again := l.Extend(got, row.loader); !slices.Equal(again, got) {
				t.Errorf("twice: %q", again)
			}
			if back := l.Without(got, row.loader); row.loader.Kind == nixld.NixLD {
				was, now := nixld.Environment(row.env, row.loader), nixld.Environment(back, row.loader)
				if row.name != "nested" && row.name != "half" && now.Library.Value != was.Library.Value {
					t.Errorf("without it again: %q, was %q", now.Library.Value, was.Library.Value)
				}
				if strings.Contains(strings.Join(back, "\n"), dir) {
					t.Errorf("still there: %q", back)
				}
			} else if !slices.Equal(back, got) {
				t.Errorf("taken from another loader: %q", back)
			}
		})
	}
	env := host.Env{"A=1"}
	if got := (List)(nil).Extend(env, ld); !slices.Equal(got, env) {
		t.Errorf("nothing provided: %q", got)
	}
	if got := (List{l[1]}).Extend(env, ld); !slices.Equal(got, env) {
		t.Errorf("only what is gone: %q", got)
	}
	if got := l.Gone(); len(got) != 2 || got[0].Dir != gone || got[1].Dir != file {
		t.Errorf("gone: %v", got)
	}
	if l.Has("gone") || !l.Has("two") || l.Has("three") {
		t.Error("Has is wrong")
	}
}

func TestClean(t *testing.T) {
	data := t.TempDir()
	if err := (List{}).Clean(data); err != nil {
		t.Errorf("nothing there: %v", err)
	}
	target := mkdir(t, filepath.Join(data, "store"))
	for _, name := range []string{"zlib", "interrupted"} {
		if err := os.Symlink(target, filepath.Join(mkdir(t, filepath.Join(Dir(data), name)), "result")); err != nil {
			t.Fatal(err)
		}
	}
	l := List{{Attribute: "zlib", Dir: Dir(data) + "/zlib/result/lib"}}
	if err := l.Save(data); err != nil {
		t.Fatal(err)
	}
	if err := l.Clean(data); err != nil {
		t.Fatal(err)
	}
	var names []string
	entries, _ := os.ReadDir(Dir(data))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, []string{"list", "zlib"}) {
		t.Errorf("left: %q", names)
	}
	if _, err := os.Stat(target); err != nil {
		t.Error("what a link led to was removed")
	}
}
