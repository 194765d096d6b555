package version

import (
	"strings"
	"testing"
)

func TestParseVersion(t *testing.T) {
	rows := []struct{ text, want string }{ // no want: an error
		{"3", "3"}, {"3.12", "3.12"}, {"3.12.1", "3.12.1"}, {"3.15.0a1", "3.15.0a1"},
		{"3.15a10", "3.15.0a10"}, {strings.Repeat("0", 1023) + "3", "3"}, {strings.Repeat("0", 1024) + "3", ""},
		{"3.15a1", "3.15.0a1"}, {"v3.15-Alpha.1", "3.15.0a1"}, {"3.15b", "3.15.0b0"}, {"3.15c2", "3.15.0rc2"}, {"3.15preview2", "3.15.0rc2"},
		{"03.012", "3.12"}, {" 3.12\t", "3.12"}, {"255.255.255", "255.255.255"},
		{"", ""}, {"x", ""}, {"3.", ""}, {"3.x", ""}, {"3.256", ""}, {"3rc1", ""}, {"3.12.1.1", ""}, {"3.12.post1", ""}, {"3.12.dev1", ""},
		{"3.12+x", ""}, {"1!3.12", ""}, {"3.12.*", ""}, {"3.99999999999999999999", ""}, {"3.15a99999999999999999999", ""}, {strings.Repeat("3", 4000), ""},
	}
	for _, row := range rows {
		v, err := ParseVersion(row.text)
		if v.String() != row.want || (err != nil) != (row.want == "") {
			t.Errorf("%.40q: %v, %v; want %q", row.text, v, err, row.want)
		}
	}
	if v, _ := ParseVersion("3.12"); v != New(3, 12) || v.Parts != 2 {
		t.Errorf("3.12 is %+v", v)
	}
}

// Each is before the next (PEP 440, summary of permitted suffixes and relative ordering).
func TestVersion_Compare(t *testing.T) {
	texts := strings.Fields("2.7 3 3.9.1 3.10 3.12.2 3.12.10 3.15.0a1 3.15.0a2 3.15.0a10 3.15.0b1 3.15.0rc1 3.15.0 3.15.1a1 3.15.1")
	for a, left := range texts {
		for b, right := range texts {
			v, err := ParseVersion(left)
			if err != nil {
				t.Fatal(err)
			}
			w, _ := ParseVersion(right)
			want := 0
			switch {
			case a < b:
				want = -1
			case a > b:
				want = 1
			}
			if got := v.Compare(w); got != want {
				t.Errorf("%s against %s: %d, want %d", left, right, got, want)
			}
		}
	}
	if New(3, 12).Compare(New(3, 12, 0)) != 0 {
		t.Error("an unknown patch counts as 0")
	}
}

func TestPEP_compare(t *testing.T) {
	texts := strings.Fields("1.dev0 1.0.dev456 1.0a0.dev1 1.0a1 1.0a2.dev456 1.0a12.dev456 1.0a12 1.0a12.post0 1.0a12.post1 1.0b1.dev456 1.0b2 1.0b2.post345.dev456 1.0b2.post345" +
		" 1.0rc1.dev456 1.0rc1 1.0 1.0+abc 1.0.post456.dev34 1.0.post456 1.0.1.dev1 1.1.dev1 1.1 1!0.1")
	for n := range texts[1:] {
		a, okA := parsePEP(texts[n])
		b, okB := parsePEP(texts[n+1])
		if !okA || !okB || a.compare(b) != -1 || b.compare(a) != 1 || a.compare(a) != 0 {
			t.Errorf("%s does not come before %s", texts[n], texts[n+1])
		}
	}
}

