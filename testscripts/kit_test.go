package testscripts

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"uvshim/testscripts/parts"
)

func TestHome(t *testing.T) {
	h := newHome(t)
	h.Set(h.mirror("fake"))
	h.Install("3.14")
	if got := h.Run("sh", "-c", "command -v python3.14; uv --version; exit 3"); got.Code != 3 ||
		!strings.HasPrefix(got.Stdout, filepath.Join(h.ShimDir, "python3.14")+"\n") {
		t.Errorf("%+v", got)
	}
	if got := h.Run("sh", "-c", "kill -TERM $$"); got.Code != 128+15 {
		t.Errorf("a program that TERM ended: %+v", got)
	}
}

// Of this machine's Pythons, those are found that are ELF files, each under its own version.
func TestPythons(t *testing.T) {
	for _, p := range parts.Pythons(t) {
		h := newHome(t)
		if got := h.Run(p.Exe, "-I", "-V"); got.Stdout != "Python "+p.Version+"\n" {
			t.Errorf("%s prints %q, want version %s", p.Exe, got.Stdout, p.Version)
		}
	}
}

// What a script must not get away with.
func TestCommandsFail(t *testing.T) {
	for name, row := range map[string]struct{ script, want string }{
		"exec_failed":        {"exec false", "unexpected command failure"},
		"pty_failed":         {"pty false", "exit status 1"},
		"pty_succeeded":      {"! pty true", "exit status 0"},
		"pty_descriptor":     {"pty -fds 3 true", "want some of 012"},
		"pty_not_found":      {"pty nosuchprogram", "not on the PATH"},
		"status_other":       {"status 3 false", "exit status 1, want 3"},
		"status_succeeded":   {"status 1 true", "exit status 0, want 1"},
		"status_not_found":   {"status 127 nosuchprogram", "not found"},
		"need_nothing":       {"need", "usage: need"},
		"need_negated":       {"! need sh", "unsupported: ! need"},
		"mirror_kind":        {"mirror imaginary", "want fake or real"},
		"managed_not_there":  {"managed 3.2", "No download found"},
		"fakepython_version": {"fakepython bin/python 3", "bad Python version"},
		"wheels_not_pinned":  {"wheels 3.13 numpy", "no ==version"},
		"condition_unknown":  {"[nosuch] skip", "unknown condition"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "script.txtar")
			if err := os.WriteFile(file, []byte(row.script+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			p := params()
			p.Dir, p.Files = "", []string{file}
			r := &runner{TB: t}
			testscript.RunT(r, p)
			if !r.failed || !strings.Contains(r.log.String(), row.want) {
				t.Errorf("failed: %v, want %q in\n%s", r.failed, row.want, &r.log)
			}
		})
	}
}

// A runner runs scripts and keeps to itself how they end, unless a part is missing.
type runner struct {
	testing.TB
	failed bool
	log    strings.Builder
}

func (r *runner) Parallel()     {}
func (r *runner) Verbose() bool { return false }
func (r *runner) Log(args ...any) {
	for _, arg := range args {
		r.log.WriteString(arg.(string) + "\n")
	}
}
func (r *runner) FailNow()                          { r.failed = true; runtime.Goexit() }
func (r *runner) Fatal(args ...any)                 { r.Log(args...); r.FailNow() }
func (r *runner) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }
func (r *runner) Run(_ string, f func(testscript.T)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
}
