package testscripts

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"uvshim/testscripts/nixroot"
)

// What is provided without a rebuild, built by this machine's own nix, which runs inside the root.
// What stands for nixpkgs there is a few derivations that copy libraries of the root's store.

const (
	rootLibraries = rootHome + "/.local/share/shim/libraries"
	rootChannel   = "/nix/var/nix/profiles/per-user/root/channels/nixos"
	systemLibs    = "/run/current-system/sw/share/nix-ld/lib"
)

// The article's failure, mended and brought back, all by commands.
func TestFixNumpy(t *testing.T) {
	root := numpyRoot(t, nixroot.Options{Store: []string{"stdenv.cc.cc.lib"}})
	root = withNix(t, root, nixpkgs(gcc(root)))
	numpy := []string{"uv", "run", "python", "-c", "import numpy"}
	lib := rootLibraries + "/stdenv.cc.cc.lib/result-lib/lib"
	fails := func(root *nixroot.Root, argv ...string) {
		t.Helper()
		if got := root.Run(argv...); got.Code == 0 || !strings.Contains(got.Stderr, noStdcxx) {
			t.Errorf("%q: exit %d\n%s", argv, got.Code, got.Stderr)
		}
	}
	forGood := "for good   in configuration.nix, then nixos-rebuild switch:\n" +
		"             programs.nix-ld.libraries = with pkgs; [ stdenv.cc.cc.lib ];\n"

	fails(root, numpy...)
	forget(root)
	// what has the system's list in it does not stand in its place
	same(t, with(root, "NIX_LD_LIBRARY_PATH="+systemLibs+":/elsewhere").Run("uv", "run", "python", "-c", "0"), nixroot.Result{Stderr: "shim: warning: " + numpyWarning(root)})
	session := root.Must("uv", "run", "env")
	before := remembered(t, root, ".local/share/shim")
	got := root.Run("shim", "fix", "--dry-run", "--", "--cores", "2")
	call, rest, _ := strings.Cut(strings.TrimPrefix(got.Stdout, "would build   stdenv.cc.cc.lib\n"+
		"                libstdc++.so.6 for ~/demo (numpy)\n                "), "\n")
	if got.Code != 0 || rest != "would append  ~/.local/share/shim/libraries/stdenv.cc.cc.lib/result*/lib to NIX_LD_LIBRARY_PATH\n"+forGood {
		t.Errorf("shim fix --dry-run: exit %d\n%s%s", got.Code, got.Stdout, got.Stderr)
	}
	unchanged(t, remembered(t, root, ".local/share/shim"), before)
	// the call can be pasted
	paste := root.Must("sh", "-c", "mkdir -p "+rootLibraries+"/stdenv.cc.cc.lib && "+call)
	if !strings.HasPrefix(paste, "/nix/store/") || !strings.HasSuffix(paste, "-gcc-12-lib\n") {
		t.Errorf("%s\nprints %q", call, paste)
	}
	root.Must("rm", "-r", rootLibraries)

	got = root.Run("shim", "fix")
	want := "provided   stdenv.cc.cc.lib\n             ~/.local/share/shim/libraries/stdenv.cc.cc.lib/result-lib/lib\n" +
		"covered    ~/demo: numpy\n" + forGood
	if got.Code != 0 || got.Stdout != want || !strings.Contains(got.Stderr, "shim env\n") ||
		!strings.Contains(got.Stderr, "hint: the list can be kept in ~/.config/shim/policy.toml: [nix-ld] libraries = [\"stdenv.cc.cc.lib\"]\n") {
		t.Fatalf("shim fix: %d\n%s%s\nwant\n%s", got.Code, got.Stdout, got.Stderr, want)
	}
	same(t, root.Run(numpy...), nixroot.Result{})
	same(t, root.Run("python", "+"+root.Python.Minor, "-c", "import sys; print(sys.prefix == sys.base_prefix)"), nixroot.Result{Stdout: "True\n"})
	same(t, with(root, "VIRTUAL_ENV="+rootHome+"/demo/.venv").Run("python", "-c", "import numpy"), nixroot.Result{})
	if opened := libraries(t, root, numpy...); len(opened) > 0 {
		t.Errorf("the next call opens %q", opened)
	}
	check := root.Run("shim", "check")
	if check.Code != 0 || !strings.Contains(check.Stderr, "hint: stdenv.cc.cc.lib comes from shim fix") {
		t.Errorf("shim check: %+v", check)
	}

	if c := doctor(t, root).of(t, "fixed", "info"); !strings.Contains(c.Message, "stdenv.cc.cc.lib from shim fix") {
		t.Errorf("shim doctor: %+v", c)
	}
	doctor(t, root).of(t, "coverage", "ok")

	t.Run("children", func(t *testing.T) { onlyForForeign(t, root.For(t), session, lib) })
	t.Run("past_us", func(t *testing.T) {
		root := root.For(t)
		past := rootHome + "/demo/.venv/bin/python"
		if got := root.Run(past, "-c", "import numpy"); got.Code != 1 || !strings.Contains(got.Stderr, noStdcxx) {
			t.Errorf("exit %d\n%s", got.Code, got.Stderr)
		}
		same(t, root.Run("bash", "-c", `eval "$(shim env)" && `+past+` -c "import numpy" && shim env`),
			nixroot.Result{Stdout: "export NIX_LD_LIBRARY_PATH='" + systemLibs + ":" + lib + "'\n"})
		// a service without NIX_LD_LIBRARY_PATH: nix-ld's default is not lost
		s := root.Session
		s.NoNixLD = true
		same(t, root.In(s).Run("shim", "env", "systemd"), nixroot.Result{Stdout: "NIX_LD_LIBRARY_PATH=" + systemLibs + ":" + lib + "\n"})
		same(t, root.In(s).Run(numpy...), nixroot.Result{})
	})

	kept := remembered(t, root, ".local/share/shim")
	same(t, root.Run("shim", "fix"), nixroot.Result{Stdout: "covered    ~/demo\n"})
	unchanged(t, remembered(t, root, ".local/share/shim"), kept)
	list := "stdenv.cc.cc.lib  ~/.local/share/shim/libraries/stdenv.cc.cc.lib/result-lib/lib  "
	same(t, root.Run("shim", "fix", "--list"), nixroot.Result{Stdout: list + "for ~/demo (numpy)\n"})
	same(t, at(root, rootHome).Run("shim", "fix"), nixroot.Result{Stdout: "covered    ~/demo\n"})

	// nixos-rebuild switch
	root.Relib("stdenv.cc.cc.lib")
	idle := root.Run("shim", "fix", "--list")
	if since, ok := strings.CutPrefix(idle.Stdout, list+"not needed since 20"); idle.Code != 0 || !ok || len(since) != len("26-11-22\n") {
		t.Errorf("shim fix --list: %+v", idle)
	}
	same(t, root.Run("shim", "fix", "--list"), idle)
	root.Relib()
	same(t, root.Run("shim", "fix", "--list"), nixroot.Result{Stdout: list + "for ~/demo (numpy)\n"})

	if got := root.Run("shim", "fix", "--undo", "stdenv.cc.lib"); got.Code != 2 || !strings.Contains(got.Stderr, "did you mean stdenv.cc.cc.lib?") {
		t.Errorf("--undo of another: %+v", got)
	}
	same(t, root.Run("shim", "fix", "--undo", "stdenv.cc.cc.lib"), nixroot.Result{Stdout: "no longer provided   stdenv.cc.cc.lib\n"})
	same(t, root.Run("shim", "fix", "--undo"), nixroot.Result{Stderr: "shim: hint: nothing is provided\n"})
	if names := root.Must("ls", rootLibraries); names != "" {
		t.Errorf("left: %s", names)
	}
	fails(root, numpy...)
	if got := root.Run("shim", "env"); got.Code != 0 || got.Stdout != "" || !strings.HasPrefix(got.Stderr, "shim: hint: there is nothing to set") {
		t.Errorf("shim env: %+v", got)
	}
}