// Spellings and their normal form (PEP 440, normalization).
func TestPEP_String(t *testing.T) {
	for _, row := range [][2]string{
		{"v1.0", "1.0"}, {"11!02.3", "11!2.3"}, {"1.0beta2", "1.0b2"}, {"1.0.b", "1.0b0"}, {"1.0a9", "1.0a9"}, {"1.0a.post1", "1.0a0.post1"},
		{"1.0-0", "1.0.post0"}, {"1.0-9", "1.0.post9"}, {"1.0.post", "1.0.post0"}, {"1.0_rev-12", "1.0.post12"}, {"1.0r2", "1.0.post2"},
		{"1.0-dev-11", "1.0.dev11"}, {"1.0a10.post11.dev12+AZ.az_09-z0", "1.0a10.post11.dev12+az.az.09.z0"},
		{"1!", ""}, {"1!x", ""}, {"1.x", ""}, {"1.0-", ""}, {"1.0--1", ""}, {"1.0--r1", ""}, {"1.0.post1.post2", ""}, {"1.18446744073709551615", ""},
		{"1.0+", ""}, {"1.0+a..b", ""}, {"1.0+/", ""}, {"1.0+:", ""}, {"1.0+@", ""}, {"1.0+[", ""}, {"1.0+`", ""}, {"1.0+{", ""},
	} {
		p, ok := parsePEP(row[0])
		if ok != (row[1] != "") || ok && p.String() != row[1] {
			t.Errorf("%s: %s, %t; want %q", row[0], p, ok, row[1])
		}
	}
}

