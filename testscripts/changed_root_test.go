package testscripts

import (
	"archive/zip"
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"uvshim/shim/lock"
	"uvshim/testscripts/nixroot"
	"uvshim/testscripts/parts"
)

// What uv changes on NixOS, and what of it is said at once, explained when it fails, and recorded.

// purePython returns a wheel of the package name 1.0, with a program of that name, that needs the
// other packages and imports them.
func purePython(t *testing.T, name string, needs ...string) (file, data string) {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	meta, code := "Metadata-Version: 2.1\nName: "+name+"\nVersion: 1.0\n", "def main():\n"
	for _, need := range needs {
		meta += "Requires-Dist: " + need + "\n"
		code += "    import " + need + "\n"
	}
	info := name + "-1.0.dist-info/"
	record := ""
	for _, f := range [][2]string{
		{name + ".py", code + "    print('" + name + " works')\n"},
		{info + "METADATA", meta},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{info + "entry_points.txt", "[console_scripts]\n" + name + " = " + name + ":main\n"},
		{info + "RECORD", ""},
	} {
		record += f[0] + ",,\n"
		if strings.HasSuffix(f[0], "/RECORD") {
			f[1] = record
		}
		out, err := w.Create(f[0])
		if err == nil {
			_, err = out.Write([]byte(f[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return name + "-1.0-py3-none-any.whl", b.String()
}

// toolRoot returns a root without libstdc++, with wheels of numpy, of plain, which needs nothing,
// and of counter, a tool that imports numpy.
func toolRoot(t *testing.T, o nixroot.Options) *nixroot.Root {
	t.Helper()
	root := newRoot(t, o, parts.Wheels(t, parts.Pythons(t)[0].Minor, numpyWheel))
	for _, w := range [][]string{{"plain"}, {"counter", "numpy"}} {
		file, data := purePython(t, w[0], w[1:]...)
		root.WriteFile(rootHome+"/wheels/"+file, data, 0o644)
	}
	return with(root, "UV_FIND_LINKS=/wheelhouse,"+rootHome+"/wheels")
}

// readLock returns the lock of the root's user, with all that is recorded.
func readLock(t *testing.T, root *nixroot.Root) lock.Lock {
	t.Helper()
	root.Must("shim", "history")
	data, err := os.ReadFile(root.Path(rootHome + "/.local/state/shim/shim.lock"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := lock.Decode(data)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	return l
}

// said returns what the program printed among what uv and Python did: its messages with the lines
// that belong to them.
func said(stderr string) string {
	var out strings.Builder
	ours := false
	for line := range strings.Lines(stderr) {
		ours = strings.HasPrefix(line, "shim: ") || ours && strings.HasPrefix(line, "  ")
		if ours {
			out.WriteString(line)
		}
	}
	return out.String()
}

func expectSaid(t *testing.T, what string, got nixroot.Result, code int, want string) {
	t.Helper()
	if got.Code != code || said(got.Stderr) != want {
		t.Errorf("%s: exit %d\n%s%s\nwant exit %d and, of ours,\n%s", what, got.Code, got.Stdout, got.Stderr, code, want)
	}
}

// A change says at once what is missing now, and only what was not missing before.
func TestChangeSays(t *testing.T) {
	root := toolRoot(t, nixroot.Options{})
	root.Must("uv", "init", "demo")
	demo := at(root, rootHome+"/demo")
	warning := "shim: warning: " + numpyWarning(root)

	expectSaid(t, "uv add plain", demo.Run("uv", "add", "plain"), 0, "")
	expectSaid(t, "uv add numpy", demo.Run("uv", "add", "numpy"), 0, warning)
	expectSaid(t, "uv remove plain", demo.Run("uv", "remove", "plain"), 0, "")
	expectSaid(t, "uv remove numpy", demo.Run("uv", "remove", "numpy"), 0, "")
	expectSaid(t, "uv add numpy again", demo.Run("uv", "add", "numpy"), 0, warning)
	expectSaid(t, "uv sync", demo.Run("uv", "sync"), 0, "")
	expectSaid(t, "uv add --dry-run", demo.Run("uv", "pip", "install", "--dry-run", "plain"), 0, "")
	expectSaid(t, "uv add of what is nowhere", demo.Run("uv", "add", "nosuchpackage"), 1, "")
	root.Must("rm", "-r", "demo/.venv")
	expectSaid(t, "uv sync of what is gone", demo.Run("uv", "sync"), 0, warning)
	expectSaid(t, "pip install", demo.Run("pip", "install", "plain"), 0, "")

	l := readLock(t, root)
	var changes []string
	for _, c := range l.Change {
		line := strings.Join(c.Argv, " ")
		if c.Exit != 0 {
			line += " !"
		}
		if c.Directory != rootHome+"/demo" {
			line += " in " + c.Directory
		}
		changes = append(changes, line)
	}
	want := []string{
		"uv add plain", "uv add numpy", "uv remove plain", "uv remove numpy", "uv add numpy", "uv sync",
		"uv add nosuchpackage !", "uv sync", "pip install plain",
	}
	if !slices.Equal(changes, want) {
		t.Errorf("recorded\n%q\nwant\n%q", changes, want)
	}
	if len(l.Project) != 1 || l.Project[0].Path != rootHome+"/demo" || !slices.Equal(l.Project[0].Missing, []string{"libstdc++.so.6"}) {
		t.Errorf("projects: %+v", l.Project)
	}
}

// A run that failed in an environment that nobody could look at before is explained; one that went
// well is not.
func TestRunExplained(t *testing.T) {
	root := toolRoot(t, nixroot.Options{})
	missing := func(stderr string) bool {
		text := said(stderr)
		return strings.HasPrefix(text, "shim: warning: numpy 2.5.5 needs libstdc++.so.6, which nix-ld does not provide\n") &&
			strings.Count(text, "shim: ") == 1 && strings.Contains(stderr, noStdcxx)
	}
	root.Must("uv", "init", "--bare", "demo")
	root.WriteFile(rootHome+"/demo/script.py", "# /// script\n# dependencies = [\"numpy\"]\n# ///\nimport sys\nif len(sys.argv) == 1:\n    import numpy\n", 0o644)
	demo := at(root, rootHome+"/demo")
	for _, row := range []struct {
		name string
		good []string
		bad  []string
	}{
		{"uvx", []string{"uvx", "--from", "counter", "python", "-c", "0"}, []string{"uvx", "counter"}},
		{"uvx_version", []string{"uvx", "plain"}, []string{"uvx", "counter@1.0"}},
		{"tool_run", []string{"uv", "tool", "run", "plain"}, []string{"uv", "tool", "run", "--from", "counter==1.0", "counter"}},
		{"with", []string{"uv", "run", "--with", "numpy", "python", "-c", "0"}, []string{"uv", "run", "--with", "numpy", "python", "-c", "import numpy"}},
		{"script", []string{"uv", "run", "script.py", "good"}, []string{"uv", "run", "script.py"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			forget(root)
			demo := demo.For(t)
			if got := demo.Run(row.good...); got.Code != 0 || said(got.Stderr) != "" && row.name != "script" {
				t.Errorf("%q: exit %d\n%s", row.good, got.Code, got.Stderr)
			}
			for range 2 { // each failure is explained
				if got := demo.Run(row.bad...); got.Code != 1 || !missing(got.Stderr) {
					t.Errorf("%q: exit %d\n%s", row.bad, got.Code, got.Stderr)
				}
			}
		})
	}
	// a failure that has nothing to do with libraries
	expectSaid(t, "uvx that fails otherwise", demo.Run("uvx", "--from", "plain", "python", "-c", "raise SystemExit(3)"), 3, "")
	expectSaid(t, "a run that is killed", demo.Run("uv", "run", "-q", "--with", "numpy", "sh", "-c", "kill -9 $$"), 137, "")
	if changes := readLock(t, root).Change; len(changes) != 0 {
		t.Errorf("recorded as changes: %+v", changes)
	}
}

// A tool is checked when it is installed, and recorded; that the shell will not find it is said
// before it does not.
func TestToolInstalled(t *testing.T) {
	root := toolRoot(t, nixroot.Options{})
	covered := "shim: warning: numpy 2.5.5 needs libstdc++.so.6, which nix-ld does not provide\n"
	got := root.Run("uv", "tool", "install", "counter")
	if got.Code != 0 || !strings.HasPrefix(said(got.Stderr), covered) || strings.Contains(got.Stderr, "localBinInPath") {
		t.Errorf("uv tool install counter: exit %d\n%s", got.Code, got.Stderr)
	}
	s := root.Session
	s.Path = rootShims + ":/run/current-system/sw/bin"
	off := root.In(s)
	expectSaid(t, "uv tool install plain", off.Run("uv", "tool", "install", "plain"), 0,
		"shim: hint: plain is in ~/.local/bin, which is not on PATH\n"+
			"  fix        in configuration.nix, then nixos-rebuild switch and a new login:\n"+
			"               environment.localBinInPath = true;\n")
	expectSaid(t, "uv tool install plain again", off.Run("uv", "tool", "install", "plain"), 0, "")
	l := readLock(t, root)
	if len(l.Tool) != 2 || l.Tool[0].Name != "counter" || l.Tool[0].Version != "1.0" || !slices.Contains(l.Tool[0].Resolved, "numpy==2.5.5") || l.Tool[1].Request != "plain" {
		t.Errorf("tools: %+v", l.Tool)
	}
	root.Must("uv", "tool", "uninstall", "counter")
	if l := readLock(t, root); len(l.Tool) != 1 || l.Tool[0].Name != "plain" || len(l.Change) != 4 {
		t.Errorf("after uninstall: %+v", l)
	}
}

// On a machine whose loader runs no foreign program that is said before uv finds another Python, or
// makes an environment that cannot run.
func TestChangeStub(t *testing.T) {
	root := newRoot(t, nixroot.Options{}, "")
	root.Must("uv", "python", "find", "3") // uv's cache knows its Python
	root.Reload(nixroot.Stub)
	for _, row := range []struct {
		level string
		argv  []string
	}{
		{"warning", []string{"uv", "venv", "v"}},
		{"warning", []string{"uv", "tool", "install", "plain"}},
		{"error", []string{"uv", "run", "python", "-c", "0"}}, // by preflight.loader, as python
	} {
		forget(root)
		got := root.Run(row.argv...)
		if text := said(got.Stderr); !strings.HasPrefix(text, "shim: "+row.level+": ") || !strings.Contains(text, "programs.nix-ld.enable = true;") ||
			row.level == "error" && got.Code != 126 {
			t.Errorf("%q: exit %d\n%s", row.argv, got.Code, got.Stderr)
		}
	}
}
