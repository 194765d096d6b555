package mirror_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"uvshim/testscripts/mirror"
	"uvshim/testscripts/parts"
)

// session returns a function that runs a program in an environment of its own, with uv's
// directories below an empty home and list as its downloads, and returns what it prints.
func session(t *testing.T) (home string, run func(list string, argv ...string) string) {
	home = t.TempDir()
	return home, func(list string, argv ...string) string {
		t.Helper()
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Dir = home
		cmd.Env = []string{
			"HOME=" + home, "PATH=/nowhere", "LANG=C.UTF-8", "UV_OFFLINE=1",
			"UV_PYTHON_DOWNLOADS_JSON_URL=" + list,
		}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", argv, err, out)
		}
		return string(out)
	}
}

func TestFakeInstallUpgradeUninstall(t *testing.T) {
	uv, m := parts.UV(t), mirror.Fake(t)
	home, run := session(t)
	python := filepath.Join(home, ".local/bin/python3.14")

	run(m.Old, uv, "python", "install", "3.14")
	if got := run(m.Old, python, "-V"); got != "Python 3.14.0\n" {
		t.Errorf("after the install: %q", got)
	}
	run(m.All, uv, "python", "upgrade", "3.14")
	if got := run(m.All, python, "-V"); got != "Python 3.14.1\n" {
		t.Errorf("after the upgrade: %q", got)
	}
	// the same patch of a later build is an upgrade, and uv says so by a ~
	if got := run(m.Rebuilt, uv, "python", "upgrade", "3.14"); !strings.Contains(got, "~ cpython-3.14.1") {
		t.Errorf("upgrade to a later build says %q", got)
	}
	run(m.All, uv, "python", "uninstall", "3.14")
	if _, err := os.Lstat(python); !os.IsNotExist(err) {
		t.Errorf("after the uninstall: %v", err)
	}
}

func TestFakeEveryKind(t *testing.T) {
	uv, m := parts.UV(t), mirror.Fake(t)
	home, run := session(t)
	for _, row := range []struct{ request, exe, version string }{
		{"3.12", "python3.12", "3.12.12"},
		{"3.13.7", "python3.13", "3.13.7"},
		{"3.14t", "python3.14t", "3.14.1"},
		{"3.15", "python3.15", "3.15.0a1"},
		{"pypy3.11", "pypy3.11", "3.11.13"},
	} {
		t.Run(row.request, func(t *testing.T) {
			run(m.All, uv, "python", "install", row.request)
			found := strings.TrimSpace(run(m.All, uv, "python", "find", row.request))
			if filepath.Base(found) != row.exe || !strings.HasPrefix(found, filepath.Join(home, ".local/share/uv/python")) {
				t.Errorf("uv finds %q", found)
			}
			venv := filepath.Join(home, "venv-"+row.request)
			run(m.All, uv, "venv", "--python", row.request, venv)
			got := run(m.All, filepath.Join(venv, "bin/python"), "x", "y z")
			want := "fake python " + row.version + " exe=" + venv + "/bin/python prefix=" + venv + " args=x y z\n"
			if got != want {
				t.Errorf("got %q\nwant %q", got, want)
			}
			// an environment of an environment is one of its interpreter
			run(m.All, uv, "venv", "--python", filepath.Join(venv, "bin/python"), venv+"-2")
			if got := run(m.All, filepath.Join(venv+"-2", "bin/python"), "-V"); got != "Python "+row.version+"\n" {
				t.Errorf("an environment made from that one is of %q", got)
			}
		})
	}
}

func TestReal(t *testing.T) {
	uv, m := parts.UV(t), mirror.Real(t)
	if found := parts.Pythons(t); len(m.Minors) != min(3, len(found)) {
		parts.Missing(t, fmt.Errorf("of %v only %v can be moved", found, m.Minors))
	}
	for _, minor := range m.Minors {
		t.Run(minor.Name, func(t *testing.T) {
			home, run := session(t)
			python := filepath.Join(home, ".local/bin/python"+minor.Name)
			venv := filepath.Join(home, "venv")

			run(m.Old, uv, "python", "install", minor.Name)
			run(m.Old, uv, "venv", "--python", minor.Name, venv)
			if got, want := run(m.Old, python, "-V"), "Python "+minor.Old+"\n"; got != want {
				t.Errorf("after the install: %q, want %q", got, want)
			}
			run(m.All, uv, "python", "upgrade", minor.Name)
			for _, exe := range []string{python, filepath.Join(venv, "bin/python")} {
				if got, want := run(m.All, exe, "-V"), "Python "+minor.New+"\n"; got != want {
					t.Errorf("%s after the upgrade: %q, want %q", exe, got, want)
				}
			}
			run(m.All, python, "-c", "import ctypes, sqlite3, ssl, zlib")
			// by uv's link of the minor: an environment made through ~/.local/bin finds no library
			python = strings.TrimSpace(run(m.All, uv, "python", "find", minor.Name))
			run(m.All, python, "-m", "venv", "--without-pip", filepath.Join(home, "made"))
			if got := run(m.All, filepath.Join(home, "made/bin/python"), "-c", "import sys; print(sys.prefix)"); got != filepath.Join(home, "made")+"\n" {
				t.Errorf("the prefix of an environment is %q", got)
			}
		})
	}
}