func TestKey(t *testing.T) {
	rows := []struct {
		name             string
		want             Interpreter
		key, link, start string // of the interpreter; no key: the name
	}{
		{"cpython-3.14.1-linux-x86_64-gnu", Interpreter{"cpython", New(3, 14, 1), "", "linux", "x86_64", "gnu"}, "", "cpython-3.14-linux-x86_64-gnu", "python3.14"},
		{"cpython-3.14.1+freethreaded-linux-x86_64-gnu", Interpreter{"cpython", New(3, 14, 1), "freethreaded", "linux", "x86_64", "gnu"}, "", "cpython-3.14+freethreaded-linux-x86_64-gnu", "python3.14t"},
		{"cpython-3.14.1+debug-linux-x86_64-gnu", Interpreter{"cpython", New(3, 14, 1), "debug", "linux", "x86_64", "gnu"}, "", "cpython-3.14+debug-linux-x86_64-gnu", "python3.14d"},
		{"cpython-3.14.1+freethreaded+debug-linux-x86_64-gnu", Interpreter{"cpython", New(3, 14, 1), "freethreaded+debug", "linux", "x86_64", "gnu"}, "", "cpython-3.14+freethreaded+debug-linux-x86_64-gnu", "python3.14td"},
		{"cpython-3.15.0a1-linux-aarch64-musl", Interpreter{"cpython", Version{3, 15, 0, 3, "a", 1}, "", "linux", "aarch64", "musl"}, "", "cpython-3.15-linux-aarch64-musl", "python3.15"},
		{"cpython-3.13.1-linux-x86_64_v3-gnu", Interpreter{"cpython", New(3, 13, 1), "", "linux", "x86_64_v3", "gnu"}, "", "cpython-3.13-linux-x86_64_v3-gnu", "python3.13"},
		{"cpython-3.13.1-macos-aarch64-none", Interpreter{"cpython", New(3, 13, 1), "", "macos", "aarch64", "none"}, "", "cpython-3.13-macos-aarch64-none", "python3.13"},
		{"cpython-3.14-linux-x86_64-gnu", Interpreter{"cpython", New(3, 14), "", "linux", "x86_64", "gnu"}, "", "cpython-3.14-linux-x86_64-gnu", "python3.14"},
		{"pypy-3.11.13-linux-x86_64-gnu", Interpreter{"pypy", New(3, 11, 13), "", "linux", "x86_64", "gnu"}, "", "", "pypy3.11"},
		{"graalpy-3.12.0-linux-x86_64-gnu", Interpreter{"graalpy", New(3, 12, 0), "", "linux", "x86_64", "gnu"}, "", "", "graalpy"},
		{"pyodide-3.13.2-emscripten-wasm32-musl", Interpreter{"pyodide", New(3, 13, 2), "", "emscripten", "wasm32", "musl"}, "", "", "python"},
		{"cpython-3.13.2-emscripten-wasm32-musl", Interpreter{"pyodide", New(3, 13, 2), "", "emscripten", "wasm32", "musl"}, "pyodide-3.13.2-emscripten-wasm32-musl", "", "python"},
		{"CP-v3.14.1.post2+td-darwin21-arm64-none", Interpreter{"cpython", New(3, 14, 1), "freethreaded+debug", "macos", "aarch64", "none"}, "cpython-3.14.1+freethreaded+debug-macos-aarch64-none", "cpython-3.14+freethreaded+debug-macos-aarch64-none", "python3.14td"},
		{"cpython-3.14.1+gil-linux-i686-gnu", Interpreter{"cpython", New(3, 14, 1), "", "linux", "x86", "gnu"}, "cpython-3.14.1-linux-x86-gnu", "cpython-3.14-linux-x86-gnu", "python3.14"},
		{"cpython-3-linux-x86_64-gnu", Interpreter{"cpython", New(3), "", "linux", "x86_64", "gnu"}, "", "", ""},
		{"cpython-3.13.1-macosx13-aarch64-none", Interpreter{"cpython", New(3, 13, 1), "", "macosx13.0.0", "aarch64", "none"}, "cpython-3.13.1-macosx13.0.0-aarch64-none", "cpython-3.13-macosx13.0.0-aarch64-none", "python3.13"},
		{"cpython-3.13.1-ios17.04.14-aarch64-none", Interpreter{"cpython", New(3, 13, 1), "", "ios17.4.14", "aarch64", "none"}, "cpython-3.13.1-ios17.4.14-aarch64-none", "cpython-3.13-ios17.4.14-aarch64-none", "python3.13"},
		{"cpython-3.13.1-ios65535.255.255-aarch64-none", Interpreter{"cpython", New(3, 13, 1), "", "ios65535.255.255", "aarch64", "none"}, "cpython-3.13.1-ios65535.255.255-aarch64-none", "cpython-3.13-ios65535.255.255-aarch64-none", "python3.13"},
		{"cpython-3.13.1-ios-aarch64-none", Interpreter{"cpython", New(3, 13, 1), "", "ios", "aarch64", "none"}, "cpython-3.13.1-ios-aarch64-none", "cpython-3.13-ios-aarch64-none", "python3.13"},
		{"cpython-3.13.1-darwin21.1-aarch64-none", Interpreter{"cpython", New(3, 13, 1), "", "macos", "aarch64", "none"}, "cpython-3.13.1-macos-aarch64-none", "cpython-3.13-macos-aarch64-none", "python3.13"},
		{"pypy-3-linux-x86_64-gnu", Interpreter{"pypy", New(3), "", "linux", "x86_64", "gnu"}, "", "", ""},
		{"graalpy-3-linux-x86_64-gnu", Interpreter{"graalpy", New(3), "", "linux", "x86_64", "gnu"}, "", "", "graalpy"},
		{"cpython-3.14.1.2-linux-x86_64-gnu", Interpreter{"cpython", New(3, 14, 1), "", "linux", "x86_64", "gnu"}, "cpython-3.14.1-linux-x86_64-gnu", "cpython-3.14-linux-x86_64-gnu", "python3.14"},
		{"cpython-3.15a1-linux-x86_64-gnu", Interpreter{"cpython", Version{3, 15, 0, 3, "a", 1}, "", "linux", "x86_64", "gnu"}, "cpython-3.15.0a1-linux-x86_64-gnu", "cpython-3.15-linux-x86_64-gnu", "python3.15"},
		{"cpython-3.255.255-linux-x86_64-gnu", Interpreter{"cpython", New(3, 255, 255), "", "linux", "x86_64", "gnu"}, "", "cpython-3.255-linux-x86_64-gnu", "python3.255"},
	}
	for _, row := range rows {
		i, err := ParseKey(row.name)
		if err != nil || i != row.want {
			t.Errorf("%s: %+v, %v; want %+v", row.name, i, err, row.want)
			continue
		}
		key := row.key
		if key == "" {
			key = row.name
		}
		if i.Key() != key || i.MinorLink() != row.link || i.Executable() != row.start {
			t.Errorf("%s: key %q, link %q, executable %q", row.name, i.Key(), i.MinorLink(), i.Executable())
		}
	}
	for _, name := range []string{"", "x", ".temp", ".cpython-3.14.1-linux-x86_64-gnu", "cpython-3.14.1-linux-x86_64", "cpython-3.14.1-linux-x86_64-gnu-x",
		"jython-3.14.1-linux-x86_64-gnu", "cpython-3.x-linux-x86_64-gnu", "cpython-3.14.1+x-linux-x86_64-gnu", "cpython-3.256.0-linux-x86_64-gnu",
		"cpython-3.14.1-linux-x86_64-glibc", "cpython-3.14.1-Linux-x86_64-gnu", "cpython-3.14.1-linux-amd64-gnu", "cpython-3.14.1- linux -x86_64-gnu",
		"cpython-3.14.1-linux -x86_64-gnu", "cpython-3.14.1-macosx1.2.3.4-x86_64-none", strings.Repeat("-", 5000),
		"cpython-3.14.1-linu-x86_64-gnu", "cpython-3.14.1-inux-x86_64-gnu", "cpython-3.14.1-linux-x86_6-gnu", "cpython-3.14.1-linux-x86_64-gn",
		"cpython-3.14.1-ios65536-aarch64-none", "cpython-3.14.1-ios17.256-aarch64-none", "cpython-3.14.1-ios17.-aarch64-none",
		"cpython-1!3.14.1-linux-x86_64-gnu", "cpython-3.14.1.dev1-linux-x86_64-gnu", long(1025)} {
		if i, err := ParseKey(name); err == nil {
			t.Errorf("%.60q is read as %+v", name, i)
		}
	}
	if i, err := ParseKey(long(1024)); err != nil || i.Key() != "cpython-3.14.1-linux-x86_64-gnu" {
		t.Errorf("a name of 1024 bytes: %+v, %v", i, err)
	}
	if got := (Interpreter{}).Executable(); got != "" {
		t.Errorf("executable of nothing known: %q", got)
	}
}

