package preflight

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"uvshim/policy/version"
	"uvshim/shim/elfdeps"
	"uvshim/shim/host"
	"uvshim/shim/nixld"
	"uvshim/shim/uv"
)

// An Environment is where a Python imports from, as far as files tell.
type Environment struct {
	Python      string // the executable that is run, links not followed
	Real        string // the file that runs
	Root        string // of a virtual environment; else the prefix
	Prefix      string // of the interpreter: where its standard library is
	Config      string // pyvenv.cfg; empty outside virtual environments
	Interpreter version.Interpreter
	Interp      string // PT_INTERP of Real
	Machine     uint16 // e_machine of Real
	Dirs        []Dir  // in the order of sys.path
	Foreign     []string
	Notes       []string // what cannot be seen, and why
}

// A Dir is a directory that modules are imported from.
type Dir struct {
	Path   string
	Source Source
}

// A Source says why a directory is on sys.path.
type Source int

const (
	Stdlib     Source = iota // extension modules of the standard library
	Site                     // site-packages
	Pth                      // named in a .pth file
	PythonPath               // named in PYTHONPATH
	UserSite
	Given // named by the caller
)

const (
	maxConfig = 64 << 10
	maxPth    = 256 << 10

	// of a directory of sys.path
	maxPthFiles   = 1000
	maxTargets    = 256
	maxTargetText = 128 << 10
)

// Find returns the environment of the Python at the absolute path python, without running it, by
// the rules of CPython's getpath.py and site.py. Of env it looks at PYTHON* and HOME. The error is
// for what is no ELF program, or not there.
func Find(sys nixld.FS, env host.Env, python string) (Environment, error) {
	e := Environment{Python: python}
	real, err := sys.Real(python)
	if err != nil {
		return e, fmt.Errorf("finding the interpreter: %w", err)
	}
	e.Real = real
	facts, err := readFacts(sys, real)
	if err != nil {
		return e, fmt.Errorf("reading the interpreter %s: %w", real, err)
	}
	e.Interp, e.Machine = facts.Interp, facts.Machine

	home, cfg := "", map[string]string{}
	bin := path.Dir(python)
	for _, dir := range []string{bin, path.Dir(bin)} {
		data, err := readFile(sys, path.Join(dir, "pyvenv.cfg"), maxConfig)
		if err != nil {
			continue
		}
		cfg = uv.ParseVenvConfig(string(data))
		if home = cfg["home"]; home != "" {
			e.Root, e.Config = dir, path.Join(dir, "pyvenv.cfg")
		}
		break
	}
	e.Interpreter = identify(real, cfg)
	e.Prefix = prefix(sys, []string{home, path.Dir(real), bin}, &e.Interpreter, e.Root)
	if e.Root == "" {
		e.Root = e.Prefix
	}
	e.path(sys, env, strings.EqualFold(cfg["include-system-site-packages"], "true"))
	return e, nil
}

// Virtual reports whether e is a virtual environment.
func (e *Environment) Virtual() bool { return e.Config != "" }

func readFacts(sys nixld.FS, name string) (elfdeps.Facts, error) {
	f, err := sys.Open(name)
	if err != nil {
		return elfdeps.Facts{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return elfdeps.Facts{}, err
	}
	if !info.Mode().IsRegular() {
		return elfdeps.Facts{}, errors.New("not a regular file")
	}
	return elfdeps.Read(f, info.Size())
}

// readFile returns the content of a regular file of at most limit bytes.
func readFile(sys nixld.FS, name string, limit int64) ([]byte, error) {
	f, err := sys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("not a regular file")}
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = &fs.PathError{Op: "read", Path: name, Err: host.ErrTooLarge}
	}
	return data, err
}

