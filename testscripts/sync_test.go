package testscripts

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"uvshim/shim/lock"
	"uvshim/testscripts/parts"
)

// A syncHome is a machine on which uv can install fake Pythons and small tools, and nothing else.
type syncHome struct {
	*home
	wheels string
}

func newSyncHome(t *testing.T) syncHome {
	t.Helper()
	h := syncHome{home: newHome(t)}
	h.wheels = filepath.Join(h.Work, "wheels")
	h.Set(h.mirror("fake"))
	h.Set(vars{"UV_FIND_LINKS": h.wheels, "UV_NO_INDEX": "1"})
	h.Set(vars{"SHIM_POLICY": filepath.Join(h.Home, ".config/shim/policy.toml")}) // and none of this machine's
	h.wheel("alpha", "1.0", "lib")
	h.wheel("beta", "3.0")
	h.wheel("lib", "2.0")
	return h
}

// wheel puts a wheel with a program of its own name where uv finds it.
func (h syncHome) wheel(name, version string, needs ...string) {
	h.Helper()
	info := fmt.Sprintf("%s-%s.dist-info/", name, version)
	metadata := fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n", name, version)
	for _, need := range needs {
		metadata += "Requires-Dist: " + need + "\n"
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, file := range [][2]string{
		{name + ".py", "def main(): pass\n"},
		{info + "METADATA", metadata},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{info + "entry_points.txt", fmt.Sprintf("[console_scripts]\n%s = %s:main\n", name, name)},
		{info + "RECORD", ""},
	} {
		w, err := z.Create(file[0])
		if err == nil {
			_, err = w.Write([]byte(file[1]))
		}
		if err != nil {
			h.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		h.Fatal(err)
	}
	h.write(filepath.Join(h.wheels, fmt.Sprintf("%s-%s-py3-none-any.whl", name, version)), b.String())
}

func (h syncHome) write(path, text string) {
	h.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		h.Fatal(err)
	}
}

func (h syncHome) policy(text string) {
	h.Helper()
	h.write(filepath.Join(h.Home, ".config/shim/policy.toml"), text)
}

// sync runs shim sync and fails the test unless it exits with code.
func (h syncHome) sync(code int, args ...string) result {
	h.Helper()
	r := h.Run(append([]string{"shim", "sync"}, args...)...)
	if r.Code != code {
		h.Fatalf("shim sync %q: exit %d, want %d\n%s%s", args, r.Code, code, r.Stdout, r.Stderr)
	}
	return r
}

// pythons returns the versions that are installed, as in "3.14.1 3.13.8+freethreaded".
func (h syncHome) pythons() string { return strings.Join(h.versions(), " ") }

func (h syncHome) versions() []string {
	found, _ := filepath.Glob(filepath.Join(h.Home, ".local/share/uv/python/*-*-*-*-*/bin"))
	var out []string
	for _, dir := range found {
		dir = filepath.Dir(dir)
		if info, err := os.Lstat(dir); err == nil && info.IsDir() {
			key := filepath.Base(dir)
			out = append(out, strings.TrimPrefix(strings.Join(strings.Split(key, "-")[:2], "-"), "cpython-"))
		}
	}
	return out
}

// tools returns the tools as uv has them: "alpha v1.0 beta v3.0".
func (h syncHome) tools() string {
	h.Helper()
	var out []string
	for line := range strings.Lines(h.Run(h.Env.Get("REALUV"), "tool", "list").Stdout) {
		if !strings.HasPrefix(line, "- ") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return strings.Join(out, " ")
}

func (h syncHome) lock() lock.Lock {
	h.Helper()
	text, err := os.ReadFile(filepath.Join(h.Home, ".local/state/shim/shim.lock"))
	if err != nil {
		h.Fatal(err)
	}
	l, err := lock.Decode(text)
	if err != nil {
		h.Fatal(err)
	}
	return l
}

// is fails the test unless the machine has these Pythons and tools, and the lock says the same.
func (h syncHome) is(pythons, tools string) {
	h.Helper()
	if got := h.pythons(); got != pythons {
		h.Errorf("installed Pythons: %s, want %s", got, pythons)
	}
	if got := h.tools(); got != tools {
		h.Errorf("installed tools: %s, want %s", got, tools)
	}
	var inLock, toolsInLock []string
	l := h.lock()
	for _, p := range l.Python {
		inLock = append(inLock, strings.TrimPrefix(strings.Join(strings.Split(p.Key, "-")[:2], "-"), "cpython-"))
		if !p.Declared || p.Build == "" || p.Request == "" {
			h.Errorf("in the lock: %+v", p)
		}
	}
	for _, t := range l.Tool {
		toolsInLock = append(toolsInLock, t.Name+" v"+t.Version)
		if t.Request == "" || !slices.Contains(t.Resolved, t.Name+"=="+t.Version) {
			h.Errorf("in the lock: %+v", t)
		}
	}
	if got := strings.Join(inLock, " "); got != pythons {
		h.Errorf("Pythons in the lock: %s, want %s", got, pythons)
	}
	if got := strings.Join(toolsInLock, " "); got != tools {
		h.Errorf("tools in the lock: %s, want %s", got, tools)
	}
}

// snapshot returns what stands in the files below the home that a sync could change.
func (h syncHome) snapshot() string {
	h.Helper()
	var b strings.Builder
	for _, dir := range []string{".local", ".config"} {
		filepath.WalkDir(filepath.Join(h.Home, dir), func(path string, d os.DirEntry, err error) error {
			switch base := filepath.Base(path); {
			case err != nil || d.IsDir():
				return err
			case base == "BUILD", base == "EXTERNALLY-MANAGED", base == ".lock", base == ".shim-dir", base == "uv-receipt.toml", d.Type()&os.ModeSymlink != 0:
				// uv writes its own anew whatever it does
				fmt.Fprintln(&b, path)
				return nil
			}
			info, err := d.Info()
			if err == nil {
				fmt.Fprintln(&b, path, info.Size(), info.ModTime().UnixNano())
			}
			return err
		})
	}
	return b.String()
}

func want(t testing.TB, what, got string, all ...string) {
	t.Helper()
	for _, text := range all {
		if !strings.Contains(got, text) {
			t.Errorf("%s lacks %q:\n%s", what, text, got)
		}
	}
}

func wantNot(t testing.TB, what, got string, none ...string) {
	t.Helper()
	for _, text := range none {
		if strings.Contains(got, text) {
			t.Errorf("%s has %q:\n%s", what, text, got)
		}
	}
}

const articlePolicy = `
[python]
versions = ["3.14", "3.13", "3.12"]
default = ["3.14"]
prune = true

[tool]
packages = ["alpha", "beta"]
prune = true
`

func TestSync_article(t *testing.T) {
	h := newSyncHome(t)
	h.policy(articlePolicy)
	before := h.snapshot()
	plan := h.sync(0, "--dry-run").Stdout
	want(t, "the plan", plan, "install python 3.14 as the default\n", "install python 3.12\n", "pin     python 3.14", "install tool beta\n")
	if got := h.sync(1, "--check").Stdout; got != plan {
		t.Errorf("--check says\n%snot\n%s", got, plan)
	}
	if h.snapshot() != before {
		t.Errorf("--dry-run or --check changed something:\n%s", h.snapshot())
	}

	r := h.sync(0)
	want(t, "sync", r.Stdout, "installed cpython-3.14.1-", "installed tool alpha 1.0\n", "python3.14", "pinned 3.14 in ")
	wantNot(t, "sync", r.Stderr, "experimental", "shim:")
	h.is("3.12.12 3.13.8 3.14.1", "alpha v1.0 beta v3.0")
	for _, name := range []string{"python", "python3", "alpha"} {
		if _, err := os.Stat(filepath.Join(h.Home, ".local/bin", name)); err != nil {
			t.Errorf("uv's links: %v", err)
		}
	}
	if got := h.Run("python3.13", "-V").Stdout; got != "Python 3.13.8\n" {
		t.Errorf("the shim of 3.13 says %q", got)
	}
	pin, _ := os.ReadFile(filepath.Join(h.Home, ".config/uv/.python-version"))
	if string(pin) != "3.14\n" {
		t.Errorf("the pin is %q", pin)
	}
	var argv []string
	for _, c := range h.lock().Change {
		argv = append(argv, strings.Join(c.Argv, " "))
	}
	if want := []string{"uv python install --default 3.14", "uv python install 3.13", "uv python install 3.12", "uv tool install alpha", "uv tool install beta"}; !slices.Equal(argv, want) {
		t.Errorf("recorded %q, want %q", argv, want)
	}

	before = h.snapshot()
	for _, args := range [][]string{{}, {"--no-upgrade"}, {"--check"}} {
		if r := h.sync(0, args...); r.Stdout+r.Stderr != "" {
			t.Errorf("sync %q with nothing to do says\n%s%s", args, r.Stdout, r.Stderr)
		}
	}
	if after := h.snapshot(); after != before {
		t.Errorf("a second sync changed something:\n%s\nnow\n%s", before, after)
	}
}

// venv makes an environment in a project, and has it recorded.
func (h syncHome) venv(name, request string) string {
	h.Helper()
	dir := filepath.Join(h.Home, name)
	h.write(filepath.Join(dir, ".python-version"), request+"\n")
	for _, argv := range [][]string{{h.Env.Get("REALUV"), "venv", "-q", "-p", request}, {"python", "-c", "0"}} {
		cmd := h.Command(argv...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			h.Fatalf("%q: %v\n%s", argv, err, out)
		}
	}
	return filepath.Join(dir, ".venv")
}

func TestSync_drop(t *testing.T) {
	h := newSyncHome(t)
	h.policy(articlePolicy)
	h.sync(0)
	venv := h.venv("demo", "3.13")
	h.policy(`
[python]
versions = ["3.14", "3.12"]
default = ["3.14"]
prune = true
[tool]
packages = ["alpha"]
prune = true
`)
	want(t, "the plan", h.sync(0, "--dry-run").Stdout, "remove  tool beta\n", "remove  python cpython-3.13.8-", "breaks ~/demo/.venv\n",
		"mend   (cd ~/demo && uv venv --clear)   # and install into it again\n", "wanted by ~/demo/.python-version:1\n", "keep   shim declare python 3.13\n")
	h.is("3.12.12 3.13.8 3.14.1", "alpha v1.0 beta v3.0")
	r := h.sync(0)
	want(t, "sync", r.Stdout, "removed cpython-3.13.8-", "removed tool beta\n", "removed python3.13 in ")
	want(t, "sync", r.Stderr, "fix        (cd ~/demo && uv venv --clear)", "to have it again, and kept: shim declare python 3.13 && shim sync")
	if warned, done := strings.Index(r.Stderr, "~"+strings.TrimPrefix(venv, h.Home)), strings.Index(r.Stderr, "Uninstalled Python 3.13.8"); warned < 0 || done < warned {
		t.Errorf("the environment is not named before the removal:\n%s", r.Stderr)
	}
	h.is("3.12.12 3.14.1", "alpha v1.0")
}

// An upgrade takes the place of the patch before it, except where an environment was made of just
// that patch.
func TestSync_upgrade(t *testing.T) {
	h := newSyncHome(t)
	h.Set(vars{"UV_PYTHON_DOWNLOADS_JSON_URL": h.Env.Get("MIRROR_OLD")})
	h.policy(articlePolicy)
	h.sync(0)
	h.is("3.12.11 3.13.7 3.14.0", "alpha v1.0 beta v3.0")
	h.venv("through-minor", "3.13")
	h.venv("of-patch", "3.12.11")
	h.Set(vars{"UV_PYTHON_DOWNLOADS_JSON_URL": h.Env.Get("MIRROR"), "UV_PYTHON_DOWNLOADS": "never"})
	want(t, "sync without downloads", h.sync(0).Stderr, "python 3.14 is not upgraded: uv is told not to download Pythons (python-downloads)")
	h.Set(vars{"UV_PYTHON_DOWNLOADS": "automatic"})
	h.wheel("alpha", "1.1", "lib")
	h.wheel("lib", "2.1")

	h.sync(0, "--check")
	if r := h.sync(0, "--no-upgrade"); strings.Contains(r.Stdout, "installed") {
		t.Errorf("--no-upgrade upgrades:\n%s", r.Stdout)
	}
	r := h.sync(0)
	want(t, "sync", r.Stdout, "changed tool alpha from 1.0 to 1.1\n", "removed cpython-3.14.0-")
	want(t, "sync", r.Stderr, "cpython-3.12.11", "of-patch/.venv runs on it")
	if got := h.pythons(); got != "3.12.11 3.12.12 3.13.8 3.14.1" {
		t.Errorf("installed: %s", got)
	}
	cmd := h.Command(filepath.Join(h.Home, "through-minor/.venv/bin/python"), "-V")
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "Python 3.13.8\n" {
		t.Errorf("the environment through the minor: %q, %v", out, err)
	}

	// a newer build of the same patch
	h.Set(vars{"UV_PYTHON_DOWNLOADS_JSON_URL": h.Env.Get("MIRROR_REBUILT")})
	want(t, "sync", h.sync(0).Stdout, "rebuilt cpython-3.14.1-", "build 20260202, was 20260101")
	for _, p := range h.lock().Python {
		if strings.HasPrefix(p.Key, "cpython-3.14.1-") && p.Build != "20260202" {
			t.Errorf("in the lock: %+v", p)
		}
	}
}

// The Python of a tool goes only after the tool has moved to another.
func TestSync_move(t *testing.T) {
	h := newSyncHome(t)
	h.policy(articlePolicy)
	h.sync(0)
	h.policy("[python]\nversions = [\"3.12\"]\ndefault = \"3.12\"\nprune = true\n[tool]\npackages = [\"alpha\"]\nprune = true\n")
	want(t, "the plan", h.sync(0, "--dry-run").Stdout, "move    tool alpha to python 3.12\n")
	r := h.sync(0)
	want(t, "sync", r.Stdout, "moved tool alpha", "pinned 3.12 ")
	h.is("3.12.12", "alpha v1.0")
	if receipt, _ := os.ReadFile(filepath.Join(h.Home, ".local/share/uv/tools/alpha/uv-receipt.toml")); strings.Contains(string(receipt), "python =") {
		t.Errorf("the tool is now bound to a Python:\n%s", receipt)
	}
	h.sync(0, "--check")
}

// What Home Manager's programs.uv gets wrong.
func TestSync_faults(t *testing.T) {
	begin := func(t *testing.T, policy string) syncHome {
		h := newSyncHome(t)
		h.policy(policy)
		h.sync(0)
		return h
	}
	t.Run("prune_before_install_loses_the_last_python", func(t *testing.T) {
		h := begin(t, "[python]\nversions = [\"3.13\"]\ndefault = \"3.13\"\nprune = true\n")
		h.policy("[python]\nversions = [\"3.7\"]\ndefault = \"3.7\"\nprune = true\n")
		r := h.sync(1)
		want(t, "sync", r.Stderr, "install python 3.7 as the default: uv python install: exit status", "nothing is removed after a failure")
		if pin, _ := os.ReadFile(filepath.Join(h.Home, ".config/uv/.python-version")); string(pin) != "3.13\n" {
			t.Errorf("the pin is %q, which nothing satisfies", pin)
		}
		if got := h.pythons(); got != "3.13.8" {
			t.Errorf("installed: %s", got)
		}
	})
	t.Run("failing_list_deletes_a_wanted_version", func(t *testing.T) {
		h := begin(t, articlePolicy)
		h.Set(vars{"UV_PYTHON_DOWNLOADS_JSON_URL": filepath.Join(h.Work, "missing.json")})
		h.sync(0, "--no-upgrade")
		h.sync(1)
		h.is("3.12.12 3.13.8 3.14.1", "alpha v1.0 beta v3.0")
	})
	t.Run("vague_requests_are_fetched_again_each_time", func(t *testing.T) {
		h := begin(t, "[python]\nversions = [\"3\", \">=3.12\", \"cpython\", \"pypy\"]\ndefault = \"3\"\nprune = true\n")
		before := h.snapshot()
		if r := h.sync(0); r.Stdout+r.Stderr != "" || h.snapshot() != before {
			t.Errorf("a second sync says\n%s%s\nbefore\n%snow\n%s", r.Stdout, r.Stderr, before, h.snapshot())
		}
		if got := h.pythons(); got != "3.14.1 pypy-3.11.13" {
			t.Errorf("installed: %s", got)
		}
	})
	t.Run("offline_though_everything_is_there", func(t *testing.T) {
		h := begin(t, articlePolicy)
		for name, v := range map[string]vars{
			"forbidden":   {"UV_OFFLINE": "1"},
			"unreachable": {"UV_OFFLINE": "0"},
		} {
			h.Set(vars{
				"UV_PYTHON_DOWNLOADS_JSON_URL": "http://127.0.0.1:1/downloads.json", "UV_FIND_LINKS": "", "UV_NO_INDEX": "",
				"UV_DEFAULT_INDEX": "http://127.0.0.1:1/simple", "UV_CACHE_DIR": filepath.Join(h.Work, "cache-"+name),
			})
			h.Set(v)
			r := h.sync(0)
			wantNot(t, name, r.Stderr, "error")
			if r.Stdout != "" {
				t.Errorf("%s: says\n%s", name, r.Stdout)
			}
			if r := h.sync(0, "--no-upgrade"); r.Stdout+r.Stderr != "" {
				t.Errorf("%s: says\n%s%s", name, r.Stdout, r.Stderr)
			}
		}
		h.is("3.12.12 3.13.8 3.14.1", "alpha v1.0 beta v3.0")
	})
	t.Run("half_way", func(t *testing.T) {
		h := newSyncHome(t)
		h.policy("[python]\nversions = [\"3.7\", \"3.14\"]\ndefault = \"3.14\"\n[tool]\npackages = [\"nothere\", \"alpha\"]\n")
		r := h.sync(1)
		want(t, "sync", r.Stderr, "shim: error: install python 3.7: ", "shim: error: install tool nothere: ")
		h.is("3.14.1", "alpha v1.0")
		want(t, "--check", h.sync(1, "--check").Stdout, "install python 3.7\ninstall tool nothere\n")
	})
	t.Run("git_tool_is_pruned", func(t *testing.T) {
		h := newSyncHome(t)
		parts.Tool(t, "git")
		h.Set(h.python())
		h.gitTool()
		h.policy("[tool]\npackages = [\"git+file://" + h.Work + "/gitty\"]\nprune = true\n")
		h.sync(0)
		if got := h.tools(); got != "gitty v0.1" {
			t.Fatalf("tools: %s", got)
		}
		if r := h.sync(0); r.Stdout != "" {
			t.Errorf("a second sync says\n%s", r.Stdout)
		}
		if r := h.sync(0, "--no-upgrade"); r.Stdout+r.Stderr != "" {
			t.Errorf("a second sync says\n%s%s", r.Stdout, r.Stderr)
		}
		h.sync(0, "--check")
		if got := h.tools(); got != "gitty v0.1" {
			t.Errorf("tools: %s", got)
		}
	})
}

// gitTool makes a repository that uv can install a tool from, with a build backend of its own.
func (h syncHome) gitTool() {
	h.Helper()
	if err := h.tool("git", parts.Tool(h, "git")); err != nil {
		h.Fatal(err)
	}
	if err := h.tool("python3", h.Env.Get("REALPY")); err != nil {
		h.Fatal(err)
	}
	dir := filepath.Join(h.Work, "gitty")
	h.write(filepath.Join(dir, "pyproject.toml"), "[project]\nname = \"gitty\"\nversion = \"0.1\"\n[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n")
	h.write(filepath.Join(dir, "backend.py"), `import zipfile
def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "gitty-0.1-py3-none-any.whl"
    with zipfile.ZipFile(directory + "/" + name, "w") as z:
        z.writestr("gitty.py", "def main(): pass\n")
        z.writestr("gitty-0.1.dist-info/METADATA", "Metadata-Version: 2.1\nName: gitty\nVersion: 0.1\n")
        z.writestr("gitty-0.1.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        z.writestr("gitty-0.1.dist-info/entry_points.txt", "[console_scripts]\ngitty = gitty:main\n")
        z.writestr("gitty-0.1.dist-info/RECORD", "")
    return name
`)
	for _, argv := range [][]string{
		{"git", "init", "-q", "."}, {"git", "add", "."},
		{"git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", "x"},
	} {
		cmd := h.Command(argv...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			h.Fatalf("%q: %v\n%s", argv, err, out)
		}
	}
}

// A sync that is killed, uv and all, at any moment is repaired by the next one.
func TestSync_killed(t *testing.T) {
	h := newSyncHome(t)
	other := strings.NewReplacer(`"3.14", "3.13", "3.12"`, `"3.14", "3.12"`, `"alpha", "beta"`, `"beta"`).Replace(articlePolicy)
	start := time.Now()
	h.policy(articlePolicy)
	h.sync(0)
	whole := time.Since(start)
	for i := range 20 {
		if i%5 == 4 { // from nothing
			removeAll(filepath.Join(h.Home, ".local/share/uv"))
			removeAll(filepath.Join(h.Home, ".local/bin"))
		}
		text, pythons, tools := other, "3.12.12 3.14.1", "beta v3.0"
		if i%2 == 1 {
			text, pythons, tools = articlePolicy, "3.12.12 3.13.8 3.14.1", "alpha v1.0 beta v3.0"
		}
		h.policy(text)
		cmd := h.Command("shim", "sync")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.Int64N(int64(whole))))
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		h.sync(0)
		h.sync(0, "--check")
		h.is(pythons, tools)
		if t.Failed() {
			t.Fatalf("after kill %d", i)
		}
	}
}

