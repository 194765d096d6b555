package testscripts

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"uvshim/testscripts/nixroot"
)

// What a Python developer meets who comes to NixOS and types what the tutorials say: the warning
// comes before the ImportError and names what to add; with that added there is silence, and no call
// does any more than the first ones did.
func TestCoverageNumpy(t *testing.T) {
	root := numpyRoot(t, nixroot.Options{})
	imports := []string{"uv", "run", "python", "-c", "import numpy"}

	got := root.Run(imports...)
	rest, warned := strings.CutPrefix(got.Stderr, "shim: warning: "+numpyWarning(root))
	if !warned || got.Code != 1 || got.Stdout != "" || !strings.HasPrefix(rest, "Traceback ") || !strings.Contains(rest, noStdcxx) {
		t.Errorf("exit %d\n%s%s", got.Code, got.Stdout, got.Stderr)
	}
	// it is said before once, and then after each failure
	if again := root.Run(imports...); again.Code != 1 || again.Stderr != rest+"shim: warning: "+numpyWarning(root) {
		t.Errorf("the second time: exit %d\n%s", again.Code, again.Stderr)
	}
	same(t, root.Run("uv", "run", "python", "-c", "0"), nixroot.Result{})

	policyText(root, "[preflight]\nlibraries = \"strict\"\n")
	same(t, root.Run(imports...), refused("libraries", numpyWarning(root)))
	same(t, root.Run("python", "-V"), nixroot.Result{Stdout: "Python " + root.Python.Version + "\n"})
	// the environment itself, activated
	active := with(root, "VIRTUAL_ENV="+rootHome+"/demo/.venv")
	same(t, active.Run("python", "-V"), nixroot.Result{Stdout: "Python " + root.Python.Version + "\n"})

	root.Relib("stdenv.cc.cc.lib")
	for range 2 {
		same(t, root.Run(imports...), nixroot.Result{})
		same(t, root.Run("python", "-c", "0"), nixroot.Result{})
	}
	before := remembered(t, root)
	// from a shell, which hands the variables on in another order
	same(t, root.Run("sh", "-ec", "for i in $(seq 50); do uv run python -c 0; python -c 0; done"), nixroot.Result{})
	same(t, root.Run(imports...), nixroot.Result{})
	unchanged(t, remembered(t, root), before)
	for _, argv := range [][]string{imports, {"python", "-c", "0"}} {
		if opened := libraries(t, root, argv...); len(opened) > 0 {
			t.Errorf("a warm %q opens %q", argv, opened)
		}
	}
}

