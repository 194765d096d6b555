package parts

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// toolPins is the requirements file of Tools, dependencies and all.
//
//go:embed tools.txt
var toolPins []byte

// Tools returns the bin directory of an environment of p, 3.11 or newer, in which virtualenv, tox,
// nox, PDM, Poetry and pre-commit are installed from PyPI. It lies in the cache and is shared: tests
// only read it. Where it cannot be had, the test ends as Missing says.
func Tools(t testing.TB, p Python) string {
	t.Helper()
	id := sha256.Sum256(fmt.Appendf(toolPins[:len(toolPins):len(toolPins)], "%+v", p))
	dir, err := Cached(fmt.Sprintf("tools-%s-%x", p.Minor, id[:6]), func(tmp, final string) error {
		note("fetching virtualenv, tox and their like from PyPI into %s", final)
		return layTools(p, tmp, final)
	})
	if err != nil {
		Missing(t, fmt.Errorf("the tools cannot be had: %w", err))
	}
	return filepath.Join(dir, "bin")
}

func layTools(p Python, tmp, final string) error {
	// pip comes from outside, since Debian's Python has none to put into an environment
	if out, err := exec.Command(p.Exe, "-m", "venv", "--without-pip", tmp).CombinedOutput(); err != nil {
		return fmt.Errorf("making an environment: %w: %s", err, out)
	}
	pins := filepath.Join(tmp, "tools.txt")
	if err := os.WriteFile(pins, toolPins, 0o644); err != nil {
		return err
	}
	python := filepath.Join(tmp, "bin", "python")
	if err := pip("--python", python, "install", "--no-deps", "--only-binary=:all:", "--requirement", pins); err != nil {
		return err
	}
	// the scripts name the directory as it is now
	return filepath.WalkDir(filepath.Join(tmp, "bin"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, bytes.ReplaceAll(text, []byte(tmp), []byte(final)), 0o755)
	})
}
