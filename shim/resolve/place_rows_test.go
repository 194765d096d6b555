package resolve

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"uvshim/shim/host"
	"uvshim/shim/uv/cli"
)

// A row is one call of uv: what is inferred of it, and that the real uv does just that. Paths are
// below the sandbox. An environment of "truth" is whatever uv says; "" is one that is not known or not
// there, of which uv is asked all the same where the kind says what it does.
type row struct {
	name     string
	dir      string
	env      string // variables, separated by blanks
	before   string // a call of uv before, with its directory first
	args     string
	kind     PlaceKind
	project  string
	space    string // the workspace's root, if it is another
	at       string // the environment
	complete bool
	fails    bool   // uv ends with an error
	unasked  string // why uv cannot be asked
}

func TestPlace_asUV(t *testing.T) {
	s := makeSandbox(t)
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r.name] {
			t.Errorf("two rows are called %s", r.name)
		}
		seen[r.name] = true
	}
	// all that takes no uv comes first: it costs next to nothing
	t.Run("inferred", func(t *testing.T) {
		for _, r := range rows {
			if r.before == "" {
				t.Run(r.name, func(t *testing.T) { r.infer(t, s) })
			}
		}
	})
	t.Run("asked", func(t *testing.T) {
		for _, r := range rows {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				if in := r.dir + " " + r.env + " " + r.before + " " + r.args; !r.complete || r.before != "" {
					r.check(t, s.copy(t, in))
					return
				}
				r.check(t, s) // which it does not change
			})
		}
	})
}

func (r row) environ(s sandbox) host.Env {
	env := s.environ
	for _, entry := range s.words(r.env) {
		name, value, _ := strings.Cut(entry, "=")
		env = env.With(name, value)
	}
	return env
}

// below is a path as the rows have it.
func (s sandbox) below(path string) string {
	if path == "" {
		return ""
	}
	rel, err := filepath.Rel(s.root, path)
	if err != nil || strings.HasPrefix(rel, "../") {
		return path
	}
	return rel
}

// infer compares what is inferred with the row.
func (r row) infer(t *testing.T, s sandbox) (Place, cli.Line) {
	got, line := s.place(t, r.dir, r.environ(s), s.words(r.args))
	space := r.space
	if space == "" {
		space = r.project
	}
	if got.Kind != r.kind || s.below(got.Project) != r.project || s.below(got.Workspace) != space || got.Complete != r.complete {
		t.Errorf("kind %v, project %q, workspace %q, complete %v; want %v, %q, %q, %v (%s)", got.Kind, s.below(got.Project),
			s.below(got.Workspace), got.Complete, r.kind, r.project, space, r.complete, got.Why)
	}
	if r.at == "truth" && got.Environment == "" {
		t.Errorf("the environment is not known: %s", got.Why)
	}
	if r.at != "truth" && s.below(got.Environment) != r.at {
		t.Errorf("environment %q, want %q (%s)", s.below(got.Environment), r.at, got.Why)
	}
	if got.Why == "" && !got.Complete {
		t.Error("not complete without a reason")
	}
	return got, line
}

// check is infer, and that the real uv does so.
func (r row) check(t *testing.T, s sandbox) {
	env := r.environ(s)
	if words := s.words(r.before); len(words) > 0 {
		if out, err := s.command(words[0], env, words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("before: %v: %s", err, out)
		}
	}
	args := s.words(r.args)
	got, line := r.infer(t, s)
	if r.unasked != "" {
		return
	}

	before := s.environments(t, got.Environment)
	verbose := args
	if line.Class == cli.Change || line.Command == "tool run" {
		verbose = append([]string{args[0], "-v"}, args[1:]...)
	}
	cmd := s.command(r.dir, env, verbose...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if (err != nil) != r.fails {
		t.Errorf("uv: %v\n%s", err, errs.String())
	}
	if r.fails {
		return
	}
	now := changed(before, s.environments(t, got.Environment))
	switch {
	case line.Command == "tool run":
		using := strings.Contains(errs.String(), "Using existing tool")
		if using != (got.Kind == PlaceTool) {
			t.Errorf("kind %v, but uv uses the installed tool: %v\n%s", got.Kind, using, errs.String())
		}
	case line.Class == cli.Run:
		prefix := strings.TrimSpace(out.String())
		switch {
		case got.Kind == PlaceSystem:
			if want := s.prefixOf(t, got.Python); prefix != want {
				t.Errorf("uv ran in %q, want %q", prefix, want)
			}
		case got.Environment != "":
			if !same(prefix, got.Environment) {
				t.Errorf("uv ran in %q, want %q", s.below(prefix), s.below(got.Environment))
			}
		}
		if got.Complete && len(now) > 0 {
			t.Errorf("complete, but uv changed %q\n%s", now, errs.String())
		}
	case strings.Contains(r.args, "--dry-run"):
		said := ""
		for _, l := range strings.Split(errs.String(), "\n") {
			if _, after, ok := strings.Cut(l, " environment at: "); ok && strings.HasPrefix(l, "Using Python") {
				said = after
			}
		}
		want := got.Environment
		if got.Kind == PlaceSystem {
			want = s.prefixOf(t, got.Python)
		}
		if !filepath.IsAbs(said) {
			said = filepath.Join(s.root, r.dir, said)
		}
		if !same(said, want) {
			t.Errorf("uv uses %q, want %q\n%s", said, want, errs.String())
		}
	default:
		want := got.Environments
		if got.Environment != "" && len(want) == 0 {
			want = []string{got.Environment}
		}
		for i := range want {
			want[i] = real(want[i])
		}
		slices.Sort(want)
		if !slices.Equal(now, want) {
			t.Errorf("uv changed %q, want %q\n%s", now, want, errs.String())
		}
	}
}

// prefixOf returns sys.prefix of the interpreter at path.
func (s sandbox) prefixOf(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command(path, "-c", "import sys; print(sys.prefix)").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func real(path string) string {
	if r, err := filepath.EvalSymlinks(path); err == nil {
		return r
	}
	return path
}

func same(a, b string) bool { return real(a) == real(b) }
