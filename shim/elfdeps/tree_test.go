package elfdeps

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTree opens every library of an environment with its Python, each in a process of its own, and
// holds what we say against what it says. ELFDEPS_TREES is the environment's directory and
// ELFDEPS_PYTHON the interpreter; ELFDEPS_LIBRARY_PATH is its LD_LIBRARY_PATH.
func TestTree(t *testing.T) {
	tree, python := os.Getenv("ELFDEPS_TREES"), os.Getenv("ELFDEPS_PYTHON")
	if tree == "" || python == "" {
		t.Skip("ELFDEPS_TREES and ELFDEPS_PYTHON name no environment")
	}
	s := setting{dir: "/", libraryPath: os.Getenv("ELFDEPS_LIBRARY_PATH")}
	paths := libraries(tree)
	cmd := exec.Command(python, "testdata/open.py")
	cmd.Env = s.env()
	cmd.Stdin = strings.NewReader(strings.Join(paths, "\n") + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	sys := s.system(t)
	process, start, err := Start(sys, python)
	if err != nil || !start.OK() {
		t.Fatal(start.Problems, err)
	}
	text := string(out)
	for strings.HasPrefix(text, "base ") {
		line, rest, _ := strings.Cut(text, "\n")
		process.Open(line[5:], nil)
		text = rest
	}
	answers := answers(text)
	if len(answers) != len(paths) {
		t.Fatalf("%d answers for %d files", len(answers), len(paths))
	}
	count := map[string]int{}
	for i, path := range paths {
		got, real := process.Clone().Open(path, nil), answers[i]
		if symbol := strings.Contains(real.text, "undefined symbol"); symbol {
			count["undefined symbol"]++
			real.ok = true
			real.maps = nil
		}
		problems := fatal(got)
		switch {
		case len(problems) == 0 != real.ok:
			t.Errorf("%s: we say %v, the loader %q", path, problems, real.text)
		case !real.ok:
			count["failed"]++
			if s.words(problems[0].String()) != s.words(real.text) {
				t.Errorf("%s: we say %q, the loader %q", path, problems[0], real.text)
			}
		default:
			count["opened"]++
			var ours []string
			for _, o := range got.Objects {
				if real, err := filepath.EvalSymlinks(o.Path); err == nil {
					ours = append(ours, real)
				}
			}
			slices.Sort(ours)
			slices.Sort(real.maps)
			if real.maps != nil && !slices.Equal(ours, real.maps) {
				t.Errorf("%s: we load\n  %q, the loader\n  %q", path, ours, real.maps)
			}
		}
	}
	t.Log(len(paths), "files", count)
}