// What is interrupted in the middle of a call of uv is recorded with that call, as failed, and ends by the
// signal. A uv that takes no notice is waited for.
func TestSync_interrupted(t *testing.T) {
	for _, row := range []struct {
		name, trap string
		signal     syscall.Signal
		exit       int // in the record
	}{
		{"dies", "", syscall.SIGINT, 130},
		{"terminated", "", syscall.SIGTERM, 143},
		{"goes_on", "trap 'echo told' INT; ", syscall.SIGINT, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newSyncHome(t)
			h.policy("[python]\nversions = [\"3.14\"]\n")
			h.sync(0)
			h.policy("[python]\nversions = [\"3.14\"]\n[tool]\npackages = [\"alpha\"]\n")
			enough, bin := filepath.Join(h.Work, "enough"), filepath.Join(h.Work, "slow")
			h.write(filepath.Join(bin, "uv"), "#!/bin/sh\n"+row.trap+"case \"$*\" in 'tool install'*) "+h.Env.Get("REALUV")+" \"$@\" || exit; echo at work; while [ ! -e "+enough+" ]; do sleep 0.05; done; exit;; esac\nexec "+h.Env.Get("REALUV")+" \"$@\"\n")
			if err := os.Chmod(filepath.Join(bin, "uv"), 0o755); err != nil {
				t.Fatal(err)
			}
			h.Set(vars{"PATH": bin + ":" + h.Env.Get("PATH")})
			s := start(t, h.Command("shim", "sync"))
			s.wait("at work")
			s.signal(row.signal)
			if row.trap != "" {
				s.wait("told")
				h.write(enough, "")
			}
			if code, text := s.end(); code != 128+int(row.signal) {
				t.Errorf("ended with %d\n%s", code, text)
			}
			h.Run("shim", "history") // folds
			all := h.lock().Change
			last := all[len(all)-1]
			if len(all) != 2 || strings.Join(last.Argv, " ") != "uv tool install alpha" || last.Exit != row.exit {
				t.Errorf("recorded %+v", all)
			}
		})
	}
}

