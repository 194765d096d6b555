package testscripts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"uvshim/testscripts/nixroot"
	"uvshim/testscripts/parts"
)

// nixpkgs returns the text of a default.nix with attributes from Nix expressions: copy NAME OUTPUT
// COMMANDS is a derivation with a second output, or with none but out where OUTPUT is "out". The
// shell has to outlive the commands: nix kills a builder that has closed its standard error, as cp
// does before it ends.
func nixpkgs(attributes string) string {
	return `{ config ? { }, overlays ? [ ] }:
let
  copy = name: output: commands: builtins.derivation {
    inherit name;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    PATH = "/run/current-system/sw/bin";
    outputs = if output == "out" then [ "out" ] else [ "out" output ];
    args = [ "-e" "-c" ("mkdir -p $out $" + output + "/lib; cd $" + output + "/lib; " + commands + " :") ];
  };
in {
` + attributes + `
}
`
}

// withNix returns a session in which this machine's nix is on PATH, may write the store, and finds
// the text as root's channel.
func withNix(t *testing.T, root *nixroot.Root, channel string) *nixroot.Root {
	t.Helper()
	ld, err := filepath.EvalSymlinks(nixroot.Interp)
	if err != nil {
		parts.Missing(t, err)
	}
	for _, name := range []string{"nix", "nix-build"} {
		path, err := filepath.EvalSymlinks(parts.Tool(t, name))
		if err != nil {
			parts.Missing(t, err)
		}
		if strings.HasPrefix(path, "/nix/") {
			t.Skip("this machine's nix is in a store, in whose place the root has its own")
		}
		root.WriteFile(rootHome+"/.local/bin/"+name, "#!/bin/sh\necho \"$0 $*\" >> $HOME/nix-calls\n"+
			"exec /mnt"+ld+" --library-path "+librariesOf(t, path)+" --argv0 "+name+" /mnt"+path+" \"$@\"\n", 0o755)
	}
	// Debian's stands at a path that the root does not have. It is asked before every build.
	root.WriteFile(rootHome+"/.local/bin/no-remote-builders", "#!/bin/sh\necho '# decline-permanently' >&2\ncat > /dev/null\n", 0o755)
	if channel != "" {
		root.WriteFile(rootChannel+"/default.nix", channel, 0o644)
		root.WriteFile(rootChannel+"/.version", "25.11", 0o644)
	}
	s := root.Session
	s.Binds = append(s.Binds[:len(s.Binds):len(s.Binds)],
		nixroot.Bind{Host: "/", Inside: "/mnt"}, nixroot.Bind{Host: root.Path("/nix"), Inside: "/nix", Write: true})
	s.Env = append(s.Env[:len(s.Env):len(s.Env)], "NIX_CONFIG=sandbox = false\nsubstituters =\nbuild-hook = "+rootHome+"/.local/bin/no-remote-builders\n")
	root = root.In(s)
	if got := root.Run("nix-build", "--version"); got.Code != 0 {
		parts.Missing(t, fmt.Errorf("nix does not run in a root: %s", got.Stderr))
	}
	return root
}

// librariesOf returns the directories of the libraries of a program of this machine's, as a root sees
// them at /mnt.
func librariesOf(t *testing.T, program string) string {
	t.Helper()
	out, err := exec.Command("ldd", program).Output()
	if err != nil {
		parts.Missing(t, fmt.Errorf("ldd %s: %w", program, err))
	}
	var dirs []string
	for line := range strings.Lines(string(out)) {
		if _, path, ok := strings.Cut(line, " => /"); ok {
			if dir := "/mnt/" + filepath.Dir(strings.Fields(path)[0]); !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	return strings.Join(dirs, ":")
}

// gcc is nixpkgs' attribute with libstdc++, as far as the root's store has it.
func gcc(root *nixroot.Root) string {
	return `stdenv.cc.cc = copy "gcc-12" "lib" "cp -r ` + root.StorePath("stdenv.cc.cc.lib") + `/lib/. .;";`
}

// probe compiles a shared object and returns its text.
func probe(t *testing.T, source string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "probe.c")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "probe.so")
	cmd := exec.Command(parts.Tool(t, "gcc"), append([]string{"-shared", "-fPIC", "-nostdlib", "-o", out, file}, args...)...)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// needing compiles a shared object that needs the soname, for which a stand-in is linked.
func needing(t *testing.T, soname string) (module, library string) {
	t.Helper()
	library = probe(t, "int f(void) { return 0; }", "-Wl,-soname,"+soname)
	file := filepath.Join(t.TempDir(), soname)
	if err := os.WriteFile(file, []byte(library), 0o755); err != nil {
		t.Fatal(err)
	}
	return probe(t, "int f(void); int g(void) { return f(); }", file), library
}

// probeRoot returns a root with the project demo, in whose environment a module needs each of the
// sonames, and what loads them all.
func probeRoot(t *testing.T, o nixroot.Options, sonames ...string) (root *nixroot.Root, load []string) {
	t.Helper()
	root = newRoot(t, o, "")
	root.Must("uv", "init", "demo")
	root = at(root, rootHome+"/demo")
	root.Must("uv", "sync")
	script := "import ctypes"
	for i, soname := range sonames {
		module, library := needing(t, soname)
		file := fmt.Sprintf("%s/demo/%s/probe%d.abi3.so", rootHome, site(root), i)
		root.WriteFile(file, module, 0o755)
		root.WriteFile(rootHome+"/built/"+soname, library, 0o755)
		script += "; ctypes.CDLL('" + file + "')"
	}
	return root, []string{"uv", "run", "python", "-c", script}
}

// copied is an attribute with files of the directory that probeRoot has put libraries into.
func copied(attribute, files string) string {
	return attribute + ` = copy "` + attribute + `" "out" "cp ` + files + ` .;";`
}
