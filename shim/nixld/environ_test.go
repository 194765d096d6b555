package nixld

import (
	"testing"

	"uvshim/shim/elfdeps"
	"uvshim/shim/host"
)

func TestEnvironment(t *testing.T) {
	const lib = DefaultLibraryPath
	for _, a := range arches() {
		sys, dash := "_"+a.name+"_linux", "_"+a.name+"-linux"
		two := Loader{Kind: NixLD, Major: 2, Machine: a.machine}
		one := Loader{Kind: NixLD, Major: 1, Machine: a.machine}
		byDefault := Setting{DefaultLoader, "NIX_LD", true}
		libDefault := Setting{lib, "NIX_LD_LIBRARY_PATH", true}
		for _, row := range []struct {
			name    string
			loader  Loader
			env     host.Env
			nixLD   Setting
			library Setting
			path    string
		}{
			{"nixld2_nothing_set", two, nil, byDefault, libDefault, lib},
			{"nixld2_user_only", two, host.Env{"LD_LIBRARY_PATH=/u"}, byDefault, libDefault, "/u:" + lib},
			{"nixld2_user_empty", two, host.Env{"LD_LIBRARY_PATH="}, byDefault, libDefault, lib},
			{"nixld2_user_ends_in_colon", two, host.Env{"LD_LIBRARY_PATH=/u:"}, byDefault, libDefault, "/u:" + lib},
			{"nixld2_both", two, host.Env{"NIX_LD_LIBRARY_PATH=/a", "LD_LIBRARY_PATH=/u", "NIX_LD=/l"},
				Setting{"/l", "NIX_LD", false}, Setting{"/a", "NIX_LD_LIBRARY_PATH", false}, "/u:/a"},
			{"nixld2_system_name_first", two, host.Env{"NIX_LD" + sys + "=/s", "NIX_LD=/l", "NIX_LD_LIBRARY_PATH" + sys + "=/b", "NIX_LD_LIBRARY_PATH=/a"},
				Setting{"/s", "NIX_LD" + sys, false}, Setting{"/b", "NIX_LD_LIBRARY_PATH" + sys, false}, "/b"},
			{"nixld2_system_name_last", two, host.Env{"NIX_LD=/l", "NIX_LD" + sys + "=/s", "NIX_LD_LIBRARY_PATH=/a", "NIX_LD_LIBRARY_PATH" + sys + "=/b"},
				Setting{"/s", "NIX_LD" + sys, false}, Setting{"/b", "NIX_LD_LIBRARY_PATH" + sys, false}, "/b"},
			{"nixld2_other_system", two, host.Env{"NIX_LD_riscv64_linux=/s", "NIX_LD_LIBRARY_PATH_riscv64_linux=/b"}, byDefault, libDefault, lib},
			{"nixld2_name_of_1", two, host.Env{"NIX_LD" + dash + "=/s"}, byDefault, libDefault, lib},
			{"nixld2_empty_loader_is_unset", two, host.Env{"NIX_LD="}, byDefault, libDefault, lib},
			{"nixld2_empty_system_loader_hides_the_plain_one", two, host.Env{"NIX_LD=/l", "NIX_LD" + sys + "="},
				Setting{DefaultLoader, "NIX_LD" + sys, true}, libDefault, lib},
			{"nixld2_empty_path_is_kept", two, host.Env{"NIX_LD_LIBRARY_PATH="}, byDefault, Setting{"", "NIX_LD_LIBRARY_PATH", false}, ""},
			{"nixld2_empty_system_path_is_kept", two, host.Env{"NIX_LD_LIBRARY_PATH=/a", "NIX_LD_LIBRARY_PATH" + sys + "="},
				byDefault, Setting{"", "NIX_LD_LIBRARY_PATH" + sys, false}, ""},
			{"nixld2_entry_without_equals_ends_it", two, host.Env{"LD_LIBRARY_PATH=/u", "oops", "NIX_LD=/l", "NIX_LD_LIBRARY_PATH=/a"},
				byDefault, libDefault, "/u:" + lib},
			{"nixld2_first_of_two", two, host.Env{"NIX_LD=/l", "NIX_LD=/m"}, Setting{"/l", "NIX_LD", false}, libDefault, lib},
			{"nixld1_nothing_set", one, nil, Setting{"", "NIX_LD", true}, Setting{"", "NIX_LD_LIBRARY_PATH", true}, ""},
			{"nixld1_user_only", one, host.Env{"LD_LIBRARY_PATH=/u"}, Setting{"", "NIX_LD", true}, Setting{"", "NIX_LD_LIBRARY_PATH", true}, "/u"},
			{"nixld1_dashed_name", one, host.Env{"NIX_LD" + dash + "=/s", "NIX_LD" + sys + "=/t", "NIX_LD=/l", "NIX_LD_LIBRARY_PATH=/a", "LD_LIBRARY_PATH=/u"},
				Setting{"/s", "NIX_LD" + dash, false}, Setting{"/a", "NIX_LD_LIBRARY_PATH", false}, "/u:/a"},
			{"nixld1_empty_loader_stays_empty", one, host.Env{"NIX_LD="}, Setting{"", "NIX_LD", false}, Setting{"", "NIX_LD_LIBRARY_PATH", true}, ""},
			{"nixld1_entry_without_equals", one, host.Env{"oops", "NIX_LD=/l"}, Setting{"/l", "NIX_LD", false}, Setting{"", "NIX_LD_LIBRARY_PATH", true}, ""},
			{"glibc_looks_at_none", Loader{Kind: Glibc}, host.Env{"NIX_LD=/l", "NIX_LD_LIBRARY_PATH=/a", "LD_LIBRARY_PATH=/u"}, Setting{}, Setting{}, "/u"},
		} {
			t.Run(a.name+"/"+row.name, func(t *testing.T) {
				got := Environment(row.env, row.loader)
				if got.Loader != row.nixLD || got.Library != row.library || got.Path != row.path {
					t.Errorf("\n got %+v\nwant loader %+v library %+v path %q", got, row.nixLD, row.library, row.path)
				}
			})
		}
	}
}