// long returns a key of that many bytes.
func long(bytes int) string {
	const start, end = "cpython-", "3.14.1-linux-x86_64-gnu"
	return start + strings.Repeat("0", bytes-len(start+end)) + end
}

func TestOrder(t *testing.T) {
	names := strings.Fields("cpython-3.15.0a1-linux-x86_64-gnu cpython-3.14.1+freethreaded-linux-x86_64-gnu cpython-3.14.0-linux-x86_64-gnu" +
		" cpython-3.14.0-linux-x86_64-musl cpython-3.14.0-linux-x86_64_v2-gnu cpython-3.14.0-linux-x86_64_v3-gnu cpython-3.13.1-linux-x86_64-gnu cpython-3.13.1+debug-linux-x86_64-gnu" +
		" cpython-3.13.1+freethreaded-linux-x86_64-gnu cpython-3.13.1+freethreaded+debug-linux-x86_64-gnu cpython-3.13.1-linux-s390x-gnu cpython-3.13.1-macos-s390x-none" +
		" pypy-3.16.0-linux-x86_64-gnu graalpy-3.17.0-linux-x86_64-gnu pyodide-3.18.0-emscripten-wasm32-musl")
	for a := range names {
		for b := range names {
			left, err := ParseKey(names[a])
			if err != nil {
				t.Fatal(err)
			}
			right, _ := ParseKey(names[b])
			if got := Order(left, right); got < 0 != (a < b) || got > 0 != (a > b) {
				t.Errorf("%s against %s: %d", names[a], names[b], got)
			}
		}
	}
}
