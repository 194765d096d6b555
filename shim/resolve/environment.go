package resolve

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"uvshim/policy/version"
	"uvshim/shim/host"
	"uvshim/shim/say"
	"uvshim/shim/uv"
)

// virtualEnv is the activated environment. Its own bin directory usually stands before us on PATH;
// we are asked where it has no program of the name, or where only the variable was passed on.
func (r *resolver) virtualEnv() (Target, bool) { return r.active("VIRTUAL_ENV") }

// conda is the activated conda environment.
func (r *resolver) conda() (Target, bool) { return r.active("CONDA_PREFIX") }

func (r *resolver) active(variable string) (Target, bool) {
	dir := r.env.Get(variable)
	if dir == "" {
		return Target{}, false
	}
	step := Step{Source: variable, Value: dir}
	if !filepath.IsAbs(dir) {
		r.pass(step, "not an absolute path")
		return Target{}, false
	}
	return r.within(step, dir)
}

// within takes the Python of the environment at dir, if it fits.
func (r *resolver) within(step Step, dir string) (Target, bool) {
	path, ok := r.environmentPython(dir)
	if !ok {
		r.pass(step, "no Python in it that can be run")
		switch {
		case isEnvironment(dir): // tox sets VIRTUAL_ENV before it makes the environment
			r.warn(fmt.Sprintf("the active environment %s (%s) has no Python that can be run, so another answers: make it anew, or deactivate it", say.Quote(dir), step.Source))
		case r.deleted(dir):
			r.told = append(r.told, fmt.Sprintf("the active environment %s (%s) is not there any more, so another Python answers: make it anew, or deactivate it", say.Quote(dir), step.Source))
		}
		return Target{}, false
	}
	found := r.identify(path)
	if !r.fits(&found, path) {
		r.pass(step, "it is Python "+found.Version.String()+", not "+r.Explicit)
		return Target{}, false
	}
	return r.decide(step, Target{Path: path, Interpreter: found, Environment: dir}), true
}

// deleted reports whether an environment that this shell has activated, its programs on PATH, is not
// there at all.
func (r *resolver) deleted(dir string) bool {
	_, err := os.Lstat(dir)
	return errors.Is(err, fs.ErrNotExist) && slices.Contains(filepath.SplitList(r.env.Get("PATH")), filepath.Join(dir, "bin"))
}

// isEnvironment reports whether an environment was made at dir, by venv and its kind or by conda.
func isEnvironment(dir string) bool {
	for _, name := range []string{"pyvenv.cfg", "conda-meta"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// environmentPython returns the program of an environment that the call means: by the name that
// was typed if the environment has it, so that sys.executable is as it would be without us.
func (r *resolver) environmentPython(dir string) (string, bool) {
	for _, name := range []string{r.Name, "python", "python3"} {
		if path := filepath.Join(dir, "bin", name); r.Finder.Runnable(path) {
			return path, true
		}
	}
	return "", false
}

// devShell is the Python of a Nix shell, which direnv may have loaded: the first that fits in a
// directory of PATH below /nix/store, even if it stands behind us.
func (r *resolver) devShell() (Target, bool) {
	if r.env.Get("IN_NIX_SHELL") == "" && r.env.Get("DIRENV_DIR") == "" {
		return Target{}, false
	}
	for _, dir := range r.Finder.Dirs() {
		if !strings.HasPrefix(dir, "/nix/store/") {
			continue
		}
		for _, name := range version.Names(r.Constraint) {
			path := filepath.Join(dir, name)
			if !r.Finder.Runnable(path) {
				continue
			}
			step := Step{Source: "nix shell", Value: path}
			found := r.identify(path)
			if r.fits(&found, path) {
				return r.decide(step, Target{Path: path, Interpreter: found, FromPath: true}), true
			}
			r.pass(step, "it is Python "+found.Version.String()+", not "+r.Explicit)
		}
	}
	return Target{}, false
}

// projectEnv is the project's environment, where the policy says to use it without activation.
func (r *resolver) projectEnv() (Target, bool) {
	if !r.InProject {
		return Target{}, false
	}
	project, ok := r.Up.Project()
	if !ok {
		return Target{}, false
	}
	dir, source := projectEnvironment(r.env, project.Workspace)
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return Target{}, false
	}
	step := Step{Source: "project environment", Value: dir, File: source}
	path, ok := r.environmentPython(dir)
	if !ok {
		r.pass(step, "no Python in it that can be run")
		return Target{}, false
	}
	if err := r.trusted(dir, path, project.Workspace); err != nil {
		r.pass(step, err.Error())
		r.warn(fmt.Sprintf("the project's environment is passed over: %v", err))
		return Target{}, false
	}
	return r.within(step, dir)
}

// projectEnvironment returns where `uv run` has the environment of the project rooted at root, and
// what says so: UV_PROJECT_ENVIRONMENT, relative to the root, or .venv, which may be a file that
// names the directory (uv-fs, read_venv_redirect).
func projectEnvironment(env host.Env, root string) (dir, source string) {
	if dir := env.Get("UV_PROJECT_ENVIRONMENT"); dir != "" {
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(root, dir)
		}
		return dir, ""
	}
	dir = filepath.Join(root, ".venv")
	if target, err := uv.Redirected(dir); err == nil && target != dir {
		return target, dir
	}
	return dir, ""
}

// trusted returns why the environment at dir, whose program would be path, is not one to run from
// without being asked. A project may have been unpacked from anywhere, so it must be of the
// caller's making: the environment and every directory up to the project root belong to the caller
// or root, nobody else can write them, and path is a chain of links to a Python elsewhere.
//
// What is run a moment later is path by its name, as an environment is found by the name that it is run
// by. Below the project root only the caller and root can have exchanged it meanwhile, and they need not
// have waited for us. Who may rename the root itself can put there only what passes as the caller's own.
func (r *resolver) trusted(dir, path, root string) error {
	dirs := []string{filepath.Join(dir, "bin"), dir}
	for up := filepath.Dir(dir); inside(up, root); up = filepath.Dir(up) {
		dirs = append(dirs, up)
	}
	for _, d := range append(dirs, root) {
		if err := r.ours(d); err != nil {
			return err
		}
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return fmt.Errorf("%s is not a link to a Python", say.Quote(path))
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	realRoot, err := filepath.EvalSymlinks(root)
	if err != nil {
		return err
	}
	realDir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	if inside(real, realRoot) || inside(real, realDir) {
		return fmt.Errorf("%s leads to %s, inside the project", say.Quote(path), say.Quote(real))
	}
	if _, ok := version.FromName(filepath.Base(real)); !ok {
		return fmt.Errorf("%s leads to %s, which has no Python's name", say.Quote(path), say.Quote(real))
	}
	return r.ours(real)
}

// ours returns an error unless path belongs to the caller or root and nobody else can write it.
// The group may where it is the caller's own: many systems give each user a group of the same
// number and a umask that lets it write.
func (r *resolver) ours(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("the owner of %s is not known", say.Quote(path))
	}
	if st.Uid != 0 && int(st.Uid) != r.Host.UID {
		return fmt.Errorf("%s belongs to another user", say.Quote(path))
	}
	perm := info.Mode().Perm()
	ownGroup := st.Gid == st.Uid && int(st.Gid) == r.Host.UID
	if perm&0o002 != 0 || perm&0o020 != 0 && !ownGroup {
		return fmt.Errorf("others can write %s", say.Quote(path))
	}
	return nil
}

// inside reports whether path is dir or lies below it.
func inside(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}