// onlyForForeign shows that what is provided reaches foreign programs only: of all variables one has
// changed, and the loader of a program that Nix built does not look there.
func onlyForForeign(t *testing.T, root *nixroot.Root, before, lib string) {
	variables := func(text string) map[string]string {
		all := map[string]string{}
		for line := range strings.Lines(text) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			if name != "SHIM_GUARD" { // has the time
				all[name] = value
			}
		}
		return all
	}
	was, now := variables(before), variables(root.Must("uv", "run", "env"))
	if now["NIX_LD_LIBRARY_PATH"] != systemLibs+":"+lib {
		t.Errorf("NIX_LD_LIBRARY_PATH=%s", now["NIX_LD_LIBRARY_PATH"])
	}
	now["NIX_LD_LIBRARY_PATH"] = was["NIX_LD_LIBRARY_PATH"]
	if !maps.Equal(now, was) {
		t.Errorf("the environment is\n%v\nand was\n%v", now, was)
	}
	nested := root.Must("uv", "run", "uv", "run", "python", "-c", "import os; print(os.environ['NIX_LD_LIBRARY_PATH'])")
	if nested != systemLibs+":"+lib+"\n" {
		t.Errorf("a nested call has %s", nested)
	}
	// A Nix-built program for which a libc.so.6 on its path would be the end. The same search shows
	// where the foreign Python looks.
	for program, looks := range map[string]bool{"/run/current-system/sw/bin/ls": false, "python": true} {
		argv := []string{"uv", "run", "env", "LD_DEBUG=libs", program, "--version"}
		if program == "python" {
			argv = []string{"uv", "run", "env", "LD_DEBUG=libs", ".venv/bin/python", "-c", "import numpy"}
		}
		got := root.Run(argv...)
		if got.Code != 0 || strings.Contains(got.Stderr, rootLibraries) != looks || !strings.Contains(got.Stderr, "libc.so.6") {
			t.Errorf("%s looks there: %v, want %v; exit %d\n%s", program, !looks, looks, got.Code, got.Stderr)
		}
	}
}

