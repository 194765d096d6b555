package nixroot

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"uvshim/testscripts/mirror"
	"uvshim/testscripts/parts"
)

// A Python is the CPython that uv manages in a root, as it is called inside.
type Python struct {
	Minor   string // "3.13"
	Version string // "3.13.0"
	Prefix  string // ~/.local/share/uv/python/cpython-3.13.0-linux-x86_64-gnu
	Exe     string // through uv's link of the minor: .../cpython-3.13-linux-x86_64-gnu/bin/python3.13
}

const pythonDir = userHome + "/.local/share/uv/python"

// python returns the CPython of that minor, or else the newest of this machine that can be moved,
// and the directory in the cache that has it. It is made to be like python-build-standalone's:
// relocatable, in need of glibc alone, DT_RPATH $ORIGIN/../lib. What that one links statically, lib/bundled has as shared
// libraries under sonames of its own, since a libz.so.1 that the interpreter has loaded would
// serve a wheel too, and no missing zlib would ever be seen.
func python(t testing.TB, name string) (Python, string) {
	t.Helper()
	m := mirror.Real(t)
	if len(m.Minors) == 0 {
		parts.Missing(t, fmt.Errorf("the mirror has no Python of this machine"))
	}
	minor := m.Minors[0]
	if name != "" {
		i := slices.IndexFunc(m.Minors, func(m mirror.Minor) bool { return m.Name == name })
		if i < 0 {
			parts.Missing(t, fmt.Errorf("this machine has no Python %s that can be moved", name))
		}
		minor = m.Minors[i]
	}
	// of the two patches of a minor, one is what sys.version_info says
	version := minor.Old
	for _, p := range parts.Pythons(t) {
		if p.Minor == minor.Name {
			version = p.Version
		}
	}
	archive := filepath.Join(filepath.Dir(m.All), "cpython-"+version+".tar.gz")
	p := Python{Minor: minor.Name, Version: version, Prefix: pythonDir + "/cpython-" + version + "-linux-x86_64-gnu"}
	p.Exe = pythonDir + "/cpython-" + p.Minor + "-linux-x86_64-gnu/bin/python" + p.Minor

	id := hash("python 2", archive)
	dir, err := parts.Cached("nixroot-python-"+version+"-"+id[:12], func(tmp, final string) error {
		fmt.Fprintf(os.Stderr, "tests: making a Python for roots in %s\n", final)
		return layPython(p, archive, tmp)
	})
	if err != nil {
		if isLacking(err) {
			parts.Missing(t, err)
		}
		t.Fatalf("making the Python of a root: %v", err)
	}
	return p, filepath.Join(dir, "python")
}

// layPython unpacks a mirror's archive below dir and makes it what python says.
func layPython(p Python, archive, dir string) error {
	if _, err := run("tar", "-xzf", archive, "-C", dir); err != nil {
		return err
	}
	root := filepath.Join(dir, "python")
	lib := filepath.Join(root, "lib")
	modules := filepath.Join(lib, "python"+p.Minor, "lib-dynload")
	entries, err := os.ReadDir(modules)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		file := filepath.Join(modules, entry.Name())
		switch {
		case !isELF(file):
			continue
		case strings.HasPrefix(entry.Name(), "_tkinter"), strings.HasPrefix(entry.Name(), "nis"):
			err = os.Remove(file)
		default:
			err = bundle(file, lib, "$ORIGIN/../../bundled")
		}
		if err != nil {
			return err
		}
	}
	exe := filepath.Join(root, "bin", "python"+p.Minor)
	shared, err := filepath.Glob(filepath.Join(lib, "libpython*.so*"))
	if err != nil {
		return err
	}
	for _, file := range shared {
		if info, err := os.Lstat(file); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if err := bundle(file, lib, "$ORIGIN/bundled"); err != nil {
			return err
		}
	}
	if err := bundle(exe, lib, ""); err != nil {
		return err
	}
	if _, err := run("patchelf", "--set-interpreter", Interp, "--force-rpath", "--set-rpath", "$ORIGIN/../lib", exe); err != nil {
		return err
	}
	if names, err := needed(exe); err != nil || slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, bundled) }) {
		// linked in statically, with libraries that lie elsewhere
		if _, err := run("patchelf", "--force-rpath", "--set-rpath", "$ORIGIN/../lib:$ORIGIN/../lib/bundled", exe); err != nil {
			return err
		}
	}
	// as uv does when it installs one
	found, err := filepath.Glob(filepath.Join(lib, "python"+p.Minor, "_sysconfigdata_*.py"))
	if err != nil {
		return err
	}
	if err := replaceIn(found, "/install", p.Prefix); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(lib, "python"+p.Minor, "EXTERNALLY-MANAGED"),
		[]byte("[externally-managed]\nError=This Python installation is managed by uv and should not be modified.\n"), 0o644); err != nil {
		return err
	}
	// its own .pyc files, as it would write them at the first run
	compile := exec.Command(exe, "-I", "-m", "compileall", "-q", "-j", "2", "-s", root, "-p", p.Prefix, filepath.Join(lib, "python"+p.Minor))
	if out, err := compile.CombinedOutput(); err != nil && !bytes.Contains(out, []byte("SyntaxError")) {
		return fmt.Errorf("compiling the standard library: %w: %s", err, out)
	}
	return readOnly(root)
}

