package doctor

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
	"uvshim/shim/lock"
)

// noHome is the fix where HOME is not set: the directory that the user's database has.
const noHome = `export HOME="$(getent passwd "$(id -u)" | cut -d: -f6)"`

// noLock is why a check of what is recorded is not made.
const noLock = "what is recorded cannot be read"

// lockReadable looks at the lock and at what waits to go into it.
func lockReadable(m *Machine) []Finding {
	l := m.lock()
	path := l.store.Path
	if path == "" {
		return one(Error, noHome, nil, "nothing is recorded: HOME is not set")
	}
	var found []Finding
	var newer *lock.NewerError
	switch {
	case errors.As(l.bad, &newer):
		found = one(Error, "# install the newer shim again", []string{path}, "the lock was written by a newer shim")
	case errors.Is(l.bad, fs.ErrPermission):
		found = one(Error, "chmod u+rw "+m.word(path), []string{path}, "the lock cannot be read: %v", l.bad)
	case l.garbled:
		// not a mv: another call may have set it aside by then and begun a new one
		found = one(Error, "shim link   # sets it aside, as the next call does that has something to record", []string{path + ": " + l.bad.Error()}, "the lock makes no sense")
	case l.bad != nil:
		found = one(Error, "mv "+m.word(path)+" "+m.word(path+".broken"), []string{path + ": " + l.bad.Error()}, "what is in the lock's place cannot be read")
	}
	var evidence []string
	for _, err := range l.errs {
		// what is set aside now was not there to be seen before: its file tells below
		var corrupt *lock.CorruptError
		if !errors.As(err, &corrupt) {
			evidence = append(evidence, err.Error())
		}
	}
	if evidence != nil {
		found = append(found, one(Warning, "ls -ld "+m.words([]string{filepath.Dir(path), l.store.Pending}), evidence, "what is recorded cannot be put into the lock")...)
	}
	aside, _ := filepath.Glob(path + ".corrupt-*")
	more, _ := filepath.Glob(filepath.Join(l.store.Pending, "*.corrupt"))
	if aside = append(aside, more...); len(aside) > 0 {
		found = append(found, m.aside(path, aside))
	}
	if found != nil {
		return found
	}
	return ok("%s can be read, and nothing is pending", m.tilde(path))
}

// aside tells of files that made no sense, which are the only copy of what was recorded in them: what
// is in each, and how to have it back.
func (m *Machine) aside(path string, files []string) Finding {
	var evidence, fix []string
	for _, file := range files {
		back := path
		if pending, ok := strings.CutSuffix(file, ".corrupt"); ok {
			back = pending
		}
		const most = 64 << 20
		text, err := host.ReadFile(file, most)
		if err == nil {
			_, err = lock.Decode(text)
		}
		seen := file + ": "
		for _, kind := range []string{"python", "project", "tool", "change"} {
			if n := strings.Count("\n"+string(text), "\n[["+kind+"]]"); n > 0 {
				seen += count(n, kind, kind+"s") + ", "
			}
		}
		mended := "   # once it can be read, in place of what was recorded since"
		if err != nil && back == path {
			fix = append(fix, "${EDITOR:-vi} "+m.word(file)+"   # mend what is wrong in it, then")
			seen += unwrapPath(err).Error()
		} else if back == path {
			seen, mended = seen+"it can be read", "   # in place of what was recorded since"
		} else {
			mended = "   # a record, once it is mended"
			seen += "a record of one call"
		}
		evidence = append(evidence, seen)
		fix = append(fix, "mv "+m.word(file)+" "+m.word(back)+mended)
	}
	fix = append(fix, "# or, to give it up: rm "+m.words(files))
	return one(Warning, strings.Join(fix, "\n"), evidence, "%s set aside for making no sense, the only copy of what is in it", many(files, "file of records was", "files of records were"))[0]
}

// changes tells of directories whose last command that was to change something failed.
func changes(m *Machine) []Finding {
	if m.lock().bad != nil {
		return skip("%s", noLock)
	}
	last := map[string]lock.Change{}
	for _, c := range m.lock().Change {
		last[c.Directory] = c
	}
	var evidence []string
	for dir, c := range last {
		if c.Exit != 0 {
			evidence = append(evidence, fmt.Sprintf("%s: %s (exit %d, %s)", dir, strings.Join(c.Argv, " "), c.Exit, c.Time.UTC().Format(time.DateOnly)))
		}
	}
	if evidence == nil {
		return ok("the last recorded change succeeded everywhere")
	}
	slices.Sort(evidence)
	return one(Info, "", evidence, "in %s the last change failed", many(evidence, "directory", "directories"))
}

