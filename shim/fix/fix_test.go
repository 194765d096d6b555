package fix

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"uvshim/shim/elfdeps"
	"uvshim/shim/host"
	"uvshim/shim/nixld"
	"uvshim/shim/nixld/attribute"
	"uvshim/shim/preflight"
	"uvshim/testscripts/parts"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func pin(to string) string {
	return `{"version": 2, "flakes": [
		{"exact": true, "from": {"id": "home-manager", "type": "indirect"}, "to": {"type": "path", "path": "/hm"}},
		{"exact": true, "from": {"id": "nixpkgs", "type": "indirect"}, "to": ` + to + `}]}`
}

// Of the places where a nixpkgs may be, the first of the system's release counts.
func TestFind(t *testing.T) {
	const channel = rootChannel
	nixos := nixld.Release{ID: "nixos", Version: "25.11", NixOS: true}
	for _, row := range []struct {
		name    string
		files   map[string]string
		path    string // NIX_PATH
		release nixld.Release
		want    Source
		skipped int
	}{
		{"nothing", nil, "", nixos, Source{Flake: "github:NixOS/nixpkgs/nixos-25.11", From: "the system's release"}, 0},
		{"nothing_elsewhere", nil, "", nixld.Release{ID: "debian", Version: "12"}, Source{Flake: "nixpkgs", From: "nix's flake registry"}, 0},
		{"pinned_path", map[string]string{registry: pin(`{"type": "path", "path": "/p"}`), "/p/default.nix": "", "/p/flake.nix": "", channel + "/default.nix": ""}, "", nixos,
			Source{Path: "/p", From: registry}, 0},
		{"pinned_flake_only", map[string]string{registry: pin(`{"type": "path", "path": "/p"}`), "/p/flake.nix": ""}, "", nixos, Source{Flake: "path:/p", From: registry}, 0},
		{"pinned_gone", map[string]string{registry: pin(`{"type": "path", "path": "/gone"}`), channel + "/default.nix": ""}, "", nixos, Source{Path: channel, From: "root's channel"}, 0},
		{"pinned_github", map[string]string{registry: pin(`{"type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "abc"}`)}, "", nixos,
			Source{Flake: "github:NixOS/nixpkgs/abc", From: registry}, 0},
		{"pinned_otherwise", map[string]string{registry: pin(`{"type": "tarball", "url": "x"}`)}, "", nixos, Source{Flake: "nixpkgs", From: registry}, 0},
		{"pinned_damaged", map[string]string{registry: "{", channel + "/default.nix": ""}, "", nixos, Source{Path: channel, From: "root's channel"}, 0},
		{"pinned_other_release", map[string]string{registry: pin(`{"type": "path", "path": "/p"}`), "/p/default.nix": "", "/p/.version": "26.05\n", channel + "/default.nix": "", channel + "/.version": "25.11"}, "", nixos,
			Source{Path: channel, From: "root's channel"}, 1},
		{"other_release_flake", map[string]string{registry: pin(`{"type": "path", "path": "/p"}`), "/p/flake.nix": "", "/p/.version": "26.05"}, "", nixos,
			Source{Flake: "github:NixOS/nixpkgs/nixos-25.11", From: "the system's release"}, 1},
		{"nix_path", map[string]string{"/n/default.nix": "", channel + "/default.nix": ""}, "nixos-config=/etc/nixos/configuration.nix:nixpkgs=/n:/c", nixos, Source{Path: "/n", From: "NIX_PATH"}, 0},
		{"nix_path_directory", map[string]string{"/c/nixpkgs/default.nix": ""}, "x=/y:/c", nixos, Source{Path: "/c/nixpkgs", From: "NIX_PATH"}, 0},
		{"nix_path_relative", map[string]string{"/n/default.nix": ""}, "nixpkgs=n", nixos, Source{Flake: "github:NixOS/nixpkgs/nixos-25.11", From: "the system's release"}, 0},
		{"nix_path_flake", map[string]string{channel + "/default.nix": ""}, "nixpkgs=flake:nixpkgs", nixos, Source{Path: channel, From: "root's channel"}, 0},
		{"nix_path_url", map[string]string{channel + "/default.nix": ""}, "nixpkgs=https://example.org/x.tar.gz", nixos, Source{Path: channel, From: "root's channel"}, 0},
		{"elsewhere_any_version", map[string]string{"/n/default.nix": "", "/n/.version": "26.05"}, "nixpkgs=/n", nixld.Release{ID: "debian", Version: "12"}, Source{Path: "/n", From: "NIX_PATH"}, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range row.files {
				write(t, dir+name, text)
			}
			sys, err := nixld.At(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer sys.Close()
			got, skipped := Find(sys, host.Env{"NIX_PATH=" + row.path}, row.release)
			if got != row.want || len(skipped) != row.skipped {
				t.Errorf("got %+v, skipped %q", got, skipped)
			}
		})
	}
}

