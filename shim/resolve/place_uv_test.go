package resolve

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"uvshim/shim/host"
	"uvshim/shim/remember"
	"uvshim/shim/uv"
	"uvshim/shim/uv/cli"
	"uvshim/testscripts/parts"
)

// A sandbox is a home with projects, environments and tools that the real uv made, and a directory
// beside it which all copies of it share: wheels, interpreters, the cache.
type sandbox struct {
	uv      string
	root    string // of the copy
	shared  string
	a, b    parts.Python
	environ host.Env
}

// projects is what lies in the sandbox before uv makes the environments in it.
const projects = `
-- p/pyproject.toml --
[project]
name = "p"
version = "1"
requires-python = ">=3.10"
dependencies = ["aa"]
[project.optional-dependencies]
more = ["bb"]
[dependency-groups]
extra = ["bb"]
INDEX
-- p/x.py --
PRINT
-- p/x.pyw --
PRINT
-- p/plain --
text
-- p/deep/er/x.py --
PRINT
-- p/pkg/__main__.py --
PRINT
-- p/meta.py --
METADATA
PRINT
-- p/meta.pyw --
METADATA
PRINT
-- p/old.py --
# /// script
# requires-python = "<3"
# ///
PRINT
-- p/broken.py --
# /// script
# dependencies = [
# ///
PRINT
-- p/unclosed.py --
# /// script
# dependencies = []
PRINT
-- p/Meta_Two.x.py --
METADATA
PRINT
-- p/noext --
METADATA
PRINT
-- ws/pyproject.toml --
[project]
name = "ws"
version = "1"
requires-python = ">=3.10"
[tool.uv.workspace]
members = ["m/*"]
exclude = ["m/out"]
INDEX
-- ws/m/one/pyproject.toml --
[project]
name = "one"
version = "1"
requires-python = ">=3.10"
dependencies = ["aa"]
-- ws/m/one/x.py --
PRINT
-- ws/m/two/pyproject.toml --
[project]
name = "two"
version = "1"
requires-python = ">=3.10"
-- ws/m/out/pyproject.toml --
[project]
name = "out"
version = "1"
requires-python = ">=3.10"
-- ws/other/pyproject.toml --
[project]
name = "other"
version = "1"
requires-python = ">=3.10"
-- virtual/pyproject.toml --
[tool.uv.workspace]
members = ["v"]
-- virtual/v/pyproject.toml --
[project]
name = "v"
version = "1"
requires-python = ">=3.10"
-- groups/pyproject.toml --
[dependency-groups]
dev = ["aa"]
INDEX
-- unmanaged/pyproject.toml --
[project]
name = "unmanaged"
version = "1"
[tool.uv]
managed = false
-- invalid/pyproject.toml --
[project
-- bare/x.py --
PRINT
-- bare/sub/x.py --
PRINT
-- loose/sub/x.py --
PRINT
-- redirect/pyproject.toml --
[project]
name = "redirect"
version = "1"
requires-python = ">=3.10"
-- empty/pyproject.toml --
[project]
name = "empty"
version = "1"
requires-python = ">=3.10"
-- pinned/pyproject.toml --
[project]
name = "pinned"
version = "1"
requires-python = ">=3.10"
dependencies = ["aa"]
INDEX
-- pinned/.python-version --
OTHER
-- pipset/uv.toml --
[pip]
python = "BARE"
-- cacheset/uv.toml --
cache-dir = "ELSEWHERE"
-- cacheset/own.py --
# /// script
# dependencies = []
# [tool.uv]
# cache-dir = "own"
# ///
PRINT
-- cacheset/meta.py --
METADATA
PRINT
-- dotted/.venv/readme --
no environment
-- bare/dots/.venv/readme --
no environment
-- pk/pyproject.toml --
[project]
name = "pk"
version = "1"
-- pk/__main__.py --
PRINT
-- home/x --
`

// made are the calls of uv that fill the sandbox, each with its directory first.
var made = []string{
	"p sync", "ws sync --all-packages", "virtual sync", "redirect sync", "pinned sync -p {A}", "groups sync",
	"bare venv", "bare venv other -p {B}", "bare venv act", "loose venv sub/inner", ". venv far",
	"bare tool install {WHEELS}/tt-1.0-py3-none-any.whl", "bare tool install {WHEELS}/uu-1.0-py3-none-any.whl --prerelease allow",
}

