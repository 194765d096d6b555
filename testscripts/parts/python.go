package parts

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A Python is a real CPython of this machine: an ELF file, not the shim of a version manager.
type Python struct {
	Exe     string // the file itself, links resolved
	Version string // "3.13.0"
	Minor   string // "3.13"
	Prefix  string
	Stdlib  string // its lib/python3.N
	Shared  string // the file that holds libpython, empty where that is linked in statically
}

// Pythons returns this machine's CPythons, newest minor first, one a minor. Without any, the test
// ends as Missing says.
func Pythons(t testing.TB) []Python {
	t.Helper()
	found := pythons()
	if len(found) == 0 {
		Missing(t, errors.New("this machine has no CPython from 3.10 on"))
	}
	return found
}

// ask prints the fields of Python as JSON. Prereleases and what is no CPython print nothing.
const ask = `
import json, os, sys, sysconfig
if sys.implementation.name == "cpython" and sys.version_info.releaselevel == "final" and sys.version_info >= (3, 10):
    v = sysconfig.get_config_vars()
    shared = ""
    if v.get("Py_ENABLE_SHARED"):
        shared = os.path.join(v["LIBDIR"], v["INSTSONAME"])
    print(json.dumps({
        "Exe": os.path.realpath(sys.executable),
        "Version": "%d.%d.%d" % sys.version_info[:3],
        "Minor": "%d.%d" % sys.version_info[:2],
        "Prefix": sys.base_prefix,
        "Stdlib": os.path.dirname(os.path.abspath(os.__file__)),
        "Shared": shared if os.path.exists(shared) else "",
    }))
`

// pythons looks once: each candidate has to be run.
var pythons = sync.OnceValue(func() []Python {
	byMinor := map[string]Python{}
	for _, exe := range candidates() {
		out, err := exec.Command(exe, "-I", "-c", ask).Output()
		var p Python
		if err != nil || json.Unmarshal(out, &p) != nil {
			continue
		}
		if _, known := byMinor[p.Minor]; !known {
			byMinor[p.Minor] = p
		}
	}
	found := make([]Python, 0, len(byMinor))
	for _, p := range byMinor {
		found = append(found, p)
	}
	slices.SortFunc(found, func(a, b Python) int { return cmp.Compare(number(b.Minor), number(a.Minor)) })
	return found
})

// candidates returns the ELF files that may be a CPython: the distribution's first, whose
// libpython is often linked in statically, as it is in the Pythons that uv installs. Nix's are
// left out, which run nowhere but beside their store paths.
func candidates() []string {
	dirs := []string{"/usr/bin", "/usr/local/bin"}
	dirs = append(dirs, filepath.SplitList(os.Getenv("PATH"))...)
	pyenv := os.Getenv("PYENV_ROOT")
	if home, err := os.UserHomeDir(); err == nil && pyenv == "" {
		pyenv = filepath.Join(home, ".pyenv")
	}
	if pyenv != "" {
		below, _ := filepath.Glob(filepath.Join(pyenv, "versions", "*", "bin"))
		slices.Reverse(below)
		dirs = append(dirs, below...)
	}
	seen := map[string]bool{}
	var out []string
	for _, dir := range dirs {
		if !filepath.IsAbs(dir) {
			continue
		}
		files, _ := filepath.Glob(filepath.Join(dir, "python3.[0-9]*"))
		for _, file := range files {
			exe, err := filepath.EvalSymlinks(file)
			if err != nil || seen[exe] || strings.HasPrefix(exe, "/nix/") || !isELF(exe) {
				continue
			}
			seen[exe] = true
			out = append(out, exe)
		}
	}
	return out
}

func isELF(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	magic := make([]byte, 4)
	_, err = f.Read(magic)
	return err == nil && string(magic) == "\x7fELF"
}

// number makes "3.9" less than "3.10".
func number(minor string) int {
	var major, n int
	fmt.Sscanf(minor, "%d.%d", &major, &n)
	return major*1000 + n
}