// A project may say what NIX_PATH is, in a Nix shell or by direnv. What is built is for all that the
// user runs, and not from there.
func TestFind_projectShell(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/n/default.nix", "")
	sys, err := nixld.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer sys.Close()
	for entry, want := range map[string]string{"": "NIX_PATH", "IN_NIX_SHELL=impure": "nix's flake registry", "DIRENV_DIR=-/p": "nix's flake registry"} {
		if got, _ := Find(sys, host.Env{"NIX_PATH=nixpkgs=/n", entry}, nixld.Release{}); got.From != want {
			t.Errorf("%q: %+v, not from %s", entry, got, want)
		}
	}
}

func TestArgs(t *testing.T) {
	flake := Builder{Source: Source{Flake: `path:/a "b" ${c}`}, Options: []string{"--cores", "2"}}
	got, err := flake.Args("stdenv.cc.cc.lib", "/l")
	want := []string{"build", "--extra-experimental-features", "nix-command flakes", "--impure", "--out-link", "/l", "--cores", "2", "--expr",
		`let pkgs = (builtins.getFlake "path:/a \"b\" \${c}").legacyPackages.${builtins.currentSystem}; getLib = x: if x.outputSpecified or false then x else x.lib or x.out or x; in getLib (with pkgs; stdenv.cc.cc.lib)`}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n%q", err, got)
	}
	for _, name := range []string{"", "zlib; throw 1", "zlib)", "a b", `"a/b"`, `"..".x`, "../x", "${x}"} {
		if got, err := flake.Args(name, "/l"); err == nil {
			t.Errorf("%q is an attribute: %q", name, got)
		}
	}
}

