package version

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	rows := []struct {
		text, spoken      string // as uv says it
		kind              Kind
		impl              string
		patch, pre, debug bool
		alternative       bool
	}{
		{text: "default", kind: KindDefault},
		{text: "ANY", kind: KindAny, pre: true, debug: true, alternative: true},
		{text: "3", spoken: "for Python 3", kind: KindVersion},
		{text: "313t", spoken: "for Python 3.13+freethreaded", kind: KindVersion},
		{text: "3.13.7", spoken: "for Python 3.13.7", kind: KindVersion, patch: true},
		{text: "3.15.0a1", spoken: "for Python 3.15a1", kind: KindVersion, pre: true},
		{text: "3.15.1a1", spoken: "for Python 3.15.1a1", kind: KindVersion, patch: true, pre: true},
		{text: "3.14td", spoken: "for Python 3.14+freethreaded+debug", kind: KindVersion, debug: true},
		{text: "python3.13", spoken: "for Python 3.13", kind: KindVersion},
		{text: "<4, >=3.12", spoken: "for Python >=3.12, <4", kind: KindVersion},
		{text: ">=3.15a1", spoken: "for Python >=3.15a1", kind: KindVersion, pre: true},
		{text: ">=3.15.dev0", spoken: "for Python >=3.15.dev0", kind: KindVersion, pre: true},
		{text: "==3.13.7", spoken: "for Python 3.13.7", kind: KindVersion, patch: true},
		{text: "==3.13.*", spoken: "for Python ==3.13.*", kind: KindVersion},
		{text: "===3.13.7", spoken: "for Python ===3.13.7", kind: KindVersion},
		{text: "pp", spoken: "for PyPy", kind: KindImplementation, impl: "pypy", alternative: true},
		{text: "GP3.12", spoken: "for GraalPy 3.12", kind: KindImplementation, impl: "graalpy", pre: true, debug: true, alternative: true},
		{text: "cpython", spoken: "for CPython", kind: KindImplementation, impl: "cpython"},
		{text: "cpython>=3.12", spoken: "for CPython >=3.12", kind: KindImplementation, impl: "cpython", pre: true, debug: true},
		{text: "pypy@3.11.13", spoken: "for PyPy 3.11.13", kind: KindImplementation, impl: "pypy", patch: true, pre: true, debug: true, alternative: true},
		{text: "cpython-3.13.7-linux", spoken: "for cpython-3.13.7-linux-any-any", kind: KindKey, impl: "cpython", patch: true},
		{text: "pypy-any", spoken: "for pypy-any-any-any-any", kind: KindKey, impl: "pypy", alternative: true},
		{text: "emscripten", spoken: "for any-any-emscripten-any-any", kind: KindKey, alternative: true},
		{text: "any-3.15a1-any-arm64", spoken: "for any-3.15a1-any-aarch64-any", kind: KindKey, pre: true},
		{text: "bin/python3", spoken: "at path `bin/python3`", kind: KindFile, pre: true, debug: true, alternative: true},
		{text: "3.13/", spoken: "in directory `3.13/`", kind: KindDirectory, pre: true, debug: true, alternative: true},
		{text: "..", spoken: "in directory `..`", kind: KindDirectory, pre: true, debug: true, alternative: true},
		{text: "latest", spoken: "for executable name `latest`", kind: KindName, pre: true, debug: true, alternative: true},
		{text: "3.15a18446744073709551615", spoken: "for executable name `3.15a18446744073709551615`", kind: KindName, pre: true, debug: true, alternative: true},
		{text: ">=3.*", spoken: "for executable name `>=3.*`", kind: KindName, pre: true, debug: true, alternative: true},
		{text: "~=3", spoken: "for executable name `~=3`", kind: KindName, pre: true, debug: true, alternative: true},
		{text: "gnu-x-y", spoken: "for any-any-any-any-gnu", kind: KindKey},
		{text: "gnu-a-b-c-d-e", spoken: "for executable name `gnu-a-b-c-d-e`", kind: KindName, pre: true, debug: true, alternative: true},
		{text: "", spoken: "for executable name ``", kind: KindName, pre: true, debug: true, alternative: true},
	}
	for _, row := range rows {
		r, err := Parse(row.text)
		if err != nil || spoken(r) != row.spoken || r.Kind() != row.kind || r.String() != row.text || r.Implementation() != row.impl {
			t.Errorf("%q: %q, kind %d, %q, %v", row.text, spoken(r), r.Kind(), r.Implementation(), err)
		}
		if r.NamesPatch() != row.patch || r.AllowsPrerelease() != row.pre || r.AllowsDebug() != row.debug || r.AllowsAlternative() != row.alternative {
			t.Errorf("%q: patch %t, prerelease %t, debug %t, alternative %t", row.text, r.NamesPatch(), r.AllowsPrerelease(), r.AllowsDebug(), r.AllowsAlternative())
		}
		path := ""
		if row.kind == KindDirectory || row.kind == KindFile {
			path = row.text
		}
		if r.Path() != path {
			t.Errorf("%q: path %q", row.text, r.Path())
		}
	}
}

