package version

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

var requestTexts = strings.Split(`3|3.11|3.12|3.13|3.14|3.15|3.16|4|312|313|314|3.12.11|3.12.12|3.12.13|3.13.7|3.14.0|3.14.1
|3.15.0|3.15a1|3.15.0a1|3.15.0a2|3.15a|3.15-alpha.1|3.15rc1|3t|3d|3td|3.13t|3.13.8t|3.13.7t|3.14t|314t|3.14d|3.14td|3.14.0t|3.14.1t|3.14.1d
|3.12t|3.12.1t|3.15t|3.15a1t|3.13+freethreaded|3.14+freethreaded|3.14+debug|3.14+gil|3.13+gil|3+gil|3.14+gil+debug|3.14+freethreaded+debug
|3.14+t|3.14+d|3.14+td|3.14gil|3.14+|3.14dt|3.13tt|>=3.12|>=3.13|>3.13|>3.14|>3.14.0|>=3.12,<3.14|>=3.12, <3.14|>= 3.12 , < 3.13
|~=3.12|~=3.12.0|~=3.13.7|~=3.12.12|==3.13.*|==3.12.*|==3.15.*|==3.*|!=3.14.*|!=3.14.*,!=3.13.*|!=3.14.1|==3.13|==3.12.11|==3.13.7|==313|===3.13.7
|===3.13|==3.13t|==3.13.8t|>=3.14t|>=3.13t|>=3.13t,<3.14|>=3.12,<3.14t|>=3.14+debug|>=3.14d|<3.13|<=3.13|<=3.13.7|<3.12|<3.6|<3.15|<3.15.0|<3.15a1|<3.15rc1
|>=3.15|>=3.15a1|>3.15a1|>=3.15.0a1,<3.16|>=3.15.0a2|>=3.15.dev0|>=3.14a1|>=3.14,<3.15a2|>3.99|>=3.14.1,<3.14.1|>=3.12.post1|==3.12.11.post1|!=3.12.12
|<1!3|>1!0|>=0!3.13|~=3|>=3.*|>=3.13+local|==3.13.7+local|!=3.13.7+local|2|2.7|3.5|3.6|0|1.0|cpython|cp|pypy|pp|graalpy|gp|pyodide|jython
|cpython3|cpython3.13|cpython@3.13|cpython@3.14t|cp313|cp313t|CPython@3.12|cpython@3.15|cpython>=3.12|cpython@>=3.12|cpython>=3.12,<3.14|cpython>=3.14d|cpython@3|cpython@3.14
|pypy3|pypy3.11|pypy@3.11|pypy311|pp311|pypy3.10|pypy@3.11.13|pypy>=3.10|pypy@3.11.12|pypy3.11t|graalpy3.11|gp311
|python3|python3.13|python313|python@3.13|python@313|python>=3.12|python<3.14|python3.13t|PYTHON3.12|Python3|python4|python3.12.11
|any|ANY|default|Default|latest|python|cpython@latest|3.x|3.13-dev|python-3.13|pypy3.10-7.3.12|v3.13|V3.13| 3.13 |3.13.7.1|3.300|31000|3.|.3|3..13|@3.13|python@|@
|cpython-3.13|cpython-3.13.7|cp-3.12|cpython-3.14t|cpython-3.14+freethreaded|cpython-3.14.1+debug|cpython-3.15|cpython-3.15.0a1|cpython->=3.13|cpython->=3.15a1
|pypy-3.11|pypy-3.11.13|any-3.13|any-3.11|any-any|any-any-any-any-any|any-3.13-any-@arch-any|cpython-any-linux|cpython-any-linux-@arch-gnu
|linux|linux-@arch|linux-gnu|linux-musl|gnu|musl|@arch|@arch-gnu|cpython-linux|cpython-gnu|cpython-3.13-linux|cpython-3.13-linux-@arch|cpython-3.13-linux-@arch-gnu|cpython-3.13-linux-@arch-musl
|cpython-3.13.7-linux-@arch-gnu|cpython-3.13-macos|cpython-3.13-windows|3.13-linux|3.13-linux-@arch-gnu|3.13-gnu|macos|darwin|windows|emscripten|linux-s390x|linux-riscv64
|cpython-2.7|cpython-3.12t|CPYTHON-3.13-linux|cpython-3.13-Linux|cpython-3.13-linux-@arch-gnu-extra|linux-gnu-extra|gnu-a-b-c|gnu-a-b-c-d-e|3.13-|-3.13|cpython--linux|-
|pyodide-3.13|graalpy-3.12|linux-@arch_v3|cpython-3.13-linux-@arch_v3-gnu|3.13²|３.13|≥3.13|1!3.13|3.13.post1|3.13.dev0|3.13-1|3.13+abc|>=3.12 <3.14|>=3.12,|,>=3.12|=3.12|= 3.12|>>3.12|3.12,3.13`,
	"|")

