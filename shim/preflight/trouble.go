package preflight

import (
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"uvshim/shim/elfdeps"
)

// passing reports whether an error says nothing of the file: that there were no descriptors or no
// memory left, or that a disk or server did not answer. The next look may find the file there, so
// nothing is concluded from such an error, and nothing remembered.
func passing(err error) bool {
	var errno unix.Errno
	if !errors.As(err, &errno) {
		return false
	}
	switch errno {
	case unix.EIO, unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.ENOBUFS, unix.EAGAIN, unix.EBUSY,
		unix.ESTALE, unix.ETIMEDOUT, unix.ENOTCONN, unix.EREMOTEIO, unix.EHOSTDOWN, unix.EHOSTUNREACH:
		return true
	}
	return false
}

// A trouble is the first passing error that a scan met.
type trouble struct {
	once sync.Once
	err  error
}

func (t *trouble) note(path string, err error) {
	if passing(err) {
		t.once.Do(func() { t.err = fmt.Errorf("looking at %s: %w", path, err) })
	}
}

// A noting is a file system that notes trouble.
type noting struct {
	elfdeps.FS
	trouble *trouble
}

func (n noting) Open(path string) (elfdeps.File, error) {
	f, err := n.FS.Open(path)
	if err != nil {
		n.trouble.note(path, err)
		return nil, err
	}
	return notingFile{f, n.trouble, path}, nil
}

func (n noting) Stat(path string) (elfdeps.Info, error) {
	info, err := n.FS.Stat(path)
	n.trouble.note(path, err)
	return info, err
}

func (n noting) Real(path string) (string, error) {
	real, err := n.FS.Real(path)
	n.trouble.note(path, err)
	return real, err
}

type notingFile struct {
	elfdeps.File
	trouble *trouble
	path    string
}

func (f notingFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	f.trouble.note(f.path, err)
	return n, err
}

func (f notingFile) Info() (elfdeps.Info, error) {
	info, err := f.File.Info()
	f.trouble.note(f.path, err)
	return info, err
}