func TestParse_refused(t *testing.T) {
	rows := []struct {
		text string
		kind Kind // of the request that comes with the error
		want string
	}{
		{"2.7", KindVersion, "before 3.6"}, {"2", KindVersion, "before 3.6"}, {"3.5.9", KindVersion, "before 3.6"}, {"3.5a1", KindVersion, "before 3.6"},
		{"pypy2.7", KindImplementation, "before 3.6"}, {"cpython-2.7", KindKey, "before 3.6"},
		{"3.12t", KindVersion, "free-threaded"}, {"3.12.1+freethreaded+debug", KindVersion, "free-threaded"},
		{"a\xff", 0, "UTF-8"}, {"./\xff", 0, "UTF-8"}, {strings.Repeat("3", 1025), 0, "too long"}, {"/" + strings.Repeat("x", 4096), 0, "too long"},
		{strings.Repeat(">=3,", 64) + ">=3", 0, "specifiers"}, {"@" + strings.Repeat(">=3,", 64) + ">=3", 0, "specifiers"}, {"cpython-" + strings.Repeat(">=3,", 64) + ">=3", 0, "specifiers"},
	}
	for _, row := range rows {
		r, err := Parse(row.text)
		if err == nil || !strings.Contains(err.Error(), row.want) || r.Kind() != row.kind {
			t.Errorf("%.50q: kind %d, %v", row.text, r.Kind(), err)
		}
	}
	for _, text := range []string{"<3.6", "3.6", "3.6.1", strings.Repeat("3", 1024), "3.12td1", "3.12a1t", "3t", strings.Repeat(">=3,", 63) + ">=3", "/" + strings.Repeat("x", 4095)} {
		if _, err := Parse(text); err != nil {
			t.Errorf("%.50q: %v", text, err)
		}
	}
}

