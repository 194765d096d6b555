package nix

import (
	"slices"
	"strings"
	"testing"
)

func TestAttribute(t *testing.T) {
	for name, row := range map[string]struct{ path, want string }{
		"plain":               {"zlib", "zlib"},
		"dotted":              {"stdenv.cc.cc.lib", "stdenv.cc.cc.lib"},
		"with_dashes":         {"alsa-lib", "alsa-lib"},
		"with_quote":          {"a'b", "a'b"},
		"quoted_needlessly":   {`"zlib".lib`, "zlib.lib"},
		"quoted_first":        {`"odd name".lib`, `pkgs."odd name".lib`},
		"quoted_later":        {`python3.pkgs."a.b"`, `python3.pkgs."a.b"`},
		"keyword_first":       {"with.x", `pkgs."with".x`},
		"keyword_later":       {"x.rec", `x."rec"`},
		"name_of_nix":         {"import", "pkgs.import"},
		"name_of_nix_later":   {"x.import", "x.import"},
		"name_of_nix_primop":  {"__add", "pkgs.__add"},
		"empty":               {"", ""},
		"space":               {"zlib icu", ""},
		"newline":             {"zlib\nicu", ""},
		"end_of_list":         {"zlib ]; evil = [ x", ""},
		"call":                {"(import ./evil.nix)", ""},
		"path":                {"./evil.nix", ""},
		"path_below":          {"a/b", ""},
		"search_path":         {"<nixpkgs>", ""},
		"interpolation":       {`"${evil}"`, ""},
		"interpolation_bare":  {"${evil}", ""},
		"escape":              {`"a\"b"`, ""},
		"string_open":         {`"a`, ""},
		"string_and_more":     {`"a"b`, ""},
		"string_empty":        {`""`, ""},
		"string_control":      {"\"a\x1bb\"", ""},
		"string_bidi":         {"\"a\u202eb\"", ""},
		"dot_first":           {".zlib", ""},
		"dot_last":            {"zlib.", ""},
		"dot_twice":           {"a..b", ""},
		"digit_first":         {"7zz", ""},
		"comment":             {"zlib#x", ""},
		"assertion":           {"assert", `pkgs."assert"`},
		"uri":                 {"a:b", ""},
		"letters_of_others":   {"zlіb", ""}, // a Cyrillic і
		"default_of_selector": {"a or b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Attribute(row.path)
			if got != row.want || (err != nil) != (row.want == "") {
				t.Errorf("%q becomes %q, %v; want %q", row.path, got, err, row.want)
			}
		})
	}
}

func TestNixOS_text(t *testing.T) {
	got, err := NixOS([]Library{
		{"zlib", []string{"the policy"}},
		{"stdenv.cc.cc.lib", []string{"~/b: libstdc++.so.6"}},
		{"zlib", []string{"~/a\n    evil = 1; # \x1b[31m\u202e\xff: libz.so.1", "the policy"}},
		{"stdenv.cc.cc", []string{"~/a: libgomp.so.1"}},
	})
	want := `    libraries = with pkgs; [
      # ~/b: libstdc++.so.6
      # ~/a: libgomp.so.1
      stdenv.cc.cc.lib
      # the policy
      # ~/a\u000a    evil = 1; # \u001b[31m\u202e\xff: libz.so.1
      zlib
    ];
`
	if err != nil || !strings.Contains(got, want) {
		t.Errorf("%v\n%s", err, got)
	}
	again, _ := NixOS([]Library{{Attribute: "stdenv.cc.cc.lib"}, {Attribute: "zlib"}})
	turned, _ := NixOS([]Library{{Attribute: "zlib"}, {Attribute: "stdenv.cc.cc.lib"}})
	if again != turned {
		t.Error("the order of libraries is the caller's")
	}
	many := Library{Attribute: "zlib"}
	for _, name := range strings.Split("abcdefgh", "") {
		many.Why = append(many.Why, "reason "+name)
	}
	if got, _ := NixOS([]Library{many}); strings.Contains(got, "reason f") || !strings.Contains(got, "# and 3 more\n") {
		t.Errorf("reasons are not bounded:\n%s", got)
	}
}

func TestLibraries_hostile(t *testing.T) {
	bad := []Library{{Attribute: "zlib"}, {Attribute: "zlib ]; evil = [ x"}}
	if text, err := NixOS(bad); err == nil || text != "" {
		t.Errorf("NixOS: %q", text)
	}
	if text, err := Flake(Project{Libraries: bad}); err == nil || text != "" {
		t.Errorf("Flake: %q", text)
	} else if !strings.Contains(err.Error(), "is not an attribute") {
		t.Error(err)
	}
}

// Whatever a value is, the text stays lines that a terminal can show.
func TestText_printable(t *testing.T) {
	for _, text := range []string{String(hostile), visible(hostile)} {
		if i := strings.IndexFunc(text, func(r rune) bool {
			return hidden(r) || r == '�' && !strings.Contains(hostile, "�") && text[0] != '"'
		}); i >= 0 {
			t.Errorf("%q at %d of %q", text[i:], i, text)
		}
	}
	if !slices.Contains(strings.Split(visible("a\nb"), " "), `a\u000ab`) {
		t.Error(visible("a\nb"))
	}
}

// hostile has what could end a string or a comment, or mislead a reader.
const hostile = "\"''${x}$${y}\\$\\\"\n\r\n\t#*/\x1b]0;x\x07\x7f\u0085\u2028\u202e" + "é漢🐍"
