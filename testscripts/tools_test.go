package testscripts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"uvshim/testscripts/parts"
)

// A toolCall is what a user types in a project, and the environments that are there afterwards.
type toolCall struct {
	name  string
	files map[string]string // of the project
	runs  [][]string
	made  map[string]string // glob of an environment, below the project or the home: its minor
	shows []string          // the minors that show.py, or the same after -c, ran under
	stale string            // a shim whose Python is not there
	used  []string          // not nil: what is recorded besides the minors made, and nothing else
}

// show is show.py, which prints the minor that it runs under.
const show = `import sys; print("runs", "%d.%d" % sys.version_info[:2])`

// toolCalls returns the rows for two managed minors. A shim of a versioned name answers with that
// minor, the names python and python3 with next.
func toolCalls(h *home, next, last string) []toolCall {
	nodot, dash := strings.NewReplacer(".", ""), strings.NewReplacer(".", "-")
	pin := map[string]string{".python-version": last + "\n"}
	return []toolCall{
		{
			name: "virtualenv_version",
			runs: [][]string{{"virtualenv", "-p", last, "env"}},
			made: map[string]string{"env": last},
		}, {
			name: "virtualenv_name",
			runs: [][]string{{"virtualenv", "-p", "python" + next, "env"}},
			made: map[string]string{"env": next},
		}, {
			name:  "virtualenv_shim_in_pinned_project",
			files: pin,
			runs:  [][]string{{"virtualenv", "-p", filepath.Join(h.ShimDir, "python"), "env"}},
			made:  map[string]string{"env": last},
			used:  []string{},
		}, {
			// its own Python, whatever is on PATH
			name:  "virtualenv_default",
			files: pin,
			runs:  [][]string{{"virtualenv", "env"}},
			made:  map[string]string{"env": ""},
			used:  []string{},
		}, {
			name:  "venv_of_a_shim",
			files: pin,
			runs:  [][]string{{"python", "-m", "venv", "--without-pip", "a"}, {"python" + next, "-m", "venv", "--without-pip", "b"}},
			made:  map[string]string{"a": last, "b": next},
			used:  []string{},
		}, {
			name: "tox",
			files: map[string]string{"pyproject.toml": "", "tox.ini": `
[tox]
skipsdist = true
env_list = py` + nodot.Replace(last) + `, py` + nodot.Replace(next) + `
[testenv]
commands = python show.py
`, "show.py": show},
			runs:  [][]string{{"tox"}},
			made:  map[string]string{".tox/py" + nodot.Replace(last): last, ".tox/py" + nodot.Replace(next): next},
			shows: []string{last, next},
		}, {
			name: "nox",
			files: map[string]string{"pyproject.toml": "", "noxfile.py": `
import nox
@nox.session(python=["` + last + `", "` + next + `"], venv_backend="virtualenv")
def show(session):
    session.run("python", "show.py")
@nox.session(python=["` + last + `", "python` + next + `"], venv_backend="uv")
def show_uv(session):
    session.run("python", "show.py")
`, "show.py": show},
			runs: [][]string{{"nox", "--error-on-missing-interpreters", "--non-interactive"}},
			made: map[string]string{
				".nox/show-" + dash.Replace(last): last, ".nox/show-" + dash.Replace(next): next,
				".nox/show_uv-" + dash.Replace(last): last, ".nox/show_uv-python" + dash.Replace(next): next,
			},
			shows: []string{last, next, last, next},
		}, {
			name:  "pdm_use",
			files: map[string]string{"pyproject.toml": "[project]\nname = \"x\"\nversion = \"1\"\nrequires-python = \">=3.11\"\n"},
			runs:  [][]string{{"pdm", "use", last}, {"pdm", "run", "python", "-c", show}},
			made:  map[string]string{".venv": last},
			shows: []string{last},
		}, {
			// it stays until the next shim link
			name:  "pdm_use_stale_shim",
			files: map[string]string{"pyproject.toml": "[project]\nname = \"x\"\nversion = \"1\"\nrequires-python = \">=3.11\"\n"},
			runs:  [][]string{{"pdm", "use", "--ignore-remembered", last}},
			made:  map[string]string{".venv": last},
			stale: "python3.9",
		}, {
			name:  "pdm_venv_create",
			files: map[string]string{"pyproject.toml": "[project]\nname = \"x\"\nversion = \"1\"\nrequires-python = \">=3.11\"\n"},
			runs:  [][]string{{"pdm", "venv", "create", next}, {"pdm", "venv", "create", "--force", "--name", "other", "python" + last}},
			made: map[string]string{
				".venv": next,
				"home/.local/share/pdm/venvs/pdm_venv_create-*-other": last,
			},
		}, {
			name: "poetry",
			files: map[string]string{"pyproject.toml": `
[project]
name = "x"
version = "1"
requires-python = ">=3.11"
[tool.poetry]
package-mode = false
`},
			runs: [][]string{{"poetry", "env", "use", last}, {"poetry", "env", "use", "python" + next}, {"poetry", "run", "python", "-c", show}},
			made: map[string]string{
				"home/.cache/pypoetry/virtualenvs/x-*-py" + last: last,
				"home/.cache/pypoetry/virtualenvs/x-*-py" + next: next,
			},
			shows: []string{next},
		}, {
			name: "pre-commit",
			files: map[string]string{"show.py": show, ".pre-commit-config.yaml": `
repos:
- repo: local
  hooks:
  - {id: show, name: show, language: python, language_version: python` + last + `, entry: python, args: [show.py], pass_filenames: false, always_run: true, verbose: true}
`},
			runs:  [][]string{{"git", "init", "--quiet"}, {"git", "add", "."}, {"pre-commit", "run", "--all-files"}},
			made:  map[string]string{"home/.cache/pre-commit/repo*/py_env-python" + last: last},
			shows: []string{last},
		},
	}
}

