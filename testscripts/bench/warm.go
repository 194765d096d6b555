package main

import (
	"fmt"
	"os"
	"path/filepath"

	"uvshim/shim/host"
)

// The names of the rows that the budgets speak of.
const (
	direct      = "the target itself"
	cFloor      = "C floor"
	goFloor     = "Go floor"
	bare        = "python"
	withPolicy  = "python, policy"
	inProject   = "python, policy, project 6 up"
	bigLock     = "python, policy, 10,000 projects"
	emptyVenv   = "python, policy, empty venv"
	fullVenv    = "python, policy, venv of 2,000 ELF"
	bareUV      = "uv"
	runCovered  = "uv run, covered"
	runLacking  = "uv run, a library missing"
	pipList     = "pip list"
	lockSize    = 10_000
	venvSize    = 2_000
	warmVersion = "3.12.11"
)

// warm is the table of the warm path: the target ends at once, so that what is before it shows.
func warm(dir string, p programs, others []string) (*table, error) {
	m, err := newMachine(filepath.Join(dir, "warm"), p.shim, warmVersion, func(_, exe string) error {
		return copyFile(p.target, exe)
	})
	if err != nil {
		return nil, err
	}
	if err := copyFile(p.target, filepath.Join(m.dir, "bin/uv")); err != nil {
		return nil, err
	}
	python := filepath.Join(m.shims, "python")
	t := &table{title: "Warm path: the target ends at once", floor: goFloor}
	add := func(name, source string, env host.Env, dir string, argv ...string) {
		t.rows = append(t.rows, row{name: name, argv: argv, env: env, dir: dir, source: source})
	}
	add(direct, "", m.env, m.nowhere(), m.link)
	if p.cFloor != "" {
		add(cFloor, "", m.env, m.nowhere(), p.cFloor, m.link)
	}
	add(goFloor, "", m.env, m.nowhere(), p.goFloor, m.link)
	add(bare, "newest", m.env, m.nowhere(), python)
	add(withPolicy, "policy default", m.declared(), m.nowhere(), python)
	add(inProject, "pin", m.declared(), m.deep(), python)
	var projects []string
	for i := range lockSize {
		projects = append(projects, fmt.Sprintf("/home/user/src/group-%02d/project-%05d", i%100, i))
	}
	full, err := m.recorded(projects)
	if err != nil {
		return nil, err
	}
	add(bigLock, "policy default", full, m.nowhere(), python)
	if p.module != "" {
		for _, v := range []struct {
			name, dir string
			files     int
		}{{emptyVenv, "venv-empty", 0}, {fullVenv, "venv-full", venvSize}} {
			env, err := m.venv(v.dir, warmVersion, p.module, v.files)
			if err != nil {
				return nil, err
			}
			add(v.name, "VIRTUAL_ENV", env, m.nowhere(), python)
		}
	}
	add(bareUV, "", m.declared(), m.nowhere(), filepath.Join(m.shims, "uv"))
	if p.module != "" {
		more, err := uvRows(m, p)
		if err != nil {
			return nil, err
		}
		t.rows = append(t.rows, more...)
	}
	own := t.rows
	for _, program := range others {
		more, err := otherBuild(m, program, own)
		if err != nil {
			return nil, err
		}
		t.rows = append(t.rows, more...)
	}
	return t, nil
}

// uvRows are calls of uv that are looked at: a run in an environment that is complete and lacks
// nothing; one where a library is missing, which after its warning is supervised, so that a failure
// can be explained; and a pip that is uv's.
func uvRows(m machine, p programs) ([]row, error) {
	covered, err := m.synced("run-covered", warmVersion, p.module)
	if err != nil {
		return nil, err
	}
	lacking, err := m.synced("run-lacking", warmVersion, p.lacking)
	if err != nil {
		return nil, err
	}
	uv, pip := filepath.Join(m.shims, "uv"), filepath.Join(m.shims, "pip")
	active := m.declared().With("VIRTUAL_ENV", filepath.Join(covered, ".venv"))
	return []row{
		{name: runCovered, argv: []string{uv, "run", "python"}, env: m.declared(), dir: covered, how: "exec"},
		{name: runLacking, argv: []string{uv, "run", "python"}, env: m.declared(), dir: lacking, how: "supervise"},
		{name: pipList, argv: []string{pip, "list"}, env: active, dir: m.nowhere(), how: "exec"},
	}, nil
}

// otherBuild returns the rows of the shim once more for another build of it.
func otherBuild(m machine, program string, rows []row) (more []row, err error) {
	label := filepath.Base(program)
	// linked and not only copied: how a file was written decides how many page faults it costs
	shims, err := link(program, m.env.With("HOME", filepath.Join(m.dir, "other", label)))
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		// The old place of the shims stays on PATH; being marked, it is passed over.
		if filepath.Dir(r.argv[0]) == m.shims {
			r.name = label + ": " + r.name
			r.argv = append([]string{filepath.Join(shims, filepath.Base(r.argv[0]))}, r.argv[1:]...)
			r.how = "" // another build may run it in another way
			if _, err := os.Stat(r.argv[0]); err == nil {
				more = append(more, r)
			}
		}
	}
	return more, nil
}
