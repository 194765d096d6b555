package shim

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"uvshim/policy"
	"uvshim/policy/version"
	"uvshim/shim/lock"
	"uvshim/shim/preflight"
	"uvshim/shim/resolve"
	"uvshim/shim/say"
)

// A use is what one call used, before it is known whether that has to be recorded.
type use struct {
	id       string // of the interpreter, as the lock refers to it
	target   resolve.Target
	declared bool
	project  string // the directory that the call was made for, "" outside any

	needs, missing []string // sonames of the project's environment; nil where nobody looked
}

// used returns the use of a resolved Python.
func (p *program) used(t resolve.Target, declared policy.Policy) use {
	u := use{target: t, declared: isDeclared(t.Interpreter, declared.Python.Versions), project: p.up.ProjectDir()}
	if t.Managed == nil {
		if m, ok := p.uv.Owner(t.Path); ok {
			u.target.Managed = &m
		}
	}
	if m := u.target.Managed; m != nil {
		u.id = m.Key
	} else if real, err := filepath.EvalSymlinks(t.Path); err == nil {
		u.id = real
	} else {
		u.id = t.Path
	}
	return u
}

// with returns the use with what preflight found out about the libraries.
func (u use) with(v preflight.Verdict) use {
	if v.Outcome != "" && !v.Incomplete && !v.Partial && !u.beside() {
		u.needs, u.missing = append([]string{}, v.Needs...), append([]string{}, v.Missing...)
	}
	return u
}

// beside reports whether the environment is not the one that the project has: an active one, which
// was used in the project's directory and says nothing of what the project needs.
func (u use) beside() bool {
	if u.project == "" || strings.HasPrefix(u.target.Path, u.project+"/") {
		return false
	}
	own, err := os.Stat(filepath.Join(u.project, ".venv"))
	if err != nil {
		return false
	}
	used, err := os.Stat(filepath.Dir(filepath.Dir(u.target.Path)))
	return err == nil && !os.SameFile(own, used)
}

// record leaves the use for the lock unless it is recorded already, today and with the same facts,
// which a warm call learns from one small file. Nothing that goes wrong here keeps the Python from
// running.
func (p *program) record(u use) {
	store := lock.Open(p.host)
	key := strings.Join([]string{"seen", store.Path, u.id, u.project, u.target.Request}, "\n")
	facts := strings.Join([]string{strconv.FormatBool(u.declared), strings.Join(u.needs, " "), strings.Join(u.missing, " ")}, "\n")
	today := lock.DayOf(time.Now())
	if seen, ok := p.facts.Load(key); ok {
		// A day to come was noted while the clock was wrong, and is no reason to be silent until then.
		day, was, _ := strings.Cut(string(seen), "\n")
		if lock.Day(day) == today && was == facts {
			return
		}
	}
	if _, err := store.Note(u.entry()); err != nil {
		p.notRecorded("this use", err)
		return
	}
	_ = p.facts.Save(key, []byte(string(today)+"\n"+facts))
	for _, err := range store.TryFold() {
		p.warnOnce("", "%s", say.Word(err.Error()))
	}
}

// notRecorded says that something did not get into the lock. Where the place is another user's, as
// under sudo, leaving nothing behind is right.
func (p *program) notRecorded(what string, err error) {
	var foreign *lock.NotOwnedError
	switch file := p.host.Env.Get("SHIM_LOCK"); {
	case errors.As(err, &foreign) && file != "":
		// who named the place is to hear that it is none
		p.warnOnce("", "%s is not recorded: SHIM_LOCK is %s, and nothing of this user's can be made there", what, say.Quote(p.tilde(file)))
		return
	case errors.As(err, &foreign), errors.Is(err, lock.ErrNoPlace):
		p.debug("not recorded: %v", err)
		return
	}
	var exposed *lock.ExposedError
	if errors.As(err, &exposed) {
		p.warnOnce("", "%s is not recorded: others can write %s\n  fix        chmod go-w %s", what, say.Quote(p.tilde(exposed.Dir)), p.word(exposed.Dir))
		return
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno // without the name of a temporary file, which would make every warning another one
	} else if cause := errors.Unwrap(err); cause != nil {
		err = cause
	}
	p.warnOnce("", "%s is not recorded: %s: %v", what, say.Word(p.tilde(lock.Open(p.host).Path)), err)
}

// note records what a supervised call did, and folds it into the lock. If another call is writing
// that, the record stays for it or for the next one: nobody is to wait for our bookkeeping.
func (p *program) note(r lock.Record) {
	store := lock.Open(p.host)
	if _, err := store.Note(r); err != nil {
		p.notRecorded("this change", err)
		return
	}
	for _, err := range store.Fold(0) {
		if !errors.Is(err, lock.ErrBusy) {
			p.warnOnce("", "%s", say.Word(err.Error()))
		}
	}
}

// entry returns the use as it stands in the lock.
func (u use) entry() lock.Record {
	python := lock.Python{Request: u.target.Request, Declared: u.declared}
	if m := u.target.Managed; m != nil {
		python.Key, python.Build = m.Key, m.Build()
	} else {
		python.Path, python.Version = u.id, u.target.Interpreter.Version.String()
	}
	r := lock.Record{Python: []lock.Python{python}}
	if u.project != "" {
		r.Project = []lock.Project{{Path: u.project, Python: u.id, Needs: u.needs, Missing: u.missing}}
	}
	return r
}

// isDeclared reports whether one of the policy's versions stands for the interpreter. That 3.14t
// satisfies "3.14" does not make it what was declared. Of one that uv did not install less is known,
// and what it satisfies counts.
func isDeclared(i version.Interpreter, versions []string) bool {
	this, err := version.Parse(i.Key())
	return slices.ContainsFunc(versions, func(text string) bool {
		request, bad := version.Parse(text)
		switch {
		case bad != nil:
			return false
		case err == nil && i.Libc != "":
			return request.Covers(this)
		}
		return request.Matches(i) == version.Yes
	})
}

func (p *program) debug(format string, args ...any) {
	if p.call.Debug {
		p.say.Debug(format, args...)
	}
}

// trail tells the debug output which sources were asked, and what they said.
func (p *program) trail(t resolve.Target) {
	if !p.call.Debug {
		return
	}
	for _, step := range t.Trail {
		p.say.Debug("%s", say.Word(step.String()))
	}
}
