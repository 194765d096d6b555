package testscripts

import (
	"os"
	"slices"
	"strings"
	"testing"

	"uvshim/testscripts/nixroot"
)

// Another system than the running one: a generation asked of inside, and a whole root asked of from
// this machine. The answers are of that system.
func TestCoverageSystem(t *testing.T) {
	root := numpyRoot(t, nixroot.Options{})
	without, with := root.Current(), root.Generation("stdenv.cc.cc.lib")
	covered := "~/demo/.venv is covered: it needs libgcc_s.so.1, libstdc++.so.6\n"
	not := "~/demo/.venv\n  " + strings.ReplaceAll(strings.TrimSuffix(numpyNeed(root), "\n"), "\n", "\n  ") + "\n"
	now := "  " + orNow // of the running one

	t.Run("generation", func(t *testing.T) {
		root := root.For(t)
		root.Must("ln", "-s", with, rootHome+"/demo/result")
		for _, row := range []struct {
			name string
			argv []string
			want nixroot.Result
		}{
			{"running", nil, nixroot.Result{Code: 1, Stdout: not + now}},
			{"next", []string{"--system", "./result"}, nixroot.Result{Stdout: covered}},
			{"next_path", []string{"--system", "result", "."}, nixroot.Result{Stdout: covered}},
			{"next_is_running", []string{"--system", without, ".venv"}, nixroot.Result{Code: 1, Stdout: not}},
			{"profile", []string{"--system", "/nix/var/nix/profiles/system"}, nixroot.Result{Code: 1, Stdout: not}},
		} {
			t.Run(row.name, func(t *testing.T) {
				same(t, root.For(t).Run(append([]string{"shim", "check"}, row.argv...)...), row.want)
			})
		}
		// the next one, while that covers less than the running one
		root.Relib("stdenv.cc.cc.lib")
		same(t, root.Run("shim", "check"), nixroot.Result{Stdout: covered})
		same(t, root.Run("shim", "check", "--system", without), nixroot.Result{Code: 1, Stdout: not})
		root.Reload(nixroot.None)
		off := root.Current()
		root.Reload(nixroot.NixLD)
		if got := root.Run("shim", "check", "--system", off); got.Code != 1 || !strings.Contains(got.Stdout, " cannot start: there is no "+nixroot.Interp+"\n") {
			t.Errorf("a next one without nix-ld: %+v", got)
		}
		same(t, root.Run("shim", "check", "--system", "/home/user/none"), nixroot.Result{Code: 2,
			Stderr: "shim: error: --system \"~/none\": no such file or directory\n"})
		root.Relib()
	})

	t.Run("root", func(t *testing.T) {
		root, h := root.For(t), newHome(t)
		shim := h.Env.Get("SHIM")
		venv := rootHome + "/demo/.venv"
		if err := os.MkdirAll(root.Path(rootHome+"/links"), 0o755); err != nil {
			t.Fatal(err)
		}
		up := strings.Repeat("../", 30)
		for link, target := range map[string]string{
			"links/absolute": venv,                                 // this machine has no such directory
			"links/climbing": up + venv[1:],                        // as many .. as one likes lead no further than /
			"links/machine":  "/usr/lib/x86_64-linux-gnu",          // which this machine has, with libraries in it
			"links/up":       up + "usr/lib/python3/dist-packages", // and this
		} {
			if err := os.Symlink(target, root.Path(rootHome+"/"+link)); err != nil {
				t.Fatal(err)
			}
		}
		// what this machine's session says is no concern of the root's
		h.Set(vars{"NIX_LD_LIBRARY_PATH": "/usr/lib/x86_64-linux-gnu", "NIX_LD": "/lib64/ld-linux-x86-64.so.2",
			"LD_LIBRARY_PATH": "/usr/lib/x86_64-linux-gnu", "PYTHONPATH": h.Work})
		want := func(path string) result {
			return result{Code: 1, Stdout: path + "\n  " + strings.ReplaceAll(strings.TrimSuffix(strings.Replace(numpyNeed(root), ".venv", path, 1), "\n"), "\n", "\n  ") + "\n"}
		}
		check := func(argv ...string) result {
			return h.Run(append([]string{shim, "check", "--system", root.Dir}, argv...)...)
		}
		for _, path := range []string{venv, rootHome + "/links/absolute", rootHome + "/links/climbing"} {
			if got := check(path); got != want(path) {
				t.Errorf("%s: %+v\nwant %+v", path, got, want(path))
			}
		}
		// a name that begins nowhere begins at the root's top, and leaves it in no way
		for _, path := range []string{venv[1:], up + venv[1:]} {
			if got := check(path); got != want(venv) {
				t.Errorf("%s: %+v", path, got)
			}
		}
		if got := check(rootHome + "/demo"); got != want(venv) {
			t.Errorf("the project: %+v", got)
		}
		if got := checkJSON(t, check(rootHome+"/demo/"+umath(root), "--json"), 1); !slices.Equal(got.Attributes, []string{"stdenv.cc.cc.lib"}) {
			t.Errorf("a module: %+v", got)
		}
		root.Relib("stdenv.cc.cc.lib")
		if got := check(venv); got != (result{Stdout: venv + " is covered: it needs libgcc_s.so.1, libstdc++.so.6\n"}) {
			t.Errorf("with the library: %+v", got)
		}
		for _, n := range checkJSON(t, check(venv, "--json", "--tree"), 0).Targets[0].Tree {
			if n.Path == "" || strings.HasPrefix(n.Path, "/usr/") || strings.HasPrefix(n.Path, "/lib/") || strings.HasPrefix(n.Path, root.Dir) {
				t.Errorf("the tree has %+v", n)
			}
		}
		for path, stderr := range map[string]string{
			rootHome + "/links/machine": "no such file or directory\n",
			rootHome + "/links/up":      "no such file or directory\n",
			h.Work:                      "no such file or directory\n",
			root.Path(venv): "no such file or directory\n" +
				"shim: hint: with --system PATH is what it is called inside: \"" + venv + "\"\n",
		} {
			if got := check(path); got.Code != 2 || got.Stdout != "" || got.Stderr != "shim: error: \""+path+"\": "+stderr {
				t.Errorf("%s: %+v", path, got)
			}
		}
		if got := check(); got.Code != 2 || got.Stdout != "" || !strings.HasSuffix(got.Stderr, "is a root, where this directory means nothing: name a PATH inside\nshim: hint: see shim check --help\n") {
			t.Errorf("without a path: %+v", got)
		}
		if got := h.Run(shim, "check", "--help"); got.Code != 0 || !strings.Contains(got.Stdout, "as it is called inside (/home/me/demo, not /mnt/home/me/demo)") {
			t.Errorf("the help: %+v", got)
		}
	})
}
