package nixld

import (
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"uvshim/shim/elfdeps"
	"uvshim/shim/host"
)

// here returns this machine's loader, for tests that look at real files.
func here(t *testing.T) (interp string, machine uint16) {
	t.Helper()
	switch runtime.GOARCH {
	case "amd64":
		interp, machine = "/lib64/ld-linux-x86-64.so.2", elfdeps.MachineX86_64
	case "arm64":
		interp, machine = "/lib/ld-linux-aarch64.so.1", elfdeps.MachineAArch64
	}
	sys := Running()
	if _, err := sys.Stat(interp); interp == "" || err != nil {
		lacking(t, "no glibc loader known for this machine")
	}
	if release, _ := ReadRelease(sys); release.NixOS {
		t.Skip("NixOS: the loader is nix-ld or stub-ld")
	}
	return interp, machine
}

// lacking skips a test, which in CI must not happen.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

func TestExamine(t *testing.T) {
	const lib = "/run/current-system/sw/share/nix-ld/lib"
	for _, a := range arches() {
		nixLD := func(version string) tree {
			return tree{
				a.interp: "-> " + store("nix-ld-"+version+"/bin/nix-ld"),
				store("nix-ld-" + version + "/bin/nix-ld"): elfFile{machine: a.machine}.String(),
				lib + "/ld.so":                      "-> " + store("glibc-2.42/lib/"+a.soname),
				store("glibc-2.42/lib/" + a.soname): a.loader(store("glibc-2.42/lib/"), store("glibc-2.42/lib/"), store("libgcc/lib/")),
				store("glibc-2.42/lib/libc.so.6"):   a.libc("2.42"),
				store("glibc-2.40/lib/" + a.soname): a.loader(),
				store("glibc-2.40/lib/libc.so.6"):   a.libc("2.40"),
				store("python3/bin/python"):         elfFile{machine: a.machine}.String(),
				store("wrong"):                      elfFile{machine: elfdeps.MachineRISCV, soname: a.soname, defs: []string{"GLIBC_PRIVATE"}}.String(),
				store("exec"):                       elfFile{machine: a.machine, exec: true, soname: a.soname, defs: []string{"GLIBC_PRIVATE"}}.String(),
				store("text"):                       "no ELF file",
				"/gone":                             "-> " + store("collected"),
			}
		}
		for _, row := range []struct {
			name    string
			files   tree
			env     host.Env
			verdict Verdict
			certain bool
			reason  string // a part of it
			version string // of the glibc behind
		}{
			{"interp_missing", tree{"/etc/x": ""}, nil, NoLoader, true, "there is no " + a.interp, ""},
			{"interp_dangling", tree{a.interp: "-> /nowhere"}, nil, NoLoader, true, "a link to a file that is not there", ""},
			{"stub_recognised", tree{a.interp: a.stub()}, nil, StubLoader, true, "stub-ld", ""},
			{"interp_other", tree{a.interp: "text"}, nil, Unclear, false, "not an ELF file", ""},
			{"interp_wrong_arch", tree{a.interp: elfFile{machine: elfdeps.MachineRISCV}.String()}, nil, Wrong, false, "another machine", ""},
			{"glibc_own", tree{a.interp: a.loader(), "/lib64/libc.so.6": a.libc("2.41"), "/lib/libc.so.6": a.libc("2.41")},
				host.Env{"NIX_LD=/nowhere"}, Native, false, "", "2.41"},
			{"nixld_default", nixLD("2.0.6"), nil, OK, false, "", "2.42"},
			{"nixld_set", nixLD("2.0.6"), host.Env{"NIX_LD=" + store("glibc-2.40/lib/"+a.soname)}, OK, false, "", "2.40"},
			{"nixld_newline", nixLD("2.0.6"), host.Env{"NIX_LD=" + store("glibc-2.40/lib/"+a.soname) + "\n"}, OK, false, "", "2.40"},
			{"nixld_two_newlines", nixLD("2.0.6"), host.Env{"NIX_LD=" + store("glibc-2.40/lib/"+a.soname) + "\n\n"}, NothingBehind, true, "NIX_LD (/nix/store", ""},
			{"nixld_no_default", tree{a.interp: a.nixLD2()}, nil, NothingBehind, true, "nix-ld's default (/run/current-system", ""},
			{"nixld_stale", nixLD("2.0.6"), host.Env{"NIX_LD=/nix/store/gone/ld.so"}, NothingBehind, true, "NIX_LD (/nix/store/gone/ld.so) is not there", ""},
			{"nixld_stale_system_name", nixLD("2.0.6"), host.Env{"NIX_LD=" + lib + "/ld.so", "NIX_LD_" + a.name + "_linux=/gone"},
				NothingBehind, true, "NIX_LD_" + a.name + "_linux (/gone)", ""},
			{"nixld_not_elf", nixLD("2.0.6"), host.Env{"NIX_LD=" + store("text")}, Broken, false, "is not an ELF file", ""},
			{"nixld_directory", nixLD("2.0.6"), host.Env{"NIX_LD=/nix"}, Broken, false, "not a regular file", ""},
			{"nixld_wrong_arch", nixLD("2.0.6"), host.Env{"NIX_LD=" + store("wrong")}, Broken, false, "another machine", ""},
			{"nixld_a_program", nixLD("2.0.6"), host.Env{"NIX_LD=" + store("python3/bin/python")}, Broken, false, "is not glibc's loader", ""},
			{"nixld_not_movable", nixLD("2.0.6"), host.Env{"NIX_LD=" + store("exec")}, Broken, false, "is not glibc's loader", ""},
			{"nixld_itself", nixLD("2.0.6"), host.Env{"NIX_LD=" + a.interp}, Broken, false, "is not glibc's loader", ""},
			{"nixld_too_old", nixLD("2.0.5"), nil, Broken, false, "nix-ld 2.0.5 is too old for glibc 2.42", "2.42"},
			{"nixld_rs_too_old", nixLD("rs-0.1.2"), nil, Broken, false, "nix-ld 0.1.2 is too old for glibc 2.42", "2.42"},
			{"nixld_old_with_old_glibc", nixLD("2.0.5"), host.Env{"NIX_LD=" + store("glibc-2.40/lib/"+a.soname)}, OK, false, "", "2.40"},
			{"nixld_version_unknown", tree{
				a.interp: a.nixLD2(), lib + "/ld.so": a.loader(), lib + "/libc.so.6": a.libc("2.42"),
			}, nil, OK, false, "", "2.42"},
			{"nixld1_unset", nixLD("1.2.3"), nil, NothingBehind, true, "NIX_LD is not set", ""},
			{"nixld1_empty", nixLD("1.2.3"), host.Env{"NIX_LD="}, NothingBehind, true, "NIX_LD is not set", ""},
			{"nixld1_set", nixLD("1.2.3"), host.Env{"NIX_LD=" + lib + "/ld.so"}, OK, false, "", "2.42"},
		} {
			t.Run(a.name+"/"+row.name, func(t *testing.T) {
				s := Examine(row.files.root(t), row.env, a.interp, a.machine)
				if s.Verdict != row.verdict || s.Certain != row.certain || !strings.Contains(s.Reason, row.reason) || s.Target.Version != row.version {
					t.Errorf("verdict %q, certain %v, reason %q, glibc %q\nwant %q, %v, %q, %q", s.Verdict, s.Certain, s.Reason, s.Target.Version,
						row.verdict, row.certain, row.reason, row.version)
				}
				if (s.Reason == "") != (s.Verdict == OK || s.Verdict == Native) {
					t.Errorf("verdict %q with reason %q", s.Verdict, s.Reason)
				}
			})
		}
	}
}

