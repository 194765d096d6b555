package main

import (
	"fmt"
	"math/rand/v2"
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
		more, err := cold(m, shim("check", scan), scan, finder)
		if err != nil {
			return lines, err
		}
		lines = append(lines, more...)
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
	// Without an error, or "info" at most, it ends with 0; either way it has to have looked at all.
	_, _ = r.try()
	out, _ := r.try()
	if all := fmt.Sprintf("%d recorded environments find all libraries", doctorProjects); !strings.Contains(out, all) {
		return "", fmt.Errorf("shim doctor did not find what is recorded:\n%s", out)
	}
	t := &table{rows: []row{r}}
	if err := t.measure(slowRounds); err != nil {
		return "", err
	}
	ms := median(t.times[r.name])
	return fmt.Sprintf("%s with %d recorded projects: %.0f ms, budget %.0f ms: %s",
		r.name, doctorProjects, ms, doctorLimit, verdict(ms <= doctorLimit)), nil
}

// cold measures a scan of which nothing is remembered, the files being in the page cache, beside
// libtree over the same files. The scan also walks the environment, takes in the interpreter and its
// standard library, compares symbol versions, and remembers what it read; libtree does none of that.
// lddtree, for which an environment takes minutes, is measured on a sample of the files.
func cold(m machine, r row, scan string, finder *host.Finder) ([]string, error) {
	files, err := modules(scan)
	if err != nil {
		return nil, err
	}
	rows := []row{r}
	libtree := search(finder, "libtree")
	if libtree != "" {
		rows = append(rows, row{name: "libtree", argv: append([]string{libtree}, files...), env: r.env, dir: r.dir, exits: true})
	}
	times, err := coldRounds(m, rows, slowRounds)
	if err != nil {
		return nil, err
	}
	ours := median(times[r.name])
	head := fmt.Sprintf("cold scan of %d ELF files: %.0f ms", len(files), ours)
	lines := []string{head + ", without libtree to compare with"}
	if libtree != "" {
		ratio := ratios(times[r.name], times["libtree"])
		low, high := interval(ratio)
		lines[0] = fmt.Sprintf("%s, libtree %.0f ms: × %.2f (%.2f to %.2f): %s",
			head, median(times["libtree"]), median(ratio), low, high, verdict(median(ratio) <= 1))
	}
	if lddtree := search(finder, "lddtree"); lddtree != "" && len(files) > 0 {
		var sample []string
		for i := range min(lddtreeFiles, len(files)) {
			sample = append(sample, files[i*len(files)/min(lddtreeFiles, len(files))])
		}
		times, err := coldRounds(m, []row{{name: "lddtree", argv: append([]string{lddtree}, sample...), env: r.env, dir: r.dir, exits: true}}, 3)
		if err != nil {
			return lines, err
		}
		each := median(times["lddtree"]) / float64(len(sample))
		lines = append(lines, fmt.Sprintf("lddtree: %.0f ms a file, over %d of them; the scan %.2f ms a file", each, len(sample), ours/float64(len(files))))
	}
	return lines, nil
}

// lddtreeFiles is how many files lddtree is measured on.
const lddtreeFiles = 40

// coldRounds runs the rows with an empty cache, each round in another order. Before the rounds
// that are measured one reads the files from the disk.
func coldRounds(m machine, rows []row, rounds int) (map[string][]float64, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	times := map[string][]float64{}
	for round := range rounds + 1 {
		rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		for _, r := range rows {
			if err := os.RemoveAll(filepath.Join(m.dir, ".cache/shim")); err != nil {
				return nil, err
			}
			c, err := r.run(null.Fd())
			if err != nil {
				return nil, err
			}
			if round > 0 {
				times[r.name] = append(times[r.name], milliseconds(c.time))
			}
		}
	}
	return times, nil
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
