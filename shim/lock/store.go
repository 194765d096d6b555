package lock

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
)

const (
	maxLock    = 64 << 20 // bytes of a lock that is read or written
	smallLock  = 64 << 10 // bytes of a lock that a call on its way to a Python may rewrite
	smallBatch = 64       // records that such a call folds at most at once
	maxPasses  = 100      // looks at the pending directory in one fold
)

// A Store is a lock file and the pending directory that belongs to it.
type Store struct {
	Path    string // of the lock; may be a symbolic link
	Pending string // directory
	host    host.Host
	flock   func(fd, how int) error
}

// Open returns the store of h: shim/shim.lock and shim/pending in its state directory, or with
// SHIM_LOCK=FILE that file and FILE.pending; with SHIM_LOCK=/dev/null there is none. Nothing is read or
// created.
func Open(h host.Host) Store {
	s := Store{host: h, flock: unix.Flock}
	if file := h.Env.Get("SHIM_LOCK"); file != "" {
		if !filepath.IsAbs(file) {
			if h.Dir == "" {
				return s
			}
			file = filepath.Join(h.Dir, file)
		}
		if file = filepath.Clean(file); file == os.DevNull {
			return s
		}
		s.Path, s.Pending = file, file+".pending"
		return s
	}
	if state := h.Dirs().State; state != "" {
		s.Path, s.Pending = filepath.Join(state, "shim", "shim.lock"), filepath.Join(state, "shim", "pending")
	}
	return s
}

// Fold merges all pending records into the lock. It waits at most wait for the lock. What it returns
// is for the user to hear; records that could not be folded stay pending.
func (s Store) Fold(wait time.Duration) []error { return s.Edit(wait, nil) }

// Edit is Fold, then edit on the merged lock before it is written. Without an error, edit was called
// once and its result is on the disk.
func (s Store) Edit(wait time.Duration, edit func(*Lock)) []error {
	return s.update(limits{wait: wait, passes: maxPasses}, edit)
}

// TryFold folds as far as a call on its way to a Python may: only if nobody holds the lock, the
// lock is small, and some records at a time. That it did not fold is no error.
func (s Store) TryFold() []error {
	info, err := os.Stat(s.Path)
	if err == nil && info.Size() > smallLock {
		return nil
	}
	return slices.DeleteFunc(s.update(limits{batch: smallBatch, passes: 2}, nil), func(err error) bool {
		return errors.Is(err, ErrBusy)
	})
}

// Read folds what is pending, if it can, and returns the lock with all that is recorded. The lock can
// be used whatever the errors say. It is empty where the directory is another user's, or others can write what leads to it.
func (s Store) Read(wait time.Duration) (Lock, []error) {
	warnings := s.Fold(wait)
	// Pending before lock: a record that a fold moves meanwhile is then found twice, not never.
	names, err := s.pendingNames()
	warnings = warn(warnings, err)
	path, err := follow(s.Path)
	if err != nil {
		return Lock{}, warn(warnings, err)
	}
	if err := s.ours(s.Pending, filepath.Dir(path)); err != nil {
		if _, none := os.Lstat(path); none == nil || len(names) > 0 {
			warnings = warn(warnings, err)
		}
		return Lock{}, warnings
	}
	var left []pending
	for _, name := range names {
		p, err := s.readPending(name)
		if err == nil {
			left = append(left, p)
		} else if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errSchema) {
			warnings = warn(warnings, &CorruptError{Path: filepath.Join(s.Pending, name), Err: err})
		}
	}
	l, _, err := s.load(path)
	warnings = warn(warnings, err)
	m := newMerger(l)
	for _, p := range left {
		m.fold(p)
	}
	m.lock.normal()
	return *m.lock, warnings
}

// warn adds err, unless it is nil or was said already.
func warn(warnings []error, err error) []error {
	if err == nil || slices.ContainsFunc(warnings, func(w error) bool { return w.Error() == err.Error() }) {
		return warnings
	}
	return append(warnings, err)
}

type limits struct {
	wait   time.Duration // for the lock, each time
	batch  int           // records a pass; 0 is all
	passes int
}

func (s Store) update(lim limits, edit func(*Lock)) (warnings []error) {
	skip := map[string]bool{} // pending files that are not for us
	for range lim.passes {
		// Also after unlocking: whoever found the lock held meanwhile left its record to us.
		names, err := s.pendingNames()
		if err != nil {
			return warn(warnings, err)
		}
		names = slices.DeleteFunc(names, func(name string) bool { return skip[name] })
		if len(names) == 0 && edit == nil {
			return warnings
		}
		more, err := s.pass(lim, skip, edit)
		for _, w := range more {
			warnings = warn(warnings, w)
		}
		if err != nil {
			return warn(warnings, err)
		}
		edit = nil
	}
	return warnings
}

