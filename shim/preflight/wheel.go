package preflight

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"uvshim/policy/version"
	"uvshim/shim/elfdeps"
	"uvshim/shim/nixld"
	"uvshim/shim/nixld/attribute"
)

// Limits for what a crafted wheel can cost.
const (
	maxWheel     = 8 << 30  // bytes of the file
	maxDirectory = 16 << 20 // read to learn what is in it
	maxRatio     = 1100     // deflate cannot do better than 1032 to 1
	maxUnpacked  = 32 << 30 // bytes unpacked in one check, those that are read twice counted twice
	maxHead      = 16 << 20 // of an unpacked file, kept in memory
)

// Wheel returns what a .whl needs when it is installed for the Python of r, without unpacking it to
// disk: the loader is asked as if the wheel were a directory of sys.path. What comes with a
// distribution that the wheel depends on is not held against it. An error means that the wheel or
// the Python cannot be read.
func Wheel(r Request, name string) (Verdict, error) {
	v := Verdict{Outcome: OK, Python: r.Python}
	f, err := r.System.Open(name)
	if err != nil {
		return v, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return v, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxWheel {
		return v, fmt.Errorf("reading %s: no regular file of at most %d bytes", name, int64(maxWheel))
	}
	env, err := r.System.Environ(r.Env)
	if err != nil {
		v.Notes = append(v.Notes, err.Error())
	}
	release, _ := nixld.ReadRelease(r.System)
	v.NixOS, v.Release = release.NixOS, release.Nixpkgs()
	e, err := Find(r.System, env, r.Python)
	if err != nil {
		return v, err
	}
	state := nixld.Examine(r.System, env, e.Interp, e.Machine)
	v.nixLD(&state)
	v.Drivers = nixld.DriverDirs(r.System)
	v.Environment, v.Version = name, e.Interpreter.Version.String()
	if v.loader(&state); v.Outcome != OK || e.Interp == "" || state.Loader.Kind == nixld.Musl {
		return v, nil
	}
	fs, err := openWheel(storeFS{r.System.ELF()}, name, f, info.Size())
	if err != nil {
		return v, fmt.Errorf("reading %s: %w", name, err)
	}
	v.Notes = append(v.Notes, fs.notes...)
	e.wheelTag(name)
	s, start, err := v.begin(r, env, &e, &state, fs, nil)
	if err != nil {
		return v, err
	}
	s.parallel, s.wheel = 1, true // what is unpacked is kept in memory
	s.inside = append(s.inside, fs.root)
	var metadata []string
	suffixes := e.suffixes()
	for _, rel := range sortedKeys(fs.files) {
		first, rest, _ := strings.Cut(rel, "/")
		if strings.HasSuffix(first, ".dist-info") && rest == "METADATA" {
			metadata = append(metadata, fs.root+"/"+first)
		} else if library(path.Base(rel)) {
			s.files = append(s.files, fileAt(fs.root, rel, suffixes))
		}
	}
	s.dists = newDists(fs, metadata, s.most)
	v.scan(s, start)
	v.conclude()
	return v, nil
}

// fileAt returns the file rel of a directory of sys.path.
func fileAt(site, rel string, suffixes []string) file {
	f := file{path: site + "/" + rel, site: site, source: Given}
	dirs, base, _ := cutLast(rel, "/")
	importable := true
	for _, dir := range strings.Split(dirs, "/") {
		importable = importable && (dirs == "" || identifier(dir))
		f.optional = f.optional || optionalDir(dir)
	}
	if name, tagged, ok := moduleName(base, suffixes); ok && importable {
		f.module, f.tagged = name, tagged
	}
	return f
}

// wheelTag makes e an interpreter that the wheel is for, by its Python tag
// (NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl, PEP 427), so that its modules are taken for such.
func (e *Environment) wheelTag(name string) {
	part := strings.Split(strings.TrimSuffix(path.Base(name), ".whl"), "-")
	if len(part) < 5 || e.Interpreter.Impl != "cpython" {
		return
	}
	abi := part[len(part)-2]
	number, ok := strings.CutPrefix(abi, "cp")
	if !ok || len(number) < 2 {
		return // abi3 and none are for many
	}
	number, free := strings.CutSuffix(number, "t")
	number = strings.TrimSuffix(number, "m")
	v, err := version.ParseVersion(number[:1] + "." + number[1:])
	if err != nil {
		return
	}
	e.Interpreter.Version, e.Interpreter.Variant = v, ""
	if free {
		e.Interpreter.Variant = "freethreaded"
	}
}

// A wheelFS is a file system in which a wheel is a directory.
type wheelFS struct {
	elfdeps.FS
	root   string
	files  map[string]*wheelEntry
	dirs   map[string]bool
	notes  []string
	budget int64 // bytes that may still be unpacked
	head   int64 // bytes of a file's beginning that are kept in memory
}

type wheelEntry struct {
	*zip.File
	number uint64
}

func openWheel(under elfdeps.FS, name string, r io.ReaderAt, size int64) (*wheelFS, error) {
	limited := &limitedReader{r: r, left: maxDirectory}
	archive, err := zip.NewReader(limited, size)
	if err != nil {
		return nil, err
	}
	limited.left = -1
	w := &wheelFS{FS: under, root: path.Clean(name), files: map[string]*wheelEntry{}, dirs: map[string]bool{}, budget: maxUnpacked, head: maxHead}
	skip := func(name, why string) {
		if len(w.notes) < 20 {
			w.notes = append(w.notes, fmt.Sprintf("%q was not looked at: %s", name, why))
		}
	}
	for i, f := range archive.File {
		rel := f.Name
		switch {
		case strings.HasSuffix(rel, "/"):
			continue
		case !utf8.ValidString(rel):
			skip(rel, "its name is not UTF-8")
			continue
		case len(rel) >= maxPath-len(w.root):
			skip(rel[:min(100, len(rel))]+"…", "its name is too long")
			continue
		case !local(rel) || rel == "." || rel != path.Clean(rel) || strings.Contains(rel, "\\"):
			skip(rel, "its name leads out of the wheel")
			continue
		case !f.Mode().IsRegular():
			skip(rel, "it is no regular file")
			continue
		case f.UncompressedSize64/maxRatio > f.CompressedSize64:
			skip(rel, "it claims to unpack to more than can be in it")
			continue
		}
		// NAME-VERSION.data/platlib is site-packages (PEP 427)
		if first, rest, _ := strings.Cut(rel, "/"); strings.HasSuffix(first, ".data") {
			scheme, inner, ok := strings.Cut(rest, "/")
			if !ok || scheme != "platlib" && scheme != "purelib" {
				continue
			}
			rel = inner
		}
		if w.files[rel] != nil || w.dirs[rel] {
			skip(rel, "its name is there twice")
			continue
		}
		w.files[rel] = &wheelEntry{f, uint64(i) + 1}
		for dir := path.Dir(rel); dir != "." && !w.dirs[dir]; dir = path.Dir(dir) {
			w.dirs[dir] = true
		}
	}
	return w, nil
}

// inner returns the name in the wheel that a path stands for.
func (w *wheelFS) inner(name string) (rel string, ok bool) {
	name = path.Clean(name)
	if name == w.root {
		return "", true
	}
	return strings.CutPrefix(name, w.root+"/")
}

func (w *wheelFS) Real(name string) (string, error) {
	if _, ok := w.inner(name); ok {
		return path.Clean(name), nil
	}
	return w.FS.Real(name)
}

// wheelDev is the device of what is in a wheel, which no file system has.
const wheelDev = ^uint64(0)

func (w *wheelFS) Stat(name string) (elfdeps.Info, error) {
	rel, ok := w.inner(name)
	if !ok {
		return w.FS.Stat(name)
	}
	if f := w.files[rel]; f != nil {
		return f.info(), nil
	}
	if rel == "" || w.dirs[rel] {
		return elfdeps.Info{ID: elfdeps.ID{Dev: wheelDev}, Dir: true}, nil
	}
	return elfdeps.Info{}, unix.ENOENT
}

func (f *wheelEntry) info() elfdeps.Info {
	return elfdeps.Info{Regular: true, ID: elfdeps.ID{Dev: wheelDev, Ino: f.number, Size: int64(f.UncompressedSize64)}}
}

func (w *wheelFS) Open(name string) (elfdeps.File, error) {
	rel, ok := w.inner(name)
	if !ok {
		return w.FS.Open(name)
	}
	f := w.files[rel]
	if f == nil {
		return nil, unix.ENOENT
	}
	return &wheelFile{entry: f, fs: w}, nil
}

// A wheelFile unpacks as it is read. Its beginning stays in memory; to go back further it begins
// anew, which the loader's tables make it do a few times.
type wheelFile struct {
	entry *wheelEntry
	fs    *wheelFS
	head  []byte
	r     io.ReadCloser
	at    int64 // of r
	again int
}

func (f *wheelFile) Info() (elfdeps.Info, error) { return f.entry.info(), nil }

func (f *wheelFile) Close() error {
	if f.r != nil {
		return f.r.Close()
	}
	return nil
}

var (
	errBudget = errors.New("the wheel unpacks to more than is looked at")
	errAgain  = errors.New("the file makes its reader go back too often")
)

func (f *wheelFile) ReadAt(p []byte, off int64) (int, error) {
	size := int64(f.entry.UncompressedSize64)
	if off < 0 || off >= size {
		return 0, io.EOF
	}
	end := min(off+int64(len(p)), size)
	var tail error
	if end < off+int64(len(p)) {
		tail = io.EOF
	}
	p = p[:end-off]
	if end > int64(len(f.head)) && end <= f.fs.head {
		if err := f.grow(end); err != nil {
			return 0, err
		}
	}
	if end <= int64(len(f.head)) {
		return copy(p, f.head[off:end]), tail
	}
	if err := f.seek(off); err != nil {
		return 0, err
	}
	n, err := f.read(p)
	if err == nil {
		err = tail
	}
	return n, err
}

// grow unpacks the file's beginning up to end.
func (f *wheelFile) grow(end int64) error {
	if err := f.seek(int64(len(f.head))); err != nil {
		return err
	}
	more := make([]byte, min(max(end-f.at, 256<<10), int64(f.entry.UncompressedSize64)-f.at))
	n, err := f.read(more)
	f.head = append(f.head, more[:n]...)
	return err
}

// seek moves the reader to off.
func (f *wheelFile) seek(off int64) error {
	if f.r == nil || f.at > off {
		if f.again++; f.again > 32 {
			return errAgain
		}
		if f.r != nil {
			f.r.Close()
		}
		f.at = 0
		var err error
		if f.r, err = f.entry.Open(); err != nil {
			f.r = nil
			return err
		}
	}
	if off-f.at > f.fs.budget {
		return errBudget
	}
	n, err := io.CopyN(io.Discard, f.r, off-f.at)
	f.at += n
	f.fs.budget -= n
	return err
}

func (f *wheelFile) read(p []byte) (int, error) {
	if int64(len(p)) > f.fs.budget {
		return 0, errBudget
	}
	n, err := io.ReadFull(f.r, p)
	f.at += int64(n)
	f.fs.budget -= int64(n)
	return n, err
}

// A limitedReader fails when more than a number of bytes was read; a negative number is no limit.
type limitedReader struct {
	r    io.ReaderAt
	left int64
}

func (l *limitedReader) ReadAt(p []byte, off int64) (int, error) {
	if l.left >= 0 {
		if l.left -= int64(len(p)); l.left < 0 {
			return 0, errors.New("the directory of the archive is too large")
		}
	}
	return l.r.ReadAt(p, off)
}

// withDependency reports whether a missing soname of a wheel comes with a distribution that it will
// be installed with.
func (s *scan) withDependency(f *Finding) bool {
	if !s.wheel || f.Kind != MissingSoname {
		return false
	}
	return f.AttributeKind == attribute.Wheel
}
