package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A target is a fuzz test: "./shim/lock" and "FuzzDecode".
type target struct{ pkg, name string }

// targets returns the fuzz tests of the module at dir whose package and name contain match. It
// reads their sources: to list tests, go would build all of them.
func targets(dir, match string) ([]target, error) {
	var list []target
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(dir, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Fuzz") {
				continue
			}
			if t := (target{"./" + below, f.Name.Name}); strings.Contains(t.pkg+"."+t.name, match) {
				list = append(list, t)
			}
		}
		return nil
	})
	return list, err
}

// fuzz runs one target after the other. What go test finds it writes below the package's
// testdata/fuzz, where it is a test of the package from then on.
func fuzz(o options) error {
	list, err := targets(".", o.match)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return fmt.Errorf("no fuzz target is called %q", o.match)
	}
	var executions uint64
	found := 0
	for _, t := range list {
		out, err := exec.Command("go", "test", "-run=^$", "-fuzz=^"+t.name+"$", "-fuzztime="+o.time.String(), "-fuzzminimizetime=10x", "-timeout=6h", t.pkg).CombinedOutput()
		n, fresh := progress(out)
		executions += n
		fmt.Fprintf(o.out, "| %s.%s | %d | %d new inputs | %s |\n", t.pkg, t.name, n, fresh, finding(err))
		if err != nil {
			found++
			o.out.Write(failure(out))
		}
	}
	fmt.Fprintf(o.out, "| fuzzing of %d targets, %s each | %d | %d | `go run ./testscripts/differ fuzz -time %s` |\n", len(list), o.time, executions, found, o.time)
	if found > 0 {
		return errFound
	}
	return nil
}

func finding(err error) string {
	if err != nil {
		return "FOUND"
	}
	return "nothing"
}

// progress returns the executions and the inputs that were new from the last line that tells.
func progress(out []byte) (executions, fresh uint64) {
	all := regexp.MustCompile(`execs: (\d+) .*new interesting: (\d+)`).FindAllSubmatch(out, -1)
	if len(all) > 0 {
		last := all[len(all)-1]
		fmt.Sscan(string(last[1]), &executions)
		fmt.Sscan(string(last[2]), &fresh)
	}
	return executions, fresh
}

// failure leaves out the lines on how far it has come.
func failure(out []byte) []byte {
	var kept []byte
	for line := range bytes.Lines(out) {
		if !bytes.HasPrefix(line, []byte("fuzz: elapsed:")) {
			kept = append(kept, line...)
		}
	}
	return kept
}
