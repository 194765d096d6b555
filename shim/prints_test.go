package shim

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// A result is printed through p.out, which keeps the error of half a result: nothing else of this
// package writes to standard output. Asking what os.Stdout is writes nothing.
func TestPrints(t *testing.T) {
	prints := func(name string, text any) []string {
		t.Helper()
		file, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		return printed(file)
	}
	for text, want := range map[string]int{
		"fmt.Println(1)": 1, "fmt.Printf(`a`)": 1, "fmt.Fprint(os.Stdout, 1)": 1, "os.Stdout.Write(nil)": 1, "println(1)": 1, "x.W = os.Stdout": 1,
		"host.Terminal(os.Stdout)": 0, "fmt.Fprint(os.Stderr, 1)": 0, "fmt.Sprint(1)": 0, "p.out.println(``)": 0, "p.out = &output{file: os.Stdout}": 0,
	} {
		if got := prints("", "package p\nfunc f() { "+text+" }"); len(got) != want {
			t.Errorf("%s: found %q", text, got)
		}
	}
	names, _ := filepath.Glob("*.go")
	n := 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		n++
		for _, what := range prints(name, nil) {
			t.Errorf("%s has %s: results go through p.out", name, what)
		}
	}
	if n < 20 {
		t.Errorf("looked at %d files only", n)
	}
}

// printed returns what of a file writes to standard output past an output.
func printed(file *ast.File) (found []string) {
	name := func(e ast.Expr) string {
		if s, ok := e.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				return x.Name + "." + s.Sel.Name
			}
		}
		if x, ok := e.(*ast.Ident); ok {
			return x.Name
		}
		return ""
	}
	asked := map[ast.Expr]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			switch f := name(n.Fun); {
			case strings.HasPrefix(f, "fmt.Print"), f == "print", f == "println":
				found = append(found, f)
			case f == "host.Terminal":
				asked[n.Args[0]] = true
			}
		case *ast.CompositeLit:
			for _, e := range n.Elts {
				if field, ok := e.(*ast.KeyValueExpr); ok && name(n.Type) == "output" {
					asked[field.Value] = true
				}
			}
		case *ast.SelectorExpr:
			if name(n) == "os.Stdout" && !asked[n] {
				found = append(found, "os.Stdout")
			}
		}
		return true
	})
	return found
}
