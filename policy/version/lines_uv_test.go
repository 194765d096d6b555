package version

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var fileTexts = []string{
	"3.12\n", "3.12", "3.12\r\n", "  3.12\t\n", "\n\n3.13\n", "# comment\n3.13\n", "   # comment\n3.13", "#3.12\n3.13.7",
	"3.12 # inline\n", "3.12 # inline\n3.13\n", "3.12#inline\n3.13\n", "\ufeff3.12\n", "\ufeff3.12\n3.13\n", "3.12\n3.13\n",
	"3.12 3.13\n", "3.12,3.13\n", "3.12:3.13\n3.14.0\n", "system\n", "system\n3.12\n", "miniconda3-latest\n3.13", "nonsense\n",
	"", "\n", "\r\n\r\n", "# only\n", "3.14t\n", ">=3.12,<3.14\n", "pypy3.11\n", "pypy-3.11\n", "cpython-3.13.7-linux\n",
	"python3.12\n", "python\n3.12", "default\n3.12", "any\n3.12", "2.7\n3.12", "3.12t\n", "3.99\n3.12", "3.12\x00\n3.13",
	"3.12\r3.13\n", "3.13\n\r\n\r", "\v3.12\f\n", "\u00a03.12\u2003\n", "\u20283.12\n", "3.13\u20283.12\n3.12", "\x1f3.12\n3.13\n",
	"\xff\n", "3.12\n\xff\n", "# caf\xe9\n3.12\n", "# café\n3.12\n", "3.12\n\xed\xa0\x80", "\xff\xfe3\x00.\x001\x002\x00\n\x00",
	"3.15\n", "3.15a1\n", ">=3.15\n", "3.16\n", "latest\n3\n", "3.13-dev\n3.12\n", "3.x\n", "@3.12\n3.13", "cpython@3.12\n", "=3.12\n3.13",
	"./nowhere\n3.12", "/nowhere/bin/python\n3.12", "nowhere/python\n", ".\n",
}

// uv takes the line of a version file that First takes, and of the lines before it complains.
func TestLines_uv(t *testing.T) {
	u := findUV(t)
	var list []Interpreter
	for _, text := range []string{"3.12.11", "3.12.12", "3.13.7", "3.13.8", "3.14.0", "3.14.1", "3.14.1+freethreaded", "3.15.0a1", "pypy-3.11.13"} {
		i := fake(t, text)
		list = append(list, i)
		u.install(t, i)
	}
	for _, file := range []string{".python-version", ".python-versions"} {
		for _, text := range fileTexts {
			u.compareFile(t, file, text, list)
		}
	}
}

// compareFile holds the line that we take of a version file against what uv makes of the file.
func (u realUV) compareFile(t *testing.T, file, text string, list []Interpreter) {
	t.Helper()
	path := filepath.Join(u.dir, "work", file)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	lines := Lines([]byte(text))
	name, said := u.find(t, "work")
	line, found := First(lines)
	n := Choose(line.Request, list) // of no line: the zero Request
	switch {
	case line.Problem != "":
		if name != "" || strings.Contains(said, "No interpreter found") {
			t.Errorf("%q: %s; uv takes %q and says %q", text, line.Problem, name, said)
		}
	case line.Request.Path() != "":
		if !strings.Contains(plainly(said), plainly(line.Request.Path())) {
			t.Errorf("%q: path %s, uv says %q", text, line.Request.Path(), said)
		}
	case n < 0 && name != "", n >= 0 && list[n].Key() != name:
		t.Errorf("%q: line %d decides (%t), uv takes %q and says %q", text, line.Number, found, name, said)
	}
	// uv warns once a file and of the first
	skipped := slices.IndexFunc(lines, func(l Line) bool { return l.Skipped })
	if warned := strings.Contains(said, "Ignoring unsupported Python request"); warned != (skipped >= 0) {
		t.Errorf("%q: skipped line %d, uv says %q", text, skipped, said)
	}
}