// A lock brings another machine to the same versions, builds and sets, under the same requests.
func TestSync_locked(t *testing.T) {
	one := newSyncHome(t)
	one.Set(vars{"UV_PYTHON_DOWNLOADS_JSON_URL": one.Env.Get("MIRROR_OLD")})
	one.policy(articlePolicy)
	one.sync(0)
	exported := one.Run("shim", "export", "lock").Stdout

	two := newSyncHome(t)
	two.wheel("alpha", "1.1", "lib")
	two.wheel("lib", "2.1")
	file := filepath.Join(two.Work, "restore.toml")
	two.write(file, exported)
	two.policy(articlePolicy)
	want(t, "the plan", two.sync(0, "--locked", file, "--dry-run").Stdout, "install python cpython-3.13.7 of build 20260101\n", "install tool alpha: alpha==1.0, lib==2.0\n")
	two.sync(1, "--locked", file, "--check")
	two.sync(0, "--locked", file)
	two.is("3.12.11 3.13.7 3.14.0", "alpha v1.0 beta v3.0")
	if again := two.Run("shim", "export", "lock").Stdout; again != exported {
		t.Errorf("the lock is now\n%snot\n%s", again, exported)
	}
	var calls []string
	for _, c := range two.lock().Change {
		if calls = append(calls, strings.Join(c.Argv, " ")); c.Exit != 0 {
			t.Errorf("recorded as failed: %q", c.Argv)
		}
	}
	if got, want := calls[len(calls)-2:], []string{"uv tool install alpha --python 3.14", "uv tool install beta --python 3.14"}; !slices.Equal(got, want) {
		t.Errorf("recorded %q, want %q at the end", calls, want)
	}
	if n := strings.Count(strings.Join(calls, "\n"), " tool "); n != 2 {
		t.Errorf("%d calls are recorded of two tools: %q", n, calls)
	}
	two.sync(0, "--locked", file, "--check")
	if r := two.sync(0, "--locked"); r.Stdout != "" {
		t.Errorf("restoring its own lock changes\n%s", r.Stdout)
	}
	// under the original request, an upgrade is possible
	two.sync(0)
	two.is("3.12.12 3.13.8 3.14.1", "alpha v1.1 beta v3.0")

	// a uv that lists two builds of each version
	four := newSyncHome(t)
	four.policy("")
	four.write(file, exported)
	four.Set(vars{"UV_PYTHON_DOWNLOADS_JSON_URL": four.bothBuilds()})
	four.sync(0, "--locked", file)
	if again := four.Run("shim", "export", "lock").Stdout; again != exported {
		t.Errorf("the lock is now\n%snot\n%s", again, exported)
	}

	// a uv that lists another build, and one that does not know a version
	three := newSyncHome(t)
	three.policy("")
	three.write(file, exported+"\n[[python]]\nversion = \"cpython-3.11.0\"\nbuild = \"20200101\"\n")
	three.Set(vars{"UV_PYTHON_DOWNLOADS_JSON_URL": three.Env.Get("MIRROR_REBUILT")})
	r := three.sync(1, "--locked", file)
	want(t, "sync", r.Stderr,
		"python cpython-3.13.7 is here as build 20260202; this uv does not list build 20260101",
		"python cpython-3.11.0: this uv does not list it")
	if got := three.pythons(); got != "3.12.11 3.13.7 3.14.0" {
		t.Errorf("installed: %s", got)
	}
}

