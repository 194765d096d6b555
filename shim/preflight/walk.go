package preflight

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"uvshim/shim/nixld"
)

// A file is a shared object that a walk came upon.
type file struct {
	path     string
	site     string // the directory of sys.path that it is below
	module   string // last part of its name; empty for what cannot be imported
	tagged   bool   // its suffix says that it is a module
	optional bool   // by its place
	source   Source
}

const maxDepth = 40 // directories in one another

// A walker lists the shared objects below directories. Links to directories are followed only
// where an import would follow them.
type walker struct {
	sys      nixld.FS
	fast     bool // the running system: ask the kernel
	suffixes []string
	stop     func() bool
	most     bounds

	limit chan struct{} // tokens for further goroutines
	group sync.WaitGroup
	names atomic.Int64 // of directories and links
	cut   atomic.Bool  // stopped before the end
	more  atomic.Bool  // there are more names than are looked at

	mu    sync.Mutex
	seen  map[fileID]bool
	files []file
	paths int      // bytes of their paths
	over  int      // further shared objects, which are only counted
	dists []string // paths of .dist-info and .egg-info
	notes []string
}

type fileID struct{ dev, ino uint64 }

// A dirEntry is one name in a directory, with its type if that is known.
type dirEntry struct {
	name string
	kind byte // unix.DT_*
}

func newWalker(sys nixld.FS, fast bool, suffixes []string, parallel int, stop func() bool, most bounds) *walker {
	return &walker{sys: sys, fast: fast, suffixes: suffixes, stop: stop, most: most,
		limit: make(chan struct{}, max(parallel-1, 0)), seen: map[fileID]bool{}}
}

// walk lists what is below the directories, sorted by path.
func (w *walker) walk(dirs []Dir) {
	for _, dir := range dirs {
		w.dir(step{path: dir.Path, site: dir.Path, source: dir.Source, importable: true})
		w.group.Wait()
	}
	slices.SortFunc(w.files, func(a, b file) int { return strings.Compare(a.path, b.path) })
	slices.Sort(w.dists)
	slices.Sort(w.notes)
}

// A step is a directory on the way.
type step struct {
	path, site string
	source     Source
	importable bool // all names down to here can be imported
	optional   bool
	depth      int
	link       bool
}

func (w *walker) dir(s step) {
	if w.stop() {
		w.cut.Store(true)
		return
	}
	if w.more.Load() || !w.enter(s) {
		return
	}
	entries, err := w.list(s)
	if err != nil {
		w.note("%s cannot be read: %v", s.path, err)
	}
	for _, entry := range entries {
		if w.stop() {
			w.cut.Store(true)
			return
		}
		if entry.kind == unix.DT_UNKNOWN || entry.kind == unix.DT_LNK && (library(entry.name) || identifier(entry.name)) {
			w.resolve(s.path, &entry)
		}
		switch entry.kind {
		case unix.DT_DIR, linkToDir:
			w.descend(s, entry)
		case unix.DT_REG:
			w.regular(s, entry.name)
		}
	}
}

// linkToDir is an entry that is a link to a directory. No DT_ constant has this value.
const linkToDir = 255

// resolve finds out what an entry is whose directory does not tell.
func (w *walker) resolve(dir string, entry *dirEntry) {
	name := dir + "/" + entry.name
	link := entry.kind == unix.DT_LNK
	if !link {
		if info, err := w.sys.Lstat(name); err == nil {
			link = info.Mode()&fs.ModeSymlink != 0
		}
	}
	info, err := w.sys.Stat(name)
	switch {
	case err != nil:
		entry.kind = unix.DT_UNKNOWN
	case info.IsDir() && link:
		entry.kind = linkToDir
	case info.IsDir():
		entry.kind = unix.DT_DIR
	case info.Mode().IsRegular():
		entry.kind = unix.DT_REG
	default:
		entry.kind = unix.DT_CHR
	}
}

func (w *walker) descend(s step, entry dirEntry) {
	name := entry.name
	switch {
	case strings.HasSuffix(name, ".dist-info") || strings.HasSuffix(name, ".egg-info"):
		w.dist(s.path + "/" + name)
		return
	case name == "__pycache__" || strings.HasPrefix(name, "."):
		return
	case s.source == Stdlib && (name == "site-packages" || name == "dist-packages"):
		return
	}
	next := s
	next.path, next.depth = s.path+"/"+name, s.depth+1
	next.importable = s.importable && identifier(name)
	next.optional = s.optional || optionalDir(name)
	next.link = entry.kind == linkToDir
	if next.link && !next.importable {
		return
	}
	if next.depth > maxDepth || len(next.path) >= maxPath {
		w.note("below %s there are directories too deep to look at", s.site)
		return
	}
	select {
	case w.limit <- struct{}{}:
		w.group.Add(1)
		go func() {
			defer func() { <-w.limit; w.group.Done() }()
			w.dir(next)
		}()
	default:
		w.dir(next)
	}
}