func TestMatches(t *testing.T) {
	rows := []struct{ request, interpreter, want string }{
		{"3.12", "cpython 3.12.1", "yes"}, {"3.12", "cpython 3.13.1", "no"}, {"3.12", "cpython 3.12", "yes"}, {"3.12", "cpython 3", "unknown"}, {"3.12", "cpython", "unknown"},
		{"3", "cpython 3", "yes"}, {"4", "cpython 3", "no"},
		{"3.12.1", "cpython 3.12.1", "yes"}, {"3.12.1", "cpython 3.12.2", "no"}, {"3.12.1", "cpython 3.12", "unknown"}, {"3.12.1", "cpython 3.13", "no"},
		{"3.15.0", "cpython 3.15.0a1", "no"}, {"3.15", "cpython 3.15.0a1", "yes"}, {"3.15a1", "cpython 3.15.0a1", "yes"}, {"3.15a1", "cpython 3.15.0a2", "no"}, {"3.15a1", "cpython 3.15.0b1", "no"},
		{"3.15a1", "cpython 3.15.0", "no"}, {"3.15a1", "cpython 3.15", "unknown"}, {"3.15a1", "cpython 3.14", "no"}, {"3.15a1", "cpython 3.15.1a1", "yes"}, {"3.15.1a1", "cpython 3.15.0a1", "no"},
		{">=3.15", "cpython 3.15.0a1", "yes"}, {">=3.15.0rc1", "cpython 3.15.0a1", "no"}, {">=3.15a1,<3.16", "cpython 3.15.0a1", "yes"}, {"<3.15", "cpython 3.15.0a1", "no"}, {">=3.14a1,<3.15", "cpython 3.15.0a1", "no"},
		{">=3.12", "cpython 3.12", "yes"}, {">=3.12", "cpython 3.11", "no"}, {">=3.12.3", "cpython 3.12", "unknown"}, {">=3.12.3", "cpython 3.13", "yes"}, {">=3.12", "cpython 3", "unknown"}, {">=3", "cpython 3", "yes"}, {">=3.12", "cpython", "unknown"}, {">=4", "cpython 3", "no"},
		{"!=3.12.4", "cpython 3.12", "unknown"}, {"!=3.12.*", "cpython 3.12", "no"}, {"!=3.12.*", "cpython 3.13", "yes"}, {"==3.12.*", "cpython 3.12", "yes"}, {"==3.12.*", "cpython 3", "unknown"},
		{"~=3.12", "cpython 3.13", "yes"}, {"~=3.12.2", "cpython 3.12", "unknown"}, {"~=3.12.2", "cpython 3.13", "no"}, {"<=3.12.0", "cpython 3.12", "unknown"}, {"<3.12", "cpython 3.12", "no"}, {">3.12.255", "cpython 3.12", "no"},
		{">=3.15a1", "cpython 3.15", "unknown"}, {">3.12.4,<3.12.5", "cpython 3.12", "no"}, {">=3.12.4,<3.12.5", "cpython 3.12", "unknown"},
		{"3.13", "cpython 3.13.1 freethreaded", "no"}, {"3.14", "cpython 3.14.1 freethreaded", "yes"}, {"3", "cpython 3 freethreaded", "unknown"}, {"any", "cpython 3.13.1 freethreaded", "yes"}, {"default", "cpython 3.13.1 freethreaded", "no"},
		{"3.13t", "cpython 3.13.1 freethreaded", "yes"}, {"3.13t", "cpython 3.13.1", "no"}, {"3.14", "cpython 3.14.1 debug", "yes"}, {"3.14d", "cpython 3.14.1 debug", "yes"}, {"3.14d", "cpython 3.14.1 freethreaded+debug", "yes"}, {"3.14d", "cpython 3.14.1", "no"},
		{"3.14t", "cpython 3.14.1 freethreaded+debug", "yes"}, {"3.14td", "cpython 3.14.1 freethreaded", "no"}, {"3.14+gil", "cpython 3.14.1 freethreaded", "no"}, {"3.14+gil", "cpython 3.14.1 debug", "yes"}, {"3.14+gil+debug", "cpython 3.14.1", "no"}, {"3.14+gil+debug", "cpython 3.14.1 debug", "yes"},
		{"pypy", "pypy 3.11.1", "yes"}, {"pypy", "cpython 3.11.1", "no"}, {"cpython", "pypy 3.11.1", "no"}, {"pypy", "? 3.11.1", "unknown"}, {"3.11", "pypy 3.11.1", "yes"}, {"pypy3.10", "? 3.11", "no"}, {"3.11", "? 3.11", "yes"},
		{"linux", "cpython 3.11.1", "yes"}, {"macos", "cpython 3.11.1", "no"}, {"emscripten", "cpython 3.11.1", "yes"}, {"x86_64", "cpython 3.11.1", "yes"}, {"aarch64", "cpython 3.11.1", "no"}, {"musl", "cpython 3.11.1", "no"}, {"gnu", "cpython 3.11.1", "yes"},
		{"linux", "? 3.11", "unknown"}, {"cpython-3.13-linux", "? 3.12", "no"}, {"any-any-any-any-any", "? 3.12", "yes"},
		{">=\u00a03.12", "cpython 3.12", "yes"}, {">=3 .12", "cpython 3.12.1", "unknown"}, {">=3.1 2", "cpython 3.12.1", "unknown"}, {"=3.12", "cpython 3.12.1", "unknown"}, {"~3.12", "cpython 3.12.1", "unknown"}, {">=x", "cpython 3.12.1", "unknown"},
		{">=3.12+x", "cpython 3.12.1", "unknown"}, {"==3.12.1+x", "cpython 3.12.1", "no"}, {"===3.12.1+x", "cpython 3.12.1", "no"}, {"===3.12.1", "cpython 3.12.1", "yes"}, {"===3.12.1", "cpython 3.12.2", "no"},
		{"~=3.12.2", "cpython 3.12.2", "yes"}, {"~=3.12.2", "cpython 3.12.1", "no"}, {"==1!3.12.*", "cpython 3.12.1", "no"},
		{"3.12.post1", "cpython 3.12.1", "unknown"}, {"3.12.dev1", "cpython 3.12.1", "unknown"}, {"3.12+x", "cpython 3.12.1", "unknown"}, {"3.12.1.1", "cpython 3.12.1", "unknown"}, {"3.256", "cpython 3.12.1", "unknown"}, {"3.255", "cpython 3.255", "yes"},
		{"@3.12", "cpython 3.12.1", "unknown"}, {"python@", "cpython 3.12.1", "unknown"}, {"pypy@x", "pypy 3.11.1", "unknown"},
		{"./x", "cpython 3.11.1", "unknown"}, {".", "cpython 3.11.1", "unknown"}, {"latest", "cpython 3.11.1", "unknown"},
	}
	for _, row := range rows {
		fields := strings.Fields(row.interpreter + "   ")
		i := Interpreter{Impl: fields[0], OS: "linux", Arch: "x86_64", Libc: "gnu"}
		if i.Impl == "?" {
			i = Interpreter{}
		}
		if len(fields) > 1 {
			var err error
			if i.Version, err = ParseVersion(fields[1]); err != nil {
				t.Fatal(err)
			}
		}
		if len(fields) > 2 {
			i.Variant = fields[2]
		}
		r, err := Parse(row.request)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Matches(i).String(); got != row.want {
			t.Errorf("%s, %s: %s, want %s", row.request, row.interpreter, got, row.want)
		}
	}
}

