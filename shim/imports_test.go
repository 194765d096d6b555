package shim

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The stages of a call, which do not know one another: only this package knows their order.
var stages = []string{"intercept", "resolve", "preflight", "lock", "launch"}

// The libraries, which know no stage.
var libraries = []string{"decode", "host", "say", "remember", "uv", "nixld", "elfdeps", "pip", "provided", "redact"}

// heavy are packages that no call of python may link in, for what their initialisation costs each
// one. Milliseconds over a Go program that only execs, measured with hyperfine.
var heavy = map[string]string{
	"net/http":      "+0.46",
	"net":           "its resolver and its tables",
	"debug/elf":     "+0.11, and it reads section headers, which the loader does not",
	"regexp":        "+0.10 as soon as one expression is compiled at start",
	"crypto/tls":    "comes with net/http",
	"text/template": "+0.1, with reflection over everything",
	"testing":       "flags and all that tests need",

	"github.com/spf13/cobra":          "+0.15; the flag package and one table do",
	"github.com/alecthomas/kong":      "+0.20; the flag package and one table do",
	"github.com/urfave/cli/v3":        "+0.13; the flag package and one table do",
	"github.com/pelletier/go-toml/v2": "its unstable parser is enough",
}

type listed struct {
	ImportPath string
	Imports    []string
}

func listPackages(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skipf("no go to list packages with: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(out); d.More(); {
		var p listed
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestImports_hotPath(t *testing.T) {
	for _, p := range listPackages(t, "-deps", "uvshim/cmd/shim") {
		if why, ok := heavy[p.ImportPath]; ok {
			t.Errorf("the program links %s: %s", p.ImportPath, why)
		}
	}
}

// kind returns what a package of ours is: stage, library, policy, or other.
func kind(path string) string {
	rest, ok := strings.CutPrefix(path, "uvshim/")
	if !ok {
		return ""
	}
	if rest == "policy" || strings.HasPrefix(rest, "policy/") {
		return "policy"
	}
	rest, ok = strings.CutPrefix(rest, "shim/")
	if !ok {
		return "other"
	}
	first, _, _ := strings.Cut(rest, "/")
	switch {
	case slices.Contains(stages, first):
		return "stage"
	case slices.Contains(libraries, first):
		return "library"
	}
	return "other"
}

func TestImports_edges(t *testing.T) {
	allowed := map[string][]string{
		"policy":  {"policy"},
		"library": {"policy", "library"},
		"stage":   {"policy", "library"},
	}
	seen := map[string]int{}
	for _, p := range listPackages(t, "uvshim/...") {
		from := kind(p.ImportPath)
		seen[from]++
		to, limited := allowed[from]
		for _, imported := range p.Imports {
			k := kind(imported)
			within := k == from && strings.HasPrefix(imported, p.ImportPath+"/")
			if limited && k != "" && !within && !slices.Contains(to, k) {
				t.Errorf("%s (%s) imports %s (%s)", p.ImportPath, from, imported, k)
			}
		}
	}
	for _, k := range []string{"policy", "library", "stage"} {
		if seen[k] < 2 {
			t.Errorf("only %d packages are taken for a %s: the rule sees nothing", seen[k], k)
		}
	}
}

// The outside world is behind host: elsewhere the environment and the arguments are values.
func TestImports_outside(t *testing.T) {
	forbidden := map[string][]string{
		"os": {"Getenv", "LookupEnv", "Environ", "Setenv", "Unsetenv", "Getwd", "Args", "Exit", "UserHomeDir", "UserCacheDir", "UserConfigDir"},
	}
	files := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testscripts" || d.Name() == "testdata" || d.Name() == "generate" || d.Name() == "host" || d.Name() == "cmd" || strings.HasPrefix(d.Name(), ".") && d.Name() != "..") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			for _, f := range forbidden[name] {
				if strings.Contains(string(text), name+"."+f) {
					t.Errorf("%s uses %s.%s: the world is behind shim/host", path, name, f)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Errorf("looked at %d files only", files)
	}
}
