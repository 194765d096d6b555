package version

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// more texts than there are interpreters to choose from
var oddTexts = strings.Split(`3.15.0.a.1|3.15.rc.1|3.15a.|3.15_b_2|3.15-preview3|3.15c4|3.15.1a1|3.15.0b1+t|3.15.1rc2t|03.013|v313|vv3.13|3.13t+|3.13++t|3.13T|3.13TD|3.13+Freethreaded
|3.255|3.256|255.255.255|256|3000|39|30|3.15a99999999999|3.15a18446744073709551614|3.15a18446744073709551615|3.18446744073709551616|99999999999999999999
|>=3.13+td|>=3.13+gil|>=3.13+gil+debug|>=3.12.*|==3.12.*t|!=3.12.*,>=3.10,<4|<4,>=3.10,!=3.11.2|===3.13.1|===3.13.*|~=3.13.1.2.3|~=3.13a1|>=3.13,>=3.13|<3.13,>=3.13|<=3.13,<3.13
|==3.13.1.post1|==3.13.dev1|==3.13+abc|==3.13+1t|==1!3.13|>=1!3|>=3.13.post2.dev3|>= v3.13|>=3.13 t|>=3.13 , |==3.15a1|==3.15.1a1|==3|==313t|== 3.13 |=== 3.13
|cpython3.13+debug|cpython@3.13+debug|pypy3.10+t|cp3|cp3.x|pp3|gp|gp3.11|graalpy|graalpy@3.11|pyodide3|pyodide@3.13|CPython|PyPy|PyPy3.10|pythonpython|python+t|python3t|python3.13d|python==3.13|pypy<3.11
|cpython-any|pp-any|any-any-any|any-any-any-any-any-any|ANY-Any|any-linux-any-any|any-3|3-any|cpython-cpython|3.13-3.13|linux-linux|gnu-gnu|x86_64-linux|gnu-x86_64|3.13-cpython|default-any
|cpython-3.13t-linux-x86_64_v3-musl|cpython-3.13+gil+debug-macos-aarch64-none|pypy-3.10.16-windows-x86-none|graalpy-3.12.0-linux-aarch64-gnu|cpython-3.13.0rc1-linux-armv7-gnueabihf|arm64|amd64|i686|armv8.1a|ppc64le|x86_64_v1|x86_64_v2|aarch64_v2
|darwin20|darwin20.1.0|macos11|macosx11|macosx11.2|macosx11.2.3|macosx11.2.3.4|macosx99999|ios16|tvos|watchos9.1|visionos|xros1.2|solid_asp3|solaris|illumos|wasip1|wasip3|none|unknown|android|wasm32|riscv64gc|s390x|sparc64
|musl-gnu|linux-none|linux-gnueabihf|GNU|3.13-GNU|cpython-3.13-x86_64|cpython-gnu|cpython-gnu-linux|foo-linux|3.x-linux|cpython-3.x|cpython-latest|a-b|--|cpython@3.13-linux|python3.13-linux
|./x|x/y|/no/such/place|./sub/|../|.|..|~|~/x|C:\\x|x.y|.x|3.13/|foo bar|=|=3|==|>|>=|,|,,|*|3.*|!|+|+t|t|d|td|gil|debug|freethreaded|v|@latest|python@latest|pypy@|pypy@latest|pypy@x|é|🐍|3.13é|３|٣.١٣|3.13`+"\u00a0"+`|`+"\u2003"+`>=3.13|>=`+"\u2003"+`3.13`+"|\ufeff3.13|3.13\ufeff|3.13\t|3.13\v|>=\v3.13|3.13\r3.12|3.13#x|3.13 # x", "|")

