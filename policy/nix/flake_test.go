package nix

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"uvshim/testscripts/parts"
)

// nixEnv is the environment for nix with a store of its own, which an ordinary user can have.
func nixEnv(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() { // what is in a store is read-only, and not even its owner removes it
		filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				err = os.Chmod(path, 0o755)
			}
			return err
		})
	})
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LANG=C.UTF-8", "TMPDIR=" + dir}
	for _, name := range []string{"STORE", "STATE", "LOG", "CONF", "LOCALSTATE", "DATA"} {
		sub := filepath.Join(dir, strings.ToLower(name))
		if err := os.Mkdir(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		env = append(env, "NIX_"+name+"_DIR="+sub)
	}
	conf := "build-users-group =\nsubstituters =\nflake-registry =\nexperimental-features = nix-command flakes\n"
	if err := os.WriteFile(filepath.Join(dir, "conf", "nix.conf"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	return env
}

// nix takes the flake, on the stand-in for nixpkgs.
func TestFlakeCheck(t *testing.T) {
	nix := parts.Tool(t, "nix")
	dir := t.TempDir()
	// not the working tree itself: of a repository nix takes what git knows only, and all of it
	for _, name := range []string{"policy/nix", "cmd", "shim", "policy", "testdata"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob("*.nix")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	for _, name := range append(files, "../../flake.nix", "../../go.mod", "../../go.sum") {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "policy/nix", name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	nixpkgs, err := filepath.Abs("testdata/nixpkgs")
	if err != nil {
		t.Fatal(err)
	}
	env := nixEnv(t)
	run := func(args ...string) (string, error) {
		cmd := exec.Command(nix, append(args, "--override-input", "nixpkgs", "path:"+nixpkgs, "--no-write-lock-file")...)
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("flake", "check", "--no-build", "path:"+dir); err != nil {
		t.Errorf("nix flake check: %v\n%s", err, out)
	} else if strings.Contains(out, "error") {
		t.Error(out)
	}
	for output, want := range map[string]string{
		"packages.x86_64-linux.default.name":           `"shim-0.1.0"`,
		"packages.aarch64-linux.shim.meta.mainProgram": `"shim"`,
		"homeManagerModules.default.imports":           "home-module.nix",
		"homeModules.shim.imports":                     "home-module.nix",
		"nixosModules.shim.imports":                    "nixos-module.nix",
		"checks.x86_64-linux.nixos-module.value":       `"3.14"`,
		"devShells.aarch64-linux.default.name":         `"shell"`,
		"formatter.x86_64-linux.name":                  `"nixfmt"`,
	} {
		out, err := run("eval", "path:"+dir+"#"+output)
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%s is %s, %v; want %s", output, out, err, want)
		}
	}
	out, err := run("eval", "path:"+dir+"#overlays.default", "--apply", `overlay: (overlay { callPackage = file: _: baseNameOf file; } { }).shim`)
	if err != nil || !strings.Contains(out, `"package.nix"`) {
		t.Errorf("the overlay has %s, %v", out, err)
	}
	// and the stand-in is no rubber stamp
	module := filepath.Join(dir, "policy/nix/nixos-module.nix")
	text, err := os.ReadFile(module)
	if err != nil {
		t.Fatal(err)
	}
	broken := strings.Replace(string(text), "environment.etc.", "environment.ect.", 1)
	if err := os.WriteFile(module, []byte(broken), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := run("flake", "check", "--no-build", "path:"+dir); err == nil || !strings.Contains(out, "The option `environment.ect' does not exist") {
		t.Errorf("a module that sets what is no option: %v\n%s", err, out)
	}
}
