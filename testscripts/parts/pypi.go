package parts

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// UV returns the path of the real uv: UVSHIM_TEST_UV, or the pinned version from PyPI. Its uvx
// lies beside it. Without uv the test ends as Missing says.
func UV(t testing.TB) string {
	t.Helper()
	path, err := FetchUV()
	if err != nil {
		Missing(t, err)
	}
	return path
}

// FetchUV is UV where there is no test to end.
func FetchUV() (string, error) { return fetchUV() }

// fetchUV tries once in a process: offline, pip takes its time to give up.
var fetchUV = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("UVSHIM_TEST_UV"); path != "" {
		path, err := filepath.Abs(path)
		if err != nil {
			return "", err
		}
		_, err = os.Stat(path)
		return path, err
	}
	pin, err := pinned("uv")
	if err != nil {
		return "", err
	}
	dir, err := Cached(strings.Replace(pin, "==", "-", 1)+"-"+runtime.GOARCH, func(tmp, final string) error {
		note("fetching %s from PyPI into %s", pin, final)
		return pip("install", "--no-deps", "--target", tmp, pin)
	})
	if err != nil {
		return "", fmt.Errorf("uv cannot be had: %w", err)
	}
	return filepath.Join(dir, "bin", "uv"), nil
})

// Wheels returns a directory for --find-links that holds the wheels of the requirements and of
// all that they need, for CPython minor ("3.13") on this kind of machine. Requirements are pinned
// ("numpy==2.5.5"), so that a run next year is the same one.
func Wheels(t testing.TB, minor string, requirements ...string) string {
	t.Helper()
	for _, r := range requirements {
		if !strings.Contains(r, "==") {
			t.Fatalf("requirement %q has no ==version", r)
		}
	}
	requirements = slices.Sorted(slices.Values(requirements))
	id := sha256.Sum256([]byte(strings.Join(requirements, "\n")))
	dir, err := Cached(fmt.Sprintf("wheels-%s-%x", minor, id[:6]), func(tmp, final string) error {
		note("fetching the wheels of %s from PyPI into %s", strings.Join(requirements, " "), final)
		tag := "cp" + strings.Replace(minor, ".", "", 1)
		args := []string{
			"download", "--dest", tmp, "--only-binary=:all:", "--implementation", "cp",
			"--python-version", minor, "--abi", tag, "--abi", "abi3", "--abi", "none",
		}
		for _, platform := range platforms() {
			args = append(args, "--platform", platform)
		}
		return pip(append(args, requirements...)...)
	})
	if err != nil {
		Missing(t, fmt.Errorf("wheels cannot be had: %w", err))
	}
	return dir
}

// platforms returns the platform tags of wheels for this machine; pip is told each that it may
// take, since with --platform it does not work out the older ones.
func platforms() []string {
	machine := Machine()
	out := []string{"any"}
	for _, old := range []string{"1", "2010", "2014"} {
		out = append(out, "manylinux"+old+"_"+machine)
	}
	for glibc := 5; glibc <= 40; glibc++ {
		out = append(out, fmt.Sprintf("manylinux_2_%d_%s", glibc, machine))
	}
	return out
}

// Machine returns the machine's name as uname -m, wheels and uv have it.
func Machine() string {
	switch runtime.GOARCH {
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	}
	return runtime.GOARCH
}

// Network ends the test as Missing does when PyPI is out of reach.
func Network(t testing.TB) {
	t.Helper()
	if err := reachable(); err != nil {
		Missing(t, fmt.Errorf("PyPI is out of reach: %w", err))
	}
}

// Online reports whether PyPI can be reached.
func Online() bool { return reachable() == nil }

// reachable asks PyPI which versions of uv there are, past pip's own cache.
var reachable = sync.OnceValue(func() error {
	return pip("index", "versions", "--no-cache-dir", "uv")
})

// pip runs pip, and gives its last words when it fails.
func pip(args ...string) error {
	python, err := pipPython()
	if err != nil {
		return err
	}
	args = append([]string{"-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"}, args...)
	out, err := exec.Command(python, args...).CombinedOutput()
	if err != nil {
		words := strings.TrimSpace(string(out))
		return fmt.Errorf("running pip: %w: %s", err, words[max(0, len(words)-600):])
	}
	return nil
}

// pipPython returns a Python that has pip: one of this machine's, or else an environment made of
// one. Debian's Python has no pip without a package of its own.
func pipPython() (string, error) {
	candidates := []string{"python3"}
	for _, p := range pythons() {
		candidates = append(candidates, p.Exe)
	}
	for _, python := range candidates {
		if exec.Command(python, "-m", "pip", "--version").Run() == nil {
			return python, nil
		}
	}
	failed := errors.New("this machine has no Python 3.10 or newer")
	for _, python := range candidates {
		dir, err := Cached("pip", func(tmp, _ string) error {
			// the environment is renamed afterwards, which its python, unlike its scripts, survives
			out, err := exec.Command(python, "-m", "venv", tmp).CombinedOutput()
			if err != nil {
				return fmt.Errorf("making an environment with pip: %w: %s", err, out)
			}
			return nil
		})
		if err == nil {
			return filepath.Join(dir, "bin", "python"), nil
		}
		failed = err
	}
	return "", failed
}
