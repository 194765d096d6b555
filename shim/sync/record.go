package sync

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"uvshim/shim/lock"
	"uvshim/shim/redact"
	"uvshim/shim/say"
)

// foldWait bounds how long the lock is waited for.
const foldWait = 5 * time.Second

// read returns the lock, and says what is wrong with it.
func (r *Runner) read() lock.Lock {
	l, warnings := r.Store.Read(foldWait)
	r.warn(warnings...)
	return l
}

func (r *Runner) warn(errs ...error) {
	for _, err := range errs {
		// where the place is another user's, leaving nothing behind is right
		if !errors.As(err, new(*lock.NotOwnedError)) && !errors.Is(err, lock.ErrNoPlace) {
			r.Say.Warning("%v", err)
		}
	}
}

func (r *Runner) note(record lock.Record) {
	if _, err := r.Store.Note(record); err != nil {
		r.warn(err)
	}
}

// record makes the lock say what is there: what is declared with its build and its set of
// distributions, and nothing that is gone, be it by us or by a sync that was killed. It is written
// only if it says something else.
func (r *Runner) record(w Wish, now Machine) {
	l := r.read()
	record := lock.Record{}
	for _, p := range l.Python {
		if p.Key != "" && !slices.ContainsFunc(now.Pythons, func(m Managed) bool { return m.Key == p.Key }) {
			record.RemovedPythons = append(record.RemovedPythons, p.Key)
		}
	}
	for _, t := range l.Tool {
		if _, ok := now.named(t.Name); !ok {
			record.RemovedTools = append(record.RemovedTools, t.Name)
		}
	}
	record.Python = changedPythons(w, now, l)
	record.Tool = changedTools(w, now, l)
	if len(record.RemovedPythons)+len(record.RemovedTools)+len(record.Python)+len(record.Tool) > 0 {
		r.note(record)
	}
	dropped := l.Drop(time.Now(), lock.Gone)
	if len(dropped) == 0 {
		r.warn(r.Store.Fold(foldWait)...)
		return
	}
	r.warn(r.Store.Edit(foldWait, func(l *lock.Lock) { l.Drop(time.Now(), lock.Gone) })...)
	for _, p := range dropped {
		fmt.Fprintf(r.Out, "forgot %s, which is gone\n", say.Word(say.Tilde(p.Path, r.Base.Home)))
	}
}

// changedPythons returns what the lock does not have as it is: of the declared interpreters, and of
// the others that it has.
func changedPythons(w Wish, now Machine, l lock.Lock) []lock.Python {
	requests := map[string]string{} // key: what it was declared by
	for _, d := range (&planner{wish: w, machine: now}).declared() {
		if d.satisfied != nil && requests[d.satisfied.Key] == "" {
			requests[d.satisfied.Key] = d.text
		}
	}
	if w.Exactly != nil {
		for _, p := range w.Exactly.Pythons {
			if m := now.exactly(p.Version); m != nil && requests[m.Key] == "" {
				requests[m.Key] = p.Request
			}
		}
	}
	var changed []lock.Python
	for _, m := range now.Pythons {
		request, ours := requests[m.Key]
		isDeclared := slices.Contains(w.Policy.Python.Versions, request) || slices.Contains(w.Policy.Python.Default, request)
		i := slices.IndexFunc(l.Python, func(p lock.Python) bool { return p.Key == m.Key })
		switch {
		case i < 0 && ours:
		case i < 0:
			continue
		case l.Python[i].Build == m.Build && (!ours || l.Python[i].Declared == isDeclared && l.Python[i].Request != ""):
			continue
		case !ours:
			isDeclared = l.Python[i].Declared
		}
		changed = append(changed, lock.Python{Key: m.Key, Build: m.Build, Request: request, Declared: isDeclared})
	}
	return changed
}

// changedTools is changedPythons for tools.
func changedTools(w Wish, now Machine, l lock.Lock) []lock.Tool {
	declared := now.names(w.Policy)
	var changed []lock.Tool
	for _, t := range now.Tools {
		i := slices.IndexFunc(l.Tool, func(old lock.Tool) bool { return old.Name == t.Name })
		request := declared[t.Name]
		if request == "" && w.Exactly != nil {
			for _, exact := range w.Exactly.Tools {
				if exact.Name == t.Name {
					request = exact.Request
				}
			}
		}
		if t.Broken != nil || i < 0 && request == "" {
			continue
		}
		entry := lock.Tool{Name: t.Name, Request: request, Version: t.Version, Python: t.Wanted(), Resolved: t.Resolved}
		if request == "" {
			entry.Request = t.Request
		}
		if i < 0 || !sameTool(l.Tool[i], entry) {
			changed = append(changed, entry)
		}
	}
	return changed
}

func sameTool(old, now lock.Tool) bool {
	request := redact.Args([]string{"uv", "tool", "install", now.Request})[3]
	return old.Request == request && old.Version == now.Version && old.Python == now.Python && slices.Equal(old.Resolved, now.Resolved)
}

// tell prints what changed.
func (r *Runner) tell(before, now Machine) {
	say := func(format string, args ...any) {
		fmt.Fprintln(r.Out, say.Clean(say.Tildes(fmt.Sprintf(format, args...), r.Base.Home)))
	}
	for _, m := range now.Pythons {
		switch old := find(before.Pythons, m.Key); {
		case old == nil || !old.Runs && m.Runs:
			say("installed %s", m.Key)
		case old.Build != m.Build:
			say("rebuilt %s: build %s, was %s", m.Key, m.Build, old.Build)
		}
	}
	for _, m := range before.Pythons {
		if find(now.Pythons, m.Key) == nil {
			say("removed %s", m.Key)
		}
	}
	for i, link := range now.Links {
		if link.Key != "" && (i >= len(before.Links) || before.Links[i].Key != link.Key) {
			say("linked %s to %s", link.Path, link.Key)
		}
	}
	if before.Pin.Text != now.Pin.Text {
		if now.Pin.Text == "" {
			say("removed uv's global pin %s", before.Pin.Text)
		} else {
			say("pinned %s in %s", now.Pin.Text, now.Pin.Path)
		}
	}
	for _, t := range now.Tools {
		switch old, there := before.named(t.Name); {
		case t.Broken != nil:
		case !there || old.Broken != nil:
			say("installed tool %s %s", t.Name, t.Version)
		case old.Version != t.Version:
			say("changed tool %s from %s to %s", t.Name, old.Version, t.Version)
		case !slices.Equal(old.Resolved, t.Resolved):
			say("changed what tool %s %s stands on", t.Name, t.Version)
		case old.Home != t.Home:
			say("moved tool %s to the Python in %s", t.Name, t.Home)
		}
	}
	for _, t := range before.Tools {
		if _, ok := now.named(t.Name); !ok {
			say("removed tool %s", t.Name)
		}
	}
}

func find(list []Managed, key string) *Managed {
	if i := slices.IndexFunc(list, func(m Managed) bool { return m.Key == key }); i >= 0 {
		return &list[i]
	}
	return nil
}