func TestMatches_archLevel(t *testing.T) {
	i, err := ParseKey("cpython-3.13.1-linux-x86_64_v3-gnu")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]Match{"3.13": Yes, "linux-x86_64": No, "linux-x86_64_v3": No} {
		if r, err := Parse(text); err != nil || r.Matches(i) != want {
			t.Errorf("%s: want %s", text, want)
		}
	}
}

func TestAskedAndChoose(t *testing.T) {
	keys := func(texts string) (list []Interpreter) {
		for text := range strings.FieldsSeq(texts) {
			i, err := ParseKey(text + "-linux-x86_64-gnu")
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, i)
		}
		return list
	}
	rows := []struct {
		request, list string
		want          int
	}{
		{"default", "cpython-3.13.1 cpython-3.14.1 cpython-3.15.0a1", 1},
		{">=3.12", "cpython-3.15.0a1 cpython-3.12.1", 1},
		{">=3.15", "cpython-3.12.1 cpython-3.15.0a1 cpython-3.15.0a2", 2},
		{"any", "cpython-3.12.1 cpython-3.15.0a1 pypy-3.16.0", 1},
		{"3.14", "cpython-3.14.1+freethreaded cpython-3.14.1", 1},
		{"3.14", "cpython-3.14.1+freethreaded cpython-3.14.0", 0},
		{"3.13", "cpython-3.13.1+freethreaded", -1},
		{"3.14", "cpython-3.14.1+debug cpython-3.14.0", 1},
		{"3", "cpython-3.15.0a1 cpython-3.12.1+debug", 1}, // a debug build before a prerelease
		{"3", "cpython-3.15.0a1+debug cpython-3.15.0a1 pypy-3.11.1", 1},
		{"3.11", "pypy-3.11.1", -1}, // never unasked
		{"3", "cpython-3.14.1+debug cpython-3.13.1+debug", 0}, {"3", "cpython-3.14.1+debug cpython-3.15.0a1", 0},
		{"pypy", "cpython-3.14.1 pypy-3.11.1", 1},
		{"3.12", "", -1}, {"latest", "cpython-3.12.1", -1}, {"3.12.1", "cpython-3.12", -1},
	}
	for _, row := range rows {
		r, err := Parse(row.request)
		if err != nil {
			t.Fatal(err)
		}
		if got := Choose(r, keys(row.list)); got != row.want {
			t.Errorf("%s of %s: %d, want %d", row.request, row.list, got, row.want)
		}
	}
	r, _ := Parse("3.15")
	for n, want := range []bool{true, false, false, false} {
		if i := keys("cpython-3.15.0 cpython-3.15.0rc1 cpython-3.15.0+debug pypy-3.15.0")[n]; r.Asked(i) != want {
			t.Errorf("3.15 asks for %s: %t", i.Key(), !want)
		}
	}
	if !r.Asked(Interpreter{Version: New(3, 15)}) {
		t.Error("an implementation that is not known is taken for another")
	}
}