func makeSandbox(t *testing.T) sandbox {
	t.Helper()
	uvPath, err := filepath.Abs(parts.UV(t))
	if err != nil {
		t.Fatal(err)
	}
	pythons := parts.Pythons(t)
	if len(pythons) < 2 {
		parts.Missing(t, errors.New("the sandbox needs Pythons of two minor versions"))
	}
	s := sandbox{uv: uvPath, root: filepath.Join(t.TempDir(), "sandbox"), shared: t.TempDir(), a: pythons[0], b: pythons[1]}
	for _, dir := range []string{"wheels", "bin", "cache"} {
		s.must(t, os.Mkdir(filepath.Join(s.shared, dir), 0o755))
	}
	for link, target := range map[string]string{"python3": s.a.Exe, "python" + s.a.Minor: s.a.Exe, "python" + s.b.Minor: s.b.Exe} {
		s.must(t, os.Symlink(target, filepath.Join(s.shared, "bin", link)))
	}
	for _, w := range []string{"aa", "bb", "tt", "uu"} {
		writeWheel(t, filepath.Join(s.shared, "wheels"), w)
	}
	replace := strings.NewReplacer(
		"PRINT", "import sys; print(sys.prefix)",
		"METADATA", "# /// script\n# dependencies = []\n# ///",
		"INDEX", fmt.Sprintf("[tool.uv]\nno-index = true\nfind-links = [%q]", filepath.Join(s.shared, "wheels")),
		"OTHER", s.b.Minor,
		"ELSEWHERE", filepath.Join(s.shared, "elsewhere"),
		"BARE", filepath.Join(s.root, "bare", "other"),
	)
	for _, f := range txtar.Parse([]byte(projects)).Files {
		path := filepath.Join(s.root, f.Name)
		s.must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		s.must(t, os.WriteFile(path, []byte(replace.Replace(string(f.Data))), 0o644))
	}
	s.must(t, writeArchive(filepath.Join(s.root, "p", "app.pyz")), writeArchive(filepath.Join(s.root, "p", "deep", "app.pyz")))
	s.environ = s.env()
	for _, line := range made {
		words := s.words(line)
		if out, err := s.command(words[0], s.environ, words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("uv %s: %v\n%s", line, err, out)
		}
	}
	// links and redirects, as text relative to the file, so that they hold in a copy
	s.must(t, os.Rename(filepath.Join(s.root, "redirect", ".venv"), filepath.Join(s.root, "redirect", "env")))
	s.must(t, os.WriteFile(filepath.Join(s.root, "redirect", ".venv"), []byte("env\n"), 0o644))
	// uv writes uv.lock last where nothing was installed; a clock that ticks slowly does not show it
	later := time.Now().Add(time.Second)
	lock, err := os.ReadFile(filepath.Join(s.root, "redirect", "uv.lock"))
	s.must(t, err, os.Chtimes(filepath.Join(s.root, "redirect", "uv.lock"), later, later), os.Chtimes(filepath.Join(s.root, "virtual", "uv.lock"), later, later), os.Mkdir(filepath.Join(s.root, "lockonly"), 0o755), os.WriteFile(filepath.Join(s.root, "lockonly", "uv.lock"), lock, 0o644))
	s.must(t, os.MkdirAll(filepath.Join(s.root, "linked"), 0o755))
	s.must(t, os.Symlink("../far", filepath.Join(s.root, "linked", ".venv")))
	s.must(t, os.Symlink("p", filepath.Join(s.root, "alias")))
	s.must(t, os.MkdirAll(filepath.Join(s.root, "conda", "bin"), 0o755))
	s.must(t, os.Symlink(s.a.Exe, filepath.Join(s.root, "conda", "bin", "python")))
	return s
}

func (s sandbox) must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// copy returns the part of the sandbox that text speaks of, in a directory of its own.
func (s sandbox) copy(t *testing.T, text string) sandbox {
	t.Helper()
	root := filepath.Join(t.TempDir(), "sandbox")
	s.must(t, os.MkdirAll(filepath.Join(root, "home"), 0o755))
	entries, err := os.ReadDir(s.root)
	s.must(t, err)
	args := []string{"-a"}
	for _, e := range entries {
		name := e.Name()
		word := func(r rune) bool { return !(r >= 'a' && r <= 'z') }
		words := strings.FieldsFunc(text, word)
		if slices.Contains(words, name) || name == "p" && slices.Contains(words, "alias") || name == "far" && slices.Contains(words, "linked") {
			args = append(args, filepath.Join(s.root, name))
		}
	}
	if strings.Contains(text, "uvx") || strings.Contains(text, "tool") {
		args = append(args, filepath.Join(s.root, "home"))
	}
	if len(args) > 1 {
		if out, err := exec.Command("cp", append(args, root)...).CombinedOutput(); err != nil {
			t.Fatalf("cp: %v: %s", err, out)
		}
	}
	s.root = root
	s.environ = s.env()
	return s
}

func (s sandbox) env() host.Env {
	return host.Env{
		"HOME=" + filepath.Join(s.root, "home"),
		"PATH=" + filepath.Join(s.shared, "bin"),
		"TMPDIR=" + s.shared,
		"XDG_CACHE_HOME=" + filepath.Join(s.shared, "cache"),
		"UV_OFFLINE=1",
		"PYTHONDONTWRITEBYTECODE=1", // which would change site-packages
		"UV_PYTHON_DOWNLOADS=never",
		"UV_NO_SYSTEM_CONFIG=1",
	}
}

