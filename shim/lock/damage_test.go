package lock

import (
	"bytes"
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

func TestCorrupt(t *testing.T) {
	s := testStore(t)
	for n, text := range []string{"version = 1\n[", "\x00\x00", "version = 1\n[[tool]]\n"} {
		note(t, s, used(fmt.Sprint("/", n)))
		write(t, s.Path, text)
		l, warnings := s.Read(0)
		var broken *CorruptError
		if len(warnings) != 1 || !errors.As(warnings[0], &broken) {
			t.Fatalf("warnings %v", warnings)
		}
		if want := fmt.Sprintf("%s.corrupt-%d", s.Path, n+1); broken.Aside != want || contents(t, want) != text {
			t.Errorf("set aside as %q, want %q", broken.Aside, want)
		}
		if !slices.Equal(paths(l), []string{fmt.Sprint("/", n)}) || len(names(t, s.Pending)) > 0 {
			t.Errorf("the new lock has %q", paths(l))
		}
	}
}

// A file made by touch or mktemp is a lock without records.
func TestEmptyLock(t *testing.T) {
	s := testStore(t)
	note(t, s, used("/a"))
	write(t, s.Path, "")
	l, warnings := s.Read(0)
	quiet(t, warnings)
	if !slices.Equal(paths(l), []string{"/a"}) || len(names(t, s.Pending)) > 0 {
		t.Errorf("read %q", paths(l))
	}
}

// Without anything to write, a corrupt lock is only spoken of.
func TestCorruptUntouched(t *testing.T) {
	s := testStore(t)
	note(t, s, used("/a"))
	quiet(t, s.Fold(0))
	write(t, s.Path, "broken")
	newer := note(t, s, used("/b"))
	write(t, filepath.Join(s.Pending, newer+".toml"), "schema = 2\n") // nothing that we could fold
	for range 2 {
		_, warnings := s.Read(0)
		if len(warnings) != 1 || !errors.As(warnings[0], new(*CorruptError)) || contents(t, s.Path) != "broken" {
			t.Errorf("warnings %v", warnings)
		}
	}
}

// Whatever of a lock is left: a fold keeps every byte of it, in the new lock or set aside.
func TestTruncated(t *testing.T) {
	s := testStore(t)
	note(t, s, used("/a"))
	quiet(t, s.Fold(0))
	for n := range len(example) {
		part := example[:n]
		write(t, s.Path, part)
		note(t, s, used("/new"))
		warnings := s.Fold(0)
		got := contents(t, s.Path)
		l, err := Decode([]byte(got))
		if err != nil || !slices.Contains(paths(l), "/new") {
			t.Fatalf("after %d bytes: %v\n%s", n, err, got)
		}
		if len(warnings) == 0 {
			want, err := Decode([]byte(part))
			if err != nil && n > 0 {
				t.Fatalf("after %d bytes: a fold without warning over %v", n, err)
			}
			m := newMerger(want)
			m.add(Lock{Project: []Project{{Path: "/new", Python: "k", LastUsed: DayOf(noon)}}})
			if got != string(Encode(*m.lock)) {
				t.Fatalf("after %d bytes:\n%s", n, got)
			}
			continue
		}
		var broken *CorruptError
		if len(warnings) != 1 || !errors.As(warnings[0], &broken) || contents(t, broken.Aside) != part {
			t.Fatalf("after %d bytes: %v", n, warnings)
		}
		os.Remove(broken.Aside)
	}
}

func TestNewer(t *testing.T) {
	s := testStore(t)
	const newer = "version = 2\nproject = 3\n"
	note(t, s, used("/a"))
	write(t, s.Path, newer)
	l, warnings := s.Read(0)
	var e *NewerError
	if len(warnings) != 1 || !errors.As(warnings[0], &e) || e.Path != s.Path || e.Version != 2 {
		t.Errorf("warnings %v", warnings)
	}
	if contents(t, s.Path) != newer || len(names(t, s.Pending)) != 1 || !slices.Equal(paths(l), []string{"/a"}) {
		t.Errorf("lock %q, pending %q, read %q", contents(t, s.Path), names(t, s.Pending), paths(l))
	}
	if got := names(t, filepath.Dir(s.Path)); !slices.Equal(got, []string{"pending", "shim.lock", "shim.lock.lock"}) {
		t.Errorf("left %q", got)
	}
}

func TestSymlink(t *testing.T) {
	s := testStore(t)
	dotfiles := t.TempDir()
	target := filepath.Join(dotfiles, "my.lock")
	if err := os.MkdirAll(filepath.Dir(s.Path), 0o700); err != nil {
		t.Fatal(err)
	}
	middle := filepath.Join(filepath.Dir(s.Path), "middle")
	if err := errors.Join(os.Symlink("middle", s.Path), os.Symlink(target, middle)); err != nil {
		t.Fatal(err)
	}
	direct := Open(host.Host{Env: host.Env{"SHIM_LOCK=" + target}, UID: os.Geteuid()})
	// first dangling, then with something there, then corrupt
	for i, before := range []string{"", "version = 1\n", "broken"} {
		if i > 0 {
			write(t, target, before)
		}
		note(t, s, used("/a"))
		warnings := s.Edit(0, func(*Lock) {
			note(t, direct, used("/b"))
			if w := direct.Fold(0); len(w) != 1 || !errors.Is(w[0], ErrBusy) {
				t.Errorf("one file, two guards: %v", w)
			}
		})
		if (len(warnings) > 0) != (before == "broken") {
			t.Errorf("warnings %v", warnings)
		}
		quiet(t, direct.Fold(0))
		l, _ := s.Read(0)
		if got := paths(l); !slices.Equal(got, []string{"/a", "/b"}) {
			t.Errorf("projects %q", got)
		}
		for _, link := range []string{s.Path, middle} {
			if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
				t.Errorf("%s is no link any more", link)
			}
		}
	}
	if contents(t, target+".corrupt-1") != "broken" {
		t.Error("the broken target was not set aside beside itself")
	}

	loop := testStore(t)
	note(t, loop, used("/a"))
	if err := os.Symlink("shim.lock", loop.Path); err != nil {
		t.Fatal(err)
	}
	if w := loop.Fold(0); len(w) != 1 || !errors.Is(w[0], unix.ELOOP) || len(names(t, loop.Pending)) != 1 {
		t.Errorf("a link to itself: %v", w)
	}
}

