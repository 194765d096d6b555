package version

import "testing"

func TestCovers(t *testing.T) {
	for name, row := range map[string]struct {
		declared, request string
		want              bool
	}{
		"same":                       {"3.12", "3.12", true},
		"spelling":                   {"3.12", "cpython@312", true},
		"patch_of_minor":             {"3.12", "3.12.1", true},
		"minor_of_patch":             {"3.12.1", "3.12", false},
		"other_minor":                {"3.12", "3.13", false},
		"minor_of_major":             {"3", "3.13", true},
		"major_of_minor":             {"3.14", "3", false},
		"range_ends_within":          {"3.13", ">=3.11,<3.14", true},
		"range_ends_at":              {"3.13", "<=3.13.5", true},
		"range_ends_before":          {"3.13", "<3.13", false},
		"range_ends_at_patch":        {"3.13", "<3.13.1", true},
		"range_ends_before_patch":    {"3.13.4", "<3.13.5", true},
		"range_ends_with_patch":      {"3.13.5", "<=3.13.5", true},
		"range_ends_at_zero":         {"3.12", "<3.13", true},
		"range_excludes":             {"3.12", ">=3.12,!=3.13.*,<3.14", true},
		"range_open":                 {"3.14", ">=3.12", false},
		"range_open_in_open":         {">=3.12", ">=3.11", true},
		"range_open_in_closed":       {">=3.12,<3.15", ">=3.11", false},
		"range_major":                {"3", "<4", true},
		"range_compatible":           {"3.13", "~=3.13.2", true},
		"range_star":                 {"3.13", "==3.13.*", true},
		"range_star_patch":           {"3.13.0", "==3.13.*", false},
		"range_empty":                {"3", ">3.13,<3.12", false},
		"minor_in_range":             {">=3.12,<3.14", "3.13", true},
		"minor_over_range":           {">=3.12,<3.14", "3.14", false},
		"minor_half_in_range":        {"<=3.13.5", "3.13", false},
		"range_empty_in_any_cpython": {"cpython", ">3.13,<3.12", false},
		"prerelease_of_minor":        {"3.15", "3.15.0a1", true},
		"prerelease_other":           {"3.15.0a1", "3.15.0a2", false},
		"prerelease_same":            {"3.15.0a1", "3.15a1", true},
		"minor_of_prerelease":        {"3.15.0a1", "3.15", false},
		"prerelease_range":           {"3.15", ">=3.15.0a1,<3.15.0b2", true},
		"prerelease_range_before":    {"3.14", "<3.15.0b2", false},
		"prerelease_range_last":      {">=3.15.0b1", ">=3.15.0a1,<3.15.0b2", true},
		"prerelease_in_range":        {"<=3.15.0", "3.15.0a1", true},
		"default_in_minor":           {"3.14", "default", false},
		"default_in_major":           {"3", "default", true},
		"default_in_open_range":      {">=3.12", "any", true},
		"default_in_itself":          {"default", "default", true},
		"anything_in_default":        {"default", "3.12", true},
		"any":                        {"any", "pypy@3.11", true},
		"other_implementation":       {"3.11", "pypy@3.11", false},
		"implementation":             {"pypy", "pypy@3.11", true},
		"implementation_open":        {"pypy@3.11", "pypy", false},
		"cpython_named":              {"cpython", "3.12", true},
		"freethreaded":               {"3.14", "3.14t", false},
		"freethreaded_declared":      {"3.14t", "3.14", false},
		"freethreaded_patch":         {"3.14t", "3.14.1+freethreaded", true},
		"gil_named":                  {"3.14", "3.14+gil", true},
		"debug":                      {"3.14", "3.14d", false},
		"key":                        {"3.13", "cpython-3.13.1-linux-x86_64-gnu", true},
		"key_declared":               {"cpython-3.13-linux-x86_64-gnu", "3.13", true},
		"key_other_system":           {"cpython-3.13-linux", "cpython-3.13-windows", false},
		"key_other_machine":          {"cpython-3.13-linux-x86_64", "cpython-3.13-linux-aarch64", false},
		"key_other_libc":             {"cpython-3.13-linux-x86_64-musl", "cpython-3.13-linux-x86_64-gnu", false},
		"path":                       {"any", "./python", false},
		"directory":                  {"any", "./", false},
		"name":                       {"any", "snake", false},
		"name_declared":              {"snake", "snake", false},
	} {
		declared, err := Parse(row.declared)
		if err != nil {
			t.Fatal(err)
		}
		request, err := Parse(row.request)
		if err != nil {
			t.Fatal(err)
		}
		if got := declared.Covers(request); got != row.want {
			t.Errorf("%s: %q covers %q: %v", name, row.declared, row.request, got)
		}
	}
}
