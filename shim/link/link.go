// Package link makes the shims: a copy of the program in the shim directory, and hard links to it
// under the other names.
//
// They are no symlinks. PDM and IDEs follow those and would run `shim`; and a link into the Nix
// store dangles after garbage collection, or inside a container.
package link

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"uvshim/policy/version"
	"uvshim/shim/host"
)

//go:embed env.sh
var envSh []byte

//go:embed env.fish
var envFish []byte

// Program is the name of the copy that the other names are links to.
const Program = "shim"

// A Result tells what Make did to the names in the shim directory.
type Result struct {
	Dir     string
	Made    []string // new, or now of this program
	Removed []string // shims that are not wanted any more
	Kept    []string // already as they should be
}

// Dir returns the shim directory below a data directory.
func Dir(data string) string { return filepath.Join(data, "shim", "bin") }

// Names returns the names for the shims: python, python3, uv, uvx, pip and pip3; python3.N[t] for
// each of the interpreters; and PyPy's where one is among them.
func Names(interpreters []version.Interpreter) []string {
	names := []string{"python", "python3", "uv", "uvx", "pip", "pip3"}
	for _, i := range interpreters {
		exe := i.Executable()
		if _, ok := version.FromName(exe); !ok {
			continue
		}
		if i.Impl == "pypy" {
			names = append(names, "pypy", "pypy3")
		}
		names = append(names, exe)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Make brings the shim directory below data up to date: program, an open executable, under the
// name shim and all names; shims of other names removed; beside it the files that shells read for
// their PATH. Each name is replaced at once, so that no call finds it missing. What is no shim is
// left alone, and an error if it has one of the names.
func Make(data string, program *os.File, names []string) (Result, error) {
	dir := Dir(data)
	r := Result{Dir: dir}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return r, err
	}
	release := hold(dir)
	defer release()
	// The marker first: with shims in it and no marker, the directory would be taken for a real one.
	if err := mark(filepath.Join(dir, host.Marker)); err != nil {
		return r, err
	}
	for name, text := range map[string][]byte{"env.sh": envSh, "env.fish": envFish} {
		if err := refresh(filepath.Join(data, "shim", name), text); err != nil {
			return r, err
		}
	}
	base := filepath.Join(dir, Program)
	switch same, err := sameContent(base, program); {
	case err != nil:
		return r, err
	case same:
		r.Kept = append(r.Kept, Program)
	default:
		if err := copyTo(base, program); err != nil {
			return r, err
		}
		r.Made = append(r.Made, Program)
	}
	for _, name := range names {
		made, err := hardLink(base, filepath.Join(dir, name))
		if err != nil {
			return r, err
		}
		if made {
			r.Made = append(r.Made, name)
		} else {
			r.Kept = append(r.Kept, name)
		}
	}
	err := r.removeOthers(append(names, Program))
	return r, errors.Join(err, host.SyncDir(dir))
}

// hold keeps other runs away from dir until release is called: their temporaries have the same names,
// and each removes what it takes for an interrupted run's. One that does not come to its end, and a
// file system without locks, are not waited for.
func hold(dir string) (release func()) {
	d, err := os.Open(dir)
	if err != nil {
		return func() {}
	}
	for end := time.Now().Add(holdWait); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != unix.EWOULDBLOCK && err != unix.EINTR {
			break
		}
	}
	return func() { d.Close() }
}

const holdWait = 5 * time.Second

// mark makes the marker unless something of its name is there, be it a link, which is not followed.
func mark(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// refresh writes a file that differs from text. A link in its place is replaced, and what it leads to
// left alone.
func refresh(path string, text []byte) error {
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSymlink != 0 {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if old, err := host.ReadFile(path, 1<<20); err == nil && bytes.Equal(old, text) {
		return nil
	}
	return host.WriteFile(path, text, 0o644)
}

func sameContent(path string, program *os.File) (bool, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	ours, err := program.Stat()
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm() != 0o755 || info.Size() != ours.Size() {
		return false, nil
	}
	there, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	here := make([]byte, ours.Size())
	if _, err := program.ReadAt(here, 0); err != nil && err != io.EOF {
		return false, err
	}
	return bytes.Equal(there, here), nil
}

func copyTo(path string, program *os.File) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), temporary+"*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	// In one write: written in pieces, the page cache holds it in small folios, and every start of
	// the program takes 50 page faults, 0.1 ms, more.
	text, err := io.ReadAll(io.NewSectionReader(program, 0, 1<<40))
	if err == nil {
		_, err = tmp.Write(text)
	}
	if err := errors.Join(err, tmp.Chmod(0o755), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// hardLink makes path another name of base, and reports whether it was not.
func hardLink(base, path string) (bool, error) {
	want, err := os.Stat(base)
	if err != nil {
		return false, err
	}
	if have, err := os.Lstat(path); err == nil {
		if os.SameFile(want, have) {
			return false, nil
		}
		if !have.Mode().IsRegular() && have.Mode()&os.ModeSymlink == 0 {
			return false, fmt.Errorf("%s is in the way: not a shim", path)
		}
	}
	tmp := filepath.Join(filepath.Dir(path), temporary+filepath.Base(path))
	_ = os.Remove(tmp)
	if err := os.Link(base, tmp); err != nil {
		// a file system without hard links
		program, err := os.Open(base)
		if err != nil {
			return false, err
		}
		defer program.Close()
		return true, copyTo(path, program)
	}
	defer os.Remove(tmp)
	return true, os.Rename(tmp, path)
}

// temporary begins the names of files that an interrupted Make may leave.
const temporary = ".new-"

// removeOthers removes the shims that are not among names, and what an interrupted Make left.
func (r *Result) removeOthers(names []string) error {
	entries, err := os.ReadDir(r.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		_, ours := version.FromName(name)
		if strings.HasPrefix(name, temporary) {
			err = errors.Join(err, os.Remove(filepath.Join(r.Dir, name)))
		} else if ours && !slices.Contains(names, name) {
			err = errors.Join(err, os.Remove(filepath.Join(r.Dir, name)))
			r.Removed = append(r.Removed, name)
		}
	}
	return err
}
