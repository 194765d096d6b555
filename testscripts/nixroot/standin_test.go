package nixroot_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"uvshim/shim/elfdeps"
	"uvshim/shim/nixld"
	"uvshim/testscripts/nixroot"
	"uvshim/testscripts/parts"
)

const (
	panicked = "[nix-ld] FATAL: panicked at src/main.rs:187:55:\ncalled `Result::unwrap()` on an `Err` value: "
	library  = "/run/current-system/sw/share/nix-ld/lib"
)

// probe compiles testdata/probe.c into the user's home, with further libraries.
func probe(t *testing.T, root *nixroot.Root, libraries ...string) string {
	t.Helper()
	const path = "/home/user/probe"
	args := append([]string{"-o", root.Path(path), "-Wl,--no-as-needed", "-Wl,--dynamic-linker=" + nixroot.Interp, "testdata/probe.c"}, libraries...)
	if out, err := exec.Command(parts.Tool(t, "gcc"), args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// The stand-in does with the environment what nix-ld 2.x does, by its README's table and by what
// was seen of it; and the product reads the environment in the same way.
func TestEnvironment(t *testing.T) {
	root := nixroot.New(t, nixroot.Options{NoUV: true, NoPython: true})
	program := probe(t, root)
	const unset = "(unset)"
	for _, row := range []struct {
		name    string
		env     []string
		loader  string // LD_LIBRARY_PATH as the real loader has it
		program string // both variables as the program and its children have them
	}{
		{"nothing", nil, library, " " + unset},
		{"user", []string{"LD_LIBRARY_PATH=/b"}, "/b:" + library, "/b " + unset},
		{"own", []string{"NIX_LD_LIBRARY_PATH=/a"}, "/a", unset + " /a"},
		{"both", []string{"NIX_LD_LIBRARY_PATH=/a", "LD_LIBRARY_PATH=/b"}, "/b:/a", "/b /a"},
		{"both_other_order", []string{"LD_LIBRARY_PATH=/b", "NIX_LD_LIBRARY_PATH=/a"}, "/b:/a", "/b /a"},
		{"both_lists", []string{"LD_LIBRARY_PATH=/b:/c", "NIX_LD_LIBRARY_PATH=/a:/d"}, "/b:/c:/a:/d", "/b:/c /a:/d"},
		{"own_empty", []string{"NIX_LD_LIBRARY_PATH="}, "", unset + " "},
		{"user_empty", []string{"LD_LIBRARY_PATH=", "NIX_LD_LIBRARY_PATH=/a"}, "/a", " /a"},
		{"system", []string{"NIX_LD_LIBRARY_PATH=/a", "NIX_LD_LIBRARY_PATH_x86_64_linux=/s"}, "/s", unset + " /a"},
		{"system_other_order", []string{"NIX_LD_LIBRARY_PATH_x86_64_linux=/s", "NIX_LD_LIBRARY_PATH=/a"}, "/s", unset + " /a"},
		{"system_empty", []string{"NIX_LD_LIBRARY_PATH_x86_64_linux=", "NIX_LD_LIBRARY_PATH=/a"}, "", unset + " /a"},
		{"system_dash", []string{"NIX_LD_LIBRARY_PATH_x86_64-linux=/s", "NIX_LD_LIBRARY_PATH=/a"}, "/a", unset + " /a"},
		{"system_other", []string{"NIX_LD_LIBRARY_PATH_i686_linux=/s"}, library, " " + unset},
		{"loader_empty", []string{"NIX_LD="}, library, " " + unset},
		{"loader_system", []string{"NIX_LD=/nonexistent", "NIX_LD_x86_64_linux=" + library + "/ld.so"}, library, " " + unset},
		{"loader_system_empty", []string{"NIX_LD=/nonexistent", "NIX_LD_x86_64_linux="}, library, " " + unset},
		{"loader_newline", []string{"NIX_LD=" + library + "/ld.so\n"}, library, " " + unset},
	} {
		t.Run(row.name, func(t *testing.T) {
			session := root.For(t).In(nixroot.Session{NoNixLD: true, Env: append(row.env, "LD_DEBUG=libs")})
			got := session.Run(program)
			want := "program " + row.program + "\nchild " + strings.TrimSpace(row.program) + "\n"
			// the shell's echo drops what is empty
			if got.Code != 0 || got.Stdout != want {
				t.Errorf("exit %d, stdout %q, want %q\n%s", got.Code, got.Stdout, want, got.Stderr)
			}
			if path := searched(got.Stderr, "LD_LIBRARY_PATH"); path != row.loader {
				t.Errorf("the loader searches %q, want %q", path, row.loader)
			}
			l := nixld.Inspect(system(t, root), nixroot.Interp, elfdeps.MachineX86_64)
			if path := nixld.Environment(session.Environ(), l).Path; path != row.loader {
				t.Errorf("the product says %q, want %q", path, row.loader)
			}
		})
	}
	t.Run("malformed_entry", func(t *testing.T) {
		// it is before NIX_LD, which then does not count
		session := nixroot.Session{Env: []string{"NIX_LD=/nonexistent", "NIX_LD_LIBRARY_PATH=/a"}}
		behind := root.StorePath("glibc") + "/lib/ld-linux-x86-64.so.2"
		got := root.For(t).In(session).Run(behind, program, program)
		if want := "program  /a\nchild /a\n"; got.Code != 0 || got.Stdout != want {
			t.Errorf("got %+v, want %q", got, want)
		}
	})
	t.Run("log_level", func(t *testing.T) {
		got := root.For(t).In(nixroot.Session{Env: []string{"NIX_LD_LOG=loud"}}).Run("/home/user/probe")
		if want := "[nix-ld]  WARN: Unknown log level loud\n"; got.Code != 0 || got.Stderr != want {
			t.Errorf("got %+v, want %q", got, want)
		}
		got = root.For(t).In(nixroot.Session{Env: []string{"NIX_LD_LOG=info"}}).Run("/home/user/probe")
		if want := "[nix-ld]  INFO: "; got.Code != 0 || !strings.HasPrefix(got.Stderr, want) {
			t.Errorf("got %+v, want %q", got, want)
		}
	})
}

// searched returns the directories of the first search path of a kind in what LD_DEBUG=libs prints,
// without their subdirectories for kinds of processors.
func searched(debug, kind string) string {
	for line := range strings.Lines(debug) {
		_, path, ok := strings.Cut(strings.TrimSpace(line), "search path=")
		path, after, _ := strings.Cut(path, "\t")
		if !ok || !strings.Contains(after, "("+kind+")") {
			continue
		}
		dirs := slices.DeleteFunc(strings.Split(path, ":"), func(dir string) bool {
			return strings.Contains(dir, "/glibc-hwcaps/") || strings.HasSuffix(dir, "/tls") || strings.HasSuffix(dir, "x86_64")
		})
		return strings.Join(dirs, ":")
	}
	return ""
}

func system(t *testing.T, root *nixroot.Root) *nixld.System {
	t.Helper()
	sys, err := nixld.At(root.Dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sys.Close() })
	return sys
}

// How nix-ld fails.
func TestFailures(t *testing.T) {
	root := nixroot.New(t, nixroot.Options{NoUV: true, NoPython: true})
	program := probe(t, root, "-lstdc++")
	content, err := os.ReadFile(root.Path(program))
	if err != nil {
		t.Fatal(err)
	}
	content[18] = 183 // e_machine: aarch64
	root.WriteFile("/home/user/foreign", string(content), 0o755)
	root.WriteFile("/home/user/short", "\x7fELF", 0o755)
	root.WriteFile("/home/user/closed", "", 0)
	for _, row := range []struct {
		name, loader string
		want         nixroot.Result
	}{
		{"library", "", nixroot.Result{Code: 127, Stderr: program + ": error while loading shared libraries: " + noStdcxx + "\n"}},
		{"nowhere", "/nonexistent", nixroot.Result{Code: 134, Stderr: panicked + "Posix(2)\n"}},
		{"no_access", "/home/user/closed", nixroot.Result{Code: 134, Stderr: panicked + "Posix(13)\n"}},
		{"no_elf", "/etc/os-release", nixroot.Result{Code: 134, Stderr: "[nix-ld] ERROR: \"/etc/os-release\" is not an ELF\n" + panicked + "Unknown\n"}},
		{"directory", "/home", nixroot.Result{Code: 134, Stderr: "[nix-ld] ERROR: File too small\n" + panicked + "Unknown\n"}},
		{"short", "/home/user/short", nixroot.Result{Code: 134, Stderr: "[nix-ld] ERROR: File too small\n" + panicked + "Unknown\n"}},
		{"wrong_architecture", "/home/user/foreign", nixroot.Result{Code: 134,
			Stderr: "[nix-ld] ERROR: \"/home/user/foreign\" is for the wrong architecture (expected 0x3e, got 0xb7)\n" + panicked + "Unknown\n"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := root.For(t).In(nixroot.Session{Env: []string{"NIX_LD=" + row.loader}}).Run(program); got != row.want {
				t.Errorf("got %+v\nwant %+v", got, row.want)
			}
		})
	}
	t.Run("program_as_loader", func(t *testing.T) {
		if got := root.For(t).In(nixroot.Session{Env: []string{"NIX_LD=" + program}}).Run(program); got.Code != 139 || got.Stderr != "" {
			t.Errorf("got %+v, want SIGSEGV", got)
		}
	})
	t.Run("listed", func(t *testing.T) {
		root := root.For(t)
		root.Relib("stdenv.cc.cc")
		root.Must(program)
	})
	t.Run("no_default", func(t *testing.T) {
		root := nixroot.New(t, nixroot.Options{NoUV: true, NoPython: true, NoLDSo: true})
		want := nixroot.Result{Code: 134, Stderr: panicked + "Posix(2)\n"}
		if got := root.In(nixroot.Session{NoNixLD: true}).Run(probe(t, root)); got != want {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
	})
}

// What is read out of the root's files is what the loader does.
func TestLoader(t *testing.T) {
	root := nixroot.New(t, nixroot.Options{NoUV: true, NoPython: true})
	debug := root.In(nixroot.Session{Env: []string{"LD_DEBUG=libs"}}).Run(probe(t, root, "-lstdc++")).Stderr
	dirs := searched(debug, "system search path")
	sys := system(t, root)
	state := nixld.Examine(sys, root.Environ(), nixroot.Interp, elfdeps.MachineX86_64)
	if state.Verdict != nixld.OK || state.Loader.Kind != nixld.NixLD || state.Loader.Version != "2.0.6" {
		t.Errorf("the product sees %+v", state)
	}
	if got := strings.Join(state.Target.Trusted, ":"); got != dirs || dirs == "" {
		t.Fatalf("the loader searches %q, in its file is %q", dirs, got)
	}
	for _, path := range append(state.Target.Trusted, state.Target.Cache) {
		if !strings.HasPrefix(path+"/", "/nix/") {
			t.Errorf("the loader knows %s of other distributions", path)
		}
	}
	if strings.Contains(debug, "search cache") && !strings.Contains(debug, "search cache="+state.Target.Cache) {
		t.Errorf("the loader has another cache than %s:\n%s", state.Target.Cache, debug)
	}
	// the stand-ins have the words by which the real ones are known, wherever they lie
	stub := nixroot.New(t, nixroot.Options{NoUV: true, NoPython: true, Loader: nixroot.Stub})
	for kind, from := range map[nixld.Kind]*nixroot.Root{nixld.NixLD: root, nixld.Stub: stub} {
		content, err := os.ReadFile(from.Path(nixld.Inspect(system(t, from), nixroot.Interp, elfdeps.MachineX86_64).Real))
		if err != nil {
			t.Fatal(err)
		}
		root.WriteFile("/home/user/copy", string(content), 0o755)
		if got := nixld.Inspect(sys, "/home/user/copy", elfdeps.MachineX86_64); got.Kind != kind || kind == nixld.NixLD && got.Major != 2 {
			t.Errorf("the copy of %s is %+v", kind, got)
		}
	}
	for i, attribute := range []string{"glibc", "libgcc"} {
		if real, err := sys.Real(state.Target.Trusted[i]); err != nil || real != root.StorePath(attribute)+"/lib" {
			t.Errorf("%s is %s, want that of %s: %v", state.Target.Trusted[i], real, attribute, err)
		}
	}
	for _, path := range []string{"/lib", "/usr/lib", "/etc/ld.so.cache", state.Target.Cache, "/lib64/ld-linux-x86-64.so.1"} {
		if _, err := os.Lstat(root.Path(path)); err == nil {
			t.Errorf("there is %s", path)
		}
	}
}
