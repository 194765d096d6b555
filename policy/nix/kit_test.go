package nix

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"uvshim/testscripts/parts"
)

// evaluate returns the value of an expression as JSON has it, or what nix says against it. In the
// expression, `lib` and `pkgs` are the stand-ins for nixpkgs', `home` and `nixos` evaluate a list of
// modules beside ours, and `failed` lists the messages of assertions that fail.
func evaluate(t *testing.T, expression string, into any) (complaint string) {
	t.Helper()
	nix := parts.Tool(t, "nix-instantiate")
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	text := `let
  here = ` + String(here) + `;
  lib = import (here + "/testdata/nixpkgs/lib.nix");
  pkgs = import (here + "/testdata/nixpkgs/pkgs.nix") { inherit lib; system = "x86_64-linux"; };
  eval = options: module: modules: lib.evalModules {
    args = { inherit pkgs; };
    modules = [ (import (here + options) { inherit lib; }) (here + module) ] ++ modules;
  };
  home = eval "/testdata/nixpkgs/home.nix" "/home-module.nix";
  nixos = eval "/testdata/nixpkgs/nixos.nix" "/nixos-module.nix";
  failed = config: map (a: a.message) (lib.filter (a: !a.assertion) config.assertions);
in
` + expression
	file := filepath.Join(t.TempDir(), "expression.nix")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(nix, "--eval", "--strict", "--json", file)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "NIX_REMOTE=dummy://") // evaluating needs no store
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return stderr.String()
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return ""
}

// mustEvaluate is evaluate for expressions that nothing is wrong with.
func mustEvaluate(t *testing.T, expression string, into any) {
	t.Helper()
	if complaint := evaluate(t, expression, into); complaint != "" {
		t.Fatalf("%s\nof\n%s", complaint, expression)
	}
}

// write puts text into a file of its own and returns an expression for its path.
func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "it.nix")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return "(/. + " + String(file) + ")"
}
