package trial

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"uvshim/shim/host"
	"uvshim/shim/lock"
)

func damageRows() []Row {
	return []Row{
		{Name: "damage", Fault: "empty, cut, zeroed, random, newer, 200 MB (sparse), directory, FIFO and dangling in place of each file read", Run: damage},
		{Name: "vanish", Fault: "files rewritten, cut, removed and renamed all the time while calls read them", Run: vanish},
		{Name: "clock", Fault: "clock set back: times, days and ids of 2099 in files, records and temporaries", Run: clock},
		{Name: "versions", Fault: "this shim and one of the next schema at once on one lock and cache", Run: otherVersion},
	}
}

// damages make something else of the file at path, which had the text.
var damages = []struct {
	name string
	do   func(path, text string) error
}{
	{"empty", func(path, text string) error { return put(path, "", 0o644) }},
	{"cut", func(path, text string) error { return put(path, text[:len(text)/2], 0o644) }},
	{"cut by one", func(path, text string) error { return put(path, text[:max(len(text)-2, 0)], 0o644) }},
	{"zeroed", func(path, text string) error { return put(path, strings.Repeat("\x00", len(text)+1), 0o644) }},
	{"zeroed behind", func(path, text string) error {
		half := len(text) / 2
		return put(path, text[:half]+strings.Repeat("\x00", len(text)-half+1), 0o644)
	}},
	{"random", func(path, text string) error {
		b := []byte(text + "0123456789")
		for range 1 + len(b)/10 {
			b[rand.IntN(len(b))] = byte(rand.Uint32())
		}
		return put(path, string(b), 0o644)
	}},
	{"newer", func(path, text string) error {
		return put(path, strings.NewReplacer("version = 1", "version = 99", "schema = 1", "schema = 99", "remember 1", "remember 99", "facts 1", "facts 99", "libraries 1", "libraries 99").Replace(text), 0o644)
	}},
	{"200 MB", func(path, text string) error {
		return errors.Join(put(path, text, 0o644), os.Truncate(path, 200<<20))
	}},
	{"one line of 40 MB", func(path, text string) error {
		// in pieces: the memory of this program would count for that of the calls
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		defer f.Close()
		for range 640 {
			if _, err := f.WriteString(strings.Repeat("x", 64<<10)); err != nil {
				return err
			}
		}
		return nil
	}},
	{"directory", func(path, text string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o755)) }},
	{"FIFO", func(path, text string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o644)) }},
	{"dangling", func(path, text string) error {
		return errors.Join(os.Remove(path), os.Symlink("/nonexistent/file", path))
	}},
	{"loop", func(path, text string) error { return errors.Join(os.Remove(path), os.Symlink(path, path)) }},
}

// How much memory, in KiB, a python and a command may take among damaged files.
const (
	pythonPeak  = 64 << 10
	commandPeak = 512 << 10
)

