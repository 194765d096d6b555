package agreement

import (
	"slices"
	"testing"
)

const noStdcxx = "ImportError: libstdc++.so.6: cannot open shared object file: No such file or directory"

func TestLacks(t *testing.T) {
	for text, want := range map[string][]string{
		noStdcxx: {"libstdc++.so.6"},
		"OSError: cannot load library 'libcairo.so.2': libcairo.so.2: cannot open shared object file: No such file or directory": {"libcairo.so.2"},
		"/nix/store/x-gcc/lib/libstdc++.so.6: version `CXXABI_1.3.9' not found (required by /home/user/a.so)":                    {"libstdc++.so.6:CXXABI_1.3.9"},
		"libX11.so.6 => not found\nlibz.so.1 => /nix/store/x/libz.so.1":                                                          {"libX11.so.6"},
		"ModuleNotFoundError: No module named 'tkinter'":                                                                         nil,
	} {
		if got := lacks(text); !slices.Equal(got, want) {
			t.Errorf("%q lacks %q, want %q", text, got, want)
		}
	}
}

func TestCompare(t *testing.T) {
	const file, other = "/v/a/_x.so", "/v/a/_y.so"
	stdcxx := Finding{Kind: "missing-soname", Severity: "required", Soname: "libstdc++.so.6", Distribution: "My.Dist", File: "/v/a.libs/b.so", Module: file}
	version := stdcxx
	version.Kind, version.Version = "missing-version", "GLIBCXX_3.4.30"
	works := Import{Module: "a._x", File: file, Distribution: "my-dist"}
	fails, fine, unnamed, missing := works, works, works, works
	fails.Error = noStdcxx
	fine.Module, fine.File = "a._y", other
	unnamed.Error, unnamed.Cured = "ImportError: failed to find libstdc++", true
	missing.Error = "ModuleNotFoundError: No module named 'b'"
	traced := fails
	traced.Error, traced.Trace = "ImportError: libz.so.1: cannot open shared object file: No such file or directory", "libstdc++.so.6 => not found"
	opened := Finding{Kind: "missing-soname", Severity: "required", Soname: "libpango-1.0.so.0", Distribution: "my-dist", File: "/v/my_dist-1.dist-info", Module: "/v/my_dist-1.dist-info"}
	opens := Import{Module: "a", Distribution: "my-dist", Error: "OSError: cannot load library 'libgobject-2.0-0': libgobject-2.0-0: cannot open shared object file: No such file or directory"}
	there := opened
	there.Soname = "libthere.so.1"
	hidden, own := fails, fails
	hidden.Trace = "libstdc++.so.6 => not found\nlibz.so.1 => not found"
	own.Trace = "libown.so => not found"
	elsewhere := fails
	elsewhere.File, elsewhere.Distribution = other, "another"

	for _, row := range []struct {
		name           string
		required       []Finding
		imports        []Import
		misses, alarms int
	}{
		{"both_nothing", nil, []Import{works, fine}, 0, 0},
		{"both_the_same", []Finding{stdcxx}, []Import{fails, fine}, 0, 0},
		{"ours_nothing", nil, []Import{fails, fine}, 1, 0},
		{"ours_another_soname", []Finding{{Severity: "required", Soname: "libz.so.1", Distribution: "my-dist", Module: file}}, []Import{fails}, 1, 1},
		{"ours_a_version", []Finding{version}, []Import{fails}, 1, 1},
		{"real_nothing", []Finding{stdcxx}, []Import{works, fine}, 0, 1},
		{"real_in_the_distribution", []Finding{stdcxx}, []Import{works, {Module: "a._y", File: other, Distribution: "my-dist", Error: noStdcxx}}, 0, 0},
		{"real_in_another", []Finding{stdcxx}, []Import{works, elsewhere}, 0, 1},
		{"real_through_a_library", []Finding{{Severity: "required", Soname: "libstdc++.so.6", Distribution: "my-dist", Module: "/v/a.libs/b.so"}}, []Import{elsewhere}, 0, 0},
		{"real_without_a_name", []Finding{stdcxx}, []Import{unnamed}, 0, 0},
		{"real_without_a_name_ours_nothing", nil, []Import{unnamed}, 1, 0},
		{"real_second_reason", []Finding{stdcxx}, []Import{traced}, 1, 0},
		{"ours_not_the_second", []Finding{stdcxx}, []Import{hidden}, 1, 0},
		{"ours_not_its_own", []Finding{stdcxx}, []Import{own}, 0, 0},
		{"opened_by_name", []Finding{opened}, []Import{opens}, 0, 0},
		{"opened_by_name_is_there", []Finding{there}, []Import{opens}, 0, 1},
		{"opened_by_name_not_missed", []Finding{opened}, []Import{{Module: "a", Distribution: "my-dist"}}, 0, 1},
		{"opened_by_name_module_fails", []Finding{opened}, []Import{fails}, 1, 0},
		{"no_distribution", []Finding{{Severity: "required", Soname: "libz.so.1", Module: other}}, []Import{{Module: "x", Error: "ImportError: failed", Cured: true}}, 1, 1},
		{"other_reason", nil, []Import{missing}, 0, 0},
		{"other_reason_ours_a_finding", []Finding{stdcxx}, []Import{missing}, 0, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := Misses(row.required, row.imports, map[string]bool{"libown.so": true}); len(got) != row.misses {
				t.Errorf("misses %+v, want %d", got, row.misses)
			}
			if got := FalseAlarms(row.required, row.imports, map[string]bool{"libthere.so.1": true}); len(got) != row.alarms {
				t.Errorf("false alarms %+v, want %d", got, row.alarms)
			}
		})
	}
}