// With nothing installed, uv says what it looked for: its own reading of the request.
func TestParse_uv(t *testing.T) {
	u := findUV(t)
	for _, dir := range []string{"sub", "3.13"} { // with a slash behind them uv calls them directories
		if err := os.Mkdir(filepath.Join(u.dir, "work", dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range slices.Concat(requestTexts, oddTexts) {
		text = strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "@arch", uvArch())
		u.compare(t, text, nil)
	}
}

// spoken is how uv names a request in its message.
func spoken(r Request) string {
	number := r.wanted.spoken()
	pretty := map[string]string{"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy", "pyodide": "Pyodide"}[r.impl]
	switch r.kind {
	case KindDefault, KindAny:
		return ""
	case KindVersion:
		return "for Python " + number
	case KindImplementation:
		return strings.TrimSpace("for " + pretty + " " + number)
	case KindKey:
		parts := []string{r.impl, number, r.os, r.arch, r.libc}
		for n := range parts {
			parts[n] = cmp.Or(parts[n], "any")
		}
		return "for " + strings.Join(parts, "-")
	case KindDirectory:
		return "in directory `" + r.text + "`"
	case KindFile:
		return "at path `" + r.text + "`"
	}
	return "for executable name `" + r.text + "`"
}

func (w wanted) spoken() string {
	switch w.form {
	case exact:
		v := pep{pre: w.pre, preNum: w.preNum}
		for n, part := range [...]int{w.major, w.minor, w.patch} {
			if n < w.parts {
				v.release = append(v.release, uint64(part))
			}
		}
		text := v.String()
		for _, long := range []string{"debug", "freethreaded", "freethreaded+debug", "gil", "gil+debug"} {
			if v, _ := parseVariant(long); v == w.variant {
				text += "+" + long
			}
		}
		return text
	case ranged:
		specs := slices.Clone(w.specs)
		rank := map[string]int{"==": 0, "===": 2, "!=": 3, "~=": 5, "<": 6, "<=": 7, ">": 8, ">=": 9}
		slices.SortStableFunc(specs, func(a, b spec) int {
			return cmp.Or(a.v.compare(b.v), cmp.Compare(rank[a.op], rank[b.op]))
		})
		var texts []string
		for _, s := range specs {
			texts = append(texts, s.String())
		}
		return strings.Join(texts, ", ")
	}
	return ""
}

// uv takes the install directories that ParseKey reads, and starts the executable of our name.
func TestParseKey_uv(t *testing.T) {
	u := findUV(t)
	names := `cpython-3.14.1-linux-@-gnu|cpython-3.14.1+freethreaded-linux-@-gnu|cpython-3.14.1+debug-linux-@-gnu
|cpython-3.14.1+freethreaded+debug-linux-@-gnu|cpython-3.15.0a1-linux-@-gnu|cpython-3.15.0a1+t-linux-@-gnu
|cpython-3.15.0rc2-linux-@-gnu|pypy-3.11.13-linux-@-gnu|graalpy-3.12.0-linux-@-gnu|pp-3.11.13-linux-@-gnu
|.cpython-3.14.1-linux-@-gnu|cpython-3.14.1-linux-@|cpython-3.14.1-linux-@-gnu-x|cpython-3.14.1
|jython-3.14.1-linux-@-gnu|cpython-x-linux-@-gnu|cpython-3.14.1+x-linux-@-gnu|cpython-3.300.1-linux-@-gnu
|cpython-3.14.1.dev1-linux-@-gnu|cpython-3.14.1.post1-linux-@-gnu|cpython-3.14.1.2-linux-@-gnu
|cpython-1!3.14.1-linux-@-gnu|cpython-v3.14.1-linux-@-gnu|cpython-3.14.1+-linux-@-gnu|cpython-3.14.1+d-linux-@-gnu
|cpython-3.14.1+td-linux-@-gnu|cpython-3.14.1+gil-linux-@-gnu|cpython-3.14-linux-@-gnu|cpython-3.14rc1-linux-@-gnu
|cpython-3.14.1-Linux-@-gnu|cpython-3.14.1-linux-foo-gnu|cpython-3.14.1-linux-@-foo|CPython-3.14.1-linux-@-gnu
|cp-3.14.1-linux-@-gnu|cpython-any-linux-@-gnu|cpython-3.14.1-any-@-gnu|cpython--linux-@-gnu|----`
	for name := range strings.SplitSeq(strings.ReplaceAll(names, "@", uvArch()), "|") {
		name = strings.TrimSuffix(name, "\n")
		dir := filepath.Join(u.dir, "python", name)
		i, err := ParseKey(name)
		file := ""
		if err == nil {
			file = filepath.Join("bin", i.Executable())
			u.script(t, filepath.Join(dir, file), i)
		} else if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		out := u.run(t, "work", "python", "find", "-v", "any")
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if found := strings.Contains(out.stderr, "Found managed installation `"); found != (err == nil) {
			t.Errorf("%q: ParseKey says %v, uv finds it: %t", name, err, found)
		}
		if path := filepath.Join(dir, file); err == nil && strings.TrimSpace(out.stdout) != path {
			t.Errorf("%q: executable %q, uv finds %q and says %s", name, file, out.stdout, out.stderr)
		}
	}
}

// uv says which names it looks for on PATH.
func TestNames_uv(t *testing.T) {
	u := findUV(t)
	type shape struct { // one request of each is enough
		kind    Kind
		impl    string
		form    form
		parts   int
		pre     bool
		variant variant
	}
	seen := map[shape]bool{}
	for _, text := range slices.Concat(requestTexts, oddTexts) {
		text = strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "@arch", uvArch())
		r, err := Parse(text)
		w := r.wanted
		s := shape{r.kind, r.impl, w.form, w.parts, w.pre != "", w.variant}
		if err != nil || r.Kind() == KindName || r.Path() != "" || seen[s] {
			continue
		}
		seen[s] = true
		out := u.run(t, "work", "python", "find", "-vv", "--", text)
		_, said, ok := strings.Cut(out.stderr, "Searching PATH for executables: ")
		if !ok {
			t.Fatalf("%q: uv does not say which names it looks for: %s", text, out.stderr)
		}
		said, _, _ = strings.Cut(said, "\n")
		// a +gil request has each name twice
		if want := slices.Compact(strings.Split(said, ", ")); !slices.Equal(Names(r), want) {
			t.Errorf("%q: %q, uv looks for %q", text, Names(r), want)
		}
	}
}

// The python3.N of a directory that uv starts are those MatchName holds of; the same requests, so
// that a name that is missing here would be an interpreter missed.
func TestMatchName_uv(t *testing.T) {
	u := findUV(t)
	files := []string{"python3.5", "python3.6", "python3.9", "python3.12", "python3.13", "python3.13t", "python3.14", "python3.14t",
		"python3.14d", "python3.15", "python3.100", "python3.014", "python3.", "pypy3.11", "pypy.11", "pypy.11t", "xpython3.12", "python3.12x"}
	for _, name := range files {
		// fails, so that uv tries every one
		if err := os.WriteFile(filepath.Join(u.dir, "path", name), []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range strings.Split("default any 3 4 3t >=3.12 >=3.12,<3.14 >=3.14t <3.14 <3.14.0 <3.14.1 <3.14.0rc2 >3.13 >3.13.4 ~=3.13.2 ==3.12.* >=3.15a1 3.12 3.14.1 pypy pypy3 pypy>=3.10 cpython cpython>=3.13 linux any-any >3.99", " ") {
		r, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		out := u.run(t, "work", "python", "find", "-vv", "--", text)
		for _, name := range files {
			ours := slices.Contains(Names(r), name) || MatchName(r, name)
			path := "Found possible Python executable: " + filepath.Join(u.dir, "path", name) + "\n"
			if theirs := strings.Contains(out.stderr, path); ours != theirs {
				t.Errorf("%q: %s: %t, by uv %t", text, name, ours, theirs)
			}
		}
	}
}
