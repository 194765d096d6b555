package host

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestAlone(t *testing.T) {
	us, gid := Host{UID: os.Geteuid()}, os.Geteuid()
	for _, row := range []struct {
		name  string
		mode  os.FileMode
		group int
		want  bool
	}{
		{"own", 0o755, gid, true},
		{"own_group_writes", 0o775, gid, true},
		{"everybody_writes", 0o757, gid, false},
		{"sticky", 0o777 | os.ModeSticky, gid, false},
		{"other_group_writes", 0o775, gid + 1, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "d")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(dir, -1, row.group); err != nil {
				t.Skip(err) // only root has groups to choose from
			}
			if err := os.Chmod(dir, row.mode); err != nil {
				t.Fatal(err)
			}
			if us.Alone(dir) != row.want {
				t.Errorf("mode %v, group %d: not %v", row.mode, row.group, row.want)
			}
		})
	}
	if dir := t.TempDir(); !us.Alone(filepath.Join(dir, "none")) || (Host{UID: us.UID + 1}).Alone(dir) {
		t.Error("what is to be made, or is another user's")
	}
}

// Each row makes below an own directory what leads to cache/shim, and names what of it another user
// decides, "" for nothing.
func TestExposed(t *testing.T) {
	const stranger = 54321
	for _, row := range []struct {
		name string
		make func(t *testing.T, at func(string) string)
		dir  string // asked for, if not cache/shim
		home string
		want string
	}{
		{"own", nil, "", "", ""},
		{"open_parent", func(t *testing.T, at func(string) string) { chmod(t, at("cache"), 0o777) }, "", "", "cache"},
		{"open_above", func(t *testing.T, at func(string) string) { chmod(t, at("."), 0o777) }, "", "", "."},
		{"sticky_parent", func(t *testing.T, at func(string) string) { chmod(t, at("cache"), 0o777|os.ModeSticky) }, "", "", ""},
		{"sticky_itself", func(t *testing.T, at func(string) string) { chmod(t, at("cache/shim"), 0o777|os.ModeSticky) }, "", "", "cache/shim"},
		{"missing_below_sticky", func(t *testing.T, at func(string) string) { chmod(t, at("cache"), 0o777|os.ModeSticky) }, "cache/other", "", "cache"},
		{"missing", nil, "cache/other/deep", "", ""},
		{"open_home", func(t *testing.T, at func(string) string) { chmod(t, at("."), 0o777) }, "", ".", ""},
		{"missing_in_open_home", func(t *testing.T, at func(string) string) { chmod(t, at("."), 0o777) }, "none/shim", ".", ""},
		{"missing_home", nil, "none/cache/shim", "none", ""},
		{"open_below_home", func(t *testing.T, at func(string) string) { chmod(t, at("cache"), 0o777) }, "", ".", "cache"},
		{"foreign_parent", func(t *testing.T, at func(string) string) { chown(t, at("cache"), stranger) }, "", "", "cache"},
		{"foreign_link", func(t *testing.T, at func(string) string) { planted(t, at); chown(t, at("link"), stranger) }, "link/shim", "", "link"},
		{"own_link", planted, "link/shim", "", ""},
		{"link_into_open", func(t *testing.T, at func(string) string) { planted(t, at); chmod(t, at("cache"), 0o777) }, "link/shim", "", "cache"},
		{"own_link_itself", planted, "link", "", ""},
		{"open_home_of_another_tree", func(t *testing.T, at func(string) string) { chmod(t, at("cache"), 0o777) }, "", "other", "cache"},
		{"open_home_with_longer_name", func(t *testing.T, at func(string) string) { chmod(t, at("."), 0o777) }, "", "cach", "."},
		{"relative_home", func(t *testing.T, at func(string) string) { chmod(t, at("cache"), 0o777) }, "", "relative", "cache"},
		{"open_above_home", func(t *testing.T, at func(string) string) { chmod(t, at("."), 0o777) }, "", "cache", ""},
		{"missing_home_itself", func(t *testing.T, at func(string) string) { chmod(t, at("."), 0o777|os.ModeSticky) }, "none", "none", "."},
		{"link_into_open_home", func(t *testing.T, at func(string) string) {
			planted(t, at)
			chmod(t, at("."), 0o777)
		}, "link/shim", ".", ""},
		{"links_in_a_row", func(t *testing.T, at func(string) string) {
			symlink(t, "cache", at("a"))
			symlink(t, "a", at("b"))
			symlink(t, at("b"), at("c"))
		}, "c/shim", "", ""},
		{"link_to_nothing", func(t *testing.T, at func(string) string) {
			chmod(t, at("cache"), 0o777|os.ModeSticky)
			symlink(t, "cache/none", at("link"))
		}, "link", "", "cache"},
		{"link_out_of_home", func(t *testing.T, at func(string) string) {
			symlink(t, "../other", at("cache/link"))
			if err := os.Mkdir(at("other"), 0o700); err != nil {
				t.Fatal(err)
			}
			chmod(t, at("."), 0o777)
		}, "cache/link", "cache", "."},
		{"loop", func(t *testing.T, at func(string) string) { symlink(t, "loop", at("loop")) }, "loop", "", "loop"},
		{"file", func(t *testing.T, at func(string) string) { symlink(t, "/dev/null", at("null")) }, "null", "", "/dev/null"},
	} {
		t.Run(row.name, func(t *testing.T) {
			base := t.TempDir()
			at := func(path string) string {
				if filepath.IsAbs(path) {
					return path
				}
				return filepath.Join(base, path)
			}
			chmod(t, base, 0o755)
			for _, dir := range []string{"cache", "cache/shim"} {
				if err := os.Mkdir(at(dir), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if row.make != nil {
				row.make(t, at)
			}
			h := Host{UID: os.Geteuid()}
			if row.home != "" {
				h.Env = Env{"HOME=" + at(row.home)}
			}
			if row.home == "relative" {
				h.Env = Env{"HOME=" + row.home}
			}
			dir, want := "cache/shim", row.want
			if row.dir != "" {
				dir = row.dir
			}
			if want != "" {
				want = at(want)
			}
			if got := h.Exposed(at(dir)); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// What root made, or a link of root's, on the way is as good as one's own.
func TestExposed_roots(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives directories away")
	}
	const me = 54321
	base := t.TempDir()
	for _, dir := range []string{"cache", "cache/shim"} {
		if err := os.Mkdir(filepath.Join(base, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	symlink(t, "cache", filepath.Join(base, "link"))
	chmod(t, base, 0o755)
	chown(t, filepath.Join(base, "cache/shim"), me)
	h := Host{UID: me}
	for _, way := range []string{"cache/shim", "link/shim"} {
		if got := h.Exposed(filepath.Join(base, way)); got != "" {
			t.Errorf("%s: %q", way, got)
		}
	}
	if got := h.Exposed(filepath.Join(base, "cache")); got != filepath.Join(base, "cache") {
		t.Errorf("root's own: %q", got)
	}
}

// The top of the file system is no place for what is not there, nor a home without bounds.
func TestExposed_top(t *testing.T) {
	h := Host{UID: os.Geteuid()}
	if got := h.Exposed("/no-such-home/.cache"); got != "/no-such-home" {
		t.Errorf("got %q", got)
	}
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	chmod(t, dir, 0o777)
	for _, home := range []string{"/", "//", "/../"} {
		h.Env = Env{"HOME=" + home}
		if got := h.Exposed(dir); got != dir {
			t.Errorf("HOME=%s: got %q", home, got)
		}
	}
}

// Root with the HOME of another user believes nothing there, be it root's own.
func TestExposed_sudo(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be called with another user's home and own a directory in it")
	}
	home := t.TempDir()
	dir := filepath.Join(home, "cache")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	h := Host{Env: Env{"HOME=" + home}}
	if got := h.Exposed(dir); got != "" {
		t.Fatalf("in an own home: %q", got)
	}
	chown(t, home, 54321)
	if got := h.Exposed(dir); got != home {
		t.Errorf("got %q, want %q", got, home)
	}
}

func TestReadOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	uid := os.Geteuid()
	if data, err := (Host{UID: uid}).ReadOwn(path, 10); string(data) != "x" || err != nil {
		t.Errorf("own: %q, %v", data, err)
	}
	data, err := Host{UID: uid + 1}.ReadOwn(path, 10)
	if uid == 0 {
		if err != nil {
			t.Errorf("root's: %v", err)
		}
		chown(t, path, 54321)
		data, err = Host{}.ReadOwn(path, 10)
	}
	if data != nil || !errors.Is(err, ErrForeign) {
		t.Errorf("another user's: %q, %v", data, err)
	}
}

func planted(t *testing.T, at func(string) string) { symlink(t, "cache", at("link")) }

func symlink(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func chown(t *testing.T, path string, uid int) {
	t.Helper()
	if err := os.Lchown(path, uid, -1); err != nil {
		t.Skip(err) // only root gives files away
	}
}