// The interpreters are chosen by uv and by Choose from the same directories.
func TestChoose_uv(t *testing.T) {
	u := findUV(t)
	trees := [][]string{
		{"3.12.11", "3.12.12", "3.13.7", "3.13.8", "3.13.8+freethreaded", "3.14.0", "3.14.1",
			"3.14.1+freethreaded", "3.14.1+debug", "3.15.0a1", "pypy-3.11.13"},
		// nothing plain in it, and a free-threaded build newer than its GIL build
		{"3.12.3+debug", "3.13.9+freethreaded", "3.14.0", "3.14.2+freethreaded", "3.14.2+freethreaded+debug",
			"3.15.0a1+debug", "3.15.0a1+freethreaded", "3.15.0b2", "pypy-3.11.12", "pypy-3.10.16", "graalpy-3.12.0"},
		{"3.14.0rc3", "3.14.0rc3+debug", "3.16.0a1", "3.13.5+freethreaded", "pypy-3.11.13", "pypy-3.12.0b1"},
	}
	for _, tree := range trees {
		var list []Interpreter
		for _, text := range tree {
			i := fake(t, text)
			list = append(list, i)
			u.install(t, i)
		}
		for _, text := range requestTexts {
			text = strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "@arch", uvArch())
			u.compare(t, text, list)
		}
		if err := os.RemoveAll(filepath.Join(u.dir, "python")); err != nil {
			t.Fatal(err)
		}
	}
}

// compare holds what we make of a request, and choose for it of what is installed, against uv.
// Where uv finds nothing it says what it looked for: its own reading of the request.
func (u realUV) compare(t *testing.T, text string, list []Interpreter) {
	t.Helper()
	name, said := u.find(t, "work", text)
	want := said
	if _, rest, ok := strings.Cut(said, "No interpreter found"); ok {
		want, _, _ = strings.Cut(rest, " in virtual environments")
	}
	r, err := Parse(text)
	ours, n := plainly(spoken(r)), Choose(r, list)
	if r.Kind() == KindDirectory {
		path := text
		if !filepath.IsAbs(path) {
			path = filepath.Join(u.dir, "work") + "/" + text // "x/.." is nowhere without x
		}
		// that it is one Parse knows by the text, and uv by looking
		if _, err := os.Stat(path); err != nil {
			ours = strings.Replace(ours, "in directory", "at path", 1)
		}
	}
	switch {
	case err != nil:
		if !strings.Contains(said, "Invalid version request") {
			t.Errorf("%q: Parse says %v, uv takes %q and says %q", text, err, name, said)
		}
	case n >= 0 && list[n].Key() != name:
		t.Errorf("%q: %s chosen, uv takes %q and says %q", text, list[n].Key(), name, said)
	case n >= 0:
	case name != "":
		t.Errorf("%q: read as %q and nothing chosen, uv takes %s", text, ours, name)
	case ours != plainly(want):
		t.Errorf("%q: read as %q, by uv as %q", text, ours, want)
	}
}

// plainly leaves out control characters, which do not get through uv's output.
func plainly(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text))
}

// uv prefers a plain x86_64 build, and finds none for a level of the instruction set.
func TestChoose_uvArchLevel(t *testing.T) {
	if uvArch() != "x86_64" {
		t.Skip("only x86_64 has levels")
	}
	u := findUV(t)
	var list []Interpreter
	for _, name := range []string{"cpython-3.13.9-linux-x86_64_v3-gnu", "cpython-3.13.9-linux-x86_64_v2-gnu", "cpython-3.12.1-linux-x86_64-gnu", "cpython-3.12.1-linux-x86_64_v4-gnu"} {
		i, err := ParseKey(name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, i)
		u.install(t, i)
	}
	for _, text := range []string{"3.13", "3.12", "linux-x86_64", "linux-x86_64_v3", "linux-x86_64_v2", "cpython-3.13-linux-x86_64", "any", "cpython-3.12-linux-x86_64_v4-gnu"} {
		r, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := u.find(t, "work", text)
		ours := ""
		if n := Choose(r, list); n >= 0 {
			ours = list[n].Key()
		}
		if ours != name {
			t.Errorf("%q: %q chosen, uv takes %q", text, ours, name)
		}
	}
}

// uv takes the minor-version link of our name for requests without a patch.
func TestMinorLink_uv(t *testing.T) {
	u := findUV(t)
	for _, text := range []string{"3.12.12", "3.14.1+freethreaded", "3.14.1+debug", "3.14.1+freethreaded+debug", "3.15.0a1"} {
		i := fake(t, text)
		u.install(t, i)
		// a link is uv's only if its text is the absolute path of the install directory
		target := filepath.Join(u.dir, "python", i.Key())
		if err := os.Symlink(target, filepath.Join(u.dir, "python", i.MinorLink())); err != nil {
			t.Fatal(err)
		}
		rows := []string{i.Version.String(), New(3, i.Version.Minor).String(), i.MinorLink(), i.Key()}
		if i.Version.Prerelease() {
			rows = append(rows, "3.15a1", ">=3.15a1")
		}
		for n, row := range rows {
			if n < 2 && i.Variant != "" {
				row += "+" + i.Variant
			}
			r, err := Parse(row)
			if err != nil {
				t.Fatal(err)
			}
			want := i.MinorLink()
			if r.NamesPatch() {
				want = i.Key()
			}
			if name, said := u.find(t, "work", row); name != want {
				t.Errorf("%s: %q, uv takes %q and says %q", row, want, name, said)
			}
		}
	}
}
