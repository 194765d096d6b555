package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"uvshim/shim/host"
	"uvshim/shim/lock"
)

// A machine is a home directory with managed interpreters in it, and shims. All that the rows
// differ in is where the configuration and the state lie, the working directory and VIRTUAL_ENV.
type machine struct {
	dir   string
	env   host.Env // no policy, an empty lock
	shims string
	key   string // of the only managed interpreter
	link  string // its executable as the shim runs it, through the minor-version link
}

// place puts text into the file path, whose directory need not exist.
func place(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// minorOf returns 3.12 of 3.12.11.
func minorOf(version string) string { return version[:strings.LastIndexByte(version, '.')] }

const policyText = `[python]
versions = ["%[1]s"]
default = ["%[1]s"]
`

// newMachine makes a machine in dir whose managed interpreter is of that version, such as
// 3.12.11. fill puts its files into the interpreter's directory. Its PATH is the shims, dir/bin
// and what the system has.
func newMachine(dir, shim, version string, fill func(dir, exe string) error) (machine, error) {
	minor := minorOf(version)
	m := machine{dir: dir, shims: filepath.Join(dir, ".local/share/shim/bin")}
	m.env = host.Env{
		"HOME=" + dir,
		"PATH=" + m.shims + ":" + filepath.Join(dir, "bin") + ":/usr/bin:/bin",
		"XDG_CONFIG_HOME=" + filepath.Join(dir, "config-empty"),
		"XDG_STATE_HOME=" + filepath.Join(dir, "state"),
		"LANG=C.UTF-8",
	}
	arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	keyOf := func(version string) string { return "cpython-" + version + "-linux-" + arch + "-gnu" }
	m.key = keyOf(version)
	python := filepath.Join(dir, ".local/share/uv/python")
	patch, through := filepath.Join(python, m.key), filepath.Join(python, keyOf(minor))
	exe := "bin/python" + minor
	m.link = filepath.Join(through, exe)
	for _, d := range []string{patch + "/bin", dir + "/bin", dir + "/state/shim", dir + "/config-empty", dir + "/nowhere"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return m, err
		}
	}
	if err := fill(patch, filepath.Join(patch, exe)); err != nil {
		return m, err
	}
	if err := os.Symlink(patch, through); err != nil {
		return m, err
	}
	if err := place(m.config("shim/policy.toml"), fmt.Sprintf(policyText, minor)); err != nil {
		return m, err
	}
	if err := m.project(minor); err != nil {
		return m, err
	}
	_, err := link(shim, m.env)
	return m, err
}

// link has a build of shim make its shims in the home directory of env, and returns where they are.
func link(program string, env host.Env) (string, error) {
	home := env.Get("HOME")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return "", err
	}
	_, err := row{name: "shim link", argv: []string{program, "link"}, env: env, dir: home}.try()
	return filepath.Join(home, ".local/share/shim/bin"), err
}

// config returns the path of a file of the configuration that has a policy.
func (m machine) config(file string) string { return filepath.Join(m.dir, ".config", file) }

// declared is the environment with the policy.
func (m machine) declared() host.Env {
	return m.env.With("XDG_CONFIG_HOME", filepath.Join(m.dir, ".config"))
}

// synced makes a project as uv sync leaves it, with files in the site-packages of its environment, and
// returns its directory.
func (m machine) synced(name, version string, files ...string) (string, error) {
	root := filepath.Join(m.dir, name)
	err := errors.Join(
		place(filepath.Join(root, "pyproject.toml"), projectText),
		place(filepath.Join(root, "uv.lock"), "version = 1\nrequires-python = \">=3.8\"\n"),
		place(filepath.Join(root, ".venv/.lock"), ""),
	)
	if err != nil {
		return "", err
	}
	site, err := m.environment(filepath.Join(root, ".venv"), version)
	for _, file := range files {
		err = errors.Join(err, copyFile(file, filepath.Join(site, filepath.Base(file))))
	}
	return root, err
}

// projectText is the pyproject.toml of all projects.
const projectText = "[project]\nname = \"demo\"\nversion = \"0.1.0\"\nrequires-python = \">=3.8\"\ndependencies = []\n"

// project makes a project whose working directory lies six directories below its root.
func (m machine) project(minor string) error {
	root := filepath.Join(m.dir, "project")
	if err := os.MkdirAll(m.deep(), 0o755); err != nil {
		return err
	}
	return errors.Join(
		place(filepath.Join(root, "pyproject.toml"), projectText),
		place(filepath.Join(root, ".python-version"), minor+"\n"),
	)
}

func (m machine) deep() string { return filepath.Join(m.dir, "project/src/a/b/c/d/e") }

// nowhere is a directory outside any project.
func (m machine) nowhere() string { return filepath.Join(m.dir, "nowhere") }

// recorded is the environment with the policy and a lock of the projects at those paths.
func (m machine) recorded(projects []string) (host.Env, error) {
	state := filepath.Join(m.dir, "state-full")
	l := lock.Lock{Python: []lock.Python{{Key: m.key, Declared: true, FirstUsed: "2026-01-02", LastUsed: "2026-01-02"}}}
	for _, path := range projects {
		l.Project = append(l.Project, lock.Project{
			Path:     path,
			Python:   m.key,
			Needs:    []string{"libstdc++.so.6", "libz.so.1"},
			LastUsed: "2026-01-02",
		})
	}
	err := place(filepath.Join(state, "shim/shim.lock"), string(lock.Encode(l)))
	return m.declared().With("XDG_STATE_HOME", state), err
}

// venv makes the environment name, which holds so many copies of the ELF file module, and returns
// the process environment in which it is the active one.
func (m machine) venv(name, version, module string, files int) (host.Env, error) {
	dir := filepath.Join(m.dir, name)
	site, err := m.environment(dir, version)
	if err != nil {
		return nil, err
	}
	for i := range files {
		pkg := filepath.Join(site, fmt.Sprintf("package%03d", i/20))
		if err := os.MkdirAll(pkg, 0o755); err != nil {
			return nil, err
		}
		if err := copyFile(module, filepath.Join(pkg, fmt.Sprintf("module%02d.so", i%20))); err != nil {
			return nil, err
		}
	}
	return m.declared().With("VIRTUAL_ENV", dir), nil
}

// environment makes an empty environment in dir, and returns its site-packages.
func (m machine) environment(dir, version string) (site string, err error) {
	site = filepath.Join(dir, "lib/python"+minorOf(version)+"/site-packages")
	for _, d := range []string{site, filepath.Join(dir, "bin")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return "", err
		}
	}
	cfg := fmt.Sprintf("home = %s\nimplementation = CPython\nversion_info = %s\n", filepath.Dir(m.link), version)
	return site, errors.Join(place(filepath.Join(dir, "pyvenv.cfg"), cfg), os.Symlink(m.link, filepath.Join(dir, "bin/python")))
}