func TestNames(t *testing.T) {
	rows := []struct{ request, want string }{
		{"default", "python python3"}, {"any", "python python3 cpython cpython3 pypy pypy3 graalpy graalpy3 pyodide pyodide3"},
		{"3", "python3 python"}, {">=3.12", "python3 python"}, {"3.12", "python3.12 python3 python"}, {"3.12.1", "python3.12.1 python3.12 python3 python"},
		{"3.14t", "python3.14t python3.14 python3t python3 pythont python"}, {">=3.14t", "python3t python3 pythont python"}, {"3.14+gil", "python3.14 python3 python"},
		{"3.15rc10", "python3.15rc10 python3.15 python3 python"},
		{"3.15.1rc2", "python3.15.1rc2 python3.15.1 python3.15rc2 python3.15 python3 python"},
		{"pypy3.10", "pypy3.10 pypy3 pypy python3.10 python3 python"}, {"pypy", "pypy pypy3 python python3"}, {"cpython@3.12", "cpython3.12 cpython3 cpython python3.12 python3 python"},
		{"foopython", "foopython"}, {"./python", ""}, {"linux", "python python3"},
	}
	for _, row := range rows {
		r, err := Parse(row.request)
		if got := strings.Join(Names(r), " "); err != nil || got != row.want {
			t.Errorf("%s: %q, want %q", row.request, got, row.want)
		}
	}
}

func TestMatchName(t *testing.T) {
	names := []string{"python3.5", "python3.6", "python3.12", "python3.13", "python3.13t", "python3.14", "python3.14d", "pypy.11", "pypy3.11", "python3.100", "python3", "python", "python3.t", ".11", "12"}
	rows := []struct{ request, want string }{
		{"default", "python3.6 python3.12 python3.13 python3.13t python3.14"}, {">=3.12,<3.14", "python3.12 python3.13 python3.13t"},
		{">3.13.2", "python3.13 python3.13t python3.14"}, {"<3.14.0rc2", "python3.6 python3.12 python3.13 python3.13t"}, {"4", ""}, {"3", "python3.6 python3.12 python3.13 python3.13t python3.14"},
		{"3.13", ""}, {"pypy>=3.11", "python3.12 python3.13 python3.13t python3.14 pypy.11"}, {"./x", ""}, {"latest", ""},
	}
	for _, row := range rows {
		r, err := Parse(row.request)
		var got []string
		for _, name := range names {
			if MatchName(r, name) {
				got = append(got, name)
			}
		}
		if err != nil || !slices.Equal(got, strings.Fields(row.want)) {
			t.Errorf("%s: %q, want %q", row.request, got, row.want)
		}
	}
	r, _ := Parse("<3.14.0rc2")
	if MatchName(r, "python3.13"); r.Matches(Interpreter{Version: Version{3, 14, 0, 3, "rc", 1}}) != Yes {
		t.Error("the request itself has lost its prerelease")
	}
}

