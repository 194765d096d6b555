package testscripts

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"uvshim/testscripts/nixroot"
	"uvshim/testscripts/parts"
)

// What the program sees on NixOS, in roots made like one. The program is installed there as a user
// has it: the shim command in ~/.local/bin, and what shim link made before all else on PATH.

const (
	numpyWheel = "numpy==2.5.5" // needs one library of the system
	rootHome   = "/home/user"
	rootShims  = rootHome + "/.local/share/shim/bin"
	rootPath   = rootShims + ":" + rootHome + "/.local/bin:/run/current-system/sw/bin"
	noStdcxx   = "ImportError: libstdc++.so.6: cannot open shared object file: No such file or directory\n"
)

// newRoot returns a root with the program installed, in a session where uv has the wheels in
// wheelhouse, a directory of this machine, and no other.
func newRoot(t *testing.T, o nixroot.Options, wheelhouse string) *nixroot.Root {
	t.Helper()
	root := nixroot.New(t, o)
	data, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	root.WriteFile(rootHome+"/.local/bin/shim", string(data), 0o755)
	session := nixroot.Session{Path: rootPath, Env: []string{
		"UV_OFFLINE=1", "UV_NO_INDEX=1", "UV_FIND_LINKS=/wheelhouse", "UV_PYTHON_DOWNLOADS=never", "UV_NO_PROGRESS=1",
	}}
	if wheelhouse != "" {
		session.Binds = []nixroot.Bind{{Host: wheelhouse, Inside: "/wheelhouse"}}
	}
	root = root.In(session)
	// A verdict hangs on the ctime of these two, which a root made meanwhile by another test would
	// change: they are links to what all roots share.
	for _, file := range []string{root.Must("readlink", "-f", root.Python.Exe), root.StorePath("glibc") + "/lib/ld-linux-x86-64.so.2"} {
		file = strings.TrimSpace(file)
		data, err := os.ReadFile(root.Path(file))
		if err != nil {
			t.Fatal(err)
		}
		root.WriteFile(file, string(data), 0o755)
	}
	root.Must("shim", "link")
	return root
}

// with returns the session with more in its environment.
func with(root *nixroot.Root, env ...string) *nixroot.Root {
	s := root.Session
	s.Env = append(s.Env[:len(s.Env):len(s.Env)], env...)
	return root.In(s)
}

// at returns the session in another working directory.
func at(root *nixroot.Root, dir string) *nixroot.Root {
	s := root.Session
	s.Dir = dir
	return root.In(s)
}

func policyText(root *nixroot.Root, text string) {
	root.WriteFile(rootHome+"/.config/shim/policy.toml", text, 0o644)
}

// same compares a result with what it is to be.
func same(t *testing.T, got, want nixroot.Result) {
	t.Helper()
	if got != want {
		t.Errorf("exit %d\n%s%s\nwant %d\n%s%s", got.Code, got.Stdout, got.Stderr, want.Code, want.Stdout, want.Stderr)
	}
}

// demo makes a project with numpy in a root, by the article's commands, and returns the session in
// it. Nothing has run in its environment yet.
func demo(root *nixroot.Root, name string) *nixroot.Root {
	root.Must("uv", "init", name)
	root = at(root, rootHome+"/"+name)
	root.Must("uv", "add", "numpy")
	return root
}

// numpyRoot returns a root with the program and the project demo.
func numpyRoot(t *testing.T, o nixroot.Options) *nixroot.Root {
	t.Helper()
	root := demo(newRoot(t, o, parts.Wheels(t, parts.Pythons(t)[0].Minor, numpyWheel)), "demo")
	forget(root)
	return root
}

// forget makes the program print again what it has warned of: making a project has its say, too.
func forget(root *nixroot.Root) { root.Run("rm", "-rf", rootHome+"/.cache/shim/claim") }

// site returns site-packages of the project's environment, seen from the project.
func site(root *nixroot.Root) string {
	return ".venv/lib/python" + root.Python.Minor + "/site-packages"
}