// What nix is asked for is what nix-ld's module takes of an attribute, from a flake and from a
// directory; nix's own errors are passed on.
func TestBuild(t *testing.T) {
	nix, nixBuild := parts.Tool(t, "nix"), parts.Tool(t, "nix-build")
	dir := t.TempDir()
	env := host.Env{"HOME=" + dir, "PATH=/usr/bin:/bin", "NIX_STORE_DIR=" + dir + "/store", "NIX_STATE_DIR=" + dir + "/var", "NIX_LOG_DIR=" + dir + "/log",
		"NIX_CONF_DIR=" + dir + "/etc", "NIX_CONFIG=sandbox = false\nsubstituters =\nbuild-users-group =\n"}
	set := `let
  make = name: outputs: builtins.derivation {
    inherit name outputs;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    PATH = "/usr/bin:/bin";
    args = [ "-e" "-c" ("for o in " + builtins.concatStringsSep " " outputs + "; do eval d=\\$$o; mkdir -p $d/lib/sub; echo $o > $d/lib/lib$o.so.1; touch $d/lib/sub/libsub.so.1; done") ];
  };
in {
  three = make "three" [ "bin" "out" "lib" ];
  plain = make "plain" [ "bin" "out" ];
  # as nixpkgs has it of a derivation's outputs
  chosen = (make "three" [ "bin" "out" "lib" ]).out // { outputSpecified = true; };
  bad = throw "it is broken on purpose";
}`
	write(t, dir+"/channel/default.nix", "{ config, overlays }: "+set)
	write(t, dir+"/flake/flake.nix", "{ outputs = { self }: { legacyPackages.x86_64-linux = "+set+"; legacyPackages.aarch64-linux = "+set+"; }; }")
	if out, err := exec.Command(nixBuild, "--version").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, b := range []Builder{{Source: Source{Path: dir + "/channel"}, Nix: nixBuild}, {Source: Source{Flake: "path:" + dir + "/flake"}, Nix: nix}} {
		for _, row := range []struct {
			want Want
			dirs string // after the links' directory
			fail string
		}{
			{Want{Attribute: "three", Sonames: []string{"liblib.so.1"}}, "result-lib/lib", ""},
			{Want{Attribute: "chosen", Sonames: []string{"libout.so.1"}}, "result/lib", ""},
			{Want{Attribute: "plain", Sonames: []string{"libout.so.1"}}, "result/lib", ""},
			{Want{Attribute: "plain", Sonames: []string{"libsub.so.1"}, Subdir: true}, "result/lib/sub", ""},
			{Want{Attribute: "plain", Sonames: []string{"libsub.so.1"}}, "", "it has no libsub.so.1"},
			{Want{Attribute: "three", Sonames: []string{"libbin.so.1", "liblib.so.1"}}, "", "it has no libbin.so.1"},
			{Want{Attribute: "nothere", Sonames: []string{"x"}}, "", "could not build it: exit status 1"},
			{Want{Attribute: "bad", Sonames: []string{"x"}}, "", "could not build it: exit status 1"},
		} {
			t.Run(b.Source.Program()+"_"+row.want.Attribute, func(t *testing.T) {
				links := filepath.Join(t.TempDir(), "links")
				var out strings.Builder
				b.Env, b.Output = env, &out
				dirs, err := b.Build(row.want, links)
				if row.fail != "" {
					if err == nil || !strings.Contains(err.Error(), row.fail) {
						t.Errorf("got %q, %v\n%s", dirs, err, &out)
					}
					if row.want.Attribute == "bad" && !strings.Contains(out.String(), "it is broken on purpose") {
						t.Errorf("nix's own error is not in\n%s", &out)
					}
					return
				}
				if err != nil || len(dirs) != 1 || dirs[0] != filepath.Join(links, row.dirs) {
					t.Fatalf("got %q, %v\n%s", dirs, err, &out)
				}
				roots, _ := exec.Command("sh", "-c", "readlink "+dir+"/var/gcroots/auto/*").Output()
				if !strings.Contains(string(roots), links+"/result") {
					t.Errorf("%s is no root of the collector: %s", links, roots)
				}
			})
		}
	}
}

// A library of a newer glibc, and a glibc, must not get onto the path.
func TestFits(t *testing.T) {
	cc := parts.Tool(t, "gcc")
	dir := t.TempDir()
	build := func(out string, args ...string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, out)), 0o755); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(cc, append([]string{"-shared", "-fPIC", "-nostdlib", "-o", out}, args...)...)
		cmd.Dir = dir
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	write(t, dir+"/libc.c", "int newer(void) { return 0; }\n")
	write(t, dir+"/libc.map", "GLIBC_2.43 { global: newer; };\n")
	write(t, dir+"/new.c", "int newer(void); int f(void) { return newer(); }\n")
	build("glibc/libc.so.6", "libc.c", "-Wl,-soname,libc.so.6", "-Wl,--version-script=libc.map")
	build("new/libnew.so.1", "new.c", "glibc/libc.so.6")
	build("old/libold.so.1", "libc.c")
	write(t, dir+"/old/libscript.so", "INPUT(libold.so.1)\n")
	files := elfdeps.NewFiles(elfdeps.Host{}, nil)
	for _, row := range []struct{ dir, glibc, want string }{
		{"new", "2.42", "libnew.so.1 needs GLIBC_2.43, and the glibc of this system is 2.42: it is from a newer nixpkgs"},
		{"new", "2.43", ""},
		{"new", "2.100", ""},
		{"new", "", ""},
		{"old", "2.17", ""},
		{"glibc", "2.42", "it has a libc.so.6 of its own, which only works with its own loader"},
	} {
		err := Fits(files, filepath.Join(dir, row.dir), row.glibc)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != row.want {
			t.Errorf("%s on %s: %v, want %q", row.dir, row.glibc, err, row.want)
		}
	}
}

