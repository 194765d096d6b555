package lock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
)

func testStore(t *testing.T) Store {
	t.Helper()
	return Open(host.Host{Env: host.Env{"XDG_STATE_HOME=" + t.TempDir()}, UID: os.Geteuid()})
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func used(path string) Record {
	return Record{Time: noon, Project: []Project{{Path: path, Python: "k"}}}
}

func note(t *testing.T, s Store, r Record) string {
	t.Helper()
	id, err := s.Note(r)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func quiet(t *testing.T, warnings []error) {
	t.Helper()
	if len(warnings) > 0 {
		t.Fatalf("warnings %v", warnings)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func contents(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func paths(l Lock) []string {
	var out []string
	for _, p := range l.Project {
		out = append(out, p.Path)
	}
	return out
}

func TestOpen(t *testing.T) {
	for _, tt := range []struct {
		name, lock, pending string
		env                 host.Env
		dir                 string
	}{
		{"state_home", "/s/shim/shim.lock", "/s/shim/pending", host.Env{"XDG_STATE_HOME=/s", "HOME=/h"}, "/"},
		{"home", "/h/.local/state/shim/shim.lock", "/h/.local/state/shim/pending", host.Env{"HOME=/h"}, "/"},
		{"named", "/a/my.lock", "/a/my.lock.pending", host.Env{"HOME=/h", "SHIM_LOCK=/a/./my.lock"}, "/"},
		{"named_relative", "/d/my.lock", "/d/my.lock.pending", host.Env{"SHIM_LOCK=my.lock"}, "/d"},
		{"named_nowhere", "", "", host.Env{"HOME=/h", "SHIM_LOCK=my.lock"}, ""},
		{"named_empty", "/h/.local/state/shim/shim.lock", "/h/.local/state/shim/pending", host.Env{"HOME=/h", "SHIM_LOCK="}, "/"},
		{"home_relative", "", "", host.Env{"HOME=h"}, "/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Open(host.Host{Env: tt.env, Dir: tt.dir})
			if s.Path != tt.lock || s.Pending != tt.pending {
				t.Errorf("lock %q, pending %q; want %q, %q", s.Path, s.Pending, tt.lock, tt.pending)
			}
		})
	}
	s := Open(host.Host{Env: host.Env{"HOME=h"}})
	if _, err := s.Note(Record{}); !errors.Is(err, ErrNoPlace) {
		t.Errorf("Note without a place: %v", err)
	}
	if l, warnings := s.Read(0); len(warnings) != 1 || !errors.Is(warnings[0], ErrNoPlace) || l.UV != nil {
		t.Errorf("Read without a place: %v", warnings)
	}
}

func TestNote(t *testing.T) {
	s := testStore(t)
	late := time.Date(2026, 11, 22, 23, 30, 0, 0, time.FixedZone("", -3600)) // the 23rd of UTC
	argv := []string{"uv", "add", "https://u:s3cret@h/a.whl", "\xff%"}
	id := note(t, s, Record{
		Time:         late,
		Python:       []Python{{Key: "k", FirstUsed: "1999-01-01", Request: "https://s3cret@h/python"}},
		Tool:         []Tool{{Name: "a", Request: "a @ https://s3cret@h", Resolved: []string{"b @ https://s3cret@h"}}},
		Project:      []Project{{Path: "/p", Python: "k", Needs: []string{"z", "a"}}},
		Change:       &Change{Directory: "/p", Argv: argv, Exit: 2},
		RemovedTools: []string{"old"},
	})
	if argv[2] != "https://u:s3cret@h/a.whl" {
		t.Error("Note changed the caller's argv")
	}
	if got := names(t, s.Pending); !slices.Equal(got, []string{id + ".toml"}) {
		t.Fatalf("pending holds %q", got)
	}
	file := filepath.Join(s.Pending, id+".toml")
	text := contents(t, file)
	if !strings.HasPrefix(text, "schema = 1\n") || strings.Contains(text, "s3cret") {
		t.Errorf("pending file:\n%s", text)
	}
	for path, mode := range map[string]fs.FileMode{file: 0o600, s.Pending: 0o700, filepath.Dir(s.Pending): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("mode of %s: %v, %v", path, info.Mode(), err)
		}
	}
	if _, err := os.Stat(s.Path); err == nil {
		t.Error("Note made a lock")
	}

	quiet(t, s.Fold(time.Second))
	const want = `version = 1

[[python]]
key = "k"
request = "https://***@h/python"
first-used = 2026-11-23
last-used = 2026-11-23

[[tool]]
name = "a"
request = "a @ https://***@h"
resolved = ["b @ https://***@h"]
recorded = 2026-11-23

[[project]]
path = "/p"
python = "k"
needs = ["a", "z"]
last-used = 2026-11-23

[[change]]
id = "ID"
time = 2026-11-23T00:30:00.000Z
directory = "/p"
argv = ["uv", "add", "https://***@h/a.whl", "%FF%25"]
exit = 2
`
	if got := strings.ReplaceAll(contents(t, s.Path), id, "ID"); got != want {
		t.Errorf("lock:\n%s", got)
	}
	if info, _ := os.Stat(s.Path); info.Mode().Perm() != 0o600 {
		t.Errorf("lock has mode %v", info.Mode())
	}
	if got := names(t, filepath.Dir(s.Path)); !slices.Equal(got, []string{"pending", "shim.lock", "shim.lock.lock"}) || len(names(t, s.Pending)) > 0 {
		t.Errorf("left behind: %q, pending %q", got, names(t, s.Pending))
	}
}

func TestNoteLong(t *testing.T) {
	s := testStore(t)
	note(t, s, Record{Change: &Change{Argv: []string{"uv", strings.Repeat("a", maxArgv), "b"}}})
	l, warnings := s.Read(time.Second)
	quiet(t, warnings)
	argv := l.Change[0].Argv
	if len(argv) != 2 || len(argv[1]) != maxArgv-2+len("…") {
		t.Errorf("%d arguments, the last of %d bytes", len(argv), len(argv[len(argv)-1]))
	}
	_, err := s.Note(Record{Project: []Project{{Path: strings.Repeat("a", maxPending), Python: "k"}}})
	if !errors.Is(err, host.ErrTooLarge) || len(names(t, s.Pending)) > 0 {
		t.Errorf("a record that no reader would take: %v", err)
	}
}

func TestNoteRefused(t *testing.T) {
	other := testStore(t)
	other.host.UID++
	file := testStore(t)
	file.Pending = filepath.Join(file.Pending, "..", "..", "plain", "pending")
	write(t, filepath.Dir(file.Pending), "")
	for name, s := range map[string]Store{"other_user": other, "below_file": file} {
		t.Run(name, func(t *testing.T) {
			var refused *NotOwnedError
			if _, err := s.Note(used("/p")); !errors.As(err, &refused) || refused.Dir != s.Pending {
				t.Errorf("error %v", err)
			}
			if _, err := os.Stat(filepath.Dir(other.Pending)); err == nil {
				t.Error("something was created")
			}
		})
	}
}

func TestFoldNothing(t *testing.T) {
	s := testStore(t)
	quiet(t, s.Fold(0))
	quiet(t, s.TryFold())
	if l, warnings := s.Read(0); len(warnings) > 0 || len(Encode(l)) != len("version = 1\n") {
		t.Errorf("an empty store reads as %+v, %v", l, warnings)
	}
	if _, err := os.Stat(filepath.Dir(s.Path)); err == nil {
		t.Error("looking created something")
	}
}

// A kill between the rename of the lock and the last unlink leaves the newest records, which are
// then folded once more.
func TestFoldTwice(t *testing.T) {
	s := testStore(t)
	for i, r := range []Record{
		{UV: &UV{Version: "1"}, Tool: []Tool{{Name: "a", Version: "1"}, {Name: "b"}}},
		{UV: &UV{Version: "2"}, RemovedTools: []string{"a"}, RemovedPythons: []string{"k"}, Python: []Python{{Key: "j"}}},
		{RemovedTools: []string{"a"}, Tool: []Tool{{Name: "a", Version: "2"}}, Change: &Change{Argv: []string{"x"}}},
		{RemovedTools: []string{"b"}, Python: []Python{{Key: "k"}}},
	} {
		r.Time = noon.Add(time.Duration(i) * time.Hour)
		note(t, s, r)
	}
	pending := names(t, s.Pending)
	keep := map[string]string{}
	for _, name := range pending {
		keep[name] = contents(t, filepath.Join(s.Pending, name))
	}
	quiet(t, s.Fold(0))
	want := contents(t, s.Path)
	l, err := Decode([]byte(want))
	if err != nil || l.UV.Version != "2" || len(l.Tool) != 1 || l.Tool[0].Version != "2" || len(l.Python) != 2 || len(l.Change) != 1 {
		t.Fatalf("lock, %v:\n%s", err, want)
	}
	for n := range len(pending) {
		for _, name := range pending[n:] {
			write(t, filepath.Join(s.Pending, name), keep[name])
		}
		quiet(t, s.Fold(0))
		if got := contents(t, s.Path); got != want {
			t.Errorf("with the last %d again:\n%s", len(pending)-n, got)
		}
		if left := names(t, s.Pending); len(left) > 0 {
			t.Errorf("left %q", left)
		}
	}
}

// The order of unlinks is what makes TestFoldTwice's kills the only ones.
func TestFoldUnlinkOrder(t *testing.T) {
	s := testStore(t)
	for i := range 3 {
		r := used(fmt.Sprint("/", i))
		r.Time = noon.Add(time.Duration(i) * time.Hour)
		note(t, s, r)
	}
	pending := names(t, s.Pending)
	blocked := filepath.Join(s.Pending, pending[1])
	// while the lock is written a directory takes the place of the second record
	warnings := s.Edit(0, func(*Lock) {
		os.Remove(blocked)
		os.MkdirAll(filepath.Join(blocked, "x"), 0o700)
	})
	if len(warnings) != 1 {
		t.Errorf("warnings %v", warnings)
	}
	if got := names(t, s.Pending); !slices.Equal(got, pending[1:]) {
		t.Errorf("left %q of %q", got, pending)
	}
}

func TestFoldLooksAgain(t *testing.T) {
	s := testStore(t)
	note(t, s, used("/a"))
	quiet(t, s.Edit(0, func(*Lock) {
		note(t, s, used("/b"))
		quiet(t, s.TryFold()) // the lock is held: left to the holder
		if len(names(t, s.Pending)) != 2 {
			t.Error("somebody folded while the lock was held")
		}
	}))
	if left := names(t, s.Pending); len(left) > 0 {
		t.Errorf("%q was not looked for again", left)
	}
	l, _ := s.Read(0)
	if got := paths(l); !slices.Equal(got, []string{"/a", "/b"}) {
		t.Errorf("projects %q", got)
	}
}

func TestFoldBusy(t *testing.T) {
	s := testStore(t)
	note(t, s, used("/a"))
	guard, err := s.acquire(s.Path+".lock", 0)
	if err != nil {
		t.Fatal(err)
	}
	quiet(t, s.TryFold())
	l, warnings := s.Read(3 * time.Millisecond)
	if len(warnings) != 1 || !errors.Is(warnings[0], ErrBusy) {
		t.Errorf("warnings %v", warnings)
	}
	if !slices.Equal(paths(l), []string{"/a"}) || len(names(t, s.Pending)) != 1 {
		t.Errorf("read %q, pending %q", paths(l), names(t, s.Pending))
	}
	done := make(chan []error)
	go func() { done <- s.Fold(time.Minute) }()
	time.Sleep(10 * time.Millisecond)
	guard.Close()
	quiet(t, <-done)
	if len(names(t, s.Pending)) != 0 {
		t.Error("waiting for the lock did not help")
	}
}

func TestTryFoldBounds(t *testing.T) {
	s := testStore(t)
	for i := range 2*smallBatch + 5 {
		note(t, s, used(fmt.Sprint("/", i)))
	}
	quiet(t, s.TryFold())
	if got := len(names(t, s.Pending)); got != 5 {
		t.Errorf("%d records left, want 5", got)
	}
	quiet(t, s.TryFold())
	if got := len(names(t, s.Pending)); got != 0 {
		t.Errorf("%d records left, want none", got)
	}
	large := "version = 1\n#" + strings.Repeat("x", smallLock) + "\n"
	write(t, s.Path, large)
	note(t, s, used("/a"))
	quiet(t, s.TryFold())
	if contents(t, s.Path) != large || len(names(t, s.Pending)) != 1 {
		t.Error("a large lock was rewritten")
	}
}

func TestNoFlock(t *testing.T) {
	for _, errno := range []unix.Errno{unix.ENOLCK, unix.ENOSYS, unix.EOPNOTSUPP} {
		s := testStore(t)
		note(t, s, used("/a"))
		s.flock = func(int, int) error { return errno }
		l, warnings := s.Read(time.Minute)
		if len(warnings) != 1 || !errors.Is(warnings[0], ErrNoFlock) {
			t.Errorf("%v: warnings %v", errno, warnings)
		}
		if !slices.Equal(paths(l), []string{"/a"}) || len(names(t, s.Pending)) != 1 {
			t.Errorf("%v: read %q", errno, paths(l))
		}
	}
}

func TestInterruptedFlock(t *testing.T) {
	s := testStore(t)
	note(t, s, used("/a"))
	calls := 0
	s.flock = func(fd, how int) error {
		if calls++; calls == 1 {
			return unix.EINTR
		}
		return unix.Flock(fd, how)
	}
	quiet(t, s.Fold(0))
}
