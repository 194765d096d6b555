package policy

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

const sample = `# what this machine is to have
[python]
versions = ["3.14", "3.13", "3.12"]
default = ["3.14"]
prune = true
environment = "active"
auto-install = false
undeclared = "warn"

[tool]
packages = ["ruff", "httpie", "pre-commit"]
prune = true

[nix-ld]
libraries = ["stdenv.cc.cc.lib", "zlib"]

[preflight]
loader = "strict"
libraries = "warn"
ignore = ["libmimerapi.so"]

[uv]
supervise = true

[pip]
command = "uv"
`

// all is every mistake of err, a line each.
func all(err error) string {
	var problems Problems
	if err == nil {
		return ""
	}
	if !errors.As(err, &problems) {
		return "not of type Problems: " + err.Error()
	}
	var lines []string
	for _, e := range problems {
		lines = append(lines, e.Error())
	}
	return strings.Join(lines, "\n")
}

func TestDefault(t *testing.T) {
	want := Policy{
		Python:    Python{Environment: "active", Undeclared: "warn"},
		Preflight: Preflight{Loader: "strict", Libraries: "warn"},
		UV:        UV{Supervise: true},
		Pip:       Pip{Command: "uv"},
	}
	if got := Default(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for name, files := range map[string][]File{"none": nil, "empty": {{}, {Path: "p", Data: []byte("# nothing\n")}}} {
		if got, err := Load(files...); err != nil || !reflect.DeepEqual(got.Policy, want) {
			t.Errorf("%s: got %+v, %v", name, got.Policy, err)
		}
	}
}

func TestLoad_requests(t *testing.T) {
	const text = `[python]
versions = ["3", "3.14", "3.14t", "3.14.1", "3.13+freethreaded", "3.15.0a1", "python3.12", ">=3.12,<3.14", "any", "pypy",
  "pypy@3.11", "graalpy-3.11", "cpython-3.13", "cpython-3.13.1-linux-x86_64-gnu"]
default = ["3.14", "pypy", "graalpy-3.11"]
`
	if _, err := Load(File{"p", []byte(text)}); err != nil {
		t.Error(all(err))
	}
}

// Every key is set to what it is not by default.
func TestLoad_keys(t *testing.T) {
	got, err := Load(File{"policy.toml", []byte(`
[python]
versions = ["3.14", "pypy@3.11"]
default = ["3.14", "pypy@3.11"]
prune = true
environment = "project"
auto-install = true
undeclared = "deny"
[tool]
packages = ["ruff>=0.5", "git+https://example.org/x.git"]
prune = true
[nix-ld]
libraries = ["stdenv.cc.cc.lib", 'python3Packages."a.b"', "xorg.libX11", "_7zz"]
[preflight]
loader = "off"
libraries = "strict"
ignore = ["libx.so", "liby.so.1"]
[uv]
supervise = false
[pip]
command = "off"
`)})
	want := Policy{
		Python: Python{Versions: []string{"3.14", "pypy@3.11"}, Default: []string{"3.14", "pypy@3.11"}, Prune: true,
			Environment: Project, AutoInstall: true, Undeclared: DenyUndeclared},
		Tool:      Tool{Packages: []string{"ruff>=0.5", "git+https://example.org/x.git"}, Prune: true},
		NixLD:     NixLD{Libraries: []string{"stdenv.cc.cc.lib", `python3Packages."a.b"`, "xorg.libX11", "_7zz"}},
		Preflight: Preflight{Loader: Off, Libraries: Strict, Ignore: []string{"libx.so", "liby.so.1"}},
		Pip:       Pip{Command: PipOff},
	}
	if err != nil || !reflect.DeepEqual(got.Policy, want) {
		t.Errorf("got %+v\n%v\nwant %+v", got.Policy, err, want)
	}
}

func TestLoad_layers(t *testing.T) {
	system := File{"/etc/shim/policy.toml", []byte("python.versions = ['3.14', '3.13', '3.12']\npython.default = '3.13'\n" +
		"python.prune = true\npreflight.ignore = ['liba.so']\n")}
	for _, row := range []struct {
		name, user string
		edit       func(*Policy)
		source     string // of python.default
	}{
		{"user_nothing", "", func(p *Policy) {}, "/etc/shim/policy.toml 2"},
		{"user_one_key", "[python]\ndefault = ['3.12']\n", func(p *Policy) { p.Python.Default = []string{"3.12"} }, "~/policy.toml 2"},
		{"user_shorter_list", "[python]\nversions = ['3.13']\n", func(p *Policy) { p.Python.Versions = []string{"3.13"} }, "/etc/shim/policy.toml 2"},
		{"user_empty_list", "[python]\nversions = []\n", func(p *Policy) { p.Python.Versions = nil }, "/etc/shim/policy.toml 2"},
		{"user_empty_default", "[python]\n\ndefault = []\n", func(p *Policy) { p.Python.Default = nil }, "~/policy.toml 3"},
		{"user_false", "[python]\nprune = false\n", func(p *Policy) { p.Python.Prune = false }, "/etc/shim/policy.toml 2"},
	} {
		t.Run(row.name, func(t *testing.T) {
			want := Default()
			want.Python.Versions = []string{"3.14", "3.13", "3.12"}
			want.Python.Default = []string{"3.13"}
			want.Python.Prune = true
			want.Preflight.Ignore = []string{"liba.so"}
			row.edit(&want)
			got, err := Load(system, File{"~/policy.toml", []byte(row.user)})
			if err != nil || !reflect.DeepEqual(got.Policy, want) {
				t.Errorf("got %+v\n%v\nwant %+v", got.Policy, err, want)
			}
			path, line := got.Source("python.default")
			if source := fmt.Sprint(path, " ", line); source != row.source {
				t.Errorf("source is %s, want %s", source, row.source)
			}
			if path, line := got.Source("pip.command"); path != "" || line != 0 {
				t.Errorf("source of a key that no file has is %s:%d", path, line)
			}
		})
	}
}

func TestLoad_errors(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		// TOML
		{"syntax_open_list", "[python]\ndefault = [\"3.14\"\n", "p:2:18: array is incomplete"},
		{"syntax_bare_word", "[preflight]\nloader = off\n", "p:2:10: unexpected character U+006F 'o' at start of value"},
		{"syntax_patch_unquoted", "[python]\nversions = [3.14.1]\n", "p:2:17: expected ',' or ']' after array value"},
		{"syntax_after_other_mistakes", "x = 1\n[uv\n", "p:1:1: x: unknown key, and keys stand in a table such as [python]\np:2:4: expected ']' to close table name"},
		{"syntax_no_newline_at_end", "[uv", "p:1:3: expected ']' to close table name"},
		{"syntax_crlf", "[uv]\r\nsupervise = truf\r\n", `p:2:13: expected keyword "true"`},
		{"bytes_not_utf8", "[python]\ndefault = \"\xff\"\n", "p:2:12: invalid UTF-8 character in basic string"},
		{"bytes_mark", "\xef\xbb\xbf[python]\n", "p:1:1: the file begins with a byte order mark: save it without one"},

		// keys
		{"table_misspelt", "[pyhton]\ndefalut = 1\n", "p:1:2: pyhton: unknown table, did you mean [python]"},
		{"table_wrong_case", "[Python]\n", "p:1:2: Python: unknown table, did you mean [python]"},
		{"table_underscore", "[nix_ld]\n", "p:1:2: nix_ld: unknown table, did you mean [nix-ld]"},
		{"table_unknown", "[colours]\n", "p:1:2: colours: unknown table, want python, tool, nix-ld, preflight, uv or pip"},
		{"table_inline_unknown", "colours = { a = 1 }\n", "p:1:1: colours: unknown table, want python, tool, nix-ld, preflight, uv or pip"},
		{"table_dotted_unknown", "colours.a = 1\n", "p:1:1: colours: unknown table, want python, tool, nix-ld, preflight, uv or pip"},
		{"table_quoted_unknown", "[\"a.\\n\"]\n", `p:1:2: "a.\n": unknown table, want python, tool, nix-ld, preflight, uv or pip`},
		{"key_misspelt", "[python]\ndefualt = [\"3.14\"]\n", `p:2:1: python.defualt: unknown key, did you mean "default"`},
		{"key_wrong_case", "[python]\nDEFAULT = [\"3.14\"]\n", `p:2:1: python.DEFAULT: unknown key, did you mean "default"`},
		{"key_wrong_case_of_two_tables", "[preflight]\nLibraries = \"off\"\n", `p:2:1: preflight.Libraries: unknown key, did you mean "libraries"`},
		{"key_underscore", "[python]\nauto_install = true\n", `p:2:1: python.auto_install: unknown key, did you mean "auto-install"`},
		{"key_swapped_letters", "[python]\nprnue = true\n", `p:2:1: python.prnue: unknown key, did you mean "prune"`},
		{"key_nearest_of_two", "[preflight]\nloaders = \"off\"\nlibrares = \"off\"\n", "p:2:1: preflight.loaders: unknown key, did you mean \"loader\"\np:3:1: preflight.librares: unknown key, did you mean \"libraries\""},
		{"key_inline", "python = { defualt = 1, prune = true }\n", `p:1:12: python.defualt: unknown key, did you mean "default"`},
		{"key_dotted", "python.defualt = 1\n", `p:1:8: python.defualt: unknown key, did you mean "default"`},
		{"key_header", "[python.defualt]\n", `p:1:9: python.defualt: unknown key, did you mean "default"`},
		{"key_wrong_table", "[tool]\nversions = [\"3.14\"]\n", "p:2:1: tool.versions: unknown key, it belongs in [python]"},
		{"key_wrong_table_of_two", "[uv]\nprune = true\n", "p:2:1: uv.prune: unknown key, it belongs in [python] or [tool]"},
		{"key_wrong_table_underscore", "[uv]\nauto_install = true\n", "p:2:1: uv.auto_install: unknown key, it belongs in [python]"},
		{"key_wrong_table_misspelt", "[tool]\nversion = [\"3.14\"]\n", `p:2:1: tool.version: unknown key, did you mean "python.versions"`},
		{"key_without_table", "default = [\"3.14\"]\n", "p:1:1: default: unknown key, it belongs in [python]"},
		{"key_without_table_misspelt", "defaults = [\"3.14\"]\n", `p:1:1: defaults: unknown key, did you mean "python.default"`},
		{"key_unknown", "[pip]\ncolour = true\n", "p:2:1: pip.colour: unknown key, want command"},
		{"key_long", "[pip]\n" + strings.Repeat("x", 500) + " = true\n", "p:2:1: pip." + strings.Repeat("x", 80) + "...: unknown key, want command"},

		// types
		{"list_number", "[python]\ndefault = 3.14\n", `p:2:11: python.default: want a string or a list of strings, not the number 3.14: quote it, as in "3.14"`},
		{"list_number_with_zero", "[python]\nversions = 3.10\n", `p:2:12: python.versions: want a list of strings, not the number 3.10: write ["3.10"]`},
		{"list_lone_string", "[tool]\npackages = \"ruff\"\n", `p:2:12: tool.packages: want a list of strings, not the string "ruff": write ["ruff"]`},
		{"list_bool", "[preflight]\nignore = true\n", "p:2:10: preflight.ignore: want a list of strings, not true"},
		{"list_date", "[python]\nversions = 2026-11-22\n", "p:2:12: python.versions: want a list of strings, not the date 2026-11-22"},
		{"list_table", "[python]\nversions = { a = 1 }\n", "p:2:12: python.versions: want a list of strings, not a table"},
		{"list_header", "[python.versions]\nx = 1\n", "p:1:9: python.versions: want a list of strings, not a table"},
		{"list_dotted", "python.versions.x = 1\n", "p:1:8: python.versions: want a list of strings, not a table"},
		{"element_number", "[python]\ndefault = [ # why\n  \"3.14\",\n  3.10,\n]\n", `p:4:3: python.default: want a string, not the number 3.10: quote it, as in "3.10"`},
		{"element_integer", "[python]\nversions = [3]\n", `p:2:13: python.versions: want a string, not the number 3: quote it, as in "3"`},
		{"element_bool", "[tool]\npackages = ['a', false]\n", "p:2:18: tool.packages: want a string, not false"},
		{"element_list", "[tool]\npackages = ['a', # [\n  []]\n", "p:3:3: tool.packages: want a string, not a list"},
		{"element_list_first", "[tool]\npackages = [ [1]]\n", "p:2:14: tool.packages: want a string, not a list"},
		{"element_table", "[tool]\npackages = [{name='a'}]\n", "p:2:13: tool.packages: want a string, not a table"},
		{"flag_string", "[python]\nprune = \"true\"\n", `p:2:9: python.prune: want true or false, not the string "true": leave out the quotes`},
		{"flag_number", "[uv]\nsupervise = 1\n", "p:2:13: uv.supervise: want true or false, not the number 1"},
		{"word_bool", "[preflight]\nloader = true\n", `p:2:10: preflight.loader: want "off", "warn" or "strict", not true`},
		{"table_number", "python = 3.14\n", "p:1:10: python: want a table, not the number 3.14"},
		{"table_array", "[[python]]\nprune = true\n", "p:1:3: python: want a table: write [python]"},

		// values
		{"mode_unknown", "[preflight]\nloader = \"loud\"\n", `p:2:10: preflight.loader: unknown mode "loud", want off, warn or strict`},
		{"mode_wrong_case", "[preflight]\nlibraries =\t\"Warn\"\n", `p:2:13: preflight.libraries: unknown mode "Warn", want off, warn or strict`},
		{"environment_unknown", "[python]\nenvironment = \"venv\"\n", `p:2:15: python.environment: unknown environment "venv", want active or project`},
		{"undeclared_unknown", "[python]\nundeclared = \"no\"\n", `p:2:14: python.undeclared: unknown answer "no", want allow, warn or deny`},
		{"pip_unknown", "[pip]\ncommand = \"pip\"\n", `p:2:11: pip.command: unknown command "pip", want uv or off`},
		{"text_empty", "[python]\nversions = [\"\"]\n", "p:2:13: python.versions: an empty string"},
		{"text_control", "[tool]\npackages = [\"a\\nb\"]\n", `p:2:13: tool.packages: "a\nb" has a control character`},
		{"text_long", "[tool]\npackages = [\"-" + strings.Repeat("x", 500) + "\"]\n", `p:2:13: tool.packages: "-` + strings.Repeat("x", 79) + `..." is an option, want a package`},
		{"package_option", "[tool]\npackages = [\"--force\"]\n", `p:2:13: tool.packages: "--force" is an option, want a package`},
		{"attribute_space", "[nix-ld]\nlibraries = [\"zlib zstd\"]\n", `p:2:14: nix-ld.libraries: "zlib zstd" is not an attribute, want one such as stdenv.cc.cc.lib`},
		{"attribute_digit", "[nix-ld]\nlibraries = [\"7zz\"]\n", `p:2:14: nix-ld.libraries: "7zz" is not an attribute, want one such as stdenv.cc.cc.lib`},
		{"attribute_dot_at_end", "[nix-ld]\nlibraries = [\"zlib.\"]\n", `p:2:14: nix-ld.libraries: "zlib." is not an attribute, want one such as stdenv.cc.cc.lib`},
		{"attribute_antiquote", "[nix-ld]\nlibraries = ['\"${x}\"']\n", `p:2:14: nix-ld.libraries: "\"${x}\"" is not an attribute, want one such as stdenv.cc.cc.lib`},
		{"attribute_antiquote_inside", "[nix-ld]\nlibraries = ['\"a${x}\"']\n", `p:2:14: nix-ld.libraries: "\"a${x}\"" is not an attribute, want one such as stdenv.cc.cc.lib`},
		{"attribute_dollar_inside", "[nix-ld]\nlibraries = ['\"a$.b']\n", `p:2:14: nix-ld.libraries: "\"a$.b" is not an attribute, want one such as stdenv.cc.cc.lib`},
		{"attribute_empty_quotes", "[nix-ld]\nlibraries = ['\"\"']\n", `p:2:14: nix-ld.libraries: "\"\"" is not an attribute, want one such as stdenv.cc.cc.lib`},
		{"attribute_open_quote", "[nix-ld]\nlibraries = ['\"x']\n", `p:2:14: nix-ld.libraries: "\"x" is not an attribute, want one such as stdenv.cc.cc.lib`},
		{"soname_path", "[preflight]\nignore = [\"/lib/libz.so.1\"]\n", `p:2:11: preflight.ignore: "/lib/libz.so.1" is a path, want a soname such as libz.so.1`},
		{"request_path", "[python]\nversions = [\"/usr/bin/python3\"]\n", `p:2:13: python.versions: "/usr/bin/python3" is a path, want a request such as 3.14`},
		{"request_name", "[python]\ndefault = \"my-python\"\n", `p:2:11: python.default: "my-python" is no request, want one such as 3.14`},
		{"request_option", "[python]\nversions = [\"--reinstall\"]\n", `p:2:13: python.versions: "--reinstall" is no request, want one such as 3.14`},
		{"request_directory", "[python]\nversions = [\".\"]\n", `p:2:13: python.versions: "." is a path, want a request such as 3.14`},
		{"request_too_old", "[python]\nversions = [\"3.14\", \"3.5\"]\n", `p:2:21: python.versions: request "3.5": uv supports no Python before 3.6`},

		// what TOML forbids, though its libraries may not
		{"key_twice", "[python]\nprune = true\nprune = false\n", "p:3:1: python.prune: defined twice, first on line 2"},
		{"table_twice", "[python]\n[tool]\n[python]\n", "p:3:2: python: defined twice, first on line 1"},
		{"table_dotted_then_header", "python.prune = true\n[python]\nauto-install = true\n", "p:2:2: python: defined twice, first on line 1"},
		{"table_inline_then_dotted", "python = {}\npython.prune = true\n", "p:2:1: python: defined twice, first on line 1"},
		{"table_dotted_then_inline", "python.prune = true\npython = {}\n", "p:2:1: python: defined twice, first on line 1"},
		{"key_twice_inline", "python = { prune = true, prune = true }\n", "p:1:26: python.prune: defined twice, first on line 1"},

		// several keys
		{"versions_twice", "[python]\nversions = [\"3.14\", \"3.13\",\n \"3.14\"]\n", `p:3:2: python.versions: "3.14" is listed twice`},
		{"default_twice", "[python]\ndefault = [\"3.14\", \"3.14\"]\n", `p:2:20: python.default: "3.14" is listed twice`},
		{"packages_twice", "[tool]\npackages = [\"a\", \"b\", \"a\"]\n", `p:2:23: tool.packages: "a" is listed twice`},
		{"default_not_in_versions", "[python]\ndefault = [\"3.14\"]\nversions = [\"cpython-3.14\"]\n", `p:2:12: python.default: "3.14" is not in python.versions (p:3)`},
		{"default_lone_not_in_versions", "[python]\ndefault = \"3.14\"\nversions = [\"3.13\"]\n", `p:2:11: python.default: "3.14" is not in python.versions (p:3)`},
		{"default_two_of_cpython", "[python]\ndefault = [\"3.14\", \"cpython-3.13\"]\n", `p:2:20: python.default: "cpython-3.13" is a second default for cpython, after "3.14"`},
		{"default_three_of_cpython", "[python]\ndefault = [\"3.14\", \"3.13\", \"3.12\"]\n", "p:2:20: python.default: \"3.13\" is a second default for cpython, after \"3.14\"\np:2:28: python.default: \"3.12\" is a second default for cpython, after \"3.14\""},
		{"default_two_of_pypy", "[python]\ndefault = [\"3.14\", \"pypy@3.11\", \"pypy@3.10\"]\n", `p:2:33: python.default: "pypy@3.10" is a second default for pypy, after "pypy@3.11"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := Load(File{"p", []byte(row.text)})
			if text := all(err); text != row.want {
				t.Errorf("got\n%s\nwant\n%s", text, row.want)
			}
			if !reflect.DeepEqual(got.Policy, Default()) {
				t.Errorf("policy is %+v, want the default", got.Policy)
			}
		})
	}
}

func TestLoad_errors_of_layers(t *testing.T) {
	system := File{"/etc/p", []byte("[python]\ndefault = ['3.13']\n")}
	for _, row := range []struct{ name, user, want string }{
		{"default_below_versions", "\npython.versions = ['3.14']\n", `/etc/p:2:12: python.default: "3.13" is not in python.versions (u:2)`},
		{"default_above_default", "python.versions = ['3.14']\npython.default = '3.14'\n", ""},
		{"sorted_by_position", "[tool]\npackages = ['a',             'a']\n[python]\ndefault = ['3.14', '3.14']\nversions = ['3.14', '3.14']\n",
			"u:2:30: tool.packages: \"a\" is listed twice\nu:4:20: python.default: \"3.14\" is listed twice\nu:5:21: python.versions: \"3.14\" is listed twice"},
		{"sorted_by_layer", "tool.packages = ['a', 'a']\npython.versions = ['3.14']\n",
			"/etc/p:2:12: python.default: \"3.13\" is not in python.versions (u:2)\nu:1:23: tool.packages: \"a\" is listed twice"},
		{"both_mistakes_of_file", "x = 1\ny = 1\n", "u:1:1: x: unknown key, and keys stand in a table such as [python]\nu:2:1: y: unknown key, and keys stand in a table such as [python]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := Load(system, File{"u", []byte(row.user)})
			if text := all(err); text != row.want {
				t.Errorf("got\n%s\nwant\n%s", text, row.want)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	_, err := Load(File{"a", []byte("[uv]\n")}, File{"b", []byte("[uv]\nx = 1\nsupervise = 1\n[pip]\ny = 2\n")})
	if want := "b:2:1: uv.x: unknown key, want supervise (and 2 more)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	var first *Error
	if !errors.As(err, &first) || first.File != "b" || first.Line != 2 || first.Col != 1 || first.Key != "uv.x" {
		t.Errorf("first is %+v", first)
	}
	if got := errors.Unwrap(first); got == nil || got.Error() != "unknown key, want supervise" {
		t.Errorf("unwrapped: %v", got)
	}
	_, err = Load(File{"a", []byte("[uv]\nx = 1\ny = 1\n")})
	if want := "a:2:1: uv.x: unknown key, want supervise (and 1 more)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = Load(File{"a", []byte("[uv]\nx = 1\n")})
	if want := "a:2:1: uv.x: unknown key, want supervise"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Each is read to the end, or refused, in bounded time and stack; a decoder without a guard takes
// minutes for the dotted keys and dies of the lists.
func TestLoad_bombs(t *testing.T) {
	const deep = 100_000
	for _, row := range []struct{ name, text, want string }{
		{"lists_nested", "[python]\nversions = " + strings.Repeat("[", deep) + strings.Repeat("]", deep), "p:2:10012: arrays and inline tables are nested more than the maximum of 10000 levels deep"},
		{"lists_nested_below_limit", "[python]\nversions = " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000), "p:2:13: python.versions: want a string, not a list"},
		{"tables_nested", "python = " + strings.Repeat("{a=", deep), "p:1:30010: arrays and inline tables are nested more than the maximum of 10000 levels deep"},
		{"key_dotted", "python.versions" + strings.Repeat(".a", deep) + " = 1\n", "p:1:8: python.versions: want a list of strings, not a table"},
		{"key_dotted_unknown", "a" + strings.Repeat(".a", deep) + " = 1\n", "p:1:1: a: unknown table, want python, tool, nix-ld, preflight, uv or pip"},
		{"header_dotted", "[python" + strings.Repeat(".a", deep) + "]\n", "p:1:9: python.a: unknown key, want versions, default, prune, environment, auto-install or undeclared"},
		{"file_large", "#" + strings.Repeat("x", MaxSize), "p:1:1: the file has more than 1048576 bytes"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := Load(File{"p", []byte(row.text)})
			if text := all(err); text != row.want {
				t.Errorf("got\n%.300s\nwant\n%s", text, row.want)
			}
		})
	}
	for _, row := range []struct{ name, text string }{
		{"keys_unknown", strings.Repeat("a=1\n", MaxSize/4)},
		{"keys_unknown_then_syntax", strings.Repeat("a=1\n", maxProblems) + "["},
		{"elements_wrong", "[tool]\npackages = [" + strings.Repeat("1,", MaxSize/3) + "]\n"},
		{"elements_twice", "[tool]\npackages = [" + strings.Repeat("'a',", MaxSize/5) + "]\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := Load(File{"p", []byte(row.text)})
			var problems Problems
			if !errors.As(err, &problems) || len(problems) != maxProblems {
				t.Errorf("%d mistakes, want %d", len(problems), maxProblems)
			}
		})
	}
}

// The ways in which the decoder is known to take what Load refuses: should one be gone, the comment
// of FuzzParsers is to be changed.
func TestDecoder_differences(t *testing.T) {
	for _, row := range []struct{ name, text string }{
		{"key_wrong_case", "[python]\nPRUNE = true\n"},
		{"mark_utf8", "\xef\xbb\xbf[python]\nprune = true\n"},
		{"table_dotted_then_header", "python.prune = true\n[python]\nauto-install = true\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var p Policy
			if err := toml.Unmarshal([]byte(row.text), &p); err != nil || !p.Python.Prune {
				t.Errorf("the decoder answers %v", err)
			}
			if _, err := Load(File{"p", []byte(row.text)}); err == nil {
				t.Error("Load takes it")
			}
		})
	}
}

func TestWhere(t *testing.T) {
	const text = "python.default = '3.14'\ntool = { packages = [ 'a', # b\n\t'c' ], prune = true }\n[\"nix-ld\"]\r\n'libraries'  =  [\r\n]\r\n[python.prune]\n"
	for _, row := range []struct {
		name, key string
		index     int
		want      string
	}{
		{"dotted_value", "python.default", -1, "1:18 true"},
		{"lone_string_as_element", "python.default", 0, "1:18 true"},
		{"lone_string_has_one", "python.default", 1, "0:0 false"},
		{"inline_list", "tool.packages", -1, "2:21 true"},
		{"inline_first", "tool.packages", 0, "2:23 true"},
		{"inline_next_line", "tool.packages", 1, "3:2 true"},
		{"list_end", "tool.packages", 2, "0:0 false"},
		{"inline_flag", "tool.prune", -1, "3:17 true"},
		{"quoted_key", "nix-ld.libraries", -1, "5:17 true"},
		{"list_empty", "nix-ld.libraries", 0, "0:0 false"},
		{"header_is_no_value", "python.prune", -1, "0:0 false"},
		{"key_absent", "pip.command", -1, "0:0 false"},
		{"table_is_no_key", "tool", -1, "0:0 false"},
	} {
		t.Run(row.name, func(t *testing.T) {
			line, col, ok := Where(File{"p", []byte(text)}, row.key, row.index)
			if got := fmt.Sprintf("%d:%d %v", line, col, ok); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}