// bothBuilds returns a list of downloads that has each Python in two builds.
func (h syncHome) bothBuilds() string {
	h.Helper()
	both := map[string]json.RawMessage{}
	for _, list := range []string{"MIRROR", "MIRROR_REBUILT"} {
		var entries map[string]json.RawMessage
		text, err := os.ReadFile(h.Env.Get(list))
		if err == nil {
			err = json.Unmarshal(text, &entries)
		}
		if err != nil {
			h.Fatal(err)
		}
		for key, entry := range entries {
			both[list+key] = entry
		}
	}
	text, err := json.Marshal(both)
	if err != nil {
		h.Fatal(err)
	}
	file := filepath.Join(h.Work, "both.json")
	h.write(file, string(text))
	return file
}

// Where programs.uv manages them, nothing of that kind is installed or pruned.
func TestSync_homeManager(t *testing.T) {
	h := newSyncHome(t)
	h.policy(articlePolicy)
	h.Install("3.14.0")
	h.write(filepath.Join(h.Home, ".local/state/home-manager/gcroots/current-home/activate"),
		"_iNote \"Activating %s\" \"uvPython\"\nrun /nix/store/x-uv/bin/uv python install $VERBOSE_ARG --default --upgrade 3.14\n")
	r := h.sync(0)
	want(t, "sync", r.Stderr, "the Pythons are left to Home Manager's programs.uv")
	if got := h.pythons(); got != "3.14.0" {
		t.Errorf("installed Pythons: %s", got)
	}
	if got := h.tools(); got != "alpha v1.0 beta v3.0" {
		t.Errorf("tools: %s", got)
	}
}

