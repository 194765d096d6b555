package trial

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// next are the edits that make the shim of the next schema: it reads this one's files and its own, and
// writes its own.
var next = map[string][][2]string{
	"shim/lock/lock.go": {{"version    = 1 ", "version    = 2 "}},
	"shim/lock/pending.go": {
		{`schema     = "schema = 1\n"`, `schema     = "schema = 2\n"`},
		{`!strings.HasPrefix(string(text), schema)`, `!strings.HasPrefix(string(text), schema) && !strings.HasPrefix(string(text), "schema = 1\n")`},
	},
	"shim/remember/remember.go": {{`"shim remember 1"`, `"shim remember 2"`}},
	"shim/preflight/memory.go":  {{`"verdict 2"`, `"verdict 3"`}},
	"shim/preflight/facts.go":   {{`"shim facts 1\n"`, `"shim facts 2\n"`}},
}

// buildNext builds that shim.
func (t *Trials) buildNext() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", err
	}
	root := filepath.Dir(strings.TrimSpace(string(out)))
	replace := map[string]string{}
	for name, edits := range next {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return "", err
		}
		now := string(text)
		for _, e := range edits {
			if !strings.Contains(now, e[0]) {
				return "", fmt.Errorf("%s has no %q", name, e[0])
			}
			now = strings.Replace(now, e[0], e[1], 1)
		}
		file := filepath.Join(t.Dir, "next", filepath.Base(name))
		if err := put(file, now, 0o644); err != nil {
			return "", err
		}
		replace[filepath.Join(root, name)] = file
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file, program := filepath.Join(t.Dir, "overlay.json"), filepath.Join(t.Dir, "next", "shim")
	if err := put(file, string(overlay), 0o644); err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-overlay", file, "-ldflags", "-s -w -X uvshim/shim.release=99 -E uvshim/shim/host.entry", "-o", program, "uvshim/cmd/shim")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the next shim: %w\n%s", err, text)
	}
	return program, nil
}

func otherVersion(t *Trials, n int) {
	if !t.need("go") {
		return
	}
	seeds := t.seed(3)
	program, err := t.buildNext()
	if err != nil {
		t.lose("%v", err)
		return
	}
	// the next shim has a directory of shims of its own, and the home of this one
	names := filepath.Join(t.Dir, "next")
	if err = os.Link(program, filepath.Join(names, "python")); err == nil {
		err = put(filepath.Join(names, ".shim-dir"), "", 0o644)
	}
	if err != nil {
		t.lose("%v", err)
		return
	}
	calls := [][]string{python, append([]string{filepath.Join(names, "python")}, python[1:]...)}
	var dirs []string
	for range n {
		dirs = append(dirs, t.project())
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	slots := make(chan bool, 16)
	for i, dir := range dirs {
		all.Go(func() {
			slots <- true
			defer func() { <-slots }()
			r := t.RunIn(dir, calls[i%2]...)
			mu.Lock()
			defer mu.Unlock()
			t.Count++
			t.ran("beside another version", r)
		})
	}
	all.Wait()
	// A call that finds the lock held leaves its record to others, and the older cannot fold the
	// newer's: whether the newer has written by now is chance, so it is asked first.
	read := func() {
		r := t.Run(filepath.Join(names, "shim"), "history", "--json")
		for _, dir := range append(seeds, dirs...) {
			if !strings.Contains(r.Stdout, `"`+dir+`"`) {
				t.lose("%s is lost: %s", dir, r.Stderr)
			}
		}
	}
	read()
	// the older one leaves the newer's lock alone
	r := t.Run("shim", "history", "--json")
	t.calm("history of the older", r)
	if !strings.Contains(r.Stderr, "version 2") {
		t.lose("the older does not say that the lock is a newer version's: %s", r)
	}
	read()
	if left, _ := filepath.Glob(filepath.Join(t.state(), "*corrupt*")); len(left) > 0 {
		t.lose("taken for damaged: %q", left)
	}
	if left, _ := filepath.Glob(filepath.Join(t.pending(), "*")); len(left) > 0 {
		t.lose("%d left pending", len(left))
	}
}
