package testscripts

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"uvshim/shim/lock"
	"uvshim/testscripts/nixroot"
)

// What is known of a file serves every environment that has it: uv links the same file into all,
// and each new link changes its ctime.
func TestCoverageShared(t *testing.T) {
	first := numpyRoot(t, nixroot.Options{})
	first.WriteFile(rootHome+"/demo/"+site(first)+"/single.py", "", 0o644)
	check := []string{"uv", "run", "python", "-V"} // -V ends before any module is imported
	first.Run(check...)
	first.Run(check...)
	elf := func() map[string]string {
		kept := remembered(t, first, ".cache/shim/elf")
		maps.DeleteFunc(kept, func(name, _ string) bool { return !unicode.IsDigit(rune(filepath.Base(name)[0])) })
		return kept
	}
	facts := elf()
	if len(facts) == 0 {
		t.Fatal("no facts are kept")
	}
	if opened := libraries(t, first, check...); len(opened) > 0 {
		t.Fatalf("a warm call opens %q", opened)
	}

	// the first import writes __pycache__, also right into site-packages
	pycache := first.Path(rootHome + "/demo/" + site(first) + "/__pycache__")
	if _, err := os.Stat(pycache); err == nil {
		t.Fatalf("%s is there before the first import", pycache)
	}
	first.Run("uv", "run", "python", "-c", "import single")
	if _, err := os.Stat(pycache); err != nil {
		t.Fatalf("the first import did not write it: %v", err)
	}
	for range 2 {
		if opened := libraries(t, first, check...); len(opened) > 0 {
			t.Errorf("after the first import it opens %q", opened)
		}
	}

	inode := func(root *nixroot.Root, project string) os.FileInfo {
		info, err := os.Stat(root.Path(rootHome + "/" + project + "/" + umath(root)))
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	second := demo(at(first, rootHome), "second")
	if !os.SameFile(inode(first, "demo"), inode(first, "second")) {
		t.Fatal("uv did not link the wheel's files")
	}
	unread := func(when string, root *nixroot.Root) {
		t.Helper()
		opened := libraries(t, root, check...)
		for _, name := range opened {
			if strings.Contains(name, "/site-packages/") {
				t.Errorf("%s it reads %s", when, name)
			}
		}
	}
	if opened := libraries(t, first, check...); len(opened) > 0 {
		t.Errorf("with a second environment the first one's call opens %q", opened)
	}
	unread("of the second environment", second)
	unchanged(t, elf(), facts)

	// both in one Nix shell: other verdicts, the same facts
	shell := "NIX_LD_LIBRARY_PATH=/nix/store/.glibc/lib"
	for _, root := range []*nixroot.Root{first, second} {
		unread("in a Nix shell", with(root, shell))
	}
	for _, root := range []*nixroot.Root{first, second, with(first, shell), with(second, shell)} {
		root.Run(check...)
		if opened := libraries(t, root, check...); len(opened) > 0 {
			t.Errorf("with and without the Nix shell by turns it opens %q", opened)
		}
	}

	first.Must("rm", "-r", rootHome+"/second")
	if opened := libraries(t, first, check...); len(opened) > 0 {
		t.Errorf("with the second environment removed the first one's call opens %q", opened)
	}
	// What makes all this true is no blindness: with another file in its place it is read.
	file := first.Path(rootHome + "/demo/" + umath(first))
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file, filepath.Dir(file)+"/../../numpy.libs/aside"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data[:5000], 0o755); err != nil {
		t.Fatal(err)
	}
	if got := first.Run("shim", "check"); got.Code != 1 || !strings.Contains(got.Stdout, "file too short") {
		t.Errorf("shim check of another file: %+v", got)
	}
}

// What a run found out stands in the lock, once however many calls there were, and a warning is
// printed once on a terminal and once elsewhere.
func TestCoverageOnce(t *testing.T) {
	root := numpyRoot(t, nixroot.Options{})
	warning := "shim: warning: " + numpyWarning(root)
	cmd := root.Command("uv", "run", "python", "-c", "0")
	for i, want := range []string{warning, ""} {
		cmd := root.Command(cmd.Args[len(cmd.Args)-5:]...)
		shown, err := onTerminal(cmd, "2", nil)
		shown = strings.NewReplacer("\x1b[1;33m", "", "\x1b[0m", "").Replace(shown)
		if err != nil || shown != want {
			t.Errorf("call %d on a terminal: %v, %q", i, err, shown)
		}
	}
	same(t, root.Run("sh", "-c", `
		for i in $(seq 32); do
			uv run python -c 0 &
			VIRTUAL_ENV=$PWD/.venv python -c 0 &
		done
		wait`), nixroot.Result{Stderr: warning})
	same(t, root.Run("uv", "run", "python", "-c", "0"), nixroot.Result{})

	// a bare python in the project, whose interpreter needs nothing, is not what the project needs
	root.Must("python", "-c", "0")
	project := func() lock.Project {
		t.Helper()
		root.Must("shim", "history")
		data, err := os.ReadFile(root.Path(rootHome + "/.local/state/shim/shim.lock"))
		if err != nil {
			t.Fatal(err)
		}
		l, err := lock.Decode(data)
		if err != nil || len(l.Project) != 1 {
			t.Fatalf("%v\n%s", err, data)
		}
		return l.Project[0]
	}
	key := filepath.Base(root.Python.Prefix)
	tell := func(p lock.Project) string { return fmt.Sprint(p.Path, " ", p.Python, " ", p.Needs, " ", p.Missing) }
	if got, want := tell(project()), rootHome+"/demo "+key+" [libgcc_s.so.1 libstdc++.so.6] [libstdc++.so.6]"; got != want {
		t.Errorf("the lock has %s, want %s", got, want)
	}

	// sonames that the user does not want to hear of
	policyText(root, "[preflight]\nlibraries = \"strict\"\nignore = [\"libstdc++.so.6\"]\n")
	same(t, root.Run("uv", "run", "python", "-c", "0"), nixroot.Result{})
	policyText(root, "[preflight]\nlibraries = \"strict\"\nignore = [\"libstdc++.so\"]\n")
	same(t, root.Run("uv", "run", "python", "-c", "0"), refused("libraries", numpyWarning(root)))
	policyText(root, "[preflight]\nlibraries = \"off\"\n")
	forget(root)
	same(t, root.Run("uv", "run", "python", "-c", "0"), nixroot.Result{})

	root.Run("rm", rootHome+"/.config/shim/policy.toml")
	root.Relib("stdenv.cc.cc.lib")
	for range 2 {
		same(t, root.Run("uv", "run", "python", "-c", "0"), nixroot.Result{})
	}
	if got, want := tell(project()), rootHome+"/demo "+key+" [libgcc_s.so.1 libstdc++.so.6] []"; got != want {
		t.Errorf("with the library the lock has %s, want %s", got, want)
	}
}