// A libstdc++ that is there but too old: what is said to be missing is what the loader misses.
func TestCoverageVersions(t *testing.T) {
	root := numpyRoot(t, nixroot.Options{Libraries: []string{"old-gcc"}})
	got := root.Run("uv", "run", "python", "-c", "import numpy")
	warning, rest, found := strings.Cut(got.Stderr, "Traceback ")
	want := regexp.MustCompile(`^shim: warning: numpy 2\.5\.5 cannot work as it is, for \d+ reasons\n` +
		`  missing    libstdc\+\+\.so\.6 [A-Z]+_[0-9.]+: numpy 2\.5\.5\n(             libstdc\+\+\.so\.6 [A-Z]+_[0-9.]+: numpy 2\.5\.5\n)*` +
		`  fix        in configuration\.nix, then nixos-rebuild switch:\n` +
		`               programs\.nix-ld\.libraries = with pkgs; \[ stdenv\.cc\.cc\.lib \];\n$`)
	if !found || got.Code != 1 || !want.MatchString(warning) {
		t.Fatalf("exit %d\n%s", got.Code, got.Stderr)
	}
	var said []string
	for _, m := range regexp.MustCompile(`libstdc\+\+\.so\.6 ([A-Z]+_[0-9.]+):`).FindAllStringSubmatch(warning, -1) {
		said = append(said, m[1])
	}
	real := regexp.MustCompile("ImportError: .*/libstdc\\+\\+\\.so\\.6: version `([A-Z]+_[0-9.]+)' not found").FindStringSubmatch(rest)
	if real == nil || !slices.Contains(said, real[1]) || !slices.ContainsFunc(said, func(v string) bool { return strings.HasPrefix(v, "GLIBCXX_") }) {
		t.Errorf("said %q, and the loader %q\n%s", said, real, rest)
	}
	// the loader stops at the first; each of the others is one more that it would stop at
	traced := root.Must("sh", "-c", "LD_TRACE_LOADED_OBJECTS=1 /run/current-system/sw/share/nix-ld/lib/ld.so --library-path /run/current-system/sw/share/nix-ld/lib "+umath(root)+" 2>&1")
	var missing []string
	for _, m := range regexp.MustCompile("version `([A-Z]+_[0-9.]+)' not found \\(required by [^)]*_multiarray_umath").FindAllStringSubmatch(traced, -1) {
		missing = append(missing, m[1])
	}
	slices.Sort(missing)
	slices.Sort(said)
	for _, version := range slices.Compact(missing) {
		if !slices.Contains(said, version) {
			t.Errorf("the loader misses %s, and %q was said\n%s", version, said, traced)
		}
	}
	if len(missing) == 0 {
		t.Errorf("the loader traced\n%s", traced)
	}
	out := checkJSON(t, result(root.Run("shim", "check", "--json")), 1)
	for _, f := range out.Targets[0].Findings {
		if f.Kind != "missing-version" || f.Soname != "libstdc++.so.6" || !slices.Contains(said, f.SymbolVersion) || f.Found != "/run/current-system/sw/share/nix-ld/lib/libstdc++.so.6" {
			t.Errorf("finding %+v", f)
		}
	}
	if !slices.Equal(out.Attributes, []string{"stdenv.cc.cc.lib"}) {
		t.Errorf("attributes %q", out.Attributes)
	}
}

// What stands at PT_INTERP, in each mode of preflight.loader.
func TestCoverageLoaders(t *testing.T) {
	root := newRoot(t, nixroot.Options{}, "")
	root.Must("python", "-V")
	exe := root.Python.Exe
	enable := "\n  fix        in configuration.nix, then nixos-rebuild switch:\n               programs.nix-ld.enable = true;\n"
	stub := "Could not start dynamically linked executable: " + exe + "\n" +
		"NixOS cannot run dynamically linked executables intended for generic\n" +
		"linux environments out of the box. For more information, see:\nhttps://nix.dev/permalink/stub-ld\n"
	short := strings.Replace(exe, rootHome+"/", "~/", 1)
	kernel := "shim: error: cannot run \"" + short + "\": no such file or directory\n"
	for _, row := range []struct {
		loader nixroot.Loader
		why    string
		own    nixroot.Result // what comes of running it
	}{
		{nixroot.Stub, nixroot.Interp + " is stub-ld, which starts nothing", nixroot.Result{Code: 127, Stderr: stub}},
		{nixroot.None, "there is no " + nixroot.Interp, nixroot.Result{Code: 126, Stderr: kernel}},
		{nixroot.Dangling, nixroot.Interp + " is a link to a file that is not there", nixroot.Result{Code: 126, Stderr: kernel}},
	} {
		t.Run(string(row.loader), func(t *testing.T) {
			root := root.For(t)
			text := short + " cannot start: " + row.why + enable
			root.Run("rm", "-rf", rootHome+"/.config/shim")
			root.Reload(row.loader)
			for range 2 {
				same(t, root.Run("python", "-V"), refusedUnasked("loader", text))
			}
			policyText(root, "[preflight]\nloader = \"warn\"\n")
			warned := row.own
			warned.Stderr = "shim: warning: " + text + warned.Stderr
			same(t, root.Run("python", "-V"), warned)
			same(t, root.Run("python", "-V"), row.own)
			policyText(root, "[preflight]\nloader = \"off\"\n")
			forget(root)
			same(t, root.Run("python", "-V"), row.own)
			got := root.Run("shim", "check", exe)
			if want := strings.ReplaceAll("  "+strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"; got.Code != 1 || !strings.HasSuffix(got.Stdout, want) || got.Stderr != "" {
				t.Errorf("shim check: %+v, want %q", got, want)
			}
		})
	}
}

