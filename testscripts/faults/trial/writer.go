package trial

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A writer is a call that writes files. prepare makes it have something to write and returns the
// directory to call it in; whole checks, after a call whose result was r, that what it writes is
// the old or the new, and the new if the call said so.
type writer struct {
	name    string
	argv    func(t *Trials) []string
	prepare func(t *Trials) (dir string)
	whole   func(t *Trials, what, dir string, r Result)
}

const declared = `versions = ["3.13", "3.12", "3.11"]`

const libraries = "shim libraries 1\nzlib\t/tmp\t2026-11-22\t\nicu\t/usr\t2026-11-22\t\n"

func (t *Trials) libraries() string { return filepath.Join(t.Home, ".local/share/shim/libraries/list") }
func (t *Trials) pin() string       { return filepath.Join(t.Home, ".config/uv/.python-version") }

func fixed(argv ...string) func(*Trials) []string { return func(*Trials) []string { return argv } }

func writers() []writer {
	return []writer{
		{
			name: "python",
			argv: fixed(python...),
			prepare: func(t *Trials) string {
				t.forget()
				return t.project()
			},
			whole: func(t *Trials, what, dir string, r Result) {
				t.ran(what, r)
				t.told(what, dir, r)
			},
		},
		{
			name: "uv",
			argv: fixed("uv", "add", "x"),
			prepare: func(t *Trials) string {
				t.forget()
				return t.project()
			},
			whole: func(t *Trials, what, dir string, r Result) {
				if r.Code != 0 {
					t.lose("%s: uv's own exit status is lost: %s", what, r)
				}
				t.told(what, "change "+dir, r)
			},
		},
		{
			name:    "fold",
			argv:    fixed("shim", "history", "--json"),
			prepare: func(t *Trials) string { return t.aside() },
			whole: func(t *Trials, what, dir string, r Result) {
				if r.Code == 0 && !strings.Contains(r.Stdout, filepath.Base(dir)) {
					t.lose("%s: exit 0, and nothing of %s: %s", what, dir, r)
				}
				t.keeps(what, dir)
			},
		},
		{
			name: "declare",
			argv: fixed("shim", "declare", "python", "3.11"),
			prepare: func(t *Trials) string {
				t.mend(t.policy(), policyText)
				return t.Home
			},
			whole: func(t *Trials, what, dir string, r Result) {
				after := strings.Replace(policyText, `versions = ["3.13", "3.12"]`, declared, 1)
				t.either(what, t.policy(), policyText, after, r)
			},
		},
		{
			name: "link",
			argv: func(t *Trials) []string { return []string{t.Program, "link"} },
			prepare: func(t *Trials) string {
				base := filepath.Join(t.Shims, "shim")
				os.Remove(base)
				t.mend(base, "#!/bin/sh\nexit 1\n")
				os.Remove(filepath.Join(t.Shims, "python3.12"))
				return t.Home
			},
			whole: func(t *Trials, what, dir string, r Result) {
				if after := t.RunIn(dir, python...); after.Code != answer {
					t.lose("%s: no python: %s", what, after)
				}
				if after := t.RunIn(dir, "python3.12", "-c", "exit 7"); r.Code == 0 && after.Code != answer {
					t.lose("%s: exit 0 and no python3.12: %s", what, after)
				}
				if again := t.Run(t.Program, "link"); again.Code != 0 {
					t.lose("%s: cannot be made anew: %s", what, again)
				}
			},
		},
		{
			name: "sync",
			argv: fixed("shim", "sync"),
			prepare: func(t *Trials) string {
				t.mend(t.policy(), policyText)
				os.Remove(t.pin())
				os.Remove(filepath.Join(t.state(), "pin"))
				return t.Home
			},
			whole: func(t *Trials, what, dir string, r Result) {
				t.either(what, t.pin(), "", "3.13\n", r)
				if again := t.Run("shim", "sync"); again.Code != 0 {
					t.lose("%s: the next sync: %s", what, again)
				}
				t.either(what+", and again", t.pin(), "3.13\n", "3.13\n", r)
			},
		},
		{
			name: "fix",
			argv: fixed("shim", "fix", "--undo", "zlib"),
			prepare: func(t *Trials) string {
				t.mend(t.libraries(), libraries)
				return t.Home
			},
			whole: func(t *Trials, what, dir string, r Result) {
				t.either(what, t.libraries(), libraries, strings.Replace(libraries, "zlib\t/tmp\t2026-11-22\t\n", "", 1), r)
			},
		},
	}
}

func writerOf(name string) writer {
	all := writers()
	return all[slices.IndexFunc(all, func(w writer) bool { return w.name == name })]
}

// undisturbed runs each writer with no fault.
func (t *Trials) undisturbed() {
	for _, w := range writers() {
		dir := w.prepare(t)
		r := t.RunIn(dir, w.argv(t)...)
		w.whole(t, w.name+" without a fault", dir, r)
	}
}

// mend writes a file of the trial's own.
func (t *Trials) mend(path, text string) {
	if err := put(path, text, 0o755); err != nil {
		t.lose("preparing: %v", err)
	}
}

// told checks that a call recorded what it did, or said that it did not.
func (t *Trials) told(what, dir string, r Result) {
	if strings.Contains(r.Stderr, "warning: ") || strings.Contains(what, "write ") && strings.Contains(what, "+: ") {
		return // or neither the warning nor anything else can be written
	}
	t.keeps(what+", of which no warning was given", dir)
}

// either checks that a file is the old or the new, and the new after exit status 0. No file is "".
func (t *Trials) either(what, path, old, now string, r Result) {
	text, err := os.ReadFile(path)
	switch got := string(text); {
	case err != nil && !os.IsNotExist(err):
		t.lose("%s: %v", what, err)
	case got != now && got != old:
		t.lose("%s: neither old nor new: %q", what, got)
	case got != now && r.Code == 0:
		t.lose("%s: exit 0 and still the old", what)
	}
}

// aside has a call leave its record in pending/, as a lock that is held makes it, and returns the
// project.
func (t *Trials) aside() string {
	release, err := t.hold()
	if err != nil {
		t.lose("holding the lock: %v", err)
		return ""
	}
	defer release()
	dir, r := t.cold()
	t.ran("with the lock held", r)
	return dir
}

// hold takes the lock's guard.
func (t *Trials) hold() (release func(), err error) {
	if err := os.MkdirAll(t.state(), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(t.lock()+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, fmt.Errorf("flock: %w", err)
	}
	return func() { f.Close() }, nil
}