func TestFromName(t *testing.T) {
	rows := []struct{ name, text, yes, no string }{ // requests that overlap, and that do not
		{"python", "default", "3.13t pypy 3.9 any", ""},
		{"python3", "3", "3.13t pypy >=3.9 3.15a1", "4 >=4"},
		{"python3.13", "3.13", "3.13t 3.13 3.13.7 3.13d pypy3.13 >=3.12 3.13a1", "3.14 3.12 <3.13 pypy3.12"},
		{"python3.14t", "3.14t", "3.14t 3.14 3.14td", "3.13t 3.14+gil"},
		{"pypy", "pypy", "pypy3.10 3.10 any", "cpython cpython@3.10"},
		{"pypy3", "pypy3", "pypy3.10", "cpython3.10"},
		{"pypy3.10", "pypy3.10", "pypy 3.10 pypy3.10.1", "pypy3.11 cpython3.10 3.11"},
		{"python3.9", "3.9", "3.9", "3.90"},
	}
	for _, row := range rows {
		c, ok := FromName(row.name)
		if !ok || c.String() != row.text {
			t.Errorf("%s: %q, %t", row.name, c.String(), ok)
		}
		for n, list := range []string{row.yes, row.no} {
			for text := range strings.FieldsSeq(list) {
				r, err := Parse(text)
				if err != nil || Overlap(c, r) != (n == 0) || Overlap(r, c) != (n == 0) {
					t.Errorf("%s and %s: %t, %v", row.name, text, n != 0, err)
				}
			}
		}
	}
	for _, name := range strings.Split("|python2|python4|python3.|python3.x|python3.123|python3.14d|python3.12.1|python3.012|python3.09|pythont|python3t|pypy2|pypy3.10t|pypyx|cpython|graalpy|uv|python-3|python.12|Python|python3.1 |xpython|python3.t", "|") {
		if c, ok := FromName(name); ok {
			t.Errorf("%q: %q", name, c.String())
		}
	}
	c, _ := FromName("python3.13")
	if i := (Interpreter{Impl: "cpython", Version: New(3, 13, 1), Variant: "freethreaded"}); c.Matches(i) != Yes {
		t.Error("python3.13 is in an environment of 3.13t")
	}
}