func TestSync_errors(t *testing.T) {
	policy := "[python]\nversions = [\"3.14\"]\ndefault = \"3.14\"\n[tool]\npackages = [\"alpha\"]\n"
	for _, c := range []struct {
		name  string
		setup func(h syncHome)
		args  []string
		code  int
		want  []string // on standard error
	}{
		{"broken_policy", func(h syncHome) { h.policy("[python]\nversion = [\"3.14\"]\n") }, nil, 2, []string{"policy.toml:2:1", "versions"}},
		{"broken_lock", func(h syncHome) { h.write(filepath.Join(h.Work, "l.toml"), "version = [") }, []string{"--locked", "l.toml"}, 2, []string{"l.toml"}},
		{"missing_lock", nil, []string{"--locked", "nothere.toml"}, 2, []string{"nothere.toml"}},
		{"stray_argument", nil, []string{"3.14"}, 2, []string{`takes no argument "3.14"`}},
		{"no_uv", func(h syncHome) { os.Remove(filepath.Join(h.toolsDir(), "uv")) }, nil, 127, []string{"uv is not installed"}},
		{"uv_too_old", func(h syncHome) {
			os.Remove(filepath.Join(h.toolsDir(), "uv"))
			h.write(filepath.Join(h.Work, "bin/uv"), "#!/bin/sh\necho \"error: unexpected argument\" >&2\nexit 2\n")
			os.Chmod(filepath.Join(h.Work, "bin/uv"), 0o755)
		}, nil, 1, []string{"install python 3.14", "exit status 2"}},
		{"foreign_file_for_a_tool", func(h syncHome) { h.write(filepath.Join(h.Home, ".local/bin/alpha"), "mine") }, nil, 1, []string{"shim: error: install tool alpha"}},
		{"foreign_file_for_the_default", func(h syncHome) { h.write(filepath.Join(h.Home, ".local/bin/python"), "mine") }, nil, 0, nil},
		{"pythons_are_a_file", func(h syncHome) { h.write(filepath.Join(h.Home, ".local/share/uv/python"), "mine") }, nil, 1, []string{"another user"}},
		{"users_pin_stays", func(h syncHome) {
			h.Install("3.13")
			h.write(filepath.Join(h.Home, ".config/uv/.python-version"), "3.13\n")
		}, nil, 0, []string{"says \"3.13\" and not the default \"3.14\""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newSyncHome(t)
			h.policy(policy)
			if c.setup != nil {
				c.setup(h)
			}
			want(t, "sync", h.sync(c.code, c.args...).Stderr, c.want...)
			switch c.name {
			case "foreign_file_for_the_default":
				want(t, "a second sync", h.sync(0).Stderr, ".local/bin/python is not uv's and stays")
			case "users_pin_stays":
				if pin, _ := os.ReadFile(filepath.Join(h.Home, ".config/uv/.python-version")); string(pin) != "3.13\n" {
					t.Errorf("the pin is %q", pin)
				}
			}
		})
	}
}

