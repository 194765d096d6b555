package host

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrTooMany is returned, beside what was read, for a directory with more names than were asked for.
var ErrTooMany = errors.New("too many names in the directory")

// ReadDir returns at most limit entries of a directory, sorted by name, and reads no more than that: of
// a directory with millions of names os.ReadDir holds them all. A FIFO is not waited for.
func ReadDir(dir string, limit int) ([]fs.DirEntry, error) {
	f, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(limit + 1)
	if err == io.EOF {
		err = nil
	}
	if len(entries) > limit {
		entries, err = entries[:limit], &fs.PathError{Op: "read", Path: dir, Err: ErrTooMany}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// Names returns the names in a directory that keep says yes to, sorted, at most limit of them. No other
// name stays in memory. A FIFO is not waited for.
func Names(dir string, limit int, keep func(name string) bool) ([]string, error) {
	f, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var names []string
	for err == nil && len(names) <= limit {
		var some []string
		some, err = f.Readdirnames(500)
		for _, name := range some {
			if keep(name) {
				names = append(names, name)
			}
		}
	}
	if err == io.EOF {
		err = nil
	}
	if len(names) > limit {
		names, err = names[:limit], &fs.PathError{Op: "read", Path: dir, Err: ErrTooMany}
	}
	slices.Sort(names)
	return names, err
}
