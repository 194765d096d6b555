package testscripts

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"uvshim/shim/lock"
)

// Of 500 Pythons started at once in 50 projects, a fifth killed at random moments, each project
// whose call came to its end stands in the lock, and the killed ones have left at most what they
// were writing.
func TestManyAtOnce(t *testing.T) {
	t.Run("killed", func(t *testing.T) { manyAtOnce(t, 500, true) })
	t.Run("undisturbed", func(t *testing.T) { manyAtOnce(t, 100, false) })
}

func manyAtOnce(t *testing.T, calls int, kill bool) {
	const projects = 50
	h := newHome(t)
	h.Set(h.mirror("fake"))
	h.Install("3.13")
	directory := func(n int) string { return filepath.Join(h.Work, fmt.Sprintf("project%02d", n)) }
	for n := range projects {
		if err := os.Mkdir(directory(n), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(directory(n), ".python-version"), []byte("3.13\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	ended, killed := map[string]bool{}, 0
	var all sync.WaitGroup
	for n := range calls {
		cmd := h.Command("python", "-c", "0")
		// Half of the projects have one call only, which nobody's second call can make up for.
		cmd.Dir = directory(n % projects)
		if n%projects >= projects/2 && n >= projects {
			cmd.Dir = directory(n % (projects / 2))
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		victim := kill && n%5 == 0
		if victim {
			moment := time.Duration(rand.IntN(30_000)) * time.Microsecond
			time.AfterFunc(moment, func() { cmd.Process.Kill() })
		}
		all.Go(func() {
			code, err := status(cmd.Wait())
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && code == 0:
				ended[cmd.Dir] = true
			case err == nil && code == 128+9 && victim:
				killed++
			default:
				t.Errorf("call %d: exit status %d, %v", n, code, err)
			}
		})
	}
	all.Wait()
	if kill && killed == 0 || len(ended) < projects/2 {
		t.Errorf("%d killed and %d projects with a call that ended do not tell much", killed, len(ended))
	}

	history := h.Run(filepath.Join(h.ShimDir, "shim"), "history")
	if history.Code != 0 || history.Stderr != "" {
		t.Errorf("shim history: %+v", history)
	}
	state := filepath.Join(h.Home, ".local", "state", "shim")
	text, err := os.ReadFile(filepath.Join(state, "shim.lock"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := lock.Decode(text)
	if err != nil {
		t.Fatalf("the lock cannot be read: %v\n%s", err, text)
	}
	locked := map[string]bool{}
	for _, p := range l.Project {
		locked[p.Path] = true
	}
	for dir := range ended {
		if !strings.Contains(history.Stdout, filepath.Base(dir)) {
			t.Errorf("shim history does not tell of %s", dir)
		}
		if !locked[dir] {
			t.Errorf("the lock has no %s", dir)
		}
	}

	if left, _ := filepath.Glob(filepath.Join(state, "pending", "*.toml")); len(left) > 0 {
		t.Errorf("%d records are still pending", len(left))
	}
	var left []string
	filepath.WalkDir(h.Home, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.Contains(d.Name(), "tmp") {
			left = append(left, path)
		}
		return err
	})
	if len(left) > killed {
		t.Errorf("%d calls were killed and %d temporary files are left: %q", killed, len(left), left)
	}
}