func TestLockNotRegular(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"fifo":      func(path string) error { return unix.Mkfifo(path, 0o600) },
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"large": func(path string) error {
			return errors.Join(os.WriteFile(path, []byte("version = 1\n"), 0o600), os.Truncate(path, maxLock+1))
		},
		"guard_fifo": func(path string) error { return unix.Mkfifo(path+".lock", 0o600) },
		"guard_link": func(path string) error { return os.Symlink("/dev/null", path+".lock") },
	} {
		t.Run(name, func(t *testing.T) {
			s := testStore(t)
			note(t, s, used("/a"))
			if err := make(s.Path); err != nil {
				t.Fatal(err)
			}
			before := names(t, filepath.Dir(s.Path))
			l, warnings := s.Read(0)
			if name == "guard_fifo" { // a FIFO can be locked like any file
				quiet(t, warnings)
				return
			}
			if len(warnings) != 1 || !slices.Equal(paths(l), []string{"/a"}) || len(names(t, s.Pending)) != 1 {
				t.Errorf("warnings %v, read %q", warnings, paths(l))
			}
			for _, name := range before {
				if !slices.Contains(names(t, filepath.Dir(s.Path)), name) {
					t.Errorf("%s is gone", name)
				}
			}
		})
	}
}

// A home that cannot be written: what is there can still be read. In one that is not ours it is not
// believed.
func TestReadOnly(t *testing.T) {
	s := testStore(t)
	note(t, s, used("/a"))
	quiet(t, s.Fold(0))
	note(t, s, used("/b"))
	before := contents(t, s.Path)
	check := func(s Store, reason string, want []string, is func(error) bool) {
		t.Helper()
		l, warnings := s.Read(0)
		if !slices.Equal(paths(l), want) {
			t.Errorf("%s: read %q", reason, paths(l))
		}
		if len(warnings) != 1 || !is(warnings[0]) {
			t.Errorf("%s: warnings %v", reason, warnings)
		}
		if contents(t, s.Path) != before || len(names(t, s.Pending)) != 1 {
			t.Errorf("%s: something was written", reason)
		}
	}
	other := s
	other.host.UID++
	check(other, "other user", nil, func(err error) bool { return errors.As(err, new(*NotOwnedError)) })

	// nobody, root neither, creates a file in /proc/self
	away := s
	away.Path = "/proc/self/shim.lock"
	l, warnings := away.Read(0)
	if len(warnings) != 1 || !slices.Equal(paths(l), []string{"/b"}) || len(names(t, s.Pending)) != 1 {
		t.Errorf("a lock that cannot be created: %v, read %q", warnings, paths(l))
	}
}

