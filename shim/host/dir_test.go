package host

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestReadDir(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"c", "a", "b"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		limit int
		many  bool
	}{{2, true}, {3, false}, {9, false}} {
		entries, err := ReadDir(dir, c.limit)
		if len(entries) != min(c.limit, 3) || errors.Is(err, ErrTooMany) != c.many || !c.many && err != nil {
			t.Errorf("ReadDir, %d: %d entries, %v", c.limit, len(entries), err)
		}
		if !slices.IsSortedFunc(entries, func(a, b os.DirEntry) int { return slices.Compare([]byte(a.Name()), []byte(b.Name())) }) {
			t.Errorf("ReadDir, %d: not sorted: %v", c.limit, entries)
		}
		names, err := Names(dir, c.limit, func(string) bool { return true })
		if len(names) != min(c.limit, 3) || errors.Is(err, ErrTooMany) != c.many || !slices.IsSorted(names) {
			t.Errorf("Names, %d: %q, %v", c.limit, names, err)
		}
	}
	if names, err := Names(dir, 1, func(name string) bool { return name == "b" }); err != nil || !slices.Equal(names, []string{"b"}) {
		t.Errorf("of those wanted: %q, %v", names, err)
	}
	empty := t.TempDir()
	if entries, err := ReadDir(empty, 1); err != nil || len(entries) != 0 {
		t.Errorf("an empty directory: %v, %v", entries, err)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, filepath.Join(dir, "none")} {
		done := make(chan error, 2)
		go func() {
			_, err := ReadDir(path, 1)
			done <- err
			_, err = Names(path, 1, func(string) bool { return true })
			done <- err
		}()
		for range 2 {
			select {
			case err := <-done:
				if err == nil {
					t.Errorf("%s was read", path)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("waits for a writer to the FIFO")
			}
		}
	}
}
