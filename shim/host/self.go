package host

import (
	"os"
	"path/filepath"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Executed returns the path that execve(2) was given for this process, as the caller spelled it,
// from the auxiliary vector; "" where there is none.
func Executed() string {
	const atExecfn = 31 // AT_EXECFN, getauxval(3)
	auxv, err := unix.Auxv()
	if err != nil {
		return ""
	}
	for _, entry := range auxv {
		if entry[0] == atExecfn && entry[1] != 0 {
			// The kernel put the string on our stack, where it stays. Reading it through the
			// address of the word keeps vet's rule that no integer becomes a pointer.
			return unix.BytePtrToString(*(**byte)(unsafe.Pointer(&entry[1])))
		}
	}
	return ""
}

// Self returns the path of this program's own file; "" without /proc.
func Self() string {
	path, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return ""
	}
	return path
}

// Marker is the name of the file that marks a directory of shims.
const Marker = ".shim-dir"

// A Finder looks for real programs on PATH: not in directories of shims, and not this program
// under another name.
type Finder struct {
	path  string
	dirs  []string // nil until asked for
	self  syscall.Stat_t
	known bool // self
}

// NewFinder returns a Finder over the absolute directories of path. Relative and empty entries
// stand for the working directory, and what lies there is not trusted.
func NewFinder(path string) *Finder { return &Finder{path: path} }

// isSelf reports whether a file is this program's.
func (f *Finder) isSelf(st *syscall.Stat_t) bool {
	if !f.known {
		f.known = true
		// /proc/self/exe is the file itself, whatever became of its name
		if syscall.Stat("/proc/self/exe", &f.self) != nil {
			if exe := Executed(); filepath.IsAbs(exe) {
				_ = syscall.Stat(exe, &f.self)
			}
		}
	}
	return st.Ino == f.self.Ino && st.Dev == f.self.Dev
}

// Dirs returns the directories that are searched, in order: absolute, without shims in them, each
// once.
func (f *Finder) Dirs() []string {
	if f.dirs != nil {
		return f.dirs
	}
	f.dirs = []string{}
	seen := map[string]bool{}
	for _, dir := range filepath.SplitList(f.path) {
		if !filepath.IsAbs(dir) || seen[dir] {
			continue
		}
		seen[dir] = true
		if _, err := os.Lstat(filepath.Join(dir, Marker)); err != nil {
			f.dirs = append(f.dirs, dir)
		}
	}
	return f.dirs
}

// Program returns the path of the first real program of that name.
func (f *Finder) Program(name string) (string, bool) {
	for _, dir := range f.Dirs() {
		if path := filepath.Join(dir, name); f.Runnable(path) {
			return path, true
		}
	}
	return "", false
}

// Runnable reports whether path is an executable file and not this program.
func (f *Finder) Runnable(path string) bool {
	var st syscall.Stat_t
	if syscall.Stat(path, &st) != nil || st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return false
	}
	return !f.isSelf(&st) && unix.Access(path, unix.X_OK) == nil
}

// Asking is the variable that is set for a Python which is run only to learn its version. A shim
// that finds it set was reached through another version manager, and declines.
const Asking = "SHIM_ASKING"