// The tools that look for Pythons themselves ask each that PATH has about itself, by rules of their
// own, and make environments of what they find. Behind the shims these are environments of the
// real Pythons.
func TestTools(t *testing.T) {
	h := newHome(t)
	h.Set(h.mirror("real"))
	next, last := h.Env.Get("MINOR"), h.Env.Get("MINOR2")
	h.toolPrograms(next, last)
	h.Install(next, last)
	h.probes()
	var made []environment
	for _, c := range toolCalls(h, next, last) {
		t.Run(c.name, func(t *testing.T) {
			sub := *h
			sub.TB = t
			made = append(made, sub.toolCall(c)...)
		})
	}
	t.Run("heard", func(t *testing.T) {
		sub := *h
		sub.TB = t
		sub.heard()
	})
	t.Run("without_shims", func(t *testing.T) {
		if err := os.RemoveAll(h.ShimDir); err != nil {
			t.Fatal(err)
		}
		sub := *h
		sub.TB = t
		for _, e := range made {
			sub.works(e)
		}
	})
}

// toolPrograms puts the tools, which run on a Python that is not of the minors, on PATH.
func (h *home) toolPrograms(minors ...string) {
	h.Helper()
	found := parts.Pythons(h)
	i := slices.IndexFunc(found, func(p parts.Python) bool { return !slices.Contains(minors, p.Minor) && p.Minor != "3.10" })
	if i < 0 || slices.Contains(minors, "") {
		parts.Missing(h, errors.New("this machine has no CPythons of three minors, one for the tools"))
	}
	bin := parts.Tools(h, found[i])
	for _, name := range []string{"virtualenv", "tox", "nox", "pdm", "poetry", "pre-commit"} {
		if err := h.tool(name, filepath.Join(bin, name)); err != nil {
			h.Fatal(err)
		}
	}
	if err := h.tool("git", parts.Tool(h, "git")); err != nil {
		h.Fatal(err)
	}
	if trace, err := exec.LookPath("strace"); err == nil && exec.Command(trace, "--seccomp-bpf", "-f", "-o", "/dev/null", "true").Run() == nil {
		h.Set(vars{"TRACE": trace})
	}
	h.Set(vars{
		// pre-commit installs a package of its own into each environment, which pip builds
		"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": parts.Wheels(h, minors[0], "setuptools==80.9.0"),
		"PIP_NO_COMPILE": "1",
		// virtualenv looks for newer wheels in the background
		"VIRTUALENV_NO_PERIODIC_UPDATE": "1",
		"PDM_CHECK_UPDATE":              "0", "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "1000",
	})
}

