package testscripts

import (
	"strings"
	"testing"

	"uvshim/policy"
	"uvshim/testscripts/nixroot"
)

// initIn returns the policy that shim init --print writes in a root.
func initIn(t *testing.T, root *nixroot.Root) (policy.Policy, string) {
	t.Helper()
	text := root.Must("shim", "init", "--print")
	loaded, err := policy.Load(policy.File{Path: "printed", Data: []byte(text)})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return loaded.Policy, text
}

// What stands in programs.nix-ld.libraries is read off nix-ld's directory, without what NixOS lists
// by itself.
func TestInit_libraries(t *testing.T) {
	const release = "26.05"
	root := newRoot(t, nixroot.Options{Release: release, Libraries: append(nixroot.Default(), "libGL", "glib", "libx11"), Store: []string{"expat"}}, "")
	p, text := initIn(t, root)
	if got := strings.Join(p.NixLD.Libraries, " "); got != "glib libGL libx11" {
		t.Errorf("libraries: %s\n%s", got, text)
	}
	want(t, "the policy", text, "# nix-ld has libgio-2.0.so.0, libglib-2.0.so.0", "# nix-ld's own list has, and need not be told: ", "stdenv.cc.cc.lib", "zlib")
	if len(p.Python.Versions) != 1 {
		t.Errorf("the root's Python: %q", p.Python.Versions)
	}

	// those of a Nix shell are not the system's
	shell := with(root, "IN_NIX_SHELL=impure", "NIX_LD_LIBRARY_PATH="+root.StorePath("expat")+"/lib")
	if p, text := initIn(t, shell); strings.Join(p.NixLD.Libraries, " ") != "glib libGL libx11" {
		t.Errorf("in a Nix shell:\n%s", text)
	}

	root.Relib(nixroot.Default()...)
	p, text = initIn(t, root)
	if len(p.NixLD.Libraries) > 0 {
		t.Errorf("of nix-ld's own list: %q\n%s", p.NixLD.Libraries, text)
	}
	root.Must("shim", "init")
	want(t, "init again", root.Run("shim", "init").Stderr, "there is a policy", "shim declare")
}
