package sync

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"uvshim/shim/uv"
)

// restorePython installs one version and build. uv keeps a list of one build of each version, the
// newest as a rule; where the lock's is not in it any more, the version is installed all the same,
// and said to be another build.
func (r *Runner) restorePython(s Step) {
	args := []string{"python", "install", "--no-bin"}
	if s.Build == "" {
		if !r.step(s, append(r.reinstall(args, s), s.Subject)...) {
			return
		}
	} else if !r.restoreBuild(s, args) {
		return
	}
	// the links in uv's directory of programs go by the request, so that upgrades move them
	if s.To != "" && r.answerTo(s.To) != nil {
		_ = r.quietly(nil, "python", "install", s.To)
	}
}

func (r *Runner) restoreBuild(s Step, args []string) bool {
	build := []string{buildVariable(s.Subject) + "=" + s.Build}
	err := r.run(call{args: append(r.reinstall(args, s), s.Subject), extra: build})
	there := r.exactlyNow(s.Subject)
	if err == nil && there != nil && there.Build == s.Build {
		return true
	}
	switch listed, known := r.lists(s.Subject); {
	case known && !listed:
		r.fail("python %s: this uv does not list it; another release of uv does", s.Subject)
		return false
	case there == nil || !there.Runs:
		// another build is better than none
		if r.run(call{args: append(r.reinstall(args, s), s.Subject)}) == nil {
			there = r.exactlyNow(s.Subject)
		}
	}
	if there == nil || !there.Runs {
		r.fail("%s: uv python install: %v", s, err)
		return false
	}
	if there.Build == s.Build {
		return true
	}
	r.fail("python %s is here as build %s; this uv does not list build %s", s.Subject, there.Build, s.Build)
	return true
}

func (r *Runner) exactlyNow(version string) *Managed {
	var m Machine
	for _, p := range r.UV.Managed() {
		m.Pythons = append(m.Pythons, Managed{p, p.Build(), p.Runnable()})
	}
	return m.exactly(version)
}

// lists reports whether uv knows a download for the request, and whether that could be asked.
func (r *Runner) lists(request string) (listed, known bool) {
	cmd := exec.Command(r.Program, "python", "list", request, "--only-downloads", "--all-versions", "--output-format", "json")
	cmd.Dir, cmd.Env = r.workDir(), r.environ()
	out, err := cmd.Output()
	return strings.Contains(string(out), `"key"`), err == nil
}

// restoreTool brings a tool to the lock's distributions and leaves it under its own requirement. uv
// writes constraints into the receipt, where they would hold all upgrades, so it is called again
// without them, which changes the receipt and not the environment. The calls are recorded as the
// one that a user would have typed.
func (r *Runner) restoreTool(s Step) {
	t := s.Tool
	var python []string
	if t.Python != "" {
		python = []string{"--python", t.Python}
	}
	held := append(r.repaired(s), t.Request)
	shown := append([]string{"tool", "install", t.Request}, python...)
	held = append(held, python...)
	if len(t.Resolved) > 0 {
		file, err := writeConstraints(t.Resolved)
		if err != nil {
			r.fail("%s: %v", s, err)
			return
		}
		defer os.Remove(file)
		held = append(held, "--constraints", file)
	}
	before := r.state()
	shown, err := r.install(t, held, shown)
	if r.Told == 0 && (err != nil || r.state() != before) {
		r.noteCall(shown, err)
	}
	now := r.toolNow(t.Name)
	switch {
	case err != nil && now.Constraints != nil:
		r.fail("tool %s is held at its versions: uv tool install: %v", t.Name, err)
	case err != nil:
		r.fail("%s: uv tool install: %v", s, err)
	case !t.matches(now):
		r.fail("tool %s is not as in the lock: has %s, want %s", t.Name, difference(now.Resolved, t.Resolved), difference(t.Resolved, now.Resolved))
	}
}

// install makes the calls of uv that bring a tool to the lock's distributions: held is the one with the
// constraints, shown what is recorded, which it returns with what turns out to belong to it.
func (r *Runner) install(t Tool, held, shown []string) ([]string, error) {
	if err := r.run(call{args: held, part: shown}); err != nil {
		return shown, err
	}
	// what its own requirement does not bring was asked for by --with
	now := r.toolNow(t.Name)
	var with []string
	for _, dist := range t.Resolved {
		name, _, _ := strings.Cut(dist, "==")
		if !slices.ContainsFunc(now.Resolved, func(have string) bool { return strings.HasPrefix(have, name+"==") }) {
			with = append(with, "--with", name)
		}
	}
	if len(with) > 0 {
		shown = append(shown, with...)
		if err := r.run(call{args: slices.Concat(held, with), part: shown}); err != nil {
			return shown, err
		}
	}
	plain := append([]string{"tool", "install", t.Request}, with...)
	return shown, r.run(call{args: plain, part: shown, attempt: true, said: new(bytes.Buffer), extra: r.oneTry()})
}

func (r *Runner) toolNow(name string) uv.Tool {
	t, _ := Machine{Tools: r.UV.Tools()}.named(name)
	return t
}

// difference returns what is in a and not in b.
func difference(a, b []string) string {
	only := slices.DeleteFunc(slices.Clone(a), func(text string) bool { return slices.Contains(b, text) })
	if len(only) == 0 {
		return "nothing more"
	}
	return strings.Join(only, ", ")
}

func writeConstraints(resolved []string) (string, error) {
	f, err := os.CreateTemp("", "shim-constraints-*.txt")
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(strings.Join(resolved, "\n") + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return filepath.Clean(f.Name()), nil
}