func TestNewer(t *testing.T) {
	for version, want := range map[elfdeps.Version]bool{
		{Name: "GLIBC_2.43"}: true, {Name: "GLIBC_2.43", Weak: true}: false, {Name: "GLIBC_2.42"}: false, {Name: "GLIBC_2.2.5"}: false,
		{Name: "GLIBC_ABI_DT_RELR"}: false, {Name: "GLIBC_PRIVATE"}: false, {Name: "GLIBCXX_2.99"}: false, {Name: "2.99"}: false,
	} {
		f := &elfdeps.Facts{Needs: []elfdeps.VersionNeed{{File: "libc.so.6", Versions: []elfdeps.Version{version}}}}
		if got := newer(f, 42); (got != "") != want {
			t.Errorf("%+v: %q", version, got)
		}
	}
}

func finding(kind preflight.Kind, soname string, ak attribute.Kind, name, dist string) preflight.Finding {
	return preflight.Finding{Kind: kind, Severity: preflight.Required, Soname: soname, AttributeKind: ak, Attribute: name, Distribution: dist}
}

func TestMake(t *testing.T) {
	missing := preflight.MissingSoname
	std := finding(missing, "libstdc++.so.6", attribute.Default, "stdenv.cc.cc.lib", "numpy")
	optional := finding(missing, "libsql.so.1", attribute.Nixpkgs, "sql", "qt")
	optional.Severity = preflight.Optional
	verdict := func(outcome preflight.Outcome, nixLD bool, all ...preflight.Finding) preflight.Verdict {
		return preflight.Verdict{Outcome: outcome, NixLD: nixLD, NixOS: nixLD, Findings: all, Drivers: []string{"/run/opengl-driver/lib"}}
	}
	version := finding(preflight.MissingVersion, "libstdc++.so.6", attribute.Default, "stdenv.cc.cc.lib", "numpy")
	version.SymbolVersion, version.Path = "GLIBCXX_3.4.99", "/lib/libstdc++.so.6"
	none := finding(missing, "libssl.so.1.1", attribute.None, "", "old")
	none.Note = "nixpkgs has no such ABI: use a newer wheel"
	unknown := finding(missing, "libodd.so.1", attribute.Unknown, "", "odd")
	unknown.Note = "nix-locate -w lib/libodd.so.1"
	noDriver := verdict(preflight.NotCovered, true, finding(missing, "libcuda.so.1", attribute.Driver, "", "torch"))
	noDriver.Drivers = nil
	for _, row := range []struct {
		name    string
		targets []Target
		want    Plan
		helps   bool // of the first target
	}{
		{"covered", []Target{{"~/a", verdict(preflight.OK, true)}}, Plan{}, false},
		{"optional", []Target{{"~/a", verdict(preflight.OK, true, optional)}}, Plan{}, false},
		{"two_projects", []Target{{"~/b", verdict(preflight.NotCovered, true, std)}, {"~/a", verdict(preflight.NotCovered, true, std)}},
			Plan{Wants: []Want{{Attribute: "stdenv.cc.cc.lib", Sonames: []string{"libstdc++.so.6"}, For: []string{"~/a (numpy)", "~/b (numpy)"}}}}, true},
		{"one_attribute", []Target{{"~/a", verdict(preflight.NotCovered, true, std, finding(missing, "libgomp.so.1", attribute.Default, "stdenv.cc.cc.lib", "torch"), finding(missing, "libz.so.1", attribute.Default, "zlib", "torch"))}},
			Plan{Wants: []Want{
				{Attribute: "stdenv.cc.cc.lib", Sonames: []string{"libgomp.so.1", "libstdc++.so.6"}, For: []string{"~/a (numpy)", "~/a (torch)"}},
				{Attribute: "zlib", Sonames: []string{"libz.so.1"}, For: []string{"~/a (torch)"}}}}, true},
		{"subdir", []Target{{"~/a", verdict(preflight.NotCovered, true, finding(missing, "libmariadb.so.3", attribute.Subdir, "mariadb-connector-c", ""))}},
			Plan{Wants: []Want{{Attribute: "mariadb-connector-c", Sonames: []string{"libmariadb.so.3"}, For: []string{"~/a"}, Subdir: true}}}, true},
		{"driver", []Target{{"~/a", verdict(preflight.NotCovered, true, finding(missing, "libcuda.so.1", attribute.Driver, "", "torch"))}},
			Plan{Driver: &Want{Attribute: "driver", Sonames: []string{"libcuda.so.1"}, For: []string{"~/a (torch)"}}}, false},
		{"no_driver", []Target{{"~/a", noDriver}}, Plan{Refused: []Refusal{{"libcuda.so.1",
			"the graphics driver has it, and there is no /run/opengl-driver/lib here: hardware.graphics.enable = true; in configuration.nix", []string{"~/a (torch)"}}}}, false},
		{"refused", []Target{{"~/a", verdict(preflight.NotCovered, true, version, none, unknown)}}, Plan{Refused: []Refusal{
			{"GLIBCXX_3.4.99 of libstdc++.so.6", "/lib/libstdc++.so.6, which does not have it, is found before all that could be appended", []string{"~/a (numpy)"}},
			{"libodd.so.1", "which package has it is not known; to find out: nix-locate -w lib/libodd.so.1", []string{"~/a (odd)"}},
			{"libssl.so.1.1", none.Note, []string{"~/a (old)"}}}}, false},
		{"nix_python", []Target{{"~/a", verdict(preflight.NotApplicable, true, std)}}, Plan{Refused: []Refusal{{"libstdc++.so.6",
			"its Python was built by Nix and does not use nix-ld; one that uv manages does: uv venv --managed-python", []string{"~/a (numpy)"}}}}, false},
		{"debian", []Target{{"~/a", verdict(preflight.NotCovered, false, std)}}, Plan{Refused: []Refusal{{"libstdc++.so.6",
			"nix-ld is not in use here: install the package of your distribution that has it", []string{"~/a (numpy)"}}}}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := Make(row.targets)
			if !reflect.DeepEqual(got, row.want) {
				t.Errorf("got\n%+v\nwant\n%+v", got, row.want)
			}
			if Helps(&row.targets[0].Verdict) != row.helps {
				t.Errorf("helps: %v", !row.helps)
			}
		})
	}

	before := []Target{{"~/a", verdict(preflight.NotCovered, true, std, none)}}
	for _, row := range []struct {
		name string
		now  []preflight.Finding
		want string
	}{
		{"better", []preflight.Finding{none}, ""},
		{"deeper", []preflight.Finding{none, unknown}, ""}, // what is provided needs something that is missing
		{"worse", []preflight.Finding{none, version}, "GLIBCXX_3.4.99 of libstdc++.so.6"},
	} {
		r, worse := Worse(before, []Target{{"~/a", verdict(preflight.NotCovered, true, row.now...)}})
		if r.What != row.want || worse != (row.want != "") {
			t.Errorf("%s: %v %+v", row.name, worse, r)
		}
	}
}

// Of two at once the second waits.
func TestHold(t *testing.T) {
	data := t.TempDir()
	release, err := Hold(data, func() { t.Error("the first is told to wait") })
	if err != nil {
		t.Fatal(err)
	}
	waits, done := make(chan bool), make(chan error)
	go func() {
		second, err := Hold(data, func() { close(waits) })
		if err == nil {
			second()
		}
		done <- err
	}()
	<-waits
	select {
	case err := <-done:
		t.Fatalf("the second did not wait: %v", err)
	default:
	}
	release()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
