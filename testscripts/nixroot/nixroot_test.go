package nixroot_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"uvshim/testscripts/nixroot"
)

// The environment of a session is that of a login shell.
func TestLogin(t *testing.T) {
	root := nixroot.New(t, nixroot.Options{NoUV: true, NoPython: true})
	bare := root.In(nixroot.Session{NoNixLD: true, Env: []string{"__NIXOS_SET_ENVIRONMENT_DONE"}, Path: "/run/current-system/sw/bin"})
	filter := " | grep -vE '^(_|SHLVL|PWD|OLDPWD)=' | sort"
	got, want := bare.Must("bash", "-lc", "env"+filter), root.Must("sh", "-c", "env"+filter)
	if got != want {
		t.Errorf("a login shell has\n%s\na session\n%s", got, want)
	}
	if got := root.Must("id", "-u"); got != "1000\n" {
		t.Errorf("the user is %s", got)
	}
	if got := root.Run("touch", "/nix/store/x"); got.Code == 0 {
		t.Error("the store can be written")
	}
}

// A generation that is built but not running is a system of its own.
func TestGeneration(t *testing.T) {
	root := nixroot.New(t, nixroot.Options{NoUV: true, NoPython: true, Release: "26.05", Store: []string{"bzip2"}})
	current := root.Current()
	if got := root.Run("test", "-e", root.StorePath("bzip2")+"/lib/libbz2.so.1.0"); got.Code != 0 {
		t.Errorf("what is only in the store is not there: %+v", got)
	}
	next := root.Generation("zlib")
	if root.Current() != current || next == current {
		t.Errorf("building %s made it the running one", next)
	}
	for path, want := range map[string]string{
		"nixos-version": "26.05.kit", "etc/os-release": "VERSION_ID=\"26.05\"", "etc/tmpfiles.d/00-nixos.conf": "L+ " + nixroot.Interp + " - - - - /nix/store/",
		"etc/pam/environment": "NIX_LD DEFAULT=\"" + library + "/ld.so\"",
		"etc/set-environment": "export NIX_LD_LIBRARY_PATH=\"" + library + "\"",
	} {
		if got := root.Must("cat", next+"/"+path); !strings.Contains(got, want) {
			t.Errorf("%s has no %q: %s", path, want, got)
		}
	}
	names := root.Must("ls", next+"/sw/share/nix-ld/lib")
	if !strings.Contains(names, "libz.so.1\n") || !strings.Contains(names, "ld.so\n") {
		t.Errorf("its libraries are %q", names)
	}
	if names := root.Must("ls", library); names != "ld.so\n" {
		t.Errorf("the libraries of the running one are %q", names)
	}
	again := root.Generation("zlib")
	root.Relib("zlib")
	if root.Current() != next || again != next {
		t.Errorf("the same configuration has the generations %s, %s and %s", next, again, root.Current())
	}
}

// Every attribute can be listed, and what its libraries need is found by their RUNPATHs.
func TestAttributes(t *testing.T) {
	attributes := slices.Concat(nixroot.Default(), []string{
		"stdenv.cc.cc.lib", "libGL", "glib", "xorg.libX11", "xorg.libXext", "xorg.libSM", "xorg.libICE", "xorg.libxcb",
		"expat", "file", "cairo", "libxcrypt-legacy", "fontconfig", "freetype",
	})
	root := nixroot.New(t, nixroot.Options{Libraries: attributes, NoUV: true, NoPython: true})
	libraries, err := filepath.Glob(root.Path(root.Current()) + "/*")
	if err != nil || len(libraries) == 0 {
		t.Fatal(err)
	}
	for _, soname := range []string{
		"libz.so.1", "libstdc++.so.6", "libgcc_s.so.1", "libssh.so.4", "libGL.so.1", "libX11.so.6", "libXext.so.6", "libSM.so.6",
		"libICE.so.6", "libxcb.so.1", "libglib-2.0.so.0", "libexpat.so.1", "libmagic.so.1", "libcairo.so.2", "libcrypt.so.1", "libudev.so.1",
	} {
		if got := root.Run("test", "-e", library+"/"+soname); got.Code != 0 {
			t.Errorf("no attribute has %s", soname)
		}
	}
	// with no directory but their own, as a program that Nix built would load them
	missing := root.In(nixroot.Session{NoNixLD: true}).Must("sh", "-c", `
		for f in `+library+`/*.so*; do
			LD_TRACE_LOADED_OBJECTS=1 `+library+`/ld.so "$f" 2>&1 | grep "not found" | sed "s|^|$f|"
		done; true`)
	if missing != "" {
		t.Errorf("not found:\n%s", missing)
	}
	if old := root.Generation("libx11"); old == root.Generation("libxext") {
		t.Error("two names of 26.05 are one generation")
	}
}