func TestExtend(t *testing.T) {
	two := Loader{Kind: NixLD, Major: 2, Machine: elfdeps.MachineX86_64}
	for _, row := range []struct {
		name   string
		loader Loader
		env    host.Env
		dirs   []string
		want   string
	}{
		{"nixld_default_is_kept", two, nil, []string{"/x", "/y"}, "NIX_LD_LIBRARY_PATH=" + DefaultLibraryPath + ":/x:/y"},
		{"nixld_user_stays_out", two, host.Env{"LD_LIBRARY_PATH=/u", "NIX_LD_LIBRARY_PATH=/a"}, []string{"/x"}, "NIX_LD_LIBRARY_PATH=/a:/x"},
		{"nixld_deciding_variable", two, host.Env{"NIX_LD_LIBRARY_PATH=/a", "NIX_LD_LIBRARY_PATH_x86_64_linux=/b"}, []string{"/x"},
			"NIX_LD_LIBRARY_PATH_x86_64_linux=/b:/x"},
		{"nixld_emptied", two, host.Env{"NIX_LD_LIBRARY_PATH="}, []string{"/x"}, "NIX_LD_LIBRARY_PATH=/x"},
		{"nixld_nothing_to_add", two, nil, nil, "NIX_LD_LIBRARY_PATH=" + DefaultLibraryPath},
		{"nixld1_unset", Loader{Kind: NixLD, Major: 1, Machine: elfdeps.MachineX86_64}, nil, []string{"/x"}, "NIX_LD_LIBRARY_PATH=/x"},
		{"glibc", Loader{Kind: Glibc}, host.Env{"LD_LIBRARY_PATH=/u"}, []string{"/x"}, "LD_LIBRARY_PATH=/u:/x"},
	} {
		name, value := Environment(row.env, row.loader).Extend(row.dirs)
		if got := name + "=" + value; got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}
