package main

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"uvshim/testscripts/parts"
)

// module makes a module of one package and goes there. Of half, the test looks at 10 only.
func module(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example\n\ngo 1.25\n",
		"half/half.go": `package half

// Half returns half of n, and 0 for what is below 0.
func Half(n int) int {
	if n < 0 {
		return 0
	}
	return n / 2
}
`,
		"half/half_test.go": `package half

import "testing"

func TestHalf(t *testing.T) {
	if Half(10) != 5 {
		t.Fail()
	}
}

func FuzzHalf(f *testing.F) {
	f.Add(1)
	f.Fuzz(func(t *testing.T, n int) {
		if n != 1 {
			t.Error("too much")
		}
	})
}
`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

// Of the changes to a package whose test sees half of it, those to the other half survive, and no
// file is left changed.
func TestMutants(t *testing.T) {
	parts.Tool(t, "bwrap")
	module(t)
	before, err := os.ReadFile("half/half.go")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run([]string{"mutants", "-only", "./half"}, &out); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	const want = `| ./half | change | |
|---|---|---|
| half.go:5:2 | ` + "`without: if n < 0 { …`" + ` | **lives** |
| half.go:5:5 | ` + "`if not: n < 0`" + ` | killed by TestHalf |
| half.go:5:7 | ` + "`n < 0 with <=`" + ` | **lives** |
| half.go:5:9 | ` + "`0 + 1`" + ` | **lives** |
| half.go:6:3 | ` + "`without: return 0`" + ` | **lives** |
| half.go:6:10 | ` + "`0 + 1`" + ` | **lives** |
| half.go:8:13 | ` + "`2 + 1`" + ` | killed by TestHalf |

./half: 7 mutants, 2 killed, 0 hang, 5 live (0 more do not build), seed 1

`
	if text != want {
		t.Errorf("got\n%s", text)
	}
	if after, err := os.ReadFile("half/half.go"); err != nil || !bytes.Equal(before, after) {
		t.Error("the module itself was changed")
	}
}

// A package whose tests fail as they are tells nothing.
func TestMutants_broken(t *testing.T) {
	parts.Tool(t, "bwrap")
	module(t)
	if err := os.WriteFile("half/broken_test.go", []byte("package half\n\nimport \"testing\"\n\nfunc TestBroken(t *testing.T) { t.Fatal(\"no\") }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"mutants", "-only", "./half"}, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "fail in the sandbox as they are") {
		t.Errorf("%v", err)
	}
}

func TestMutationsOf(t *testing.T) {
	const source = `package p

import "fmt"

const limit = 10

func f(list []string, ok bool) (n int, err error) {
	for _, word := range list {
		if word == "x" && !ok {
			n++
			continue
		}
		switch {
		case n > limit:
			return n, fmt.Errorf("%d words", n)
		}
	}
	defer fmt.Println(true)
	return n - 1, nil
}
`
	list, err := mutationsOf("p.go", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range list {
		got = append(got, m.String())
		changed := m.apply([]byte(source))
		if _, err := parser.ParseFile(token.NewFileSet(), "p.go", changed, 0); err != nil || bytes.Equal(changed, []byte(source)) {
			t.Errorf("%s gives %v\n%s", m, err, changed)
		}
	}
	want := strings.Split(`p.go:5:15: 10 + 1
p.go:8:2: without: for _, word := range list { …
p.go:18:2: without: defer fmt.Println(true)
p.go:9:3: without: if word == "x" && !ok { …
p.go:9:6: if not: word == "x" && !ok
p.go:9:18: word == "x" && !ok with ||
p.go:9:11: word == "x" with !=
p.go:9:14: "x" becomes ""
p.go:10:4: without: n++
p.go:11:4: without: continue
p.go:15:4: without: return n, fmt.Errorf("%d words", n)
p.go:14:8: if not: n > limit
p.go:14:10: n > limit with >=
p.go:18:20: true becomes false
p.go:19:11: n - 1 with +
p.go:19:13: 1 + 1`, "\n")
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func TestFuzz(t *testing.T) {
	module(t)
	var out bytes.Buffer
	err := run([]string{"fuzz", "-time", "10s", "-match", "half.FuzzHalf"}, &out)
	if !errors.Is(err, errFound) || !strings.Contains(out.String(), "FOUND") || !strings.Contains(out.String(), "too much") {
		t.Errorf("%v\n%s", err, &out)
	}
	if err := run([]string{"fuzz", "-time", "1s", "-match", "other"}, &out); err == nil || errors.Is(err, errFound) {
		t.Errorf("without a target: %v", err)
	}
}

// The module's own targets are found, all of them by the text of the files.
func TestTargets(t *testing.T) {
	list, err := targets("../..", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []target{{"./policy/version", "FuzzParse"}, {"./shim/redact", "FuzzRedact"}, {"./shim/elfdeps", "FuzzRead"}} {
		if !slices.Contains(list, want) {
			t.Errorf("no %v in %v", want, list)
		}
	}
	for _, one := range list {
		if files, _ := filepath.Glob(filepath.Join("../..", one.pkg, "*_test.go")); len(files) == 0 {
			t.Errorf("%v is nowhere", one)
		}
	}
}

// Every comparison is a test of its package that takes its trials from the environment.
func TestComparisons(t *testing.T) {
	for _, c := range comparisons {
		files, err := filepath.Glob(filepath.Join("../..", c.pkg, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(files, func(file string) bool {
			tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			return err == nil && slices.ContainsFunc(tree.Decls, func(d ast.Decl) bool {
				f, ok := d.(*ast.FuncDecl)
				return ok && f.Name.Name == c.test
			})
		})
		if !found {
			t.Errorf("%s: %s has no %s", c.word, c.pkg, c.test)
		}
	}
}

// A comparison's trials are run and counted.
func TestCompare(t *testing.T) {
	parts.UV(t)
	t.Chdir("../..")
	var out bytes.Buffer
	if err := run([]string{"lines", "-n", "3", "-seed", "5"}, &out); err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
	// one of the three is skipped
	if want := "| lines against uv | 2 | 0 | `go run ./testscripts/differ lines -n 3 -seed 5` |\n"; out.String() != want {
		t.Errorf("%s", &out)
	}
}

func TestResult(t *testing.T) {
	n, differences, ok := result([]byte("    x_test.go:3: trials: 40, differences: 2\n"))
	if n != 40 || differences != 2 || !ok {
		t.Error(n, differences, ok)
	}
	if _, _, ok := result([]byte("FAIL\n")); ok {
		t.Error("a test that did not run has a result")
	}
}

func TestProgress(t *testing.T) {
	n, fresh := progress([]byte("fuzz: elapsed: 0s, gathering baseline coverage: 0/3 completed\nfuzz: elapsed: 3s, execs: 100 (33/sec), new interesting: 2 (total: 5)\nfuzz: elapsed: 6s, execs: 250 (50/sec), new interesting: 3 (total: 6)\nPASS\n"))
	if n != 250 || fresh != 3 {
		t.Error(n, fresh)
	}
}

func TestRun_usage(t *testing.T) {
	for _, args := range [][]string{nil, {"nothing"}, {"fuzz", "x"}, {"graphs", "-time", "1s"}} {
		if err := run(args, &bytes.Buffer{}); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}

// A mutant that hangs is stopped, and the others are tried.
func TestMutants_hangs(t *testing.T) {
	parts.Tool(t, "bwrap")
	module(t)
	const source = "package half\n\n// Half returns half of n.\nfunc Half(n int) (half int) {\n\tfor n > 1 {\n\t\tn -= 2\n\t\thalf++\n\t}\n\treturn half\n}\n"
	if err := os.WriteFile("half/half.go", []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run([]string{"mutants", "-only", "half/half.go", "-time", "1s"}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| half.go:6:3 | `without: n -= 2` | hangs in the whole |", "| half.go:7:3 | `without: half++` | killed by TestHalf |"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

func TestSample(t *testing.T) {
	var list []mutation
	for i := range 100 {
		list = append(list, mutation{start: i})
	}
	a, b := sample(list, 10, 1), sample(list, 10, 1)
	byStart := func(x, y mutation) int { return x.start - y.start }
	if len(a) != 10 || !slices.Equal(a, b) || !slices.IsSortedFunc(a, byStart) || slices.Equal(a, sample(list, 10, 2)) {
		t.Errorf("%v\n%v", a, b)
	}
	if len(sample(list, 0, 1)) != 100 || len(sample(list, 200, 1)) != 100 {
		t.Error("not all")
	}
}

// Quick tests come first, and a test is as slow as its rows together.
func TestGroups(t *testing.T) {
	list := groups(seconds([]byte(`--- PASS: TestSlow (0.00s)
    --- PASS: TestSlow/a (2.00s)
        --- PASS: TestSlow/a/b (1.00s)
    --- PASS: TestSlow/c (3.00s)
--- PASS: TestQuick (0.10s)
--- PASS: TestMiddle (1.00s)
`)), "", time.Minute)
	want := []group{
		{[]string{"-test.skip=^(TestMiddle|TestSlow)$"}, 15600 * time.Millisecond},
		{[]string{"-test.run=^TestMiddle$", "-test.skip="}, 21 * time.Second},
		{[]string{"-test.run=^TestSlow$", "-test.skip="}, 45 * time.Second},
	}
	if !reflect.DeepEqual(list, want) {
		t.Errorf("%v", list)
	}
}

func TestFailed(t *testing.T) {
	for out, want := range map[string]string{
		"--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/b (0.00s)\n        --- FAIL: TestA/b/c (0.00s)\n    --- FAIL: TestA/d (0.00s)\n": "TestA/b/c",
		"--- FAIL: TestA (0.00s)\n--- FAIL: TestB (0.00s)\nFAIL\n":                                                                     "TestA",
		"fatal error: stack overflow\n": "the whole",
	} {
		if got := failed([]byte(out)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