func TestFixRefuses(t *testing.T) {
	root, load := probeRoot(t, nixroot.Options{}, "libz.so.1")
	newer := probe(t, "int newer(void) { return 0; }", "-Wl,-soname,libc.so.6", "-Wl,--version-script="+func() string {
		file := filepath.Join(t.TempDir(), "map")
		if err := os.WriteFile(file, []byte("GLIBC_2.99 { global: newer; };"), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}())
	root.WriteFile(rootHome+"/built/libc.so.6", newer, 0o755)
	libc := filepath.Join(t.TempDir(), "libc.so.6")
	if err := os.WriteFile(libc, []byte(newer), 0o755); err != nil {
		t.Fatal(err)
	}
	root.WriteFile(rootHome+"/built/libnewer.so.1", probe(t, "int newer(void); int f(void) { return newer(); }", libc), 0o755)
	// one whose own dependency, in another place, is the newer
	dep := filepath.Join(t.TempDir(), "libdep.so.1")
	data := probe(t, "int newer(void); int f(void) { return newer(); }", libc, "-Wl,-soname,libdep.so.1")
	if err := os.WriteFile(dep, []byte(data), 0o755); err != nil {
		t.Fatal(err)
	}
	root.WriteFile(rootHome+"/dep/libdep.so.1", data, 0o755)
	root.WriteFile(rootHome+"/linked/libz.so.1", probe(t, "int f(void); int g(void) { return f(); }", dep,
		"-Wl,-soname,libz.so.1", "-Wl,-rpath,"+rootHome+"/dep", "-Wl,--allow-shlib-undefined"), 0o755)
	z := rootHome + "/built/libz.so.1 "
	for _, row := range []struct {
		name, channel, version string
		args                   []string
		env                    string
		want                   []string // in this order on standard error
	}{
		{name: "no_nix", env: "PATH=" + rootShims + ":/run/current-system/sw/bin:" + rootHome + "/.local/none", channel: nixpkgs(""),
			want: []string{"shim: error: there is no nix-build, neither on PATH nor where Nix puts it\n"}},
		{name: "no_attribute", channel: nixpkgs(""),
			want: []string{"zlib", "shim: error: zlib is not provided: nix-build could not build it: exit status 1\n", "shim: hint: what nix says itself stands above"}},
		{name: "build_fails", channel: nixpkgs(copied("zlib", "/nowhere/libz.so.1")),
			want: []string{"/nowhere/libz.so.1", "shim: error: zlib is not provided: nix-build could not build it: exit status 100\n"}},
		{name: "newer_glibc", channel: nixpkgs(copied("zlib", z+rootHome+"/built/libnewer.so.1")),
			want: []string{"shim: error: zlib is not provided: libnewer.so.1 needs GLIBC_2.99, and the glibc of this system is 2."}},
		{name: "own_glibc", channel: nixpkgs(copied("zlib", z+rootHome+"/built/libc.so.6")),
			want: []string{"shim: error: zlib is not provided: it has a libc.so.6 of its own"}},
		{name: "newer_dependency", channel: nixpkgs(copied("zlib", rootHome+"/linked/libz.so.1")),
			want: []string{"shim: error: not provided, as with it ~/demo would lack GLIBC_2.99 of libc.so.6: the glibc of this system is older"}},
		{name: "no_such_abi", channel: nixpkgs(copied("zlib", rootHome+"/built/libnewer.so.1")),
			want: []string{"shim: error: zlib is not provided: it has no libz.so.1\n"}},
		{name: "bad_option", channel: nixpkgs(""), args: []string{"--", "--no-such-option"},
			want: []string{"no-such-option", "shim: error: zlib is not provided"}},
		{name: "other_release_offline", channel: nixpkgs(copied("zlib", z)), version: "26.05", args: []string{"--option", "download-attempts", "1"},
			want: []string{"shim: hint: not from " + rootChannel + " of root's channel is 26.05, and the system is 25.11\n",
				"building zlib with nix from github:NixOS/nixpkgs/nixos-25.11", "unable to download", "shim: error: zlib is not provided: nix could not build it"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			root := withNix(t, root.For(t), row.channel)
			if row.version != "" {
				root.WriteFile(rootChannel+"/.version", row.version, 0o644)
			}
			if path, ok := strings.CutPrefix(row.env, "PATH="); ok {
				s := root.Session
				s.Path = path
				root = root.In(s)
			}
			got := root.Run(append([]string{"shim", "fix"}, row.args...)...)
			rest, ok := got.Stderr, true
			for _, text := range row.want {
				if _, rest, ok = strings.Cut(rest, text); !ok {
					t.Errorf("no %q after what is before it\n%s", text, got.Stderr)
					break
				}
			}
			if got.Code != 1 || strings.Contains(got.Stdout, "provided ") || strings.Contains(got.Stdout, "covered") {
				t.Errorf("exit %d\n%s%s", got.Code, got.Stdout, got.Stderr)
			}
			if names := root.Run("ls", rootLibraries); strings.TrimSpace(names.Stdout) != "" {
				t.Errorf("left: %s", names.Stdout)
			}
		})
	}
	if got := root.Run(load...); got.Code != 1 || !strings.Contains(got.Stderr, "libz.so.1: cannot open shared object file") {
		t.Errorf("%+v", got)
	}
}

// What is missing for other reasons is said with its reason; the rest is provided.
func TestFixSome(t *testing.T) {
	root, load := probeRoot(t, nixroot.Options{}, "libz.so.1", "libcuda.so.1", "libmariadb.so.3", "libpcre.so.3", "libnobodyknows.so.5")
	_, driver := needing(t, "libcuda.so.1")
	root.WriteFile("/run/opengl-driver/lib/libcuda.so.1", driver, 0o755)
	root = withNix(t, root, "")
	// a system with flakes has its nixpkgs in the registry
	root.WriteFile("/etc/nix/registry.json", `{"version": 2, "flakes": [{"exact": true, "from": {"id": "nixpkgs", "type": "indirect"}, "to": {"type": "path", "path": "`+rootHome+`/nixpkgs"}}]}`, 0o644)
	root.WriteFile(rootHome+"/nixpkgs/flake.nix", `{ outputs = { self }: { legacyPackages.x86_64-linux = import ./set.nix { }; }; }`, 0o644)
	root.WriteFile(rootHome+"/nixpkgs/set.nix", strings.Replace(nixpkgs(copied("zlib", rootHome+"/built/libz.so.1")+
		copied("mariadb-connector-c", "-r "+rootHome+"/built/sub/.")), "builtins.currentSystem", `"x86_64-linux"`, 1), 0o644)
	root.Must("sh", "-c", "mkdir -p ../built/sub/mariadb && cp ../built/libmariadb.so.3 ../built/sub/mariadb")

	got := root.Run("shim", "fix")
	want := "provided   driver\n             /run/opengl-driver/lib\n" +
		"provided   mariadb-connector-c\n             ~/.local/share/shim/libraries/mariadb-connector-c/result/lib/mariadb\n" +
		"provided   zlib\n             ~/.local/share/shim/libraries/zlib/result/lib\n" +
		"for good   in configuration.nix, then nixos-rebuild switch:\n             programs.nix-ld.libraries = with pkgs; [ mariadb-connector-c zlib ];\n"
	if got.Code != 1 || got.Stdout != want || !strings.Contains(got.Stderr, "building zlib with nix from path:~/nixpkgs (/etc/nix/registry.json)\n") ||
		!strings.Contains(got.Stderr, "shim: error: libpcre.so.3 cannot be provided to ~/demo: nixpkgs has no such ABI") ||
		!strings.Contains(got.Stderr, "shim: error: libnobodyknows.so.5 cannot be provided to ~/demo: which package has it is not known; to find out: nix-locate -w lib/libnobodyknows.so.5\n") {
		t.Errorf("exit %d\n%s%s\nwant\n%s", got.Code, got.Stdout, got.Stderr, want)
	}
	if got := root.Run(load...); got.Code != 1 || !strings.Contains(got.Stderr, "libpcre.so.3: cannot open shared object file") {
		t.Errorf("%+v", got) // the first three are there
	}
	same(t, root.Run("shim", "fix", "--undo", "driver"), nixroot.Result{Stdout: "no longer provided   driver\n"})
	if got := root.Run(load...); !strings.Contains(got.Stderr, "libcuda.so.1: cannot open shared object file") {
		t.Errorf("%+v", got)
	}
}

// Two at once, one that is killed, what was collected behind our back, and a damaged list.
func TestFixSurvives(t *testing.T) {
	root, load := probeRoot(t, nixroot.Options{}, "libz.so.1")
	root = withNix(t, root, nixpkgs(`zlib = copy "zlib" "out" "cp `+rootHome+`/built/libz.so.1 .; touch `+rootHome+`/builds; while test -e `+rootHome+`/slow; do sleep 0.1; done;";`))
	missing := func(when string) {
		t.Helper()
		if got := root.Run(load...); got.Code != 1 || !strings.Contains(got.Stderr, "libz.so.1: cannot open shared object file") {
			t.Errorf("%s: %+v", when, got)
		}
	}
	works := func(when string) {
		t.Helper()
		if got := root.Run(load...); got != (nixroot.Result{}) {
			t.Errorf("%s: %+v", when, got)
		}
	}
	missing("at first")

	root.WriteFile(rootHome+"/slow", "", 0o644)
	killed := root.Command("shim", "fix")
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(tooLong); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(root.Path(rootHome + "/builds")); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing is built")
		}
	}
	missing("while it is built")
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait()
	missing("after the kill")
	root.Must("rm", rootHome+"/slow", rootHome+"/nix-calls")
	root.Must("mkdir", "-p", rootLibraries+"/left-by-a-killed-one")

	var two [2]nixroot.Result
	var wait sync.WaitGroup
	for i := range two {
		cmd := root.Command("shim", "fix")
		wait.Add(1)
		go func() {
			defer wait.Done()
			out, err := cmd.Output()
			two[i].Stdout = string(out)
			if err != nil {
				two[i].Code = 1
			}
		}()
	}
	wait.Wait()
	calls := strings.Count(root.Must("cat", rootHome+"/nix-calls"), "--out-link")
	if two[0].Code+two[1].Code != 0 || calls != 1 {
		t.Errorf("two at once, with %d builds: %+v", calls, two)
	}
	works("after two at once")
	if names := root.Must("ls", rootLibraries); names != "list\nzlib\n" {
		t.Errorf("left: %q", names)
	}

	root.Must("rm", "-r", rootLibraries+"/zlib")
	missing("when its links are gone")
	gone := root.Run("shim", "fix", "--list")
	if gone.Code != 1 || !strings.Contains(gone.Stdout, "for ~/demo; gone, shim fix builds it again") {
		t.Errorf("shim fix --list: %+v", gone)
	}
	if got := root.Run("shim", "env"); got.Stdout != "" || !strings.Contains(got.Stderr, "is gone; shim fix builds it again") {
		t.Errorf("shim env: %+v", got)
	}
	root.Must("shim", "fix")
	works("built again")

	root.WriteFile(rootLibraries+"/list", "shim libraries 2\nzlib", 0o644)
	damaged := root.Run(load...)
	if damaged.Code != 1 || !strings.Contains(damaged.Stderr, "shim: warning: reading what shim fix has provided: the list is damaged, or another version's\n") {
		t.Errorf("damaged list: %+v", damaged)
	}
	root.Must("shim", "fix")
	works("after a damaged list")
}