// pass takes the lock, folds what is pending now, and gives the lock back. It returns an error
// when there is no use in another pass.
func (s Store) pass(lim limits, skip map[string]bool, edit func(*Lock)) (warnings []error, err error) {
	path, err := follow(s.Path)
	if err != nil {
		return nil, err
	}
	if err := s.ours(s.Pending, filepath.Dir(path)); err != nil {
		return nil, err
	}
	guard, err := s.acquire(path+".lock", lim.wait)
	if err != nil {
		return nil, err
	}
	// Closing gives the lock back. It is also what keeps the file from being collected, and so
	// closed, before the end.
	defer guard.Close()

	l, old, err := s.load(path)
	var broken *CorruptError
	if err != nil && !errors.As(err, &broken) {
		return nil, err
	}
	names, err := s.pendingNames()
	if err != nil {
		return nil, err
	}
	s.sweep(time.Now())
	m := newMerger(l)
	var folded []string
	for _, name := range names {
		if skip[name] {
			continue
		}
		if lim.batch > 0 && len(folded) == lim.batch {
			break
		}
		p, err := s.readPending(name)
		if err == nil {
			m.fold(p)
			folded = append(folded, name)
			continue
		}
		skip[name] = true
		if !errors.Is(err, errSchema) && !errors.Is(err, fs.ErrNotExist) {
			warnings = append(warnings, s.reject(name, err))
		}
	}
	if len(folded) == 0 && edit == nil {
		return warnings, nil
	}
	if edit != nil {
		edit(m.lock)
	}
	if broken != nil {
		if err := setAside(broken); err != nil {
			return append(warnings, broken), err
		}
		warnings = append(warnings, broken)
	}
	if err := save(path, *m.lock, old); err != nil {
		return warnings, fmt.Errorf("writing the lock: %w", err)
	}
	// Oldest first, and none after one that stays: what a kill leaves behind are then the newest,
	// and folding them once more changes nothing.
	for _, name := range folded {
		if err := os.Remove(filepath.Join(s.Pending, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return warnings, fmt.Errorf("removing a folded record: %w", err)
		}
	}
	return warnings, nil
}

// reject sets a pending file aside whose contents make no sense, so that it is spoken of once.
func (s Store) reject(name string, err error) error {
	e := &CorruptError{Path: filepath.Join(s.Pending, name), Err: err}
	if errors.As(err, new(corrupt)) && os.Rename(e.Path, e.Path+".corrupt") == nil {
		e.Aside = e.Path + ".corrupt"
	}
	return e
}

// ours returns why nothing is recorded below one of dirs: it is another user's, or others can write it.
func (s Store) ours(dirs ...string) error {
	for _, dir := range dirs {
		if !s.host.Owns(dir) {
			return &NotOwnedError{dir}
		}
		if open := s.host.Exposed(dir); open != "" {
			return &ExposedError{open}
		}
	}
	return nil
}

// acquire opens the guard file at path and locks it. The guard is never renamed or removed, and it
// stands beside the lock itself, not beside a link to it: one lock has one guard.
func (s Store) acquire(path string, wait time.Duration) (*os.File, error) {
	// flock over NFS wants a file that is open for writing
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking: %w", err)
	}
	end, pause := time.Now().Add(wait), time.Millisecond
	for {
		err := s.flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return f, nil
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENOLCK), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
			f.Close()
			return nil, ErrNoFlock
		case !errors.Is(err, unix.EWOULDBLOCK):
			f.Close()
			return nil, fmt.Errorf("locking %q: %w", path, err)
		case !time.Now().Before(end):
			f.Close()
			return nil, ErrBusy
		}
		time.Sleep(pause)
		pause = min(2*pause, 20*time.Millisecond)
	}
}

// follow returns what the links at path lead to, be it there or not.
func follow(path string) (string, error) {
	if path == "" {
		return "", ErrNoPlace
	}
	for range 40 { // as many as the kernel follows
		target, err := os.Readlink(path)
		if err != nil {
			return path, nil
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	return "", &fs.PathError{Op: "open", Path: path, Err: unix.ELOOP}
}

// load reads the lock at path. No file, and one without a byte, is an empty lock. The error is a
// CorruptError, a NewerError, or says why the file cannot be read.
func (s Store) load(path string) (Lock, []byte, error) {
	text, err := s.host.ReadOwn(path, maxLock)
	if errors.Is(err, fs.ErrNotExist) {
		return Lock{}, nil, nil
	}
	if err != nil {
		return Lock{}, nil, fmt.Errorf("reading the lock: %w", err)
	}
	if len(text) == 0 {
		return Lock{}, nil, nil
	}
	l, err := Decode(text)
	var newer *NewerError
	if errors.As(err, &newer) {
		newer.Path = path
		return Lock{}, nil, newer
	}
	if err != nil {
		return Lock{}, nil, &CorruptError{Path: path, Err: err}
	}
	return l, text, nil
}

// setAside renames a corrupt lock to a free name. The guard is held, so that nobody else does.
func setAside(e *CorruptError) error {
	for n := 1; ; n++ {
		aside := fmt.Sprintf("%s.corrupt-%d", e.Path, n)
		err := unix.Renameat2(unix.AT_FDCWD, e.Path, unix.AT_FDCWD, aside, unix.RENAME_NOREPLACE)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // NFS has no such rename
			if _, err = os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
				err = os.Rename(e.Path, aside)
			} else if err == nil {
				err = unix.EEXIST
			}
		}
		if err == nil {
			e.Aside = aside
			return nil
		}
		if !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("setting the lock aside: %w", err)
		}
	}
}

// save makes l the contents of the lock at path, which are now old, durably.
func save(path string, l Lock, old []byte) error {
	text := Encode(l)
	if bytes.Equal(text, old) {
		return host.SyncDir(filepath.Dir(path)) // the rename that made it so may not be on the disk yet
	}
	if len(text) > maxLock {
		return host.ErrTooLarge
	}
	again, err := Decode(text)
	if err != nil || !bytes.Equal(Encode(again), text) {
		return errors.Join(errors.New("what would be written cannot be read back"), err)
	}
	// The guard is held: a file of this name was left by a kill.
	tmp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := create(tmp)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp)
		return err
	}
	return host.SyncDir(filepath.Dir(path))
}