func TestSearch(t *testing.T) {
	a := arches()[0]
	const lib = "/run/current-system/sw/share/nix-ld/lib"
	glibc, gcc := store("glibc-2.42"), store("gcc-14-libgcc")
	loader := func(dirs ...string) string { return a.loader(dirs...) }
	nixos := func(extra tree) tree {
		files := tree{
			a.interp:                   a.nixLD2(),
			lib + "/ld.so":             "-> " + glibc + "/lib/" + a.soname,
			glibc + "/lib/" + a.soname: loader(glibc+"/lib/", glibc+"/lib/", gcc+"/lib/") + glibc + "/etc/ld.so.cache\x00",
			glibc + "/lib/libc.so.6":   a.libc("2.42"),
			"/etc/ld.so.cache":         "the caller's",
		}
		for name, content := range extra {
			files[name] = content
		}
		return files
	}
	debian := tree{
		a.interp:                                "-> /usr/lib/x86_64-linux-gnu/" + a.soname,
		"/usr/lib/x86_64-linux-gnu/" + a.soname: loader("/lib/x86_64-linux-gnu/", "/usr/lib/x86_64-linux-gnu/", "/lib/", "/usr/lib/") + "/etc/ld.so.cache\x00",
		"/etc/ld.so.cache":                      "",
	}
	for _, row := range []struct {
		name  string
		files tree
		env   host.Env
		want  Search
	}{
		{"nixld_default", nixos(nil), nil, Search{Library: []string{lib}, Default: []string{glibc + "/lib", gcc + "/lib"}}},
		{"nixld_user_first", nixos(nil), host.Env{"NIX_LD_LIBRARY_PATH=/a:/b", "LD_LIBRARY_PATH=/u"},
			Search{Library: []string{"/u", "/a", "/b"}, Default: []string{glibc + "/lib", gcc + "/lib"}}},
		{"nixld_emptied", nixos(nil), host.Env{"NIX_LD_LIBRARY_PATH="}, Search{Default: []string{glibc + "/lib", gcc + "/lib"}}},
		{"nixld_emptied_leaves_the_working_directory", nixos(nil), host.Env{"NIX_LD_LIBRARY_PATH=", "LD_LIBRARY_PATH=/u"},
			Search{Library: []string{"/u", ""}, Default: []string{glibc + "/lib", gcc + "/lib"}}},
		{"nixld_store_cache", nixos(tree{glibc + "/etc/ld.so.cache": ""}), nil,
			Search{Library: []string{lib}, Cache: glibc + "/etc/ld.so.cache", Default: []string{glibc + "/lib", gcc + "/lib"}}},
		{"nixld_loader_without_list", nixos(tree{glibc + "/lib/" + a.soname: loader()}), nil,
			Search{Library: []string{lib}, Default: []string{glibc + "/lib"}}},
		{"debian_plain", debian, host.Env{"NIX_LD_LIBRARY_PATH=/a"}, Search{Cache: "/etc/ld.so.cache",
			Default: []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib"}}},
		{"debian_semicolon", debian, host.Env{"LD_LIBRARY_PATH=/u;/v:"}, Search{Library: []string{"/u", "/v", ""}, Cache: "/etc/ld.so.cache",
			Default: []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib"}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			sys := row.files.root(t)
			got := Examine(sys, row.env, a.interp, a.machine).Search(sys)
			if !reflect.DeepEqual(got, row.want) {
				t.Errorf("\n got %+v\nwant %+v", got, row.want)
			}
		})
	}
}

// glibc itself says which directories it has compiled in.
func TestSearchHere(t *testing.T) {
	interp, machine := here(t)
	out, err := exec.Command(interp, "--list-diagnostics").Output()
	if err != nil {
		lacking(t, "the loader has no --list-diagnostics, as before glibc 2.33")
	}
	var want []string
	for line := range strings.Lines(string(out)) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), "="); strings.HasPrefix(name, "path.system_dirs[") {
			want = append(want, strings.TrimSuffix(strings.Trim(value, `"`), "/"))
		}
	}
	state := Examine(Running(), nil, interp, machine)
	if got := state.Search(Running()).Default; len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("default directories %q, the loader says %q", got, want)
	}
	if state.Target.Cache != "/etc/ld.so.cache" {
		t.Errorf("cache %q", state.Target.Cache)
	}
}