// What a warning says to call helps against what it warned of, wherever that is: an environment of
// uvx's is recorded nowhere.
func TestFixWarned(t *testing.T) {
	root := toolRoot(t, nixroot.Options{Store: []string{"stdenv.cc.cc.lib"}})
	root = withNix(t, root, nixpkgs(gcc(root)))
	root.Must("uv", "init", "--bare", "demo")
	root = at(root, rootHome+"/demo")
	got := root.Run("uvx", "counter")
	if got.Code != 1 || !strings.HasSuffix(said(got.Stderr), orNow) {
		t.Fatalf("uvx counter: %+v", got)
	}
	got = root.Run("shim", "fix")
	if got.Code != 0 || !strings.Contains(got.Stdout, "covered    ~/.cache/uv/") || !strings.Contains(got.Stdout, ": numpy\n") {
		t.Errorf("shim fix: %+v", got)
	}
	same(t, root.Run("uvx", "counter"), nixroot.Result{Stdout: "counter works\n"})
	root.Must("shim", "fix", "--undo")

	root.Must("uv", "tool", "install", "counter")
	got = root.Run("shim", "fix")
	if got.Code != 0 || !strings.Contains(got.Stdout, "covered    tool counter: numpy\n") {
		t.Errorf("shim fix: %+v", got)
	}
	// a tool's program does not pass through us
	if got := root.Run("counter"); got.Code != 1 || !strings.Contains(got.Stderr, noStdcxx) {
		t.Errorf("counter: %+v", got)
	}
	same(t, root.Run("bash", "-c", `eval "$(shim env bash)" && exec counter`), nixroot.Result{Stdout: "counter works\n"})
}