// replaceIn replaces a text in files.
func replaceIn(files []string, before, after string) error {
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte(before), []byte(after)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// bundled begins the names of the libraries in lib/bundled.
const bundled = "libbundled-"

// bundle copies what the ELF file needs besides glibc and libpython to lib/bundled, and has it need
// the copies. runpath is where it finds them; empty: its RUNPATH stays.
func bundle(file, lib, runpath string) error {
	libc, err := debian("libc6")
	if err != nil {
		return err
	}
	names, err := needed(file)
	if err != nil {
		return err
	}
	var args []string
	for _, soname := range names {
		if libc.files[soname] != "" || strings.HasPrefix(soname, "libpython") || strings.HasPrefix(soname, bundled) {
			continue
		}
		own := bundled + strings.TrimPrefix(soname, "lib")
		if err := bundleLibrary(soname, own, lib); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		args = append(args, "--replace-needed", soname, own)
	}
	if err := os.Chmod(file, 0o755); err != nil {
		return err
	}
	// one thing at a time: patchelf 0.14 forgets the names it replaced when it sets a RUNPATH too
	if len(args) > 0 {
		if _, err := run("patchelf", append(args, file)...); err != nil {
			return err
		}
	}
	switch {
	case runpath == "":
		return nil
	case len(args) > 0:
		args = []string{"--set-rpath", runpath}
	default:
		args = []string{"--remove-rpath"}
	}
	_, err = run("patchelf", append(args, file)...)
	return err
}

// bundleLibrary copies one of this machine's libraries to lib/bundled, as own.
func bundleLibrary(soname, own, lib string) error {
	target := filepath.Join(lib, "bundled", own)
	if _, err := os.Stat(target); err == nil {
		return nil
	}
	for _, dir := range []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/usr/local/lib"} {
		from := filepath.Join(dir, soname)
		if !isELF(from) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := copyFile(from, target); err != nil {
			return err
		}
		if err := os.Chmod(target, 0o755); err != nil {
			return err
		}
		if _, err := run("patchelf", "--set-soname", own, target); err != nil {
			return err
		}
		return bundle(target, lib, "$ORIGIN")
	}
	return lack(&fs.PathError{Op: "finding", Path: soname, Err: fs.ErrNotExist})
}

// layManaged puts the Python from the cache below home, as uv python install leaves it.
func layManaged(p Python, from, root string) error {
	dir := root + pythonDir
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := linkTree(from, root+p.Prefix); err != nil {
		return err
	}
	// uv takes its own link for one only if the target is absolute
	minor := filepath.Dir(filepath.Dir(p.Exe))
	if err := os.Symlink(p.Prefix, root+minor); err != nil {
		return err
	}
	for name, text := range map[string]string{".gitignore": "*", ".lock": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	bin := root + userHome + "/.local/bin"
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	return os.Symlink(p.Exe, filepath.Join(bin, "python"+p.Minor))
}

// nixPython returns the store path of the same CPython as Nix would have built it: its loader is
// the store's, so that it never comes to nix-ld.
func (s *store) nixPython(p Python, from string) (string, error) {
	glibc, err := s.library("glibc")
	if err != nil {
		return "", err
	}
	return s.add("python3-"+p.Version, []string{from, glibc}, func(out, full string) ([]string, error) {
		if err := linkTree(from, out); err != nil {
			return nil, err
		}
		stdlib := filepath.Join(out, "lib", "python"+p.Minor)
		if err := os.Remove(filepath.Join(stdlib, "EXTERNALLY-MANAGED")); err != nil {
			return nil, err
		}
		found, err := filepath.Glob(filepath.Join(stdlib, "_sysconfigdata_*.py"))
		if err != nil {
			return nil, err
		}
		exe := filepath.Join(out, "bin", "python"+p.Minor)
		for _, file := range append(found, exe) {
			if err := unlink(file); err != nil {
				return nil, err
			}
		}
		if err := replaceIn(found, p.Prefix, "/nix/store/"+full); err != nil {
			return nil, err
		}
		_, err = run("patchelf", "--set-interpreter", "/nix/store/"+glibc+"/lib/ld-linux-x86-64.so.2",
			"--set-rpath", "/nix/store/"+full+"/lib:/nix/store/"+full+"/lib/bundled:/nix/store/"+glibc+"/lib", exe)
		return []string{glibc}, err
	})
}

// unlink makes a hard link a file of its own that can be written.
func unlink(file string) error {
	fresh := file + ".new"
	if err := copyFile(file, fresh); err != nil {
		return err
	}
	if err := os.Chmod(fresh, 0o755); err != nil {
		return err
	}
	return os.Rename(fresh, file)
}