func TestOverlap(t *testing.T) {
	rows := []struct {
		a, b string
		want bool
	}{
		{"3.12", ">=3.11,<3.13", true}, {"3.12", "3.13", false}, {"pypy", "cpython@3.12", false}, {"3.12", "3.12.4", true}, {"3.12.3", "3.12.4", false},
		{"3.13", "3.13t", false}, {"3.14", "3.14t", true}, {"3.14+gil", "3.14t", false}, {"3t", "3", true}, {"3t", "<3.14", false}, {"3t", "<3.14.1", true}, {"3.14d", "3.14t", true}, {"3.14+gil+debug", "3.14d", true},
		{"default", "3.13t", false}, {"default", "3.14t", true}, {"any", "3.13t", true}, {"default", "pypy", true}, {"3.12", "pypy3.12", true},
		{"3.15", "3.15a1", true}, {"3.15.0", "3.15a1", false}, {"3.15a1", "3.15a2", false}, {"3.15a1", ">=3.15", true}, {"3.15a1", "<3.15", false}, {"3.15a1", "3.15.1a1", true}, {"3.15a1", ">=3.15.1", true}, {"3.15a1", ">3.15a1,<3.15.0", false},
		{">=3.12,<3.13", ">=3.13", false}, {">=3.12,<=3.13", ">=3.13", true}, {"<3.6", "3", true}, {"<3", "3", false}, {">3.12.4", "<3.12.5", false}, {">3.12.4", "<=3.12.5", true}, {">=3.12.4", "<3.12.5", true},
		{"!=3.12.*", "3.12", false}, {"!=3.12.4", "3.12.4", false}, {"!=3.12.4", "3.12", true}, {"==3.12.*", "~=3.12.7", true}, {"==3.12.*", "~=3.13.0", false}, {"~=3.12", "4", false}, {"~=3.12", "3.99", true},
		{">=3.14,!=3.14.*", "<3.15", false}, {">=3.14,!=3.14.*", "<3.15.1", true}, {">=3.255", "!=3.255.*", true}, {">=3.255.255", "<4,!=3.255.255", false}, {">255.255.255", "any", true}, {">255.255.255", "default", false}, {">3.99", ">=3.13", true},
		{">3.12.4", "<3.12.6", true}, {">=3,!=3.*", "<4.0.1", true}, {">=255.0", ">=254.9", true}, {">3.15a1,<3.15b0", "default", true},
		{">3.15rc1", "<3.15", false}, {">=3.15a5,<3.15b1", ">=3.15a9", true}, {">=3.15a5,<3.15b1", ">=3.15b1", false},
		{"linux", "macos", false}, {"linux-x86_64", "linux", true}, {"x86_64", "aarch64", false}, {"gnu", "musl", false}, {"cpython-3.13-linux", "3.13", true}, {"cpython-3.13-linux", "3.12", false}, {"emscripten", "linux", true},
		{"./x", "3.12", true}, {"latest", "3.12", true}, {".", "pypy", true}, {">=1!3", "3", false}, {"<1!3", "3.12", true}, {"<3", "default", true}, {">3.15a1,<3.15a3", "default", true}, {">=3.15a5,<3.15rc1", ">3.15a7,<3.16", true},
	}
	for _, row := range rows {
		a, errA := Parse(row.a)
		b, errB := Parse(row.b)
		if errA != nil || errB != nil || Overlap(a, b) != row.want || Overlap(b, a) != row.want {
			t.Errorf("%s and %s: want %t", row.a, row.b, row.want)
		}
	}
}

func TestLines(t *testing.T) {
	rows := []struct{ data, want, first string }{ // want: number, text, problem?, skipped?
		{"3.12\n3.13", "1 3.12; 2 3.13", "3.12"},
		{"# x\r\n\r\n  3.12\t\r\n", "3 3.12", "3.12"},
		{"3.12 # x\nsystem\n3.13", "1 3.12 # x!s; 2 system!s; 3 3.13", "3.13"},
		{"\ufeff3.12", "1 \ufeff3.12!s", ""},
		{"2.7\n3.12", "1 2.7!; 2 3.12", "2.7"},
		{"./python\n3.12", "1 ./python; 2 3.12", "./python"},
		{"", "", ""}, {"\n#\n", "", ""}, {"default", "1 default", "default"},
		{"3.12\n\xff\n", "2 !", ""}, {"\xff", "1 !", ""},
		{strings.Repeat("#", MaxFile) + "\n3.12", "1 !", ""}, {strings.Repeat("#", MaxFile-5) + "\n3.12", "2 3.12", "3.12"},
	}
	for _, row := range rows {
		var got []string
		lines := Lines([]byte(row.data))
		for _, line := range lines {
			if line.Problem == "" && line.Request.String() != line.Text {
				t.Errorf("%.30q: request %q of line %q", row.data, line.Request, line.Text)
			}
			text := string(rune('0'+line.Number)) + " " + line.Text
			if line.Problem != "" {
				text += "!"
			}
			if line.Skipped {
				text += "s"
			}
			got = append(got, text)
		}
		first, ok := First(lines)
		if strings.Join(got, "; ") != row.want || first.Text != row.first || ok != (strings.ReplaceAll(row.want, "!s", "") != "" && row.data != "\ufeff3.12") {
			t.Errorf("%.30q: %q, first %q", row.data, got, first.Text)
		}
	}
}
