package elfdeps

import (
	"io"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// An FS is where the loader looks for files: the machine's own file system, or a root directory or
// generation seen as if it were in use. Paths are absolute and taken as they stand: "a/../b" is
// not "b" where a is a link. Errors are, or wrap, the errno of the system call.
type FS interface {
	// Open opens a file for reading, as the loader would, but waits for no FIFO or device.
	Open(path string) (File, error)
	// Stat describes the file at path, links followed.
	Stat(path string) (Info, error)
	// Real returns the path without links, as /proc/self/exe would give it.
	Real(path string) (string, error)
}

// A File is an open file.
type File interface {
	io.ReaderAt
	io.Closer
	Info() (Info, error)
}

// Info tells what a file is and whether it is still the one looked at.
type Info struct {
	ID
	Regular, Dir bool
}

// An ID is the identity by which facts of a file are remembered. The change time is no part of it:
// every further hard link to a file changes it.
type ID struct {
	Dev, Ino uint64
	Size     int64
	Mtime    int64 // nanoseconds
}

// Host is the file system of this machine.
type Host struct{}

// Open implements FS.
func (Host) Open(path string) (File, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
		if err == nil {
			return FD(fd), nil
		}
		if err != unix.EINTR {
			return nil, err
		}
	}
}

// Stat implements FS.
func (Host) Stat(path string) (Info, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return Info{}, err
	}
	return info(&st), nil
}

// Real implements FS.
func (Host) Real(path string) (string, error) { return filepath.EvalSymlinks(path) }

// FD is a file descriptor as a File. It costs less than an os.File, which counts when thousands
// are opened.
type FD int

// ReadAt implements io.ReaderAt.
func (fd FD) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		n, err := unix.Pread(int(fd), p[done:], off+int64(done))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return done, err
		}
		if n == 0 {
			return done, io.EOF
		}
		done += n
	}
	return done, nil
}

// Close implements io.Closer.
func (fd FD) Close() error { return unix.Close(int(fd)) }

// Info implements File.
func (fd FD) Info() (Info, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(fd), &st); err != nil {
		return Info{}, err
	}
	return info(&st), nil
}

func info(st *unix.Stat_t) Info {
	kind := st.Mode & unix.S_IFMT
	return Info{
		ID:      ID{uint64(st.Dev), st.Ino, st.Size, st.Mtim.Nano()},
		Regular: kind == unix.S_IFREG,
		Dir:     kind == unix.S_IFDIR,
	}
}
