package lock

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const example = `version = 1

[uv]
path = "/run/current-system/sw/bin/uv"
version = "0.13.9"

[nix-ld]
loader = "/nix/store/abc-nix-ld-2.0.6/libexec/nix-ld"
libraries = ["/nix/store/abc-nix-ld-libraries/share/nix-ld/lib"]
glibc = "2.42"

[[python]]
path = "/usr/bin/python3.11"
version = "3.11.2"
first-used = 2026-11-20
last-used = 2026-11-21

[[python]]
key = "cpython-3.14.1-linux-x86_64-gnu"
build = "20260814"
request = "3.14"
declared = true
first-used = 2026-11-22
last-used = 2026-11-22

[[tool]]
name = "ruff"
request = "ruff"
version = "0.14.3"
python = "3.14"
resolved = ["ruff==0.14.3"]
recorded = 2026-11-22

[[project]]
path = "/home/user/src/demo"
python = "cpython-3.14.1-linux-x86_64-gnu"
needs = ["libstdc++.so.6", "libz.so.1"]
missing = ["libstdc++.so.6"]
last-used = 2026-11-22

[[project]]
path = "/home/user/src/pure"
python = "/usr/bin/python3.11"
needs = []
last-used = 2026-11-21

[[change]]
id = "01K00000000000000000000000"
time = 2026-11-22T10:31:07.412Z
directory = "/home/user/src/demo"
argv = ["uv", "python", "install", "3.12"]
exit = 0
`

func exampleLock() Lock {
	const key = "cpython-3.14.1-linux-x86_64-gnu"
	return Lock{
		UV: &UV{Path: "/run/current-system/sw/bin/uv", Version: "0.13.9"},
		NixLD: &NixLD{Loader: "/nix/store/abc-nix-ld-2.0.6/libexec/nix-ld",
			Libraries: []string{"/nix/store/abc-nix-ld-libraries/share/nix-ld/lib"}, Glibc: "2.42"},
		Python: []Python{
			{Path: "/usr/bin/python3.11", Version: "3.11.2", FirstUsed: "2026-11-20", LastUsed: "2026-11-21"},
			{Key: key, Build: "20260814", Request: "3.14", Declared: true, FirstUsed: "2026-11-22", LastUsed: "2026-11-22"},
		},
		Tool: []Tool{{Name: "ruff", Request: "ruff", Version: "0.14.3", Python: "3.14", Resolved: []string{"ruff==0.14.3"}, Recorded: "2026-11-22"}},
		Project: []Project{
			{Path: "/home/user/src/demo", Python: key, Needs: []string{"libstdc++.so.6", "libz.so.1"}, Missing: []string{"libstdc++.so.6"}, LastUsed: "2026-11-22"},
			{Path: "/home/user/src/pure", Python: "/usr/bin/python3.11", Needs: []string{}, LastUsed: "2026-11-21"},
		},
		Change: []Change{{ID: "01K00000000000000000000000", Time: time.Date(2026, 11, 22, 10, 31, 7, 412e6, time.UTC),
			Directory: "/home/user/src/demo", Argv: []string{"uv", "python", "install", "3.12"}}},
	}
}

func TestEncode(t *testing.T) {
	l := exampleLock()
	if got := string(Encode(l)); got != example {
		t.Errorf("got\n%s", got)
	}
	slices.Reverse(l.Python)
	slices.Reverse(l.Project)
	if got := string(Encode(l)); got != example {
		t.Errorf("in another order, got\n%s", got)
	}
	if l.Project[0].Path != "/home/user/src/pure" {
		t.Error("Encode sorted the caller's list")
	}
	l.Python, l.Tool = []Python{{Key: "b"}, {Key: "a"}}, []Tool{{Name: "b"}, {Name: "a"}}
	Encode(l)
	if l.Python[0].Key != "b" || l.Tool[0].Name != "b" {
		t.Error("Encode sorted the caller's lists")
	}
}

