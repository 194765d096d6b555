package nixld

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"uvshim/shim/host"
)

// FS is a file system in its own absolute path names, links followed unless said otherwise. The
// errors are those of the os package.
type FS interface {
	Open(path string) (*os.File, error) // never waits for a FIFO
	Stat(path string) (fs.FileInfo, error)
	Lstat(path string) (fs.FileInfo, error)
	Readlink(path string) (string, error)
	Real(path string) (string, error) // the path without links; an error if there is no such file
	ReadDir(path string) ([]fs.DirEntry, error)
}

// A System is where the files of one system are. Three are told apart:
//
//   - the running one;
//   - a generation, a built NixOS system such as ./result: /run/current-system and /etc are its
//     own, the loader's link is the one it would make with its tmpfiles rules, and all else,
//     /nix/store above all, is the running system's;
//   - a root, a whole file system below a directory: every path, link targets included, stays in it.
type System struct {
	dir   string            // empty for the running system
	links map[string]string // a generation's: links that are not, or not yet, what the disk has
	fd    int               // a root's: descriptor of dir, or -1 once closed
	plain bool              // a root's: do without openat2(2)
}

// Running returns the system this process runs in.
func Running() *System { return &System{fd: -1} }

// At returns the system at dir, an absolute path: a generation if dir has sw and nixos-version,
// else a root. The caller closes it.
func At(dir string) (*System, error) {
	if !filepath.IsAbs(dir) {
		return nil, fmt.Errorf("opening the system %q: not an absolute path", dir)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the system: %w", err)
	}
	fd, err := unix.Open(real, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the system: %w", &fs.PathError{Op: "open", Path: dir, Err: err})
	}
	if exists(filepath.Join(real, "sw")) && exists(filepath.Join(real, "nixos-version")) {
		unix.Close(fd)
		links, err := loaderLinks(filepath.Join(real, "etc/tmpfiles.d"))
		if err != nil {
			return nil, fmt.Errorf("opening the generation: %w", err)
		}
		links["/run/current-system"] = real
		links["/etc"] = filepath.Join(real, "etc")
		return &System{dir: real, links: links, fd: -1}, nil
	}
	return &System{dir: real, fd: fd}, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Close lets go of a root's directory. Files that are open stay so.
func (s *System) Close() error {
	if s.fd < 0 {
		return nil
	}
	err := unix.Close(s.fd)
	s.fd = -1
	return err
}

// Running reports whether s is the system this process runs in.
func (s *System) Running() bool { return s.dir == "" }

// Generation reports whether s is a generation.
func (s *System) Generation() bool { return s.links != nil }

func (s *System) isRoot() bool { return !s.Running() && !s.Generation() }

// Dir returns the directory of a generation or root, without links, and "" for the running system.
func (s *System) Dir() string { return s.dir }

// Open opens the file at path for reading.
func (s *System) Open(path string) (*os.File, error) {
	fd, err := s.open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// Stat returns what stat(2) says of path.
func (s *System) Stat(path string) (fs.FileInfo, error) {
	return s.stat("stat", path, unix.O_PATH)
}

// Lstat is Stat for a link itself.
func (s *System) Lstat(path string) (fs.FileInfo, error) {
	if s.Generation() {
		if real, err := s.walk(path, false); err == nil && s.links[real] != "" {
			return link{filepath.Base(real)}, nil
		}
	}
	return s.stat("lstat", path, unix.O_PATH|unix.O_NOFOLLOW)
}

func (s *System) stat(op, path string, flags int) (fs.FileInfo, error) {
	fd, err := s.open(path, flags)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	return f.Stat()
}

// Readlink returns the target of the link at path as it is written.
func (s *System) Readlink(path string) (string, error) {
	if s.Running() {
		return os.Readlink(path)
	}
	real, err := s.walk(path, false)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: path, Err: err}
	}
	if target, virtual := s.links[real]; virtual {
		return target, nil
	}
	return os.Readlink(s.host(real))
}

// Real returns path without any link, in the system's own names.
func (s *System) Real(path string) (string, error) {
	real, err := s.walk(path, true)
	if err != nil {
		return "", &fs.PathError{Op: "realpath", Path: path, Err: err}
	}
	return real, nil
}

// maxNames bounds the names in a directory. The Nix store of a machine that is never cleaned has some
// hundred thousand.
const maxNames = 500_000