// What the environment tells nix-ld: each has a verdict of its own, and the next call with it is
// not asked again.
func TestCoverageEnvironment(t *testing.T) {
	root := numpyRoot(t, nixroot.Options{NixPython: true, Libraries: []string{"stdenv.cc.cc.lib"}})
	run := []string{"uv", "run", "python", "-c", "0"}
	warning := func(variable string) nixroot.Result {
		return nixroot.Result{Stderr: "shim: warning: " + numpyNeed(root) +
			"  but        here the variable \"" + variable + "\" stands in place of the system's list\n" + orNow}
	}
	silent := nixroot.Result{}
	root.Must(run...)
	devShell := "NIX_LD_LIBRARY_PATH=" + root.StorePath("stdenv.cc.cc.lib") + "/lib"
	for _, row := range []struct {
		name string
		env  []string
		want nixroot.Result
	}{
		{"login", nil, silent},
		{"path_empty", []string{"NIX_LD_LIBRARY_PATH="}, warning("NIX_LD_LIBRARY_PATH=")},
		{"path_elsewhere", []string{"NIX_LD_LIBRARY_PATH=/nix/store/.glibc/lib"}, warning("NIX_LD_LIBRARY_PATH=/nix/store/.glibc/lib")},
		{"path_devshell", []string{devShell}, silent},
		{"path_system", []string{"NIX_LD_LIBRARY_PATH_x86_64_linux="}, warning("NIX_LD_LIBRARY_PATH_x86_64_linux=")},
		{"service", []string{"NIX_LD", "NIX_LD_LIBRARY_PATH"}, silent},
		{"loader_empty", []string{"NIX_LD="}, silent},
		{"user_path", []string{"NIX_LD_LIBRARY_PATH=", "LD_LIBRARY_PATH=" + root.StorePath("stdenv.cc.cc.lib") + "/lib"}, silent},
		{"loader_nowhere", []string{"NIX_LD=/nowhere"}, refusedUnasked("loader",
			"~/demo/.venv/bin/python cannot start: NIX_LD (/nowhere) is not there\n  fix        unset NIX_LD NIX_LD_LIBRARY_PATH   # or log in anew\n")},
	} {
		t.Run(row.name, func(t *testing.T) {
			root := with(root.For(t), row.env...)
			// the same warning is printed once, from whichever environment it comes
			forget(root)
			same(t, root.Run(run...), row.want)
			if row.want.Code == 0 { // what was said is true
				got := root.Run(rootHome+"/demo/.venv/bin/python", "-c", "import numpy")
				if missing := strings.Contains(got.Stderr, noStdcxx); missing != (row.want.Stderr != "") {
					t.Errorf("the import: exit %d\n%s", got.Code, got.Stderr)
				}
			}
		})
	}
	// back in the first, and again in the shell's, each is remembered
	for _, env := range []string{"HOME=" + rootHome, devShell} {
		if opened := libraries(t, with(root, env), run...); len(opened) > 0 {
			t.Errorf("with %s it opens %q", env, opened)
		}
	}

	t.Run("nix_python", func(t *testing.T) {
		root := at(root.For(t), rootHome)
		root.Must("uv", "venv", "--python", "/run/current-system/sw/bin/python3", "nixed")
		root.Must("uv", "pip", "install", "--python", "nixed", "numpy")
		forget(root)
		got := with(root, "VIRTUAL_ENV="+rootHome+"/nixed").Run("python", "-c", "import numpy")
		want := "shim: warning: numpy 2.5.5 needs libstdc++.so.6, which it does not find: its Python was built by Nix and does not use nix-ld\n" +
			"  needed by  " + strings.Replace(umath(root), ".venv", "nixed", 1) + "\n" +
			"  fix        uv venv --managed-python   # a Python that uv manages\n"
		if rest, ok := strings.CutPrefix(got.Stderr, want); !ok || got.Code != 1 || !strings.Contains(rest, noStdcxx) {
			t.Errorf("exit %d\n%s\nwant\n%s", got.Code, got.Stderr, want)
		}
		if check := root.Run("shim", "check", "nixed", "--json"); check.Code != 1 || !strings.Contains(check.Stdout, `"outcome": "not applicable"`) {
			t.Errorf("%+v", check)
		}
	})
}
