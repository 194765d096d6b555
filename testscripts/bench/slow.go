package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"uvshim/shim/host"
)

// The budgets of what is not on the way to a Python.
const (
	doctorProjects = 100
	doctorLimit    = 500.0 // ms
	slowRounds     = 10
)

// slow returns the budget lines of the commands that look at whole environments. scan is the
// directory of a large environment, "" if none was given.
func slow(dir string, p programs, scan string, finder *host.Finder) (lines []string, err error) {
	m, err := newMachine(filepath.Join(dir, "slow"), p.shim, warmVersion, func(_, exe string) error {
		return copyFile(p.target, exe)
	})
	if err != nil {
		return nil, err
	}
	shim := func(args ...string) row {
		return row{name: "shim " + args[0], argv: append([]string{p.shim}, args...), env: m.declared(), dir: m.nowhere(), fails: true}
	}
	has := func(command string) bool {
		_, err := shim("help", command).try()
		return err == nil
	}
	switch {
	case !has("doctor"):
		lines = append(lines, "shim doctor: not measured, this build has none")
	case p.module == "":
		lines = append(lines, "shim doctor: not measured, there is no gcc to make modules with")
	default:
		line, err := doctor(m, shim("doctor"), p.module)
		if err != nil {
			return lines, err
		}
		lines = append(lines, line)
	}
	switch {
	case !has("check"):
		lines = append(lines, "cold scan: not measured, this build has no check")
	case scan == "":
		lines = append(lines, "cold scan: not measured, -scan names no environment")
	default:
		line, err := cold(m, shim("check", scan), scan, search(finder, "libtree"))
		if err != nil {
			return lines, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// doctor measures r with recorded projects, each with an environment of its own.
func doctor(m machine, r row, module string) (string, error) {
	var projects []string
	for i := range doctorProjects {
		name := fmt.Sprintf("projects/%03d", i)
		root := filepath.Join(m.dir, name)
		if err := place(filepath.Join(root, "pyproject.toml"), "[project]\nname = \"demo\"\nversion = \"1\"\n"); err != nil {
			return "", err
		}
		if _, err := m.venv(name+"/.venv", warmVersion, module, 3); err != nil {
			return "", err
		}
		projects = append(projects, root)
	}
	env, err := m.recorded(projects)
	if err != nil {
		return "", err
	}
	r.env = env
	t := &table{rows: []row{r}}
	if err := t.measure(slowRounds); err != nil {
		return "", err
	}
	ms := median(t.times[r.name])
	return fmt.Sprintf("%s with %d recorded projects: %.0f ms, budget %.0f ms: %s",
		r.name, doctorProjects, ms, doctorLimit, verdict(ms <= doctorLimit)), nil
}

// cold measures a scan of which nothing is remembered, the files being in the page cache, beside
// libtree over the same files.
func cold(m machine, r row, scan, libtree string) (string, error) {
	files, err := modules(scan)
	if err != nil {
		return "", err
	}
	t := &table{rows: []row{r}}
	if libtree != "" {
		t.rows = append(t.rows, row{name: "libtree", argv: append([]string{libtree}, files...), env: r.env, dir: r.dir, fails: true})
	}
	times := map[string][]float64{}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer null.Close()
	for round := range slowRounds + 1 {
		for _, r := range t.rows {
			if err := os.RemoveAll(filepath.Join(m.dir, ".cache/shim")); err != nil {
				return "", err
			}
			c, err := r.run(null.Fd())
			if err != nil {
				return "", err
			}
			if round > 0 { // the first reads the files from the disk
				times[r.name] = append(times[r.name], milliseconds(c.time))
			}
		}
	}
	ours := median(times[r.name])
	line := fmt.Sprintf("cold scan of %d ELF files: %.0f ms", len(files), ours)
	if libtree == "" {
		return line + ", without libtree to compare with", nil
	}
	theirs := median(times["libtree"])
	return fmt.Sprintf("%s, libtree %.0f ms: %s", line, theirs, verdict(ours <= theirs)), nil
}

// modules returns the shared libraries below dir.
func modules(dir string) (files []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && slices.Contains(strings.Split(filepath.Base(path), "."), "so") {
			files = append(files, path)
		}
		return err
	})
	return files, err
}