func TestDecode(t *testing.T) {
	l, err := Decode([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if want := exampleLock(); !reflect.DeepEqual(l, want) {
		t.Errorf("got  %+v\nwant %+v", l, want)
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"version_missing", "", "version"},
		{"version_text", `version = "1"`, "version"},
		{"version_zero", "version = 0", "version"},
		{"version_newer", "version = 2\nproject = 3", "does not know"},
		{"toml_broken", "version = 1\n[", "toml"},
		{"python_number", "version = 1\n[[python]]\nkey = 3", "key is not a string"},
		{"python_table", "version = 1\n[python]\nkey = 'a'", "python is not"},
		{"python_nameless", "version = 1\n[[python]]\nbuild = 'a'", "without key"},
		{"tool_nameless", "version = 1\n[[tool]]\nversion = 'a'", "without name"},
		{"project_halved", "version = 1\n[[project]]\npath = '/a'", "without path or python"},
		{"change_nameless", "version = 1\n[[change]]\nexit = 0", "without id"},
		{"uv_list", "version = 1\nuv = []", "uv is not a table"},
		{"list_numbers", "version = 1\n[nix-ld]\nlibraries = [1]", "list of strings"},
		{"day_time", "version = 1\n[[tool]]\nname = 'a'\nrecorded = 2026-11-22T00:00:00Z", "not a date"},
		{"day_text", "version = 1\n[[tool]]\nname = 'a'\nrecorded = '2026-11-22'", "not a date"},
		{"time_before", "version = 1\n[[change]]\nid = 'a'\ntime = 0000-01-01T00:00:00+23:00", "era"},
		{"arrays_deep", "version = 1\na = " + strings.Repeat("[", 1e6), "nested"},
		{"tables_deep", "version = 1\na = " + strings.Repeat("{a=", 1e6), "nested"},
		{"names_long", "version = 1\na" + strings.Repeat(".a", 1e6) + " = 1", "nested"},
		{"head_long", "version = 1\n[a" + strings.Repeat(".a", 1e6) + "]", "nested"},
		{"deep_after_string", `version = 1` + "\n" + `a = "\"['''" # '` + "\nb = " + strings.Repeat("[", 1e6), "nested"},
		{"deep_after_triple", "version = 1\na = '''x'''''\nb = " + strings.Repeat("[", 1e6), "nested"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Decode([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			if newer := new(NewerError); errors.As(err, &newer) != (tt.name == "version_newer") {
				t.Errorf("is a NewerError: %v", err)
			}
		})
	}
}

func TestDecodeBrackets(t *testing.T) {
	l := Lock{Project: []Project{{Path: strings.Repeat(`["'.{#`, 100), Python: "x"}}}
	back, err := Decode(Encode(l))
	if err != nil || !reflect.DeepEqual(back, l) {
		t.Errorf("brackets in a path count as nesting: %v", err)
	}
}

// Keys of a slightly newer shim stay.
func TestUnknownKeys(t *testing.T) {
	const text = `version = 1
"a b" = 1.5
cuda = {driver = "5%0", list = [{a = 1}, {a = 2}]}
when = [2026-11-22, 10:31:07, 2026-11-22T10:31:07, 2026-11-22T10:31:07.5+02:00]
whole = [1.0, 1e+30, +inf, -inf, nan, true, -3, 1234, [[[[[[[]]]]]]]]

[[project]]
path = "/a"
python = "x"
last-used = 2026-11-22
colour = "green"
`
	l, err := Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	m := newMerger(l)
	m.add(Lock{Project: []Project{{Path: "/a", Python: "x", LastUsed: "2026-11-23"}}})
	want := strings.Replace(text, "2026-11-22\ncolour", "2026-11-23\ncolour", 1)
	if got := string(Encode(*m.lock)); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestMerge(t *testing.T) {
	python := func(p Python) Lock { return Lock{Python: []Python{p}} }
	project := func(p Project) Lock { p.Path, p.Python = "/p", "k"; return Lock{Project: []Project{p}} }
	tool := func(t Tool) Lock { t.Name = "ruff"; return Lock{Tool: []Tool{t}} }
	for _, tt := range []struct {
		name           string
		old, now, want Lock
	}{
		{"python_forward", python(Python{Key: "k", FirstUsed: "2026-01-02", LastUsed: "2026-01-03"}),
			python(Python{Key: "k", FirstUsed: "2026-01-04", LastUsed: "2026-01-04"}),
			python(Python{Key: "k", FirstUsed: "2026-01-02", LastUsed: "2026-01-04"})},
		{"python_clock_back", python(Python{Key: "k", FirstUsed: "2026-01-02", LastUsed: "2026-01-03"}),
			python(Python{Key: "k", Build: "b", FirstUsed: "2025-01-04", LastUsed: "2025-01-04"}),
			python(Python{Key: "k", Build: "b", FirstUsed: "2025-01-04", LastUsed: "2026-01-03"})},
		{"python_day_unknown", python(Python{Key: "k"}), python(Python{Key: "k", FirstUsed: "2026-01-02", LastUsed: "2026-01-02"}),
			python(Python{Key: "k", FirstUsed: "2026-01-02", LastUsed: "2026-01-02"})},
		{"python_facts", python(Python{Key: "k", Build: "1", Request: "3.14", Declared: true}), python(Python{Key: "k", Build: "2"}),
			python(Python{Key: "k", Build: "2", Request: "3.14"})},
		{"python_paths", python(Python{Path: "/a", Version: "3.11.1"}), python(Python{Path: "/b", Version: "3.11.1"}),
			Lock{Python: []Python{{Path: "/a", Version: "3.11.1"}, {Path: "/b", Version: "3.11.1"}}}},
		{"project_unscanned", project(Project{Needs: []string{"a"}, Missing: []string{}, LastUsed: "2026-01-02"}), project(Project{LastUsed: "2026-01-01"}),
			project(Project{Needs: []string{"a"}, Missing: []string{}, LastUsed: "2026-01-02"})},
		{"project_cured", project(Project{Needs: []string{"a"}, Missing: []string{"a"}}), project(Project{Needs: []string{"b", "a", "b"}, Missing: []string{}}),
			project(Project{Needs: []string{"a", "b"}, Missing: []string{}})},
		{"tool_upgraded", tool(Tool{Request: "ruff>0", Version: "1", Resolved: []string{"ruff==1"}, Recorded: "2026-01-02"}), tool(Tool{Version: "2", Recorded: "2026-01-01"}),
			tool(Tool{Request: "ruff>0", Version: "2", Recorded: "2026-01-02"})},
		{"tool_again", tool(Tool{Version: "1", Resolved: []string{"ruff==1"}}), tool(Tool{Version: "1", Python: "3.14"}),
			tool(Tool{Version: "1", Python: "3.14", Resolved: []string{"ruff==1"}})},
		{"uv_replaced", Lock{UV: &UV{Path: "/a", Version: "1"}}, Lock{UV: &UV{Path: "/b"}}, Lock{UV: &UV{Path: "/b"}}},
		{"nixld_kept", Lock{NixLD: &NixLD{Loader: "/a"}}, Lock{}, Lock{NixLD: &NixLD{Loader: "/a"}}},
		{"python_path_of_a_key", python(Python{Key: "k", Path: "/a", Version: "3.14.1"}), python(Python{Key: "k"}), python(Python{Key: "k", Path: "/a", Version: "3.14.1"})},
		{"tool_without_version", tool(Tool{Version: "1", Resolved: []string{"ruff==1"}}), tool(Tool{Python: "3.14"}),
			tool(Tool{Version: "1", Python: "3.14", Resolved: []string{"ruff==1"}})},
		{"tool_resolved_is_sorted", tool(Tool{Version: "1"}), tool(Tool{Version: "1", Resolved: []string{"b==1", "a==1", "b==1"}}),
			tool(Tool{Version: "1", Resolved: []string{"a==1", "b==1"}})},
		{"unknown_keys_of_uv", Lock{UV: &UV{Path: "/a", extra: table{"x": 1, "y": 1}}}, Lock{UV: &UV{Path: "/a", extra: table{"y": 2}}},
			Lock{UV: &UV{Path: "/a", extra: table{"x": 1, "y": 2}}}},
		{"unknown_keys_of_nixld", Lock{NixLD: &NixLD{extra: table{"x": 1}}}, Lock{NixLD: &NixLD{Loader: "/a"}}, Lock{NixLD: &NixLD{Loader: "/a", extra: table{"x": 1}}}},
		{"unknown_keys_of_python", python(Python{Key: "k", extra: table{"x": 1}}), python(Python{Key: "k"}), python(Python{Key: "k", extra: table{"x": 1}})},
		{"unknown_keys_of_tool", tool(Tool{extra: table{"x": 1}}), tool(Tool{}), tool(Tool{extra: table{"x": 1}})},
		{"change_twice", Lock{Change: []Change{{ID: "1", Exit: 3}}}, Lock{Change: []Change{{ID: "1", Exit: 3}}}, Lock{Change: []Change{{ID: "1", Exit: 3}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMerger(tt.old)
			for range 2 { // a second time changes nothing
				m.add(tt.now)
				if !reflect.DeepEqual(*m.lock, tt.want) {
					t.Errorf("got  %+v\nwant %+v", *m.lock, tt.want)
				}
			}
		})
	}
}

func TestRemove(t *testing.T) {
	m := newMerger(Lock{Tool: []Tool{{Name: "a"}, {Name: "b"}}, Python: []Python{{Key: "k"}, {Path: "/p"}}})
	m.remove([]string{"a"}, []string{Python{Key: "k"}.ID()})
	m.add(Lock{Tool: []Tool{{Name: "b", Version: "1"}}, Python: []Python{{Path: "/p", Build: "2"}}})
	if want := (Lock{Tool: []Tool{{Name: "b", Version: "1"}}, Python: []Python{{Path: "/p", Build: "2"}}}); !reflect.DeepEqual(*m.lock, want) {
		t.Errorf("got  %+v\nwant %+v", *m.lock, want)
	}
}

func TestChangesCapped(t *testing.T) {
	var l Lock
	for i := range maxChanges + 10 {
		l.Change = append(l.Change, Change{ID: strings.Repeat("0", 5) + string(rune('a'+i/26)) + string(rune('a'+i%26))})
	}
	slices.Reverse(l.Change)
	oldest := l.Change[maxChanges-1].ID
	l.normal()
	if len(l.Change) != maxChanges || l.Change[0].ID != oldest {
		t.Errorf("%d changes from %s, want %d from %s", len(l.Change), l.Change[0].ID, maxChanges, oldest)
	}
}

func TestDrop(t *testing.T) {
	now := time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC)
	there := t.TempDir()
	file := filepath.Join(there, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(there, "gone")
	for _, tt := range []struct {
		name, path string
		day        Day
		dropped    bool
	}{
		{"gone_long", gone, DayOf(now.AddDate(0, 0, -91)), true},
		{"gone_unknown", gone, "", true},
		{"gone_lately", gone, DayOf(now.AddDate(0, 0, -90)), false},
		{"there_long", there, "2020-01-01", false},
		{"below_file", filepath.Join(file, "x"), "2020-01-01", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := Lock{Project: []Project{{Path: "/", Python: "k"}, {Path: tt.path, Python: "k", LastUsed: tt.day}}}
			dropped := l.Drop(now, Gone)
			if (len(dropped) == 1) != tt.dropped || len(l.Project)+len(dropped) != 2 {
				t.Errorf("dropped %+v, left %+v", dropped, l.Project)
			}
		})
	}
}

func TestExport(t *testing.T) {
	l := exampleLock()
	l.Python = append(l.Python,
		Python{Key: "cpython-3.14.1-linux-x86_64-musl", Build: "20260814"},
		Python{Key: "cpython-3.14.0+freethreaded-linux-x86_64-gnu", Request: "/home/user/py"})
	l.Tool = append(l.Tool,
		Tool{Name: "mine", Request: "./mine"}, Tool{Name: "own", Request: "own @ file:///home/user/own"},
		Tool{Name: "odd", Request: "odd @ /home/user/a://b"},
		Tool{Name: "dep", Request: "dep", Resolved: []string{"dep==1", "x @ file:///home/user/x"}},
		Tool{Name: "black", Request: "git+https://github.com/psf/black@25.1", Python: "/usr/bin/python3.11"})
	const want = `version = 1

[[python]]
version = "cpython-3.14.0+freethreaded"

[[python]]
version = "cpython-3.14.1"
build = "20260814"
request = "3.14"

[[tool]]
name = "black"
request = "git+https://github.com/psf/black@25.1"

[[tool]]
name = "ruff"
request = "ruff"
version = "0.14.3"
python = "3.14"
resolved = ["ruff==0.14.3"]
`
	got := string(Export(l))
	if got != want {
		t.Errorf("got\n%s", got)
	}
	back, err := Decode([]byte(got))
	if err != nil {
		t.Fatal(err)
	}
	if again := string(Export(back)); again != want {
		t.Errorf("the export of the export is\n%s", again)
	}
}

func TestBytes(t *testing.T) {
	for _, tt := range []struct{ name, raw, text string }{
		{"plain_ascii", "/home/user", "/home/user"},
		{"utf8_kept", "/hömë/\u65e5", "/hömë/\u65e5"},
		{"latin1_escaped", "/h\xf6me", "/h%F6me"},
		{"percent_escaped", "/100%F6", "/100%25F6"},
		{"surrogate_escaped", "\xed\xa0\x80", "%ED%A0%80"},
		{"replacement_kept", "\ufffd", "\ufffd"},
		{"control_kept", "a\x00\n\x1b", "a\x00\n\x1b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := EncodeBytes(tt.raw); got != tt.text {
				t.Errorf("EncodeBytes is %q, want %q", got, tt.text)
			}
			if got := DecodeBytes(tt.text); got != tt.raw {
				t.Errorf("DecodeBytes is %q, want %q", got, tt.raw)
			}
		})
	}
	for _, text := range []string{"100%", "%zz", "%4", "%"} {
		if got := DecodeBytes(text); got != text {
			t.Errorf("DecodeBytes(%q) is %q, want it as typed", text, got)
		}
	}
}

func TestQuote(t *testing.T) {
	got := quote("\"\\\n\t\r\x00\x1b\x7f\u0085\u202eö")
	if want := `"\"\\\n\t\u000D\u0000\u001B\u007F\u0085\u202Eö"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestID(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 31, 7, 412_345_678, time.UTC)
	a, _ := newID(at)
	b, _ := newID(at)
	c, _ := newID(at.Add(time.Nanosecond))
	if a == b || !validID(a) || !strings.HasPrefix(a, "01") {
		t.Errorf("ids %s and %s", a, b)
	}
	if c <= a || c <= b {
		t.Errorf("%s, a nanosecond later than %s, sorts before it", c, a)
	}
	if got := idTime(a); !got.Equal(at.Truncate(time.Millisecond)) {
		t.Errorf("time of %s is %s", a, got)
	}
	if past, err := newID(time.Unix(-5, 0)); err != nil || !validID(past) {
		t.Errorf("before 1970: %q, %v", past, err)
	}
	for _, id := range []string{"", a[1:], a + "0", strings.ToLower(a), strings.Replace(a, "0", "/", 1), strings.Replace(a, "0", "U", 1)} {
		if validID(id) {
			t.Errorf("%q is taken for an id", id)
		}
	}
}