// umath is numpy's module that needs libstdc++.
func umath(root *nixroot.Root) string {
	return site(root) + "/numpy/_core/_multiarray_umath.cpython-" + strings.Replace(root.Python.Minor, ".", "", 1) + "-x86_64-linux-gnu.so"
}

// numpyWarning is the warning about demo without libstdc++, from the project, on the running system.
func numpyWarning(root *nixroot.Root) string { return numpyNeed(root) + orNow }

// orNow ends a warning of what shim fix provides.
const orNow = "  or now     shim fix\n"

// numpyNeed is the same for another system.
func numpyNeed(root *nixroot.Root) string {
	return "numpy 2.5.5 needs libstdc++.so.6, which nix-ld does not provide\n" +
		"  needed by  " + umath(root) + "\n" +
		"  fix        in configuration.nix, then nixos-rebuild switch:\n" +
		"               programs.nix-ld.libraries = with pkgs; [ stdenv.cc.cc.lib ];\n"
}

// refused is the refusal that a strict mode of the policy's preflight makes of a warning.
func refused(mode, text string) nixroot.Result {
	return nixroot.Result{Code: 126, Stderr: "shim: error: " + text +
		"shim: hint: refused as the policy says, preflight." + mode + " = \"strict\"; SHIM_DISABLE=1 runs it nevertheless\n"}
}

// refusedUnasked is refused where no policy says it.
func refusedUnasked(mode, text string) nixroot.Result {
	r := refused(mode, text)
	r.Stderr = strings.Replace(r.Stderr, "as the policy says", "as is the default", 1)
	return r
}

// remembered returns what the program keeps in directories of the user's home, by name with times
// and content.
func remembered(t *testing.T, root *nixroot.Root, below ...string) map[string]string {
	t.Helper()
	kept := map[string]string{}
	if len(below) == 0 {
		below = []string{".cache/shim", ".local/state/shim", ".local/share/shim"}
	}
	for _, dir := range below {
		err := filepath.WalkDir(root.Path(rootHome+"/"+dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			text := fmt.Sprintf("%d bytes of %v", info.Size(), info.ModTime())
			if info.Mode().IsRegular() && info.Size() < 1<<20 {
				data, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				text += "\n" + strings.ToValidUTF8(string(data), "?")
			}
			kept[strings.TrimPrefix(path, root.Dir)] = text
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return kept
}

// unchanged compares what is kept with what was.
func unchanged(t *testing.T, now, before map[string]string) {
	t.Helper()
	for name, text := range now {
		if before[name] != text {
			t.Errorf("%s is\n%.3000s\nand was\n%.3000s", name, text, before[name])
		}
	}
	for name := range before {
		if _, there := now[name]; !there {
			t.Errorf("%s is gone", name)
		}
	}
}

// libraries returns the shared objects that the shim opens to read in a call before the real program
// runs.
func libraries(t *testing.T, root *nixroot.Root, argv ...string) []string {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := root.Command(argv...)
	cmd.Args = append([]string{"strace", "-f", "-qq", "-s", "4096", "-e", "trace=execve,openat", "-o", trace, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = parts.Tool(t, "strace")
	if out, err := cmd.CombinedOutput(); err != nil {
		if strings.Contains(string(out), "ptrace") {
			parts.Missing(t, fmt.Errorf("strace cannot trace here: %s", out))
		}
		t.Fatalf("%q: %v\n%s", argv, err, out)
	}
	data, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	inside, real := false, false
	for line := range strings.Lines(string(data)) {
		_, call, _ := strings.Cut(line, " ")
		call = strings.TrimSpace(call)
		quoted := strings.Split(call, "\"")
		if len(quoted) < 3 {
			continue
		}
		switch name := quoted[1]; {
		case strings.HasPrefix(call, "execve(") && strings.HasPrefix(name, rootShims+"/"):
			inside = true
		case strings.HasPrefix(call, "execve(") && inside:
			real = true
		case inside && !real && strings.HasPrefix(call, "openat(") && strings.Contains(filepath.Base(name), ".so") && !strings.Contains(call, "O_PATH"):
			found = append(found, name)
		}
	}
	if !real {
		t.Fatalf("%q: no real program was run\n%s", argv, data)
	}
	return found
}
