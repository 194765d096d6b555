package parts

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestUV(t *testing.T) {
	uv := UV(t)
	out, err := exec.Command(uv, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(uv), "uvx")); err != nil {
		t.Errorf("uvx beside uv: %v", err)
	}
	pin, err := pinned("uv")
	if err != nil {
		t.Fatal(err)
	}
	want := "uv " + strings.TrimPrefix(pin, "uv==") + " "
	if os.Getenv("UVSHIM_TEST_UV") == "" && !strings.HasPrefix(string(out), want) {
		t.Errorf("uv --version prints %q, want %q", out, want)
	}
}

func TestWheels(t *testing.T) {
	Network(t)
	// two ABIs, so that it is not the Python of pip itself that chooses
	for _, minor := range []string{"3.12", "3.13"} {
		found, err := filepath.Glob(filepath.Join(Wheels(t, minor, "MarkupSafe==3.0.2"), "*-cp"+strings.Replace(minor, ".", "", 1)+"-*.whl"))
		if err != nil || len(found) != 1 {
			t.Errorf("for %s: %q, %v", minor, found, err)
		}
	}
}

func TestCachedFillsOnce(t *testing.T) {
	t.Setenv("UVSHIM_TEST_CACHE", t.TempDir())
	var fills atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			dir, err := Cached("x", func(tmp, final string) error {
				fills.Add(1)
				return os.WriteFile(filepath.Join(tmp, "file"), []byte(final), 0o644)
			})
			if err != nil {
				t.Error(err)
				return
			}
			if data, err := os.ReadFile(filepath.Join(dir, "file")); err != nil || string(data) != dir {
				t.Errorf("%q, %v: want %q", data, err, dir)
			}
		})
	}
	all.Wait()
	if n := fills.Load(); n != 1 {
		t.Errorf("filled %d times", n)
	}
}

func TestCachedFailureLeavesNothing(t *testing.T) {
	base := t.TempDir()
	t.Setenv("UVSHIM_TEST_CACHE", base)
	broken := errors.New("broken")
	_, err := Cached("x", func(tmp, _ string) error {
		return errors.Join(os.WriteFile(filepath.Join(tmp, "half"), nil, 0o644), broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	entries, err := os.ReadDir(base)
	if err != nil || len(entries) != 1 || entries[0].Name() != "x.lock" {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// A test without its part is skipped, and fails where CI is set.
func TestMissing(t *testing.T) {
	for _, row := range []struct {
		ci              string
		skipped, failed bool
	}{
		{"", true, false},
		{"true", false, true},
	} {
		t.Setenv("CI", row.ci)
		var tb recorder
		done := make(chan struct{})
		go func() {
			defer close(done)
			Missing(&tb, errors.New("no such part"))
		}()
		<-done
		if tb.skipped != row.skipped || tb.failed != row.failed {
			t.Errorf("CI=%q: skipped %v, failed %v", row.ci, tb.skipped, tb.failed)
		}
	}
}

// A recorder notes how a test ended.
type recorder struct {
	testing.TB
	skipped, failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Skip(...any)           { r.skipped = true }
func (r *recorder) Fatalf(string, ...any) { r.failed = true; runtime.Goexit() }

func TestPinned(t *testing.T) {
	if pin, err := pinned("u"); err == nil {
		t.Errorf("half a name gives %q", pin)
	}
}