// What a download that was cut off, or is another one's, leaves is no Python.
func TestSync_badDownload(t *testing.T) {
	h := newSyncHome(t)
	h.Set(vars{"UV_HTTP_RETRIES": "0"})
	list, err := os.ReadFile(h.Env.Get("MIRROR"))
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(h.Work, "cut.tar.gz")
	h.write(cut, "\x1f\x8b\x08\x00")
	lines := strings.Split(string(list), "\n")
	for i, line := range lines {
		if strings.Contains(line, "cpython-3.13.8.tar.gz") {
			lines[i] = `  "url": "file://` + cut + `",`
		}
		if strings.Contains(line, "cpython-3.12.12.tar.gz") {
			lines[i+1] = `  "sha256": "` + strings.Repeat("0", 64) + `",`
		}
	}
	bad := filepath.Join(h.Work, "bad.json")
	h.write(bad, strings.Join(lines, "\n"))
	h.policy(articlePolicy)
	good := h.Env.Get("MIRROR")
	h.Set(vars{"UV_PYTHON_DOWNLOADS_JSON_URL": bad})
	r := h.sync(1)
	want(t, "sync", r.Stderr, "shim: error: install python 3.13: ", "shim: error: install python 3.12: ", "Hash mismatch")
	h.is("3.14.1", "alpha v1.0 beta v3.0")
	h.Set(vars{"UV_PYTHON_DOWNLOADS_JSON_URL": good})
	h.sync(0)
	h.is("3.12.12 3.13.8 3.14.1", "alpha v1.0 beta v3.0")
}

