package elfdeps

import (
	"errors"
	"sync"

	"golang.org/x/sys/unix"
)

// A Memory keeps facts of files from one run to the next. It must be safe for concurrent use.
type Memory interface {
	Lookup(ID) (*Facts, bool)
	Store(ID, *Facts)
}

// Files reads each file once, however many processes ask for it, and remembers which are not there. It is made for one scan, during which the file system is taken to
// stand still, and is safe for concurrent use.
type Files struct {
	fs     FS
	memory Memory

	mu    sync.Mutex
	files map[string]*file
	byID  map[ID]*file // a file is often reached by several paths
}

// maxFiles is how many paths are remembered at once. More are asked for only by files that were
// made for it.
const maxFiles = 1 << 18

// A file is what came of trying to open one path: facts, or one of the errors.
type file struct {
	facts *Facts
	id    fileID
	err   error // of a file that is there but cannot be loaded. Class and machine may be known
	errno error // the file cannot be opened
}

// fileID is by what the loader knows that two paths are one file.
type fileID struct{ dev, ino uint64 }

// NewFiles returns the files of fs. memory may be nil.
func NewFiles(fs FS, memory Memory) *Files {
	return &Files{fs: fs, memory: memory, files: map[string]*file{}, byID: map[ID]*file{}}
}

// Facts returns the facts of the file at path, which is absolute. The error is a FormatError for a
// file that is there but not one to load, and an errno for one that cannot be opened.
func (fs *Files) Facts(path string) (*Facts, error) {
	f := fs.open(path)
	if f.errno != nil {
		return nil, f.errno
	}
	return f.facts, f.err
}

func (fs *Files) open(path string) *file {
	fs.mu.Lock()
	f := fs.files[path]
	fs.mu.Unlock()
	if f == nil {
		f = fs.read(path)
		fs.mu.Lock()
		if len(fs.files) >= maxFiles {
			clear(fs.files)
		}
		fs.files[path] = f
		fs.mu.Unlock()
	}
	return f
}

func (fs *Files) read(path string) *file {
	if fs.memory != nil {
		info, err := fs.fs.Stat(path)
		if err != nil {
			return &file{errno: err}
		}
		if facts, ok := fs.memory.Lookup(info.ID); ok && info.Regular {
			return &file{facts: facts, id: fileID{info.Dev, info.Ino}}
		}
	}
	r, err := fs.fs.Open(path)
	if err != nil {
		return &file{errno: err}
	}
	defer r.Close()
	info, err := r.Info()
	if err != nil {
		return &file{facts: new(Facts), err: err}
	}
	fs.mu.Lock()
	f := fs.byID[info.ID]
	fs.mu.Unlock()
	if f != nil {
		return f
	}
	f = &file{facts: new(Facts), id: fileID{info.Dev, info.Ino}}
	switch {
	case info.Dir:
		f.err = badFormat("cannot read file data: Is a directory")
	case !info.Regular:
		f.err = badFormat("not a regular file")
	default:
		*f.facts, f.err = Read(r, info.Size)
		if f.err == nil && fs.memory != nil {
			fs.memory.Store(info.ID, f.facts)
		}
	}
	fs.mu.Lock()
	if len(fs.byID) >= maxFiles {
		clear(fs.byID)
	}
	fs.byID[info.ID] = f
	fs.mu.Unlock()
	return f
}

// isDir reports whether path is a directory.
func (fs *Files) isDir(path string) bool {
	info, err := fs.fs.Stat(path)
	return err == nil && info.Dir
}

// absent reports whether after the error errno the loader goes on with the next directory.
func absent(errno error) bool {
	return errors.Is(errno, unix.ENOENT) || errors.Is(errno, unix.EACCES) || errors.Is(errno, unix.ENOTDIR)
}
