// Package parts gets what the tests need and the repository does not hold: the real uv, wheels
// from PyPI, and the Pythons of this machine. Only tests import it.
//
// What is fetched is kept in a cache directory, UVSHIM_TEST_CACHE or uvshim-tests in the user's
// own, and fetched once however many test binaries run side by side.
package parts

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// list is what is fetched by name, one name==version a line.
//
//go:embed parts.txt
var list string

// pinned returns the name==version line of name in parts.txt.
func pinned(name string) (string, error) {
	for line := range strings.Lines(list) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, name+"==") {
			return line, nil
		}
	}
	return "", fmt.Errorf("parts.txt does not name %q", name)
}

// Missing ends a test that lacks a part: it is skipped with the reason, or, where CI is set,
// fails, since there everything has to be present.
func Missing(t testing.TB, reason error) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("with CI set nothing may be missing: %v", reason)
	}
	t.Skip(reason)
}

// Tool returns the path of a program of this machine, or ends the test as Missing does.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, err)
	}
	return path
}

// cacheDir returns the directory that fetched and made parts are kept in. Where the user's cache
// directory is not to be had, it is one of the user's own below the temporary directory.
func cacheDir() (string, error) {
	if dir := os.Getenv("UVSHIM_TEST_CACHE"); dir != "" {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return "", err
		}
		return dir, os.MkdirAll(dir, 0o777)
	}
	if user, err := os.UserCacheDir(); err == nil {
		dir := filepath.Join(user, "uvshim-tests")
		if os.MkdirAll(dir, 0o777) == nil && syscall.Access(dir, 2) == nil {
			return dir, nil
		}
	}
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("uvshim-tests-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if st := info.Sys().(*syscall.Stat_t); !info.IsDir() || int(st.Uid) != os.Getuid() {
		return "", fmt.Errorf("%s is not a directory of this user", dir)
	}
	return dir, nil
}

// Cached returns the directory name of the cache. One that is not there is made: fill is called
// with an empty directory to put the contents into, and with the path that the directory will
// have. It appears under its name when it is complete.
func Cached(name string, fill func(tmp, final string) error) (string, error) {
	base, err := cacheDir()
	if err != nil {
		return "", err
	}
	final := filepath.Join(base, name)
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	unlock, err := lockedfile.MutexAt(final + ".lock").Lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	tmp, err := os.MkdirTemp(base, ".new-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp) // after the rename there is nothing of that name
	if err := fill(tmp, final); err != nil {
		return "", err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", err
	}
	return final, os.Rename(tmp, final)
}

// note tells whoever runs the tests what takes the time.
func note(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "tests: "+format+"\n", args...)
}