// What is remembered may grow to this before it is worth a word. A verdict has some kilobytes, the
// facts of a thousand shared objects half a megabyte.
const (
	largeCache = 256 << 20
	manyFiles  = 100_000
)

// cache looks at what is remembered between calls.
func cache(m *Machine) []Finding {
	dir := m.Facts.Dir()
	if dir == "" {
		where := m.Dirs.Cache
		if own := filepath.Join(where, "shim"); where != "" && m.Host.Owns(own) {
			if at := m.Host.Exposed(own); at != "" {
				fix := "rm -r " + m.word(own) + "   # all of it is found out again"
				switch {
				case !m.Host.Owns(at):
					fix = "export XDG_CACHE_HOME=/…   # below directories that nobody else can write"
				case at != own:
					fix = "chmod go-w " + m.word(at) + " && " + fix
				}
				return one(Error, fix, []string{at}, "nothing is remembered or believed, and every call looks at everything anew: others can write the directory")
			}
		}
		if where == "" {
			return one(Warning, noHome, nil, "nothing is remembered, and every call looks at everything anew: HOME is not set")
		}
		if m.homeless() && !exists(where) {
			return one(Warning, noHome, nil, "nothing is remembered, and every call looks at everything anew: the home directory is not there")
		}
		return one(Warning, "sudo chown -R \"$(id -u)\" "+m.word(where), []string{where}, "nothing is remembered, and every call looks at everything anew: the directory belongs to another user")
	}
	if !exists(dir) {
		return ok("%s can be used", m.tilde(dir)) // the first look makes it, the next is to say the same
	}
	var found []Finding
	var closed []string
	size, files, stale := int64(0), 0, []string{}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			closed = append(closed, path)
			return nil
		case d.IsDir():
			if unix.Access(path, unix.W_OK|unix.X_OK) != nil {
				closed = append(closed, path)
			}
			return nil
		}
		if info, err := d.Info(); err == nil {
			size += info.Size()
		}
		if files++; files > manyFiles {
			return fs.SkipAll
		}
		if d.Type().IsRegular() && !currentSchema(path) {
			stale = append(stale, path)
		}
		return nil
	})
	if closed != nil {
		found = one(Warning, "chmod -R u+rwX "+m.word(dir), closed, "what is found out cannot be kept, and every call looks anew")
	}
	if len(stale) > 0 {
		found = append(found, one(Info, "rm "+m.words(stale), stale, "%s of another version of shim, and not used", many(stale, "remembered file is", "remembered files are"))...)
	}
	if size > largeCache || files > manyFiles {
		found = append(found, one(Info, "rm -r "+m.word(dir)+"   # all of it is found out again", []string{dir}, "what is remembered has grown large")...)
	}
	if found != nil {
		return found
	}
	return ok("%s can be used", m.tilde(dir))
}

// currentSchema reports whether a remembered file begins as this version writes it. Files without a
// byte are claims and locks.
func currentSchema(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true
	}
	defer f.Close()
	begin := make([]byte, 32)
	n, _ := f.Read(begin)
	text := string(begin[:n])
	return n == 0 || strings.HasPrefix(text, "shim remember 1\n") || strings.HasPrefix(text, "shim facts 1\n")
}

// interrupted looks for what a kill left behind of uv's installs, of shim sync, of shim link and of
// records: harmless, but a sign that what was wanted is not there.
func interrupted(m *Machine) []Finding {
	if m.UV.Busy() || locked(filepath.Join(m.Dirs.State, "shim", "sync.lock")) {
		return one(Info, "", nil, "uv or shim sync is at work: what the other checks say of Pythons and tools may be over in a moment")
	}
	var left []string
	for _, pattern := range []string{
		filepath.Join(m.UV.Python, ".temp", "*"), // uv-python-managed, ManagedPythonInstallations::scratch
		filepath.Join(m.Dirs.Data, "shim", "bin", ".new-*"),
		filepath.Join(m.lock().store.Pending, ".tmp-*"),
	} {
		if filepath.IsAbs(pattern) {
			found, _ := filepath.Glob(pattern)
			left = append(left, found...)
		}
	}
	if left == nil {
		return ok("nothing was left behind by an interrupted install, sync or link")
	}
	return one(Info, "rm -rf "+m.words(left)+"\nshim sync", left, "%s left behind by something that was interrupted", many(left, "file was", "files were"))
}

// locked reports whether a process holds the lock on a file.
func locked(path string) bool {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB) == unix.EWOULDBLOCK
}
