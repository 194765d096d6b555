package lock

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"uvshim/shim/decode"
)

// The names of the locations in which the decoder puts dates and times without an offset.
const (
	localDate     = "date-local"
	localTime     = "time-local"
	localDatetime = "datetime-local"
)

// A NewerError is returned for a lock that a newer version of shim wrote. It is left as it is.
type NewerError struct {
	Path    string
	Version int64
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("%q has version %d, which this shim does not know", e.Path, e.Version)
}

// Decode reads what Encode or Export wrote, or somebody by hand. Entries may stand in any order; those
// that name the same thing are merged. The error is a NewerError (without path) for a version that
// is not known.
func Decode(text []byte) (Lock, error) {
	t, err := parse(text)
	if err != nil {
		return Lock{}, err
	}
	v, ok := t["version"].(int64)
	if !ok || v < 1 {
		return Lock{}, errors.New(`no "version = 1"`)
	}
	if v > version {
		return Lock{}, &NewerError{Version: v}
	}
	delete(t, "version")
	return lockOf(t)
}

func parse(text []byte) (table, error) {
	t := table{}
	if err := decode.Records(text, (*map[string]any)(&t)); err != nil {
		return nil, err
	}
	return t, nil
}

// lockOf turns t, less what the caller took out of it, into a Lock.
func lockOf(t table) (Lock, error) {
	r := &reader{}
	var l Lock
	if u := r.table(t, "uv"); u != nil {
		l.UV = &UV{Path: r.str(u, "path"), Version: r.str(u, "version"), extra: rest(u)}
	}
	if n := r.table(t, "nix-ld"); n != nil {
		l.NixLD = &NixLD{Loader: r.str(n, "loader"), Libraries: r.list(n, "libraries"), Glibc: r.str(n, "glibc"), extra: rest(n)}
	}
	for _, p := range r.tables(t, "python") {
		l.Python = append(l.Python, Python{
			Key: r.str(p, "key"), Path: r.str(p, "path"), Version: r.str(p, "version"),
			Build: r.str(p, "build"), Request: r.str(p, "request"), Declared: r.bool(p, "declared"),
			FirstUsed: r.day(p, "first-used"), LastUsed: r.day(p, "last-used"), extra: rest(p),
		})
	}
	for _, u := range r.tables(t, "tool") {
		l.Tool = append(l.Tool, Tool{
			Name: r.str(u, "name"), Request: r.str(u, "request"), Version: r.str(u, "version"), Python: r.str(u, "python"),
			Resolved: r.list(u, "resolved"), Recorded: r.day(u, "recorded"), extra: rest(u),
		})
	}
	for _, p := range r.tables(t, "project") {
		l.Project = append(l.Project, Project{
			Path: r.str(p, "path"), Python: r.str(p, "python"), Needs: r.list(p, "needs"),
			Missing: r.list(p, "missing"), LastUsed: r.day(p, "last-used"), extra: rest(p),
		})
	}
	for _, c := range r.tables(t, "change") {
		l.Change = append(l.Change, Change{
			ID: r.str(c, "id"), Time: r.time(c, "time"), Directory: r.str(c, "directory"),
			Argv: r.list(c, "argv"), Exit: r.int(c, "exit"), extra: rest(c),
		})
	}
	l.extra = rest(t)
	r.check(!slices.ContainsFunc(l.Python, func(p Python) bool { return p.ID() == "" }), "a python without key or path")
	r.check(!slices.ContainsFunc(l.Tool, func(t Tool) bool { return t.Name == "" }), "a tool without name")
	r.check(!slices.ContainsFunc(l.Project, func(p Project) bool { return p.Path == "" || p.Python == "" }), "a project without path or python")
	r.check(!slices.ContainsFunc(l.Change, func(c Change) bool { return c.ID == "" }), "a change without id")
	if r.err != nil {
		return Lock{}, r.err
	}
	m := newMerger(Lock{})
	m.add(l)
	m.lock.normal()
	return *m.lock, nil
}

// A table is one of TOML. The reader takes out the keys that it knows; what is left is extra.
type table map[string]any

// rest returns what is left of t, nil for nothing.
func rest(t table) table {
	if len(t) == 0 {
		return nil
	}
	return t
}

// A reader takes values out of tables and keeps the first error.
type reader struct{ err error }

func (r *reader) check(ok bool, what string) {
	if !ok && r.err == nil {
		r.err = errors.New(what)
	}
}

func take[T any](r *reader, t table, key, want string) T {
	v, there := t[key]
	delete(t, key)
	got, ok := v.(T)
	r.check(ok || !there, fmt.Sprintf("%s is not %s", key, want))
	return got
}

func (r *reader) table(t table, key string) table {
	return take[map[string]any](r, t, key, "a table")
}

func (r *reader) tables(t table, key string) []table {
	var out []table
	switch list := take[any](r, t, key, "").(type) {
	case nil:
	case []map[string]any:
		for _, v := range list {
			out = append(out, v)
		}
	case []any:
		for _, v := range list {
			one, ok := v.(map[string]any)
			r.check(ok, key+" is not an array of tables")
			out = append(out, one)
		}
	default:
		r.check(false, key+" is not an array of tables")
	}
	return out
}

func (r *reader) str(t table, key string) string {
	return DecodeBytes(take[string](r, t, key, "a string"))
}

func (r *reader) bool(t table, key string) bool { return take[bool](r, t, key, "true or false") }

func (r *reader) int(t table, key string) int { return int(take[int64](r, t, key, "a number")) }

func (r *reader) list(t table, key string) []string {
	values := take[[]any](r, t, key, "a list")
	if values == nil {
		return nil
	}
	out := make([]string, len(values))
	for i, v := range values {
		text, ok := v.(string)
		r.check(ok, key+" is not a list of strings")
		out[i] = DecodeBytes(text)
	}
	return out
}

func (r *reader) day(t table, key string) Day {
	if _, ok := t[key]; !ok {
		return ""
	}
	v := take[time.Time](r, t, key, "a date")
	r.check(v.Location().String() == localDate, key+" is not a date")
	return Day(v.Format(time.DateOnly))
}

func (r *reader) time(t table, key string) time.Time {
	v := take[time.Time](r, t, key, "a time").UTC()
	r.check(v.Year() >= 0 && v.Year() <= 9999, key+" is not a time of this era")
	return v.Truncate(time.Millisecond)
}
