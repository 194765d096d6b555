package testscripts

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"uvshim/shim/lock"
)

// Of 30 changes at once, in projects of their own, each is recorded once and none is lost; what is
// secret in them is not.
func TestChangesAtOnce(t *testing.T) {
	h := newHome(t)
	h.Set(h.uv())
	h.Set(h.python())
	wheels := filepath.Join(h.Work, "wheels")
	if err := os.Mkdir(wheels, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"plain", "other"} {
		file, data := purePython(t, name)
		if err := os.WriteFile(filepath.Join(wheels, file), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	h.Set(vars{
		"UV_PYTHON": h.Env.Get("REALPY"), "UV_NO_INDEX": "1", "UV_FIND_LINKS": wheels,
		"UV_TOOL_DIR": filepath.Join(h.Work, "tools"),
	})
	const secret = "hunter2"
	var all sync.WaitGroup
	var mu sync.Mutex
	want := map[string]int{}
	for n := range 30 {
		dir := filepath.Join(h.Work, fmt.Sprintf("project%02d", n))
		argv := []string{"uv", "add", "--extra-index-url", "https://user:" + secret + "@pypi.invalid/simple", "plain"}
		switch n % 3 {
		case 1:
			argv = []string{"uv", "pip", "install", "--target", filepath.Join(dir, "target"), "plain"}
		case 2:
			argv = []string{"uv", "tool", "install", "--reinstall", "plain", "--with", fmt.Sprintf("other<=%d", n)}
		}
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "pyproject.toml"), []byte("[project]\nname = \"p\"\nversion = \"1\"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			cmd := h.Command(argv...)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			mu.Lock()
			defer mu.Unlock()
			want[fmt.Sprint(dir, " ", strings.ReplaceAll(strings.Join(argv, " "), "user:"+secret, "***"), " ", cmd.ProcessState.ExitCode())]++
			if err != nil {
				t.Errorf("%q: %v\n%s", argv, err, out)
			}
			if strings.Contains(string(out), "shim:") {
				t.Errorf("%q: %s", argv, out)
			}
		})
	}
	all.Wait()
	if got := h.Run(filepath.Join(h.ShimDir, "shim"), "history"); got.Code != 0 || strings.Contains(got.Stdout+got.Stderr, secret) {
		t.Errorf("%+v", got)
	}
	data, err := os.ReadFile(filepath.Join(h.Home, ".local", "state", "shim", "shim.lock"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), secret) {
		t.Errorf("the lock has the password:\n%s", data)
	}
	l, err := lock.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, c := range l.Change {
		got[fmt.Sprint(c.Directory, " ", strings.Join(c.Argv, " "), " ", c.Exit)]++
	}
	for key, n := range want {
		if got[key] != n {
			t.Errorf("%d times in the lock: %s", got[key], key)
		}
	}
	if len(l.Change) != 30 {
		t.Errorf("%d changes: %v", len(l.Change), got)
	}
	if len(l.Tool) != 1 || l.Tool[0].Name != "plain" || l.Tool[0].Version != "1.0" {
		t.Errorf("tools: %+v", l.Tool)
	}
}
