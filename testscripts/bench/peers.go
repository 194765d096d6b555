package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"uvshim/shim/host"
)

// peers returns the tables with real programs: a Python behind the shim and behind the other tools
// that are installed, and the real uv. The notes say what is not among them, and which Python
// answers for a tool that runs another.
func peers(dir string, p programs, o options, h host.Host, finder *host.Finder) (tables []*table, notes []string, err error) {
	t, m, python, err := realPython(dir, p, o, finder)
	if err != nil {
		return nil, append(notes, fmt.Sprintf("no table with a real Python: %v", err)), nil
	}
	home := h.Dirs().Home
	theirs := []struct{ name, path string }{
		{"pyenv shim", o.pyenv}, {"mise shim", o.mise}, {"python-launcher py", o.py},
	}
	for i, found := range []string{
		first(filepath.Join(h.Env.Get("PYENV_ROOT"), "shims/python"), filepath.Join(home, ".pyenv/shims/python")),
		first(filepath.Join(h.Env.Get("MISE_DATA_DIR"), "shims/python"), filepath.Join(home, ".local/share/mise/shims/python")),
		first(search(finder, "py")),
	} {
		peer := theirs[i]
		if peer.path == "" {
			peer.path = found
		}
		if peer.path == "" {
			notes = append(notes, peer.name+": not installed here")
			continue
		}
		// with the user's own environment, in which it is set up
		r := row{name: peer.name, argv: []string{peer.path, "-S", "-c", "0"}, env: h.Env, dir: m.nowhere()}
		notes = t.peer(notes, r, 1, home)
	}
	tables = append(tables, t)

	uv := o.uv
	if uv == "" {
		uv = search(finder, "uv")
	}
	if uv == "" {
		return tables, append(notes, "uv: not installed here"), nil
	}
	// uv must not find our shims, which it would ask for their version
	env := offline(m.env).With("PATH", "/usr/bin:/bin")
	notes = t.peer(notes, row{name: "uv run --no-project python", argv: []string{uv, "run", "--no-project", "python", "-S", "-c", "0"}, env: env, dir: m.nowhere()}, 4, home)
	notes = t.peer(notes, row{name: "uv run python, in a project", argv: []string{uv, "run", "python", "-S", "-c", "0"}, env: env, dir: m.deep()}, 3, home)

	if err := os.Symlink(uv, filepath.Join(m.dir, "bin/uv")); err != nil {
		return tables, notes, err
	}
	version := func(name string, argv ...string) row {
		return row{name: name, argv: append(argv, "--version"), env: m.declared(), dir: m.nowhere()}
	}
	tables = append(tables, &table{title: "uv --version", floor: goFloor, rows: []row{
		version("uv itself", uv),
		version(goFloor, p.goFloor, uv),
		version("shim", filepath.Join(m.shims, "uv")),
	}})
	more, err := realUV(m, p, uv, python)
	if err != nil {
		return tables, append(notes, fmt.Sprintf("no tables of what uv does: %v", err)), nil
	}
	return append(tables, more...), notes, nil
}

// peer adds the row of another tool if it runs at all. Its arguments from index at on are those of
// the Python, and are replaced once to learn which Python answers.
func (t *table) peer(notes []string, r row, at int, home string) []string {
	ask := r
	ask.argv = append(append([]string{}, r.argv[:at]...), "-c", "import sys; print(sys.executable)")
	out, err := ask.try()
	if err == nil {
		_, err = r.try()
	}
	if err != nil {
		return append(notes, err.Error())
	}
	t.rows = append(t.rows, r)
	lines := strings.Split(out, "\n")
	python := lines[len(lines)-1]
	for dir, short := range map[string]string{home: "~", t.home: "HOME"} {
		if rest, ok := strings.CutPrefix(python, dir+"/"); ok {
			python = short + "/" + rest
		}
	}
	return append(notes, r.name+" runs "+python)
}

// realPython returns the table with a CPython of this machine in the place of a managed one. All run
// without the site module: an environment has other .pth files than its interpreter, and in a Python
// that is used for much they take longer than all that is to be compared. version is that of the Python.
func realPython(dir string, p programs, o options, finder *host.Finder) (t *table, m machine, version string, err error) {
	python := o.python
	if python == "" {
		python = search(finder, "python3")
	}
	if python == "" {
		return nil, m, "", fmt.Errorf("no python3 on PATH")
	}
	out, err := row{name: python, argv: []string{
		python, "-I", "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3], sys.base_prefix)",
	}, env: host.Current().Env}.try()
	if err != nil {
		return nil, m, "", err
	}
	version, prefix, _ := strings.Cut(out, " ")
	m, err = newMachine(filepath.Join(dir, "real"), p.shim, version, func(dir, exe string) error {
		if err := os.Symlink(filepath.Join(prefix, "lib"), filepath.Join(dir, "lib")); err != nil {
			return err
		}
		return os.Symlink(filepath.Join(prefix, "bin", filepath.Base(exe)), exe)
	})
	if err != nil {
		return nil, m, "", err
	}
	call := func(name string, dir string, argv ...string) row {
		return row{name: name, argv: append(argv, "-S", "-c", "0"), env: m.declared(), dir: dir}
	}
	shim := filepath.Join(m.shims, "python")
	t = &table{title: "python -S -c 0, CPython " + version, floor: goFloor, home: m.dir, rows: []row{
		call("the interpreter itself", m.nowhere(), m.link),
		call(goFloor, m.nowhere(), p.goFloor, m.link),
		call("shim", m.nowhere(), shim),
		call("shim, project 6 up", m.deep(), shim),
	}}
	return t, m, version, nil
}

// first returns the first path that is an absolute one of a file, or "".
func first(paths ...string) string {
	for _, path := range paths {
		if info, err := os.Stat(path); filepath.IsAbs(path) && err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// search returns the path of the first real program of that name, or "".
func search(finder *host.Finder, name string) string {
	path, _ := finder.Program(name)
	return path
}
