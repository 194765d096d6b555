package host

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestEnv(t *testing.T) {
	e := Env{"A=1", "B=", "nonsense", "A=2", "C=x=y"}
	for name, want := range map[string]string{"A": "1", "B": "", "C": "x=y", "D": "", "nonsense": ""} {
		if got := e.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if _, ok := e.Lookup("B"); !ok {
		t.Error("empty is taken for unset")
	}
	if got := e.With("A", "3"); !slices.Equal(got, Env{"A=3", "B=", "nonsense", "C=x=y"}) {
		t.Errorf("With an old name: %q", got)
	}
	if got := e.With("D", "4"); got[len(got)-1] != "D=4" || len(got) != 6 {
		t.Errorf("With a new name: %q", got)
	}
	if got := e.Without("A"); !slices.Equal(got, Env{"B=", "nonsense", "C=x=y"}) {
		t.Errorf("Without: %q", got)
	}
	if e[0] != "A=1" || len(e) != 5 {
		t.Errorf("the original changed: %q", e)
	}
}

func TestDirs(t *testing.T) {
	d := Host{Env: Env{"HOME=/h", "XDG_DATA_HOME=/d/", "XDG_CACHE_HOME=rel"}}.Dirs()
	if d != (Dirs{"/h", "/h/.config", "/d", "/h/.local/state", "/h/.cache"}) {
		t.Errorf("%+v", d)
	}
	if d := (Host{Env: Env{"HOME=relative"}}).Dirs(); d != (Dirs{}) {
		t.Errorf("relative home: %+v", d)
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := ReadFile(path, 5); string(data) != "12345" || err != nil {
		t.Errorf("got %q, %v", data, err)
	}
	if _, err := ReadFile(path, 4); !errors.Is(err, ErrTooLarge) {
		t.Errorf("over the limit: %v", err)
	}
	if _, err := ReadFile(filepath.Join(dir, "none"), 4); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if _, err := ReadFile(dir, 4); err == nil {
		t.Error("a directory was read")
	}
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { _, err := ReadFile(fifo, 4); done <- err }()
	select {
	case err := <-done:
		if err == nil {
			t.Error("a FIFO was read")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("waits for a writer to the FIFO")
	}
	if data, err := ReadFile("/proc/self/stat", 1<<16); err != nil || len(data) == 0 {
		t.Errorf("a file whose size is not known: %q, %v", data, err)
	}
}

func TestReal(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/b/c", "d"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"relative": "a/b", "absolute": dir + "/relative/c", "d/up": "../absolute", "gone": "nothing", "loop": "loop"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"", "a/b/c", "relative", "relative/c", "absolute", "d/up", "d/../a", "gone", "loop", "none", "a/none"} {
		path := dir + "/" + name
		want, wantErr := filepath.EvalSymlinks(path)
		if got, err := Real(path); got != want || (err == nil) != (wantErr == nil) {
			t.Errorf("%s: got %q, %v, want %q, %v", name, got, err, want, wantErr)
		}
		if _, err := Real(path); errors.Is(wantErr, os.ErrNotExist) && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v does not say that nothing is there", name, err)
		}
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "sub", "f"), filepath.Join(dir, "link")
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for i, at := range []string{path, link} {
		text := strings.Repeat("x", i+1)
		if err := WriteFile(at, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		if data, _ := os.ReadFile(at); string(data) != text {
			t.Errorf("%s: %q", at, data)
		}
	}
	if info, _ := os.Lstat(link); !info.Mode().IsRegular() {
		t.Error("the link is there still")
	}
	if data, _ := os.ReadFile(path); string(data) != "x" {
		t.Errorf("written through the link: %q", data)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v", info.Mode())
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

// What a kill left is removed by the next write in the directory when its writer is certainly gone,
// whatever the clock was then; nothing else is.
func TestWriteFile_sweeps(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	for name, at := range map[string]time.Time{
		tmpPrefix + "old": now.Add(-2 * keepTmp), tmpPrefix + "future": now.Add(2 * keepTmp),
		tmpPrefix + "young": now, ".tmp-old": now.Add(-2 * keepTmp), "f~": now.Add(-2 * keepTmp),
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	var left []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{tmpPrefix + "young", ".tmp-old", "f", "f~"}; !slices.Equal(left, want) {
		t.Errorf("left %q, want %q", left, want)
	}
}

func TestOwns(t *testing.T) {
	dir := t.TempDir()
	us, other := Host{UID: os.Geteuid()}, Host{UID: os.Geteuid() + 1}
	for _, path := range []string{dir, filepath.Join(dir, "a", "b", "c")} {
		if !us.Owns(path) {
			t.Errorf("%s is not ours", path)
		}
		if other.Owns(path) {
			t.Errorf("%s is another's", path)
		}
	}
	if us.Owns("/no-such-home/.cache") {
		t.Error("a home would be made at the top of the file system")
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if us.Owns(filepath.Join(file, "below")) {
		t.Error("below a file nothing can be made")
	}
}

func TestIdentify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if id := Identify(path); id != Missing || id.Rested(0) {
		t.Errorf("missing: %q", id)
	}
	if err := os.WriteFile(path, []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := Identify(path)
	if before.Rested(time.Hour) || !before.Rested(-time.Hour) {
		t.Errorf("rested: %q", before)
	}
	if err := os.WriteFile(path, []byte("ab"), 0o600); err != nil {
		t.Fatal(err)
	}
	if Identify(path) == before {
		t.Error("a change is not seen")
	}
}

func TestFinder(t *testing.T) {
	dir := t.TempDir()
	make := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	make("shims/python", 0o755)
	make("shims/"+Marker, 0o644)
	make("plain/python", 0o644)
	want := make("real/python", 0o755)
	make("later/python", 0o755)
	if err := os.MkdirAll(filepath.Join(dir, "dir", "python"), 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "self"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "self", "python")); err != nil {
		t.Fatal(err)
	}
	path := strings.ReplaceAll(":.:shims:D/shims:D/none:D/plain:D/dir:D/self:D/real:D/real:D/later", "D", dir)
	f := NewFinder(path)
	if got, ok := f.Program("python"); !ok || got != want {
		t.Errorf("got %q, %v; want %q", got, ok, want)
	}
	if got, ok := f.Program("ruby"); ok {
		t.Errorf("found %q", got)
	}
	for _, d := range f.Dirs() {
		if !filepath.IsAbs(d) || strings.HasSuffix(d, "shims") {
			t.Errorf("searches %q", d)
		}
	}
	if n := len(f.Dirs()); n != 6 {
		t.Errorf("searches %d directories: %q", n, f.Dirs())
	}
}

func TestExecuted(t *testing.T) {
	if got := Executed(); got != os.Args[0] {
		t.Errorf("the kernel was given %q, not %q", got, os.Args[0])
	}
	if exe, _ := os.Executable(); Self() != exe {
		t.Errorf("this program is %q, not %q", Self(), exe)
	}
}
