package remember

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"uvshim/shim/host"
)

func open(t *testing.T) Store {
	t.Helper()
	return Open(host.Host{Env: host.Env{"XDG_CACHE_HOME=" + t.TempDir()}, UID: os.Geteuid()})
}

func TestStore(t *testing.T) {
	s := open(t)
	if _, ok := s.Load("k\na"); ok {
		t.Error("an empty store remembers")
	}
	if err := s.Save("k\na", []byte("one\n\x00two")); err != nil {
		t.Fatal(err)
	}
	if data, ok := s.Load("k\na"); !ok || string(data) != "one\n\x00two" {
		t.Errorf("got %q, %v", data, ok)
	}
	if _, ok := s.Load("k\nb"); ok {
		t.Error("another key answers")
	}
	// two keys of one hash
	if err := os.Rename(s.file("k\na"), s.file("k\nb")); err != nil {
		t.Fatal(err)
	}
	if data, ok := s.Load("k\nb"); ok {
		t.Errorf("a file with another key in it answers: %q", data)
	}
	if err := os.WriteFile(s.file("k\na"), []byte("shim remember 99\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Load("k\na"); ok {
		t.Error("a file of another schema answers")
	}
}

func TestStore_notOurs(t *testing.T) {
	dir := t.TempDir()
	s := Open(host.Host{Env: host.Env{"XDG_CACHE_HOME=" + dir}, UID: os.Geteuid() + 1})
	if err := s.Save("k\na", nil); err == nil {
		t.Error("saved in another user's cache")
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("left %v behind", entries)
	}
	if _, err := s.Claim("w", true); err == nil {
		t.Error("claimed in another user's cache")
	}
}

func TestStore_File(t *testing.T) {
	s := open(t)
	path := filepath.Join(t.TempDir(), "f")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parses := 0
	get := func() (string, error) {
		data, err := s.File("k", path, func(path string) ([]byte, error) {
			parses++
			return os.ReadFile(path)
		})
		return string(data), err
	}
	rest := func() { time.Sleep(Settle + 20*time.Millisecond) }

	write("one")
	rest()
	for range 3 {
		if got, err := get(); got != "one" || err != nil {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	if parses != 1 {
		t.Errorf("parsed %d times, want once", parses)
	}
	write("two")
	if got, _ := get(); got != "two" {
		t.Errorf("got %q after a change", got)
	}
	if got, _ := get(); got != "two" || parses != 3 {
		t.Errorf("a file that has just changed is remembered (%d parses)", parses)
	}
	os.Remove(path)
	if got, err := get(); err == nil {
		t.Errorf("a file that is gone answers %q", got)
	}
	want := errors.New("broken")
	write("three")
	rest()
	if _, err := s.File("k", path, func(string) ([]byte, error) { return nil, want }); err != want {
		t.Errorf("got %v", err)
	}
	if got, _ := get(); got != "three" {
		t.Errorf("a failure was remembered: %q", got)
	}
}

func TestStore_Claim(t *testing.T) {
	s := open(t)
	var first atomic.Int32
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			ok, err := s.Claim("text", false)
			if err != nil {
				t.Error(err)
			}
			if ok {
				first.Add(1)
			}
		})
	}
	wg.Wait()
	if first.Load() != 1 {
		t.Errorf("%d of 64 were the first", first.Load())
	}
	for _, c := range []struct {
		text string
		tty  bool
		want bool
	}{{"text", true, true}, {"text", true, false}, {"other", false, true}} {
		if ok, err := s.Claim(c.text, c.tty); ok != c.want || err != nil {
			t.Errorf("%v: %v, %v", c, ok, err)
		}
	}
}

func TestCutHeader(t *testing.T) {
	const key = "k\nz\x00\xff"
	head := string(header(key))
	for _, c := range []struct{ name, text string }{
		{"nothing", ""},
		{"schema_of_another", "shim remember 2\n" + head[len(schema)+1:]},
		{"schema_alone", schema + "\n"},
		{"schema_without_end", schema},
		{"key_cut", head[:len(head)-3]},
		{"key_without_end", head[:len(head)-1]},
		{"key_longer", head[:len(head)-1] + "00\n"},
		{"key_with_another_end", head[:len(head)-1] + " "},
		{"key_of_another", string(header("k\nz\x00\xfe"))},
		{"key_of_another_first_digit", string(header("k\nz\x00\x0f"))},
		{"key_in_capitals", schema + "\n" + "6B0A7A00FF\n"},
	} {
		t.Run("header_"+c.name, func(t *testing.T) {
			if rest, ok := cutHeader([]byte(c.text), key); ok || rest != nil {
				t.Errorf("%q, %v", rest, ok)
			}
		})
	}
	for _, want := range []string{"", "\n", "data\n"} {
		if rest, ok := cutHeader([]byte(head+want), key); !ok || string(rest) != want {
			t.Errorf("%q, %v, want %q", rest, ok, want)
		}
	}
}