func TestTrustedCrafted(t *testing.T) {
	many := strings.Repeat("\x00/a/\x00/b/\x00x", 1<<20) // a million lists without their lengths
	for name, content := range map[string]string{
		"empty":       "",
		"nul":         "\x00/",
		"unfinished":  "\x00/a/\x00/b",
		"one":         "\x02\x00/a/\x00",
		"no_lengths":  "\x00/a/\x00/b/\x00",
		"many":        many,
		"long_string": "\x00/" + strings.Repeat("a/", 1<<20),
	} {
		if got := trusted([]byte(content)); got != nil {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestTrustedPart(t *testing.T) {
	class := "\x7fELF\x02"
	size := func(n int) string { return string(rune(n)) + strings.Repeat("\x00", 7) }
	for _, row := range []struct {
		name, content string
		want          []string
	}{
		{"list", class + size(3) + size(5) + "\x00/a/\x00/lib/\x00", []string{"/a", "/lib"}},
		{"list_between_others", class + size(3) + size(5) + "\x00/before/\x00/a/\x00/lib/\x00/after/\x00", []string{"/a", "/lib"}},
		{"list_after_another", class + size(3) + size(5) + "\x00/x/y/\x00/z/\x00\x00/a/\x00/lib/\x00", []string{"/a", "/lib"}},
		{"same_twice", class + size(5) + size(5) + size(3) + "\x00/lib/\x00/lib/\x00/a/\x00", []string{"/lib", "/a"}},
		{"one", class + size(5) + "\x00/lib/\x00", nil},
		{"files", class + size(6) + size(3) + "\x00/etc/x\x00/a/\x00", nil},
		{"class32", "\x7fELF\x01\x03\x00\x00\x00\x05\x00\x00\x00\x00/a/\x00/lib/\x00", []string{"/a", "/lib"}},
	} {
		if got := trusted([]byte(row.content)); !slices.Equal(got, row.want) {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

func TestCachePath(t *testing.T) {
	for _, row := range []struct{ content, want string }{
		{"\x00/etc/ld.so.cache\x00", "/etc/ld.so.cache"},
		{"\x00relative/ld.so.cache\x00\x00do not use /etc/ld.so.cache\x00/x/etc/ld.so.cache\x00", "/x/etc/ld.so.cache"},
		{"\x00/do not use /etc/ld.so.cache\x00", ""},
		{"\x00/etc/ld.so.cache.x\x00", ""},
		{"", ""},
	} {
		if got := cachePath([]byte(row.content)); got != row.want {
			t.Errorf("cachePath(%q) = %q, want %q", row.content, got, row.want)
		}
	}
}

func TestGone(t *testing.T) {
	a := arches()[0]
	sys := tree{a.interp: a.nixLD2(), "/a": "dir", "/file": "", "/link": "-> /collected"}.root(t)
	s := Examine(sys, host.Env{"NIX_LD_LIBRARY_PATH=/a:/collected::/file:/link", "LD_LIBRARY_PATH=/users"}, a.interp, a.machine)
	if got, want := s.Settings.Gone(sys), []string{"/collected", "/file", "/link"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestNixBuilt(t *testing.T) {
	for _, row := range []struct {
		interp, real string
		want         bool
	}{
		{"/lib64/ld-linux-x86-64.so.2", "/home/u/.local/share/uv/python/x/bin/python3.14", false},
		{store("glibc/lib/ld-linux-x86-64.so.2"), "/home/u/python", true},
		{"/lib64/ld-linux-x86-64.so.2", store("python3-3.13/bin/python3.13"), true},
	} {
		if got := NixBuilt(row.interp, row.real); got != row.want {
			t.Errorf("NixBuilt(%q, %q) = %v", row.interp, row.real, got)
		}
	}
}

func TestCollected(t *testing.T) {
	sys := tree{
		"/venv/bin/python":           "-> /nix/store/gone/bin/python3.13",
		"/venv/bin/python3":          "-> python",
		"/kept/bin/python":           "-> " + store("python3/bin/python3"),
		store("python3/bin/python3"): "",
		"/moved/bin/python":          "-> /home/gone/bin/python",
		"/loop":                      "-> /loop",
	}.root(t)
	for name, want := range map[string]string{
		"/venv/bin/python3": "/nix/store/gone/bin/python3.13",
		"/venv/bin/python":  "/nix/store/gone/bin/python3.13",
		"/kept/bin/python":  "",
		"/moved/bin/python": "",
		"/loop":             "",
		"/nothing":          "",
	} {
		target, ok := Collected(sys, name)
		if ok != (want != "") || ok && target != want {
			t.Errorf("Collected(%s) = %q, %v, want %q", name, target, ok, want)
		}
	}
}

func TestDriverDirs(t *testing.T) {
	for _, row := range []struct {
		files tree
		want  []string
	}{
		{tree{"/etc/x": ""}, nil},
		{tree{"/run/opengl-driver": "-> " + store("driver"), store("driver/lib"): "dir"}, []string{"/run/opengl-driver/lib"}},
		{tree{"/usr/lib/wsl/lib": "dir"}, []string{"/usr/lib/wsl/lib"}},
	} {
		if got := DriverDirs(row.files.root(t)); !slices.Equal(got, row.want) {
			t.Errorf("DriverDirs = %q, want %q", got, row.want)
		}
	}
}