// Two syncs at once take turns.
func TestSync_twice(t *testing.T) {
	h := newSyncHome(t)
	h.policy(articlePolicy)
	done := make(chan result, 2)
	for range 2 {
		go func() {
			cmd := h.Command("shim", "sync")
			var out, said bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &said
			code, _ := status(cmd.Run())
			done <- result{out.String(), said.String(), code}
		}()
	}
	a, b := <-done, <-done
	if a.Code != 0 || b.Code != 0 {
		t.Errorf("exit %d and %d\n%s%s", a.Code, b.Code, a.Stderr, b.Stderr)
	}
	if n := strings.Count(a.Stdout+b.Stdout, "installed cpython-3.14.1-"); n != 1 {
		t.Errorf("%d of two installed 3.14", n)
	}
	h.is("3.12.12 3.13.8 3.14.1", "alpha v1.0 beta v3.0")
}

// What is broken is made anew.
func TestSync_repair(t *testing.T) {
	share := func(h syncHome, path string) string { return filepath.Join(h.Home, ".local/share/uv", path) }
	for _, c := range []struct {
		name   string
		damage func(h syncHome) error
	}{
		{"receipt_gone", func(h syncHome) error { return os.Remove(share(h, "tools/alpha/uv-receipt.toml")) }},
		{"environment_half_made", func(h syncHome) error { return os.Remove(share(h, "tools/alpha/pyvenv.cfg")) }},
		{"environment_gone", func(h syncHome) error { return os.RemoveAll(share(h, "tools/alpha")) }},
		{"program_gone", func(h syncHome) error { return os.Remove(filepath.Join(h.Home, ".local/bin/alpha")) }},
		{"tools_python_gone", func(h syncHome) error { return os.Remove(share(h, "tools/alpha/bin/python")) }},
		{"python_without_its_program", func(h syncHome) error {
			found, _ := filepath.Glob(share(h, "python/cpython-3.14.1-*/bin/python3.14"))
			return os.Remove(found[0])
		}},
		{"python_gone", func(h syncHome) error {
			found, _ := filepath.Glob(share(h, "python/cpython-3.14.1-*"))
			return os.RemoveAll(found[0])
		}},
		{"links_gone", func(h syncHome) error { return os.RemoveAll(filepath.Join(h.Home, ".local/bin")) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newSyncHome(t)
			h.policy("[python]\nversions = [\"3.14\"]\ndefault = \"3.14\"\n[tool]\npackages = [\"alpha\"]\n")
			h.sync(0)
			if err := c.damage(h); err != nil {
				t.Fatal(err)
			}
			h.sync(1, "--check")
			h.sync(0)
			h.sync(0, "--check")
			h.is("3.14.1", "alpha v1.0")
			if _, err := os.Stat(filepath.Join(h.Home, ".local/bin/alpha")); err != nil {
				t.Error(err)
			}
		})
	}
}

