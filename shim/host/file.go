package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
	"golang.org/x/sys/unix"
)

// An Identity tells whether a file is still the one that was looked at: device, inode, size,
// modification and change time in nanoseconds, as one word of text.
type Identity string

// Missing is the identity of a file that is not there, so that its appearing is a change as well.
const Missing Identity = "-"

// Identify returns the identity of the file at path, links followed.
func Identify(path string) Identity {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return Missing
	}
	b := make([]byte, 0, 96)
	for _, n := range []int64{int64(st.Dev), int64(st.Ino), st.Size, st.Mtim.Nano(), st.Ctim.Nano()} {
		b = append(strconv.AppendInt(b, n, 10), ':')
	}
	return Identity(b[:len(b)-1])
}

// Rested reports whether the file's last change is older than d.
func (id Identity) Rested(d time.Duration) bool {
	ctime, err := strconv.ParseInt(string(id[strings.LastIndexByte(string(id), ':')+1:]), 10, 64)
	return err == nil && time.Since(time.Unix(0, ctime)) > d
}

// Real returns the absolute path with all links followed, like filepath.EvalSymlinks, but in three
// system calls and not in one or more for each directory on the way.
func Real(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var buf [unix.PathMax]byte
	n, err := unix.Readlink("/proc/self/fd/"+strconv.Itoa(fd), buf[:])
	if err != nil || n == len(buf) || buf[0] != '/' {
		return filepath.EvalSymlinks(path) // no /proc, or no path that leads there
	}
	return string(buf[:n]), nil
}

// ErrTooLarge is returned by ReadFile for a file over its limit.
var ErrTooLarge = errors.New("file too large")

// ErrIrregular is returned by ReadFile for what is there and no regular file.
var ErrIrregular = errors.New("not a regular file")

// ReadFile reads a regular file of at most limit bytes. A FIFO, device or directory at path is an
// error and is never waited for. It makes the system calls itself: os.Open would set up a poller,
// which costs a warm call more than the reading.
func ReadFile(path string, limit int64) ([]byte, error) { return readFile(path, limit, nil) }

// readFile is ReadFile for a file whose owner is believed, nil for any.
func readFile(path string, limit int64, believed func(uid uint32) bool) ([]byte, error) {
	fail := func(op string, err error) ([]byte, error) {
		return nil, &fs.PathError{Op: op, Path: path, Err: err}
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fail("open", err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fail("stat", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return fail("read", ErrIrregular)
	}
	if believed != nil && !believed(st.Uid) {
		return fail("read", ErrForeign)
	}
	if st.Size > limit {
		return fail("read", ErrTooLarge)
	}
	data := make([]byte, 0, min(st.Size, limit)+1)
	for {
		if int64(len(data)) > limit {
			return fail("read", ErrTooLarge)
		}
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := unix.Read(fd, data[len(data):cap(data)])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return fail("read", err)
		case n == 0:
			return data, nil
		default:
			data = data[:len(data)+n]
			if int64(len(data)) == st.Size && st.Size <= limit {
				return data, nil // asking for more to be told that there is none costs a call
			}
		}
	}
}

// WriteFile puts data at path so that a reader, or a power loss, finds the old file or the new
// one: temporary file, fsync, rename, fsync of the directory. A link at path is replaced, and what it
// leads to left alone: who plants a link is not to choose what is overwritten. What a kill left of an
// earlier call in that directory is removed.
func WriteFile(path string, data []byte, perm fs.FileMode) error {
	dir := filepath.Dir(path)
	sweep(dir, time.Now())
	tmp, err := os.CreateTemp(dir, tmpPrefix+"*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // after the rename there is nothing of that name
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(perm), tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return SyncDir(dir)
}

// Of WriteFile's temporaries: how their names begin, how long a writer may take, and among how many
// names they are looked for.
const (
	tmpPrefix = ".shim-tmp-"
	keepTmp   = time.Hour
	maxSwept  = 5000
)

// sweep removes the temporaries of WriteFile in dir whose writers are gone: those of more than an hour
// before now, and of more than an hour after it, when the clock was wrong.
func sweep(dir string, now time.Time) {
	entries, _ := ReadDir(dir, maxSwept)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), tmpPrefix) || !e.Type().IsRegular() {
			continue
		}
		if info, err := e.Info(); err == nil && now.Sub(info.ModTime()).Abs() > keepTmp {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// SyncDir makes the names in dir last through a power loss, on file systems that know how to: some of
// FUSE and of networks answer EINVAL (fsync(2)), and there the names last as they may.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	err = d.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	return err
}

// Owns reports whether the effective user owns the nearest existing directory at or above dir:
// only there does shim create files, so that sudo with a user's HOME leaves nothing of root's. That
// directory must not be the top of the file system either: a home that is not there, such as the
// /nonexistent of system users, is not for us to make.
func (h Host) Owns(dir string) bool {
	for asked := dir; ; {
		info, err := os.Stat(dir)
		if err == nil {
			st, ok := info.Sys().(*syscall.Stat_t)
			return ok && info.IsDir() && int(st.Uid) == h.UID && (dir != "/" || asked == "/")
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || parent == dir {
			return false
		}
		dir = parent
	}
}

// Terminal reports whether f is a terminal.
func Terminal(f *os.File) bool {
	return f != nil && isatty.IsTerminal(f.Fd())
}
