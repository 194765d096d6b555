package testscripts

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"uvshim/testscripts/parts"
)

// projects makes recorded projects, each with an environment of a real Python and a package in it.
// Every tenth is then deleted, and every twentieth, counted from the fifth, has a script for its
// python.
func projects(h *home, n int) {
	h.Helper()
	python := parts.Pythons(h)[0]
	var lock strings.Builder
	lock.WriteString("version = 1\n")
	write := func(path, text string, mode os.FileMode) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			h.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			h.Fatal(err)
		}
	}
	for i := range n {
		dir := filepath.Join(h.Home, "src", fmt.Sprintf("p%03d", i))
		fmt.Fprintf(&lock, "\n[[project]]\npath = %q\npython = \"cpython-x\"\nlast-used = 2026-11-22\n", dir)
		if i%10 == 0 {
			continue
		}
		venv := filepath.Join(dir, ".venv")
		write(filepath.Join(venv, "pyvenv.cfg"), "home = "+filepath.Dir(python.Exe)+"\nversion_info = "+python.Version+"\n", 0o644)
		write(filepath.Join(venv, "lib", "python"+python.Minor, "site-packages", "demo", "__init__.py"), "", 0o644)
		if i%20 == 5 {
			write(filepath.Join(venv, "bin", "python"), "#!/bin/sh\n", 0o755)
			continue
		}
		if err := os.MkdirAll(filepath.Join(venv, "bin"), 0o755); err != nil {
			h.Fatal(err)
		}
		if err := os.Symlink(python.Exe, filepath.Join(venv, "bin", "python")); err != nil {
			h.Fatal(err)
		}
	}
	write(filepath.Join(h.Home, ".local", "state", "shim", "shim.lock"), lock.String(), 0o600)
}

// Of a hundred recorded projects ten are deleted and five cannot be looked at, and that is said.
func TestDoctorMany(t *testing.T) {
	h := newHome(t)
	projects(h, 100)
	var before result
	for _, args := range [][]string{nil, nil, {"--fresh"}, nil} {
		got := h.Run(append([]string{h.Env.Get("SHIM"), "doctor", "--json"}, args...)...)
		out := doctorJSON(t, got.Stdout, got.Stderr, got.Code)
		if c := out.of(t, "coverage", "info"); len(c.Evidence) != 10 || c.Evidence[1] != "~/src/p010" || !strings.HasPrefix(c.Message, "10 recorded projects are gone") {
			t.Errorf("%+v", c)
		}
		if c := out.of(t, "coverage", "warning"); len(c.Evidence) != 5 || !strings.HasPrefix(c.Evidence[0], "~/src/p005: ") || strings.Count(c.Fix, "\n") != 4 {
			t.Errorf("%+v", c)
		}
		if c := out.of(t, "coverage", "ok"); c.Message != "85 recorded environments find all libraries" {
			t.Errorf("%+v", c)
		}
		if before != (result{}) && got != before {
			t.Errorf("%q: %s\nand before %s", args, got.Stdout, before.Stdout)
		}
		before = got
	}
}
