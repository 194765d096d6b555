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

// ErrTooLarge is returned by ReadFile for a file over its limit.
var ErrTooLarge = errors.New("file too large")

// ReadFile reads a regular file of at most limit bytes. A FIFO, device or directory at path is an
// error and is never waited for. It makes the system calls itself: os.Open would set up a poller,
// which costs a warm call more than the reading.
func ReadFile(path string, limit int64) ([]byte, error) {
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
		return fail("read", errors.New("not a regular file"))
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
// one: temporary file, fsync, rename, fsync of the directory. A link at path stays a link, and its
// target is replaced.
func WriteFile(path string, data []byte, perm fs.FileMode) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".tmp-*")
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

// SyncDir makes the names in dir last through a power loss.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
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