// ReadDir returns the entries of the directory at path, sorted by name. Of too many it returns some and
// host.ErrTooMany.
func (s *System) ReadDir(path string) ([]fs.DirEntry, error) {
	// by its path without links, so that an entry's Info too is answered by this system
	real, err := s.walk(path, true)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return host.ReadDir(s.host(real), maxNames)
}

// open is open(2) in the system. The error is an errno.
func (s *System) open(path string, flags int) (int, error) {
	if s.isRoot() && !s.plain {
		fd, err := openat2(s.fd, path, flags)
		// before Linux 5.6 there is no such call, and seccomp filters older than that refuse it
		if err != unix.ENOSYS && err != unix.EPERM && err != unix.EAGAIN {
			return fd, err
		}
	}
	if !s.Running() {
		real, err := s.walk(path, flags&unix.O_NOFOLLOW == 0)
		if err != nil {
			return -1, err
		}
		path = s.host(real)
	}
	for {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// openat2 opens path below a root. The kernel resolves links inside it, whatever else happens to
// the directories meanwhile.
func openat2(dir int, path string, flags int) (fd int, err error) {
	how := unix.OpenHow{
		Flags:   uint64(flags) | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	for range 8 { // EAGAIN: a rename somewhere came between
		fd, err = unix.Openat2(dir, path, &how)
		if err != unix.EAGAIN && err != unix.EINTR {
			break
		}
	}
	return fd, err
}

// host returns the running system's name of a path without links.
func (s *System) host(real string) string {
	if s.isRoot() {
		return filepath.Join(s.dir, real)
	}
	return real
}

// maxLinks is the kernel's limit of links on one path (path_resolution(7)).
const maxLinks = 40

// walk resolves path by its names, as path_resolution(7) has it, each link where the system has
// it. With follow false the last name may be a link.
func (s *System) walk(path string, follow bool) (string, error) {
	if !filepath.IsAbs(path) || strings.Contains(path, "\x00") {
		return "", unix.EINVAL
	}
	real, rest, links := "/", path, 0
	for {
		rest = strings.TrimLeft(rest, "/")
		if rest == "" {
			return real, nil
		}
		if len(rest) > unix.PathMax {
			return "", unix.ENAMETOOLONG
		}
		name, tail, more := strings.Cut(rest, "/")
		rest = tail
		switch name {
		case ".":
			continue
		case "..":
			real = filepath.Dir(real)
			continue
		}
		here := filepath.Join(real, name)
		mode, target, err := s.look(here)
		switch {
		case err != nil:
			return "", err
		case mode&fs.ModeSymlink != 0 && (follow || more):
			if links++; links > maxLinks {
				return "", unix.ELOOP
			}
			if target == "" {
				return "", unix.ENOENT
			}
			if filepath.IsAbs(target) {
				real = "/"
			}
			if more {
				target += "/" + tail
			}
			rest = target
		case more && !mode.IsDir():
			return "", unix.ENOTDIR
		default:
			real = here
		}
	}
}

// look returns the type of the file at a path whose directory has no links, and a link's target.
func (s *System) look(path string) (mode fs.FileMode, target string, err error) {
	if s.Generation() {
		if target, ok := s.links[path]; ok {
			return fs.ModeSymlink, target, nil
		}
		// NixOS has nothing below these but the loaders' links
		switch dir := filepath.Dir(path); {
		case path == "/lib" || path == "/lib64":
			return fs.ModeDir, "", nil
		case dir == "/lib" || dir == "/lib64":
			return 0, "", unix.ENOENT
		}
	}
	info, err := os.Lstat(s.host(path))
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		target, err = os.Readlink(s.host(path))
	}
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err // its path is the running system's
		}
		return 0, "", err
	}
	return info.Mode(), target, nil
}

// maxText bounds the text files that are read: os-release, set-environment, tmpfiles rules.
const maxText = 1 << 20

var errNotRegular = errors.New("not a regular file")

// openRegular opens the regular file at path and returns its size.
func openRegular(sys FS, path string) (*os.File, int64, error) {
	f, err := sys.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: errNotRegular}
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// readAll returns the content of the regular file at path; more than limit bytes are an error.
func readAll(sys FS, path string, limit int64) ([]byte, error) {
	f, _, err := openRegular(sys, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = &fs.PathError{Op: "read", Path: path, Err: errors.New("file too large")}
	}
	return data, err
}
