package preflight

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"uvshim/shim/nixld"
	"uvshim/shim/nixld/attribute"
)

func TestIdentify(t *testing.T) {
	for _, row := range []struct {
		name, real string
		cfg        map[string]string
		impl       string
		version    string
		variant    string
	}{
		{"cpython_versioned", "/x/bin/python3.13", nil, "cpython", "3.13", ""},
		{"cpython_freethreadedDebug", "/x/bin/python3.14td", nil, "cpython", "3.14", "freethreaded+debug"},
		{"cpython_debug", "/x/bin/python3.14d", nil, "cpython", "3.14", "debug"},
		{"cpython_freethreaded", "/x/bin/python3.14t", nil, "cpython", "3.14", "freethreaded"},
		{"cpython_unversioned", "/x/bin/python3", nil, "cpython", "", ""},
		{"pypy_byName", "/x/bin/pypy3.11", nil, "pypy", "3.11", ""},
		{"graalpy_byName", "/x/bin/graalpy3.11", nil, "graalpy", "3.11", ""},
		{"pypy_byConfiguration", "/x/bin/python3.11", map[string]string{"implementation": "PyPy"}, "pypy", "3.11", ""},
		{"graalpy_byConfiguration", "/x/bin/python", map[string]string{"implementation": "GraalVM"}, "graalpy", "", ""},
		{"other_byConfiguration", "/x/bin/python3.11", map[string]string{"implementation": "CPython"}, "cpython", "3.11", ""},
	} {
		got := identify(row.real, row.cfg)
		text := ""
		if got.Version.Parts > 0 {
			text = got.Version.String()
		}
		if got.Impl != row.impl || text != row.version || got.Variant != row.variant {
			t.Errorf("%s: %s %q %q, want %s %q %q", row.name, got.Impl, text, got.Variant, row.impl, row.version, row.variant)
		}
	}
}

func TestAttributes_sortedOnce(t *testing.T) {
	var v Verdict
	for _, name := range []string{"zlib", "stdenv.cc.cc.lib", "zlib", "glib"} {
		v.Findings = append(v.Findings, Finding{Kind: MissingSoname, Severity: Required, Attribute: name, AttributeKind: attribute.Nixpkgs})
	}
	v.Findings = append(v.Findings, Finding{Kind: MissingSoname, Severity: Optional, Attribute: "optional", AttributeKind: attribute.Nixpkgs},
		Finding{Kind: MissingSoname, Severity: Required}, Finding{Kind: ExecStack, Severity: Required, Attribute: "execstack", AttributeKind: attribute.Nixpkgs})
	if got := v.Attributes(); !slices.Equal(got, []string{"glib", "stdenv.cc.cc.lib", "zlib"}) {
		t.Errorf("%q", got)
	}
}

func TestParseRecords_whole(t *testing.T) {
	for text, want := range map[string]bool{"": true, "other": false, "shim facts 0\n": false, factsSchema: true, factsSchema + "x": false} {
		if known, whole := parseRecords([]byte(text)); whole != want || len(known) > 0 {
			t.Errorf("%q: whole %v, %d records", text, whole, len(known))
		}
	}
}

func TestReadFile_limit(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	if err := os.WriteFile(name, []byte("12345"), 0o644); err != nil {
		t.Fatal(err)
	}
	if data, err := readFile(nixld.Running(), name, 5); err != nil || string(data) != "12345" {
		t.Errorf("%q, %v", data, err)
	}
	if data, err := readFile(nixld.Running(), name, 4); err == nil {
		t.Errorf("%q is more than 4 bytes", data)
	}
	if _, err := readFile(nixld.Running(), dir, 4); err == nil {
		t.Error("a directory was read")
	}
}