func TestEdit(t *testing.T) {
	s := testStore(t)
	note(t, s, used("/a"))
	quiet(t, s.Edit(0, func(l *Lock) {
		if len(l.Project) != 1 {
			t.Error("edit came before the fold")
		}
		l.Drop(noon.AddDate(1, 0, 0), func(string) bool { return true })
	}))
	if got := contents(t, s.Path); got != "version = 1\n" {
		t.Errorf("lock %q", got)
	}
}

func TestWriteVerified(t *testing.T) {
	s := testStore(t)
	note(t, s, used("/a"))
	quiet(t, s.Fold(0))
	before := contents(t, s.Path)
	note(t, s, used("/b"))
	w := s.Edit(0, func(l *Lock) { l.Project[0].LastUsed = "today" })
	if len(w) != 1 || contents(t, s.Path) != before || len(names(t, s.Pending)) != 1 {
		t.Errorf("a lock that cannot be read back: %v\n%s", w, contents(t, s.Path))
	}
}

func TestSamePlacesNoRewrite(t *testing.T) {
	s := testStore(t)
	note(t, s, used("/a"))
	quiet(t, s.Fold(0))
	before := host.Identify(s.Path)
	note(t, s, used("/a"))
	quiet(t, s.Fold(0))
	if host.Identify(s.Path) != before || len(names(t, s.Pending)) > 0 {
		t.Error("a lock that says it all was rewritten")
	}
}

func TestStaleTemporaries(t *testing.T) {
	s := testStore(t)
	note(t, s, used("/a"))
	old, _ := newID(time.Now().Add(-keepTmp))
	young, _ := newID(time.Now())
	keep := []string{tmpPrefix + young, tmpPrefix + "other"}
	for _, name := range append(keep, tmpPrefix+old) {
		write(t, filepath.Join(s.Pending, name), "x")
	}
	write(t, filepath.Join(filepath.Dir(s.Path), ".shim.lock.tmp"), "half a lock")
	quiet(t, s.Fold(0))
	slices.Sort(keep)
	if got := names(t, s.Pending); !slices.Equal(got, keep) {
		t.Errorf("left %q", got)
	}
	if got := names(t, filepath.Dir(s.Path)); slices.Contains(got, ".shim.lock.tmp") {
		t.Errorf("left %q", got)
	}
}

