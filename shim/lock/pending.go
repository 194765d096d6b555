package lock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
	"uvshim/shim/redact"
)

const (
	schema     = "schema = 1\n" // the first line of a pending file
	suffix     = ".toml"
	tmpPrefix  = ".tmp-"
	maxPending = 1 << 20 // bytes of one pending file
	maxArgv    = 4 << 10 // bytes of a change's arguments; what is over is cut
	keepTmp    = time.Hour
)

// A Record is what one call adds to the lock. Days in it need not be set: they are Time's.
type Record struct {
	Time    time.Time // of the call; zero is now
	UV      *UV
	NixLD   *NixLD
	Python  []Python
	Tool    []Tool
	Project []Project
	Change  *Change // its ID is the record's, its Time if zero the record's

	// Tools and interpreters, by name and ID, that are no longer installed. They are removed
	// before the rest is added.
	RemovedTools, RemovedPythons []string
}

// Note puts r into a file of its own in the pending directory and returns the record's id. It takes
// no lock and reads none. When it returned without an error, no kill loses the record, and no
// power loss where the file system can promise that. Passwords and tokens are redacted before anything
// is written. The error is a NotOwnedError where the directory is not the effective user's, an
// ExposedError where others can write it.
func (s Store) Note(r Record) (string, error) {
	if s.Pending == "" {
		return "", ErrNoPlace
	}
	if err := s.ours(s.Pending); err != nil {
		return "", err
	}
	if info, err := os.Stat(s.Path); err == nil && info.IsDir() { // before anything is made beside it
		return "", fmt.Errorf("recording the call: %w", &fs.PathError{Op: "open", Path: s.Path, Err: unix.EISDIR})
	}
	now := time.Now()
	if r.Time.IsZero() {
		r.Time = now
	}
	// The id's time is that of writing: a call may record what it began hours ago, and of two
	// records the one that was written later has the last word.
	id, err := newID(now)
	if err != nil {
		return "", fmt.Errorf("making an id: %w", err)
	}
	text := r.encode(id)
	if len(text) > maxPending {
		return "", fmt.Errorf("recording the call: %w", host.ErrTooLarge)
	}
	if err := s.writePending(id, text); err != nil {
		return "", fmt.Errorf("recording the call: %w", err)
	}
	return id, nil
}

// encode returns r as the text of its pending file.
func (r Record) encode(id string) []byte {
	day := DayOf(r.Time)
	l := Lock{UV: r.UV, NixLD: r.NixLD, Project: slices.Clone(r.Project)}
	for _, p := range r.Python {
		p.FirstUsed, p.LastUsed = day, day
		p.Request = redact.Value(p.Request)
		l.Python = append(l.Python, p)
	}
	for _, t := range r.Tool {
		t.Recorded = day
		t.Request = redact.Value(t.Request)
		t.Resolved = slices.Clone(t.Resolved)
		for i := range t.Resolved {
			t.Resolved[i] = redact.Value(t.Resolved[i])
		}
		l.Tool = append(l.Tool, t)
	}
	for i := range l.Project {
		l.Project[i].LastUsed = day
	}
	if r.Change != nil {
		c := *r.Change
		c.ID, c.Argv = id, bounded(redact.Args(c.Argv))
		if c.Time.IsZero() {
			c.Time = r.Time
		}
		l.Change = []Change{c}
	}
	w := writer{b: []byte(schema)}
	if len(r.RemovedTools)+len(r.RemovedPythons) > 0 {
		w.head("[remove]")
		w.list("tool", r.RemovedTools)
		w.list("python", r.RemovedPythons)
	}
	w.tables(l)
	return w.b
}

func bounded(argv []string) []string {
	size := 0
	for i, arg := range argv {
		if size += len(arg); size > maxArgv {
			kept := len(arg) - (size - maxArgv)
			return append(argv[:i:i], arg[:kept]+"…")
		}
	}
	return argv
}

func (s Store) writePending(id string, text []byte) error {
	tmp := filepath.Join(s.Pending, tmpPrefix+id)
	f, err := create(tmp)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(s.Pending, 0o700); err != nil {
			return err
		}
		f, err = create(tmp)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(tmp)
		return err
	}
	if err := os.Rename(tmp, filepath.Join(s.Pending, id+suffix)); err != nil {
		os.Remove(tmp)
		return err
	}
	// The record is there, and kept through a power loss if this succeeds: the caller remembers that it
	// was made, and would not make it again.
	_ = host.SyncDir(s.Pending)
	return nil
}

func create(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// pendingNames returns the names of the pending records, oldest first. Whatever else is in the
// directory, links and FIFOs under a record's name among it, is not ours to judge.
func (s Store) pendingNames() ([]string, error) {
	if s.Pending == "" {
		return nil, ErrNoPlace
	}
	entries, err := os.ReadDir(s.Pending)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), suffix); ok && validID(id) && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, err
}

// sweep removes the temporaries that a kill left behind an hour or more before now, or while the clock
// was that much ahead.
func (s Store) sweep(now time.Time) {
	entries, _ := os.ReadDir(s.Pending)
	for _, e := range entries {
		if id, ok := strings.CutPrefix(e.Name(), tmpPrefix); ok && validID(id) && now.Sub(idTime(id)).Abs() >= keepTmp {
			os.Remove(filepath.Join(s.Pending, e.Name()))
		}
	}
}

// errSchema marks a pending file of another version of shim.
var errSchema = errors.New("unknown schema")

// A pending is one pending file as read.
type pending struct {
	add            Lock
	tools, pythons []string // to remove
}

func (s Store) readPending(name string) (pending, error) {
	text, err := s.host.ReadOwn(filepath.Join(s.Pending, name), maxPending)
	if err != nil {
		return pending{}, err
	}
	return decodePending(text)
}

func decodePending(text []byte) (pending, error) {
	if !strings.HasPrefix(string(text), schema) {
		var n int
		if _, err := fmt.Sscanf(string(text[:min(len(text), 40)]), "schema = %d\n", &n); err == nil && n > 1 {
			return pending{}, errSchema
		}
		return pending{}, corrupt{errors.New("no schema")}
	}
	t, err := parse(text)
	if err != nil {
		return pending{}, corrupt{err}
	}
	delete(t, "schema")
	r := &reader{}
	var p pending
	if remove := r.table(t, "remove"); remove != nil {
		p.tools, p.pythons = r.list(remove, "tool"), r.list(remove, "python")
	}
	if p.add, err = lockOf(t); err == nil {
		err = r.err
	}
	if err != nil {
		return pending{}, corrupt{err}
	}
	return p, nil
}

// corrupt marks contents that cannot be read, as against a file that cannot.
type corrupt struct{ error }

func (e corrupt) Unwrap() error { return e.error }

func (m *merger) fold(p pending) {
	m.remove(p.tools, p.pythons)
	m.add(p.add)
}
