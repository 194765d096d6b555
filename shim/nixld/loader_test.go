package nixld

import (
	"strings"
	"testing"

	"uvshim/shim/elfdeps"
)

func TestInspect(t *testing.T) {
	for _, a := range arches() {
		other := arches()[0]
		if other.machine == a.machine {
			other = arches()[1]
		}
		pad := strings.Repeat("x", 64<<10) // a word may lie across two reads
		for _, row := range []struct {
			name   string
			interp string // a's if empty
			files  tree
			want   Loader
		}{
			{"interp_missing", "", tree{"/etc/x": ""}, Loader{Kind: Missing}},
			{"interp_below_a_file", "", tree{"/lib64": "", "/lib": ""}, Loader{Kind: Missing}},
			{"interp_dangling", "", tree{a.interp: "-> " + store("nix-ld-2.0.6/libexec/nix-ld")}, Loader{Kind: Dangling}},
			{"interp_loop", "", tree{a.interp: "-> " + a.interp}, Loader{Kind: Dangling}},
			{"nixld_by_path", "", tree{
				a.interp:                             "-> " + store("nix-ld-2.0.6/libexec/nix-ld"),
				store("nix-ld-2.0.6/libexec/nix-ld"): "-> ../bin/nix-ld",
				store("nix-ld-2.0.6/bin/nix-ld"):     elfFile{machine: a.machine}.String(),
			}, Loader{Kind: NixLD, Version: "2.0.6", Major: 2, Real: store("nix-ld-2.0.6/bin/nix-ld")}},
			{"nixld1_by_path", "", tree{
				a.interp:                             "-> " + store("nix-ld-1.2.3/libexec/nix-ld"),
				store("nix-ld-1.2.3/libexec/nix-ld"): elfFile{machine: a.machine}.String(),
			}, Loader{Kind: NixLD, Version: "1.2.3", Major: 1, Real: store("nix-ld-1.2.3/libexec/nix-ld")}},
			{"nixld_rs_by_path", "", tree{
				a.interp:                            "-> " + store("nix-ld-rs-0.1.2/bin/nix-ld"),
				store("nix-ld-rs-0.1.2/bin/nix-ld"): elfFile{machine: a.machine}.String(),
			}, Loader{Kind: NixLD, Version: "0.1.2", Major: 2, Real: store("nix-ld-rs-0.1.2/bin/nix-ld")}},
			{"nixld_flake_without_version", "", tree{
				a.interp:                   "-> " + store("nix-ld/bin/nix-ld"),
				store("nix-ld/bin/nix-ld"): elfFile{machine: a.machine}.String(),
			}, Loader{Kind: NixLD, Major: 2, Real: store("nix-ld/bin/nix-ld")}},
			{"nixld_other_package_with_its_name", "", tree{
				a.interp:                             "-> " + store("nix-ld-libraries/bin/nix-ld"),
				store("nix-ld-libraries/bin/nix-ld"): elfFile{machine: a.machine}.String(),
			}, Loader{Kind: Unknown, Reason: "not a known loader", Real: store("nix-ld-libraries/bin/nix-ld")}},
			{"nixld_path_wrong_arch", "", tree{
				a.interp:                         "-> " + store("nix-ld-2.0.6/bin/nix-ld"),
				store("nix-ld-2.0.6/bin/nix-ld"): elfFile{machine: other.machine}.String(),
			}, Loader{Kind: WrongArch, Real: store("nix-ld-2.0.6/bin/nix-ld")}},
			{"nixld1_by_content", "", tree{a.interp: a.nixLD1() + a.nixLD2()}, Loader{Kind: NixLD, Major: 1, Real: a.interp}},
			{"nixld2_by_content", "", tree{a.interp: a.nixLD2()}, Loader{Kind: NixLD, Major: 2, Real: a.interp}},
			{"nixld2_that_quotes_the_stub", "", tree{a.interp: a.nixLD2() + a.stub()}, Loader{Kind: NixLD, Major: 2, Real: a.interp}},
			{"stub_by_path", "", tree{
				a.interp: "-> " + store("stub-ld-"+a.name+"-unknown-linux-musl"),
				store("stub-ld-" + a.name + "-unknown-linux-musl"): elfFile{machine: a.machine, exec: true}.String(),
			}, Loader{Kind: Stub, Real: store("stub-ld-" + a.name + "-unknown-linux-musl")}},
			{"stub_path_without_hash", "", tree{
				a.interp:             "-> /nix/store/stub-ld",
				"/nix/store/stub-ld": elfFile{machine: a.machine, exec: true}.String(),
			}, Loader{Kind: Unknown, Reason: "not a known loader", Real: "/nix/store/stub-ld"}},
			{"stub_path_with_short_hash", "", tree{
				a.interp:                 "-> /nix/store/abc-stub-ld",
				"/nix/store/abc-stub-ld": elfFile{machine: a.machine, exec: true}.String(),
			}, Loader{Kind: Unknown, Reason: "not a known loader", Real: "/nix/store/abc-stub-ld"}},
			{"stub_by_content", "", tree{a.interp: a.stub()}, Loader{Kind: Stub, Real: a.interp}},
			{"stub_across_two_reads", "", tree{a.interp: elfFile{machine: a.machine,
				content: pad[:len(pad)-64-2*56-8*8-2-20] + "Could not start dynamically linked executable"}.String()}, Loader{Kind: Stub, Real: a.interp}},
			{"stub_words_in_a_library", "", tree{a.interp: elfFile{machine: a.machine, soname: "libfoo.so.1",
				content: "Could not start dynamically linked executable"}.String()}, Loader{Kind: Unknown, Reason: "not a known loader", Real: a.interp}},
			{"stub_words_in_a_script", "", tree{a.interp: "#!/bin/sh\necho Could not start dynamically linked executable\n"},
				Loader{Kind: Unknown, Reason: "not an ELF file", Real: a.interp}},
			{"glibc_with_libc_beside", "", tree{
				a.interp:               "-> /usr/lib/" + a.soname,
				"/usr/lib/" + a.soname: a.loader(),
				"/usr/lib/libc.so.6":   a.libc("2.41"),
			}, Loader{Kind: Glibc, Version: "2.41", Real: "/usr/lib/" + a.soname}},
			{"glibc_without_libc", "", tree{a.interp: a.loader()}, Loader{Kind: Glibc, Real: a.interp}},
			{"glibc_name_without_versions", "", tree{a.interp: elfFile{machine: a.machine, soname: a.soname}.String()},
				Loader{Kind: Unknown, Reason: "not a known loader", Real: a.interp}},
			{"glibc_wrong_arch", "", tree{a.interp: other.loader()}, Loader{Kind: WrongArch, Real: a.interp}},
			{"musl_alpine", "/lib/ld-musl-" + a.name + ".so.1", tree{
				"/lib/ld-musl-" + a.name + ".so.1": elfFile{machine: a.machine, soname: "libc.musl-" + a.name + ".so.1"}.String(),
			}, Loader{Kind: Musl, Real: "/lib/ld-musl-" + a.name + ".so.1"}},
			{"musl_upstream", "/lib/ld-musl-" + a.name + ".so.1", tree{
				"/lib/ld-musl-" + a.name + ".so.1": "-> musl/libc.so",
				"/lib/musl/libc.so":                elfFile{machine: a.machine}.String(),
			}, Loader{Kind: Musl, Real: "/lib/musl/libc.so"}},
			{"other_directory", "", tree{a.interp: "dir"}, Loader{Kind: Unknown, Reason: "not a regular file", Real: a.interp}},
			{"other_empty", "", tree{a.interp: ""}, Loader{Kind: Unknown, Reason: "not an ELF file", Real: a.interp}},
			{"other_short", "", tree{a.interp: a.loader()[:70]}, Loader{Kind: Unknown, Reason: "not an ELF file", Real: a.interp}},
		} {
			t.Run(a.name+"/"+row.name, func(t *testing.T) {
				want := row.want
				want.Machine, want.Path = a.machine, row.interp
				if want.Path == "" {
					want.Path = a.interp
				}
				got := Inspect(row.files.root(t), want.Path, a.machine)
				if got.Kind == Missing || got.Kind == Dangling {
					got.Reason = "" // the kernel's words
				}
				if (got.Err != nil) != (got.Reason != "" && got.Reason != "not a known loader" && got.Kind == Unknown || got.Kind == Missing || got.Kind == Dangling) {
					t.Errorf("error %v", got.Err)
				}
				got.Err = nil // in the kernel's words
				if got != want {
					t.Errorf("\n got %+v\nwant %+v", got, want)
				}
			})
		}
	}
}

func TestOlder(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want bool
	}{
		{"2.0.5", "2.0.6", true},
		{"2.0.6", "2.0.6", false},
		{"2.0.10", "2.0.6", false},
		{"2.0", "2.0.6", true},
		{"2.9", "2.42", true},
		{"", "2.2.5", true},
		{"2.17", "PRIVATE", false},
		{"", "ABI_DT_RELR", false},
		{"2.0.6-unstable", "2.0.6", false},
	} {
		if got := older(row.a, row.b); got != row.want {
			t.Errorf("older(%q, %q) = %v", row.a, row.b, got)
		}
	}
}

// The real files of this machine: Debian's loader is glibc's.
func TestInspectHere(t *testing.T) {
	interp, machine := here(t)
	got := Inspect(Running(), interp, machine)
	if got.Kind != Glibc || older(got.Version, "2.17") {
		t.Errorf("Inspect(%s) = %+v, want glibc's loader with its version", interp, got)
	}
	got = Inspect(Running(), interp, elfdeps.MachineRISCV)
	if got.Kind != WrongArch {
		t.Errorf("Inspect(%s) for another machine = %+v", interp, got)
	}
}