func damage(t *Trials, n int) {
	seeds := t.seed(3)
	dir := t.project()
	err := errors.Join(
		t.environment(dir),
		put(filepath.Join(dir, "pyproject.toml"), "[project]\nname = \"demo\"\nversion = \"1\"\nrequires-python = \">=3.12\"\n", 0o644),
		put(filepath.Join(dir, "uv.toml"), "python-preference = \"managed\"\n", 0o644),
		put(filepath.Join(dir, "uv.lock"), "version = 1\nrequires-python = \">=3.12\"\n", 0o644),
		put(filepath.Join(t.Home, ".config/uv/uv.toml"), "python-preference = \"managed\"\n", 0o644),
		put(filepath.Join(t.Home, ".config/uv/.python-version"), "3.13\n", 0o644),
		put(filepath.Join(t.state(), "pin"), "schema = 1\n3.13\n", 0o644),
		put(filepath.Join(t.Home, ".local/share/uv/tools/demo/uv-receipt.toml"), "[tool]\nrequirements = [{ name = \"demo\" }]\n", 0o644),
		put(filepath.Join(t.pythons(), keyOf(versions[0]), "BUILD"), "20260101", 0o644),
		put(t.libraries(), libraries, 0o644),
	)
	if err != nil {
		t.lose("%v", err)
		return
	}
	time.Sleep(60 * time.Millisecond)
	active := append([]string{"env", "VIRTUAL_ENV=" + filepath.Join(dir, ".venv")}, python...)
	for range 2 {
		t.ran("undamaged", t.RunIn(dir, python...))
		t.ran("undamaged", t.RunIn(dir, active...))
		t.RunIn(dir, "shim", "doctor")
	}
	pending := t.aside()
	release, err := t.hold() // so that the record stays
	if err != nil {
		t.lose("%v", err)
		return
	}
	t.ran("warm again", t.RunIn(dir, python...))
	t.ran("warm again", t.RunIn(dir, active...))
	record, _ := filepath.Glob(filepath.Join(t.pending(), "*.toml"))
	release()
	if len(record) == 0 {
		t.lose("no pending record")
		return
	}
	files := append(record, t.policy(), t.lock(), t.lock()+".lock", t.libraries(), filepath.Join(t.state(), "pin"), filepath.Join(t.Shims, ".shim-dir"))
	for _, name := range []string{
		".python-version", "pyproject.toml", "uv.toml", "uv.lock", ".venv/pyvenv.cfg",
		".venv/lib/python3.13/site-packages/demo-1.0.dist-info/RECORD", ".venv/lib/python3.13/site-packages/demo-1.0.dist-info/METADATA",
		".venv/lib/python3.13/site-packages/demo/_demo.so",
	} {
		files = append(files, filepath.Join(dir, name))
	}
	for _, name := range []string{".config/uv/uv.toml", ".config/uv/.python-version", ".local/share/uv/tools/demo/uv-receipt.toml"} {
		files = append(files, filepath.Join(t.Home, name))
	}
	files = append(files, filepath.Join(t.pythons(), keyOf(versions[0]), "BUILD"))
	filepath.WalkDir(t.cache(), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.Contains(path, "/claim/") {
			files = append(files, path)
		}
		return nil
	})
	t.figure("%d files, %d damages", len(files), len(damages))
	kept := t.keep()
	var most, mostOfAll int64
	total := len(files) * len(damages)
	for i := range n {
		at := i % total
		if n < total {
			at = i * total / n
		}
		path, d := files[at%len(files)], damages[at/len(files)%len(damages)]
		text, err := os.ReadFile(path)
		if err == nil {
			err = d.do(path, string(text))
		}
		if err != nil {
			t.lose("damaging %s: %v", path, err)
			return
		}
		damaged, _ := host.ReadFile(path, 1<<20)
		t.Count++
		what := fmt.Sprintf("%s %s", strings.TrimPrefix(path, t.Home+"/"), d.name)
		for _, argv := range [][]string{python, active} {
			r := t.RunIn(dir, argv...)
			if most = max(most, r.Peak); r.Peak > pythonPeak {
				t.lose("%s: %d MiB of memory", what, r.Peak>>10)
			}
			t.ran(what, r)
		}
		for _, argv := range [][]string{{"shim", "doctor", "--json"}, {"shim", "check", "--json"}, {"shim", "history", "--json"}, {"shim", "which", "--why"}, {"uv", "sync"}}[i%5 : i%5+1] {
			r := t.RunIn(dir, argv...)
			t.calm(what+", "+strings.Join(argv, " "), r)
			if mostOfAll = max(mostOfAll, r.Peak); r.Peak > commandPeak {
				t.lose("%s, %q: %d MiB of memory", what, argv, r.Peak>>10)
			}
		}
		if path == t.lock() {
			t.asides(what, damaged)
		}
		if err := t.bring(kept); err != nil {
			t.lose("%v", err)
			return
		}
	}
	t.figure("at most %d MiB for a python, %d MiB for a command", most>>10, mostOfAll>>10)
	t.keeps("in the end", append(seeds, pending, dir)...)
	os.Remove(t.libraries())
	os.RemoveAll(filepath.Join(t.Home, ".local/share/uv/tools"))
	os.RemoveAll(filepath.Join(t.Home, ".config/uv"))
	t.settled("in the end", t.undisturbed)
}

// asides checks that a lock which cannot be read is still there after a fold, set aside.
func (t *Trials) asides(what string, damaged []byte) {
	_, err := lock.Decode(damaged)
	if err == nil || errors.As(err, new(*lock.NewerError)) || len(damaged) == 0 {
		return
	}
	t.calm(what+", shim history", t.Run("shim", "history"))
	found, _ := filepath.Glob(t.lock() + ".corrupt-*")
	for _, path := range found {
		if text, err := host.ReadFile(path, 1<<20); err == nil && bytes.Equal(text, damaged) {
			return
		}
	}
	t.lose("%s: it was not set aside: %q", what, found)
}

// keep copies the home directory away, links and times and all, and bring brings it back.
func (t *Trials) keep() string {
	kept := filepath.Join(t.Dir, "kept")
	if r := t.Run("cp", "-a", t.Home, kept); r.Code != 0 {
		t.lose("keeping: %s", r)
	}
	return kept
}

func (t *Trials) bring(kept string) error {
	for _, part := range []string{".config", ".cache", ".local/state", ".local/share/uv/tools", ".local/share/shim/libraries", "src"} {
		from, to := filepath.Join(kept, part), filepath.Join(t.Home, part)
		if _, err := os.Lstat(from); err != nil {
			continue
		}
		if err := os.RemoveAll(to); err != nil {
			return err
		}
		if r := t.RunIn(t.Dir, "cp", "-a", from, to); r.Code != 0 {
			return fmt.Errorf("bringing back: %s", r)
		}
	}
	marker, build := filepath.Join(t.Shims, ".shim-dir"), filepath.Join(t.pythons(), keyOf(versions[0]), "BUILD")
	return errors.Join(os.RemoveAll(marker), put(marker, "", 0o644), os.RemoveAll(build), put(build, "20260101", 0o644))
}