// identify returns what the interpreter's name and pyvenv.cfg tell. The name of the file that runs
// comes first: an environment follows its base to a newer patch, its pyvenv.cfg does not.
func identify(real string, cfg map[string]string) version.Interpreter {
	i := version.Interpreter{Impl: "cpython", OS: "linux"}
	name := path.Base(real)
	for _, impl := range []string{"python", "pypy", "graalpy"} {
		text, ok := strings.CutPrefix(name, impl)
		if !ok {
			continue
		}
		if impl != "python" {
			i.Impl = impl
		}
		text, debug := strings.CutSuffix(text, "d")
		text, free := strings.CutSuffix(text, "t")
		if v, err := version.ParseVersion(text); err == nil && v.Parts >= 2 {
			i.Version = v
			switch {
			case free && debug:
				i.Variant = "freethreaded+debug"
			case free:
				i.Variant = "freethreaded"
			case debug:
				i.Variant = "debug"
			}
		}
		break
	}
	if impl := strings.ToLower(cfg["implementation"]); impl == "pypy" || impl == "graalpy" || impl == "graalvm" {
		i.Impl = strings.Replace(impl, "graalvm", "graalpy", 1)
	}
	if i.Version.Parts < 2 {
		for _, key := range []string{"version_info", "version"} {
			// version_info may go on: 3.11.2.final.0
			part := strings.SplitN(cfg[key], ".", 3)
			if len(part) < 2 {
				continue
			}
			if v, err := version.ParseVersion(part[0] + "." + part[1]); err == nil && v.Parts == 2 {
				i.Version = v
				break
			}
		}
	}
	return i
}

// libName is the name of the directory below lib that i's modules are in.
func libName(i version.Interpreter) string {
	name := "python"
	if i.Impl == "pypy" {
		name = "pypy"
	}
	name += strconv.Itoa(i.Version.Major) + "." + strconv.Itoa(i.Version.Minor)
	if strings.HasPrefix(i.Variant, "freethreaded") {
		name += "t"
	}
	return name
}

// platform directories below a prefix: Fedora and others have lib64.
var libDirs = []string{"lib", "lib64"}

// prefix returns the directory at or above one of starts that has i's standard library. Where the
// version or variant is not known yet, the only such directory tells them.
func prefix(sys nixld.FS, starts []string, i *version.Interpreter, root string) string {
	if i.Version.Parts >= 2 && i.Variant == "" && root != "" {
		// a copied bin/python of a free-threaded build does not say so by its name
		free := *i
		free.Variant = "freethreaded"
		if isDir(sys, path.Join(root, "lib", libName(free))) && !isDir(sys, path.Join(root, "lib", libName(*i))) {
			*i = free
		}
	}
	for _, start := range starts {
		if !path.IsAbs(start) {
			continue
		}
		for dir := path.Clean(start); ; dir = path.Dir(dir) {
			if i.Version.Parts < 2 {
				guessVersion(sys, dir, i)
			}
			if i.Version.Parts >= 2 {
				for _, lib := range libDirs {
					if exists(sys, path.Join(dir, lib, libName(*i), "os.py")) {
						return dir
					}
				}
			}
			if dir == "/" {
				break
			}
		}
	}
	return path.Dir(path.Dir(starts[1]))
}

func guessVersion(sys nixld.FS, prefix string, i *version.Interpreter) {
	entries, err := sys.ReadDir(path.Join(prefix, "lib"))
	if err != nil {
		return
	}
	found := 0
	for _, entry := range entries {
		guess := identify(entry.Name(), nil)
		if guess.Version.Parts == 2 && exists(sys, path.Join(prefix, "lib", entry.Name(), "os.py")) {
			i.Version, i.Variant = guess.Version, guess.Variant
			found++
		}
	}
	if found != 1 {
		i.Version = version.Version{}
	}
}

func exists(sys nixld.FS, name string) bool {
	_, err := sys.Stat(name)
	return err == nil
}

func isDir(sys nixld.FS, name string) bool {
	info, err := sys.Stat(name)
	return err == nil && info.IsDir()
}