// heard looks in the traces for what shims said to the tools and for Pythons that failed behind them.
// The tools keep both to themselves, and go on to the next Python that they find.
func (h *home) heard() {
	h.Helper()
	found, err := filepath.Glob(filepath.Join(h.Work, "*.trace"))
	if err != nil || len(found) == 0 {
		parts.Missing(h, errors.New("no program could be traced"))
	}
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			h.Fatal(err)
		}
		behind := map[string]string{} // processes that were a shim: the call
		for line := range strings.Lines(string(text)) {
			pid, _, _ := strings.Cut(line, " ")
			ended := strings.Contains(line, "+++ exited with ") || strings.Contains(line, "+++ killed by ")
			switch {
			case strings.Contains(line, `execve("`+h.ShimDir+"/python"):
				behind[pid] = line
			case strings.Contains(line, `"shim: `), ended && behind[pid] != "" && !strings.Contains(line, " exited with 0 "):
				h.Errorf("%s: %s%s", filepath.Base(path), behind[pid], line)
			}
			if ended {
				delete(behind, pid)
			}
		}
	}
}

// probes has the real uv ask each shim about itself, of which nothing is to be recorded. Even the
// shim of a Python that is gone has to answer, or uv warns of it.
func (h *home) probes() {
	h.Helper()
	const gone = "python3.9"
	if err := h.shims(gone); err != nil {
		h.Fatal(err)
	}
	defer os.Remove(filepath.Join(h.ShimDir, gone))
	uv := h.Env.Get("REALUV")
	r := h.Run(uv, "-v", "python", "list")
	if r.Code != 0 || !strings.Contains(r.Stderr, "at `"+h.ShimDir) || strings.Contains(r.Stderr, "shim: ") {
		h.Errorf("uv looks at the shims: exit %d\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
	if minors := h.recorded(""); len(minors) > 0 {
		h.Errorf("recorded of uv's own looking: %q", minors)
	}
}

// An environment is one that a tool made.
type environment struct{ dir, minor string }

// toolCall runs the calls of c and looks at what they left behind.
func (h *home) toolCall(c toolCall) []environment {
	h.Helper()
	project := filepath.Join(h.Work, c.name)
	if err := os.Mkdir(project, 0o755); err != nil {
		h.Fatal(err)
	}
	for name, text := range c.files {
		h.write(filepath.Join(project, name), text, 0o644)
	}
	if c.stale != "" {
		if err := h.shims(c.stale); err != nil {
			h.Fatal(err)
		}
		defer os.Remove(filepath.Join(h.ShimDir, c.stale))
	}
	h.forget()
	var shown []string
	for i, argv := range c.runs {
		cmd := h.Command(argv...)
		if trace := h.Env.Get("TRACE"); trace != "" && c.stale == "" {
			cmd.Args = []string{trace, "--follow-forks", "--seccomp-bpf", "--quiet=attach,personality", "--trace=execve,write", "--string-limit=300",
				"--output=" + filepath.Join(h.Work, fmt.Sprintf("%s.%d.trace", c.name, i)), cmd.Path}
			cmd.Path, cmd.Args = trace, append(cmd.Args, argv[1:]...)
		}
		cmd.Dir = project
		out, err := cmd.CombinedOutput()
		if err != nil {
			h.Fatalf("%q: %v\n%s", argv, err, out)
		}
		if bytes.Contains(out, []byte("shim: ")) {
			h.Errorf("%q: a shim speaks\n%s", argv, out)
		}
		for line := range strings.Lines(string(out)) {
			if minor, ok := strings.CutPrefix(line, "runs "); ok {
				shown = append(shown, strings.TrimSpace(minor))
			}
		}
	}
	if !slices.Equal(shown, c.shows) {
		h.Errorf("the tool ran %q, want %q", shown, c.shows)
	}
	var made []environment
	for pattern, minor := range c.made {
		base := project
		if strings.HasPrefix(pattern, "home/") {
			base = h.Work
		}
		found, err := filepath.Glob(filepath.Join(base, pattern))
		if err != nil || len(found) != 1 {
			h.Errorf("environments %s: %q, %v", pattern, found, err)
			continue
		}
		e := environment{found[0], minor}
		h.works(e)
		h.freeOfShims(e)
		made = append(made, e)
	}
	h.checkRecord(c, project)
	return made
}

// works runs the environment's Python, which has to stand on the managed one of its minor. The
// environment without a minor is of the tool's own Python.
func (h *home) works(e environment) {
	h.Helper()
	r := h.Run(filepath.Join(e.dir, "bin", "python"), "-c", `
import json, sys
print(json.dumps(["%d.%d" % sys.version_info[:2], sys.prefix, sys.base_prefix, sys._base_executable]))`)
	var got []string
	if err := json.Unmarshal([]byte(r.Stdout), &got); err != nil || r.Stderr != "" {
		h.Errorf("%s: exit %d\n%s%s", e.dir, r.Code, r.Stdout, r.Stderr)
		return
	}
	minor, prefix, base, exe := got[0], got[1], got[2], got[3]
	if e.minor != "" && minor != e.minor || prefix != e.dir {
		h.Errorf("%s is %s in %s, want %s", e.dir, minor, prefix, e.minor)
	}
	if e.minor == "" {
		return
	}
	managed := h.managed(e.minor)
	for what, dir := range map[string]string{
		"sys.base_prefix":      base,
		"sys._base_executable": filepath.Dir(filepath.Dir(exe)),
		"home":                 filepath.Dir(configuration(h, e.dir)["home"]),
	} {
		if !strings.HasPrefix(dir, filepath.Dir(managed)) || !sameFile(dir, managed) {
			h.Errorf("%s: %s is in %q, want %q", e.dir, what, dir, managed)
		}
	}
}

// managed returns the directory of uv's newest Python of the minor, through which an environment
// outlives its upgrades.
func (h *home) managed(minor string) string {
	h.Helper()
	found, err := filepath.Glob(filepath.Join(h.Home, ".local", "share", "uv", "python", "cpython-"+minor+"-*"))
	if err != nil || len(found) != 1 {
		h.Fatalf("managed Pythons %s: %q, %v", minor, found, err)
	}
	return found[0]
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// configuration reads pyvenv.cfg.
func configuration(t testing.TB, dir string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "pyvenv.cfg"))
	if err != nil {
		t.Error(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(line, "=")
		out[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return out
}

// freeOfShims looks for what would need the shims later: in pyvenv.cfg, in the links and in the
// scripts.
func (h *home) freeOfShims(e environment) {
	h.Helper()
	files, err := filepath.Glob(filepath.Join(e.dir, "bin", "*"))
	if err != nil || len(files) == 0 {
		h.Errorf("%s has no programs: %v", e.dir, err)
	}
	for _, path := range append(files, filepath.Join(e.dir, "pyvenv.cfg")) {
		text, err := os.ReadFile(path)
		if err != nil {
			h.Error(err)
		}
		target, _ := os.Readlink(path)
		if strings.Contains(target, h.ShimDir) || bytes.Contains(text, []byte(h.ShimDir)) {
			h.Errorf("%s needs a shim: %s", path, target)
		}
	}
}

// checkRecord holds what the lock has of the call against the environments. All tools ask the
// shims, PDM and Poetry too, which then go by uv's directories if they are given a bare version.
func (h *home) checkRecord(c toolCall, project string) {
	h.Helper()
	got, want := h.recorded(project), c.used
	for _, minor := range c.made {
		if minor != "" && !slices.Contains(want, minor) {
			want = append(want, minor)
		}
	}
	for _, minor := range want {
		if !slices.Contains(got, minor) {
			h.Errorf("%s made the environment, but %q is recorded", minor, got)
		}
	}
	if c.used != nil && len(got) != len(want) {
		h.Errorf("recorded is %q, want %q", got, want)
	}
}

// forget removes what is recorded, and what is remembered of having recorded it.
func (h *home) forget() {
	h.Helper()
	for _, dir := range []string{".local/state/shim", ".cache/shim"} {
		if err := os.RemoveAll(filepath.Join(h.Home, dir)); err != nil {
			h.Fatal(err)
		}
	}
}

// recorded returns the minors of the Pythons in the lock. All have to be managed, and used in no
// other project.
func (h *home) recorded(project string) []string {
	h.Helper()
	r := h.Run("shim", "history", "--json")
	var l struct {
		Python  []struct{ Key, Path string }
		Project []struct{ Path string }
	}
	if err := json.Unmarshal([]byte(r.Stdout), &l); err != nil || r.Stderr != "" {
		h.Fatalf("shim history: %v\n%s%s", err, r.Stdout, r.Stderr)
	}
	for _, p := range l.Project {
		if p.Path != project {
			h.Errorf("recorded is a use in %q", p.Path)
		}
	}
	var minors []string
	for _, p := range l.Python {
		release, _, _ := strings.Cut(strings.TrimPrefix(p.Key, "cpython-"), "-")
		i := strings.LastIndexByte(release, '.')
		if i < 0 {
			h.Errorf("recorded is %q %q", p.Key, p.Path)
			continue
		}
		minors = append(minors, release[:i])
	}
	return minors
}