// What does not belong into the pending directory is not read, not waited for, and not removed.
func TestHostilePending(t *testing.T) {
	s := testStore(t)
	good := note(t, s, used("/a"))
	text := contents(t, filepath.Join(s.Pending, good+".toml"))
	id := func(c string) string { return "7" + good[1:25] + c }
	outside := filepath.Join(t.TempDir(), "outside")
	write(t, outside, strings.Replace(text, `"/a"`, `"/outside"`, 1))
	at := func(name string) string { return filepath.Join(s.Pending, name) }
	if err := errors.Join(
		unix.Mkfifo(at(id("A")+".toml"), 0o600),
		os.Mkdir(at(id("B")+".toml"), 0o700),
		os.Symlink(outside, at(id("C")+".toml")),
		os.Symlink("/dev/zero", at(id("D")+".toml")),
	); err != nil {
		t.Fatal(err)
	}
	bad := strings.Replace(text, `"/a"`, `"/bad"`, 1)
	for _, name := range []string{strings.ToLower(id("E")) + ".toml", id("F") + ".TOML", id("G"), id("H") + "0.toml", "\n\x1b[31m.toml", "\xff.toml", "-rf", strings.Repeat("0", 200) + ".toml", id("J") + ".toml.corrupt"} {
		write(t, at(name), bad)
	}
	write(t, at(id("K")+".toml"), strings.Replace(bad, "schema = 1", "schema = 2", 1))
	write(t, at(id("M")+".toml"), "schema = 99999999\n\x00")
	before := names(t, s.Pending)

	check := func() {
		t.Helper()
		l, warnings := s.Read(0)
		quiet(t, warnings)
		if got := paths(l); !slices.Equal(got, []string{"/a"}) {
			t.Errorf("projects %q", got)
		}
		want := slices.DeleteFunc(slices.Clone(before), func(name string) bool { return name == good+".toml" })
		if got := names(t, s.Pending); !slices.Equal(got, want) {
			t.Errorf("left %q\nwant %q", got, want)
		}
	}
	check()
	check()
}

func TestBrokenPending(t *testing.T) {
	for name, text := range map[string]string{
		"empty":        "",
		"no_schema":    "[[project]]\npath = '/b'\npython = 'k'\n",
		"old_schema":   "schema = 0\n",
		"not_toml":     "schema = 1\n[",
		"wrong_type":   "schema = 1\nuv = 3\n",
		"wrong_remove": "schema = 1\nremove = 3\n",
		"halved":       "schema = 1\n\n[[project]]\npath = '/b'\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := testStore(t)
			id := note(t, s, used("/a"))
			broken := filepath.Join(s.Pending, "7"+id[1:]+".toml")
			write(t, broken, text)
			busy := s // who cannot take the lock says so, and reads the rest
			busy.flock = func(int, int) error { return unix.EWOULDBLOCK }
			l, warnings := busy.Read(0)
			if len(warnings) != 2 || !errors.As(warnings[1], new(*CorruptError)) || !slices.Equal(paths(l), []string{"/a"}) {
				t.Errorf("while it is busy: warnings %v, read %q", warnings, paths(l))
			}
			l, warnings = s.Read(0)
			var e *CorruptError
			if len(warnings) != 1 || !errors.As(warnings[0], &e) || e.Path != broken || contents(t, e.Aside) != text {
				t.Errorf("warnings %v", warnings)
			}
			if !slices.Equal(paths(l), []string{"/a"}) {
				t.Errorf("projects %q", paths(l))
			}
			_, warnings = s.Read(0)
			quiet(t, warnings)
		})
	}
	s := testStore(t)
	id := note(t, s, used("/a"))
	large := filepath.Join(s.Pending, "7"+id[1:]+".toml")
	write(t, large, "schema = 1\n"+strings.Repeat("#", maxPending))
	l, warnings := s.Read(0)
	if len(warnings) != 1 || !errors.Is(warnings[0], host.ErrTooLarge) || !slices.Equal(paths(l), []string{"/a"}) {
		t.Errorf("warnings %v, read %q", warnings, paths(l))
	}
	if text := contents(t, large); !bytes.HasPrefix([]byte(text), []byte("schema")) {
		t.Error("the large file was changed")
	}
}
