package remember

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"uvshim/shim/host"
)

// fill puts n things of a kind into a store, the first the oldest, all of them older than a day.
func fill(t *testing.T, dir string, n int) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-48 * time.Hour)
	for i := range n {
		file := filepath.Join(dir, filling(i))
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		at := old.Add(time.Duration(i) * time.Second)
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

func filling(i int) string {
	text := strconv.Itoa(i)
	return "00000000000000000000000000000000"[:32-len(text)] + text
}

func exists(dir string, i int) bool {
	_, err := os.Lstat(filepath.Join(dir, filling(i)))
	return err == nil
}

func TestStore_Save_prunes(t *testing.T) {
	for _, c := range []struct {
		name  string
		there int
		first int // the oldest that is left
		again bool
	}{
		{name: "few", there: maxKept - 1, first: 0},
		{name: "one_too_many", there: maxKept, first: maxKept/10 + 1},
		{name: "not_new", there: maxKept + 5, first: 0, again: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			dir := filepath.Join(s.dir, "k")
			if c.again {
				if err := s.Save("k\na", nil); err != nil {
					t.Fatal(err)
				}
			}
			fill(t, dir, c.there)
			for name := range map[string]bool{"keep.me": true, ".shim-tmp-1": true} {
				if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Save("k\na", []byte("new")); err != nil {
				t.Fatal(err)
			}
			if data, ok := s.Load("k\na"); !ok || string(data) != "new" {
				t.Errorf("what was added is gone: %q %v", data, ok)
			}
			for i := range c.there {
				if exists(dir, i) != (i >= c.first) {
					t.Fatalf("number %d of %d: there %v", i, c.there, exists(dir, i))
				}
			}
			for _, name := range []string{"keep.me", ".shim-tmp-1"} {
				if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
					t.Errorf("%s, which is none of the things, is gone", name)
				}
			}
		})
	}
}

// What has just been added stays even where the clock says that it is the oldest.
func TestPrune_added(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, maxKept+1)
	prune(dir, filling(0))
	if !exists(dir, 0) || exists(dir, 1) {
		t.Errorf("added %v, oldest of the others %v", exists(dir, 0), exists(dir, 1))
	}
}

func TestStore_Save_large(t *testing.T) {
	s := open(t)
	if err := s.Save("k\na", make([]byte, limit+1)); err == nil {
		t.Error("saved what is not read back")
	}
	if entries, _ := os.ReadDir(s.dir); len(entries) > 0 {
		t.Errorf("left %v behind", entries)
	}
	if err := s.Save("k\na", make([]byte, limit-1000)); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Load("k\na"); !ok {
		t.Error("not read back")
	}
}

func TestStore_Forget(t *testing.T) {
	s := open(t)
	if err := s.Save("k\na", nil); err != nil {
		t.Fatal(err)
	}
	s.Forget("k\na")
	s.Forget("k\nnone")
	Store{}.Forget("k\na")
	if _, ok := s.Load("k\na"); ok {
		t.Error("not forgotten")
	}
}

// Claims that can still keep a warning from coming again are kept, however many there are.
func TestStore_Claim_prunes(t *testing.T) {
	s, dir := open(t), t.TempDir()
	file := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := func(name, target string) string {
		path := filepath.Join(dir, name)
		os.Remove(path)
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := func(path string) string { return path + " " + string(host.Identify(path)) + "\n" }
	kept, gone := map[string]string{}, map[string]string{}

	kept["stays"] = text(file("stays"))
	kept["missing_then_and_now"] = text(filepath.Join(dir, "none"))
	kept["no_identity"] = "a warning\n"
	gone["deleted"] = text(file("deleted"))
	gone["directory_deleted"] = text(file("deep/down/cfg"))
	gone["one_of_two"] = text(filepath.Join(dir, "stays")) + text(file("deleted too"))
	gone["changed"] = text(file("changed"))
	file("one")
	file("other")
	kept["link_elsewhere"] = text(link("link", "one"))
	kept["link_dangles"] = text(link("dangling", "one"))
	kept["below_a_link"] = text(filepath.Join(link("way", "."), "one"))
	kept["other_device"] = filepath.Join(dir, "none") + " 1:2:3:4:5\n"
	kept["other_device_now"] = filepath.Join(dir, "stays") + " 1:2:3:4:5\n"
	for name, text := range kept {
		if first, err := s.Claim(text+name, true); !first || err != nil {
			t.Fatalf("%s: %v %v", name, first, err)
		}
	}
	for name, text := range gone {
		if first, err := s.Claim(text+name, true); !first || err != nil {
			t.Fatalf("%s: %v %v", name, first, err)
		}
	}
	os.Remove(filepath.Join(dir, "deleted"))
	os.Remove(filepath.Join(dir, "deleted too"))
	os.RemoveAll(filepath.Join(dir, "deep"))
	if err := os.WriteFile(filepath.Join(dir, "changed"), []byte("something longer"), 0o600); err != nil {
		t.Fatal(err)
	}
	link("link", "other")
	link("dangling", "nowhere")
	link("way", "elsewhere")

	claims := filepath.Join(s.dir, "claim")
	count := func() int {
		entries, err := os.ReadDir(claims)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	if first, err := s.Claim("one more", true); !first || err != nil {
		t.Fatal(first, err)
	}
	if n := count(); n != len(kept)+len(gone)+1 {
		t.Errorf("%d claims, though there are few", n)
	}
	fill(t, claims, maxKept)
	if first, err := s.Claim("and another", true); !first || err != nil {
		t.Fatal(first, err)
	}
	if n := count(); n != len(kept)+maxKept+2 {
		t.Errorf("%d claims are left of %d", n, len(kept)+len(gone)+maxKept+2)
	}
	for name, text := range kept {
		if first, err := s.Claim(text+name, true); first || err != nil {
			t.Errorf("%s: the warning would come again: %v", name, err)
		}
	}
}
