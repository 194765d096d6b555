package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"uvshim/shim/host"
	"uvshim/testscripts/parts"
)

// text prints the arguments of a Python script.
const text = "import sys\nfor a in sys.argv[1:]: print('argument <' + a + '>')\n"

// newPrograms is a real uv with programs that print their arguments: show on PATH, show.py as a
// script and a module, and noname, a script that only --script makes one.
func newPrograms(t *testing.T) *real {
	t.Helper()
	// not a shim of a version manager, which uv would start anew for every line
	python, err := exec.Command(parts.Tool(t, "python3"), "-c", "import sys; print(sys.base_exec_prefix + '/bin')").Output()
	if err != nil {
		t.Fatal(err)
	}
	r := newReal(t)
	bin := filepath.Join(filepath.Dir(r.cwd), "bin")
	files := map[string]string{
		filepath.Join(bin, "show"):              "#!/bin/sh\nfor a; do echo \"argument <$a>\"; done\n",
		filepath.Join(r.cwd, "show.py"):         text,
		filepath.Join(r.cwd, "noname"):          text,
		filepath.Join(r.cwd, "a.env"):           "",
		filepath.Join(r.cwd, "sub", "empty.in"): "",
	}
	for path, text := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.env = host.Env(r.env).With("PATH", bin+":"+strings.TrimSpace(string(python)))
	return r
}

// What Parse takes for the program's arguments is what the program gets from the real uv.
func TestParse_programs(t *testing.T) {
	r := newPrograms(t)
	type row struct {
		tool, line string
		skip       int // words of the program before its arguments
	}
	var rows []row
	for _, options := range []string{
		"run", "-q run", "--offline --no-config run", "run -q", "run --no-project", "run -p 3", "run -p3 -v", "run -vp=3",
		"run --python=3 --no-sync", "run --directory sub", "--directory sub run -v", "run --env-file a.env --no-progress",
		"run --", "run -v --", "--color=never run --no-project --reinstall --",
	} {
		for _, program := range []string{
			"show", "show a -b", "show --help", "show -- a", "show -q --frozen -p 4", "show - --", "show '' x",
			"show --no-such=1 -V --",
		} {
			rows = append(rows, row{"uv", options + " " + program, 1})
		}
	}
	rows = append(rows, []row{
		{"uv", "run show.py -v a", 1},
		{"uv", "run -- show.py -- -v", 1},
		{"uv", "run - a -q", 1},
		{"uv", "run -q -- - -- a", 1},
		{"uv", "run -s noname -s a", 1},
		{"uv", "run --script noname --script", 1},
		{"uv", "run -m show -m -q", 1},
		{"uv", "run -qm -- show --help", 1},
		{"uv", "run --module show -- x", 1},
		{"uv", "run python show.py -q a", 2},
		{"uv", "run -- python show.py -- a", 2},
		{"uv", "tool run python show.py -q -- a", 2},
		{"uv", "tool run -q -- python show.py --from b", 2},
		{"uv", "tool -q uvx --isolated python show.py -V", 2},
		{"uvx", "python show.py --help", 2},
		{"uvx", "-q python show.py run", 2},
		{"uvx", "--no-config -p 3 -- python show.py -p 3", 2},
	}...)
	for _, row := range rows {
		args := fields(row.line)
		l := Parse(row.tool, args)
		if !l.Known || len(l.Program) < row.skip {
			t.Errorf("%s %s: %s", row.tool, row.line, show(l))
			continue
		}
		out, status := r.run(t, row.tool, args...)
		var got []string
		for line := range strings.Lines(out) {
			if rest, ok := strings.CutPrefix(line, "argument <"); ok {
				got = append(got, strings.TrimSuffix(rest, ">\n"))
			}
		}
		if status != 0 || !slices.Equal(got, l.Program[row.skip:]) {
			t.Errorf("%s %s: the program gets %q, %q was understood\nuv exits with %d and says\n%s", row.tool, row.line, got, l.Program[row.skip:], status, out)
		}
	}
}
