package mirror

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"uvshim/testscripts/parts"
)

// addReal lists p under two patch levels.
func (l *downloads) addReal(p parts.Python, tmp, final string) error {
	tree := filepath.Join(tmp, "tree")
	defer os.RemoveAll(tree)
	own, err := parseRelease(p.Version)
	if err != nil {
		return err
	}
	if err := layReal(tree, p, own); err != nil {
		return err
	}
	other := neighbour(own)
	var made downloads
	for _, r := range []release{own, other} {
		if err := setVersion(tree, own, r); err != nil {
			return err
		}
		if err := try(tree, r); err != nil {
			return err
		}
		if err := made.add(tree, tmp, final, r); err != nil {
			return err
		}
	}
	*l = append(*l, made...)
	return nil
}

// neighbour is the patch level after r, or the one before where the number would grow a digit:
// the text in the binary has just the room that it has.
func neighbour(r release) release {
	if r.last++; len(fmt.Sprint(r.last)) != len(fmt.Sprint(r.last-1)) {
		r.last -= 2
	}
	return r
}

// layReal copies p below dir so that it runs from anywhere, without what tests have no use for.
func layReal(dir string, p parts.Python, r release) error {
	bin, lib := filepath.Join(dir, "bin"), filepath.Join(dir, "lib")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	if err := copyFile(p.Exe, filepath.Join(bin, r.exe())); err != nil {
		return err
	}
	if err := link(bin, r); err != nil {
		return err
	}
	if err := copyStdlib(p.Stdlib, filepath.Join(lib, r.lib())); err != nil {
		return err
	}
	if p.Shared != "" {
		if err := copyFile(p.Shared, filepath.Join(lib, filepath.Base(p.Shared))); err != nil {
			return err
		}
	}
	if strip, err := exec.LookPath("strip"); err == nil {
		// for size only: a library that cannot be stripped stays as it is
		exec.Command(strip, "-S", filepath.Join(bin, r.exe()), filepath.Join(lib, filepath.Base(p.Shared))).Run()
	}
	return rewrite(dir, func(name string, data []byte) ([]byte, error) {
		switch {
		case bytes.HasPrefix(data, []byte("\x7fELF")):
			return relocate(data, p.Prefix)
		case strings.HasPrefix(name, "_sysconfigdata_") && p.Prefix != "/usr":
			// the prefix of python-build-standalone, which uv replaces by the real one
			return bytes.ReplaceAll(data, []byte(p.Prefix), []byte("/install")), nil
		}
		return data, nil
	})
}

// copyStdlib copies a standard library without the parts that are large and of no use to tests.
// Links are followed: Debian's lead out of the tree.
func copyStdlib(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		name, target := d.Name(), filepath.Join(to, rel)
		switch {
		case rel == "site-packages", rel == "dist-packages":
			if err := os.MkdirAll(target, 0o755); err != nil {
				return err
			}
			return fs.SkipDir
		case d.IsDir() && (name == "__pycache__" || name == "test" || name == "tests" || name == "idlelib" || name == "tkinter" ||
			name == "turtledemo" || name == "lib2to3" || strings.HasPrefix(name, "config-")):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case strings.HasPrefix(name, "_test") && strings.HasSuffix(name, ".so"), name == "EXTERNALLY-MANAGED":
			return nil
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			return nil // a link that leads nowhere
		}
		return copyFile(path, target)
	})
}

// relocate makes an ELF file find its libpython beside it, by the text of its RUNPATH, and no
// other Python by the prefix compiled in, which becomes that of python-build-standalone. Both are
// done in place. Only the head of the prefix is written over: linkers let a text that ends another
// one, such as the version at the end of pyenv's prefixes, stand for itself as well.
func relocate(data []byte, prefix string) ([]byte, error) {
	const origin, nowhere = "$ORIGIN/../lib\x00", "/install\x00"
	runpath := "\x00" + prefix + "/lib\x00"
	if i := bytes.Index(data, []byte(runpath)); i >= 0 {
		if len(runpath) < len(origin)+1 {
			return nil, fmt.Errorf("its RUNPATH %q has no room for %q", prefix+"/lib", origin)
		}
		data = bytes.ReplaceAll(data, []byte(runpath), pad("\x00"+origin, len(runpath)))
	}
	if len(prefix) >= len(nowhere) {
		data = bytes.ReplaceAll(data, []byte("\x00"+prefix+"\x00"), []byte("\x00"+nowhere+prefix[len(nowhere):]+"\x00"))
	}
	return data, nil
}

// pad returns text with zeros up to size.
func pad(text string, size int) []byte {
	return append([]byte(text), make([]byte, size-len(text))...)
}

// setVersion makes the tree, laid from own, call itself r. Either may be in it now.
func setVersion(dir string, own, r release) error {
	to := []byte(r.number() + "\x00")
	return rewrite(dir, func(name string, data []byte) ([]byte, error) {
		if name != own.exe() && !strings.HasPrefix(name, "libpython") {
			return data, nil
		}
		return bytes.ReplaceAll(data, []byte(own.number()+"\x00"), to), nil
	})
}

// rewrite passes each regular file below dir through edit.
func rewrite(dir string, edit func(name string, data []byte) ([]byte, error)) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		before, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		after, err := edit(d.Name(), before)
		if err != nil || bytes.Equal(before, after) {
			return err
		}
		return os.WriteFile(path, after, info.Mode().Perm())
	})
}

// try runs the Python where it lies now: it must find itself there and have the version asked for.
func try(tree string, r release) error {
	exe := filepath.Join(tree, "bin", r.exe())
	cmd := exec.Command(exe, "-I", "-B", "-c", "import platform, sys; print(platform.python_version(), sys.prefix)")
	cmd.Env = []string{"LANG=C.UTF-8"}
	out, err := cmd.CombinedOutput()
	if want := r.number() + " " + tree + "\n"; err != nil || string(out) != want {
		return fmt.Errorf("its copy prints %q (%v), want %q", out, err, want)
	}
	return nil
}

func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, info.Mode().Perm()|0o600)
}