// enter reports whether a directory was not entered before. Only links and starting points can
// lead to one a second time, and it is asked of them and of what they may lead back to.
func (w *walker) enter(s step) bool {
	if s.depth > 0 && !s.link {
		return true
	}
	id, ok := w.id(s.path)
	if !ok {
		return s.depth == 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen[id] {
		return false
	}
	w.seen[id] = true
	return true
}

func (w *walker) id(name string) (fileID, bool) {
	if w.fast {
		var st unix.Stat_t
		if unix.Stat(name, &st) != nil {
			return fileID{}, false
		}
		return fileID{uint64(st.Dev), st.Ino}, true
	}
	info, err := w.sys.Stat(name)
	if err != nil {
		return fileID{}, false
	}
	return infoID(info)
}

func (w *walker) library(s step, name string) {
	w.mu.Lock()
	w.paths += len(s.path) + 1 + len(name)
	over := len(w.files) >= w.most.files || w.paths > w.most.paths
	if over {
		w.over++
	}
	w.mu.Unlock()
	if over {
		return
	}
	f := file{path: s.path + "/" + name, site: s.site, source: s.source, optional: s.optional}
	if module, tagged, ok := moduleName(name, w.suffixes); ok && s.importable {
		f.module, f.tagged = module, tagged
		if s.source == Stdlib {
			f.optional = f.optional || optionalStdlib(module)
		}
	}
	w.mu.Lock()
	w.files = append(w.files, f)
	w.mu.Unlock()
}

func (w *walker) dist(name string) {
	w.mu.Lock()
	over := len(w.dists) >= w.most.dists
	if !over {
		w.dists = append(w.dists, name)
	}
	w.mu.Unlock()
	if over {
		w.note("there are more than %d distributions", w.most.dists)
	}
}

func (w *walker) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if text := fmt.Sprintf(format, args...); len(w.notes) < maxNotes && !slices.Contains(w.notes, text) {
		w.notes = append(w.notes, text)
	}
}

// list returns the names in a directory that may be directories or links, in no order, as far as they
// can still be taken; what else is of use is taken up at once. On the running system it asks the
// kernel itself: os.ReadDir sorts, and its entries cost more than the answer.
func (w *walker) list(s step) (out []dirEntry, err error) {
	room := w.most.names - int(w.names.Load())
	defer func() {
		if w.names.Add(int64(len(out))) > int64(w.most.names) {
			w.more.Store(true)
		}
	}()
	if !w.fast {
		entries, err := w.sys.ReadDir(s.path)
		for _, entry := range entries {
			switch kind := entry.Type(); {
			case kind.IsRegular():
				w.regular(s, entry.Name())
			case kind.IsDir():
				out = append(out, dirEntry{entry.Name(), unix.DT_DIR})
			default:
				out = append(out, dirEntry{entry.Name(), unix.DT_UNKNOWN})
			}
		}
		return out, err
	}
	fd, err := unix.Open(s.path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	for len(out) <= room {
		if w.stop() {
			w.cut.Store(true)
			break
		}
		n, err := unix.Getdents(fd, *buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return out, err
		}
		out = w.entries(s, out, (*buf)[:n])
	}
	return out, nil
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// entries reads linux_dirent64 structures (getdents64(2)). Of what is neither a directory nor a link
// only libraries and distributions are of use.
func (w *walker) entries(s step, out []dirEntry, b []byte) []dirEntry {
	const head = 19 // inode, offset, length, type
	for len(b) > head {
		size := int(binary.NativeEndian.Uint16(b[16:]))
		if size <= head || size > len(b) {
			break
		}
		kind, name := b[18], b[head:size]
		b = b[size:]
		if i := slices.Index(name, 0); i >= 0 {
			name = name[:i]
		}
		switch kind {
		case unix.DT_REG:
			w.regular(s, string(name))
		case unix.DT_DIR, unix.DT_LNK, unix.DT_UNKNOWN:
			if string(name) != "." && string(name) != ".." {
				out = append(out, dirEntry{string(name), kind})
			}
		}
	}
	return out
}

// regular takes up a regular file.
func (w *walker) regular(s step, name string) {
	if library(name) {
		w.library(s, name)
	} else if s.depth == 0 && strings.HasSuffix(name, ".egg-info") {
		w.dist(s.path + "/" + name)
	}
}

// infoID returns the identity in what stat(2) said.
func infoID(info fs.FileInfo) (fileID, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileID{}, false
	}
	return fileID{uint64(st.Dev), st.Ino}, true
}
