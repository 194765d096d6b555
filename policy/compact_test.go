package policy

import (
	"strings"
	"testing"
)

func compactSample(t testing.TB) Policy {
	loaded, err := Load(File{"policy.toml", []byte(sample)})
	if err != nil {
		t.Fatal(err)
	}
	return loaded.Policy
}

func TestCompact(t *testing.T) {
	got := string(compactSample(t).Compact())
	_, body, _ := strings.Cut(got, "\n")
	want := `python.versions "3.14" "3.13" "3.12"
python.default "3.14"
python.prune true
python.environment active
python.auto-install false
python.undeclared warn
tool.packages "ruff" "httpie" "pre-commit"
tool.prune true
nix-ld.libraries "stdenv.cc.cc.lib" "zlib"
preflight.loader strict
preflight.libraries warn
preflight.ignore "libmimerapi.so"
uv.supervise true
pip.command uv
`
	if body != want {
		t.Errorf("got\n%s\nwant\n%s", body, want)
	}
}

// The rows are whole forms with a right checksum, so that each is refused for what it says.
func TestParseCompact_refused(t *testing.T) {
	whole := string(Default().Compact())
	_, body, _ := strings.Cut(whole, "\n")
	signed := func(body string) string { return compactHead + string(checksum([]byte(body))) + "\n" + body }
	if _, err := ParseCompact([]byte(signed(body))); err != nil {
		t.Fatal(err)
	}
	edit := func(old, new string) string {
		if !strings.Contains(body, old) {
			t.Fatalf("no %q in %q", old, body)
		}
		return signed(strings.Replace(body, old, new, 1))
	}
	const damaged = "reading compact policy: damaged"
	for _, row := range []struct{ name, data, want string }{
		{"form_empty", "", "reading compact policy: another version's"},
		{"form_of_another_version", strings.Replace(whole, "policy 1", "policy 2", 1), "reading compact policy: another version's"},
		{"form_toml", sample, "reading compact policy: another version's"},
		{"checksum_wrong", strings.Replace(whole, "uv.supervise true", "uv.supervise false", 1), damaged},
		{"form_cut_short", whole[:len(whole)-1], damaged},
		{"line_too_many", signed(body + "x\n"), damaged},
		{"line_missing", edit("python.prune false\n", ""), damaged + " at python.prune"},
		{"line_unknown", edit("python.prune", "python.prone"), damaged + " at python.prune"},
		{"line_without_key", edit("python.versions", ""), damaged + " at python.versions"},
		{"flag_other", edit("supervise true", "supervise yes"), damaged + " at uv.supervise"},
		{"flag_missing", edit("supervise true", "supervise"), damaged + " at uv.supervise"},
		{"word_unknown", edit("loader strict", "loader loud"), damaged + " at preflight.loader"},
		{"word_missing", edit("loader strict", "loader"), damaged + " at preflight.loader"},
		{"list_unquoted", edit("python.versions", "python.versions 3.14"), damaged + " at python.versions"},
		{"list_open_quote", edit("python.versions", `python.versions "3.14`), damaged + " at python.versions"},
		{"list_without_space", edit("python.versions", `python.versions "a""b"`), damaged + " at python.versions"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p, err := ParseCompact([]byte(row.data))
			if err == nil || err.Error() != row.want {
				t.Errorf("error is %v, want %s", err, row.want)
			}
			if string(p.Compact()) != whole {
				t.Errorf("policy is %+v, want the default", p)
			}
		})
	}
}

func BenchmarkCompact(b *testing.B) {
	p := compactSample(b)
	b.ReportAllocs()
	for b.Loop() {
		p.Compact()
	}
}

func BenchmarkParseCompact(b *testing.B) {
	data := compactSample(b).Compact()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseCompact(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	file := File{"policy.toml", []byte(sample)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(file); err != nil {
			b.Fatal(err)
		}
	}
}