// vanish runs calls while another goroutine damages and mends what they read.
func vanish(t *Trials, n int) {
	seeds := t.seed(3)
	dir := t.project()
	err := errors.Join(t.environment(dir), put(filepath.Join(dir, "pyproject.toml"), "[project]\nrequires-python = \">=3.12\"\n", 0o644))
	if err != nil {
		t.lose("%v", err)
		return
	}
	texts := map[string]string{}
	for _, path := range []string{t.policy(), filepath.Join(dir, ".python-version"), filepath.Join(dir, "pyproject.toml"), filepath.Join(dir, ".venv/pyvenv.cfg")} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.lose("%v", err)
			return
		}
		texts[path] = string(text)
	}
	done := make(chan bool)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			for path, text := range texts {
				select {
				case <-done:
					return
				default:
				}
				switch rand.IntN(5) {
				case 0:
					os.WriteFile(path, []byte(text[:rand.IntN(len(text))]), 0o644)
				case 1:
					os.Remove(path)
				case 2:
					os.Rename(path, path+"~")
				case 3:
					os.Truncate(path, 0)
				}
				time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
				os.WriteFile(path, []byte(text), 0o644)
			}
			// and what is remembered
			filepath.WalkDir(t.cache(), func(path string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() && rand.IntN(4) == 0 {
					os.Truncate(path, int64(rand.IntN(200)))
				}
				return nil
			})
			if rand.IntN(20) == 0 {
				t.forget()
			}
		}
	})
	var after []string
	for i := range n {
		at := dir
		if i%2 == 1 {
			at = t.project()
			after = append(after, at)
		}
		argv := python
		if i%4 == 2 {
			argv = append([]string{"env", "VIRTUAL_ENV=" + filepath.Join(dir, ".venv")}, python...)
		}
		r := t.RunIn(at, argv...)
		t.Count++
		// a policy cut in its middle, and a pin cut in its middle, are wrong, and each is told
		if r.Code != answer || strings.Count(r.Stderr, "\n") > 2 {
			t.lose("amid changes: %s", r)
		}
		t.calm("amid changes", r)
	}
	close(done)
	all.Wait()
	for path, text := range texts {
		os.Remove(path + "~")
		t.mend(path, text)
	}
	t.keeps("in the end", append(seeds, after...)...)
	t.settled("in the end", t.undisturbed)
}

// clock leaves behind what calls write on a day in 2099, and goes on today.
func clock(t *Trials, n int) {
	future := time.Date(2099, 12, 31, 23, 0, 0, 0, time.UTC)
	today := time.Now().UTC().Format(time.DateOnly)
	var dirs []string
	for i := range n {
		dir, r := t.cold()
		t.ran("before", r)
		dirs = append(dirs, dir)
		pending := ""
		if i%2 == 0 {
			pending = t.aside()
			dirs = append(dirs, pending)
		}
		then := func(path string) {
			text, err := os.ReadFile(path)
			if err == nil && !strings.Contains(path, "/elf/") {
				os.WriteFile(path, []byte(strings.ReplaceAll(string(text), today, "2099-12-31")), 0o600)
			}
			os.Chtimes(path, future, future)
		}
		for _, root := range []string{t.cache(), t.state(), filepath.Dir(t.policy()), dir} {
			filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() {
					then(path)
				}
				return nil
			})
		}
		records, _ := filepath.Glob(filepath.Join(t.pending(), "*.toml"))
		for _, path := range records { // a ULID of 2099
			os.Rename(path, filepath.Join(t.pending(), "03Q"+filepath.Base(path)[3:]))
		}
		for _, name := range []string{".tmp-03Q" + strings.Repeat("0", 23)} {
			t.mend(filepath.Join(t.pending(), name), "half a record")
			os.Chtimes(filepath.Join(t.pending(), name), future, future)
		}
		for _, dir := range []string{filepath.Dir(t.policy()), filepath.Join(t.cache(), "seen")} {
			name := filepath.Join(dir, ".shim-tmp-1")
			t.mend(name, "half a file")
			os.Chtimes(name, future, future)
		}
		t.Count++
		if i%3 == 2 {
			// brought back from a backup, without what was recorded since: it is recorded again
			os.Remove(t.lock())
			dirs = nil
		}
		r = t.RunIn(dir, python...)
		t.ran("in 2026 again", r)
		if r.Stderr != "" {
			t.lose("in 2026 again: %s", r)
		}
		dirs = append(dirs, dir)
		t.keeps("in 2026 again", dirs...)
		if left, _ := filepath.Glob(filepath.Join(t.pending(), "*")); len(left) > 0 {
			t.lose("pending: %q", left)
		}
	}
	// what a call of today leaves alone goes with the next that writes in the same directory
	t.undisturbed()
	if left := t.temporaries(); len(left) > 0 {
		t.lose("left behind: %q", left)
	}
}