// words splits a line, and puts in what it names: {A} and {B} are minor versions, {ROOT}, {WHEELS}.
func (s sandbox) words(line string) []string {
	line = strings.NewReplacer("{A}", s.a.Minor, "{B}", s.b.Minor, "{ROOT}", s.root,
		"{WHEELS}", filepath.Join(s.shared, "wheels"), "{EXE}", filepath.Join(s.shared, "bin", "python3")).Replace(line)
	var words []string
	for _, w := range strings.Fields(line) {
		if w == "PROBE" {
			words = append(words, "python", "-c", "import sys; print(sys.prefix)")
			continue
		}
		words = append(words, w)
	}
	return words
}

func (s sandbox) command(dir string, env host.Env, args ...string) *exec.Cmd {
	name := s.uv
	if args[0] == "uvx" {
		name, args = filepath.Join(filepath.Dir(s.uv), "uvx"), args[1:]
	}
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = filepath.Join(s.root, dir), env
	return cmd
}

// place asks ForUV of a call.
func (s sandbox) place(t *testing.T, dir string, env host.Env, args []string) (Place, cli.Line) {
	t.Helper()
	cwd, err := filepath.EvalSymlinks(filepath.Join(s.root, dir))
	s.must(t, err)
	h := host.Host{Env: env, Dir: cwd, UID: os.Geteuid()}
	tool := "uv"
	if args[0] == "uvx" {
		tool, args = "uvx", args[1:]
	}
	line := cli.Parse(tool, args)
	facts := remember.Open(h)
	return ForUV(Question{
		Host: h, UV: uv.Locate(env, h.Dirs(), cwd), Up: uv.Look(facts, cwd), Facts: facts,
		Finder: host.NewFinder(env.Get("PATH")),
	}, line.With(env)), line
}

// environments returns the state of every environment and package directory in the sandbox, and of
// one that may lie in the cache, where the other rows have theirs.
func (s sandbox) environments(t *testing.T, one string) map[string]string {
	t.Helper()
	state := map[string]string{}
	add := func(dir, path string) {
		info, err := os.Lstat(path)
		if err == nil {
			state[dir] += fmt.Sprintln(path, info.ModTime().UnixNano(), host.Identify(path))
		}
	}
	for _, top := range []string{s.root, one} {
		if top == "" || top == one && strings.HasPrefix(one, s.root+"/") {
			continue
		}
		_ = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
			case d.Name() == "pyvenv.cfg":
				add(filepath.Dir(path), path)
			case d.Name() == "site-packages":
				add(filepath.Dir(filepath.Dir(filepath.Dir(path))), path)
			case d.IsDir() && d.Name() == "target":
				add(path, path)
			}
			return nil
		})
	}
	return state
}

// changed returns the directories that two states do not agree on.
func changed(before, after map[string]string) []string {
	var dirs []string
	for dir := range before {
		if before[dir] != after[dir] {
			dirs = append(dirs, dir)
		}
	}
	for dir := range maps.Keys(after) {
		if _, ok := before[dir]; !ok {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	return dirs
}

// writeWheel makes a wheel of one module, whose program of the same name prints its prefix.
func writeWheel(t *testing.T, dir, name string) {
	t.Helper()
	info := name + "-1.0.dist-info/"
	files := []struct{ name, text string }{
		{name + ".py", "import sys\ndef main(): print(sys.prefix)\n"},
		{info + "METADATA", "Metadata-Version: 2.1\nName: " + name + "\nVersion: 1.0\n"},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{info + "entry_points.txt", "[console_scripts]\n" + name + " = " + name + ":main\n"},
	}
	var buf, record bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, f := range files {
		sum := sha256.Sum256([]byte(f.text))
		fmt.Fprintf(&record, "%s,sha256=%s,%d\n", f.name, base64.RawURLEncoding.EncodeToString(sum[:]), len(f.text))
	}
	fmt.Fprintf(&record, "%sRECORD,,\n", info)
	for _, f := range append(files, struct{ name, text string }{info + "RECORD", record.String()}) {
		w, err := z.Create(f.name)
		if err == nil {
			_, err = w.Write([]byte(f.text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(z.Close(), os.WriteFile(filepath.Join(dir, name+"-1.0-py3-none-any.whl"), buf.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// writeArchive makes a Python archive that prints its prefix.
func writeArchive(path string) error {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	w, err := z.Create("__main__.py")
	if err == nil {
		_, err = w.Write([]byte("import sys; print(sys.prefix)\n"))
	}
	return errors.Join(err, z.Close(), os.WriteFile(path, buf.Bytes(), 0o644))
}