// Neither the directory nor the shell in which sync is called has a say.
func TestSync_elsewhere(t *testing.T) {
	h := newSyncHome(t)
	h.policy(articlePolicy)
	h.Set(vars{"UV_PYTHON": "3.12", "VIRTUAL_ENV": filepath.Join(h.Work, "venv"), "UV_TOOL_DIR": "rel/tools"})
	dir := filepath.Join(h.Work, "project")
	h.write(filepath.Join(dir, "uv.toml"), "python-downloads = \"never\"\noffline = true\n[[index]]\nurl = \"http://127.0.0.1:1/\"\n")
	h.write(filepath.Join(dir, ".python-version"), "3.13\n")
	cmd := h.Command("shim", "sync")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	receipt, err := os.ReadFile(filepath.Join(dir, "rel/tools/alpha/uv-receipt.toml"))
	if err != nil || strings.Contains(string(receipt), "python =") {
		t.Errorf("%v\n%s", err, receipt)
	}
	config, _ := os.ReadFile(filepath.Join(dir, "rel/tools/alpha/pyvenv.cfg"))
	want(t, "the tool's environment", string(config), "version_info = 3.14.1")
}

// On a terminal uv is seen at work, and a sync with nothing to do, or with no network, is no louder
// than elsewhere.
func TestSync_terminal(t *testing.T) {
	h := newSyncHome(t)
	h.policy(articlePolicy)
	h.Set(vars{"TERM": "xterm"})
	show := func() string {
		t.Helper()
		shown, err := onTerminal(h.Command("shim", "sync"), "2", nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, shown)
		}
		return shown
	}
	want(t, "the terminal", show(), "\x1b[", "cpython-3.14.1")
	if shown := show(); shown != "" {
		t.Errorf("with nothing to do: %q", shown)
	}
	h.Set(vars{"UV_FIND_LINKS": "", "UV_NO_INDEX": "", "UV_OFFLINE": "0", "UV_DEFAULT_INDEX": "http://127.0.0.1:1/simple", "UV_CACHE_DIR": filepath.Join(h.Work, "empty")})
	shown := show()
	want(t, "the terminal", shown, "not upgraded, as there is no network: tool alpha, tool beta")
	wantNot(t, "the terminal", shown, "error", "python")
}

// Projects that are gone for 90 days are forgotten.
func TestSync_forgets(t *testing.T) {
	h := newSyncHome(t)
	h.policy("")
	there := filepath.Join(h.Home, "there")
	h.write(filepath.Join(there, "x"), "")
	file := filepath.Join(h.Home, ".local/state/shim/shim.lock")
	text := "version = 1\n"
	for _, p := range [][2]string{{"/nonexistent/old", "2020-01-02"}, {"/nonexistent/new", string(lock.DayOf(time.Now()))}, {there, "2020-01-02"}} {
		text += fmt.Sprintf("\n[[project]]\npath = %q\npython = \"/usr/bin/python3\"\nlast-used = %s\n", p[0], p[1])
	}
	h.write(file, text)
	want(t, "sync", h.sync(0).Stdout, "forgot /nonexistent/old, which is gone\n")
	var left []string
	for _, p := range h.lock().Project {
		left = append(left, p.Path)
	}
	if slices.Sort(left); !slices.Equal(left, []string{"/nonexistent/new", there}) {
		t.Errorf("left: %q", left)
	}
	if r := h.sync(0); strings.Contains(r.Stdout, "forgot") {
		t.Errorf("again:\n%s", r.Stdout)
	}
}

// What could not be installed is told with the line that asks for it, and all the rest is done.
func TestSync_failed(t *testing.T) {
	h := newSyncHome(t)
	h.policy("[python]\nversions = [\n    \"3.14\",\n    \"3.98\",\n]\n\n[tool]\npackages = [\n    \"nosuchtool\",\n    \"alpha\",\n]\n")
	r := h.sync(1)
	want(t, "sync", r.Stderr,
		"shim: error: install python 3.98: uv python install: exit status 2\n  declared   ~/.config/shim/policy.toml:4\n",
		"shim: error: install tool nosuchtool: uv tool install: exit status 1\n  declared   ~/.config/shim/policy.toml:9\n")
	h.is("3.14.1", "alpha v1.0")
}

// What is declared and is there already needs no shim sync.
func TestSync_declaredTool(t *testing.T) {
	h := newSyncHome(t)
	h.policy("")
	for _, r := range []result{h.Run("uv", "python", "install", "3.14"), h.Run("uv", "tool", "install", "alpha")} {
		if r.Code != 0 {
			t.Fatal(r.Stderr)
		}
	}
	for _, tt := range []struct {
		kind, name string
		hint       bool
	}{{"tool", "alpha", false}, {"tool", "beta", true}, {"python", "3.14", false}, {"python", "3.12", true}} {
		r := h.Run("shim", "declare", tt.kind, tt.name)
		if r.Code != 0 || strings.Contains(r.Stderr, "hint: to install it: shim sync") != tt.hint {
			t.Errorf("shim declare %s %s: status %d\n%s", tt.kind, tt.name, r.Code, r.Stderr)
		}
	}
}
