// Package testscripts tests the shipped binary, but for how long it waits (see limits), from end to
// end, by the scripts <area>_<what>.txtar in this directory and by what is better written in Go.
//
// Each script has a machine of its own below $WORK: a HOME, a shim directory of hard links to the
// binary, and a PATH of that directory, $WORK/bin and a few tools. No Python is on PATH and no uv
// unless the script asks for it. What a script asks for and the machine lacks skips it, or fails
// it where CI is set. The commands beyond testscript's own are in commands_test.go; of the
// variables, these are the scripts' own:
//
//	SHIM, SHIMDIR      the shim command, and the directory of the shims
//	REALUV, REALUVX    after "need uv" (UV itself means to a program that uv started it)
//	MIRROR, MIRROR_OLD, MIRROR_REBUILT, MINOR, OLD, NEW, MINOR2, OLD2, NEW2
//	                   after "mirror": its lists, and of the two newest minors with two patches
//	                   the name and both versions
//	REALPY, REALPY_MINOR, REALPY_VERSION
//	                   after "need python": a real CPython of the machine, not on PATH
//	WHEELS             after "wheels": a directory for --find-links
//
// A test that needs what scripts cannot say, such as many calls at once, starts from newHome.
package testscripts

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"uvshim/shim"
	"uvshim/shim/host"
	"uvshim/testscripts/parts"
)

var update = flag.Bool("u", false, "write what the commands print into the scripts' golden files")

// binary is the program under test. TestMain sets it and nothing changes it later.
var binary string

// shimMain is the program under test, which is to be linked in: go test takes an old result for
// good as long as its own binary stays the same.
var shimMain = shim.Main

func TestMain(m *testing.M) {
	flag.Parse()
	// what is caught is no longer ignored in children, as it is where nohup runs the tests
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	if shimMain == nil {
		os.Exit(1)
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run builds the binary beside the scripts' work directories, so that shims can be hard links.
func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp(os.Getenv("GOTMPDIR"), "shim-test-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	overlay, err := patient(dir)
	if err != nil {
		return 0, err
	}
	binary = filepath.Join(dir, "shim")
	build := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-overlay", overlay, "-ldflags", "-s -w -E uvshim/shim/host.entry", "-o", binary, "uvshim/cmd/shim")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("building the program under test: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// limits are how long the program looks at an environment, or waits for an answer, before it goes on
// without: short for its user, and on a busy machine too short for a test that wants to hear what
// was found. That it goes on is tested where the limits are used.
var limits = map[string][][2]string{
	"preflight.go":        {{"scanOnTerminal = 2 * time.Second", "scanOnTerminal = time.Hour"}, {"scanElsewhere  = 300 * time.Millisecond", "scanElsewhere  = time.Hour"}},
	"doctor/login.go":     {{"asking = 2 * time.Second", "asking = time.Minute"}},
	"doctor/doctor.go":    {{"usual = 5 * time.Second", "usual = 5 * time.Minute"}},
	"resolve/identify.go": {{"askLimit = 5 * time.Second", "askLimit = time.Minute"}},
}

// patient returns an overlay for go build that gives the program time.
func patient(dir string) (overlay string, err error) {
	root, err := filepath.Abs("../shim")
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for name, edits := range limits {
		file := filepath.Join(root, name)
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		now := string(text)
		for _, e := range edits {
			if strings.Count(now, e[0]) != 1 {
				return "", fmt.Errorf("%s has no %q, or several", file, e[0])
			}
			now = strings.Replace(now, e[0], e[1], 1)
		}
		replace[file] = filepath.Join(dir, strings.ReplaceAll(name, "/", "-"))
		if err := os.WriteFile(replace[file], []byte(now), 0o644); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o644)
}

func TestScripts(t *testing.T) {
	testscript.Run(t, params())
}

func params() testscript.Params {
	return testscript.Params{
		Dir:                 ".",
		Setup:               setup,
		Cmds:                commands(),
		Condition:           condition,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	}
}

// setup gives a script its machine.
func setup(e *testscript.Env) error {
	tb, ok := e.T().(testing.TB)
	if !ok {
		return errors.New("the scripts do not run under go test")
	}
	h := &home{TB: tb, Work: e.WorkDir, Env: e.Vars}
	if err := h.lay(); err != nil {
		return err
	}
	e.Vars = h.Env
	e.Values[homeKey{}] = h
	return nil
}

// homeKey is the key of a script's home among its values.
type homeKey struct{}

// condition answers [root], [network] and [NAME] for a program of this machine, whether or not it
// is on the script's PATH: only for what a script does besides. A script that is about zsh says
// "need zsh".
func condition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Geteuid() == 0, nil
	case "network":
		return parts.Online(), nil
	case "strace", "zsh", "fish", "bash", "gcc", "patchelf":
		_, err := exec.LookPath(name)
		return err == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

// newHome returns a machine like a script's for a test in Go.
func newHome(t testing.TB) *home {
	t.Helper()
	// not t.TempDir, whose path holds the test's name: $WORK/.tmp is made as testscript makes it
	work, err := os.MkdirTemp(filepath.Dir(binary), "home-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeAll(work) })
	h := &home{TB: t, Work: work, Env: host.Env{"WORK=" + work, "TMPDIR=" + filepath.Join(work, ".tmp")}}
	if err := os.Mkdir(filepath.Join(work, ".tmp"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := h.lay(); err != nil {
		t.Fatal(err)
	}
	return h
}

// removeAll is os.RemoveAll for trees in which a test took away the right to write.
func removeAll(dir string) {
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			os.Chmod(path, 0o777)
		}
		return nil
	})
	os.RemoveAll(dir)
}
