package resolve

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"uvshim/policy/version"
	"uvshim/shim/host"
)

// identify returns what can be known of the Python at path without running it, which is often only
// the minor version, or nothing.
func (r *resolver) identify(path string) version.Interpreter {
	if m, ok := r.UV.Owner(path); ok {
		return m.Interpreter
	}
	if i, ok := fromConfig(filepath.Join(filepath.Dir(path), "..", "pyvenv.cfg")); ok {
		return i
	}
	real, _ := filepath.EvalSymlinks(path) // "" has no Python's name
	for _, name := range []string{filepath.Base(real), filepath.Base(path)} {
		if i, ok := fromName(name); ok {
			return i
		}
	}
	return version.Interpreter{}
}

// fromName returns what a name with a minor version in it tells: python3.12, python3.14t, pypy3.10.
func fromName(name string) (version.Interpreter, bool) {
	i := version.Interpreter{Impl: "cpython"}
	text, ok := strings.CutPrefix(name, "python")
	if !ok {
		i.Impl = "pypy"
		if text, ok = strings.CutPrefix(name, "pypy"); !ok {
			return i, false
		}
	}
	number, free := strings.CutSuffix(text, "t")
	if free {
		i.Variant = "freethreaded"
	}
	v, err := version.ParseVersion(number)
	i.Version = v
	return i, err == nil && v.Parts >= 2
}

// fits reports whether the Python at path, of which found is known, satisfies the constraint. If
// that leaves it open, the Python is asked, and found completed.
func (r *resolver) fits(found *version.Interpreter, path string) bool {
	match := r.Constraint.Matches(*found)
	if match == version.Unknown {
		*found = r.ask(path)
		match = r.Constraint.Matches(*found)
	}
	return match == version.Yes
}

// fromConfig reads the version from a virtual environment's pyvenv.cfg: version_info as uv and
// virtualenv write it, version as the standard library does.
func fromConfig(file string) (version.Interpreter, bool) {
	data, err := host.ReadFile(file, 64<<10)
	if err != nil {
		return version.Interpreter{}, false
	}
	i := version.Interpreter{Impl: "cpython"}
	ok := false
	for _, line := range strings.Split(string(data), "\n") {
		key, value, _ := strings.Cut(line, "=")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "version", "version_info":
			if v, err := version.ParseVersion(value); err == nil {
				i.Version, ok = v, true
			}
		case "implementation":
			i.Impl = strings.ToLower(value)
		}
	}
	return i, ok
}

// question makes a Python say what it is, in words that version understands.
const question = `import sys
v = sys.version_info
t = "t" if "t" in getattr(sys, "abiflags", "") else ""
d = "d" if hasattr(sys, "gettotalrefcount") else ""
print("shim %s %d.%d.%d%s %s" % (sys.implementation.name, v[0], v[1], v[2],
      {"alpha": "a", "beta": "b", "candidate": "rc"}.get(v[3], "") and
      {"alpha": "a", "beta": "b", "candidate": "rc"}[v[3]] + str(v[4]), t + d))`

// askLimit bounds the time that a Python may take to answer.
const askLimit = 5 * time.Second

// ask runs the Python at path to learn what it is. The answer of a program is remembered; that of
// a script is not, since it may be another version manager's shim, which answers differently in
// each directory.
func (r *resolver) ask(path string) version.Interpreter {
	run := func(string) ([]byte, error) { return r.run(path) }
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return version.Interpreter{}
	}
	var answer []byte
	if isScript(real) {
		answer, err = run(real)
	} else {
		answer, err = r.Facts.File("probe", real, run)
	}
	if err != nil {
		return version.Interpreter{}
	}
	i, err := parseAnswer(string(answer))
	if err != nil {
		return version.Interpreter{}
	}
	return i
}

func (r *resolver) run(path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-I", "-S", "-c", question)
	// A shim that is reached by this question must not ask on.
	cmd.Env = r.env.With(host.Asking, "1")
	cmd.Dir = r.Host.Dir
	cmd.WaitDelay = time.Second
	return cmd.Output()
}

func parseAnswer(text string) (version.Interpreter, error) {
	fields := strings.Split(strings.TrimSuffix(text, "\n"), " ")
	if len(fields) != 4 || fields[0] != "shim" {
		return version.Interpreter{}, fmt.Errorf("not an answer: %q", text)
	}
	v, err := version.ParseVersion(fields[2])
	i := version.Interpreter{Impl: fields[1], Version: v}
	switch fields[3] {
	case "t":
		i.Variant = "freethreaded"
	case "d":
		i.Variant = "debug"
	case "td":
		i.Variant = "freethreaded+debug"
	}
	return i, err
}

// isScript reports whether the program at path is text for another program to run.
func isScript(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	magic := make([]byte, 2)
	n, _ := f.Read(magic)
	return n == 2 && string(magic) == "#!"
}
