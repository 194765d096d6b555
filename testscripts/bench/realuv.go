package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"uvshim/shim/host"
	"uvshim/shim/lock"
)

// realUV returns the tables of the real uv, bare, behind the Go floor and behind the shim: calls that
// the shim looks at, and those that it supervises and records. None of them changes anything, so that
// all rounds are alike. m is a machine whose uv is the real one, of a real Python of that version.
func realUV(m machine, p programs, uv, version string) ([]*table, error) {
	run, err := m.uvProject("run-covered", version, uv)
	if err != nil {
		return nil, err
	}
	lacking, err := m.uvProject("run-lacking", version, uv)
	if err != nil {
		return nil, err
	}
	if p.lacking != "" {
		site := filepath.Join(lacking, ".venv/lib/python"+minorOf(version)+"/site-packages")
		if err := copyFile(p.lacking, filepath.Join(site, filepath.Base(p.lacking))); err != nil {
			return nil, err
		}
	}
	// what is recorded of a call costs more the more changes are, up to the number that is kept
	if err := m.changes(lockChanges); err != nil {
		return nil, err
	}
	wheel := filepath.Join(m.dir, "bench_demo-1.0-py3-none-any.whl")
	if err := writeWheel(wheel); err != nil {
		return nil, err
	}
	// the bare uv must not find our shims, which it would ask for their version
	shims := offline(m.declared())
	bare := shims.With("PATH", filepath.Join(m.dir, "bin")+":/usr/bin:/bin")
	title := func(text string) string { return text + ", CPython " + version }
	three := func(name string, env func(host.Env) host.Env, dir, how string, args ...string) *table {
		return &table{title: title(name), floor: goFloor, home: m.dir, rows: []row{
			{name: "uv itself", argv: append([]string{uv}, args...), env: env(bare), dir: dir},
			{name: goFloor, argv: append([]string{p.goFloor, uv}, args...), env: env(bare), dir: dir},
			{name: "shim, " + how, argv: append([]string{filepath.Join(m.shims, "uv")}, args...), env: env(shims), dir: dir, how: how},
		}}
	}
	plain := func(env host.Env) host.Env { return env }
	active := func(env host.Env) host.Env { return env.With("VIRTUAL_ENV", filepath.Join(run, ".venv")) }
	runs := three("uv run python -S -c 0", plain, run, "exec", "run", "python", "-S", "-c", "0")
	if p.lacking != "" {
		r := runs.rows[2]
		r.name, r.dir, r.how = "shim, a library missing: supervise", lacking, "supervise"
		runs.rows = append(runs.rows, r)
	}
	return []*table{
		runs,
		three("uv sync, nothing to do", plain, run, "supervise", "sync"),
		three("uv pip install of what is there", active, m.nowhere(), "supervise", "pip", "install", wheel),
		three("uv pip list", active, m.nowhere(), "exec", "pip", "list"),
	}, nil
}

// offline keeps uv from the network and from other Pythons than the machine's own.
func offline(env host.Env) host.Env {
	return env.With("UV_OFFLINE", "1").With("UV_PYTHON_DOWNLOADS", "never")
}

// lockChanges are as many as a lock keeps.
const lockChanges = 500

// changes puts so many changes into the lock.
func (m machine) changes(n int) error {
	var l lock.Lock
	for i := range n {
		l.Change = append(l.Change, lock.Change{
			ID:        fmt.Sprintf("01K0%022d", i),
			Time:      time.Date(2026, 1, 2, 3, 0, i, 0, time.UTC),
			Directory: fmt.Sprintf("/home/user/src/project-%03d", i%50),
			Argv:      []string{"uv", "add", "numpy"},
		})
	}
	return place(filepath.Join(m.env.Get("XDG_STATE_HOME"), "shim/shim.lock"), string(lock.Encode(l)))
}

// uvProject has uv itself make a project and its environment, and returns its directory.
func (m machine) uvProject(name, version, uv string) (string, error) {
	root := filepath.Join(m.dir, name)
	err := errors.Join(
		place(filepath.Join(root, "pyproject.toml"), projectText),
		place(filepath.Join(root, ".python-version"), minorOf(version)+"\n"),
	)
	if err != nil {
		return "", err
	}
	env := offline(m.declared()).With("PATH", "/usr/bin:/bin")
	_, err = row{name: "uv sync", argv: []string{uv, "sync"}, env: env, dir: root}.try()
	return root, err
}

// writeWheel writes a wheel of one empty module.
func writeWheel(path string) error {
	const info = "bench_demo-1.0.dist-info/"
	var data bytes.Buffer
	w := zip.NewWriter(&data)
	for _, file := range []struct{ name, text string }{
		{"bench_demo.py", ""},
		{info + "METADATA", "Metadata-Version: 2.1\nName: bench-demo\nVersion: 1.0\n"},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{info + "RECORD", "bench_demo.py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n"},
	} {
		f, err := w.Create(file.name)
		if err != nil {
			return err
		}
		if _, err := f.Write([]byte(file.text)); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, data.Bytes(), 0o644)
}
